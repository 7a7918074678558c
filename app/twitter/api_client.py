"""Sends requests to the API with a person's access token, and reports what each one used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from app.twitter.circuit_breaker import CircuitBreaker
from app.twitter.endpoints import Endpoint
from app.twitter.problems import refusal
from app.twitter.rate_limit_headers import Window, windows
from app.twitter.source import ApiRequest
from app.twitter.transport.deadline import Deadline
from app.twitter.transport.transport import Response, Transport

_REFUSALS_BEGIN = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiCall:
    """A request that Twitter has answered, as it counts for rate limits and for the bill."""

    endpoint: Endpoint
    items: int = 0
    windows: tuple[Window, ...] = ()


class ApiClient:
    """Sends requests to the API. Made once per app; keeps nothing of a request."""

    def __init__(
        self,
        transport: Transport,
        *,
        api_url: str,
        clock: Callable[[], datetime],
        on_cost: Callable[[str, Decimal], None] | None = None,
    ) -> None:
        """Report to `on_cost` the route of each answer and its price in US dollars, at most."""
        self._transport = transport
        self._api_url = api_url
        self._clock = clock
        self._on_cost = on_cost

    def send(
        self,
        request: ApiRequest,
        access_token: str,
        deadline: Deadline,
        *,
        on_answer: Callable[[ApiCall], None] | None = None,
    ) -> dict[str, Any]:
        """Return the document that answers `request`, after calling `on_answer`.

        Raises `Refused` or one of its kinds for a no, `RateLimited`, `InvalidAnswer` for a body
        that is no document, and the errors of `Transport.send`: then there is no answer to report.
        """
        response = self._transport.send(
            request.endpoint.method,
            f"{self._api_url}{request.path}",
            deadline=deadline,
            headers={"Authorization": f"Bearer {access_token}"},
            params=request.params,
            json=request.json,
            route=request.endpoint.route,
        )
        now = self._clock()
        known = windows(response.headers, now=now)
        items = 0
        try:
            document = _document(response, request.endpoint, now)
            items = _items(document)
        finally:
            if on_answer is not None:
                on_answer(ApiCall(endpoint=request.endpoint, items=items, windows=known))
        if self._on_cost is not None:
            self._on_cost(request.endpoint.route, request.endpoint.price * items)
        return document


def _document(response: Response, endpoint: Endpoint, now: datetime) -> dict[str, Any]:
    if response.status >= _REFUSALS_BEGIN:
        raise refusal(response, now=now, needs=endpoint.needs[0])
    return response.json_object()


def _items(document: dict[str, Any]) -> int:
    """Count the objects that Twitter charges for: those asked for, not the included ones."""
    data = document.get("data")
    return len(data) if isinstance(data, list) else int(isinstance(data, dict))


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectSource:
    """Answers requests from Twitter, with one access token and within one deadline.

    With a `breaker`, reads fail at once while Twitter hangs. A sign-in has none.
    """

    client: ApiClient
    access_token: str = field(repr=False)
    deadline: Deadline
    on_answer: Callable[[ApiCall], None] | None = None  # None: not counted for the person
    breaker: CircuitBreaker | None = None

    def answer(self, request: ApiRequest) -> dict[str, Any]:
        """Send `request` and return its document."""
        send = partial(self.client.send, request, self.access_token, on_answer=self.on_answer)
        if self.breaker is None:
            return send(self.deadline)
        return self.breaker.read(request.endpoint, send, self.deadline)
