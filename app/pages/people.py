"""Pages that find people by username, id or link, and show one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from flask import abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.people import Person
from app.pages import lookup, paging, queries
from app.pages.lookup import InvalidInput, LookupResult, PeopleLookup
from app.pages.paging import Position
from app.pages.panels import Panel, render_panels
from app.pages.queries import Query
from app.services import services
from app.twitter.models import USER_OR_TWEET_ID, Profile, Tweet
from app.twitter.tweet_text import ASKABLE
from app.web.current_person import for_signed_in


@for_signed_in
def people(person: Person) -> ResponseReturnValue:
    """GET /people?who=: the people named, in that order.

    The form uses POST, because a hundred links are too long for a URL.
    """
    typed = request.values.get("who", "")
    if not typed.strip():
        return render_template("people.html")
    try:
        wanted = lookup.people(typed)
    except InvalidInput as error:
        return render_template("people.html", typed=typed, error=error), 400
    if "who" in request.form:
        return redirect(f"{url_for('pages.people')}?who={','.join(wanted.order)}", code=303)
    return render_panels(person, "people.html", _queries(wanted), typed=typed, wanted=wanted)


@for_signed_in
def person(person: Person, username: str) -> ResponseReturnValue:
    """GET /people/<username>: a profile and its Tweets."""
    if not ASKABLE.fullmatch(username):
        abort(404)
    dialect, position = services().dialect, paging.requested_position()
    tweets = queries.tweets_by_username(username, dialect, page_token=position.token)
    profile = queries.user_by_username(username, dialect)
    return _profile(person, profile, tweets, position, asked=f"@{username}")


@for_signed_in
def person_by_id(person: Person, user_id: str) -> ResponseReturnValue:
    """GET /people/id/<user_id>: the same by id, which never changes."""
    if not USER_OR_TWEET_ID.fullmatch(user_id):
        abort(404)
    dialect, position = services().dialect, paging.requested_position()
    tweets = queries.tweets(user_id, dialect, page_token=position.token)
    return _profile(person, queries.user(user_id), tweets, position, asked=user_id)


def found_in(
    wanted: PeopleLookup, names: Panel[Profile] | None, ids: Panel[Profile] | None
) -> list[LookupResult[Profile]]:
    """Return a result for each person asked for, in that order. A template filter.

    It leaves out those whose panel failed: the panel itself says why.
    """
    by_name = _found(names, [f"@{name}" for name in wanted.usernames], lambda u: f"@{u.username}")
    found = by_name | _found(ids, wanted.ids, lambda user: user.id)
    return [found[asked] for asked in wanted.order if asked in found]


def profile_url(user: Profile) -> str:
    """Return the URL of an account's page here, by id, which is never reused. A template filter."""
    return url_for("pages.person_by_id", user_id=user.id)


def _queries(wanted: PeopleLookup) -> dict[str, Query[Profile]]:
    """Return a query for the usernames and one for the ids, which run side by side."""
    by_kind = {}
    if wanted.usernames:
        by_kind["names"] = queries.users_by_usernames(wanted.usernames)
    if wanted.ids:
        by_kind["ids"] = queries.users(wanted.ids)
    return by_kind


def _found(
    panel: Panel[Profile] | None, asked: Iterable[str], key: Callable[[Profile], str]
) -> dict[str, LookupResult[Profile]]:
    """Return a result for each of `asked`, from the items and problems of `panel`."""
    if panel is None or (panel.trouble and not panel.is_old):
        return {}
    # Twitter returns usernames in their owners' spelling, whatever the case of the query.
    users = {key(user).lower(): user for user in panel.page.items}
    missing = {problem.asked.lower(): problem.missing for problem in panel.page.problems}
    return {
        each: LookupResult(
            asked=each,
            item=users.get(each.lower()),
            missing=missing.get(each.lower().removeprefix("@"), "unknown"),
        )
        for each in asked
    }


def _profile(
    person: Person, profile: Query[Profile], tweets: Query[Tweet], position: Position, *, asked: str
) -> ResponseReturnValue:
    panels = {"someone": profile, "tweets": paging.at_position(tweets, position)}
    context = {"asked": asked, "number": position.number}
    return render_panels(person, "person.html", panels, **context)
