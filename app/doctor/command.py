"""`flask doctor`, with an app and without one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click
from flask import Flask

from config import ConfigError

if TYPE_CHECKING:
    from app.doctor.report import Report

_NAME = "doctor"


def init_app(app: Flask) -> None:
    """Add the command to `flask`."""

    def make_report(call_twitter: bool) -> Report:  # noqa: FBT001 - the only argument
        from app.doctor.checks import run_checks  # noqa: PLC0415 - not in the running site

        return run_checks(app, call_twitter=call_twitter)

    app.cli.add_command(command(make_report))


def is_called(arguments: Sequence[str]) -> bool:
    """Tell whether `arguments`, those of the process, are `flask ... doctor`."""
    by_flask = click.get_current_context(silent=True) is not None
    return by_flask and _NAME in arguments[1:]


def without_app(error: ConfigError) -> Flask:
    """Return an app whose only command reports what is wrong with the settings."""
    from app.doctor.checks import without_settings  # noqa: PLC0415 - not in the running site

    app = Flask(__name__)
    app.cli.add_command(command(lambda _: without_settings(error)))
    return app


def command(make_report: Callable[[bool], Report]) -> click.Command:
    """Return the command that prints what `make_report` returns; it may be told to call Twitter."""

    @click.command(_NAME)
    @click.option("--json", "as_json", is_flag=True, help="Print JSON.")
    @click.option(
        "--call-twitter", is_flag=True, help="Read one profile from Twitter, for about a cent."
    )
    def doctor(*, as_json: bool, call_twitter: bool) -> None:
        """Check the whole set-up, and say what to fix. Changes nothing.

        Exits with 1 if a check failed.
        """
        if not make_report(call_twitter).print(as_json=as_json):
            raise click.exceptions.Exit(1)

    return doctor
