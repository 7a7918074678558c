"""The lists of followed people and followers, and the follow and unfollow buttons."""

from __future__ import annotations

from flask import abort, flash, g, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.accounts.people import Person
from app.gateway.actions import FOLLOW, UNFOLLOW, Action, PendingAction
from app.pages import paging, queries
from app.pages.paging import Position
from app.pages.panels import PanelLoader, render_panels
from app.pages.queries import Query
from app.services import services
from app.twitter.endpoints import FOLLOWERS
from app.twitter.models import Profile
from app.twitter.transport.deadline import Deadline
from app.web.current_person import for_signed_in
from app.web.messages import action_message
from app.web.safe_redirects import local


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
    return _perform(person, FOLLOW, request.form.get("user_id", ""))


@for_signed_in
def unfollow(person: Person, user_id: str) -> ResponseReturnValue:
    """POST /follows/<user_id>/delete: unfollow one person."""
    return _perform(person, UNFOLLOW, user_id)


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


def _perform(person: Person, action: Action, user_id: str) -> ResponseReturnValue:
    """Perform an action and return to the page of its button, or ask for the permission first."""
    pending = _pending(action, user_id)
    g.next_path = back = local(request.form.get("next"))  # where error pages lead, too
    if services().actions.needs_permission(pending, person):
        return _explain(pending, person, back)
    result = services().actions.perform(pending, person, deadline=Deadline())
    flash(action_message(pending, result, now=services().now()))
    return redirect(back, code=303)


def _pending(action: Action, user_id: str) -> PendingAction:
    """Read the form as strictly as the flow cookie; an impossible username is left out."""
    username = request.form.get("username", "")
    texts = (f"{action.name}:{user_id}:{username}", f"{action.name}:{user_id}")
    return next(filter(None, map(PendingAction.from_text, texts)), None) or abort(400)


def _explain(pending: PendingAction, person: Person, back: str) -> str:
    """Return the page that says which permission Twitter will ask for, and for whom."""
    return render_template(
        "allow_follow.html",
        pending=pending,
        back=back,
        **PanelLoader.of(person).load(target=queries.user(pending.user_id)),
    )
