"""Spaces of followed people, one Space, and Spaces by id, link or creator."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from flask import abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.people import Person
from app.pages import lookup, queries
from app.pages.lookup import InvalidInput
from app.pages.panels import render_panels
from app.pages.queries import Query
from app.services import services
from app.twitter.models import SPACE_ID, Space
from app.web.current_person import for_signed_in

_SOME_DAY = datetime.max.replace(tzinfo=UTC)


@for_signed_in
def spaces(person: Person) -> ResponseReturnValue:
    """GET /spaces: live Spaces, then scheduled ones."""
    query = queries.spaces(person.profile.id, services().dialect)
    return render_panels(person, "spaces.html", {"spaces": query})


@for_signed_in
def space(person: Person, space_id: str) -> ResponseReturnValue:
    """GET /spaces/<space_id>: one Space in any state."""
    if not SPACE_ID.fullmatch(space_id):
        abort(404)
    return render_panels(
        person, "space.html", {"space": queries.space(space_id)}, space_id=space_id
    )


@for_signed_in
def spaces_lookup(person: Person) -> ResponseReturnValue:
    """GET /spaces/lookup?ids= or ?creators=. The forms use POST, as those for Tweets do."""
    by = next((name for name in _LOOK_UPS if name in request.values), None)
    if by is None:
        return render_template("spaces_lookup.html")
    typed = request.values[by]
    try:
        asked, query = _LOOK_UPS[by](typed)
    except InvalidInput as error:
        return render_template("spaces_lookup.html", by=by, typed=typed, error=error), 400
    if by in request.form:
        return redirect(f"{url_for('pages.spaces_lookup')}?{by}={','.join(asked)}", code=303)
    return render_panels(
        person, "spaces_lookup.html", {"spaces": query}, by=by, typed=typed, asked=asked
    )


def _by_ids(typed: str) -> tuple[tuple[str, ...], Query[Space]]:
    ids = lookup.spaces(typed)
    return ids, queries.spaces_by_id(ids)


def _by_creators(typed: str) -> tuple[tuple[str, ...], Query[Space]]:
    people = lookup.people(typed)
    return people.order, queries.spaces_by_creators(people.ids, people.usernames)


# For the field of each form: a function from its text to the items asked for and their query.
_LOOK_UPS = {"ids": _by_ids, "creators": _by_creators}


def open_spaces(spaces: Iterable[Space]) -> list[Space]:
    """Return the live Spaces, then the planned ones, the soonest first. A template filter."""
    live = [space for space in spaces if space.state == "live"]
    planned = [space for space in spaces if space.state == "scheduled"]
    return live + sorted(planned, key=lambda space: space.scheduled_start or _SOME_DAY)
