"""A usable access token, refreshed by exactly one worker.

Twitter's refresh tokens rotate and work once: two workers that spend the same one sign the person
out. So the database decides which worker refreshes. Taking the lease is one UPDATE by the store's
own clock; no transaction is open during the call; the new token set is stored only if the grant is
still the one that was read.
"""

from __future__ import annotations

import contextlib
import logging
import math
import secrets
import time
from typing import NamedTuple

from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.exc import SQLAlchemyError

from app.accounts.errors import GrantEnded
from app.accounts.grants import EndReason, Grants, lock_person
from app.accounts.models import Grant
from app.accounts.outbox import Outbox
from app.accounts.shared import Shared
from app.gateway.refresh_times import Times
from app.gateway.refreshable_grant import AS_READ, RefreshableGrant, read_grant
from app.observability.audit_log import Event
from app.storage.database import STORE_CLOCK, Moment, store_time
from app.storage.singleflight import Crowded, SingleFlight
from app.twitter.errors import Busy, GrantRefused, TokenRefused, TwitterError, Unreachable
from app.twitter.oauth import AuthorizationServer, TokenSet
from app.twitter.transport.deadline import Deadline

log = logging.getLogger(__name__)

_COOL_DOWN_SECONDS = 3.0


class LivingToken(NamedTuple):
    """An access token that lives, and whether it is about to die."""

    value: str
    is_due: bool


_TAKE = (
    update(Grant)
    .where(*AS_READ, or_(Grant.lease_until.is_(None), Grant.lease_until < STORE_CLOCK))
    .values(lease_until=STORE_CLOCK + bindparam("lease_seconds"))
)
_STORE = update(Grant).where(*AS_READ)
_RELEASE = (
    update(Grant)
    .where(Grant.id == bindparam("grant_id"), Grant.lease_owner == bindparam("mine"))
    .values(lease_owner=None, lease_until=STORE_CLOCK + _COOL_DOWN_SECONDS)
)
_UNDECIDED = select(Grant.id).where(
    *AS_READ, Grant.lease_owner.is_not(None), Grant.lease_until > STORE_CLOCK
)


