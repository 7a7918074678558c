"""People who go: those without a session since `User.left_at`, after a while, or at once.

A grant that lives on alone (`LOGOUT_REVOKES=off`) keeps no person: it ends with their row.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import Connection, bindparam, exists, func, select, tuple_
from sqlalchemy.exc import SQLAlchemyError

from app.accounts import endings
from app.accounts.grants import EndReason
from app.accounts.models import Session, User
from app.accounts.people_by_name import person_with_id
from app.storage.database import Database, store_time

log = logging.getLogger(__name__)

BATCH = 100

# Older code, after a downgrade or beside this one, does not clear `left_at`.
_HAVE_LEFT = select(User.id, User.twitter_id, User.left_at).where(
    User.left_at < bindparam("before"),
    ~exists().where(Session.user_id == User.id, Session.ended_at.is_(None)),
)
_COUNT = select(func.count()).select_from(_HAVE_LEFT.subquery())
_ONE = _HAVE_LEFT.where(User.id == bindparam("user_id"))
_NEXT = _HAVE_LEFT.order_by(User.left_at, User.id).limit(bindparam("batch"))
_AFTER = _NEXT.where(
    tuple_(User.left_at, User.id)
    > tuple_(bindparam("left_at", type_=User.left_at.type), bindparam("user_id"))
)


class _Deletes(Protocol):
    def delete(
        self,
        user_id: int,
        twitter_id: str,
        reason: EndReason,
        *,
        left_before: datetime | None = None,
    ) -> bool: ...


def has_left(connection: Connection, user_id: int, *, before: datetime) -> bool:
    """Tell whether a person, whose row is locked, has left before that moment."""
    return connection.execute(_ONE, {"user_id": user_id, "before": before}).first() is not None


def prune(database: Database, people: _Deletes, *, days: int) -> int:
    """Delete the people who left `days` ago or earlier, by the store's clock; return how many.

    Each in a transaction of its own, which looks again once it has locked the person: a sign-in
    comes before it and keeps them, or after it and begins anew. A locked person comes next time.
    """
    with database.reading() as connection:
        before = store_time(connection) - timedelta(days=days)
    deleted = 0
    for user_id, twitter_id in _candidates(database, before):
        try:
            deleted += people.delete(user_id, twitter_id, EndReason.EXPIRED, left_before=before)
        except SQLAlchemyError as error:
            log.warning("a person is left to the next prune: %s", type(error).__name__)
    return deleted


def overdue(database: Database, *, days: int) -> int:
    """Return how many people left more than `days` ago, and still have a row."""
    with database.reading() as connection:
        before = store_time(connection) - timedelta(days=days)
        return connection.execute(_COUNT, {"before": before}).scalar_one()


def forget(database: Database, people: _Deletes, twitter_id: str) -> bool:
    """Delete a person for an operator, even while they sign in; return whether a row was there.

    The ending also holds against a first sign-in under way, which has no row to lock yet.
    """
    person = person_with_id(database, twitter_id)
    if person is None:
        with database.writing() as connection:
            endings.note(connection, twitter_id)
        person = person_with_id(database, twitter_id)
    reason = EndReason.ENDED_BY_OPERATOR
    return person is not None and people.delete(person.user_id, twitter_id, reason)


def _candidates(database: Database, before: datetime) -> Iterator[tuple[int, str]]:
    """Yield who may have left before that moment, a batch in memory at a time."""
    query, values = _NEXT, {"before": before, "batch": BATCH}
    while True:
        with database.reading() as connection:
            found = connection.execute(query, values).all()
        yield from ((row.id, row.twitter_id) for row in found)
        if len(found) < BATCH:
            return
        query, last = _AFTER, found[-1]
        values = values | {"left_at": last.left_at, "user_id": last.id}
