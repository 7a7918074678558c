"""Our styles and scripts: each version of a file has its own address, which browsers keep for good.

They are sent as they are. nginx compresses them (deploy/nginx.conf), and them alone: beside words
that a stranger can have repeated in it a page holds secrets, and its compressed size would tell how
alike the two are (BREACH).
"""

from __future__ import annotations

from functools import lru_cache
from http import HTTPStatus
from pathlib import Path
from zlib import crc32

from flask import Flask, Response, request, session
from markupsafe import Markup

_FOR_GOOD = "public, max-age=31536000, immutable"


def init_app(app: Flask) -> None:
    """Give templates the addresses of files, and let browsers keep what has a version."""
    folder = Path(str(app.static_folder))

    @app.template_global()
    def static(name: str) -> str:
        """Return the address of a file, which names its version."""
        return f"{app.static_url_path}/{name}?v={_version_now(folder / name)}"

    @app.template_global()
    def stylesheets(*names: str) -> Markup:
        """Return the links to some of our style sheets, each on a line of its own."""
        link = Markup('<link rel="stylesheet" href="{}">')
        return Markup("\n  ").join(link.format(static(f"css/{name}.css")) for name in names)

    @app.after_request
    def keep(response: Response) -> Response:
        if not _is_file(response):
            return response
        # Flask-Login has looked into the session, but a file is the same for everyone. Registered
        # before Flask-Login, this runs after it: else "Vary: Cookie" sends all files once more.
        session.accessed = False
        # During a deployment, a machine of the old version may be asked for the new one. Its file
        # must not be kept under that name.
        name = str((request.view_args or {})["filename"])
        if response.status_code == HTTPStatus.OK and (
            request.args.get("v") == _version_now(folder / name)
        ):
            response.headers["Cache-Control"] = _FOR_GOOD
        return response


def _is_file(response: Response) -> bool:
    """Tell whether a response is one of our files, a part of one, or "not modified"."""
    return (
        request.endpoint == "static"
        and request.method in {"GET", "HEAD"}
        and response.status_code
        in {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT, HTTPStatus.NOT_MODIFIED}
    )


def _version_now(file: Path) -> str:
    """Return a checksum of the file, the same on every machine; empty if the file is gone."""
    try:
        return _version(file, file.stat().st_mtime_ns)
    except OSError:
        return ""


@lru_cache(maxsize=256)
def _version(file: Path, _changed: int) -> str:
    return f"{crc32(file.read_bytes()):08x}"
