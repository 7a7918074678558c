"""Worlds of other people: accounts, posts, follows, Spaces and clients out of a JSON file."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sandbox.api.query import NUMERIC_ID, SPACE_ID, USERNAME
from sandbox.oauth.registration import BadClientError, client_from
from sandbox.seeds import birds
from sandbox.seeds.row import BadSeedError, Row
from sandbox.seeds.tweets import OLDEST_DAYS, Posts
from sandbox.world.model import Account, Seed, Space

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sandbox.world.model import Client, Tweet

_FIRST_ACCOUNT = 1_600_000_000_000_000_001
_COLOURS = (
    ("#33507a", "#c9d8ea", "#d9a441"),
    ("#4b6b3c", "#dfe8cf", "#7a3b2a"),
    ("#7a3350", "#ecd2dd", "#2b2b2b"),
    ("#5b4a7a", "#dcd5ea", "#c96f2d"),
)
_KINDS = ("accounts", "tweets", "follows", "spaces", "clients")
_STATES = ("live", "scheduled", "ended", "canceled")


def read(path: str | Path, *more_callbacks: str) -> Seed:
    """Read a seed file; without clients of its own it has the usual two.

    Whichever they are, they have these callbacks as well.
    """
    path = Path(path)
    try:
        wish = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as problem:
        raise BadSeedError(f"Cannot read {path}: {problem.strerror}.") from problem
    except (ValueError, RecursionError) as problem:
        raise BadSeedError(f"{path} is not JSON: {problem}") from problem
    try:
        return _File(wish, more_callbacks).seed()
    except BadSeedError as problem:
        raise BadSeedError(f"{path}: {problem}") from None


class _File:
    """A whole file. Later parts speak of accounts and posts by what earlier parts called them."""

    def __init__(self, wish: object, more_callbacks: tuple[str, ...]) -> None:
        usual = birds.birds(*more_callbacks)
        self._more_callbacks = more_callbacks
        self._whole = whole = Row("the file", wish)
        self._birds = usual if whole.flag("birds") else replace(usual, **_NOTHING)
        self._usual_clients = usual.clients
        self._rows = {kind: self._list(kind, wish) for kind in _KINDS}
        for kind in _KINDS:
            whole.take(kind, [])
        whole.done()
        self._ids: dict[str, str] = {a.username.lower(): a.id for a in self._birds.accounts}
        self._names = {account.id: account.username for account in self._birds.accounts}

    def seed(self) -> Seed:
        """Give the world that the file describes."""
        accounts: tuple[Account, ...] = (*self._birds.accounts, *self._accounts())
        if all(account.suspended for account in accounts):
            raise BadSeedError("accounts has nobody who could sign in.")
        _must_differ("accounts", "username", [a.username.lower() for a in accounts])
        _must_differ("accounts", "id", [a.id for a in accounts])
        posts = self._posts()
        tweets = (*self._birds.tweets, *posts.tweets)
        _must_differ("tweets", "id", [t.id for t in tweets])
        self._check_pins(accounts, tweets)
        spaces = (*self._birds.spaces, *self._spaces())
        _must_differ("spaces", "id", [s.id for s in spaces])
        follows = (*self._birds.follows, *self._follows())
        clients = tuple(self._clients())
        _must_differ("clients", "client_id", [one.client_id for one in clients])
        return replace(
            self._birds,
            accounts=accounts,
            tweets=tweets,
            spaces=spaces,
            media=(*self._birds.media, *posts.media),
            polls=(*self._birds.polls, *posts.polls),
            follows=follows,
            clients=clients or self._usual_clients,
        )

    def _list(self, kind: str, wish: object) -> list[object]:
        rows = wish.get(kind, []) if isinstance(wish, dict) else []
        if not isinstance(rows, list):
            raise BadSeedError(f"{kind} must be a list.")
        return rows

    def _each(self, kind: str) -> Iterator[tuple[int, Row]]:
        for number, given in enumerate(self._rows[kind]):
            row = Row(f"{kind}[{number}]", given)
            yield number, row
            row.done()

    def _accounts(self) -> Iterator[Account]:
        for number, row in self._each("accounts"):
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
                plumage=_COLOURS[number % 4] if row.flag("picture", default=True) else None,
                listed_count=row.number("listed_count", 0),
                email=row.text("email", f"{username.lower()}@birds.example"),
                former_usernames=row.texts("former_usernames"),
                pinned_tweet_id=row.text("pinned_id"),
            )
            self._ids[username.lower()] = account.id
            self._names[account.id] = username
            yield account

    def _posts(self) -> Posts:
        posts = Posts({tweet.id for tweet in self._birds.tweets})
        for number, row in self._each("tweets"):
            author_id = self._account(row, "author")
            posts.read(row, number, author_id, self._names[author_id])
        return posts

    def _follows(self) -> Iterator[tuple[str, str]]:
        for number, pair in enumerate(self._rows["follows"]):
            row = Row(f"follows[{number}]", _as_pair(number, pair))
            follower, followed = self._account(row, "follower"), self._account(row, "followed")
            if follower == followed:
                raise row.wrong("followed", "is the follower, and no account follows itself")
            yield follower, followed

    def _spaces(self) -> Iterator[Space]:
        for number, row in self._each("spaces"):
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
                participant_count=row.number("participant_count", 0),
                subscriber_count=row.number("subscriber_count", 0),
                **_times(state, row),
            )

    def _clients(self) -> Iterator[Client]:
        for number, given in enumerate(self._rows["clients"]):
            # Not random, as elsewhere: a file makes the same world each time.
            usual = {
                "client_id": f"client-{number + 1}",
                "client_secret": f"secret-of-client-{number + 1}",
            }
            try:
                client = client_from(usual | given if isinstance(given, dict) else {})
                callbacks = dict.fromkeys((*client.callbacks, *self._more_callbacks))
                yield replace(client, callbacks=tuple(callbacks))
            except BadClientError as problem:
                raise BadSeedError(f"clients[{number}]: {problem}") from None

    def _check_pins(self, accounts: Iterable[Account], tweets: Iterable[Tweet]) -> None:
        authors = {tweet.id: tweet.author_id for tweet in tweets if not tweet.later_versions}
        for one in accounts:
            if one.pinned_tweet_id and authors.get(one.pinned_tweet_id) != one.id:
                said = f"{one.username} has pinned {one.pinned_tweet_id!r}"
                raise BadSeedError(f"{said}, and wrote no such post.")

    def _account(self, row: Row, name: str) -> str:
        return self._id_of(row, name, row.required(name))

    def _people(self, row: Row, name: str) -> tuple[str, ...]:
        return tuple(self._id_of(row, name, username) for username in row.texts(name))

    def _id_of(self, row: Row, name: str, username: str) -> str:
        if username.lower() not in self._ids:
            raise row.wrong(name, f"is {username!r}, and there is no account of that username")
        return self._ids[username.lower()]


_VERIFIED = ("none", "blue", "business", "government")
_NOTHING: dict[str, Any] = {
    "accounts": (),
    "tweets": (),
    "spaces": (),
    "follows": (),
}


def _as_pair(number: int, pair: object) -> dict[str, object]:
    if not isinstance(pair, list) or len(pair) != 2:
        raise BadSeedError(f"follows[{number}] must be a list of two usernames.")
    return {"follower": pair[0], "followed": pair[1]}


def _times(state: str, row: Row) -> dict[str, Any]:
    """Turn the one number that a file gives into the times that the state has."""
    if state == "scheduled":
        return {"scheduled_minutes": row.number("in_minutes", 60)}
    ago = row.number("minutes_ago", 10, OLDEST_DAYS * 24 * 60)
    if state == "canceled":
        return {"created_minutes": -ago - 65, "scheduled_minutes": -ago}
    if state == "live":
        return {"created_minutes": -ago - 5, "started_minutes": -ago}
    return {"created_minutes": -ago - 65, "started_minutes": -ago - 60, "ended_minutes": -ago}


def _must_differ(kind: str, name: str, values: list[str]) -> None:
    for value, count in Counter(values).items():
        if count > 1:
            raise BadSeedError(f"{kind} has the {name} {value!r} {count} times.")
