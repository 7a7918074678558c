"""Find people by username, id or link, and look at one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from flask import abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.people import Person
from app.pages import lookup, paging, queries
from app.pages.lookup import Found, NotUnderstood, Wanted
from app.pages.paging import Place
from app.pages.panels import Panel, render_panels
from app.pages.queries import Query
from app.services import services
from app.twitter.models import USER_OR_TWEET_ID, Profile, Tweet
from app.twitter.tweet_text import ASKABLE, Piece
from app.web.current_person import for_signed_in


@for_signed_in
def people(person: Person) -> ResponseReturnValue:
    """GET /people?who=: everybody named there, in that order.

    The form comes by POST, as a hundred links are longer than an address may be.
    """
    typed = request.values.get("who", "")
    if not typed.strip():
        return render_template("people.html")
    try:
        wanted = lookup.people(typed)
    except NotUnderstood as wrong:
        return render_template("people.html", typed=typed, wrong=wrong), 400
    if "who" in request.form:
        return redirect(f"{url_for('pages.people')}?who={','.join(wanted.order)}", code=303)
    return render_panels(person, "people.html", _reads(wanted), typed=typed, wanted=wanted)


@for_signed_in
def person(person: Person, username: str) -> ResponseReturnValue:
    """GET /people/<username>: a profile and its Tweets."""
    if not ASKABLE.fullmatch(username):
        abort(404)
    dialect, there = services().dialect, paging.place()
    tweets = queries.tweets_by_username(username, dialect, page_token=there.token)
    profile = queries.user_by_username(username, dialect)
    return _profile(person, profile, tweets, there, asked=f"@{username}")


@for_signed_in
def person_by_id(person: Person, user_id: str) -> ResponseReturnValue:
    """GET /people/id/<user_id>: the same by id, which outlives every name."""
    if not USER_OR_TWEET_ID.fullmatch(user_id):
        abort(404)
    dialect, there = services().dialect, paging.place()
    tweets = queries.tweets(user_id, dialect, page_token=there.token)
    return _profile(person, queries.user(user_id), tweets, there, asked=user_id)


def found_in(
    wanted: Wanted, names: Panel[Profile] | None, ids: Panel[Profile] | None
) -> list[Found[Profile]]:
    """Return what became of each person asked for, in that order. A template filter.

    Nothing is said of those whose panel holds nothing but trouble: it says so itself.
    """
    by_name = _found(names, [f"@{name}" for name in wanted.usernames], lambda u: f"@{u.username}")
    found = by_name | _found(ids, wanted.ids, lambda user: user.id)
    return [found[asked] for asked in wanted.order if asked in found]


def profile_url(user: Profile) -> str:
    """Return where an account is shown here: by its id, which no other account ever gets.

    A template filter.
    """
    return url_for("pages.person_by_id", user_id=user.id)


def mention_url(piece: Piece) -> str:
    """Return where the account of a mention is shown here; nothing if it cannot be asked for.

    A template filter. Without an id there is the name, as long as Twitter takes it: some old names
    are longer than the API allows.
    """
    if piece.user_id:
        return url_for("pages.person_by_id", user_id=piece.user_id)
    proper = ASKABLE.fullmatch(piece.target)
    return url_for("pages.person", username=piece.target) if proper else ""


def _reads(wanted: Wanted) -> dict[str, Query[Profile]]:
    """Return one read for the names and one for the ids, to be done side by side."""
    found = {}
    if wanted.usernames:
        found["names"] = queries.users_by_usernames(wanted.usernames)
    if wanted.ids:
        found["ids"] = queries.users(wanted.ids)
    return found


def _found(
    panel: Panel[Profile] | None, asked: Iterable[str], key: Callable[[Profile], str]
) -> dict[str, Found[Profile]]:
    """Find everybody who was asked for among the people or the problems of `panel`."""
    if panel is None or (panel.trouble and not panel.is_old):
        return {}
    # Names come back in the letters of their owners, whatever was asked.
    users = {key(user).lower(): user for user in panel.page.items}
    missing = {problem.asked.lower(): problem.missing for problem in panel.page.problems}
    return {
        each: Found(
            asked=each,
            item=users.get(each.lower()),
            missing=missing.get(each.lower().removeprefix("@"), "unknown"),
        )
        for each in asked
    }


def _profile(
    person: Person, profile: Query[Profile], tweets: Query[Tweet], there: Place, *, asked: str
) -> ResponseReturnValue:
    panels = {"someone": profile, "tweets": paging.part(tweets, there)}
    context = {"asked": asked, "number": there.number}
    return render_panels(person, "person.html", panels, **context)
