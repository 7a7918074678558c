"""The outbox: tokens that Twitter must still be told to kill (RFC 7009).

A row is written in the transaction that ends its grant, so a logout is never forgotten, whatever
happens to this process. Delivery is tried at once in the background, for about a minute, and by
`flask revocations deliver` until Twitter has answered. Any number of deliverers may work at once:
a row's `due_at` says when it is tried next (`app.accounts.outbox_delivery`).
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection, delete, func, insert, select
from sqlalchemy.exc import SQLAlchemyError

from app.accounts.background_worker import BackgroundWorker
from app.accounts.models import Revocation
from app.accounts.newer_sign_in import has_signed_in_since
from app.accounts.outbox_delivery import Deliverer, Delivery, tokens_of
from app.accounts.shared import Shared
from app.accounts.token_cipher import outbox_associated_data
from app.storage.database import STORE_CLOCK, Moment, store_time
from app.twitter.oauth import AuthorizationServer, TokenSet
from app.twitter.transport.deadline import Deadline

log = logging.getLogger(__name__)

_INSERT = insert(Revocation).values(due_at=STORE_CLOCK)


@dataclass(frozen=True, slots=True)
class Backlog:
    """How many rows wait to be delivered, since when, and how many were refused for good."""

    waiting: int
    dead_letters: int
    oldest: datetime | None = field(default=None, compare=False)  # of those that wait


@dataclass(frozen=True, slots=True)
class _Discarded:
    """A token set that will not be used, and the exchange from which on a grant replaces it."""

    token_set: TokenSet
    twitter_id: str | None
    unless_exchanged_from: Moment | None


class Outbox:
    """Writes the rows, and has them delivered."""

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
        self._worker = BackgroundWorker("outbox")
        self._deliverer = Deliverer(
            shared,
            server,
            owner_of=owner_of,
            on_released=self.deliver_soon,
            on_bought=partial(self.discard, twitter_id=None),
        )

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
        values |= {"token": self._cipher.seal(token, at=outbox_associated_data(row, None))}
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
        """Write one token that is sealed already, for `sealed_for`; return the row's id.

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
        unless_exchanged_from: Moment | None = None,
    ) -> None:
        """Have a whole token set revoked that will not be used.

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
        """Deliver committed rows in the background; return at once."""
        for row in rows:
            self._worker.take(partial(self.deliver, row))

    def deliver(self, row: str) -> float | None:
        """Deliver `row` if it is due; return the seconds until it is due again.

        Returns None if it is gone or a dead letter.
        """
        taken = self._deliverer.take(row)
        if taken is not None:
            self._deliverer.attempt(taken)
        return self._deliverer.seconds_left(row)

    def deliver_next(self) -> Delivery | None:
        """Deliver the row that is due longest; return None if none is due.

        `AWAY` asks for a pause before the next call: the other rows would fare no better.
        """
        taken = self._deliverer.take()
        return None if taken is None else self._deliverer.attempt(taken)

    def prune(self, *, days: int) -> int:
        """Delete dead letters that are older than `days`, by the store's clock; return how many."""
        with self._database.writing() as connection:
            old = Revocation.dead_letter_at < store_time(connection) - timedelta(days=days)
            return connection.execute(delete(Revocation).where(old)).rowcount

    def wait(self, *, seconds: float) -> bool:
        """Wait until every row given to the background was tried once; tell whether it was."""
        return self._worker.wait(seconds)

    def stop(self) -> None:
        """Deliver no more in this process's background. The rows stay in the outbox."""
        self._worker.stop()

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

    def _write(self, discarded: _Discarded) -> bool:
        """Write a token set into the outbox and have it delivered; tell whether that was possible.

        The access token comes first: while its person is unknown, the refresh token waits for it.
        """
        now, rows, twitter_id = self._clock(), list[str](), discarded.twitter_id
        try:
            with self._database.writing() as connection:
                if _is_superseded(connection, discarded):
                    return True
                for token, hint in tokens_of(discarded.token_set):
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

    def _discard_later(self, discarded: _Discarded) -> None:
        """Write to the outbox if the database is back, else tell Twitter directly."""
        if not self._write(discarded):
            self._deliverer.revoke_directly(discarded.token_set)


def _is_superseded(connection: Connection, discarded: _Discarded) -> bool:
    """Tell whether a living grant has taken the place of tokens. Locks its person."""
    if discarded.twitter_id is None or discarded.unless_exchanged_from is None:
        return False
    since = discarded.unless_exchanged_from
    return has_signed_in_since(connection, discarded.twitter_id, since)
