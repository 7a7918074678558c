"""The audit log: a log line for each event that an operator may have to look up.

The names are stable, because dashboards and alerts use them; docs/observing.md explains each.
No event holds a person's id or name, a token, or the id of a session or a grant. A session and a
grant are shown as a short hash, the same on every line.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from enum import StrEnum

NAME_CHARACTERS = 12


class Event(StrEnum):
    """The events that are recorded."""

    SIGN_IN_STARTED = "sign_in.started"
    SIGN_IN_COMPLETED = "sign_in.completed"
    SIGN_IN_DENIED = "sign_in.denied"
    SIGN_IN_REFUSED = "sign_in.refused"
    TOKEN_REFRESHED = "token.refreshed"  # noqa: S105 - a name
    TOKEN_REFRESH_REJECTED = "token.refresh_rejected"  # noqa: S105
    TOKEN_REFRESH_FAILED = "token.refresh_failed"  # noqa: S105
    TOKEN_REVOKED = "token.revoked"  # noqa: S105
    REVOCATION_REPORTED = "revocation.reported"
    LOGGED_OUT = "logged_out"
    SESSION_ENDED = "session.ended"
    DISCONNECTED = "disconnected"
    ACTION_PERFORMED = "action.performed"
    PERSON_DELETED = "person.deleted"
    CSRF_REFUSED = "csrf.refused"
    RATE_LIMITED = "rate.limited"


# The fields of each, in addition to time, level and the request's id.
FIELDS: Mapping[Event, tuple[str, ...]] = {
    Event.SIGN_IN_STARTED: ("scopes",),
    Event.SIGN_IN_COMPLETED: ("browser", "duplicate"),
    Event.SIGN_IN_DENIED: (),
    Event.SIGN_IN_REFUSED: ("error", "fault", "detail"),
    Event.TOKEN_REFRESHED: ("grant",),
    Event.TOKEN_REFRESH_REJECTED: ("grant",),
    Event.TOKEN_REFRESH_FAILED: ("grant", "error"),
    Event.TOKEN_REVOKED: ("row", "kind"),
    Event.REVOCATION_REPORTED: ("result",),
    Event.LOGGED_OUT: ("browser", "grant_ended"),
    Event.SESSION_ENDED: ("browser", "reason"),
    Event.DISCONNECTED: ("sessions",),
    Event.ACTION_PERFORMED: ("browser", "action", "result"),
    Event.PERSON_DELETED: ("sessions",),
    Event.CSRF_REFUSED: ("endpoint", "error"),
    Event.RATE_LIMITED: ("endpoint", "limit"),
}

Fields = Mapping[str, object]
_Listener = Callable[[Event, Fields], None]

_log = logging.getLogger(__name__)


class AuditLog:
    """Writes events to the log and reports them to its listeners."""

    def __init__(self, *listeners: _Listener) -> None:
        """Call each of `listeners` with every event and its fields."""
        self._listeners = listeners

    def record(
        self,
        event: Event,
        *,
        grant_id: str | None = None,
        session_id: str | None = None,
        **fields: object,
    ) -> None:
        """Record that `event` happened, to a grant or a session if one is named."""
        if session_id is not None:
            fields = {"browser": known_as(session_id), **fields}
        if grant_id is not None:
            fields = {"grant": known_as(grant_id), **fields}
        shown = {"event": event.value, **fields}
        _log.info("%s", shown, extra={"audited": shown})
        for listener in self._listeners:
            listener(event, fields)


def known_as(row_id: str) -> str:
    """Return the hash that stands for a session or a grant in the log."""
    return hashlib.sha256(row_id.encode()).hexdigest()[:NAME_CHARACTERS]
