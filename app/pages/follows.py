"""Whom the person follows and who follows them, and the buttons that change it."""

from __future__ import annotations

from flask import abort, flash, g, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.accounts.people import Person
from app.pages import paging, queries
from app.pages.paging import Place
from app.pages.panels import Reader
from app.pages.queries import Read
from app.pages.view import shown
from app.services import services
from app.twitter.dialect import Permission
from app.twitter.endpoints import FOLLOWERS
from app.twitter.models import Profile
from app.twitter.transport.deadline import Deadline
from app.web.current_person import for_signed_in
from app.web.safe_redirects import local
from app.wishes import Verb, Wish, fulfil, lacks_permission


@for_signed_in
def follows(person: Person) -> ResponseReturnValue:
    """GET /follows: whom they follow."""
    return _following(person)


@for_signed_in
def followers(person: Person) -> ResponseReturnValue:
    """GET /follows/followers; the beta has no such list."""
    if not FOLLOWERS.exists_in(services().dialect):
        return render_template("follows.html", list_is="missing"), 404
    there = paging.place()
    read = queries.followers(person.profile.id, page_token=there.token)
    return _list(person, read, there, list_is="followers")


@for_signed_in
def follow(person: Person) -> ResponseReturnValue:
    """POST /follows: follow somebody. The refresh button of the list posts here as well."""
    if "refresh" in request.form:
        return _following(person)
    return _wished(person, "follow", request.form.get("user_id", ""))


@for_signed_in
def unfollow(person: Person, user_id: str) -> ResponseReturnValue:
    """POST /follows/<user_id>/delete: unfollow somebody."""
    return _wished(person, "unfollow", user_id)


def _following(person: Person) -> ResponseReturnValue:
    there = paging.place()
    read = queries.following(person.profile.id, page_token=there.token)
    return _list(person, read, there, list_is="following")


def _list(
    person: Person, read: Read[Profile], there: Place, *, list_is: str
) -> ResponseReturnValue:
    people = {"people": paging.part(read, there)}
    context = {"list_is": list_is, "number": there.number}
    return shown(person, "follows.html", people, **context)


def _wished(person: Person, verb: Verb, user_id: str) -> ResponseReturnValue:
    """Fulfil a wish and go back to where its button was; ask for the permission if it lacks."""
    wish = _wish(verb, user_id)
    g.next_path = back = local(request.form.get("next"))  # where error pages lead, too
    if lacks_permission(wish, person):
        return _explain(wish, person, back)
    flash(fulfil(wish, person, deadline=Deadline()))
    return redirect(back, code=303)


def _wish(verb: Verb, user_id: str) -> Wish:
    """Read a wish as strictly as one that comes by cookie; a name that is none is left out."""
    username = request.form.get("username", "")
    wish = Wish.from_text(f"{verb}:{user_id}:{username}") or Wish.from_text(f"{verb}:{user_id}")
    return wish or abort(400)


def _explain(wish: Wish, person: Person, back: str) -> str:
    """Say what Twitter will ask and whom it is about, as Twitter knows them."""
    return render_template(
        "allow_follow.html",
        wish=wish,
        ask=Permission.WRITE_FOLLOWS,
        back=back,
        **Reader.of(person).panels(target=queries.user(wish.user_id)),
    )