class TokenRefresher:
    """Hands out usable access tokens."""

    def __init__(
        self,
        shared: Shared,
        grants: Grants,
        outbox: Outbox,
        server: AuthorizationServer,
        waiting: SingleFlight,
    ) -> None:
        """Refresh at `server`; wait in `waiting` for the refreshes that others do."""
        self._shared = shared
        self._database = shared.database
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
        grant = self._read(grant_id)
        if not grant.is_due(self._clock()):
            return grant.access_token
        return self._refreshed(grant, deadline)

    def living_token(self, grant_id: str, *, deadline: Deadline) -> LivingToken:
        """Return an access token that lives, refreshing only one that has died.

        If it `is_due`, call `refresh_early` after its use. Raises as `valid_token` does.
        """
        grant, now = self._read(grant_id), self._clock()
        if grant.has_expired(now):
            return LivingToken(self._refreshed(grant, deadline), is_due=False)
        return LivingToken(grant.access_token, is_due=grant.is_due(now))

    def refresh_early(self, grant_id: str, *, deadline: Deadline) -> None:
        """Refresh a token that is about to die, if enough time is left for a slow Twitter.

        Raises `GrantEnded` if Twitter refuses it. Other trouble is none of the page, which was read
        with a token that lives.
        """
        if deadline.remaining() < self._times.least_early:
            return
        with contextlib.suppress(TwitterError, SQLAlchemyError):
            self.valid_token(grant_id, deadline=deadline)

    def stored_token(self, grant_id: str) -> str:
        """Return the access token as it is stored, refreshed or not; raise `GrantEnded`."""
        return self._read(grant_id).access_token

    def token_after_401(self, grant_id: str, *, refused: str, deadline: Deadline) -> str:
        """Return another access token than `refused`, which the API answered with 401.

        Raises `TokenRefused` if that one came from a refresh just now: another would fare no
        better, and a Twitter that says 401 to everything must not be asked without end.
        """
        grant = self._read(grant_id)
        if grant.access_token != refused:
            return grant.access_token
        if grant.was_just_refreshed:
            raise TokenRefused("a token that was just refreshed")
        return self._refreshed(grant, deadline, dead=True)

    def prove(self, grant_id: str, *, deadline: Deadline) -> None:
        """Refresh a grant of which X says that it was revoked; raise `GrantEnded` if it has ended.

        Raises `TwitterError` if Twitter did not say. A grant without a refresh token is left to its
        next read.
        """
        grant = self._read(grant_id)
        if grant.refresh_token is not None:
            self._refreshed(grant, deadline, dead=True)

    def _refreshed(self, grant: RefreshableGrant, deadline: Deadline, *, dead: bool = False) -> str:
        """Return the token of a refresh: by this worker, or by the one that holds the lease.

        While the old token is not `dead`, nothing waits for another worker.
        """
        dead = dead or grant.has_expired(self._clock())
        if grant.refresh_token is None:
            if not dead:
                return grant.access_token
            expired = grant.has_expired(self._clock())
            return self._end(grant, EndReason.TOKEN_EXPIRED if expired else EndReason.REFUSED)
        owner, call = secrets.token_hex(16), deadline.at_most(self._times.call)
        # Never with little time, and with all of it even while the old token lives: an answer that
        # comes too late has spent the refresh token all the same, and would sign the person out.
        if call.remaining() >= self._times.least and self._take(grant, owner):
            if call.remaining() >= self._times.least:  # the database may have been slow
                return self._refresh(grant, owner, call, dead=dead)
            self._release(grant, owner)
        if not dead:
            return grant.access_token
        return self._token_of_other_worker(grant, deadline)

    def _refresh(
        self, grant: RefreshableGrant, owner: str, deadline: Deadline, *, dead: bool
    ) -> str:
        assert grant.refresh_token is not None  # noqa: S101 - `_refreshed` made sure
        try:
            token_set = self._server.refresh(
                grant.refresh_token, scopes=grant.scopes, now=self._clock(), deadline=deadline
            )
        except GrantRefused:
            return self._after_refusal(grant, deadline)
        except TwitterError as error:
            self._release(grant, owner)
            self._audit_log.record(
                Event.TOKEN_REFRESH_FAILED, grant_id=grant.grant_id, error=type(error).__name__
            )
            if not dead:  # it was early; the token is still good
                return grant.access_token
            raise
        return self._store_patiently(grant, token_set, owner)

    def _store_patiently(self, grant: RefreshableGrant, token_set: TokenSet, owner: str) -> str:
        """Store a token set, trying again for a while: the old refresh token is spent for good."""
        patience = Deadline(self._times.store)
        while True:
            try:
                return self._store(grant, token_set)
            except SQLAlchemyError as error:
                log.warning("a refreshed token waits for the database: %s", type(error).__name__)
                if patience.remaining() <= 0:
                    self._discard(token_set, grant)
                    self._release(grant, owner)
                    raise
                time.sleep(min(self._times.pause, patience.remaining()))

    def _take(self, grant: RefreshableGrant, owner: str) -> bool:
        with self._database.writing() as connection:
            values = {"lease_owner": owner, "lease_seconds": self._times.lease}
            return connection.execute(_TAKE, grant.as_read | values).rowcount == 1

    def _store(self, grant: RefreshableGrant, token_set: TokenSet) -> str:
        now = self._clock()
        columns = self._grants.columns(grant.grant_id, token_set, now=now)
        if token_set.refresh_token is None:
            del columns["refresh_token"]  # RFC 6749 §6: the old one stays good
        free = {"lease_owner": None, "lease_until": None}
        values = {**grant.as_read, **columns, **free, "generation": grant.generation + 1}
        with self._database.writing() as connection:
            values["refreshed_at"] = store_time(connection)
            stored = connection.execute(_STORE, values).rowcount == 1
        if not stored:
            return self._token_instead(grant, token_set)
        self._audit_log.record(Event.TOKEN_REFRESHED, grant_id=grant.grant_id)
        return token_set.access_token

    def _token_instead(self, grant: RefreshableGrant, token_set: TokenSet) -> str:
        """Return the token to use when a refreshed set could not take the place of the old one.

        After a sign-in the refreshed tokens are dead at Twitter; after an ending they are not, and
        must not stay behind.
        """
        try:
            latest = self._read(grant.grant_id)
        except GrantEnded:
            self._discard(token_set, grant)
            raise
        if latest.access_token == token_set.access_token:
            # An earlier try went through, and only the database's answer was lost.
            self._audit_log.record(Event.TOKEN_REFRESHED, grant_id=grant.grant_id)
        return latest.access_token

    def _discard(self, token_set: TokenSet, grant: RefreshableGrant) -> None:
        """Have refreshed tokens revoked, unless their person has signed in since."""
        later = Moment(math.nextafter(grant.exchanged_at, math.inf))
        self._outbox.discard(token_set, twitter_id=grant.twitter_id, unless_exchanged_from=later)

    def _release(self, grant: RefreshableGrant, owner: str) -> None:
        """Give the lease back after a failure; during the cool-down no worker takes it."""
        with self._database.writing() as connection:
            connection.execute(_RELEASE, {"grant_id": grant.grant_id, "mine": owner})

    def _after_refusal(self, grant: RefreshableGrant, deadline: Deadline) -> str:
        """End the grant, unless another worker's refresh is why this one was refused."""
        if grant.lease_owner is not None:
            # This lease was taken over, not given back: its former owner may be slow, not dead.
            return self._token_of_other_worker(grant, deadline, or_else=EndReason.REFUSED)
        latest = self._read(grant.grant_id)
        if latest.generation != grant.generation:
            return latest.access_token
        return self._end(grant, EndReason.REFUSED)

    def _token_of_other_worker(
        self, grant: RefreshableGrant, deadline: Deadline, *, or_else: EndReason | None = None
    ) -> str:
        """Wait for the worker that holds the lease, until the deadline at most."""
        try:
            self._waiting.wait(
                grant.grant_id, lambda: self._is_decided(grant), remaining=deadline.remaining
            )
        except Crowded:
            raise Busy("too many threads wait for a refresh") from None
        latest = self._read(grant.grant_id)
        if latest.generation != grant.generation:
            return latest.access_token
        if or_else is not None:
            return self._end(grant, or_else)
        raise Unreachable("the refresh of this grant failed or did not end in time")

    def _is_decided(self, grant: RefreshableGrant) -> bool:
        """Tell whether the lease is given back or has run out, or the grant has changed."""
        with self._database.reading() as connection:
            return connection.execute(_UNDECIDED, grant.as_read).one_or_none() is None

    def _end(self, grant: RefreshableGrant, reason: EndReason) -> str:
        """End the grant as it was judged; return the token if it was refreshed meanwhile."""
        with self._database.writing() as connection:
            lock_person(connection, grant.user_id)
            ended = self._grants.end(
                connection,
                grant.user_id,
                reason,
                judged=(grant.grant_id, grant.generation),
                now=self._clock(),
            )
        if ended.grant and reason is EndReason.REFUSED:
            self._audit_log.record(Event.TOKEN_REFRESH_REJECTED, grant_id=grant.grant_id)
        for session_id in ended.sessions:
            self._audit_log.record(Event.SESSION_ENDED, session_id=session_id, reason=reason.value)
        self._grants.follow_up(ended)
        return self._read(grant.grant_id).access_token

    def _read(self, grant_id: str) -> RefreshableGrant:
        return read_grant(self._shared, grant_id)
