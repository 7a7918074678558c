"""A tunnel through an HTTP proxy: CONNECT (RFC 9110 §9.3.6), before a byte is sent to Twitter.

The proxy receives the host, the port, and its own password. TLS begins after its answer, so it sees
neither our headers nor a token, and Twitter never receives the password of the proxy.
"""

from __future__ import annotations

import base64
import contextlib
import socket
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from http.client import HTTPException
from typing import Self
from urllib.parse import unquote, urlsplit

from app.twitter.transport.response_head import ShortHead

SUCCESSES = range(200, 300)
SERVER_ERRORS = range(500, 600)


class ProxyTrouble(StrEnum):
    """Why there is no connection through the proxy, to be read after "the proxy fails:"."""

    NAME = "its name is not known here (DNS)"
    CONNECTION = "it takes no connection"
    TIMEOUT = "it does not take the connection in time"
    SILENCE = "it takes the connection and does not answer"
    DROPPED = "it drops the connection"
    GARBAGE = "what it answers is not HTTP"
    PASSWORD = "it asks for another user or password"  # noqa: S105 - the trouble with one
    FORBIDDEN = "it refuses to connect to this host"
    BEHIND = "it answers, and does not reach this host itself"


class ProxyFailed(OSError):
    """The proxy made no connection to Twitter, so nothing was sent. Contains no secret."""

    def __init__(self, trouble: ProxyTrouble, status: int | None = None) -> None:
        super().__init__(f"{trouble} (HTTP {status})" if status else str(trouble))
        self.trouble = trouble

    @property
    def is_final(self) -> bool:
        """Whether a retry is useless: a second wrong password may even lock the user."""
        return self.trouble in {ProxyTrouble.PASSWORD, ProxyTrouble.FORBIDDEN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """The HTTP proxy for all https to Twitter."""

    host: str
    port: int
    authorization: str | None = field(repr=False)

    @classmethod
    def at(cls, url: str) -> Self:
        """Return the proxy at `http://[user:password@]host:port`, which Config has checked."""
        parts = urlsplit(url)
        authorization = None
        if parts.username is not None:
            credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            authorization = f"Basic {base64.b64encode(credentials.encode()).decode()}"  # RFC 7617
        return cls(host=parts.hostname or "", port=parts.port or 0, authorization=authorization)

    @property
    def address(self) -> str:
        """Host and port, fit for a log."""
        return _authority(self.host, self.port)

    def connect(self, sock: socket.socket, host: str, port: int) -> None:
        """Connect `sock`, which is connected to the proxy, to `host`. Raises `ProxyFailed`.

        The socket must have a timeout.
        """
        there = _authority(host, port)
        lines = [f"CONNECT {there} HTTP/1.1", f"Host: {there}"]
        if self.authorization:
            lines.append(f"Proxy-Authorization: {self.authorization}")
        try:
            sock.sendall("\r\n".join([*lines, "", ""]).encode("ascii"))
            status = _status(sock)
        except TimeoutError:
            raise ProxyFailed(ProxyTrouble.SILENCE) from None
        except OSError:  # `RemoteDisconnected` is one, and an HTTPException too
            raise ProxyFailed(ProxyTrouble.DROPPED) from None
        except HTTPException:
            raise ProxyFailed(ProxyTrouble.GARBAGE) from None
        if status not in SUCCESSES:
            raise ProxyFailed(_trouble(status), status)


def _authority(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _status(sock: socket.socket) -> int:
    """Read the head of the answer. The rest is TLS, where the client speaks first."""
    with contextlib.closing(ShortHead(sock, method="CONNECT")) as answer:
        answer.begin()
        return answer.status


def _trouble(status: int) -> ProxyTrouble:
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return ProxyTrouble.PASSWORD
    return ProxyTrouble.BEHIND if status in SERVER_ERRORS else ProxyTrouble.FORBIDDEN
