"""Our own styles and scripts: sent small, and asked for once."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable
from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from zlib import crc32

from flask import Flask, Response, request, session
from markupsafe import Markup

# Each version of a file has an address of its own, so that a browser need not ask again.
FOR_GOOD = "public, max-age=31536000, immutable"
# Pictures are compressed as they are, or too small to gain anything.
_COMPRESSED = frozenset({"text/css", "text/javascript"})


def init_app(app: Flask, *, clock: Callable[[], float] = time.monotonic) -> None:
    """Give templates `static`, the address of a file, and answer with compressed text.

    Files are looked at once in a second by `clock`, however many pages name them.

    Pages themselves are never compressed: beside what a stranger can have echoed in them they hold
    secrets, whose text could then be guessed from the size of the answer.
    """
    _name_addresses(app, clock)
    _send_small(app)


def _name_addresses(app: Flask, clock: Callable[[], float]) -> None:
    folder, url = str(app.static_folder), app.static_url_path

    @app.template_global()
    def static(name: str) -> str:
        """Return an address that names the version. A page has a dozen: `url_for` is slow."""
        return address(name, int(clock()))

    @app.template_global()
    def stylesheets(*names: str) -> Markup:
        """Return the links to some of our style sheets, each on a line of its own."""
        return links(names, int(clock()))

    @lru_cache(maxsize=16)
    def links(names: tuple[str, ...], second: int) -> Markup:
        link = Markup('<link rel="stylesheet" href="{}">')
        urls = (address(f"css/{name}.css", second) for name in names)
        return Markup("\n  ").join(map(link.format, urls))

    @lru_cache(maxsize=256)
    def address(name: str, _second: int) -> str:
        return f"{url}/{name}?v={_version_now(folder, name)}"


def _send_small(app: Flask) -> None:
    folder = str(app.static_folder)

    @app.after_request
    def shrink(response: Response) -> Response:
        if not _is_file(response):
            return response
        # Flask-Login has looked into it, but a file is the same for everybody. Registered before
        # Flask-Login, this runs after it: else "Vary: Cookie" sends every file again at sign-in.
        session.accessed = False
        if response.status_code != HTTPStatus.OK:
            return response
        # While machines change over one by one, an older one may be asked for the newer version.
        # What it has must not be kept under that name.
        name = str((request.view_args or {})["filename"])
        if request.args.get("v") == _version_now(folder, name):
            response.headers["Cache-Control"] = FOR_GOOD
        return _compressed(response) if response.mimetype in _COMPRESSED else response


def _is_file(response: Response) -> bool:
    """Tell whether an answer is one of our files, or a part, or says "not modified"."""
    return (
        request.endpoint == "static"
        and request.method in {"GET", "HEAD"}
        and response.status_code
        in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT, HTTPStatus.NOT_MODIFIED}
    )


def _version_now(folder: str, name: str) -> str:
    """Return a name for what the file holds, the same on every machine; empty if it is gone."""
    file = _path(folder, name)
    try:
        return _version(file, file.stat().st_mtime_ns)
    except OSError:
        return ""


_path = lru_cache(maxsize=256)(Path)


@lru_cache(maxsize=256)
def _version(file: Path, _changed: int) -> str:
    return f"{crc32(file.read_bytes()):08x}"


def _compressed(response: Response) -> Response:
    response.vary.add("Accept-Encoding")
    if not request.accept_encodings.quality("gzip"):
        return response
    etag, _ = response.get_etag()
    response.direct_passthrough = False
    response.set_data(_gzip(response.get_data()))
    response.headers["Content-Encoding"] = "gzip"
    # Weak: the same text in other bytes.
    response.set_etag(str(etag), weak=True)
    return response


@lru_cache(maxsize=64)
def _gzip(text: bytes) -> bytes:
    return gzip.compress(text, mtime=0)
