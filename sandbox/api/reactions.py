"""Likes, bookmarks and reposts."""

from __future__ import annotations

from typing import Any

from sandbox.api import problems
from sandbox.api.body import Body
from sandbox.api.call import Answer, Call, Handler
from sandbox.api.tweets import must_be_me, own_path
from sandbox.world import publishing
from sandbox.world.model import Tweet
from sandbox.world.reactions import Reactions

_NOT_THERE = "This tweet cannot be found."
_REPEATED = "You cannot retweet a Tweet that you have already retweeted."
_PROTECTED = "You are not permitted to perform this action."


def like(call: Call, account_id: str) -> Answer:
    """`POST /2/users/:id/likes`."""
    _react(call, call.world.likes, _chosen(call, account_id), publishing.LIKES)
    return {"data": {"liked": True}}, 1


def unlike(call: Call, account_id: str, tweet_id: str) -> Answer:
    """`DELETE /2/users/:id/likes/:tweet_id`."""
    _take_back(call, call.world.likes, account_id, tweet_id, publishing.LIKES)
    return {"data": {"liked": False}}, 1


def bookmark(call: Call, account_id: str) -> Answer:
    """`POST /2/users/:id/bookmarks`."""
    tweet = _chosen(call, account_id, "folder_id")
    _react(call, call.world.bookmarks, tweet, publishing.BOOKMARKS)
    return {"data": {"bookmarked": True}}, 1


def unbookmark(call: Call, account_id: str, tweet_id: str) -> Answer:
    """`DELETE /2/users/:id/bookmarks/:tweet_id`."""
    _take_back(call, call.world.bookmarks, account_id, tweet_id, publishing.BOOKMARKS)
    return {"data": {"bookmarked": False}}, 1


def repost(call: Call, account_id: str) -> Answer:
    """`POST /2/users/:id/retweets`; of a repost, the original is reposted."""
    tweet = _chosen(call, account_id)
    original = call.world.tweets[next(iter(publishing.reposted(tweet)), tweet.id)]
    if call.world.accounts[original.author_id].protected:
        raise problems.refused(_PROTECTED)
    if _own_repost(call, original.id) is not None:
        raise problems.invalid(_REPEATED)
    made = Tweet(
        id=publishing.next_id(call.world),
        author_id=call.viewer.id,
        text="",
        lang=original.lang,
        minutes_ago=(call.world.clock.began - call.world.now()) / 60,
        references=(("retweeted", original.id),),
    )
    publishing.publish(call.world, made)
    return {"data": {"retweeted": True, "rest_id": original.id}}, 1


def unrepost(call: Call, account_id: str, tweet_id: str) -> Answer:
    """`DELETE /2/users/:id/retweets/:source_tweet_id`."""
    own_path(call, account_id, "source_tweet_id", tweet_id)
    if (made := _own_repost(call, tweet_id)) is not None:
        publishing.delete(call.world, made)
    return {"data": {"retweeted": False}}, 1


def liked_tweets(call: Call, account_id: str) -> Answer:
    """`GET /2/users/:id/liked_tweets`; since June 2024 likes are private."""
    return _tweets(call, account_id, "liked_tweets", call.world.likes, least=5)


def bookmarks(call: Call, account_id: str) -> Answer:
    """`GET /2/users/:id/bookmarks`."""
    return _tweets(call, account_id, "bookmarks", call.world.bookmarks, least=1)


def liking_users(call: Call, tweet_id: str) -> Answer:
    """`GET /2/tweets/:id/liking_users`; for the author only, since likes are private."""
    show = call.renderer("user")
    call.query.path("id", tweet_id)
    size = call.query.number("max_results", 1, 100, 100)
    pages = call.pages(f"liking_users/{tweet_id}")
    start = call.query.start(pages)
    call.query.done()
    tweet = call.world.tweets.get(tweet_id)
    if tweet is None or tweet.author_id != call.viewer.id:
        problem = problems.missing if tweet is None else problems.not_for_you
        show.note(problem("tweet", "id", tweet_id))
        return show.body(None)
    accounts = [call.world.accounts[i] for i in call.world.likes.accounts_of(tweet_id)]
    seen = [account for account in accounts if not account.suspended]
    page = [show.user(account) for account in seen[start : start + size]]
    return show.body(page, pages.meta(len(seen), start, size))


def _tweets(call: Call, account_id: str, name: str, of: Reactions, *, least: int) -> Answer:
    """Return a page of the Tweets that the viewer reacted to, the newest reaction first."""
    must_be_me(call, account_id)
    show = call.renderer("tweet")
    call.query.path("id", account_id)
    size = call.query.number("max_results", least, 100, 100)
    pages = call.pages(f"{name}/{account_id}")
    start = call.query.start(pages)
    call.query.done()
    found = [call.world.tweets[i] for i in of.tweets_of(account_id)]
    seen = [tweet for tweet in found if call.world.may_see(call.viewer, tweet)]
    page = [made for t in seen[start : start + size] if (made := show.tweet(t)) is not None]
    meta: dict[str, Any] = pages.meta(len(seen), start, size) | {"result_count": len(page)}
    return show.body(page, meta)


def _chosen(call: Call, account_id: str, *not_played: str) -> Tweet:
    """Return the Tweet of `{"tweet_id": "…"}`, which the viewer must be able to see."""
    call.query.path("id", account_id)
    must_be_me(call, account_id)
    body = Body.sent(call.query.complaints)
    body.refuse(not_played, "the sandbox does not play this")
    tweet_id = body.id("tweet_id", required=True)
    body.done()
    call.query.done()
    tweet = call.world.tweets.get(tweet_id)
    if tweet is None or not call.world.may_see(call.viewer, tweet):
        raise problems.invalid(_NOT_THERE)
    return tweet


def _react(call: Call, to: Reactions, tweet: Tweet, counted: int) -> None:
    if to.add(call.viewer.id, tweet.id):
        publishing.count(call.world, tweet.id, counted, 1)


def _take_back(call: Call, of: Reactions, account_id: str, tweet_id: str, counted: int) -> None:
    own_path(call, account_id, "tweet_id", tweet_id)
    if of.remove(call.viewer.id, tweet_id):
        publishing.count(call.world, tweet_id, counted, -1)


def _own_repost(call: Call, tweet_id: str) -> Tweet | None:
    own = call.world.timeline(call.viewer.id)
    return next((one for one in own if tweet_id in publishing.reposted(one)), None)


HANDLERS: dict[str, Handler] = {
    "like": like,
    "unlike": unlike,
    "liked_tweets": liked_tweets,
    "liking_users": liking_users,
    "bookmark": bookmark,
    "unbookmark": unbookmark,
    "bookmarks": bookmarks,
    "repost": repost,
    "unrepost": unrepost,
}
