"""Revocations that X reports: each is stored once, and stays due until its grant was tried.

X delivers an event late, twice or out of order, and perhaps for a grant that a sign-in has
replaced. So an event ends nothing by itself (`app.gateway.revocation_checks`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import Executable, bindparam, delete, select, update
from sqlalchemy.exc import IntegrityError

from app.accounts.models import Grant, RevocationEvent, User
from app.accounts.pauses import pause_after
from app.accounts.shared import Shared
from app.storage.database import STORE_CLOCK, Insert, Upsert
from app.twitter.webhook_events import Revoked

# X repeats the events of a day if it is asked to (X docs, "Create replay job").
KEPT = timedelta(days=7)


def _storing(row: Insert) -> Executable:
    """Return the statement that stores an event; one that is there already stays as it is."""
    stored = row.values(received_at=STORE_CLOCK, due_at=STORE_CLOCK)
    return stored.on_conflict_do_nothing().returning(RevocationEvent.event_uuid)


_STORE = Upsert(RevocationEvent, _storing)
_CONCERNED = (
    select(User.id)
    .join(Grant, Grant.user_id == User.id)
    .where(User.twitter_id == bindparam("twitter_id"), Grant.ended_at.is_(None))
)
_IS_DUE = RevocationEvent.due_at <= STORE_CLOCK
_LONGEST_DUE = (
    select(RevocationEvent.event_uuid)
    .where(_IS_DUE)
    .order_by(RevocationEvent.due_at)
    .limit(1)
    .with_for_update(skip_locked=True)  # PostgreSQL; SQLite has one writer at a time
)
_TAKE = (
    update(RevocationEvent)
    .where(_IS_DUE)
    .values(due_at=STORE_CLOCK + bindparam("lease_seconds"))
    .returning(
        RevocationEvent.event_uuid,
        RevocationEvent.user_id,
        RevocationEvent.revoked_at,
        RevocationEvent.attempts,
    )
)
_TAKE_ONE = _TAKE.where(RevocationEvent.event_uuid == bindparam("which"))
_TAKE_NEXT = _TAKE.where(RevocationEvent.event_uuid == _LONGEST_DUE.scalar_subquery())
_SECONDS_LEFT = select(RevocationEvent.due_at - STORE_CLOCK).where(
    RevocationEvent.event_uuid == bindparam("which")
)


class Received(StrEnum):
    """The result of an event that X delivered."""

    STORED = "stored"
    REPEATED = "repeated"  # it is stored already
    NO_GRANT = "no_grant"  # of an unknown person, or of one whose grant has ended


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenEvent:
    """An event that this checker has to itself until its lease ends."""

    event_uuid: str
    user_id: int
    revoked_at: datetime | None
    attempts: int


class RevocationEvents:
    """The table of events."""

    def __init__(self, shared: Shared) -> None:
        self._database = shared.database

    def store(self, event: Revoked) -> Received:
        """Store an event of a person with a living grant; it is committed when this returns."""
        try:
            with self._database.writing() as connection:
                user_id = connection.execute(
                    _CONCERNED, {"twitter_id": event.twitter_id}
                ).scalar_one_or_none()
                if user_id is None:
                    return Received.NO_GRANT
                row = {"event_uuid": event.event_uuid, "user_id": user_id, "revoked_at": event.at}
                stored = connection.execute(_STORE.on(connection), row).one_or_none()
        except IntegrityError:  # the person has just disconnected
            return Received.NO_GRANT
        return Received.REPEATED if stored is None else Received.STORED

    def take(self, event_uuid: str | None = None, *, lease_seconds: float) -> TakenEvent | None:
        """Take an event that is due: this one, or the one that is due longest. None without one."""
        take, which = (_TAKE_NEXT, {}) if event_uuid is None else (_TAKE_ONE, {"which": event_uuid})
        with self._database.writing() as connection:
            values: dict[str, Any] = {"lease_seconds": lease_seconds} | which
            found = connection.execute(take, values).mappings().one_or_none()
        return None if found is None else TakenEvent(**cast("dict[str, Any]", dict(found)))

    def finish(self, taken: TakenEvent) -> None:
        """Note that the event is done."""
        self._update(taken, due_at=None)

    def postpone(self, taken: TakenEvent) -> None:
        """Make the event due again after a pause, which grows with its attempts."""
        due_at = STORE_CLOCK + pause_after(taken.attempts)
        self._update(taken, attempts=taken.attempts + 1, due_at=due_at)

    def seconds_left(self, event_uuid: str) -> float | None:
        """Return the seconds until the event is due; None if it is done or gone."""
        with self._database.reading() as connection:
            left = connection.execute(_SECONDS_LEFT, {"which": event_uuid}).scalar_one_or_none()
        return None if left is None else max(0.0, left)

    def prune(self) -> int:
        """Delete events that X does not repeat any more; return how many."""
        old = RevocationEvent.received_at < STORE_CLOCK - KEPT.total_seconds()
        with self._database.writing() as connection:
            return connection.execute(delete(RevocationEvent).where(old)).rowcount

    def _update(self, taken: TakenEvent, **values: object) -> None:
        this = RevocationEvent.event_uuid == taken.event_uuid
        with self._database.writing() as connection:
            connection.execute(update(RevocationEvent).where(this).values(values))
