"""Logs that can be kept: a line per event, with the request's id and without any secret.

The last handler redacts. So a library's debug line cannot leak what our own lines never say.
"""

from __future__ import annotations

import logging
import re
import secrets
import sys

from flask import Flask, g, has_request_context

FORMAT = "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s"

PARAMETERS = (
    "access_token|client_secret|code|code_challenge|code_verifier|csrf_token|refresh_token"
    "|state|token"
)
SECRETS = re.compile(
    rf"(?P<form>\b(?:{PARAMETERS})(?:=|%3D))[^&\s'\",;)}}\]]+"
    rf"|(?P<json>['\"](?:{PARAMETERS})['\"]\s*:\s*['\"])[^'\"]+"
    r"|(?P<header>(?:Bearer|Basic)\s+)[A-Za-z0-9._~+/=-]+"
    r"|(?P<cookie>(?:__Host-)?(?:session|flow-[0-9a-f]+)=)[^;\s'\"]+"
)
REDACTED = "[redacted]"


def redacted(text: str) -> str:
    """Return `text` with the values of everything that is a secret taken out."""
    return SECRETS.sub(lambda found: found[str(found.lastgroup)] + REDACTED, text)


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        record.request_id = request_id() or "-"
        return redacted(super().format(record))


def request_id() -> str:
    """Return the id of the current request: on error pages and in the log, to find one by other."""
    if not has_request_context():
        return ""
    if "request_id" not in g:
        g.request_id = secrets.token_hex(6)
    return str(g.request_id)


def init_app(app: Flask) -> None:
    """Log to standard error through one redacting handler."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Formatter(FORMAT))
    handler.set_name("perch")
    root = logging.getLogger()
    root.handlers = [kept for kept in root.handlers if kept.get_name() != "perch"] + [handler]
    logging.getLogger("app").setLevel(logging.INFO)
    app.logger.propagate = True
