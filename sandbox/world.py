"""The sandbox's world: everybody in it, its settings, and a clock that can be moved.

One lock guards all of it, so that many threads may ask at once. State lives in memory and is
gone with the process; `reset()` brings the beginning back.
"""

from __future__ import annotations

import re
import secrets
import threading
import time
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sandbox import seed
from sandbox.dialects import BETA, LIVE, RENAMED
from sandbox.endpoints import DAY, ENDPOINTS, QUARTER
from sandbox.entities import entities, escaped
from sandbox.faults import Faults
from sandbox.follows import Follows
from sandbox.journal import Journal
from sandbox.ledger import Ledger
from sandbox.limits import Meter
from sandbox.tickets import Tickets

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sandbox.model import Account, Client, Seed, Tweet


WINDOWS = {"quarter": QUARTER, "day": DAY}
LONGEST_JUMP = 1000 * 365 * 86400  # a calendar ends in the year 9999


class BadSettingError(ValueError):
    """A setting that does not exist, or a value it cannot have. The text says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a tester may turn. The defaults are Twitter's own."""

    access_token_seconds: int = 7200
    credits: float | None = None  # US dollars left on pay-per-use; None never runs out
    dialect: str = "live"
    enrollment: str = "complete"
    latency_ms: int = 0
    limit_body: str = "plain"
    plan: str = "enterprise"
    posts_left: int | None = None  # posts that may still be read this month

    def changed(self, changes: Mapping[str, object]) -> Settings:
        """Give a copy with these changes, or say in words what is wrong with them."""
        known = {f.name for f in fields(self)}
        for name, value in changes.items():
            if name not in known:
                raise BadSettingError(
                    f"There is no setting {name!r}. There are: {', '.join(sorted(known))}."
                )
            if (problem := _problem(name, value)) is not None:
                raise BadSettingError(f"{name} must be {problem}.")
        return replace(self, **changes)  # type: ignore[arg-type]  # checked just above


CHOICES = {
    "dialect": (LIVE, BETA, RENAMED),
    "enrollment": ("complete", "client-not-enrolled", "user-not-enrolled"),
    "limit_body": ("plain", "code-88", "problem"),
    "plan": ("enterprise", "pay-per-use", "legacy-free"),
}
_RANGES = {
    "access_token_seconds": (1, 10**9),
    "credits": (0, 10**9),
    "latency_ms": (0, 600_000),
    "posts_left": (0, 10**9),
}
_MAY_BE_NULL = {"credits", "posts_left"}


def _problem(name: str, value: object) -> str | None:
    if name in CHOICES:
        return None if value in CHOICES[name] else f"one of {', '.join(CHOICES[name])}"
    if name in _MAY_BE_NULL and value is None:
        return None
    low, high = _RANGES[name]
    kinds = (int, float) if name == "credits" else (int,)
    if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
        return f"a number from {low} to {high}"
    return None


_ACCOUNT_TEXTS = {"username", "name", "description", "location"}
_ACCOUNT_FLAGS = {"protected", "suspended"}
_USERNAME = re.compile("[A-Za-z0-9_]{1,15}")


def changed_account(
    account: Account, changes: Mapping[str, object], taken: frozenset[str]
) -> Account:
    """Give a copy of an account with these changes, or say in words what is wrong with them."""
    for name, value in changes.items():
        kind, said = (str, "text") if name in _ACCOUNT_TEXTS else (bool, "true or false")
        if name not in _ACCOUNT_TEXTS | _ACCOUNT_FLAGS:
            known = ", ".join(sorted(_ACCOUNT_TEXTS | _ACCOUNT_FLAGS))
            raise BadSettingError(f"{name!r} cannot be changed. There are: {known}.")
        if not isinstance(value, kind):
            raise BadSettingError(f"{name} must be {said}.")
    username = str(changes.get("username", account.username))
    if not _USERNAME.fullmatch(username):
        raise BadSettingError("username must be 1 to 15 letters, digits and underscores.")
    renamed = username.lower() != account.username.lower()
    if renamed and username.lower() in taken:
        raise BadSettingError(f"There is already an account {username!r}.")
    former = (*account.former_usernames, account.username) if renamed else account.former_usernames
    return replace(account, former_usernames=former, **changes)  # type: ignore[arg-type]  # checked


