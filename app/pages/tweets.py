"""The person's own Tweets, one Tweet, and Tweets by id or link."""

from __future__ import annotations

from flask import abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts.people import Person
from app.pages import lookup, paging, queries
from app.pages.lookup import NotUnderstood
from app.pages.paging import Place
from app.pages.panels import render_panels
from app.pages.queries import Query
from app.services import services
from app.twitter.dialect import Dialect
from app.twitter.endpoints import USER_TWEETS
from app.twitter.models import USER_OR_TWEET_ID, Tweet
from app.web.current_person import for_signed_in


@for_signed_in
def tweets(person: Person) -> ResponseReturnValue:
    """GET /tweets: the person's own, page by page; in the beta, what is pinned, page by page."""
    user_id, dialect, there = person.profile.id, services().dialect, paging.place()
    if USER_TWEETS.exists_in(dialect):
        query = queries.tweets(user_id, dialect, page_token=there.token)
        panels = {"tweets": paging.part(query, there)}
    else:
        panels = _pinned(user_id, dialect, there)
    return render_panels(person, "tweets.html", panels, number=there.number)


def _pinned(user_id: str, dialect: Dialect, there: Place) -> dict[str, Query[Tweet]]:
    """Return what is pinned by the person, on the first page, and by those they follow."""
    followed = queries.pinned_of_followed(user_id, page_token=there.token)
    mine = {"tweets": queries.tweets(user_id, dialect)} if there.number == 1 else {}
    return {**mine, "followed": paging.part(followed, there)}


@for_signed_in
def tweet(person: Person, tweet_id: str) -> ResponseReturnValue:
    """GET /tweets/<tweet_id>."""
    if not USER_OR_TWEET_ID.fullmatch(tweet_id):
        abort(404)
    return render_panels(
        person, "tweet.html", {"tweet": queries.tweet(tweet_id)}, tweet_id=tweet_id
    )


@for_signed_in
def tweets_lookup(person: Person) -> ResponseReturnValue:
    """GET /tweets/lookup?ids=: ids and links, mixed.

    The form comes by POST, as a hundred links are longer than an address may be.
    """
    typed = request.values.get("ids")
    if typed is None:
        return render_template("tweets_lookup.html")
    try:
        ids = lookup.tweets(typed)
    except NotUnderstood as wrong:
        return render_template("tweets_lookup.html", typed=typed, wrong=wrong), 400
    if "ids" in request.form:
        return redirect(f"{url_for('pages.tweets_lookup')}?ids={','.join(ids)}", code=303)
    query = {"tweets": queries.tweets_by_id(ids)}
    return render_panels(person, "tweets_lookup.html", query, typed=typed, ids=ids)
