"""Spaces of the people the person follows."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from flask.typing import ResponseReturnValue

from app.accounts.people import Person
from app.pages import reads
from app.pages.view import shown
from app.pages.visitor import for_signed_in
from app.services import services
from app.twitter.entities import Space

SOME_DAY = datetime.max.replace(tzinfo=UTC)


@for_signed_in
def spaces(person: Person) -> ResponseReturnValue:
    """GET /spaces: live ones, then scheduled ones."""
    read = reads.spaces(person.profile.id, services().dialect)
    return shown(person, "spaces.html", {"spaces": read})


def open_spaces(spaces: Iterable[Space]) -> list[Space]:
    """Return what one can still listen to: live ones, then planned ones, the soonest first."""
    live = [space for space in spaces if space.state == "live"]
    planned = [space for space in spaces if space.state == "scheduled"]
    return live + sorted(planned, key=lambda space: space.scheduled_start or SOME_DAY)
