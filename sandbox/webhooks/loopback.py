"""Calls webhooks: plain HTTP, on loopback, and nowhere else.

`http.client` follows no redirects and reads no proxy from the environment.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import re
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

ANSWER_SECONDS = 10  # X's page "Webhooks": "Respond within 10 seconds"
_LARGEST_ANSWER = 16 * 1024
LONGEST_URL = 200  # X's specification: CreateWebhooksRequest
_ADDRESS = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()*+,;=%]+")  # RFC 3986 §2, without a fragment


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a call, or why there is none."""

    status: int | None = None
    body: bytes = field(default=b"", repr=False)
    problem: str = ""
    milliseconds: float = 0.0


def objection_to(url: str) -> str:
    """Return why a URL cannot be a webhook, or an empty text.

    X demands https without a port. The exception is http on loopback, with any port.
    """
    if len(url) > LONGEST_URL or not _ADDRESS.fullmatch(url):
        return f"A URL has 1 to {LONGEST_URL} characters of RFC 3986, and no fragment here."
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "The host or the port is invalid."
    if not parts.hostname or "@" in parts.netloc:
        return "A host is required, and no name or password before it."
    if parts.scheme == "https":
        return "" if port is None and not parts.netloc.endswith(":") else "No port is allowed."
    if parts.scheme == "http" and _loopback_address(parts) is not None:
        return ""
    return "The scheme must be https. The sandbox allows http on loopback."


def call(
    method: str, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> Answer:
    """Return the answer, which must have ended within 10 seconds; 16 KB of its body are read.

    A URL that is not http on loopback is not called.
    """
    parts, began = urlsplit(url), time.perf_counter()
    address = _loopback_address(parts) if parts.scheme == "http" else None
    if address is None:
        return Answer(problem="not sent: the sandbox calls http on loopback only")
    line = http.client.HTTPConnection(address, parts.port or 80, timeout=ANSWER_SECONDS)
    target = parts._replace(scheme="", netloc="", path=parts.path or "/").geturl()
    try:
        status, read = _exchanged(
            line, method, target, body, {"Host": parts.netloc, **(headers or {})}
        )
    except (OSError, http.client.HTTPException, ValueError) as problem:
        return Answer(problem=f"no answer: {type(problem).__name__}")
    took = (time.perf_counter() - began) * 1000
    return Answer(status, read, milliseconds=round(took, 1))


def _exchanged(
    line: http.client.HTTPConnection,
    method: str,
    target: str,
    body: bytes | None,
    headers: Mapping[str, str],
) -> tuple[int, bytes]:
    with contextlib.closing(line):
        line.connect()
        # A timeout of the socket begins again with each byte that drips in; this one does not.
        deadline = threading.Timer(ANSWER_SECONDS, _cut, [line.sock])
        deadline.daemon = True
        deadline.start()
        try:
            line.request(method, target, body, headers)
            answer = line.getresponse()
            return answer.status, answer.read(_LARGEST_ANSWER)
        finally:
            deadline.cancel()


def _loopback_address(parts: SplitResult) -> str | None:
    """Return the address of a loopback host without asking DNS; None for every other host."""
    host = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname or ""
    try:
        return host if ipaddress.ip_address(host).is_loopback else None
    except ValueError:
        return None


def _cut(line: socket.socket) -> None:
    with contextlib.suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
