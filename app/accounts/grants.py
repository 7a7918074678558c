"""The grant of a person: one that lives, replaced by a sign-in, ended with the last session.

Twitter keeps one living grant for each app and person, so a new sign-in ends the tokens of the
one before. Everything here happens inside the caller's transaction, which has locked the person:
otherwise two transactions that each end a session could both see the other's alive.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from app.accounts.models import Grant, Session, User
from app.accounts.outbox import Outbox
from app.accounts.shared import Shared
from app.accounts.token_cipher import associated_data
from app.signals import grant_ended, signed_out
from app.storage.cache import Cache
from app.storage.database import STORE_CLOCK, STORE_NOW
from app.twitter.oauth import TokenSet

TOKENS = ("access_token", "refresh_token")

_LOCK = (
    select(User.twitter_id).where(User.id == bindparam("user_id")).with_for_update(key_share=True)
)
_INSERT = insert(Grant)
_REPLACE = (
    update(Grant)
    .where(Grant.id == bindparam("grant_id"))
    .values(generation=Grant.generation + 1, lease_owner=None, lease_until=None, refreshed_at=None)
)
# A refresh, which locks no person, must not store new tokens between the reading and the end.
_LIVING = (
    select(Grant.id, Grant.generation, Grant.access_token, Grant.refresh_token, User.twitter_id)
    .join(User, User.id == Grant.user_id)
    .where(Grant.user_id == bindparam("owner"), Grant.ended_at.is_(None))
    .with_for_update(of=Grant)
)
_Living = Row[str, int, str | None, str | None, str]
_END = update(Grant).where(Grant.id == bindparam("grant_id"))
# The epoch is part of every cache key: one more makes what was read for this person unreachable.
_ONE_MORE_EPOCH = (
    update(User)
    .where(User.id == bindparam("whose"))
    .values({User.cache_epoch: User.cache_epoch + 1})
)
_LEFT = update(User).where(User.id == bindparam("whose")).values(left_at=STORE_NOW)
_END_SESSIONS = (
    update(Session)
    .where(Session.user_id == bindparam("owner"), Session.ended_at.is_(None))
    .returning(Session.id)
)


class EndReason(StrEnum):
    """Why a session or a grant ended."""

    LOGGED_OUT = "logged_out"
    REPLACED = "replaced"
    EXPIRED = "expired"
    TOKEN_EXPIRED = "token_expired"  # noqa: S105 - a reason
    REFUSED = "refused"
    DISCONNECTED = "disconnected"
    ENDED_BY_OPERATOR = "ended_by_operator"


# These mean "no more": the tokens live, so Twitter must be told. Tokens that were replaced or
# refused are dead there, and revoking them could end what the person has just allowed.
REVOKING = frozenset(
    {
        EndReason.LOGGED_OUT,
        EndReason.EXPIRED,
        EndReason.DISCONNECTED,
        EndReason.ENDED_BY_OPERATOR,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The result of an ending: its sessions, whether the grant ended, and the rows to deliver.

    Whose it was, and why, is told if there is either.
    """

    sessions: tuple[str, ...] = ()
    grant: bool = False
    revocations: tuple[str, ...] = ()
    user_id: int = 0
    twitter_id: str = ""
    reason: str = ""


def owner_of_reads(twitter_id: str) -> str:
    """Return the owner, in the cache, of everything that was read for a person."""
    return f"read {twitter_id}"


def lock_person(connection: Connection, user_id: int) -> str | None:
    """Lock a person's row until the transaction ends; return their Twitter id, None if gone.

    Every transaction that adds or ends a session or a grant does this first. SQLite has one writer
    at a time. Rows that only refer to the person (usage) may be added meanwhile: waiting for those,
    too, would end in deadlocks.
    """
    return connection.execute(_LOCK, {"user_id": user_id}).scalar_one_or_none()


def note_left(connection: Connection, user_id: int) -> None:
    """Note that a person, whose row is locked, has no session any more."""
    connection.execute(_LEFT, {"whose": user_id})


