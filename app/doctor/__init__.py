"""`flask doctor` tells whether this set-up is right, and what is to be done if it is not."""

from __future__ import annotations

from flask import Flask

from app.doctor import mirror
from app.doctor.command import command, is_called, without_app
from app.doctor.examination import examined

__all__ = ["init_app", "is_called", "without_app"]


def init_app(app: Flask) -> None:
    """Add the command, and what the running site shows to it."""
    mirror.init_app(app)
    app.cli.add_command(command(lambda asks: examined(app, asks=asks)))
