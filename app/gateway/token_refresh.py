"""A usable access token, refreshed by exactly one worker.

Twitter's refresh tokens rotate and work once: two workers that spend the same one sign the person
out. So the database decides who refreshes. Taking the lease is one UPDATE by the store's own
clock; no transaction is open during the call; what comes back is stored only if the grant is still
the one that was read.
"""

from __future__ import annotations

import logging
import math
import secrets
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.exc import SQLAlchemyError

from app.accounts.errors import GrantEnded
from app.accounts.grants import EndReason, Grants, lock_person
from app.accounts.models import Grant, User
from app.accounts.outbox import Outbox
from app.accounts.shared import Shared
from app.accounts.token_cipher import associated_data
from app.observability.audit_log import Event
from app.storage.database import STORE_CLOCK, WRITE_SECONDS, store_time
from app.storage.singleflight import Crowded, SingleFlight
from app.twitter.errors import Busy, GrantRefused, TokenRefused, TwitterError, Unreachable
from app.twitter.oauth import AuthorizationServer, TokenSet
from app.twitter.transport.deadline import SECONDS as BUDGET_SECONDS
from app.twitter.transport.deadline import Deadline

log = logging.getLogger(__name__)

_EARLY = timedelta(minutes=5)
_EARLY_PART = 10
_COOL_DOWN_SECONDS = 3.0
_JUST_NOW_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """What the holder of a lease may take, step by step, in seconds of real time.

    The lease covers all of it, so one that has run out belongs to a dead process: taking over
    from a slow one would spend the same refresh token twice.
    """

    # From taking the lease to Twitter's answer.
    call: float = BUDGET_SECONDS
    # From the answer to the last attempt to store it, while the database is away.
    store: float = 12.0
    pause: float = 0.5
    # The last attempt itself.
    write: float = WRITE_SECONDS

    @property
    def lease(self) -> float:
        """How long a lease lasts."""
        return self.call + self.store + self.write


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A living grant as it was read."""

    grant_id: str
    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    scopes: frozenset[str]
    user_id: int
    twitter_id: str
    exchanged_at: float
    issued_at: datetime
    expires_at: datetime
    refreshed_at: datetime | None
    generation: int
    lease_owner: str | None
    read_at: float

    @property
    def as_read(self) -> dict[str, object]:
        """What `_AS_READ` compares with."""
        return {"grant_id": self.grant_id, "as_read": self.generation}

    @property
    def was_just_refreshed(self) -> bool:
        """Tell whether the token set came from a refresh a moment ago, by the store's clock."""
        if self.refreshed_at is None:
            return False
        return self.read_at - self.refreshed_at.timestamp() < _JUST_NOW_SECONDS

    def is_dead(self, now: datetime) -> bool:
        return self.expires_at <= now

    def is_due(self, now: datetime) -> bool:
        early = min(_EARLY, (self.expires_at - self.issued_at) / _EARLY_PART)
        return self.expires_at - now <= early


_LIVING = (Grant.id == bindparam("grant_id"), Grant.ended_at.is_(None))
# The grant has had no refresh and no new sign-in since it was read.
_AS_READ = (*_LIVING, Grant.generation == bindparam("as_read"))

_READ = (
    select(
        Grant.access_token,
        Grant.refresh_token,
        Grant.scopes,
        Grant.user_id,
        User.twitter_id,
        Grant.exchanged_at,
        Grant.issued_at,
        Grant.expires_at,
        Grant.refreshed_at,
        Grant.generation,
        Grant.lease_owner,
        STORE_CLOCK.label("read_at"),
    )
    .join(User, User.id == Grant.user_id)
    .where(*_LIVING)
)
_TAKE = (
    update(Grant)
    .where(*_AS_READ, or_(Grant.lease_until.is_(None), Grant.lease_until < STORE_CLOCK))
    .values(lease_until=STORE_CLOCK + bindparam("lease_seconds"))
)
_STORE = update(Grant).where(*_AS_READ)
_RELEASE = (
    update(Grant)
    .where(Grant.id == bindparam("grant_id"), Grant.lease_owner == bindparam("mine"))
    .values(lease_owner=None, lease_until=STORE_CLOCK + _COOL_DOWN_SECONDS)
)
_UNDECIDED = select(Grant.id).where(
    *_AS_READ, Grant.lease_owner.is_not(None), Grant.lease_until > STORE_CLOCK
)


