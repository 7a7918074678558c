"""A copy of everything that is stored about a person, for that person."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, select

from app.accounts.errors import GrantEnded
from app.accounts.models import (
    Grant,
    PerformedAction,
    Revocation,
    RevocationEvent,
    Session,
    Usage,
    UsedState,
    User,
)
from app.storage.database import Database
from app.storage.extensions import Model

# The copy says only whether these hold a value.
_SEALED_COLUMNS = {"access_token", "refresh_token", "token"}


def export_of(database: Database, user_id: int, twitter_id: str) -> dict[str, Any]:
    """Return everything stored about a person, without the values of tokens.

    Raises `GrantEnded` if the person has just disconnected, and `user_id` is not theirs.
    """
    with database.snapshot() as connection:
        users = _rows(connection, User, (User.id == user_id) & (User.twitter_id == twitter_id))
        if not users:
            raise GrantEnded("this person has just disconnected")
        sessions = _rows(connection, Session, Session.user_id == user_id)
        ids = [session["id"] for session in sessions]
        return {
            "user": users[0],
            "grants": _rows(connection, Grant, Grant.user_id == user_id),
            "sessions": sessions,
            "used_states": _rows(connection, UsedState, UsedState.session_id.in_(ids)),
            "revocations": _rows(connection, Revocation, Revocation.twitter_id == twitter_id),
            "actions": _rows(connection, PerformedAction, PerformedAction.user_id == user_id),
            "revocation_events": _rows(
                connection, RevocationEvent, RevocationEvent.user_id == user_id
            ),
            "usage": _rows(connection, Usage, Usage.user_id == user_id),
        }


def _rows(
    connection: Connection, model: type[Model], theirs: ColumnElement[bool]
) -> list[dict[str, Any]]:
    found = connection.execute(select(*model.__table__.c).where(theirs))
    return [_exported(row) for row in found.mappings()]


def _exported(row: RowMapping) -> dict[str, Any]:
    return {
        name: value is not None if name in _SEALED_COLUMNS else _plain(value)
        for name, value in row.items()
    }


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value
