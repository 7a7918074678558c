"""The person's own Tweets, one Tweet, and Tweets by id or link."""

from __future__ import annotations

from flask import abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.people import Person
from app.pages import lookup, paging, queries
from app.pages.lookup import InvalidInput
from app.pages.paging import Position
from app.pages.panels import render_panels
from app.pages.queries import Query
from app.services import services
from app.twitter.dialect import Dialect
from app.twitter.endpoints import USER_TWEETS
from app.twitter.models import USER_OR_TWEET_ID, Tweet
from app.web.current_person import for_signed_in


@for_signed_in
def tweets(person: Person) -> ResponseReturnValue:
    """GET /tweets: the person's own Tweets, page by page; in the beta, pinned Tweets."""
    user_id, dialect, position = person.profile.id, services().dialect, paging.requested_position()
    if USER_TWEETS.exists_in(dialect):
        query = queries.tweets(user_id, dialect, page_token=position.token)
        panels = {"tweets": paging.at_position(query, position)}
    else:
        panels = _pinned(user_id, dialect, position)
    return render_panels(person, "tweets.html", panels, number=position.number)


def _pinned(user_id: str, dialect: Dialect, position: Position) -> dict[str, Query[Tweet]]:
    """Return queries for Tweets pinned by the person (page 1 only) and by followed people."""
    followed = queries.pinned_of_followed(user_id, page_token=position.token)
    mine = {"tweets": queries.tweets(user_id, dialect)} if position.number == 1 else {}
    return {**mine, "followed": paging.at_position(followed, position)}


@for_signed_in
def tweet(person: Person, tweet_id: str) -> ResponseReturnValue:
    """GET /tweets/<tweet_id>: one Tweet."""
    if not USER_OR_TWEET_ID.fullmatch(tweet_id):
        abort(404)
    return render_panels(
        person, "tweet.html", {"tweet": queries.tweet(tweet_id)}, tweet_id=tweet_id
    )


@for_signed_in
def tweets_lookup(person: Person) -> ResponseReturnValue:
    """GET /tweets/lookup?ids=: Tweets by id or link, mixed.

    The form uses POST, because a hundred links are too long for a URL.
    """
    typed = request.values.get("ids")
    if typed is None:
        return render_template("tweets_lookup.html")
    try:
        ids = lookup.tweets(typed)
    except InvalidInput as error:
        return render_template("tweets_lookup.html", typed=typed, error=error), 400
    if "ids" in request.form:
        return redirect(f"{url_for('pages.tweets_lookup')}?ids={','.join(ids)}", code=303)
    query = {"tweets": queries.tweets_by_id(ids)}
    return render_panels(person, "tweets_lookup.html", query, typed=typed, ids=ids)
