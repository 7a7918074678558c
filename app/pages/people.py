"""Pages that find people by username, id or link, and show one of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from flask import abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.people import Person
from app.pages import lookup, paging
from app.pages.lookup import InvalidInput, LookupResult, PeopleLookup
from app.pages.paging import Position
from app.pages.panels import Panel, render_panels
from app.pages.queries import Query
from app.pages.remembered import ages
from app.pages.section import PANELS, Route, Section
from app.pages.tweets import timeline
from app.services import services
from app.twitter import endpoints
from app.twitter.api import Api
from app.twitter.dialect import Dialect
from app.twitter.models import USER_OR_TWEET_ID, Profile, Tweet
from app.twitter.page import Page
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
    tweets = _tweets_by_username(username, dialect, page_token=position.token)
    profile = _by_username(username, dialect)
    return _profile(person, profile, tweets, position, asked=f"@{username}")


@for_signed_in
def person_by_id(person: Person, user_id: str) -> ResponseReturnValue:
    """GET /people/id/<user_id>: the same by id, which never changes."""
    if not USER_OR_TWEET_ID.fullmatch(user_id):
        abort(404)
    dialect, position = services().dialect, paging.requested_position()
    tweets = timeline(user_id, dialect, page_token=position.token)
    return _profile(person, by_id(user_id), tweets, position, asked=user_id)


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
        by_kind["names"] = _by_usernames(wanted.usernames)
    if wanted.ids:
        by_kind["ids"] = _by_ids(wanted.ids)
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


def _tweets_by_username(username: str, dialect: Dialect, *, page_token: str = "") -> Query[Tweet]:
    """Return the same by username. It shares one call with the query for the profile."""
    by_name = _by_username(username, dialect)

    def fetch(api: Api) -> Page[Tweet]:
        found = by_name.fetch(api)
        if not found.items:
            return Page(problems=found.problems)
        return timeline(found.items[0].id, dialect, page_token=page_token).fetch(api)

    endpoint = endpoints.USER_TWEETS
    asked = endpoint if endpoint.exists_in(dialect) else endpoints.USER
    return Query(endpoints=(asked, *by_name.endpoints), fetch=fetch)


def _by_username(username: str, dialect: Dialect) -> Query[Profile]:
    """Return a query for one profile by username."""
    by_name = endpoints.USER_BY_USERNAME
    asked = by_name if by_name.exists_in(dialect) else endpoints.USERS_BY
    return Query(endpoints=(asked,), fetch=lambda api: api.user_by_username(username))


def by_id(user_id: str) -> Query[Profile]:
    """Return a query for one profile by id."""
    return Query(endpoints=(endpoints.USER,), fetch=lambda api: api.user(user_id))


def _by_ids(user_ids: Sequence[str]) -> Query[Profile]:
    """Return a query for up to a hundred profiles by id."""
    return Query(endpoints=(endpoints.USERS,), fetch=lambda api: api.users(user_ids))


def _by_usernames(usernames: Sequence[str]) -> Query[Profile]:
    """Return a query for up to a hundred profiles by username."""
    return Query(
        endpoints=(endpoints.USERS_BY,), fetch=lambda api: api.users_by_usernames(usernames)
    )


@ages.register(Profile)
def _ages(_user: Profile, _now: datetime) -> tuple[()]:
    return ()


SECTION = Section(
    routes=(
        Route("/people", people, PANELS),
        Route("/people/<username>", person, PANELS),
        Route("/people/id/<user_id>", person_by_id, PANELS),
    ),
    filters=(found_in, profile_url),
    features={"find_people": (endpoints.USERS_BY,)},
)
