"""Commands for operators: `flask prune`."""

from __future__ import annotations

import click
from flask import Flask
from flask.cli import with_appcontext

from app.services import services


def init_app(app: Flask) -> None:
    """Add the commands to `flask`."""
    app.cli.add_command(prune)


@click.command("prune")
@with_appcontext
def prune() -> None:
    """Delete used states that no browser can bring back any more. Run it hourly."""
    count = services().claims.prune(now=services().now())
    click.echo(f"Deleted {count} used states.")
