"""The outbox: tokens that Twitter must still be told to kill (RFC 7009).

A row is written in the transaction that ends its grant, so a logout is never forgotten, whatever
happens to this process. Delivery is tried at once in the background, and by
`flask revocations deliver` until Twitter has answered. Any number of deliverers may work at once.
"""

from __future__ import annotations

import logging
import random
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from functools import partial
from typing import Any, cast

from sqlalchemy import Connection, and_, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.exc import SQLAlchemyError

from app.accounts.background_worker import PAUSES, BackgroundWorker
from app.accounts.errors import CannotOpen
from app.accounts.models import Grant, Revocation, User
from app.accounts.shared import Shared
from app.accounts.token_cipher import place_in_outbox
from app.observability.audit_log import Event
from app.storage.database import STORE_CLOCK, WRITE_SECONDS
from app.twitter.errors import (
    ClientRefused,
    GrantRefused,
    Refused,
    TokenRefused,
    TwitterError,
)
from app.twitter.oauth import AuthorizationServer, TokenSet, TokenTypeHint
from app.twitter.transport.deadline import Deadline

log = logging.getLogger(__name__)

# What one attempt may take (seconds): a hanging Twitter must not hold up the other rows for long.
_ATTEMPT_SECONDS = 5.0
# A deliverer has a row to itself for so long: it asks whose token it is, and revokes it, and writes
# after each. If it dies, the row is due again.
_LEASE_SECONDS = 2 * (_ATTEMPT_SECONDS + WRITE_SECONDS)
# Beyond the pauses of the first minute: seconds between the attempts on one row.
LATER_SECONDS = 60.0
# A definite no, so often, is believed.
_REFUSALS_BELIEVED = 3
NAME_CHARACTERS = 12
# Twitter documents two hours; a younger access token that is refused was replaced.
_ACCESS_TOKEN_LIVES = timedelta(hours=2)
# The owner of a token that lives and whose person Twitter does not tell.
_SEND_UNASKED = ""

_INSERT = insert(Revocation).values(due_at=STORE_CLOCK)
_IS_DUE = and_(
    Revocation.due_at <= STORE_CLOCK,
    Revocation.dead_letter_at.is_(None),
    Revocation.waits_for.is_(None),
)
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
    .values(due_at=STORE_CLOCK + _LEASE_SECONDS)
    .returning(
        Revocation.id,
        Revocation.token,
        Revocation.sealed_for,
        Revocation.token_type_hint,
        Revocation.twitter_id,
        Revocation.created_at,
        Revocation.attempts,
        Revocation.refusals,
    )
)
_TAKE_ONE = _TAKE.where(Revocation.id == bindparam("row"))
_TAKE_NEXT = _TAKE.where(Revocation.id == _LONGEST_DUE.scalar_subquery())
_LOCK = (
    select(User.id)
    .where(User.twitter_id == bindparam("twitter_id"))
    .with_for_update(key_share=True)
)
_SUPERSEDED = (
    select(Grant.id)
    .join(User, User.id == Grant.user_id)
    .where(
        User.twitter_id == bindparam("twitter_id"),
        Grant.ended_at.is_(None),
        Grant.exchanged_at >= bindparam("since"),
    )
)
_EXISTS = select(Revocation.id).where(Revocation.id == bindparam("row"))
_REMOVE = delete(Revocation).where(Revocation.id == bindparam("row"))


class Delivery(Enum):
    """What became of one attempt."""

    DONE = "done"  # the token is dead, or alive again by its person's own wish
    AWAY = "away"  # Twitter cannot be told anything just now, of no token
    REFUSED = "refused"  # a definite no about this token; it will be tried again
    DEAD_LETTER = "dead_letter"  # one definite no too many
    SEALED = "sealed"  # it does not open: its key is not in the ring


