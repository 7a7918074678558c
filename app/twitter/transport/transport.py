"""Sends HTTP requests to Twitter: pooled, bounded in number and time, without redirects."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from json import dumps
from typing import Any
from urllib.parse import urlencode

import requests
from requests.adapters import HTTPAdapter
from requests.hooks import default_hooks
from requests.structures import CaseInsensitiveDict
from urllib3 import PoolManager
from urllib3.exceptions import HTTPError, MaxRetryError
from urllib3.exceptions import TimeoutError as PoolTimeout

from app.twitter.errors import Busy, InvalidAnswer, TwitterError, Unreachable
from app.twitter.transport.bulkhead import Bulkhead
from app.twitter.transport.deadline import Deadline
from app.twitter.transport.deadline_sockets import (
    CONNECT_SECONDS,
    CountdownPool,
    CountdownTLSPool,
    proxy_failure,
    socket_deadline,
    tls_context,
)
from app.twitter.transport.response_body import MOST_BYTES, NOT_JSON, Bodies
from app.twitter.transport.tunnel import Proxy

# A call with a shorter timeout says nothing about Twitter's health.
REAL_PATIENCE_SECONDS = 2.0
# Labels of metrics, which alerts match (deploy/alerts.yml).
_OUTCOMES = {Busy: "busy", Unreachable: "unreachable", InvalidAnswer: "unreadable"}
SERVER_ERRORS = range(500, 600)
REDIRECTS = range(300, 400)


@dataclass(frozen=True, slots=True)
class Response:
    """A status, case-insensitive headers, and the document in the body, if there is one."""

    status: int
    headers: Mapping[str, str]
    document: object = field(repr=False)  # JSON, or `NOT_JSON`

    def json(self) -> Any:  # noqa: ANN401 - whatever JSON the other side sent
        """Return the document; raise `InvalidAnswer` if there is none."""
        if self.document is NOT_JSON:
            raise InvalidAnswer(
                f"HTTP {self.status} with no JSON, or more of it than Twitter sends"
            )
        return self.document

    def json_object(self) -> dict[str, Any]:
        """Return the document if it is an object; raise `InvalidAnswer` if it is anything else."""
        document = self.json()
        if not isinstance(document, dict):
            raise InvalidAnswer(f"HTTP {self.status} with JSON that is not an object")
        return document


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call for the metrics: no address, no token, nothing of the answer."""

    route: str  # as the documents write it, without ids
    outcome: str  # the status, or one of `_OUTCOMES`
    seconds: float


