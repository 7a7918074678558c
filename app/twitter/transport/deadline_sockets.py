"""Sockets whose timeout is the time remaining until the deadline.

A read timeout bounds one read, so a server that sends a byte a second could hold a thread for ever.
These sockets set their timeout before every read and write: a call ends with its deadline,
however the bytes arrive.
"""

from __future__ import annotations

import contextlib
import functools
import socket
import ssl
from collections.abc import Iterator
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import certifi
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from app.twitter.transport.deadline import Deadline
from app.twitter.transport.response_head import ShortHead
from app.twitter.transport.tunnel import Proxy, ProxyFailed, ProxyTrouble

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer

CONNECT_SECONDS = 3.0
# Connecting may be retried: nothing was sent yet.
TRIES = 2
# Keep-alive notices dead peers while a connection idles, not when a code must be sent.
_KEEP_ALIVE = [
    (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
]

_current: ContextVar[Deadline] = ContextVar("twitter_deadline")


@contextlib.contextmanager
def socket_deadline(deadline: Deadline) -> Iterator[None]:
    """Bound all sockets in this thread by `deadline`."""
    token = _current.set(deadline)
    try:
        yield
    finally:
        _current.reset(token)


def _arm(sock: socket.socket) -> None:
    left = _current.get().remaining()
    if left <= 0:
        raise TimeoutError("the deadline is used up")
    sock.settimeout(left)


class CountdownSocket(socket.socket):
    """A TCP socket bounded by the current deadline."""

    def recv_into(self, buffer: WriteableBuffer, nbytes: int = 0, flags: int = 0) -> int:
        """Read before the deadline."""
        _arm(self)
        return super().recv_into(buffer, nbytes, flags)

    def sendall(self, data: ReadableBuffer, flags: int = 0) -> None:
        """Write everything before the deadline."""
        _arm(self)
        super().sendall(data, flags)


class CountdownTLSSocket(ssl.SSLSocket):
    """A TLS socket bounded by the current deadline, its handshake included."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - the base class's signature
        """Shake hands before the deadline."""
        _arm(self)
        super().do_handshake(block)

    def recv_into(self, buffer: WriteableBuffer, nbytes: int | None = None, flags: int = 0) -> int:
        """Read before the deadline."""
        _arm(self)
        return super().recv_into(buffer, nbytes, flags)

    def send(self, data: ReadableBuffer, flags: int = 0) -> int:
        """Write before the deadline (`sendall` calls this)."""
        _arm(self)
        return super().send(data, flags)


@functools.cache
def tls_context() -> ssl.SSLContext:
    """Return the client context, which verifies certificates and makes `CountdownTLSSocket`s.

    It trusts the system's authorities (with `SSL_CERT_FILE`) and certifi's. Reading them takes 50
    ms and 2 MB, so a process does it once; the context keeps nothing of a connection.
    """
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslsocket_class = CountdownTLSSocket
    return context


def _connect(host: str, port: int) -> socket.socket:
    deadline = _current.get()
    problem = OSError("the name has no address")
    # Only the resolver's own time-outs bound a look-up: it cannot be interrupted.
    try:
        addresses = socket.getaddrinfo(host, port, 0, socket.SOCK_STREAM)
    except UnicodeError:  # an empty label, or one of more than 63 characters
        raise socket.gaierror("this is no name") from None
    for family, kind, protocol, _, address in addresses * TRIES:
        sock = CountdownSocket(family, kind, protocol)
        try:
            for option in _KEEP_ALIVE:
                sock.setsockopt(*option)
            left = deadline.at_most(CONNECT_SECONDS).remaining()
            if left <= 0:
                raise TimeoutError("the deadline is used up")
            sock.settimeout(left)
            sock.connect(address)
        except OSError as error:
            sock.close()
            problem = error
        else:
            return sock
    raise problem


def _connect_to(proxy: Proxy) -> socket.socket:
    try:
        return _connect(proxy.host, proxy.port)
    except socket.gaierror:
        raise ProxyFailed(ProxyTrouble.NAME) from None
    except TimeoutError:
        raise ProxyFailed(ProxyTrouble.TIMEOUT) from None
    except OSError:
        raise ProxyFailed(ProxyTrouble.CONNECTION) from None


def _connect_through(proxy: Proxy, host: str, port: int) -> socket.socket:
    """Return a connection to `host` through `proxy`; nothing is sent if it raises `ProxyFailed`."""
    deadline = _current.get()
    problem = ProxyFailed(ProxyTrouble.TIMEOUT)
    for _ in range(TRIES):
        if not deadline.remaining():
            break
        sock = _connect_to(proxy)
        try:
            with socket_deadline(deadline.at_most(CONNECT_SECONDS)):
                proxy.connect(sock, host, port)
        except ProxyFailed as error:
            sock.close()
            problem = error
            if error.is_final:
                break
        else:
            return sock
    raise problem


class _Connecting(HTTPConnection):
    """Opens countdown sockets; raises the errors on which urllib3 retries a connection."""

    response_class = ShortHead

    def _new_conn(self) -> socket.socket:
        try:
            return _connect(self._dns_host, self.port or self.default_port)
        except socket.gaierror as error:
            raise NameResolutionError(self.host, self, error) from error
        except TimeoutError as error:
            raise ConnectTimeoutError(self, "connecting took too long") from error
        except OSError as error:
            raise NewConnectionError(self, f"cannot connect: {error}") from error


class _SecureConnecting(_Connecting, HTTPSConnection):
    """The same, before the TLS handshake, and through a proxy if there is one."""

    def __init__(self, *where: Any, through: Proxy | None, **options: Any) -> None:  # noqa: ANN401
        super().__init__(*where, **options)
        self._through = through

    def _new_conn(self) -> socket.socket:
        if self._through is None:
            return super()._new_conn()
        try:
            return _connect_through(self._through, self.host, self.port or self.default_port)
        except ProxyFailed as error:
            raise NewConnectionError(self, f"the proxy fails: {error}") from error


class CountdownPool(HTTPConnectionPool):
    """Keep-alive connections over http, without a proxy: Config allows it on loopback only."""

    ConnectionCls: Any = _Connecting


class CountdownTLSPool(HTTPSConnectionPool):
    """Keep-alive connections over https, `through` a proxy or direct."""

    ConnectionCls: Any = _SecureConnecting

    def __init__(self, *where: Any, through: Proxy | None = None, **options: Any) -> None:  # noqa: ANN401
        # Not urllib3's own `proxy`, which treats a failed CONNECT as an answer, without a retry.
        # Here it is a connection that was not made.
        super().__init__(*where, through=through, **options)


def proxy_failure(error: BaseException | None) -> ProxyFailed | None:
    """Return the failure of the proxy, if that is why a pool made no connection."""
    cause = error.__cause__ if isinstance(error, NewConnectionError) else None
    return cause if isinstance(cause, ProxyFailed) else None
