"""The outbox: tokens that Twitter must still be told to kill (RFC 7009).

A row is written in the transaction that ends its grant, so a logout is never forgotten, whatever
happens to this process. Delivery is tried at once in the background, and by
`flask revocations deliver` until Twitter has answered. Any number of deliverers may work at once.
"""

from __future__ import annotations

import contextlib
import logging
import random
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import cast

from sqlalchemy import Connection, and_, bindparam, delete, func, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from app.accounts.errors import CannotOpen
from app.accounts.models import Revocation
from app.accounts.outbox_worker import PAUSES, OutboxWorker
from app.accounts.token_cipher import TokenCipher, place
from app.database import STORE_CLOCK, Database
from app.events import ONLY_WRITTEN, Event, Events
from app.twitter.budget import Budget
from app.twitter.errors import ClientRefused, Refused, TwitterError
from app.twitter.oauth import AuthorizationServer, TokenTypeHint
from app.twitter.token_set import TokenSet

log = logging.getLogger(__name__)

# What one attempt may take (seconds): a hanging Twitter must not hold up the other rows for long.
ATTEMPT_SECONDS = 5.0
# A deliverer has a row to itself for so long; if it dies, the row is due again.
LEASE_SECONDS = ATTEMPT_SECONDS + 10.0
# Beyond the pauses of the first minute: seconds between the attempts on one row.
LATER_SECONDS = 60.0
# A definite no, so often, is believed.
REFUSALS_TO_PARK = 3
NAME_CHARACTERS = 12

_INSERT = insert(Revocation).values(due_at=STORE_CLOCK)
_IS_DUE = and_(Revocation.due_at <= STORE_CLOCK, Revocation.parked_at.is_(None))
_LONGEST_DUE = (
    select(Revocation.id)
    .where(_IS_DUE)
    .order_by(Revocation.due_at)
    .limit(1)
    .with_for_update(skip_locked=True)  # PostgreSQL; SQLite has one writer at a time
)
_TAKE = (
    update(Revocation)
    .where(_IS_DUE)
    .values(due_at=STORE_CLOCK + LEASE_SECONDS)
    .returning(
        Revocation.id,
        Revocation.token,
        Revocation.token_type_hint,
        Revocation.attempts,
        Revocation.refusals,
    )
)
_TAKE_ONE = _TAKE.where(Revocation.id == bindparam("row"))
_TAKE_NEXT = _TAKE.where(Revocation.id == _LONGEST_DUE.scalar_subquery())
_REMOVE = delete(Revocation).where(Revocation.id == bindparam("row"))