class TokenRefresher:
    """Hands out usable access tokens. Keeps nothing of a grant but who is waiting for it."""

    def __init__(
        self,
        shared: Shared,
        grants: Grants,
        outbox: Outbox,
        server: AuthorizationServer,
        waiting: SingleFlight,
    ) -> None:
        """Refresh at `server`; wait in `waiting` for the refreshes that others do."""
        self._database = shared.database
        self._cipher = shared.cipher
        self._clock = shared.clock
        self._audit_log = shared.audit_log
        self._grants = grants
        self._outbox = outbox
        self._server = server
        self._waiting = waiting
        self._times = Times()

    def valid_token(self, grant_id: str, *, deadline: Deadline) -> str:
        """Return an access token that lives, refreshing it if it is about to die.

        Raises `GrantEnded` when the person must sign in again, and `TwitterError` when Twitter
        cannot be asked just now: that never ends a grant.
        """
        row = self._read(grant_id)
        if not row.is_due(self._clock()):
            return row.access_token
        return self._refreshed(row, deadline)

    def stored_token(self, grant_id: str) -> str:
        """Return the access token as it is stored, refreshed or not; raise `GrantEnded`."""
        return self._read(grant_id).access_token

    def token_after_401(self, grant_id: str, *, refused: str, deadline: Deadline) -> str:
        """Return another access token than `refused`, which the API answered with 401.

        Raises `TokenRefused` if that one came from a refresh just now: another would fare no
        better, and a Twitter that says 401 to everything must not be asked without end.
        """
        row = self._read(grant_id)
        if row.access_token != refused:
            return row.access_token
        if row.was_just_refreshed:
            raise TokenRefused("a token that was just refreshed")
        return self._refreshed(row, deadline, dead=True)

    def _refreshed(self, row: _Row, deadline: Deadline, *, dead: bool = False) -> str:
        dead = dead or row.is_dead(self._clock())
        if row.refresh_token is None:
            if not dead:
                return row.access_token
            expired = row.is_dead(self._clock())
            return self._end(row, EndReason.TOKEN_EXPIRED if expired else EndReason.REFUSED)
        owner, call = secrets.token_hex(16), deadline.at_most(self._times.call)
        if self._take(row, owner):
            # Not with less patience while the old token lives: an answer that we do not wait for
            # has spent the refresh token all the same, and would sign the person out.
            return self._refresh(row, owner, call, dead=dead)
        if not dead:
            return row.access_token
        return self._winners_token(row, deadline)

    def _refresh(self, row: _Row, owner: str, deadline: Deadline, *, dead: bool) -> str:
        assert row.refresh_token is not None  # noqa: S101 - `_refreshed` made sure
        try:
            token_set = self._server.refresh(
                row.refresh_token, scopes=row.scopes, now=self._clock(), deadline=deadline
            )
        except GrantRefused:
            return self._after_refusal(row, deadline)
        except TwitterError as error:
            self._release(row, owner)
            self._audit_log.record(
                Event.TOKEN_REFRESH_FAILED, grant_id=row.grant_id, error=type(error).__name__
            )
            if not dead:  # it was early; the token is still good
                return row.access_token
            raise
        return self._stored(row, token_set, owner)

    def _stored(self, row: _Row, token_set: TokenSet, owner: str) -> str:
        """Store what Twitter gave, trying for a while: the old refresh token is spent for good."""
        patience = Deadline(self._times.store)
        while True:
            try:
                return self._store(row, token_set)
            except SQLAlchemyError as error:
                log.warning("a refreshed token waits for the database: %s", type(error).__name__)
                if patience.remaining() <= 0:
                    self._discard(token_set, row)
                    self._release(row, owner)
                    raise
                time.sleep(min(self._times.pause, patience.remaining()))

    def _take(self, row: _Row, owner: str) -> bool:
        with self._database.writing() as connection:
            values = {"lease_owner": owner, "lease_seconds": self._times.lease}
            return connection.execute(_TAKE, row.as_read | values).rowcount == 1

    def _store(self, row: _Row, token_set: TokenSet) -> str:
        now = self._clock()
        columns = self._grants.columns(row.grant_id, token_set, now=now)
        if token_set.refresh_token is None:
            del columns["refresh_token"]  # RFC 6749 §6: the old one stays good
        free = {"lease_owner": None, "lease_until": None}
        values = {**row.as_read, **columns, **free, "generation": row.generation + 1}
        with self._database.writing() as connection:
            values["refreshed_at"] = store_time(connection)
            stored = connection.execute(_STORE, values).rowcount == 1
        if not stored:
            return self._token_instead(row, token_set)
        self._audit_log.record(Event.TOKEN_REFRESHED, grant_id=row.grant_id)
        return token_set.access_token

    def _token_instead(self, row: _Row, token_set: TokenSet) -> str:
        """Return the token to use when a refreshed set could not take the place of the old one.

        After a sign-in the refreshed tokens are dead at Twitter; after an ending they are not, and
        must not stay behind.
        """
        try:
            latest = self._read(row.grant_id)
        except GrantEnded:
            self._discard(token_set, row)
            raise
        if latest.access_token == token_set.access_token:
            # An earlier try went through, and only the database's answer was lost.
            self._audit_log.record(Event.TOKEN_REFRESHED, grant_id=row.grant_id)
        return latest.access_token

    def _discard(self, token_set: TokenSet, row: _Row) -> None:
        """Have refreshed tokens revoked, unless their person has signed in since."""
        later = math.nextafter(row.exchanged_at, math.inf)
        self._outbox.discard(token_set, twitter_id=row.twitter_id, unless_exchanged_from=later)

    def _release(self, row: _Row, owner: str) -> None:
        """Give the lease back after trouble; the cool-down keeps a crowd from trying at once."""
        with self._database.writing() as connection:
            connection.execute(_RELEASE, {"grant_id": row.grant_id, "mine": owner})

    def _after_refusal(self, row: _Row, deadline: Deadline) -> str:
        """End the grant, unless somebody else refreshed it and that is why ours was refused."""
        if row.lease_owner is not None:
            # We took over a lease that nobody gave back: its owner may be slow, not dead.
            return self._winners_token(row, deadline, or_else=EndReason.REFUSED)
        latest = self._read(row.grant_id)
        if latest.generation != row.generation:
            return latest.access_token
        return self._end(row, EndReason.REFUSED)

    def _winners_token(
        self, row: _Row, deadline: Deadline, *, or_else: EndReason | None = None
    ) -> str:
        """Wait for whoever holds the lease, no longer than the deadline lasts."""
        try:
            self._waiting.wait(
                row.grant_id, lambda: self._is_decided(row), remaining=deadline.remaining
            )
        except Crowded:
            raise Busy("too many threads wait for a refresh") from None
        latest = self._read(row.grant_id)
        if latest.generation != row.generation:
            return latest.access_token
        if or_else is not None:
            return self._end(row, or_else)
        raise Unreachable("the refresh of this grant failed or did not end in time")

    def _is_decided(self, row: _Row) -> bool:
        """Tell whether whoever holds the lease is done with it, well or badly, or has lost it."""
        with self._database.reading() as connection:
            return connection.execute(_UNDECIDED, row.as_read).one_or_none() is None

    def _end(self, row: _Row, reason: EndReason) -> str:
        """End the grant as it was judged; if somebody refreshed it meanwhile, it is well."""
        with self._database.writing() as connection:
            lock_person(connection, row.user_id)
            ended = self._grants.end(
                connection,
                row.user_id,
                reason,
                judged=(row.grant_id, row.generation),
                now=self._clock(),
            )
        self._grants.follow_up(ended)
        if ended.grant and reason is EndReason.REFUSED:
            self._audit_log.record(Event.TOKEN_REFRESH_REJECTED, grant_id=row.grant_id)
        for session_id in ended.sessions:
            self._audit_log.record(Event.SESSION_ENDED, session_id=session_id, reason=reason.value)
        return self._read(row.grant_id).access_token

    def _read(self, grant_id: str) -> _Row:
        with self._database.reading() as connection:
            found = connection.execute(_READ, {"grant_id": grant_id}).mappings().one_or_none()
        if found is None:
            raise GrantEnded("the grant has ended")
        return self._opened(grant_id, dict(found))

    def _opened(self, grant_id: str, found: dict[str, Any]) -> _Row:
        for column in ("access_token", "refresh_token"):
            if found[column] is not None:
                found[column] = self._cipher.open(
                    found[column], at=associated_data("grants", column, grant_id)
                )
        found["scopes"] = frozenset(found["scopes"].split())
        return _Row(grant_id=grant_id, **found)
