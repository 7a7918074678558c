"""Serves the sandbox: threads, HTTP/1.1 with keep-alive, and a log that never shows a query."""

from __future__ import annotations

import contextlib
import io
import socket
import sys
from collections.abc import Iterable
from typing import Any

from flask import Flask
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.test import run_wsgi_app

from sandbox.errors import InvalidInput

LARGEST_BODY = 4 * 1024 * 1024
_HIGHEST_PORT = 65535


class Handler(WSGIRequestHandler):
    """Answers requests one after another on the same connection.

    Werkzeug's own handler closes after each answer, since it cannot know whether the body was read
    to its end. This one reads the body first, so it knows.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # head and body are two writes; Nagle would part them by 40 ms
    timeout = 75  # for an idle connection
    server_version = "twitter-sandbox"
    sys_version = ""
    server: Server

    def setup(self) -> None:
        super().setup()
        self.server.lines.add(self.connection)

    def finish(self) -> None:
        self.server.lines.discard(self.connection)
        with contextlib.suppress(OSError):
            super().finish()

    def run_wsgi(self) -> None:
        """Answer one request. A client that leaves in the middle is no error."""
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        environ = self.make_environ()
        try:
            fits = self._take_body(environ)
            app = self.server.app if fits else RequestEntityTooLarge()
            self.close_connection = self.close_connection or not fits
            pieces, status, headers = run_wsgi_app(app, environ)
            with contextlib.ExitStack() as afterwards:
                if callable(close := getattr(pieces, "close", None)):
                    afterwards.callback(close)  # closes files even if the client leaves (PEP 3333)
                self._answer(status, list(headers.items()), pieces)
        except OSError:
            self.close_connection = True

    def _take_body(self, environ: dict[str, Any]) -> bool:
        """Read the body, so that the next request begins where it should.

        Return whether it is within the limit.
        """
        if environ.get("wsgi.input_terminated"):  # chunked: it says itself where it ends
            length = LARGEST_BODY + 1
            whole = environ["wsgi.input"].read(length)
        else:
            promised = environ.get("CONTENT_LENGTH") or "0"
            length = int(promised) if promised.isdecimal() else LARGEST_BODY + 1
            whole = environ["wsgi.input"].read(min(length, LARGEST_BODY + 1))
        environ["wsgi.input"] = io.BytesIO(whole)
        environ["CONTENT_LENGTH"] = str(len(whole))
        return len(whole) <= LARGEST_BODY

    def _answer(self, status: str, headers: list[tuple[str, str]], pieces: Iterable[bytes]) -> None:
        code, _, reason = status.partition(" ")
        self.send_response(int(code), reason)
        for name, value in headers:
            self.send_header(name, value)
        # Without a length, the end of the connection is the end of the body.
        if self.close_connection or "content-length" not in {name.lower() for name, _ in headers}:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            for piece in pieces:
                self.wfile.write(piece)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log method, path and status. The query string may contain a code or a state."""
        del size
        if self.server.chatty:
            path = self.path.partition("?")[0]
            sys.stderr.write(f"{self.log_date_time_string()} {self.command} {path!a} {code}\n")

    def log_error(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - the base's names
        """Log nothing: these are clients that left, and the text may quote a request line."""


class Server(ThreadedWSGIServer):
    """A thread for each connection."""

    request_queue_size = 256

    def __init__(self, app: Flask, host: str, port: int, *, chatty: bool = False) -> None:
        """Take the port at once; a busy one raises OSError, an invalid one InvalidInput."""
        self.lines: set[socket.socket] = set()
        self.chatty = chatty
        line = _listening(host, port)
        super().__init__(host, line.getsockname()[1], app, handler=Handler, fd=line.fileno())
        line.close()
        self.url = f"http://{_bracketed(host)}:{self.port}"

    def stop(self) -> None:
        """Stop listening, and end the open connections."""
        self.shutdown()
        self.server_close()
        for line in list(self.lines):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)


def _listening(host: str, port: int) -> socket.socket:
    """Return an open socket. For a busy port, Werkzeug would print a text of its own and exit."""
    if not isinstance(host, str) or not host:
        raise InvalidInput("host must be an address or a name; 0.0.0.0 is every IPv4 address.")
    if not isinstance(port, int) or isinstance(port, bool) or not 0 <= port <= _HIGHEST_PORT:
        raise InvalidInput(f"port must be a number from 0 to {_HIGHEST_PORT}; 0 takes a free one.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    line = socket.socket(family, socket.SOCK_STREAM)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        line.bind((host, port))
        line.listen(256)
    except OSError:
        line.close()
        raise
    except (TypeError, UnicodeError):  # a name that cannot be one
        line.close()
        raise InvalidInput(f"host cannot be {host!r}.") from None
    return line


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
