"""What happened, for those who must be able to look it up: a line in the log for each event.

The names are stable: dashboards and alerts rest on them. docs/observing.md says what each means.
No event holds a person's id or name, a token, or the id of a session or a grant: those go by a
short hash, the same on every line.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from enum import StrEnum

import structlog

NAME_CHARACTERS = 12


class Event(StrEnum):
    """Everything that is recorded."""

    SIGN_IN_STARTED = "sign_in.started"
    SIGN_IN_COMPLETED = "sign_in.completed"
    SIGN_IN_DENIED = "sign_in.denied"
    SIGN_IN_REFUSED = "sign_in.refused"
    TOKEN_REFRESHED = "token.refreshed"  # noqa: S105 - a name
    TOKEN_REFRESH_REJECTED = "token.refresh_rejected"  # noqa: S105
    TOKEN_REFRESH_FAILED = "token.refresh_failed"  # noqa: S105
    TOKEN_REVOKED = "token.revoked"  # noqa: S105
    LOGGED_OUT = "logged_out"
    SESSION_ENDED = "session.ended"
    DISCONNECTED = "disconnected"
    FOLLOWED = "followed"
    UNFOLLOWED = "unfollowed"
    CSRF_REFUSED = "csrf.refused"
    RATE_LIMITED = "rate.limited"


# What each carries, beside time, level and the request's id.
FIELDS: Mapping[Event, tuple[str, ...]] = {
    Event.SIGN_IN_STARTED: ("scopes",),
    Event.SIGN_IN_COMPLETED: ("browser", "duplicate"),
    Event.SIGN_IN_DENIED: (),
    Event.SIGN_IN_REFUSED: ("error", "fault", "detail"),
    Event.TOKEN_REFRESHED: ("grant",),
    Event.TOKEN_REFRESH_REJECTED: ("grant",),
    Event.TOKEN_REFRESH_FAILED: ("grant", "error"),
    Event.TOKEN_REVOKED: ("row", "kind"),
    Event.LOGGED_OUT: ("browser", "grant_ended"),
    Event.SESSION_ENDED: ("browser", "reason"),
    Event.DISCONNECTED: ("sessions",),
    Event.FOLLOWED: ("browser", "succeeded"),
    Event.UNFOLLOWED: ("browser", "succeeded"),
    Event.CSRF_REFUSED: ("endpoint", "error"),
    Event.RATE_LIMITED: ("endpoint", "limit"),
}

Fields = Mapping[str, object]
_Listener = Callable[[Event, Fields], None]

# Like any logger of ours, it writes through the formatter of `app.observability.logs`.
_log = structlog.wrap_logger(
    logging.getLogger("app.observability.audit_log"),
    processors=[structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    wrapper_class=structlog.stdlib.BoundLogger,
)


class Events:
    """Where events are recorded. Keeps nothing."""

    def __init__(self, *listeners: _Listener) -> None:
        """Tell `listeners` of every event, with its fields."""
        self._listeners = listeners

    def record(
        self,
        event: Event,
        *,
        grant_id: str | None = None,
        session_id: str | None = None,
        **fields: object,
    ) -> None:
        """Write down that `event` happened, to a grant or a session if it is about one."""
        if session_id is not None:
            fields = {"browser": known_as(session_id), **fields}
        if grant_id is not None:
            fields = {"grant": known_as(grant_id), **fields}
        _log.info(event.value, **fields)
        for listener in self._listeners:
            listener(event, fields)


def known_as(row_id: str) -> str:
    """Return the name of a session or a grant in the log. It cannot be turned into its id."""
    return hashlib.sha256(row_id.encode()).hexdigest()[:NAME_CHARACTERS]
