"""The outbox: tokens that Twitter must still be told to kill (RFC 7009).

A row is written in the transaction that ends its grant, so a logout is never forgotten, whatever
happens to this process. Delivery is tried at once in the background and a few times more.
"""

from __future__ import annotations

import contextlib
import heapq
import logging
import secrets
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import cast

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from app.accounts.errors import CannotOpen
from app.accounts.models import Revocation
from app.accounts.vault import Vault, place
from app.database import Database
from app.twitter.budget import Budget
from app.twitter.errors import Refused, TwitterError
from app.twitter.oauth import AuthorizationServer, TokenTypeHint
from app.twitter.token_set import TokenSet

log = logging.getLogger(__name__)

# Seconds between attempts in this process, about a minute in all.
PAUSES = (1.0, 2.0, 5.0, 10.0, 20.0)
# What one attempt may take (seconds): a hanging Twitter must not hold up the other rows for long.
ATTEMPT_SECONDS = 5.0


class Outbox:
    """Writes revocations and delivers them."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        server: AuthorizationServer,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        """Seal with `vault`, deliver to `server`; `clock` tells the time in UTC."""
        self._database = database
        self._vault = vault
        self._server = server
        self._clock = clock
        self._courier = _Courier(self.deliver)

    def add(self, connection: Connection, token: str, hint: str, *, now: datetime) -> str:
        """Write one token into the outbox, inside the caller's transaction; return the row's id."""
        row = secrets.token_hex(16)
        connection.execute(
            insert(Revocation).values(
                id=row,
                token=self._vault.seal(token, at=place("revocations", "token", row)),
                token_type_hint=hint,
                created_at=now,
                due_at=now,
            )
        )
        return row

    def discard(self, token_set: TokenSet, *, now: datetime) -> None:
        """Have a whole token set killed that nobody is going to use.

        Raises nothing: it is called when something else went wrong already. Without a database
        there is no outbox, so Twitter is told directly, once.
        """
        try:
            self._discard(token_set, now=now)
        except SQLAlchemyError as error:
            log.warning("the outbox cannot be written: %s", type(error).__name__)
            with contextlib.suppress(TwitterError):
                budget = Budget(ATTEMPT_SECONDS)
                self._server.revoke(token_set.access_token, "access_token", budget=budget)
                if token_set.refresh_token:
                    self._server.revoke(token_set.refresh_token, "refresh_token", budget=budget)

    def _discard(self, token_set: TokenSet, *, now: datetime) -> None:
        with self._database.writing() as connection:
            rows = [self.add(connection, token_set.access_token, "access_token", now=now)]
            if token_set.refresh_token:
                rows += [self.add(connection, token_set.refresh_token, "refresh_token", now=now)]
        self.deliver_soon(rows)

    def deliver_soon(self, rows: list[str]) -> None:
        """Deliver committed rows in the background; returns at once."""
        for row in rows:
            self._courier.take(row)

    def wait(self, *, seconds: float) -> bool:
        """Wait until every row taken was tried once; tell whether that came in time."""
        return self._courier.wait(seconds)

    def stop(self) -> None:
        """Deliver no more in this process. What is left stays in the outbox."""
        self._courier.stop()

    def deliver(self, row: str) -> bool:
        """Tell Twitter to kill the token of `row`; tell whether the row is done with.

        Done with: Twitter answered 2xx, or a definite no, or the token cannot be opened any more.
        """
        found = self._find(row)
        if found is None:
            return True
        token, hint = found
        try:
            self._server.revoke(token, hint, budget=Budget(ATTEMPT_SECONDS))
        except Refused as error:
            log.warning("Twitter refuses to revoke a token: %s", error)
        except TwitterError as error:
            log.info("a revocation must wait: %s", error)
            self._postpone(row)
            return False
        self._remove(row)
        return True

    def _find(self, row: str) -> tuple[str, TokenTypeHint] | None:
        query = select(Revocation.token, Revocation.token_type_hint).where(Revocation.id == row)
        with self._database.reading() as connection:
            found = connection.execute(query).one_or_none()
        if found is None:
            return None
        try:
            token = self._vault.open(found[0], at=place("revocations", "token", row))
        except CannotOpen as error:
            log.warning("a revocation waits for its key: %s", error)
            return None
        return token, cast("TokenTypeHint", found[1])

    def _postpone(self, row: str) -> None:
        attempts = Revocation.attempts + 1
        due_at = self._clock() + timedelta(seconds=PAUSES[-1])
        with self._database.writing() as connection:
            connection.execute(
                update(Revocation)
                .where(Revocation.id == row)
                .values(attempts=attempts, due_at=due_at)
            )

    def _remove(self, row: str) -> None:
        with self._database.writing() as connection:
            connection.execute(delete(Revocation).where(Revocation.id == row))


class _Courier:
    """One daemon thread per process, started with the first row and therefore after any fork.

    It keeps row ids only, in memory; what it drops, because the process ends or a minute is over,
    is still in the outbox.
    """

    def __init__(self, deliver: Callable[[str], bool]) -> None:
        self._deliver = deliver
        self._rounds: list[tuple[float, int, str]] = []
        self._at_work = False
        self._stopped = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def take(self, row: str, *, attempt: int = 0, pause: float = 0.0) -> None:
        with self._changed:
            heapq.heappush(self._rounds, (time.monotonic() + pause, attempt, row))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        with self._changed:
            return self._changed.wait_for(self._is_idle, timeout=seconds)

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._rounds.clear()
            self._changed.notify_all()

    def _is_idle(self) -> bool:
        return not self._at_work and all(attempt > 0 for _, attempt, _ in self._rounds)

    def _run(self) -> None:
        while (round_ := self._next()) is not None:
            attempt, row = round_
            if not self._try(row) and attempt < len(PAUSES):
                self.take(row, attempt=attempt + 1, pause=PAUSES[attempt])

    def _try(self, row: str) -> bool:
        try:
            return self._deliver(row)
        except Exception as error:  # noqa: BLE001 - the thread must outlive any trouble
            log.warning("a revocation must wait: %s", type(error).__name__)
            return False

    def _next(self) -> tuple[int, str] | None:
        with self._changed:
            while not self._stopped:
                wait = self._rounds[0][0] - time.monotonic() if self._rounds else None
                self._at_work = wait is not None and wait <= 0
                if self._at_work:
                    _, attempt, row = heapq.heappop(self._rounds)
                    return attempt, row
                self._changed.notify_all()
                self._changed.wait(wait)
            self._at_work = False
            return None