_FINISHED = {Delivery.DONE, Delivery.DEAD_LETTER}


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many rows wait to be delivered, since when, and how many were refused for good."""

    waiting: int
    dead_letters: int
    oldest: datetime | None = field(default=None, compare=False)  # of those that wait


@dataclass(frozen=True, slots=True)
class _Discarded:
    """A token set that nothing is going to use, and what would have taken its place."""

    token_set: TokenSet
    twitter_id: str | None
    unless_exchanged_from: float


@dataclass(frozen=True, slots=True)
class _Taken:
    row: str
    sealed: str
    sealed_for: str | None
    hint: str
    twitter_id: str | None
    created_at: datetime
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
        shared: Shared,
        server: AuthorizationServer,
        *,
        owner_of: Callable[[str, Deadline], str],
    ) -> None:
        """Deliver to `server`.

        `owner_of` asks Twitter for the id of the person whose access token it is given; it raises
        `TokenRefused` for a dead one, and other `TwitterError`s if there is no answer.
        """
        self._database = shared.database
        self._cipher = shared.cipher
        self._clock = shared.clock
        self._audit_log = shared.audit_log
        self._server = server
        self._owner_of = owner_of
        self._worker = BackgroundWorker()

    def add(  # noqa: PLR0913 - what a row is made of, by name
        self,
        connection: Connection,
        token: str,
        hint: str,
        *,
        twitter_id: str | None,
        waits_for: str | None = None,
        now: datetime,
    ) -> str:
        """Write one token into the outbox, inside the caller's transaction; return the row's id.

        A sign-in of `twitter_id` deletes the row again. `waits_for` names the row of the access
        token that must tell first whose token this is.
        """
        row = secrets.token_hex(16)
        values = {"id": row, "token_type_hint": hint, "created_at": now}
        values |= {"token": self._cipher.seal(token, at=place_in_outbox(row, None))}
        whose = {"twitter_id": twitter_id, "waits_for": waits_for}
        connection.execute(_INSERT, values | whose)
        return row

    def add_sealed(  # noqa: PLR0913 - what a row is made of, by name
        self,
        connection: Connection,
        sealed: str,
        hint: str,
        *,
        sealed_for: str,
        twitter_id: str,
        now: datetime,
    ) -> str:
        """Write one token as it was sealed for another place; return the row's id.

        It is not opened: a key that is missing just now must not lose a revocation. The row waits
        until the key is back.
        """
        row = secrets.token_hex(16)
        values = {"id": row, "token": sealed, "sealed_for": sealed_for, "token_type_hint": hint}
        connection.execute(_INSERT, values | {"twitter_id": twitter_id, "created_at": now})
        return row

    def discard(
        self,
        token_set: TokenSet,
        *,
        twitter_id: str | None,
        unless_exchanged_from: float = 0.0,
    ) -> None:
        """Have a whole token set killed that nothing is going to use.

        Without a `twitter_id`, Twitter is asked first whose it is: if the token is dead, a newer
        sign-in took its place, and revoking it could end that one. With one, the tokens are dropped
        if the person has a living grant that was exchanged at `unless_exchanged_from` or later.
        Raises nothing: it is called when something else went wrong already. Without a database
        there is no outbox, so Twitter is told directly, in the background.
        """
        discarded = _Discarded(token_set, twitter_id, unless_exchanged_from)
        if not self._write(discarded):
            self._worker.take(lambda: self._discard_later(discarded))

    def deliver_soon(self, rows: Iterable[str]) -> None:
        """Deliver committed rows in the background; returns at once."""
        for row in rows:
            self._worker.take(partial(self.deliver, row))

    def wait(self, *, seconds: float) -> bool:
        """Wait until every row given to the background was tried once; tell whether it was."""
        return self._worker.wait(seconds)

    def stop(self) -> None:
        """Deliver no more in this process's background. What is left stays in the outbox."""
        self._worker.stop()

    def deliver(self, row: str) -> bool:
        """Deliver `row`, unless somebody else has it; tell whether there is no more to do here."""
        taken = self._take(row)
        return taken is None or self._attempt(taken) in _FINISHED

    def deliver_next(self) -> Delivery | None:
        """Deliver the row that is due longest; None if none is due.

        `AWAY` asks for a pause before the next call: the other rows would fare no better.
        """
        taken = self._take()
        return None if taken is None else self._attempt(taken)

    def backlog(self) -> Backlog:
        """Return how much is left."""
        waits = Revocation.dead_letter_at.is_(None)
        query = select(
            func.count(Revocation.id),
            func.count(Revocation.dead_letter_at),
            func.min(Revocation.created_at).filter(waits),
        )
        with self._database.reading() as connection:
            rows, dead, oldest = connection.execute(query).one()
        return Backlog(waiting=rows - dead, dead_letters=dead, oldest=oldest)

    def _take(self, row: str | None = None) -> _Taken | None:
        """Have a due row to ourselves for a while: `row`, or the one that is due longest."""
        with self._database.writing() as connection:
            take, which = (_TAKE_NEXT, {}) if row is None else (_TAKE_ONE, {"row": row})
            found = connection.execute(take, which).one_or_none()
        return None if found is None else _Taken(*cast("tuple[Any, ...]", found))

    def _attempt(self, taken: _Taken) -> Delivery:
        try:
            token = self._cipher.open(taken.sealed, at=place_in_outbox(taken.row, taken.sealed_for))
            if taken.twitter_id is None:
                by_access_token = taken.hint == "access_token"
                find = self._find_owner if by_access_token else self._find_owner_by_refresh
                unknown = find(taken, token)
                if unknown is not None:
                    return unknown
            if not self._is_still_due(taken):  # its person has signed in again
                return Delivery.DONE
            hint = cast("TokenTypeHint", taken.hint)
            self._server.revoke(token, hint, deadline=Deadline(_ATTEMPT_SECONDS))
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
        self._audit_log.record(Event.TOKEN_REVOKED, row=taken.name, kind=taken.hint)
        return Delivery.DONE

    def _write(self, discarded: _Discarded) -> bool:
        """Write a token set into the outbox and have it delivered; tell whether that was possible.

        The access token comes first: while its person is unknown, the refresh token waits for it.
        """
        now, rows, twitter_id = self._clock(), list[str](), discarded.twitter_id
        try:
            with self._database.writing() as connection:
                if _is_superseded(connection, discarded):
                    return True
                for token, hint in _tokens(discarded.token_set):
                    waits_for = rows[0] if rows and twitter_id is None else None
                    rows.append(
                        self.add(
                            connection,
                            token,
                            hint,
                            twitter_id=twitter_id,
                            waits_for=waits_for,
                            now=now,
                        )
                    )
        except SQLAlchemyError as error:
            log.warning("the outbox cannot be written: %s", type(error).__name__)
            return False
        self.deliver_soon(rows[:1] if twitter_id is None else rows)
        return True

    def _discard_later(self, discarded: _Discarded) -> bool:
        """Write to the outbox if it is back, else tell Twitter directly; tell whether it is done.

        Nothing can be looked up meanwhile, so Twitter is asked whether the tokens are alive.
        """
        if self._write(discarded):
            return True
        token_set, deadline = discarded.token_set, Deadline(_ATTEMPT_SECONDS)
        try:
            self._owner_of(token_set.access_token, deadline)
            for token, hint in _tokens(token_set):
                self._server.revoke(token, hint, deadline=deadline)
                self._audit_log.record(Event.TOKEN_REVOKED, row="", kind=hint)
        except Refused:
            return True  # dead already, or Twitter will not have it
        except TwitterError:
            return False
        return True

    def _find_owner(self, taken: _Taken, token: str) -> Delivery | None:
        """Ask Twitter whose token it is, and note it; say what to do if that is not known now.

        A dead token that is young has been replaced by a newer sign-in: it and what waits for it
        are dropped, for revoking either could end that one. One that may have expired says
        nothing; then the refresh token that waits for it is asked.
        """
        waits = Revocation.waits_for == taken.row
        theirs = or_(Revocation.id == taken.row, waits)
        owner = _SEND_UNASKED
        try:
            owner = self._owner_of(token, Deadline(_ATTEMPT_SECONDS))
        except TokenRefused:
            is_young = self._clock() - taken.created_at < _ACCESS_TOKEN_LIVES
            with self._database.writing() as connection:
                if not is_young:
                    connection.execute(update(Revocation).where(waits).values(waits_for=None))
                connection.execute(delete(Revocation).where(theirs))
            return Delivery.DONE
        except Refused as error:
            log.info("a token lives, but Twitter does not say whose it is: %s", error)
        except TwitterError as error:
            log.info("a revocation waits until it is known whose token it is: %s", error)
            self._postpone(taken)
            return Delivery.AWAY
        known = update(Revocation).where(theirs).values(twitter_id=owner, waits_for=None)
        with self._database.writing() as connection:
            rows = connection.execute(known.returning(Revocation.id)).scalars().all()
        self.deliver_soon(row for row in rows if row != taken.row)
        return None

    def _find_owner_by_refresh(self, taken: _Taken, token: str) -> Delivery | None:
        """Spend a refresh token whose person is unknown, and discard what it buys.

        Refused, it is dead already. Else the new access token tells whose it is.
        """
        try:
            token_set = self._server.refresh(
                token, scopes=frozenset(), now=self._clock(), deadline=Deadline(_ATTEMPT_SECONDS)
            )
        except GrantRefused:
            self._remove(taken)
            return Delivery.DONE
        self.discard(token_set, twitter_id=None)
        self._remove(taken)
        return Delivery.DONE

    def _is_still_due(self, taken: _Taken) -> bool:
        """Look once more, right before a token is sent: a sign-in deletes its person's rows."""
        with self._database.reading() as connection:
            return connection.execute(_EXISTS, {"row": taken.row}).scalar_one_or_none() is not None

    def _postpone(self, taken: _Taken, **changes: object) -> None:
        with self._database.writing() as connection:
            due_at = STORE_CLOCK + _pause(taken.attempts)
            values = {"attempts": taken.attempts + 1, "due_at": due_at} | changes
            connection.execute(update(Revocation).where(Revocation.id == taken.row).values(values))

    def _refused(self, taken: _Taken, error: Refused) -> Delivery:
        """Note a definite no; the last one sets the row aside, and the others flow past it."""
        if isinstance(error, ClientRefused):  # not a word about the token: our secret is wrong
            log.error("revocations wait for the operator: %s", error)
            self._postpone(taken)
            return Delivery.AWAY
        refusals = taken.refusals + 1
        if refusals < _REFUSALS_BELIEVED:
            self._postpone(taken, refusals=refusals)
            return Delivery.REFUSED
        log.error(
            "Twitter refuses to revoke a token, row %s is a dead letter: %s", taken.name, error
        )
        self._postpone(taken, refusals=refusals, dead_letter_at=self._clock())
        return Delivery.DEAD_LETTER

    def _remove(self, taken: _Taken) -> None:
        with self._database.writing() as connection:
            connection.execute(_REMOVE, {"row": taken.row})


def _is_superseded(connection: Connection, discarded: _Discarded) -> bool:
    """Tell whether a living grant has taken the place of tokens, once its person is locked."""
    if discarded.twitter_id is None or not discarded.unless_exchanged_from:
        return False
    connection.execute(_LOCK, {"twitter_id": discarded.twitter_id})
    values = {"twitter_id": discarded.twitter_id, "since": discarded.unless_exchanged_from}
    return connection.execute(_SUPERSEDED, values).scalar_one_or_none() is not None


def _tokens(token_set: TokenSet) -> list[tuple[str, TokenTypeHint]]:
    """Return the tokens of a set with their hints, the access token first."""
    tokens: list[tuple[str, TokenTypeHint]] = [(token_set.access_token, "access_token")]
    if token_set.refresh_token:
        tokens.append((token_set.refresh_token, "refresh_token"))
    return tokens


def _pause(attempts: int) -> float:
    """Return the seconds until the next attempt, spread out so that no crowd comes at once.

    Never more than the background waits between its attempts: it finds the row due again.
    """
    longest = PAUSES[attempts] if attempts < len(PAUSES) else LATER_SECONDS
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - nobody needs to guess this