class Grants:
    """Writes grants inside the caller's transaction."""

    def __init__(self, shared: Shared, outbox: Outbox, cache: Cache | None) -> None:
        """Hand the tokens of grants that end to `outbox`; drop from `cache` what they read."""
        self._cipher = shared.cipher
        self._signals = shared.signals
        self._outbox = outbox
        self._cache = cache

    def add(  # noqa: PLR0913 - what a row is made of, by name
        self,
        connection: Connection,
        user_id: int,
        token_set: TokenSet,
        *,
        grant_id: str,
        exchanged_at: float,
        now: datetime,
    ) -> None:
        """Add the living grant of a person who has none."""
        row = {"id": grant_id, "user_id": user_id, "exchanged_at": exchanged_at, "created_at": now}
        connection.execute(_INSERT, row | self.columns(grant_id, token_set, now=now))

    def replace(
        self,
        connection: Connection,
        grant_id: str,
        token_set: TokenSet,
        *,
        exchanged_at: float,
        now: datetime,
    ) -> None:
        """Give a living grant the token set of a newer sign-in. The old one is dead at Twitter."""
        columns = self.columns(grant_id, token_set, now=now)
        connection.execute(
            _REPLACE, {"grant_id": grant_id, "exchanged_at": exchanged_at, **columns}
        )

    def columns(self, grant_id: str, token_set: TokenSet, *, now: datetime) -> dict[str, object]:
        """Return the columns that a token set fills, sealed for the row `grant_id`."""
        return {
            "access_token": self._sealed("access_token", token_set.access_token, grant_id),
            "refresh_token": self._sealed("refresh_token", token_set.refresh_token, grant_id),
            "scopes": " ".join(sorted(token_set.scopes)),
            "issued_at": now,
            "expires_at": token_set.expires_at,
        }

    def end(
        self,
        connection: Connection,
        user_id: int,
        reason: EndReason,
        *,
        judged: tuple[str, int] | None = None,
        now: datetime,
    ) -> Ended:
        """End the living grant of a person and all their sessions, in the caller's transaction.

        If the reason means "no more", both tokens go into the outbox. Nothing happens if the grant
        is no longer the one, of the generation, that was `judged`.
        """
        row = connection.execute(_LIVING, {"owner": user_id}).one_or_none()
        if judged is not None and (row is None or (row.id, row.generation) != judged):
            return Ended()
        ended: dict[str, object] = {"ended_at": now, "end_reason": reason}
        refused = {"refused_at": STORE_CLOCK} if reason is EndReason.REFUSED else {}
        sessions = connection.execute(
            _END_SESSIONS.values(ended | refused), {"owner": user_id}
        ).scalars()
        ids = tuple(sessions)
        if ids:
            note_left(connection, user_id)
        if row is None:
            twitter_id = lock_person(connection, user_id) or ""
            return Ended(sessions=ids, user_id=user_id, twitter_id=twitter_id, reason=reason.value)
        connection.execute(_ONE_MORE_EPOCH, {"whose": user_id})
        connection.execute(_END, {"grant_id": row.id, **ended, **dict.fromkeys(TOKENS)})
        revocations = self._revoked(connection, row, now=now) if reason in REVOKING else ()
        return Ended(
            sessions=ids,
            grant=True,
            revocations=revocations,
            user_id=user_id,
            twitter_id=row.twitter_id,
            reason=reason.value,
        )

    def follow_up(self, ended: Ended) -> None:
        """Once an ending is committed: have its tokens revoked, and drop what was read with them.

        The new epoch has made those copies unreachable; this deletes them. The signals come last:
        a receiver that takes long delays neither.
        """
        if ended.grant:
            self._outbox.deliver_soon(ended.revocations)
            if self._cache is not None:
                self._cache.purge_owner(owner_of_reads(ended.twitter_id))
        whose = {"user_id": ended.user_id, "twitter_id": ended.twitter_id, "why": ended.reason}
        for session_id in ended.sessions:
            self._signals.send(signed_out, session_id=session_id, **whose)
        if ended.grant:
            self._signals.send(grant_ended, **whose)

    def _revoked(self, connection: Connection, row: _Living, *, now: datetime) -> tuple[str, ...]:
        """Move the tokens of a grant into the outbox, sealed as they are; return its rows' ids."""
        sealed = {"access_token": row.access_token, "refresh_token": row.refresh_token}
        return tuple(
            self._outbox.add_sealed(
                connection,
                token,
                hint,
                sealed_for=associated_data("grants", hint, row.id),
                twitter_id=row.twitter_id,
                now=now,
            )
            for hint, token in sealed.items()
            if token is not None
        )

    def _sealed(self, column: str, token: str | None, grant_id: str) -> str | None:
        return token and self._cipher.seal(token, at=associated_data("grants", column, grant_id))
