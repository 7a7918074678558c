"""The operator's `/.well-known/security.txt` (RFC 9116), if there is one.

It names a contact and the day on which it expires. Only the operator knows both, and a wrong file
is worse than none.
"""

from __future__ import annotations

import logging

from flask import Flask, Response, abort

from config import ROOT

# instance/ holds all that belongs to this installation alone. deploy/security.txt is a draft.
FILE = ROOT / "instance" / "security.txt"
log = logging.getLogger(__name__)

PATH = "/.well-known/security.txt"


def init_app(app: Flask) -> None:
    """Serve the operator's file as it is now, else 404."""

    @app.get(PATH)
    def security_txt() -> Response:
        try:
            text = FILE.read_text(encoding="utf-8")
        except FileNotFoundError:
            abort(404)
        except (OSError, UnicodeDecodeError) as error:  # RFC 9116 §3 demands UTF-8
            log.warning("instance/security.txt cannot be shown: %s", type(error).__name__)
            abort(404)
        return Response(text, content_type="text/plain; charset=utf-8")
