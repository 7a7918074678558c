"""`flask db`: Flask-Migrate's commands. It is imported, with Alembic, when one is called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from flask import Flask

from app.storage.extensions import db

_COMMAND = "db"
_FOLDER = Path(__file__).parents[2] / "migrations"


def init_app(app: Flask) -> None:
    """Add the commands to `flask`."""
    app.cli.add_command(_Commands(app))


def set_up(app: Flask) -> click.Command:
    """Set `app` up for Flask-Migrate and its functions, and return the commands."""
    from flask_migrate import Migrate  # noqa: PLC0415 - the running site needs none

    Migrate(app, db, directory=str(_FOLDER), command=_COMMAND)
    return app.cli.commands[_COMMAND]


class _Commands(click.Command):
    """Stands in `flask --help` for the commands of Flask-Migrate until one is called."""

    def __init__(self, app: Flask) -> None:
        super().__init__(_COMMAND, help="Perform database migrations.")
        self._app = app

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,  # noqa: ANN401 - as click has it
    ) -> click.Context:
        return set_up(self._app).make_context(info_name, args, parent, **extra)
