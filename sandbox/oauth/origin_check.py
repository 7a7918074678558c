"""Tell our own forms from those of other sites."""

from __future__ import annotations

from flask import request

from sandbox.request_context import origin


def from_elsewhere() -> bool:
    """Say whether a browser tells us that another site sent this form.

    Browsers put `Origin` on every POST, and pages cannot change it. Programs that are no browsers
    send none; nobody can trick those into a form.
    """
    sender = request.headers.get("Origin")
    if sender is None:
        return request.headers.get("Sec-Fetch-Site", "none") not in ("none", "same-origin")
    return sender != origin()
