"""Spaces of followed people, one Space, and Spaces by id, link or creator."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.people import Person
from app.pages import lookup
from app.pages.lookup import InvalidInput
from app.pages.panels import render_panels
from app.pages.queries import Query
from app.pages.remembered import ages
from app.pages.section import PANELS, Entry, HomePanel, Route, Section
from app.services import services
from app.twitter import endpoints
from app.twitter.api import Api
from app.twitter.dialect import Dialect
from app.twitter.endpoints import Endpoint
from app.twitter.models import SPACE_ID, Space
from app.twitter.page import Page
from app.web.current_person import for_signed_in

# They take two calls: a hundred users, then an endpoint that allows one call a second.
_CACHED_FOR = timedelta(minutes=5)
_PATH = re.compile(r"/i/spaces/([A-Za-z0-9]{1,13})(?:/.*)?")
_SOME_DAY = datetime.max.replace(tzinfo=UTC)


@for_signed_in
def spaces(person: Person) -> ResponseReturnValue:
    """GET /spaces: live Spaces, then scheduled ones."""
    query = _of_followed(person.profile.id, services().dialect)
    return render_panels(person, "spaces.html", {"spaces": query})


@for_signed_in
def space(person: Person, space_id: str) -> ResponseReturnValue:
    """GET /spaces/<space_id>: one Space in any state."""
    if not SPACE_ID.fullmatch(space_id):
        abort(404)
    return render_panels(person, "space.html", {"space": _one(space_id)}, space_id=space_id)


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
    ids = ids_in(typed)
    return ids, _by_id(ids)


def _by_creators(typed: str) -> tuple[tuple[str, ...], Query[Space]]:
    people = lookup.people(typed)
    return people.order, _of_creators(people.ids, people.usernames)


# For the field of each form: a function from its text to the items asked for and their query.
_LOOK_UPS = {"ids": _by_ids, "creators": _by_creators}


def open_spaces(spaces: Iterable[Space]) -> list[Space]:
    """Return the live Spaces, then the planned ones, the soonest first. A template filter."""
    live = [space for space in spaces if space.state == "live"]
    planned = [space for space in spaces if space.state == "scheduled"]
    return live + sorted(planned, key=lambda space: space.scheduled_start or _SOME_DAY)


def ids_in(text: str) -> tuple[str, ...]:
    """Return the ids of the Spaces in `text`, given as ids or links: each once, in order.

    Raises `InvalidInput`.
    """
    return lookup.parse(
        text,
        lambda word: word if SPACE_ID.fullmatch(word) else lookup.in_link(_PATH, word),
        nothing="Please paste the id or the link of at least one Space.",
        unknown="Not the id or the link of a Space:",
        things="Spaces",
    )


def _of_followed(user_id: str, dialect: Dialect) -> Query[Space]:
    """Return a query for the Spaces of the users that a user follows.

    Only the beta has an endpoint for that. In the live API it takes the list of those users first.
    """
    if endpoints.FOLLOWING_SPACES.exists_in(dialect):
        asked: tuple[Endpoint, ...] = (endpoints.FOLLOWING_SPACES,)
    else:
        asked = (endpoints.SPACES_BY_CREATORS, endpoints.FOLLOWING)
    return Query(
        endpoints=asked,
        fetch=lambda api: api.spaces_of_followed(user_id),
        cached_for=_CACHED_FOR,
    )


def _one(space_id: str) -> Query[Space]:
    """Return a query for one Space."""
    return Query(endpoints=(endpoints.SPACE,), fetch=lambda api: api.space(space_id))


def _by_id(space_ids: Sequence[str]) -> Query[Space]:
    """Return a query for up to a hundred Spaces."""
    return Query(endpoints=(endpoints.SPACES,), fetch=lambda api: api.spaces(space_ids))


def _of_creators(user_ids: Sequence[str], usernames: Sequence[str] = ()) -> Query[Space]:
    """Return a query for the live and scheduled Spaces of up to a hundred users.

    Usernames are looked up first. Its problems name the users as the person typed them: by id, or
    by username with an @ before it.
    """
    by_name = (endpoints.USERS_BY,) if usernames else ()

    def fetch(api: Api) -> Page[Space]:
        named = api.users_by_usernames(usernames) if usernames else Page()
        asked = {user_id: user_id for user_id in user_ids}
        asked |= {user.id: f"@{user.username}" for user in named.items}
        found = api.spaces_by_creators(tuple(asked)) if asked else Page()
        of_names = [replace(p, asked=f"@{p.asked}") for p in named.problems if p.asked]
        of_ids = [replace(p, asked=asked[p.asked]) for p in found.problems if p.asked in asked]
        return replace(found, problems=(*of_names, *of_ids))

    return Query(endpoints=(endpoints.SPACES_BY_CREATORS, *by_name), fetch=fetch)


@ages.register(Space)
def _ages(space: Space, now: datetime) -> Iterator[object]:
    yield space.scheduled_start and space.scheduled_start < now


def _on_home(person: Person, _before: Sequence[Query[Any]]) -> Query[Space]:
    return _of_followed(person.profile.id, services().dialect)


SECTION = Section(
    routes=(
        Route("/spaces", spaces, PANELS),
        Route("/spaces/<space_id>", space, PANELS),
        Route("/spaces/lookup", spaces_lookup, PANELS),
    ),
    entry=Entry("Spaces", feature="spaces"),
    subject="Spaces",
    stylesheets=("spaces",),
    filters=(open_spaces,),
    features={
        "look_up_spaces": (endpoints.SPACES,),
        "look_up_spaces_of_people": (endpoints.SPACES_BY_CREATORS,),
        "spaces": (endpoints.FOLLOWING_SPACES, endpoints.SPACES_BY_CREATORS),
    },
    panel=HomePanel(
        name="spaces",
        template="partials/spaces_on_home.html",
        query=_on_home,
        place=2,
    ),
)
