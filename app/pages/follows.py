"""The lists of followed people and followers, and the follow and unfollow buttons."""

from __future__ import annotations

from flask import render_template, request
from flask.typing import ResponseReturnValue

from app.accounts.people import Person
from app.gateway.actions import FOLLOW, UNFOLLOW
from app.pages import actions, paging, queries
from app.pages.paging import Position
from app.pages.panels import render_panels
from app.pages.queries import Query
from app.services import services
from app.twitter.endpoints import FOLLOWERS
from app.twitter.models import Profile
from app.web.current_person import for_signed_in


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
    query = queries.followers(person.profile.id, page_token=position.token)
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
    query = queries.following(person.profile.id, page_token=position.token)
    return _list(person, query, position, list_is="following")


def _list(
    person: Person, query: Query[Profile], position: Position, *, list_is: str
) -> ResponseReturnValue:
    people = {"people": paging.at_position(query, position)}
    context = {"list_is": list_is, "number": position.number}
    return render_panels(person, "follows.html", people, **context)
