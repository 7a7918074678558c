"""`/.well-known/security.txt` (RFC 9116): the operator's own, else one that names CONTACT_EMAIL.

Without either there is none: a wrong contact is worse.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from flask import Flask, Response, abort

from app.services import services
from config import ROOT

# instance/ holds all that belongs to this installation alone. deploy/security.txt is a draft.
FILE = ROOT / "instance" / "security.txt"
log = logging.getLogger(__name__)

PATH = "/.well-known/security.txt"
# The setting is read at each start, so a site that answers still means it (RFC 9116 §2.5.5).
_VALID = timedelta(days=30)


def init_app(app: Flask) -> None:
    """Serve the operator's file as it is now, else one with the contact of the settings."""

    @app.get(PATH)
    def security_txt() -> Response:
        try:
            text = FILE.read_text(encoding="utf-8")
        except FileNotFoundError:
            text = _of_the_settings() or abort(404)
        except (OSError, UnicodeDecodeError) as error:  # RFC 9116 §3 demands UTF-8
            log.warning("instance/security.txt cannot be shown: %s", type(error).__name__)
            abort(404)
        return Response(text, content_type="text/plain; charset=utf-8")


def _of_the_settings() -> str:
    """Return a file that names CONTACT_EMAIL; empty without it, and on http (RFC 9116 §3)."""
    config = services().config
    if not config.https or not config.contact_email:
        return ""
    return (
        f"Contact: mailto:{config.contact_email}\n"
        f"Expires: {services().now() + _VALID:%Y-%m-%dT%H:%M:%SZ}\n"
        f"Canonical: {config.public_url}{PATH}\n"
    )
