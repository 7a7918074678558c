"""Injects faults: waits, hangs, drips, drops the connection, or answers something else."""

from __future__ import annotations

import contextlib
import functools
import gzip
import select
import socket
import threading
import zlib
from collections.abc import Iterable, Iterator
from typing import cast

from flask import Response, g, request
from werkzeug.http import HTTP_STATUS_CODES

from sandbox.api.dispatch import limits_told
from sandbox.api.problems import plain
from sandbox.control.faults import Fault
from sandbox.request_context import current_world

CHUNK = 64 * 1024
_PACKING = threading.Lock()


def before_the_work() -> Response | None:
    """Return the answer of a fault that comes before the work, if one is due."""
    _take_its_time()
    g.fault = fault = current_world().faults.take(request.method, request.path)
    if fault is None:
        return None
    g.entry.fault = describe(fault)
    g.cleared = current_world().faults.cleared
    if fault.drop == "before":
        return _dropped()
    if "after" in {fault.when, fault.drop}:
        return None
    if _abandoned(fault):
        return _dropped()
    return _spoilt(fault, Response()) if fault.answers() else None


def _take_its_time() -> None:
    cleared = current_world().faults.cleared  # before the setting: a reset changes that first
    if latency := current_world().settings.latency_ms:
        cleared.wait(latency / 1000)


def after_the_work(response: Response) -> Response:
    """Return the answer, changed by the fault."""
    fault: Fault | None = g.get("fault")
    if fault is None:
        return response
    if fault.drop is not None:
        return response if g.get("dropped") else _dropped()
    if fault.when == "after":
        if _abandoned(fault):
            return _dropped()
        response = _spoilt(fault, response) if fault.answers() else response
    if fault.cut_bytes is not None or fault.drip == "body":
        _send_in_pieces(fault, response)
    if fault.drip == "headers":
        _drip_headers(fault, response)
    return response


def describe(fault: Fault) -> str:
    """Return in a few words what a fault does."""
    plain = {"path", "times", "for_seconds", "method", "when", "drip_seconds", "body"}
    if fault.probability == 1:
        plain.add("probability")
    said = [
        name if value is True else f"{name.replace('_', ' ')} {value}"
        for name in fault.__slots__
        if name not in plain and (value := getattr(fault, name)) not in (None, False, 0)
    ]
    return ", ".join(said) or "another body"


def _abandoned(fault: Fault) -> bool:
    """Keep the client waiting, and return whether it gave up. Clearing the faults ends the wait.

    After a delay the work is done even if the client has gone: that is how a client loses
    a refresh token. A client that leaves a hanging server has changed nothing.
    """
    cleared: threading.Event = g.cleared
    cleared.wait(fault.delay_seconds)
    line = _line()
    while fault.hang and not cleared.wait(0.05):
        if line is not None and _hung_up(line):
            return True
    return False


def _hung_up(line: socket.socket) -> bool:
    with contextlib.suppress(OSError, ValueError):
        readable, _, _ = select.select([line], [], [], 0)
        return bool(readable) and not line.recv(1, socket.MSG_PEEK)
    return True


def _line() -> socket.socket | None:
    """Return the connection; a test client has none."""
    return cast("socket.socket | None", request.environ.get("werkzeug.socket"))


def _dropped() -> Response:
    """Close the connection without a byte. The returned response cannot be delivered."""
    g.dropped = True
    _close(_line())
    return Response("The connection would have been dropped here.", 502, mimetype="text/plain")


def _close(line: socket.socket | None) -> None:
    if line is not None:
        with contextlib.suppress(OSError):
            line.shutdown(socket.SHUT_RDWR)


