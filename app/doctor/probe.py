"""One GET within a deadline; its error names the stage that failed: name, connection, TLS, answer.

TLS uses the same context as the app's own calls, so it trusts the same certificates.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ReadTimeoutError,
    SSLError,
)
from urllib3.util import parse_url

from app.twitter.transport.deadline import Deadline
from app.twitter.transport.deadline_sockets import (
    CountdownPool,
    CountdownTLSPool,
    proxy_failure,
    socket_deadline,
    tls_context,
)
from app.twitter.transport.tunnel import Proxy, ProxyTrouble

# The time that all calls of one check may take together (seconds).
SECONDS = 5.0
_MOST_BYTES = 64 * 1024

_Stage = Literal["name", "connection", "tls", "answer"]

# The first that fits counts: an error of urllib3, or its cause.
_FAILURES: tuple[tuple[type[Exception], _Stage, str], ...] = (
    (NameResolutionError, "name", "DNS does not know its name"),
    (ConnectionRefusedError, "connection", "connection refused"),
    (NewConnectionError, "connection", "no connection"),
    (ConnectTimeoutError, "connection", "the connection timed out"),
    (ReadTimeoutError, "answer", f"no answer within {SECONDS:.0f} seconds"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """The response, whatever its status; the body may be cut short."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class ProbeFailed(Exception):
    """No response. `stage` is where the probe ended, and the text says why, in a few words.

    `proxy` is the proxy's trouble, if the proxy failed.
    """

    def __init__(self, stage: _Stage, reason: str, *, proxy: ProxyTrouble | None = None) -> None:
        super().__init__(reason)
        self.stage = stage
        self.proxy = proxy


def get(
    url: str,
    *,
    deadline: Deadline,
    headers: Mapping[str, str] | None = None,
    proxy: Proxy | None = None,
) -> Response:
    """Return the response to `GET url`; https goes through `proxy`. Raises `ProbeFailed`.

    Redirects are not followed.
    """
    parts = parse_url(url)
    host, port = parts.host or "", parts.port
    if parts.scheme == "https":
        pool: CountdownPool | CountdownTLSPool = CountdownTLSPool(
            host, port, through=proxy, ssl_context=tls_context()
        )
    else:
        pool = CountdownPool(host, port)
    with contextlib.closing(pool), socket_deadline(deadline):
        try:
            response = pool.urlopen(
                "GET",
                parts.request_uri,
                headers=dict(headers or {}),
                retries=False,
                redirect=False,
                preload_content=False,
                timeout=max(deadline.remaining(), 0.001),
            )
            with contextlib.closing(response):
                body = response.read(_MOST_BYTES)
        except (HTTPError, OSError) as error:
            raise _failure(error) from None
    return Response(status=response.status, headers=response.headers, body=body)


def _failure(error: Exception) -> ProbeFailed:
    if failure := proxy_failure(error):
        return ProbeFailed("connection", str(failure), proxy=failure.trouble)
    if isinstance(error, SSLError):
        return ProbeFailed("tls", _tls_reason(error))
    for kind, stage, reason in _FAILURES:
        if isinstance(error, kind) or isinstance(error.__cause__, kind):
            return ProbeFailed(stage, reason)
    return ProbeFailed("answer", "the connection closed before an answer came")


def _tls_reason(error: SSLError) -> str:
    """Return OpenSSL's own words about a certificate, or the reason why the handshake failed."""
    cause = error.args[0] if error.args else None
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {cause.verify_message.rstrip('.')}"
    reason = cause.reason if isinstance(cause, ssl.SSLError) else None
    return f"the TLS handshake failed ({reason or 'it was cut off'})"
