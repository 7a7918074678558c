"""Which presses of a form have been performed: each is claimed before the call to Twitter.

A claim without a result says that the answer was lost. It stays, so that nothing sends the action
again. Times are the store's.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Self

from sqlalchemy import ColumnElement, Executable, and_, delete, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from app.accounts.errors import GrantEnded
from app.accounts.models import PerformedAction
from app.accounts.shared import Shared
from app.storage.database import STORE_NOW, Insert, Upsert, store_time

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """One press: the person, the action, its target, and the id of the form."""

    user_id: int
    action: str
    target_id: str
    once: str

    @classmethod
    def of(cls, action: str, target_id: str, once: str, user_id: int) -> Self:
        """Return a press; without an id of the form, one that is like no other."""
        return cls(
            user_id=user_id, action=action, target_id=target_id, once=once or secrets.token_hex(8)
        )


def _claiming(row: Insert) -> Executable:
    claimed = row.values(performed_at=STORE_NOW)
    return claimed.on_conflict_do_nothing().returning(PerformedAction.once)


_CLAIM = Upsert(PerformedAction, _claiming)


def _is(press: Press) -> ColumnElement[bool]:
    return and_(*(getattr(PerformedAction, name) == value for name, value in asdict(press).items()))


class PerformedActions:
    """The table of actions that were performed, or are being performed."""

    def __init__(self, shared: Shared, *, kept: timedelta) -> None:
        """Keep rows for as long as a form works, which is as long as a session lives."""
        self._database = shared.database
        self._kept = kept

    def claim(self, press: Press) -> bool:
        """Claim a press; return whether it is the first. Committed when it returns.

        Raises `GrantEnded` if the person has disconnected.
        """
        try:
            with self._database.writing() as connection:
                return connection.execute(_CLAIM.on(connection), asdict(press)).first() is not None
        except IntegrityError:
            raise GrantEnded("the person has just disconnected") from None

    def result_of(self, press: Press) -> str | None:
        """Return the result of a claimed press; None if it is not known (yet)."""
        with self._database.reading() as connection:
            query = select(PerformedAction.result).where(_is(press))
            return connection.execute(query).scalar_one_or_none()

    def record_result(self, press: Press, result: str) -> None:
        """Record the result. If that fails, the press stays unconfirmed."""
        try:
            with self._database.writing() as connection:
                connection.execute(update(PerformedAction).where(_is(press)).values(result=result))
        except SQLAlchemyError as error:
            log.warning("the result of an action is not recorded: %s", type(error).__name__)

    def release(self, press: Press) -> None:
        """Give up a claim: nothing was done, so the same form may try again."""
        try:
            with self._database.writing() as connection:
                connection.execute(delete(PerformedAction).where(_is(press)))
        except SQLAlchemyError as error:
            log.warning("an action that was refused cannot be repeated: %s", type(error).__name__)

    def prune(self) -> int:
        """Delete the rows whose form works no more; return how many."""
        with self._database.writing() as connection:
            old = PerformedAction.performed_at < store_time(connection) - self._kept
            return connection.execute(delete(PerformedAction).where(old)).rowcount
