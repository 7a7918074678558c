"""States that came back: each is used once, on the server, before its code is sent.

A cookie alone cannot do this, because an old one can be replayed. Only hashes are kept. Times are
the store's: the duplicate of a callback may come to another machine, with another clock.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from app.accounts.errors import Superseded
from app.accounts.models import Session, UsedState
from app.accounts.shared import Shared
from app.storage.database import STORE_NOW, Moment, store_seconds, store_time

# Longer than any flow cookie lives: a replayed one always meets its row.
KEPT = timedelta(hours=1)
# A moment that is counted back is early, by the way of the store's answer and SQLite's rounding.
_INACCURACY_SECONDS = 0.5

_INSERT = insert(UsedState).values(used_at=STORE_NOW)
_SESSIONS = (
    select(Session.id, Session.user_id)
    .join(UsedState, UsedState.session_id == Session.id)
    .where(
        UsedState.state_hash.in_(bindparam("states", expanding=True)), Session.ended_at.is_(None)
    )
    .order_by(UsedState.recorded_at.desc())
)
_HAD_COME = select(UsedState.state_hash).where(
    UsedState.state_hash.in_(bindparam("states", expanding=True)),
    UsedState.used_at <= bindparam("latest"),
)
_LOCK_UNFINISHED = (
    select(UsedState.state_hash)
    .where(
        UsedState.state_hash.in_(bindparam("states", expanding=True)), UsedState.outcome.is_(None)
    )
    .order_by(UsedState.state_hash)
    .with_for_update()
)
_RECORD = (
    update(UsedState)
    .where(UsedState.state_hash == bindparam("used"), UsedState.outcome.is_(None))
    .values(recorded_at=STORE_NOW)
)


class Outcome(StrEnum):
    """How a sign-in went."""

    SIGNED_IN = "signed_in"
    FAILED = "failed"
    SUPERSEDED = "superseded"  # by another sign-in of the same person, perhaps in this browser


@dataclass(frozen=True, slots=True)
class Recorded:
    """The outcome of a sign-in: when it was known, and the session if it is a living one."""

    outcome: Outcome
    recorded_at: datetime
    session_id: str | None
    read_at: datetime = field(compare=False)

    @property
    def age(self) -> timedelta:
        """How long ago the outcome was recorded."""
        return self.read_at - self.recorded_at


class UsedStates:
    """The table of states that came back."""

    def __init__(self, shared: Shared) -> None:
        self._database = shared.database

    def consume(self, state: str, code: str) -> bool:
        """Use `state` up for the callback that brought `code`; tell whether it was the first.

        Committed when it returns: of any number of callbacks, on any machine, one gets True.
        """
        row = {"state_hash": hashed(state), "code_hash": hashed(code)}
        try:
            with self._database.writing() as connection:
                connection.execute(_INSERT, row)
        except IntegrityError:
            return False
        return True

    def record_outcome(
        self,
        connection: Connection,
        state: str,
        outcome: Outcome,
        *,
        session_id: str | None = None,
    ) -> bool:
        """Record how the sign-in went, in the transaction that stores it; return whether it is new.

        The first outcome stays: a failure after the sign-in was stored does not undo it, and a
        sign-in that was stopped makes no session.
        """
        known = {"outcome": outcome, "session_id": session_id, "used": hashed(state)}
        return connection.execute(_RECORD, known).rowcount == 1

    def used_at(self, connection: Connection, state: str) -> float:
        """Return when a state came back, right before its code was sent: seconds since 1970."""
        query = select(UsedState.used_at).where(UsedState.state_hash == hashed(state))
        return connection.execute(query).scalar_one().timestamp()

    def lock_unfinished(self, connection: Connection, states: Sequence[str]) -> None:
        """Make tabs of one browser that finish at once do so one after the other.

        SQLite has one writer at a time.
        """
        if connection.dialect.name == "sqlite":
            return
        connection.execute(_LOCK_UNFINISHED, {"states": [hashed(state) for state in states]})

    def sessions(self, connection: Connection, states: Sequence[str]) -> dict[str, int]:
        """Return the living sessions that sign-ins have made, the newest first, with their owners.

        Runs no statement if there are no `states`, as for most sign-ins.
        """
        if not states:
            return {}
        rows = connection.execute(_SESSIONS, {"states": [hashed(state) for state in states]})
        return {row.id: row.user_id for row in rows}

    def stop(self, states: Sequence[str], *, until: Moment) -> list[str]:
        """Stop the sign-ins whose callbacks are under way; return the sessions of those before.

        States that had not come back at `until` are left alone.
        """
        with self._database.writing() as connection:
            latest = until.seconds(store_now=store_seconds(connection)) + _INACCURACY_SECONDS
            values = {
                "states": [hashed(state) for state in states],
                "latest": datetime.fromtimestamp(latest, tz=UTC),
            }
            had_come = set(connection.execute(_HAD_COME, values).scalars())
            stopped = [state for state in states if hashed(state) in had_come]
            for state in sorted(stopped, key=hashed):  # as `lock_unfinished` locks them
                self.record_outcome(connection, state, Outcome.FAILED)
            return list(self.sessions(connection, stopped))

    @contextlib.contextmanager
    def failing(self, state: str) -> Iterator[None]:
        """Record that the sign-in failed if an exception leaves the block.

        Its duplicate then need not wait. The person is told of this exception, even if the
        database does not take the record.
        """
        try:
            yield
        except Exception as error:
            outcome = Outcome.SUPERSEDED if isinstance(error, Superseded) else Outcome.FAILED
            with contextlib.suppress(SQLAlchemyError), self._database.writing() as connection:
                self.record_outcome(connection, state, outcome)
            raise

    def came_with(self, state: str, code: str) -> bool:
        """Tell whether `state` came first with this very `code`: a double submit, not a replay."""
        query = select(UsedState.code_hash).where(UsedState.state_hash == hashed(state))
        with self._database.reading() as connection:
            return connection.execute(query).scalar() == hashed(code)

    def age(self, state: str) -> timedelta:
        """Return how long ago the `state` came back first."""
        query = select(UsedState.used_at).where(UsedState.state_hash == hashed(state))
        with self._database.reading() as connection:
            used_at = connection.execute(query).scalar_one()
            return store_time(connection) - used_at

    def outcome_of(self, state: str) -> Recorded | None:
        """Return how the sign-in of `state` went, or None while its exchange is under way."""
        query = (
            select(UsedState.outcome, UsedState.recorded_at, Session.id.label("session_id"))
            .outerjoin(Session, (Session.id == UsedState.session_id) & Session.ended_at.is_(None))
            .where(UsedState.state_hash == hashed(state), UsedState.outcome.is_not(None))
        )
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
            if row is None or row.recorded_at is None:
                return None
            now = store_time(connection)
        return Recorded(Outcome(row.outcome), row.recorded_at, row.session_id, read_at=now)

    def prune(self) -> int:
        """Delete states that are older than any flow cookie; return how many."""
        with self._database.writing() as connection:
            old = UsedState.used_at < store_time(connection) - KEPT
            return connection.execute(delete(UsedState).where(old)).rowcount


def hashed(secret: str) -> str:
    """Return SHA-256 in hex. States and codes are too random to be guessed back from it."""
    return hashlib.sha256(secret.encode()).hexdigest()
