"""Whom to tell of a hole: `/.well-known/security.txt` (RFC 9116), if the operator wrote one.

Nothing here could make it up. It names a person to write to and a day until which it holds, and a
wrong one is worse than none.
"""

from __future__ import annotations

import logging

from flask import Flask, Response, abort

from config import ROOT

# Beside what else belongs to this installation alone. deploy/security.txt is one to begin with.
FILE = ROOT / "instance" / "security.txt"
log = logging.getLogger(__name__)

PATH = "/.well-known/security.txt"


def init_app(app: Flask) -> None:
    """Answer with the operator's file as it is now, or 404."""

    @app.get(PATH)
    def security_txt() -> Response:
        try:
            text = FILE.read_text(encoding="utf-8")
        except FileNotFoundError:
            abort(404)
        except (OSError, UnicodeDecodeError) as error:  # RFC 9116 §3: UTF-8, or it is none
            log.warning("instance/security.txt cannot be shown: %s", type(error).__name__)
            abort(404)
        return Response(text, content_type="text/plain; charset=utf-8")
