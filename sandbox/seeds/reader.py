"""Reads the rows of a seed: accounts, Tweets, follows, Spaces and clients.

Later lists name accounts and Tweets by what earlier ones called them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sandbox.api.query import NUMERIC_ID, SPACE_ID, USERNAME
from sandbox.errors import InvalidInput
from sandbox.oauth.registration import client_from
from sandbox.seeds.row import Row
from sandbox.seeds.tweets import OLDEST_DAYS, OLDEST_MINUTES, Tweets
from sandbox.world.model import Account, Client, Seed, Space

_FIRST_ACCOUNT = 1_600_000_000_000_000_001
_COLOURS = (
    ("#33507a", "#c9d8ea", "#d9a441"),
    ("#4b6b3c", "#dfe8cf", "#7a3b2a"),
    ("#7a3350", "#ecd2dd", "#2b2b2b"),
    ("#5b4a7a", "#dcd5ea", "#c96f2d"),
)
_COLOUR = re.compile("#[0-9a-f]{6}")
_STATES = ("live", "scheduled", "ended", "canceled")
_VERIFIED = ("none", "blue", "business", "government")


def world_of(content: Row, beginning: Seed) -> Seed:
    """Return the beginning with the rows of these lists added; clients replace its own."""
    world = _Reader(content, beginning).world()
    content.done()
    _check(world)
    return world


class _Reader:
    """Knows the ids of what has been read so far."""

    def __init__(self, content: Row, beginning: Seed) -> None:
        self._content = content
        self._beginning = beginning
        self._ids = {account.username.lower(): account.id for account in beginning.accounts}
        self._topics = {topic[0]: topic for topic in beginning.topics}

    def world(self) -> Seed:
        before = self._beginning
        accounts = (*before.accounts, *self._accounts())
        tweets = self._tweets(accounts)
        self._topics |= {topic[0]: topic for topic in self._read_topics()}
        return replace(
            before,
            accounts=accounts,
            tweets=(*before.tweets, *tweets.tweets),
            media=(*before.media, *tweets.media),
            polls=(*before.polls, *tweets.polls),
            topics=tuple(self._topics.values()),
            spaces=(*before.spaces, *self._spaces()),
            follows=(*before.follows, *self._follows()),
            clients=tuple(self._clients()) or before.clients,
        )

    def _accounts(self) -> Iterator[Account]:
        for number, row in enumerate(self._content.rows("accounts")):
            username = row.required("username", USERNAME)
            account = Account(
                id=row.text("id", str(_FIRST_ACCOUNT + number), NUMERIC_ID),
                username=username,
                name=row.text("name", longest=50) or username,
                description=row.text("description", longest=160),
                location=row.text("location", longest=30),
                url=row.text("url"),
                days_old=row.number("days_old", 1000, OLDEST_DAYS),
                verified_type=row.choice("verified_type", _VERIFIED, "none"),
                protected=row.flag("protected"),
                suspended=row.flag("suspended"),
                plumage=_plumage(row, number),
                banner=row.flag("banner"),
                listed_count=row.number("listed_count", 0),
                email=row.text("email", f"{username.lower()}@birds.example"),
                former_usernames=row.texts("former_usernames"),
                pinned_tweet_id=row.text("pinned_id"),
            )
            self._ids[username.lower()] = account.id
            yield account

    def _tweets(self, accounts: tuple[Account, ...]) -> Tweets:
        usernames = {account.id: account.username for account in accounts}
        tweets = Tweets({tweet.id for tweet in self._beginning.tweets})
        for number, row in enumerate(self._content.rows("tweets")):
            author_id = self._account(row, "author")
            tweets.read(row, number, author_id, usernames[author_id])
        return tweets

    def _read_topics(self) -> Iterator[tuple[str, str, str]]:
        for row in self._content.rows("topics"):
            yield row.required("id", NUMERIC_ID), row.required("name"), row.text("description")

    def _follows(self) -> Iterator[tuple[str, str]]:
        for number, pair in enumerate(self._content.items("follows")):
            row = Row(f"follows[{number}]", _as_pair(number, pair))
            follower, followed = self._account(row, "follower"), self._account(row, "followed")
            if follower == followed:
                raise row.wrong("followed", "is the follower, and no account follows itself")
            yield follower, followed

    def _spaces(self) -> Iterator[Space]:
        for number, row in enumerate(self._content.rows("spaces")):
            state = row.choice("state", _STATES, "live")
            creator_id = self._account(row, "creator")
            yield Space(
                id=row.text("id", f"1Space{number:07d}", SPACE_ID),
                state=state,
                title=row.text("title"),
                creator_id=creator_id,
                host_ids=self._people(row, "hosts") or (creator_id,),
                speaker_ids=self._people(row, "speakers"),
                invited_user_ids=self._people(row, "invited"),
                topic_ids=self._topic_ids(row),
                participant_count=row.number("participant_count", 0),
                subscriber_count=row.number("subscriber_count", 0),
                **_times(state, row),
            )

    def _clients(self) -> Iterator[Client]:
        for number, given in enumerate(self._content.items("clients")):
            # Not random, as elsewhere: a file makes the same world each time.
            usual = {
                "client_id": f"client-{number + 1}",
                "client_secret": f"secret-of-client-{number + 1}",
            }
            try:
                yield client_from(usual | given if isinstance(given, dict) else {})
            except InvalidInput as problem:
                raise InvalidInput(f"clients[{number}]: {problem}") from None

    def _account(self, row: Row, name: str) -> str:
        return self._id_of(row, name, row.required(name))

    def _people(self, row: Row, name: str) -> tuple[str, ...]:
        return tuple(self._id_of(row, name, username) for username in row.texts(name))

    def _id_of(self, row: Row, name: str, username: str) -> str:
        if username.lower() not in self._ids:
            raise row.wrong(name, f"is {username!r}, and there is no account of that username")
        return self._ids[username.lower()]

    def _topic_ids(self, row: Row) -> tuple[str, ...]:
        ids = row.texts("topics")
        for topic_id in ids:
            if topic_id not in self._topics:
                raise row.wrong("topics", f"has {topic_id!r}, and there is no topic of that id")
        return ids


def _as_pair(number: int, pair: object) -> dict[str, object]:
    if not isinstance(pair, list) or len(pair) != 2:
        raise InvalidInput(f"follows[{number}] must be a list of two usernames.")
    return {"follower": pair[0], "followed": pair[1]}


def _plumage(row: Row, number: int) -> tuple[str, str, str] | None:
    """Return the colours of the avatar; without a picture there are none."""
    given = row.texts("plumage")
    if given and (len(given) != 3 or not all(map(_COLOUR.fullmatch, given))):
        raise row.wrong("plumage", "must be three colours such as #33507a")
    if not row.flag("picture", default=True):
        return None
    return (given[0], given[1], given[2]) if given else _COLOURS[number % 4]


def _times(state: str, row: Row) -> dict[str, Any]:
    """Return the times that a Space of this state has."""
    if state == "scheduled":
        soon = row.number("in_minutes", 60)
        created = row.number("created_minutes_ago", 60, OLDEST_MINUTES)
        return {"created_minutes": -created, "scheduled_minutes": soon}
    ago = row.number("minutes_ago", 10, OLDEST_MINUTES)
    usual = ago + (5 if state == "live" else 65)
    created = row.number("created_minutes_ago", usual, OLDEST_MINUTES + 65)
    times = {"created_minutes": -created}
    if state == "canceled":
        return times | {"scheduled_minutes": -ago}
    if state == "live":
        return times | {"started_minutes": -ago}
    started = row.number("started_minutes_ago", ago + 60, OLDEST_MINUTES + 65)
    return times | {"started_minutes": -started, "ended_minutes": -ago}


def _check(world: Seed) -> None:
    """Refuse two of one id, and a pinned Tweet that is not the account's own."""
    if all(account.suspended for account in world.accounts):
        raise InvalidInput("accounts has no account that can sign in.")
    _must_differ("accounts", "username", [account.username.lower() for account in world.accounts])
    _must_differ("accounts", "id", [account.id for account in world.accounts])
    _must_differ("tweets", "id", [tweet.id for tweet in world.tweets])
    _must_differ("pictures", "media_key", [media.media_key for media in world.media])
    _must_differ("spaces", "id", [space.id for space in world.spaces])
    _must_differ("clients", "client_id", [client.client_id for client in world.clients])
    authors = {tweet.id: tweet.author_id for tweet in world.tweets if not tweet.later_versions}
    for account in world.accounts:
        pinned = account.pinned_tweet_id
        if pinned and authors.get(pinned) != account.id:
            raise InvalidInput(f"{account.username} has pinned {pinned!r}, and wrote no such post.")


def _must_differ(kind: str, name: str, values: list[str]) -> None:
    for value, count in Counter(values).items():
        if count > 1:
            raise InvalidInput(f"{kind} has the {name} {value!r} {count} times.")
