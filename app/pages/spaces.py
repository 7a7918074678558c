"""Spaces of the people the person follows."""

from __future__ import annotations

from flask import render_template

from app.accounts.people import Person
from app.pages import reads
from app.pages.reader import Reader
from app.pages.visitor import for_signed_in
from app.services import services


@for_signed_in
def spaces(person: Person) -> str:
    """GET /spaces: live ones, then scheduled ones."""
    read = reads.spaces(person.profile.id, services().dialect)
    return render_template("spaces.html", **Reader.of(person).panels(spaces=read))