class _PooledAdapter(HTTPAdapter):
    """requests' adapter on countdown sockets. It lives as long as the app, and is never closed."""

    def __init__(self, proxy: Proxy | None, **options: Any) -> None:  # noqa: ANN401
        self._proxy = proxy
        super().__init__(**options)

    def init_poolmanager(
        self,
        connections: int,
        maxsize: int,
        block: bool = False,  # noqa: FBT001, FBT002 - the base class's signature
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        manager = PoolManager(num_pools=connections, maxsize=maxsize, block=block, **kwargs)
        manager.pool_classes_by_scheme = {
            "http": CountdownPool,
            "https": self._secure_pool,  # type: ignore[dict-item] # it is called, and nothing else
        }
        self.poolmanager = manager

    def _secure_pool(self, *args: Any, **options: Any) -> CountdownTLSPool:  # noqa: ANN401 - as urllib3 calls it
        """Return a pool. Only the first one reads the authorities: the sandbox needs none."""
        return CountdownTLSPool(*args, through=self._proxy, ssl_context=tls_context(), **options)

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:  # noqa: ANN401 - as requests calls it
        """Return status, headers and body, without the cookies and encodings that we never use."""
        response = requests.Response()
        response.status_code, response.raw, response.request = resp.status, resp, req
        response.headers = CaseInsensitiveDict(resp.headers)
        return response

    def cert_verify(self, conn: Any, url: object, verify: object, cert: object) -> None:  # noqa: ANN401, ARG002 - as requests calls it
        """Leave the authorities to the context: requests would read a file for each connection."""
        conn.cert_reqs = "CERT_REQUIRED"


class Transport:
    """Sends requests. Made once per app, used by every thread; keeps nothing of a call."""

    def __init__(
        self,
        *,
        slots: int,
        user_agent: str,
        on_call: Callable[[Call], None],
        proxy: Proxy | None = None,
    ) -> None:
        """Allow `slots` calls at once, so that pages that need no Twitter always find a thread.

        `on_call` is called with every call. All https goes through `proxy`, if there is one.
        """
        self._on_call = on_call
        self._bulkhead = Bulkhead(slots)
        self._bodies = Bodies()
        # Nothing is resent: a code or a refresh token must not be sent twice. Only connecting is
        # retried, before anything is sent (`deadline_sockets`).
        self._adapter = _PooledAdapter(proxy, pool_connections=4, pool_maxsize=slots, max_retries=0)
        self._headers = {
            "User-Agent": user_agent,
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
        }

    def send(  # noqa: PLR0913 - one call, said in full
        self,
        method: str,
        url: str,
        *,
        deadline: Deadline,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        form: str | None = None,
        json: Mapping[str, Any] | None = None,
        max_bytes: int = MOST_BYTES,
        route: str = "other",
    ) -> Response:
        """Send one request and return the response, whatever its status below 500.

        `form` is urlencoded already. `route` is the label of the call in the metrics. Raises `Busy`
        if no slot is free within half a second, `Unreachable` without a complete response before
        the deadline and for a 5xx, `InvalidAnswer` for redirects (a token must not go to another
        host) and for bodies above `max_bytes` after decompression.
        """
        request = _written(
            method,
            f"{url}?{urlencode(params)}" if params else url,
            headers={**self._headers, **(headers or {})},
            form=form,
            json=json,
        )
        request.prepare_content_length(request.body)
        answer = self._sent(request, deadline, max_bytes, route)
        if answer.status in SERVER_ERRORS:
            raise Unreachable(f"HTTP {answer.status}")
        if answer.status in REDIRECTS:
            raise InvalidAnswer(f"HTTP {answer.status}: redirects are not followed")
        return answer

    def _sent(
        self, request: requests.PreparedRequest, deadline: Deadline, max_bytes: int, route: str
    ) -> Response:
        began = time.perf_counter()
        outcome = "unreachable"
        try:
            if not deadline.remaining():
                raise Unreachable("the deadline has passed")
            with self._bulkhead.slot(deadline), socket_deadline(deadline):
                answer = self._exchange(request, deadline, max_bytes)
            outcome = str(answer.status)
        except TwitterError as error:
            outcome = _OUTCOMES.get(type(error), "other")
            raise
        else:
            return answer
        finally:
            seconds = time.perf_counter() - began
            self._on_call(Call(route=route, outcome=outcome, seconds=seconds))

    def _exchange(
        self, request: requests.PreparedRequest, deadline: Deadline, max_bytes: int
    ) -> Response:
        # Without causes (`from None`): they hold the request, and with it the token.
        patience = deadline.remaining()
        try:
            timeout = (CONNECT_SECONDS, max(patience, 0.001))
            response = self._adapter.send(request, stream=True, timeout=timeout)
            with contextlib.closing(response):
                document = self._bodies.document(response, most_bytes=max_bytes, deadline=deadline)
                return Response(response.status_code, response.headers, document)
        except ValueError:  # a chunk of negative size
            raise InvalidAnswer("a body that cannot be taken apart") from None
        except (requests.RequestException, HTTPError, OSError) as error:
            silent = patience >= REAL_PATIENCE_SECONDS and _is_silence(error)
            raise Unreachable(_why(error), silent=silent) from None


def _written(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    form: str | None,
    json: Mapping[str, Any] | None,
) -> requests.PreparedRequest:
    """Return the request that requests would prepare, but faster.

    Its checks of URLs and bodies do not concern ours, and take 5% of a sign-in.
    """
    request = requests.PreparedRequest()
    request.method, request.url, request.hooks = method, url, default_hooks()
    request.headers = CaseInsensitiveDict(headers)
    if form:
        request.headers["Content-Type"] = "application/x-www-form-urlencoded"
        request.body = form
    elif json:
        request.headers["Content-Type"] = "application/json"
        request.body = dumps(json).encode()
    return request


def _why(error: Exception) -> str:
    """Return why there is no response, without a secret."""
    given_up = error.args[0] if error.args else None
    proxy = proxy_failure(given_up.reason) if isinstance(given_up, MaxRetryError) else None
    return f"the proxy fails: {proxy}" if proxy else f"no answer ({type(error).__name__})"


def _is_silence(error: Exception) -> bool:
    """Return whether it was a time-out or a failure to connect, not a broken connection."""
    if isinstance(error, requests.Timeout | PoolTimeout | TimeoutError):
        return True
    # urllib3 retries connecting only, so that is what it gave up (`deadline_sockets`).
    return isinstance(error, requests.ConnectionError) and any(
        isinstance(cause, MaxRetryError) for cause in error.args
    )
