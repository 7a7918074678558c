"""`flask doctor`, with an app and without one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import click
from flask import Flask

from app.doctor.checks import unbuildable
from app.doctor.report import Report
from config import ConfigError

NAME = "doctor"


def command(examine: Callable[[bool], Report]) -> click.Command:
    """Return the command that prints what `examine` finds; that may be told to ask Twitter."""

    @click.command(NAME)
    @click.option("--json", "as_json", is_flag=True, help="For machines.")
    @click.option("--ask", is_flag=True, help="Read once at Twitter, which may cost a cent.")
    def doctor(*, as_json: bool, ask: bool) -> None:
        """Look whether everything is set up right, and say what to do. Changes nothing.

        Exits with 1 if something has failed.
        """
        if not examine(ask).print(as_json=as_json):
            raise click.exceptions.Exit(1)

    return doctor


def is_called(arguments: Sequence[str]) -> bool:
    """Tell whether somebody has typed `flask ... doctor`: `arguments` are those of the process."""
    by_flask = click.get_current_context(silent=True) is not None
    return by_flask and NAME in arguments[1:]


def without_app(error: ConfigError) -> Flask:
    """Return an app that can do nothing but say what is wrong with the settings."""
    app = Flask(__name__)
    app.cli.add_command(command(lambda _: unbuildable(error)))
    return app
