"""States that came back: each is claimed once, on the server, before its code is sent.

A cookie alone cannot do this, because an old one can be replayed. Only hashes are kept.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from app.accounts.models import Grant, UsedState
from app.database import Database

# Longer than any flow cookie lives: a replayed one always meets its claim.
KEPT = timedelta(hours=1)

_INSERT = insert(UsedState)
_SETTLE = update(UsedState).where(
    UsedState.state_hash == bindparam("claimed"), UsedState.outcome.is_(None)
)


class Outcome(StrEnum):
    """How a claimed sign-in went."""

    SIGNED_IN = "signed_in"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Settled:
    """The outcome of a claim: when it was known, and the grant if it is a living one."""

    outcome: Outcome
    settled_at: datetime
    grant_id: str | None


class UsedStates:
    """The table of used states."""

    def __init__(self, database: Database) -> None:
        """Keep claims in `database`."""
        self._database = database

    def claim(self, state: str, code: str, *, now: datetime) -> bool:
        """UsedState `state` for the callback that brought `code`; tell whether we were the first.

        Committed when it returns: of any number of callbacks, on any machine, one hears True.
        """
        row = {"state_hash": hashed(state), "code_hash": hashed(code), "claimed_at": now}
        try:
            with self._database.writing() as connection:
                connection.execute(_INSERT, row)
        except IntegrityError:
            return False
        return True

    def settle(
        self,
        connection: Connection,
        state: str,
        outcome: Outcome,
        *,
        now: datetime,
        grant_id: str | None = None,
    ) -> None:
        """Write down how the claimed sign-in went, in the transaction that made it so."""
        known = {"outcome": outcome, "grant_id": grant_id, "settled_at": now}
        connection.execute(_SETTLE, {"claimed": hashed(state), **known})

    @contextlib.contextmanager
    def failing(self, state: str, *, now: Callable[[], datetime]) -> Iterator[None]:
        """Write down that the claimed sign-in failed if an exception leaves the block.

        Its twin then need not wait. The exception is what the person is told, whatever the
        database says meanwhile.
        """
        try:
            yield
        except Exception:
            with contextlib.suppress(SQLAlchemyError), self._database.writing() as connection:
                self.settle(connection, state, Outcome.FAILED, now=now())
            raise

    def is_twin(self, state: str, code: str) -> bool:
        """Tell whether `state` was claimed with this very `code`: a double submit, not a replay."""
        query = select(UsedState.code_hash).where(UsedState.state_hash == hashed(state))
        with self._database.reading() as connection:
            return connection.execute(query).scalar() == hashed(code)

    def claimed_at(self, state: str) -> datetime:
        """Return when the claimed `state` came back first."""
        query = select(UsedState.claimed_at).where(UsedState.state_hash == hashed(state))
        with self._database.reading() as connection:
            return connection.execute(query).scalar_one()

    def settled(self, state: str) -> Settled | None:
        """Return how the sign-in of `state` went, or None while its exchange is under way."""
        query = (
            select(UsedState.outcome, UsedState.settled_at, Grant.id.label("grant_id"))
            .outerjoin(Grant, (Grant.id == UsedState.grant_id) & Grant.ended_at.is_(None))
            .where(UsedState.state_hash == hashed(state), UsedState.outcome.is_not(None))
        )
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        if row is None or row.settled_at is None:
            return None
        return Settled(Outcome(row.outcome), row.settled_at, row.grant_id)

    def prune(self, *, now: datetime) -> int:
        """Delete claims that no living flow cookie can meet; return how many."""
        with self._database.writing() as connection:
            return connection.execute(
                delete(UsedState).where(UsedState.claimed_at < now - KEPT)
            ).rowcount


def hashed(secret: str) -> str:
    """Return SHA-256 in hex. States and codes are random enough that nobody guesses them back."""
    return hashlib.sha256(secret.encode()).hexdigest()
