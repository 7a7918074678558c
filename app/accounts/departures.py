"""People who go: those without a session since `User.left_at`, after a while, or at once.

A grant that lives on alone (`LOGOUT_REVOKES=off`) keeps no person: it ends with their row.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import (
    Connection,
    bindparam,
    delete,
    exists,
    func,
    select,
    tuple_,
    update,
)
from sqlalchemy.exc import SQLAlchemyError

from app.accounts import endings
from app.accounts.grants import EndReason, Grants, lock_person
from app.accounts.models import Session, UsedState, User
from app.accounts.newer_sign_in import hold_place
from app.accounts.people_by_name import person_with_id
from app.accounts.shared import Shared
from app.observability.audit_log import Event
from app.signals import person_deleting
from app.storage.database import Database, store_time

log = logging.getLogger(__name__)

BATCH = 100

# Older code, after a downgrade or beside this one, does not clear `left_at`.
_HAVE_LEFT = select(User.id, User.twitter_id, User.left_at).where(
    User.left_at < bindparam("before"),
    ~exists().where(Session.user_id == User.id, Session.ended_at.is_(None)),
)
_COUNT = select(func.count()).select_from(_HAVE_LEFT.subquery())
_THIS = (User.id == bindparam("user_id"), User.twitter_id == bindparam("twitter_id"))
_IS_HERE = select(User.id).where(*_THIS)
_HAS_LEFT = _HAVE_LEFT.where(*_THIS)
_NEXT = _HAVE_LEFT.order_by(User.left_at, User.id).limit(bindparam("batch"))
_AFTER = _NEXT.where(
    tuple_(User.left_at, User.id)
    > tuple_(bindparam("left_at", type_=User.left_at.type), bindparam("user_id"))
)


class Departures:
    """Deletes people: at once, or a while after they left."""

    def __init__(self, shared: Shared, grants: Grants) -> None:
        """End grants through `grants`."""
        self._database = shared.database
        self._clock = shared.clock
        self._audit_log = shared.audit_log
        self._signals = shared.signals
        self._grants = grants

    def delete(
        self,
        user_id: int,
        twitter_id: str,
        reason: EndReason = EndReason.DISCONNECTED,
        *,
        left_before: datetime | None = None,
    ) -> bool:
        """Disconnect a person: end their grant and delete every row of theirs.

        The receivers of `person_deleting` are called first. Then one transaction: only sealed
        tokens stay in the outbox, until Twitter was told to kill them, and for a quarter of an hour
        a hash that holds against sign-ins under way. With `left_before` (UTC, by the store's clock)
        only a person who has left before it is deleted, and a sign-in under way may bring them
        back. Return False, and do nothing, if `user_id` is not theirs any more. Copies of what was
        read for them are dropped where they can be reached; nothing finds the others, and they last
        a day at most.
        """
        with self._database.reading() as connection:
            if not _is_to_go(connection, user_id, twitter_id, left_before):
                return False
        self._signals.send(
            person_deleting, user_id=user_id, twitter_id=twitter_id, why=reason.value
        )
        with self._database.writing() as connection:
            lock_person(connection, user_id)
            if not _is_to_go(connection, user_id, twitter_id, left_before):
                return False
            if left_before is None:
                endings.note(connection, twitter_id)
            ended = self._grants.end(connection, user_id, reason, now=self._clock())
            _delete_rows(connection, user_id)
        if reason is EndReason.DISCONNECTED:
            self._audit_log.record(Event.DISCONNECTED, sessions=len(ended.sessions))
        else:
            self._audit_log.record(Event.PERSON_DELETED, sessions=len(ended.sessions))
        self._grants.follow_up(ended)
        return True

    def prune(self, *, days: int) -> int:
        """Delete the people who left `days` ago or earlier, by the store's clock; return how many.

        Each in a transaction of its own, which looks again once it has locked the person: a sign-in
        comes before it and keeps them, or after it and starts afresh. A locked person comes next
        time.
        """
        with self._database.reading() as connection:
            before = store_time(connection) - timedelta(days=days)
        deleted = 0
        for user_id, twitter_id in _candidates(self._database, before):
            try:
                deleted += self.delete(user_id, twitter_id, EndReason.EXPIRED, left_before=before)
            except SQLAlchemyError as error:
                log.warning("a person is left to the next prune: %s", type(error).__name__)
        return deleted

    def forget(self, twitter_id: str) -> bool:
        """Delete a person for an operator, even while they sign in; tell whether a row was there.

        The ending also holds against a first sign-in under way, which has no row to lock yet.
        """
        person = person_with_id(self._database, twitter_id)
        if person is None:
            with self._database.writing() as connection:
                hold_place(connection, twitter_id)
                endings.note(connection, twitter_id)
            person = person_with_id(self._database, twitter_id)
        reason = EndReason.ENDED_BY_OPERATOR
        return person is not None and self.delete(person.user_id, twitter_id, reason)


def _delete_rows(connection: Connection, user_id: int) -> None:
    theirs = select(Session.id).where(Session.user_id == user_id)
    # The states stay used: a cookie that can be replayed may live for ten minutes more.
    used = update(UsedState).where(UsedState.session_id.in_(theirs))
    connection.execute(used.values(session_id=None))
    # Their other rows go with it. To delete those first would end in deadlocks: who counts usage
    # holds the person's row and waits for its own.
    connection.execute(delete(User).where(User.id == user_id))


def _is_to_go(
    connection: Connection, user_id: int, twitter_id: str, left_before: datetime | None
) -> bool:
    """Tell whether `user_id` is still this person's, who has left before that moment, if given."""
    this = {"user_id": user_id, "twitter_id": twitter_id}
    query = _IS_HERE if left_before is None else _HAS_LEFT
    return connection.execute(query, this | {"before": left_before}).first() is not None


def overdue(database: Database, *, days: int) -> int:
    """Return how many people left more than `days` ago, and still have a row."""
    with database.reading() as connection:
        before = store_time(connection) - timedelta(days=days)
        return connection.execute(_COUNT, {"before": before}).scalar_one()


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
