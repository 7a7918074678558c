"""Refuses forms that other sites send."""

from __future__ import annotations

from flask import request

from sandbox.request_context import origin


def from_elsewhere() -> bool:
    """Return whether the browser reports that another site sent this form.

    Browsers put `Origin` on every POST, and pages cannot change it. Programs other than browsers
    send none, and cannot be tricked into a form.
    """
    sender = request.headers.get("Origin")
    if sender is None:
        return request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin")
    return sender != origin()
