"""Ends sessions, and with the last one of a person the grant.

Every transaction that calls this has locked the person.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, Select, bindparam, exists, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute

from app.accounts.grants import REVOKING, Ended, EndReason, Grants, note_left
from app.accounts.models import Grant, Session, User
from app.accounts.shared import Shared
from app.observability.audit_log import Event
from app.signals import signed_out
from app.storage.database import Database

BATCH = 500

_END = (
    update(Session)
    .where(Session.user_id == bindparam("owner"), Session.ended_at.is_(None))
    .returning(Session.id)
)
_OWNER = select(
    User.twitter_id,
    exists().where(Session.user_id == User.id, Session.ended_at.is_(None)).label("signed_in"),
).where(User.id == bindparam("user_id"))
_UNUSED = select(Grant.user_id).where(
    Grant.ended_at.is_(None),
    ~exists().where(Session.user_id == Grant.user_id, Session.ended_at.is_(None)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """How long a session lasts: unused, and at most."""

    idle: timedelta
    absolute: timedelta

    def are_over(self, *, created_at: datetime, seen_at: datetime, now: datetime) -> bool:
        """Tell whether a session has outlived one of them."""
        return now > self.end(created_at=created_at, seen_at=seen_at)

    def end(self, *, created_at: datetime, seen_at: datetime) -> datetime:
        """Return the last moment of a session that is not used again."""
        return min(seen_at + self.idle, created_at + self.absolute)

    def over(self, now: datetime) -> ColumnElement[bool]:
        """Return the same as a condition for statements."""
        return or_(Session.seen_at < now - self.idle, Session.created_at < now - self.absolute)


@dataclass(frozen=True, slots=True)
class EndedSessions:
    """The sessions that ended, each with its reason, and what became of the grant."""

    reasons: dict[str, EndReason] = field(default_factory=dict)
    grant: Ended = field(default_factory=Ended)
    user_id: int = 0
    twitter_id: str = ""

    @property
    def grant_ended(self) -> bool:
        """Whether the grant ended with them."""
        return self.grant.grant


class SessionEndings:
    """Ends sessions inside the caller's transaction, and tells of it once that is committed."""

    def __init__(
        self, shared: Shared, grants: Grants, lifetimes: Lifetimes, *, logout_revokes: bool
    ) -> None:
        """End grants through `grants`.

        Without `logout_revokes` the last logout leaves the grant to background jobs.
        """
        self._database = shared.database
        self._clock = shared.clock
        self._audit_log = shared.audit_log
        self._signals = shared.signals
        self._grants = grants
        self._lifetimes = lifetimes
        self._logout_revokes = logout_revokes

    def end(
        self,
        connection: Connection,
        user_id: int,
        reason: EndReason,
        *which: ColumnElement[bool],
    ) -> EndedSessions:
        """End `which` sessions, those that are over by age, and the grant if none is left.

        Without `which`, only those that are over by age end.
        """
        now = self._clock()
        ended: dict[str, EndReason] = {}
        over = self._lifetimes.over(now)
        for why, those in [*([(reason, which)] if which else []), (EndReason.EXPIRED, (over,))]:
            values = {"ended_at": now, "end_reason": why}
            found = connection.execute(_END.where(*those).values(values), {"owner": user_id})
            ended |= dict.fromkeys(found.scalars(), why)
        if which and not ended:
            return EndedSessions()
        owner = connection.execute(_OWNER, {"user_id": user_id}).one()
        grant = Ended()
        if not owner.signed_in:
            note_left(connection, user_id)
            if self._logout_revokes:
                no_more = reason if reason in REVOKING else EndReason.LOGGED_OUT
                grant = self._grants.end(connection, user_id, no_more, now=now)
        return EndedSessions(ended, grant, user_id, owner.twitter_id)

    def end_all(self, connection: Connection, user_id: int, reason: EndReason) -> EndedSessions:
        """End the grant and all sessions, whether logouts revoke or not."""
        grant = self._grants.end(connection, user_id, reason, now=self._clock())
        sessions = dict.fromkeys(grant.sessions, reason)
        return EndedSessions(sessions, grant, user_id, grant.twitter_id)

    def overdue(self, *, now: datetime) -> Iterator[int]:
        """Yield the people with a session that is over by age, or a grant without a session.

        A batch in memory at a time. No transaction is open in between, and a person may come twice.
        """
        over = self._lifetimes.over(now)
        expired = select(Session.user_id).where(Session.ended_at.is_(None), over)
        yield from _owners(self._database, expired, Session.user_id)
        if self._logout_revokes:
            yield from _owners(self._database, _UNUSED, Grant.user_id)

    def follow_up(self, ended: EndedSessions, *, logged_out: str = "") -> None:
        """Tell the log, Twitter, the cache and the receivers of signals what is committed.

        The session that is `logged_out` has an event of its own.
        """
        for session_id, reason in ended.reasons.items():
            if session_id != logged_out:
                self._audit_log.record(
                    Event.SESSION_ENDED, session_id=session_id, reason=reason.value
                )
        self._grants.follow_up(ended.grant)
        for session_id, reason in ended.reasons.items():
            if session_id not in ended.grant.sessions:
                self._signals.send(
                    signed_out,
                    user_id=ended.user_id,
                    twitter_id=ended.twitter_id,
                    session_id=session_id,
                    why=reason.value,
                )


def _owners(
    database: Database, query: Select[int], owner: InstrumentedAttribute[int]
) -> Iterator[int]:
    """Yield the owners that `query` finds, each once."""
    after = 0
    while True:
        batch = query.where(owner > after).distinct().order_by(owner).limit(BATCH)
        with database.reading() as connection:
            found = connection.execute(batch).scalars().all()
        yield from found
        if len(found) < BATCH:
            return
        after = found[-1]