def _spoilt(fault: Fault, real: Response) -> Response:
    """Return the answer that the fault describes; the rest stays as it was."""
    response = Response(status=fault.status or (302 if fault.redirect else real.status_code))
    response.headers.extend((k, v) for k, v in real.headers if not k.startswith("Content-"))
    body, kind = _own_body(fault) or (real.get_data(), real.content_type)
    if fault.gzip:
        response.set_data(_packed(fault.body_bytes) if fault.body_bytes else gzip.compress(body))
        response.headers["Content-Encoding"] = "gzip"
    elif fault.body_bytes is not None:
        response.response = _padding(fault.body_bytes)
        response.headers["Content-Length"] = str(fault.body_bytes)
    else:
        response.set_data(body)
    response.headers["Content-Type"] = fault.content_type or kind or "text/html"
    if fault.redirect:
        response.headers["Location"] = fault.redirect
    _tell_of_limits(response)
    for name, value in (fault.headers or {}).items():
        if value is None:
            response.headers.pop(name, None)
        else:
            response.headers[name] = value
    return response


def _tell_of_limits(response: Response) -> None:
    """Add the rate headers that each answer of the API has, unless the real one brought them."""
    over = response.status_code == 429
    # A redirect is not the API's, and a 401 has no person whose calls could be counted.
    if response.location or response.status_code == 401:
        return
    if over or "x-rate-limit-limit" not in response.headers:
        response.headers.update(limits_told(over=over))


def _own_body(fault: Fault) -> tuple[bytes, str] | None:
    """Return the body of a fault. For a bare error status that is Twitter's problem body."""
    if fault.body is not None:
        return fault.body.encode(), "text/html"
    if fault.status is not None and fault.status >= 400:
        problem = plain(fault.status, HTTP_STATUS_CODES.get(fault.status, "Error"))
        return problem.answer().get_data(), "application/problem+json"
    return None


def _padding(size: int) -> Iterator[bytes]:
    """Yield this many bytes of JSON: a text that never ends."""
    yield b'"'[:size]
    for start in range(1, size, CHUNK):
        yield b"a" * min(CHUNK, size - start)


def _packed(size: int) -> bytes:
    """Return a compressed body of this size, made once."""
    with _PACKING:
        return _packed_now(size)


@functools.lru_cache(maxsize=8)
def _packed_now(size: int) -> bytes:
    packing = zlib.compressobj(level=1, wbits=16 + zlib.MAX_WBITS)
    return b"".join(map(packing.compress, _padding(size))) + packing.flush()


def _send_in_pieces(fault: Fault, response: Response) -> None:
    """Send the body as the fault says. A client notices by the Content-Length of the whole."""
    length = response.content_length or response.calculate_content_length() or 0
    response.headers["Content-Length"] = str(length)
    body, line, cleared = response.iter_encoded(), _line(), g.cleared

    def pieces() -> Iterator[bytes]:
        for piece in body if fault.cut_bytes is None else _up_to(fault.cut_bytes, body):
            for part in _single_bytes(piece) if fault.drip == "body" else [piece]:
                yield part
                cleared.wait(fault.drip_seconds if fault.drip == "body" else 0)
        if fault.cut_bytes is not None:
            _close(line)

    response.response = pieces()


def _up_to(most: int, body: Iterable[bytes]) -> Iterator[bytes]:
    for piece in body:
        yield piece[:most]
        most -= len(piece)
        if most <= 0:
            return


def _single_bytes(piece: bytes) -> Iterator[bytes]:
    for byte in piece:
        yield bytes([byte])


def _drip_headers(fault: Fault, response: Response) -> None:
    """Send the head byte by byte: each read succeeds, and the head does not seem to end.

    No timeout for a single read ever fires on this; only a deadline for the whole call does.
    """
    line = _line()
    if line is None:
        return
    lines = [f"HTTP/1.1 {response.status}", *(f"{k}: {v}" for k, v in response.headers)]
    head = "\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1", "replace")
    with contextlib.suppress(OSError):
        for byte in head:
            line.sendall(bytes([byte]))
            g.cleared.wait(fault.drip_seconds)
        for piece in response.iter_encoded():
            line.sendall(piece)
    _close(line)
