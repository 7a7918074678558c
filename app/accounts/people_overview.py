"""People with their sessions and grants, for an operator: no token, no id of a session."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, exists, func, select

from app.accounts.browsers import SESSIONS
from app.accounts.models import Grant, Revocation, Session, User
from app.observability.audit_log import known_as
from app.storage.database import Database

BATCH = 500

_LIVING_GRANT = exists().where(Grant.user_id == User.id, Grant.ended_at.is_(None))
_NEXT = (
    select(
        User.id,
        User.twitter_id,
        User.username,
        User.signed_in_at,
        User.left_at,
        func.count(Session.id).filter(Session.ended_at.is_(None)).label("sessions"),
        func.max(Session.seen_at).label("seen_at"),
        _LIVING_GRANT.label("grant_lives"),
    )
    .outerjoin(Session, Session.user_id == User.id)
    .where(User.id.in_(bindparam("ids", expanding=True)))
    .group_by(User.id)
    .order_by(User.id)
)
_IDS = (
    select(User.id).where(User.id > bindparam("after")).order_by(User.id).limit(bindparam("batch"))
)
_PERSON = select(User.created_at, User.signed_in_at, User.left_at).where(
    User.id == bindparam("user_id")
)
_GRANTS = (
    select(
        Grant.id,
        Grant.scopes,
        Grant.created_at,
        Grant.issued_at,
        Grant.expires_at,
        Grant.ended_at,
        Grant.end_reason,
    )
    .where(Grant.user_id == bindparam("user_id"))
    .order_by(Grant.created_at.desc(), Grant.id)
)
_REVOCATIONS = select(func.count(Revocation.id)).where(
    Revocation.twitter_id == bindparam("twitter_id")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonLine:
    """One line of a list of people. `sessions` are those that have not ended."""

    twitter_id: str
    username: str
    last_seen_at: datetime
    left_at: datetime | None
    sessions: int
    grant: str


def everyone(database: Database) -> Iterator[PersonLine]:
    """Yield all people in the order of their first sign-in, a batch in memory at a time."""
    after = 0
    while True:
        with database.reading() as connection:
            values = {"after": after, "batch": BATCH}
            ids = connection.execute(_IDS, values).scalars().all()
            rows = connection.execute(_NEXT, {"ids": ids}).all() if ids else []
        for row in rows:
            yield PersonLine(
                twitter_id=row.twitter_id,
                username=row.username,
                last_seen_at=max(row.seen_at or row.signed_in_at, row.signed_in_at),
                left_at=row.left_at,
                sessions=row.sessions,
                grant="living" if row.grant_lives else "ended",
            )
        if len(ids) < BATCH:
            return
        after = ids[-1]


def details_of(database: Database, user_id: int, twitter_id: str) -> dict[str, Any]:
    """Return the sessions and grants of a person; empty if they have just gone.

    Sessions and grants go by the short hash that the log knows them by.
    """
    values = {"user_id": user_id, "twitter_id": twitter_id}
    with database.snapshot() as connection:
        person = connection.execute(_PERSON, values).mappings().one_or_none()
        return {
            **(person or {}),
            "sessions": [_named(row) for row in connection.execute(SESSIONS, values).mappings()],
            "grants": [_named(row) for row in connection.execute(_GRANTS, values).mappings()],
            "waiting_revocations": connection.execute(_REVOCATIONS, values).scalar_one(),
        }


def _named(row: Any) -> dict[str, Any]:  # noqa: ANN401 - a mapping of columns
    return {**row, "id": known_as(row["id"])}