class Delivery(Enum):
    """What became of one attempt."""

    DONE = "done"  # Twitter killed the token
    AWAY = "away"  # Twitter cannot be told anything just now, of no token
    REFUSED = "refused"  # a definite no about this token; it will be tried again
    PARKED = "parked"  # one definite no too many
    SEALED = "sealed"  # it does not open: its key is not in the ring


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many rows wait to be delivered, since when, and how many were refused for good."""

    waiting: int
    parked: int
    oldest: datetime | None = field(default=None, compare=False)  # of those that wait


@dataclass(frozen=True, slots=True)
class _Taken:
    row: str
    sealed: str
    hint: str
    attempts: int
    refusals: int

    @property
    def name(self) -> str:
        """What the log calls the row: a whole id would be taken for a secret, and taken out."""
        return self.row[:NAME_CHARACTERS]


class Outbox:
    """Writes revocations and delivers them."""

    def __init__(
        self,
        database: Database,
        vault: TokenCipher,
        server: AuthorizationServer,
        *,
        clock: Callable[[], datetime],
        events: Events = ONLY_WRITTEN,
    ) -> None:
        """Seal with `vault`, deliver to `server`; `clock` tells the time in UTC."""
        self._database = database
        self._vault = vault
        self._server = server
        self._clock = clock
        self._events = events
        self._courier = OutboxWorker(self.deliver)

    def add(self, connection: Connection, token: str, hint: str, *, now: datetime) -> str:
        """Write one token into the outbox, inside the caller's transaction; return the row's id."""
        row = secrets.token_hex(16)
        sealed = self._vault.seal(token, at=place("revocations", "token", row))
        values = {"id": row, "token": sealed, "token_type_hint": hint, "created_at": now}
        connection.execute(_INSERT, values)
        return row

    def discard(self, token_set: TokenSet, *, now: datetime) -> None:
        """Have a whole token set killed that nobody is going to use.

        Raises nothing: it is called when something else went wrong already. Without a database
        there is no outbox, so Twitter is told directly, once.
        """
        tokens = [
            (token_set.access_token, "access_token"),
            (token_set.refresh_token, "refresh_token"),
        ]
        known = [(token, cast("TokenTypeHint", hint)) for token, hint in tokens if token]
        try:
            with self._database.writing() as connection:
                rows = [self.add(connection, token, hint, now=now) for token, hint in known]
        except SQLAlchemyError as error:
            log.warning("the outbox cannot be written: %s", type(error).__name__)
            self._tell_directly(known)
        else:
            self.deliver_soon(rows)

    def deliver_soon(self, rows: list[str]) -> None:
        """Deliver committed rows in the background; returns at once."""
        for row in rows:
            self._courier.take(row)

    def wait(self, *, seconds: float) -> bool:
        """Wait until every row given to the background was tried once; tell whether it was."""
        return self._courier.wait(seconds)

    def stop(self) -> None:
        """Deliver no more in this process's background. What is left stays in the outbox."""
        self._courier.stop()

    def deliver(self, row: str) -> bool:
        """Deliver `row`, unless somebody else has it; tell whether there is no more to do here."""
        taken = self._take(row)
        return taken is None or self._attempt(taken) in {Delivery.DONE, Delivery.PARKED}

    def deliver_next(self) -> Delivery | None:
        """Deliver the row that is due longest; None if none is due.

        `AWAY` asks for a pause before the next call: the other rows would fare no better.
        """
        taken = self._take()
        return None if taken is None else self._attempt(taken)

    def backlog(self) -> Backlog:
        """Return how much is left."""
        waits = Revocation.parked_at.is_(None)
        query = select(
            func.count(Revocation.id),
            func.count(Revocation.parked_at),
            func.min(Revocation.created_at).filter(waits),
        )
        with self._database.reading() as connection:
            rows, parked, oldest = connection.execute(query).one()
        return Backlog(waiting=rows - parked, parked=parked, oldest=oldest)

    def _take(self, row: str | None = None) -> _Taken | None:
        """Have a due row to ourselves for a while: `row`, or the one that is due longest."""
        with self._database.writing() as connection:
            take, which = (_TAKE_NEXT, {}) if row is None else (_TAKE_ONE, {"row": row})
            found = connection.execute(take, which).one_or_none()
        return None if found is None else _Taken(*found)

    def _attempt(self, taken: _Taken) -> Delivery:
        try:
            token = self._vault.open(taken.sealed, at=place("revocations", "token", taken.row))
            hint = cast("TokenTypeHint", taken.hint)
            self._server.revoke(token, hint, budget=Budget(ATTEMPT_SECONDS))
        except CannotOpen as error:
            log.error("a revocation waits for its key: %s", error)  # noqa: TRY400 - no traceback
            self._postpone(taken)
            return Delivery.SEALED
        except Refused as error:
            return self._refused(taken, error)
        except TwitterError as error:
            log.info("revocations must wait: %s", error)
            self._postpone(taken)
            return Delivery.AWAY
        self._remove(taken)
        self._events.record(Event.TOKEN_REVOKED, row=taken.name, kind=taken.hint)
        return Delivery.DONE

    def _tell_directly(self, tokens: list[tuple[str, TokenTypeHint]]) -> None:
        budget = Budget(ATTEMPT_SECONDS)
        for token, hint in tokens:
            with contextlib.suppress(TwitterError):
                self._server.revoke(token, hint, budget=budget)
                self._events.record(Event.TOKEN_REVOKED, row="", kind=hint)

    def _postpone(self, taken: _Taken, **changes: object) -> None:
        with self._database.writing() as connection:
            due_at = STORE_CLOCK + _pause(taken.attempts)
            values = {"attempts": taken.attempts + 1, "due_at": due_at} | changes
            connection.execute(update(Revocation).where(Revocation.id == taken.row).values(values))

    def _refused(self, taken: _Taken, error: Refused) -> Delivery:
        """Note a definite no; the last one parks the row, and the others flow past it."""
        if isinstance(error, ClientRefused):  # not a word about the token: our secret is wrong
            log.error("revocations wait for the operator: %s", error)
            self._postpone(taken)
            return Delivery.AWAY
        refusals = taken.refusals + 1
        if refusals < REFUSALS_TO_PARK:
            self._postpone(taken, refusals=refusals)
            return Delivery.REFUSED
        log.error("Twitter refuses to revoke a token, row %s is parked: %s", taken.name, error)
        self._postpone(taken, refusals=refusals, parked_at=self._clock())
        return Delivery.PARKED

    def _remove(self, taken: _Taken) -> None:
        with self._database.writing() as connection:
            connection.execute(_REMOVE, {"row": taken.row})


def _pause(attempts: int) -> float:
    """Return the seconds until the next attempt, spread out so that no crowd comes at once.

    Never more than the background waits between its attempts: it finds the row due again.
    """
    longest = PAUSES[attempts] if attempts < len(PAUSES) else LATER_SECONDS
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - nobody needs to guess this
