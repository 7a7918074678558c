"""The console at `/`."""

from __future__ import annotations

from flask import Blueprint, render_template

blueprint = Blueprint("console", __name__)


@blueprint.get("/")
def home() -> str:
    """Show the console."""
    return render_template("console.html")