class World:
    """Everything the sandbox knows."""

    def __init__(self, beginning: Seed | None = None, settings: Settings | None = None) -> None:
        """Begin with a seed and settings; `reset()` comes back to exactly these."""
        self.lock = threading.RLock()
        self._offset = 0.0
        self.faults = Faults(self.now)
        self.journal = Journal()
        self._beginning = beginning or seed.birds()
        self._first_settings = settings or Settings()
        self.secret = secrets.token_bytes(32)
        self.reset()

    def reset(self) -> None:
        """Bring the beginning back: clock, settings, follows, clients, codes, tokens, journal."""
        with self.lock:
            self._offset = 0.0
            self.born = time.time()
            self.settings = self._first_settings
            self.accounts = {a.id: a for a in self._beginning.accounts}
            self._name_accounts()
            self.tweets = {t.id: t for t in self._beginning.tweets}
            self.timelines = _timelines(self._beginning.tweets)
            self.mentions = _mentions(self._beginning.tweets, self.known_names)
            self.spaces = {s.id: s for s in self._beginning.spaces}
            self.media = {m.media_key: m for m in self._beginning.media}
            self.polls = {p.id: p for p in self._beginning.polls}
            self.topics = {t[0]: t for t in self._beginning.topics}
            self.clients = {c.client_id: c for c in self._beginning.clients}
            self.follows = Follows(self._beginning.follows)
            self.ledger = Ledger(self.lock)
            self.tickets = Tickets(self.lock)
            self.meter = Meter()
        self.faults.clear()
        self.journal.clear()

    def now(self) -> float:
        """Say what time it is in here, in Unix seconds."""
        return time.time() + self._offset

    def advance(self, seconds: float) -> float:
        """Let time pass. It never runs backwards, just like outside."""
        if not 0 <= seconds <= LONGEST_JUMP - self._offset:
            raise BadSettingError("Time goes forward, and not further than a thousand years.")
        with self.lock:
            self._offset += seconds
            return self.now()

    def ahead(self) -> float:
        """Say how far this clock is ahead of the one outside, in seconds."""
        return self._offset

    def exhaust(self, username: str, endpoint: str | None = None, window: str = "quarter") -> None:
        """Use up a person's rate limit windows, of all endpoints or of one, in every client."""
        account = self.named(username)
        self._use_up(account.id, list(self.clients), endpoint, window)

    def exhaust_client(
        self, client_id: str, endpoint: str | None = None, window: str = "quarter"
    ) -> None:
        """Use up a client's own windows: whoever calls through it, it is one call too many."""
        if client_id not in self.clients:
            raise BadSettingError(f"There is no client {client_id!r}.")
        self._use_up("", [client_id], endpoint, window)

    def _use_up(
        self, account_id: str, client_ids: list[str], endpoint: str | None, window: str
    ) -> None:
        if window not in WINDOWS:
            raise BadSettingError(f"window must be {' or '.join(WINDOWS)}.")
        with self.lock:
            for name in _endpoint_names(endpoint):
                for client_id in client_ids:
                    key = (name, account_id, client_id, WINDOWS[window])
                    self.meter.exhaust(key, self.now())

    def named(self, username: str) -> Account:
        """Find an account by its username, or say that there is none."""
        account = self.usernames.get(username.lower())
        if account is None:
            raise BadSettingError(f"There is no account {username!r}.")
        return account

    def change(self, changes: Mapping[str, object]) -> Settings:
        """Change some settings, all of them or none."""
        with self.lock:
            self.settings = self.settings.changed(changes)
            return self.settings

    def register(self, client: Client) -> None:
        """Add a client, or replace the one with the same id."""
        with self.lock:
            self.clients[client.client_id] = client

    def spend_credits(self, dollars: float) -> None:
        """Take money off the balance, which stops at nothing."""
        with self.lock:
            left = self.settings.credits
            if left is not None:
                self.settings = replace(self.settings, credits=max(0.0, left - dollars))

    def spend_posts(self, count: int) -> None:
        """Take posts off what may still be read this month."""
        with self.lock:
            left = self.settings.posts_left
            if left is not None:
                self.settings = replace(self.settings, posts_left=max(0, left - count))

    def may_see_posts_of(self, viewer_id: str, account: Account) -> bool:
        """Say whether a protected account lets this viewer in."""
        if not account.protected or account.id == viewer_id:
            return True
        return self.follows.has(viewer_id, account.id)

    def may_see(self, viewer: Account, tweet: Tweet) -> bool:
        """Say whether a viewer may read a post. Nobody may read what a suspended account said."""
        author = self.accounts[tweet.author_id]
        return not author.suspended and self.may_see_posts_of(viewer.id, author)

    def time_of(self, tweet: Tweet) -> float:
        """Say when something was posted, in Unix seconds."""
        return self.born - tweet.minutes_ago * 60

    def change_account(self, username: str, changes: Mapping[str, object]) -> Account:
        """Let something happen to an account: a new name, protection, suspension."""
        with self.lock:
            before = self.named(username)
            after = changed_account(before, changes, frozenset(self.usernames))
            self.accounts[after.id] = after
            self._name_accounts()
            return after

    def _name_accounts(self) -> None:
        """Note who has which username, and which names old posts may still say."""
        accounts = self.accounts.values()
        self.usernames = {a.username.lower(): a for a in accounts}
        former = {name.lower(): a for a in accounts for name in a.former_usernames}
        self.known_names = former | self.usernames

    def mentions_of(self, account_id: str) -> list[Tweet]:
        """List the posts that mention an account, the newest first."""
        return [self.tweets[i] for i in self.mentions.get(account_id, ())]

    def timeline(self, account_id: str) -> list[Tweet]:
        """List what an account has posted, the newest first."""
        return [self.tweets[i] for i in self.timelines.get(account_id, ())]

    def signed_in_choices(self) -> list[Account]:
        """List who can sit at this computer: everybody but suspended accounts and the flock."""
        return [a for a in self.accounts.values() if not a.suspended and not seed.is_flock(a)]


