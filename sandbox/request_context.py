"""The world that the current request is in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from flask import current_app, g, request

if TYPE_CHECKING:
    from sandbox.world.state import World

KEY = "sandbox.world"


def world() -> World:
    """Give the world of the app that is answering."""
    return cast("World", current_app.extensions[KEY])


def origin() -> str:
    """Give scheme, host and port as this client sees them, without a slash at the end."""
    return request.host_url.rstrip("/")


def note(text: str) -> None:
    """Write into the journal what else this request has done."""
    if g.get("entry"):
        g.entry.note = text


def sent_json() -> Any:  # noqa: ANN401 - whatever the client made of it
    """Read the body as JSON; None for anything else, however deep it goes."""
    try:
        return request.get_json(silent=True)
    except RecursionError:
        return None
