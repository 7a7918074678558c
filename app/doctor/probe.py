"""One GET, bounded in time, that tells how far it came: name, connection, TLS, answer.

Certificates are judged as they are for the app's own calls: by the same context.
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
    spending,
    tls_context,
)
from app.twitter.transport.tunnel import Proxy, ProxyTrouble

# What one check may spend on its calls, all together (seconds).
SECONDS = 5.0
MOST_BYTES = 64 * 1024

BROKEN = "the connection breaks before an answer is there"

_Stage = Literal["name", "connection", "tls", "answer"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, whatever its status; the body may be cut short."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class NotReached(Exception):
    """No answer. `stage` is where it ended, and the text says why, to go on after "because".

    `proxy` is what was wrong with the proxy, if it was the proxy.
    """

    def __init__(self, stage: _Stage, why: str, *, proxy: ProxyTrouble | None = None) -> None:
        super().__init__(why)
        self.stage = stage
        self.proxy = proxy


def get(
    url: str,
    *,
    deadline: Deadline,
    headers: Mapping[str, str] | None = None,
    proxy: Proxy | None = None,
) -> Answer:
    """Return the answer to `GET url`, `proxy` being the way for https. Raises `NotReached`.

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
    with contextlib.closing(pool), spending(deadline):
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
                body = response.read(MOST_BYTES)
        except (HTTPError, OSError) as error:
            raise _not_reached(error) from None
    return Answer(status=response.status, headers=response.headers, body=body)


def _not_reached(error: Exception) -> NotReached:
    if failure := proxy_failure(error):
        return NotReached("connection", str(failure), proxy=failure.trouble)
    if isinstance(error, NameResolutionError):
        return NotReached("name", "its name is not known here (DNS)")
    if isinstance(error, NewConnectionError):
        return NotReached("connection", "nobody takes the connection")
    if isinstance(error, ConnectTimeoutError):
        return NotReached("connection", "the connection is not taken in time")
    if isinstance(error, SSLError):
        return NotReached("tls", _tls_reason(error))
    late = isinstance(error, ReadTimeoutError)
    return NotReached("answer", f"no answer came within {SECONDS:.0f} seconds" if late else BROKEN)


def _tls_reason(error: SSLError) -> str:
    """Return OpenSSL's own words about a certificate, or what else went wrong in the handshake."""
    cause = error.args[0] if error.args else None
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {cause.verify_message.rstrip('.')}"
    reason = cause.reason if isinstance(cause, ssl.SSLError) else None
    return f"the TLS handshake fails ({reason or 'it was broken off'})"
