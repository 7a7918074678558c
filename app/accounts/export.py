"""A copy of everything that is stored about a person, for that person."""

from __future__ import annotations

import json
import logging
from datetime import date, time
from decimal import Decimal
from typing import Any
from uuid import UUID

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
from app.accounts.shared import Shared
from app.signals import person_exporting
from app.storage.database import Database
from app.storage.extensions import Model

log = logging.getLogger(__name__)

# The copy says only whether these hold a value.
_SEALED_COLUMNS = {"access_token", "refresh_token", "token"}


def export_of(shared: Shared, user_id: int, twitter_id: str) -> dict[str, Any]:
    """Return everything stored about a person, without the values of tokens.

    The lists that receivers of `person_exporting` return stand beside ours. A receiver that fails
    is named in `not_exported`: if it raises, or returns anything but a dict of lists that JSON can
    hold, or a name that is taken. Raises `GrantEnded` if the person has just disconnected, and
    `user_id` is not theirs.
    """
    stored = _stored(shared.database, user_id, twitter_id) | {"not_exported": []}
    asked = shared.signals.ask(person_exporting, user_id=user_id, twitter_id=twitter_id)
    for receiver, answer in asked:
        lists = _lists(answer)
        if lists is None or lists.keys() & stored.keys():
            log.error("the export has nothing of %s: docs/signals.md", receiver)
            stored["not_exported"].append(receiver)
        else:
            stored |= lists
    return stored


def _lists(answer: object) -> dict[str, list[Any]] | None:
    """Return the lists of a receiver as JSON has them, None if they are anything else."""
    if not isinstance(answer, dict) or not all(isinstance(v, list) for v in answer.values()):
        return None
    try:
        lists: dict[str, list[Any]] = json.loads(
            json.dumps(answer, default=_as_text, allow_nan=False)
        )
    except (TypeError, ValueError, RecursionError):
        log.exception("JSON cannot hold a list to export")
        return None
    return lists


def _as_text(value: object) -> str:
    """Return a value of a database's row that JSON lacks."""
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal | UUID):
        return str(value)
    raise TypeError(type(value).__name__)


def _stored(database: Database, user_id: int, twitter_id: str) -> dict[str, Any]:
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
