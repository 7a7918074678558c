"""`flask doctor` tells whether this set-up is right, and what is to be done if it is not."""

from __future__ import annotations

from flask import Flask

from app.doctor import self_request
from app.doctor.checks import examined
from app.doctor.command import command, is_called, without_app

__all__ = ["init_app", "is_called", "without_app"]


def init_app(app: Flask) -> None:
    """Add the command, and what the running site shows to it."""
    self_request.init_app(app)
    app.cli.add_command(command(lambda asks: examined(app, asks=asks)))
