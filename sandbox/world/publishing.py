"""Adds and deletes Tweets while the sandbox runs. The caller holds the world's lock."""

from __future__ import annotations

from dataclasses import replace

from sandbox.world.model import Poll, Tweet
from sandbox.world.state import World
from sandbox.world.timelines import mentions, timelines

_LARGEST_ID = 10**19 - 1  # 19 digits
# Later than the ids of a usual seed. All ids are odd: no floating-point number holds one.
_AT_THE_BEGINNING = 1_990_000_000_000_000_001
_EACH_MILLISECOND = 1 << 22
# Positions in `Tweet.metrics`.
REPOSTS, REPLIES, LIKES, QUOTES, BOOKMARKS = range(5)
_COUNTED = {"retweeted": REPOSTS, "replied_to": REPLIES, "quoted": QUOTES}


def next_id(world: World) -> str:
    """Return an id that is larger than all earlier ones, and grows with time as X's do."""
    elapsed = int((world.now() - world.clock.began) * 1000)
    usual = min(_AT_THE_BEGINNING + elapsed * _EACH_MILLISECOND, _LARGEST_ID)
    number = min(max(usual, world.last_tweet_id + 1 | 1), _LARGEST_ID)
    while str(number) in world.tweets:  # a seed has used the largest one up
        number -= 1
    world.last_tweet_id = max(world.last_tweet_id, number)
    return str(number)


def publish(world: World, tweet: Tweet, poll: Poll | None = None) -> None:
    """Add a Tweet to the timelines, and count it at the Tweets that it refers to."""
    world.tweets[tweet.id] = tweet
    if poll is not None:
        world.polls[poll.id] = poll
    found = [
        (world.timelines, timelines([tweet])),
        (world.mentions, mentions([tweet], world.known_names)),
    ]
    for lists, new in found:
        for account_id, ids in new.items():
            lists[account_id] = [*ids, *lists.get(account_id, ())]
    for kind, tweet_id in tweet.references:
        count(world, tweet_id, _COUNTED[kind], 1)


def delete(world: World, tweet: Tweet) -> None:
    """Delete a Tweet, all its versions and its reposts."""
    doomed = {tweet.id, *tweet.earlier_versions, *tweet.later_versions}
    reposts = [t.id for t in world.tweets.values() if doomed & reposted(t)]
    for tweet_id in (*doomed, *reposts):
        gone = world.tweets.pop(tweet_id, None)
        if gone is not None:
            for kind, other_id in gone.references:
                count(world, other_id, _COUNTED[kind], -1)
        world.likes.forget(tweet_id)
        world.bookmarks.forget(tweet_id)
    for lists in (world.timelines, world.mentions):
        for account_id, ids in lists.items():
            lists[account_id] = [i for i in ids if i in world.tweets]
    author = world.accounts[tweet.author_id]
    if author.pinned_tweet_id in doomed:
        world.accounts[author.id] = replace(author, pinned_tweet_id="")
        world.usernames[author.username.lower()] = world.accounts[author.id]


def count(world: World, tweet_id: str, position: int, by: int) -> None:
    """Change one of a Tweet's public metrics."""
    tweet = world.tweets.get(tweet_id)
    if tweet is not None:
        metrics = list(tweet.metrics)
        metrics[position] = max(0, metrics[position] + by)
        world.tweets[tweet_id] = replace(tweet, metrics=tuple(metrics))  # type: ignore[arg-type]


def reposted(tweet: Tweet) -> set[str]:
    """Return the id that a repost repeats; nothing for other Tweets."""
    return {tweet_id for kind, tweet_id in tweet.references if kind == "retweeted"}
