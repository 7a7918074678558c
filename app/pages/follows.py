"""The lists of followed people and followers, and the follow and unfollow buttons."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue

from app.accounts.people import Person
from app.gateway.actions import FOLLOW, UNFOLLOW
from app.pages import actions, paging
from app.pages.paging import Position
from app.pages.panels import is_sent, render_panels
from app.pages.queries import ON_A_PAGE, Query
from app.pages.section import PANELS, Entry, HomePanel, Route, Section
from app.services import services
from app.twitter import endpoints
from app.twitter.api import MOST_ASKED
from app.twitter.endpoints import FOLLOWERS, FOLLOWING
from app.twitter.models import Profile
from app.web.current_person import for_signed_in

# The most faces of the home page.
_ON_HOME = 12


@for_signed_in
def follows(person: Person) -> ResponseReturnValue:
    """GET /follows: the people they follow."""
    return _following(person)


@for_signed_in
def followers(person: Person) -> ResponseReturnValue:
    """GET /follows/followers; the beta has no such list."""
    if not FOLLOWERS.exists_in(services().dialect):
        return render_template("follows.html", list_is="missing"), 404
    position = paging.requested_position()
    query = Query(
        endpoints=(FOLLOWERS,),
        fetch=lambda api: api.followers(
            person.profile.id, max_results=ON_A_PAGE, page_token=position.token
        ),
    )
    return _list(person, query, position, list_is="followers")


@for_signed_in
def follow(person: Person) -> ResponseReturnValue:
    """POST /follows: follow one person. The refresh button of the list posts here as well."""
    if "refresh" in request.form:
        return _following(person)
    return actions.perform(person, FOLLOW, request.form.get("user_id", ""))


@for_signed_in
def unfollow(person: Person, user_id: str) -> ResponseReturnValue:
    """POST /follows/<user_id>/delete: unfollow one person."""
    return actions.perform(person, UNFOLLOW, user_id)


def _following(person: Person) -> ResponseReturnValue:
    position = paging.requested_position()
    query = Query(
        endpoints=(FOLLOWING,),
        fetch=lambda api: api.following(
            person.profile.id, max_results=ON_A_PAGE, page_token=position.token
        ),
    )
    return _list(person, query, position, list_is="following")


def _list(
    person: Person, query: Query[Profile], position: Position, *, list_is: str
) -> ResponseReturnValue:
    people = {"people": paging.at_position(query, position)}
    context = {"list_is": list_is, "number": position.number}
    return render_panels(person, "follows.html", people, **context)


def _on_home(person: Person, before: Sequence[Query[Any]]) -> Query[Profile]:
    """Return a query for the people they follow, as few as the home page shows.

    If another panel reads that list, both share one call for a hundred people: the same parameters
    hit the same cached answer, for as long as the other panel is cached.
    """
    sharing = [one for one in before if FOLLOWING in one.endpoints and is_sent(one, person)]
    asked = MOST_ASKED if sharing else _ON_HOME
    return Query(
        endpoints=(FOLLOWING,),
        fetch=lambda api: api.following(person.profile.id, max_results=asked, read=_ON_HOME),
        cached_for=max((one.cached_for for one in sharing), default=timedelta(0)),
    )


SECTION = Section(
    routes=(
        Route("/follows", follows),
        Route("/follows", follow, ("POST",)),
        Route("/follows/<user_id>/delete", unfollow, ("POST",)),
        Route("/follows/followers", followers, PANELS),
    ),
    entry=Entry("Follows", covers=("people",)),
    subject="follows",
    features={
        "follow": (endpoints.FOLLOW,),
        "unfollow": (endpoints.UNFOLLOW,),
        "followers": (FOLLOWERS,),
    },
    panel=HomePanel(
        name="following",
        template="partials/follows_on_home.html",
        query=_on_home,
        place=3,
    ),
)
