"""How a request to the API is sent for somebody, and what its answer tells beside the document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from app.twitter.circuit_breaker import Breaker
from app.twitter.endpoints import Endpoint
from app.twitter.problems import refusal
from app.twitter.rate_limit_headers import Window, windows
from app.twitter.source import ApiRequest
from app.twitter.transport.deadline import Deadline
from app.twitter.transport.transport import Answer, Transport

_REFUSALS_BEGIN = 400


def utc_now() -> datetime:
    """Return the time, aware and in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request that Twitter has answered, as it counts for limits and for money."""

    endpoint: Endpoint
    items: int = 0
    windows: tuple[Window, ...] = ()


class Client:
    """Sends requests of the API. Made once per app; keeps nothing of a request."""

    def __init__(
        self, transport: Transport, *, api_url: str, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._transport = transport
        self._api_url = api_url
        self._clock = clock

    def send(
        self,
        request: ApiRequest,
        access_token: str,
        *,
        deadline: Deadline,
        on_answer: Callable[[Asked], None] | None = None,
    ) -> dict[str, Any]:
        """Return the document that answers `request`; call `on_answer` with every answer first.

        Raises `Refused` or one of its kinds for a no, `RateLimited`, `InvalidAnswer` for what is no
        document, and what `Transport.send` raises: that is no answer, and nobody hears of it.
        """
        answer = self._transport.send(
            request.endpoint.method,
            f"{self._api_url}{request.path}",
            deadline=deadline,
            headers={"Authorization": f"Bearer {access_token}"},
            params=request.params,
            json=request.json,
            route=request.endpoint.route,
        )
        now = self._clock()
        known = windows(answer.headers, now=now)
        items = 0
        try:
            document = _document(answer, request.endpoint, now)
            items = _items(document)
        finally:
            if on_answer is not None:
                on_answer(Asked(endpoint=request.endpoint, items=items, windows=known))
        return document


def _document(answer: Answer, endpoint: Endpoint, now: datetime) -> dict[str, Any]:
    if answer.status >= _REFUSALS_BEGIN:
        raise refusal(answer, now=now, needs=endpoint.needs[0])
    return answer.json_object()


def _items(document: dict[str, Any]) -> int:
    """Count what came back, as it is charged for: the objects asked for, not their companions."""
    data = document.get("data")
    return len(data) if isinstance(data, list) else int(isinstance(data, dict))


@dataclass(frozen=True, slots=True, kw_only=True)
class Direct:
    """Twitter itself as the source of answers, for one person and one deadline.

    With a `breaker`, nobody waits for a read while Twitter hangs. A sign-in has none.
    """

    client: Client
    access_token: str = field(repr=False)
    deadline: Deadline
    on_answer: Callable[[Asked], None] | None = None  # None: not held against the person
    breaker: Breaker | None = None

    def answer(self, request: ApiRequest) -> dict[str, Any]:
        """Send `request` and return its document."""
        if self.breaker is None:
            return self._sent(request, self.deadline)
        return self.breaker.read(
            request.endpoint, lambda deadline: self._sent(request, deadline), self.deadline
        )

    def _sent(self, request: ApiRequest, deadline: Deadline) -> dict[str, Any]:
        return self.client.send(
            request, self.access_token, deadline=deadline, on_answer=self.on_answer
        )
