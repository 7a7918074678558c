"""How one row of the outbox is delivered: taken for a while, sent to Twitter, removed.

Each attempt that fails moves the row's `due_at` ahead. Every deliverer, in whatever process, goes
by that column and by the store's clock.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, cast

from sqlalchemy import and_, bindparam, delete, or_, select, update

from app.accounts.errors import CannotOpen
from app.accounts.models import Revocation
from app.accounts.newer_sign_in import has_signed_in_since
from app.accounts.pauses import pause_after
from app.accounts.shared import Shared
from app.accounts.token_cipher import outbox_associated_data
from app.observability.audit_log import Event
from app.storage.database import STORE_CLOCK, WRITE_SECONDS, Moment
from app.twitter.errors import ClientRefused, GrantRefused, Refused, TokenRefused, TwitterError
from app.twitter.oauth import AuthorizationServer, TokenSet, TokenTypeHint
from app.twitter.transport.deadline import Deadline

log = logging.getLogger(__name__)

# Seconds for one call to Twitter: if it hangs, the other rows must not wait for long.
_ATTEMPT_SECONDS = 5.0
# A lease covers both calls of an attempt (whose token is it, revoke it) and the write after each.
# If the deliverer dies, the row is due again.
_LEASE_SECONDS = 2 * (_ATTEMPT_SECONDS + WRITE_SECONDS)
# A definite no, so often, is believed.
_REFUSALS_BELIEVED = 3
_NAME_CHARACTERS = 12
# Twitter documents two hours; a younger access token that is refused was replaced.
_ACCESS_TOKEN_LIVES = timedelta(hours=2)

_MAY_BE_SENT = and_(Revocation.dead_letter_at.is_(None), Revocation.waits_for.is_(None))
_IS_DUE = and_(_MAY_BE_SENT, Revocation.due_at <= STORE_CLOCK)
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
_SECONDS_LEFT = select(Revocation.due_at - STORE_CLOCK).where(
    _MAY_BE_SENT, Revocation.id == bindparam("row")
)
_EXISTS = select(Revocation.id).where(Revocation.id == bindparam("row"))
_REMOVE = delete(Revocation).where(Revocation.id == bindparam("row"))
_WAITING = update(Revocation).where(Revocation.waits_for == bindparam("row"))
_RELEASE = _WAITING.values(waits_for=None).returning(Revocation.id)


class Delivery(Enum):
    """The result of one attempt."""

    DONE = "done"  # the token is dead, or alive again by its person's own wish
    AWAY = "away"  # Twitter cannot be reached: no other token would fare better
    REFUSED = "refused"  # a definite no about this token; it will be tried again
    DEAD_LETTER = "dead_letter"  # one definite no too many
    SEALED = "sealed"  # it does not open: its key is not in the ring


@dataclass(frozen=True, slots=True)
class TakenRow:
    """A row that this deliverer has to itself until the lease ends."""

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
        """The name of the row in the log: a whole id would be taken for a secret, and redacted."""
        return self.row[:_NAME_CHARACTERS]

    @property
    def associated_data(self) -> str:
        """The associated data that the token was sealed with."""
        return outbox_associated_data(self.row, self.sealed_for)


class Deliverer:
    """Takes rows that are due and revokes their tokens at Twitter."""

    def __init__(
        self,
        shared: Shared,
        server: AuthorizationServer,
        *,
        owner_of: Callable[[str, Deadline], str],
        on_released: Callable[[Iterable[str]], None],
        on_bought: Callable[[TokenSet], None],
    ) -> None:
        """Deliver to `server`; `owner_of` is the outbox's.

        `on_released` is told of rows that need wait for their access token no longer, `on_bought`
        of the token set that an unknown refresh token was spent for.
        """
        self._database = shared.database
        self._cipher = shared.cipher
        self._clock = shared.clock
        self._audit_log = shared.audit_log
        self._server = server
        self._owner_of = owner_of
        self._on_released = on_released
        self._on_bought = on_bought

    def take(self, row: str | None = None) -> TakenRow | None:
        """Take a row that is due: `row`, or the one that is due longest. None if there is none."""
        with self._database.writing() as connection:
            take, which = (_TAKE_NEXT, {}) if row is None else (_TAKE_ONE, {"row": row})
            found = connection.execute(take, which).one_or_none()
        return None if found is None else TakenRow(*cast("tuple[Any, ...]", found))

    def seconds_left(self, row: str) -> float | None:
        """Return the seconds until `row` is due; None if there is nothing more to do for it."""
        with self._database.reading() as connection:
            left = connection.execute(_SECONDS_LEFT, {"row": row}).scalar_one_or_none()
        return None if left is None else max(0.0, left)

    def attempt(self, taken: TakenRow, *, unasked: bool = False) -> Delivery:
        """Try to revoke the token of a row once; remove the row, or move its `due_at` ahead.

        Twitter is asked first whose an unknown token is, unless this one goes `unasked`.
        """
        try:
            token = self._cipher.open(taken.sealed, at=taken.associated_data)
            if taken.twitter_id is None and not unasked:
                learn = self._ask_owner if taken.hint == "access_token" else self._spend
                if (result := learn(taken, token)) is not None:
                    return result
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
        released = self._remove(taken)
        self._audit_log.record(Event.TOKEN_REVOKED, row=taken.name, kind=taken.hint)
        for waiting in filter(None, map(self.take, released)):
            if self.attempt(waiting, unasked=True) is not Delivery.DONE:
                self._on_released([waiting.row])
        return Delivery.DONE

    def revoke_directly(self, token_set: TokenSet) -> None:
        """Revoke tokens that are in no row, because the database is away.

        Nothing tells meanwhile who has signed in since, so Twitter is asked first whether they are
        alive. Raises `TwitterError` if Twitter cannot be reached.
        """
        deadline = Deadline(_ATTEMPT_SECONDS)
        try:
            self._owner(token_set.access_token, deadline)
        except TokenRefused:
            return
        for token, hint in tokens_of(token_set):
            with contextlib.suppress(Refused):  # each by itself
                self._server.revoke(token, hint, deadline=deadline)
                self._audit_log.record(Event.TOKEN_REVOKED, row="", kind=hint)

    def _ask_owner(self, taken: TakenRow, token: str) -> Delivery | None:
        """Ask Twitter whose access token it is, and note it; return a result if that is the end.

        A dead token that is young has been replaced by a newer sign-in: it and the refresh token
        that waits for it are dropped, for revoking either could end that one. A dead token that
        may have expired says nothing about its refresh token, which is then spent instead. A living
        one without a name goes unasked, in this attempt alone: its person may sign in before the
        next.
        """
        waits = Revocation.waits_for == taken.row
        theirs = or_(Revocation.id == taken.row, waits)
        asked_at = Moment()
        try:
            owner = self._owner(token, Deadline(_ATTEMPT_SECONDS))
        except TokenRefused:
            is_young = self._clock() - taken.created_at < _ACCESS_TOKEN_LIVES
            with self._database.writing() as connection:
                if not is_young:
                    connection.execute(update(Revocation).where(waits).values(waits_for=None))
                connection.execute(delete(Revocation).where(theirs))
            return Delivery.DONE
        except TwitterError as error:
            log.info("a revocation waits until it is known whose token it is: %s", error)
            self._postpone(taken)
            return Delivery.AWAY
        if owner is None:
            return None
        known = update(Revocation).where(theirs).values(twitter_id=owner, waits_for=None)
        with self._database.writing() as connection:
            if has_signed_in_since(connection, owner, asked_at):
                connection.execute(delete(Revocation).where(theirs))
                return Delivery.DONE
            rows = connection.execute(known.returning(Revocation.id)).scalars().all()
        self._on_released(row for row in rows if row != taken.row)
        return None

    def _owner(self, token: str, deadline: Deadline) -> str | None:
        """Return whose access token it is; None if it lives, and Twitter does not say."""
        try:
            return self._owner_of(token, deadline)
        except TokenRefused:
            raise
        except Refused as error:
            log.info("a token lives, but Twitter does not say whose it is: %s", error)
            return None

    def _spend(self, taken: TakenRow, token: str) -> Delivery:
        """Spend a refresh token whose person is unknown.

        Refused, it is dead already. Else the new access token tells whose it is.
        """
        try:
            token_set = self._server.refresh(
                token, scopes=frozenset(), now=self._clock(), deadline=Deadline(_ATTEMPT_SECONDS)
            )
        except GrantRefused:
            self._remove(taken)
            return Delivery.DONE
        self._on_bought(token_set)
        self._remove(taken)
        return Delivery.DONE

    def _is_still_due(self, taken: TakenRow) -> bool:
        """Look once more, right before a token is sent: a sign-in deletes its person's rows."""
        with self._database.reading() as connection:
            return connection.execute(_EXISTS, {"row": taken.row}).scalar_one_or_none() is not None

    def _postpone(self, taken: TakenRow, **changes: object) -> None:
        with self._database.writing() as connection:
            due_at = STORE_CLOCK + pause_after(taken.attempts)
            values = {"attempts": taken.attempts + 1, "due_at": due_at} | changes
            connection.execute(update(Revocation).where(Revocation.id == taken.row).values(values))

    def _refused(self, taken: TakenRow, error: Refused) -> Delivery:
        """Note a definite no; the last one makes a dead letter, and the other rows flow past it."""
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
        now = self._clock()
        with self._database.writing() as connection:  # what waits for it would wait for ever
            connection.execute(_WAITING.values(dead_letter_at=now), {"row": taken.row})
        self._postpone(taken, refusals=refusals, dead_letter_at=now)
        return Delivery.DEAD_LETTER

    def _remove(self, taken: TakenRow) -> list[str]:
        """Remove a row; return those that waited for it, and wait no longer."""
        with self._database.writing() as connection:
            connection.execute(_REMOVE, {"row": taken.row})
            return [*connection.execute(_RELEASE, {"row": taken.row}).scalars()]


def tokens_of(token_set: TokenSet) -> list[tuple[str, TokenTypeHint]]:
    """Return the tokens of a set with their hints, the access token first."""
    tokens: list[tuple[str, TokenTypeHint]] = [(token_set.access_token, "access_token")]
    if token_set.refresh_token:
        tokens.append((token_set.refresh_token, "refresh_token"))
    return tokens
