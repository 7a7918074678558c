"""The state of a sandbox: accounts and Tweets, settings, grants, and a clock that can be moved.

One lock guards all of it, so that many threads may ask at once. State is kept in memory and
ends with the process; `reset()` brings the beginning back.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import replace

from sandbox.api.endpoints import DAY, ENDPOINTS, QUARTER
from sandbox.control.faults import Faults
from sandbox.control.journal import Journal
from sandbox.errors import InvalidInput
from sandbox.oauth.consent_requests import ConsentRequests
from sandbox.oauth.token_store import REMOVED, REVOKED, TokenStore
from sandbox.seeds.birds import birds, is_flock
from sandbox.webhooks.registry import Registry
from sandbox.webhooks.sender import Sender
from sandbox.world.account_changes import changed_account
from sandbox.world.clock import Clock
from sandbox.world.follows import Follows
from sandbox.world.meter import Meter
from sandbox.world.model import Account, Client, Seed, Tweet
from sandbox.world.reactions import Reactions
from sandbox.world.settings import Settings
from sandbox.world.timelines import mentions, timelines

WINDOWS = {"quarter": QUARTER, "day": DAY}
_TELLING = {"person": {REMOVED}, "revocations": {REMOVED, REVOKED}}  # the other choice is "all"


class World:
    """The state of one sandbox."""

    def __init__(
        self,
        beginning: Seed | None = None,
        settings: Settings | None = None,
        now: float | None = None,
    ) -> None:
        """Begin with a seed, settings and a time; `reset()` comes back to exactly these.

        Without a time it begins now. With one, two worlds of one seed say the same things, but for
        codes, tokens and the order of scopes, which are random.
        """
        self.lock = threading.RLock()
        self.clock = Clock(now)
        self.faults = Faults(self.clock.now)
        self.journal = Journal()
        self._beginning = beginning or birds()
        self._first_settings = settings or Settings()
        self.secret = _secret(self._beginning)
        self._begin_webhooks()
        self.reset()

    def reset(self) -> None:
        """Bring the beginning back: clock, settings, people, Tweets, clients, tokens, webhooks."""
        with self.lock:
            self.sender.stop()
            self._begin_webhooks()
            self.clock.reset()
            self.settings = self._first_settings
            self.accounts = {a.id: a for a in self._beginning.accounts}
            self._name_accounts()
            self.tweets = {t.id: t for t in self._beginning.tweets}
            self.timelines = timelines(self._beginning.tweets)
            self.mentions = mentions(self._beginning.tweets, self.known_names)
            self.spaces = {s.id: s for s in self._beginning.spaces}
            self.media = {m.media_key: m for m in self._beginning.media}
            self.polls = {p.id: p for p in self._beginning.polls}
            self.topics = {t[0]: t for t in self._beginning.topics}
            self.clients = {c.client_id: c for c in self._beginning.clients}
            self.follows = Follows(self._beginning.follows)
            self.likes, self.bookmarks = Reactions(), Reactions()
            self.last_tweet_id = max((int(t.id) for t in self._beginning.tweets), default=0)
            self.token_store = TokenStore(self.lock, self._tell_webhooks)
            self.consent_requests = ConsentRequests(self.lock)
            self.meter = Meter()
        self.faults.clear()
        self.journal.clear()

    def _begin_webhooks(self) -> None:
        self.webhooks = Registry(self.lock)
        self.sender = Sender(
            self.webhooks, self.clock, self.faults, lambda: self.settings.webhook_signatures
        )

    def _tell_webhooks(self, account_id: str, client_id: str, why: str) -> None:
        """Queue an event for the end of a grant, if the setting wants one."""
        choice = self.settings.revoke_events
        if (choice == "all" or why in _TELLING[choice]) and client_id in self.clients:
            for subscription, webhook in self.webhooks.revoke_targets(self.clients[client_id]):
                self.sender.revoked(subscription, webhook, account_id)

    def now(self) -> float:
        return self.clock.now()

    def exhaust(self, username: str, endpoint: str | None = None, window: str = "quarter") -> None:
        """Use up a person's rate limit windows, of all endpoints or of one, in every client."""
        account = self.named(username)
        self._use_up(account.id, list(self.clients), endpoint, window)

    def exhaust_client(
        self, client_id: str, endpoint: str | None = None, window: str = "quarter"
    ) -> None:
        """Use up a client's own windows: every call through it gets 429."""
        self._use_up("", [self.client(client_id).client_id], endpoint, window)

    def _use_up(
        self, account_id: str, client_ids: list[str], endpoint: str | None, window: str
    ) -> None:
        if window not in WINDOWS:
            raise InvalidInput(f"window must be {' or '.join(WINDOWS)}.")
        with self.lock:
            for name in _endpoint_names(endpoint):
                for client_id in client_ids:
                    key = (name, account_id, client_id, WINDOWS[window])
                    self.meter.exhaust(key, self.now())

    def named(self, username: str) -> Account:
        """Return the account of a username; InvalidInput if there is none."""
        account = self.usernames.get(username.lower())
        if account is None:
            raise InvalidInput(f"There is no account {username!r}.")
        return account

    def client(self, client_id: str) -> Client:
        """Return the client of an id; InvalidInput if there is none."""
        client = self.clients.get(client_id)
        if client is None:
            raise InvalidInput(f"There is no client {client_id!r}.")
        return client

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
        """Charge the balance, which stops at 0."""
        with self.lock:
            left = self.settings.credits
            if left is not None:
                self.settings = replace(self.settings, credits=max(0.0, left - dollars))

    def spend_posts(self, count: int) -> None:
        """Count posts against those that may still be read this month."""
        with self.lock:
            left = self.settings.posts_left
            if left is not None:
                self.settings = replace(self.settings, posts_left=max(0, left - count))

    def may_see_posts_of(self, viewer_id: str, account: Account) -> bool:
        """Return whether a viewer may see an account's posts."""
        if not account.protected or account.id == viewer_id:
            return True
        return self.follows.has(viewer_id, account.id)

    def may_see(self, viewer: Account, tweet: Tweet) -> bool:
        """Return whether a viewer may read a post. The posts of a suspended account are hidden."""
        author = self.accounts[tweet.author_id]
        return not author.suspended and self.may_see_posts_of(viewer.id, author)

    def is_public(self, tweet: Tweet) -> bool:
        """Return whether a post, and of a repost the original too, is public."""
        original = self.tweets.get(dict(tweet.references).get("retweeted", ""), tweet)
        authors = [self.accounts[one.author_id] for one in (tweet, original)]
        return not any(author.suspended or author.protected for author in authors)

    def time_of(self, tweet: Tweet) -> float:
        """Return when something was posted, in Unix seconds."""
        return self.clock.began - tweet.minutes_ago * 60

    def change_account(self, username: str, changes: Mapping[str, object]) -> Account:
        """Change an account: a new name, protection, suspension."""
        with self.lock:
            before = self.named(username)
            after = changed_account(before, changes, frozenset(self.usernames))
            self.accounts[after.id] = after
            self._name_accounts()
            if after.suspended:
                self.token_store.suspend(after.id)
            return after

    def _name_accounts(self) -> None:
        """Index the accounts by username, and by the former usernames that old posts mention."""
        accounts = self.accounts.values()
        self.usernames = {a.username.lower(): a for a in accounts}
        former = {name.lower(): a for a in accounts for name in a.former_usernames}
        self.known_names = former | self.usernames

    def mentions_of(self, account_id: str) -> list[Tweet]:
        """Return the posts that mention an account, the newest first."""
        return [self.tweets[i] for i in self.mentions.get(account_id, ())]

    def timeline(self, account_id: str) -> list[Tweet]:
        """Return the posts of an account, the newest first."""
        return [self.tweets[i] for i in self.timelines.get(account_id, ())]

    def signed_in_choices(self) -> list[Account]:
        """Return the accounts that can sign in: all but suspended ones and the flock."""
        return [a for a in self.accounts.values() if not a.suspended and not is_flock(a)]


def _secret(beginning: Seed) -> bytes:
    """Return the key of page tokens: the same seed has the same tokens at each start."""
    ids = [one.id for many in (beginning.accounts, beginning.tweets) for one in many]
    return hashlib.sha256("\n".join(ids).encode()).digest()


def _endpoint_names(wanted: str | None) -> set[str]:
    names = {row.name for row in ENDPOINTS}
    if wanted is not None and not (isinstance(wanted, str) and wanted in names):
        raise InvalidInput(f"endpoint must be one of {', '.join(sorted(names))}.")
    return names if wanted is None else {wanted}
