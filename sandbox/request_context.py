"""The world that the current request is in."""

from __future__ import annotations

from typing import cast

from flask import current_app, g, request

from sandbox.world.state import World

KEY = "sandbox.world"


def current_world() -> World:
    return cast("World", current_app.extensions[KEY])


def origin() -> str:
    """Return scheme, host and port as this client sees them, without a slash at the end."""
    return request.host_url.rstrip("/")


def note(text: str) -> None:
    """Add to the journal what else this request has done."""
    if g.get("entry"):
        g.entry.note = text
