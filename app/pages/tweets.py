"""Tweets: the person's own, one, and those found by id or link."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from flask import abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.people import Person
from app.pages import charts, lookup, paging
from app.pages.filters import ago
from app.pages.lookup import InvalidInput
from app.pages.paging import Position
from app.pages.panels import render_panels
from app.pages.queries import ON_A_PAGE, Query
from app.pages.remembered import ages
from app.pages.section import PANELS, Entry, HomePanel, Route, Section
from app.services import services
from app.twitter import endpoints
from app.twitter.dialect import Dialect
from app.twitter.models import USER_OR_TWEET_ID, Tweet
from app.web.current_person import for_signed_in

# "/<username>/article/" has the id of the Tweet; "/i/article/" has another one.
_PATH = re.compile(
    r"/(?:(?:[A-Za-z0-9_]{1,50}|i/web|i)/status(?:es)?|(?!i/)[A-Za-z0-9_]{1,50}/article)"
    r"/([0-9]{1,19})(?:/.*)?"
)
# The most Tweets of the home page.
ON_HOME = 5


@for_signed_in
def tweets(person: Person) -> ResponseReturnValue:
    """GET /tweets: the person's own Tweets, page by page; in the beta, pinned Tweets."""
    user_id, dialect, position = person.profile.id, services().dialect, paging.requested_position()
    if has_timeline():
        query = timeline(user_id, dialect, page_token=position.token)
        panels = {"tweets": paging.at_position(query, position)}
    else:
        panels = _pinned(user_id, dialect, position)
    return render_panels(person, "tweets.html", panels, number=position.number)


def _pinned(user_id: str, dialect: Dialect, position: Position) -> dict[str, Query[Tweet]]:
    """Return queries for Tweets pinned by the person (page 1 only) and by followed people."""
    followed = _pinned_by_followed(user_id, page_token=position.token)
    mine = {"tweets": timeline(user_id, dialect)} if position.number == 1 else {}
    return {**mine, "followed": paging.at_position(followed, position)}


@for_signed_in
def tweet(person: Person, tweet_id: str) -> ResponseReturnValue:
    """GET /tweets/<tweet_id>: one Tweet."""
    if not USER_OR_TWEET_ID.fullmatch(tweet_id):
        abort(404)
    return render_panels(person, "tweet.html", {"tweet": _one(tweet_id)}, tweet_id=tweet_id)


@for_signed_in
def tweets_lookup(person: Person) -> ResponseReturnValue:
    """GET /tweets/lookup?ids=: Tweets by id or link, mixed.

    The form uses POST, because a hundred links are too long for a URL.
    """
    typed = request.values.get("ids")
    if typed is None:
        return render_template("tweets_lookup.html")
    try:
        ids = ids_in(typed)
    except InvalidInput as error:
        return render_template("tweets_lookup.html", typed=typed, error=error), 400
    if "ids" in request.form:
        return redirect(f"{url_for('pages.tweets_lookup')}?ids={','.join(ids)}", code=303)
    query = {"tweets": _by_ids(ids)}
    return render_panels(person, "tweets_lookup.html", query, typed=typed, ids=ids)


def ids_in(text: str) -> tuple[str, ...]:
    """Return the ids of the Tweets in `text`, given as ids or links: each once, in order.

    Raises `InvalidInput`.
    """
    return lookup.parse(
        text,
        lambda word: lookup.user_or_tweet_id(word) or lookup.in_link(_PATH, word),
        nothing="Please paste the id or the link of at least one Tweet.",
        unknown="Not the id or the link of a Tweet:",
        things="Tweets",
    )


def has_timeline() -> bool:
    """Return whether there is a timeline; the beta has only pinned Tweets."""
    return endpoints.USER_TWEETS.exists_in(services().dialect)


def timeline(
    user_id: str, dialect: Dialect, *, at_most: int = ON_A_PAGE, page_token: str = ""
) -> Query[Tweet]:
    """Return a query for a user's newest Tweets. The beta has no timeline, only pinned Tweets."""
    if not endpoints.USER_TWEETS.exists_in(dialect):
        return Query(endpoints=(endpoints.USER,), fetch=lambda api: api.pinned_tweets(user_id))
    return Query(
        endpoints=(endpoints.USER_TWEETS,),
        fetch=lambda api: api.user_tweets(user_id, max_results=at_most, page_token=page_token),
    )


def _pinned_by_followed(user_id: str, *, page_token: str = "") -> Query[Tweet]:
    """Return a query for the Tweets pinned by the users that a user follows."""
    return Query(
        endpoints=(endpoints.FOLLOWING,),
        fetch=lambda api: api.pinned_tweets_of_followed(user_id, page_token=page_token),
    )


def _one(tweet_id: str) -> Query[Tweet]:
    """Return a query for one Tweet."""
    return Query(endpoints=(endpoints.TWEET,), fetch=lambda api: api.tweet(tweet_id))


def _by_ids(tweet_ids: Sequence[str]) -> Query[Tweet]:
    """Return a query for up to a hundred Tweets."""
    return Query(endpoints=(endpoints.TWEETS,), fetch=lambda api: api.tweets(tweet_ids))


@ages.register(Tweet)
def _ages(item: Tweet, now: datetime) -> Iterator[object]:
    shown = item.original or item
    for tweet in (shown, shown.quoted):
        if tweet:
            yield tweet.created_at and ago(tweet.created_at, now)
            yield tweet.poll and tweet.poll.ends_at and tweet.poll.ends_at <= now


@ages.register(tuple)
def _ages_of_chart(_tweets: tuple[Tweet, ...], _now: datetime) -> tuple[()]:
    return ()


def _on_home(person: Person, _before: Sequence[Query[Any]]) -> Query[Tweet]:
    return timeline(person.profile.id, services().dialect, at_most=ON_HOME)


SECTION = Section(
    routes=(
        Route("/tweets", tweets, PANELS),
        Route("/tweets/<tweet_id>", tweet, PANELS),
        Route("/tweets/lookup", tweets_lookup, PANELS),
    ),
    entry=Entry("Tweets"),
    subject="Tweets",
    stylesheets=("tweets",),
    filters=(charts.beginning, charts.reactions),
    features={"look_up_tweets": (endpoints.TWEETS,)},
    panel=HomePanel(
        name="tweets",
        template="partials/tweets_on_home.html",
        query=_on_home,
        place=1,
        is_wide=True,
    ),
)