def _endpoint_names(wanted: str | None) -> set[str]:
    names = {row.name for row in ENDPOINTS}
    if wanted is not None and wanted not in names:
        raise BadSettingError(f"endpoint must be one of {', '.join(sorted(names))}.")
    return names if wanted is None else {wanted}


def _timelines(tweets: Iterable[Tweet]) -> dict[str, list[str]]:
    """Sort posts by author, the newest first. What was edited away is in no list."""
    found: dict[str, list[str]] = {}
    for tweet in _newest_first(tweets):
        found.setdefault(tweet.author_id, []).append(tweet.id)
    return found


def _mentions(tweets: Iterable[Tweet], known_names: Mapping[str, Account]) -> dict[str, list[str]]:
    """Sort posts by whom they mention, the newest first; a repost mentions nobody."""
    found: dict[str, list[str]] = {}
    for tweet in _newest_first(tweets):
        text = escaped(tweet.note or tweet.text)
        for account_id in {m["id"] for m in entities(text, (), known_names).get("mentions", ())}:
            found.setdefault(account_id, []).append(tweet.id)
    return found


def _newest_first(tweets: Iterable[Tweet]) -> list[Tweet]:
    current = (tweet for tweet in tweets if not tweet.later_versions)
    return sorted(current, key=lambda tweet: int(tweet.id), reverse=True)


def timestamp(seconds: float) -> str:
    """Write a time as Twitter does: UTC, RFC 3339, milliseconds."""
    moment = datetime.fromtimestamp(seconds, tz=UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
