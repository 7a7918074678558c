"""The world that the current request is in."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from flask import current_app, request

if TYPE_CHECKING:
    from sandbox.world import World

KEY = "sandbox.world"


def world() -> World:
    """Give the world of the app that is answering."""
    return cast("World", current_app.extensions[KEY])


def origin() -> str:
    """Give scheme, host and port as this client sees them, without a slash at the end."""
    return request.host_url.rstrip("/")
