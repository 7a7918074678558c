"""Tries the grants of which X says that their people have revoked them.

X's event is a hint: it may be about a grant that a sign-in has replaced, or about a revocation of
our own. A refresh tells: only if Twitter refuses the refresh token, the grant ends, with all
sessions. Each event that is stored is tried at once in the background, for about a minute, and by
`flask revocations deliver` until Twitter has answered.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import partial

from sqlalchemy import Row, bindparam, select

from app.accounts.background_worker import BackgroundWorker
from app.accounts.errors import CannotOpen, GrantEnded
from app.accounts.models import Grant
from app.accounts.revocation_events import RevocationEvents, TakenEvent
from app.accounts.shared import Shared
from app.gateway.refresh_times import Times
from app.gateway.token_refresh import TokenRefresher
from app.observability.audit_log import Event
from app.storage.database import WRITE_SECONDS
from app.twitter.errors import TwitterError
from app.twitter.transport.deadline import Deadline

log = logging.getLogger(__name__)

# X's times are whole seconds, by another clock than the store's.
_SKEW = timedelta(minutes=5)
# A lease covers the refresh, and the write after it. If the checker dies, the event is due again.
_LEASE_SECONDS = Times().lease + WRITE_SECONDS

_LIVING = select(Grant.id, Grant.exchanged_at, Grant.refreshed_at).where(
    Grant.user_id == bindparam("user_id"), Grant.ended_at.is_(None)
)
_Living = Row[str, float, datetime | None]


class Checked(StrEnum):
    """The result of trying a person's grant."""

    ENDED = "ended"  # Twitter refuses it
    ENDED_ALREADY = "ended_already"
    NEWER_GRANT = "newer_grant"  # Twitter has accepted it since
    STILL_VALID = "still_valid"  # Twitter accepts it now
    AWAY = "away"  # Twitter did not say; no other grant would fare better
    SEALED = "sealed"  # its tokens do not open: their key is not in the ring


class RevocationChecks:
    """Checks the events that are due. Any number of these may work at once."""

    def __init__(self, shared: Shared, events: RevocationEvents, tokens: TokenRefresher) -> None:
        """Take the events from `events`, and refresh by `tokens`."""
        self._database = shared.database
        self._audit_log = shared.audit_log
        self._events = events
        self._tokens = tokens
        self._worker = BackgroundWorker("check of a revocation")

    def check_soon(self, event_uuid: str) -> None:
        """Check a committed event in the background; return at once."""
        self._worker.take(partial(self._check_one, event_uuid))

    def check_next(self) -> Checked | None:
        """Check the event that is due longest; return None if none is due."""
        taken = self._events.take(lease_seconds=_LEASE_SECONDS)
        return None if taken is None else self._check(taken)

    def wait(self, *, seconds: float) -> bool:
        """Wait until every event given to the background was tried once; tell whether it was."""
        return self._worker.wait(seconds)

    def stop(self) -> None:
        """Check no more in this process's background. The events stay due."""
        self._worker.stop()

    def _check_one(self, event_uuid: str) -> float | None:
        """Check an event if it is due; return the seconds until it is due again, None if done."""
        taken = self._events.take(event_uuid, lease_seconds=_LEASE_SECONDS)
        if taken is not None:
            self._check(taken)
        return self._events.seconds_left(event_uuid)

    def _check(self, taken: TakenEvent) -> Checked:
        try:
            result = self._try_grant(taken)
        except (TwitterError, CannotOpen) as error:
            log.info("a revocation that X reports waits to be checked: %s", error)
            self._events.postpone(taken)
            return Checked.SEALED if isinstance(error, CannotOpen) else Checked.AWAY
        self._events.finish(taken)
        self._audit_log.record(Event.REVOCATION_REPORTED, result=result.value)
        return result

    def _try_grant(self, taken: TakenEvent) -> Checked:
        """Return what became of the person's grant; raise if Twitter did not say."""
        with self._database.reading() as connection:
            grant = connection.execute(_LIVING, {"user_id": taken.user_id}).one_or_none()
        if grant is None:
            return Checked.ENDED_ALREADY
        if taken.revoked_at is not None and _is_newer(grant, taken.revoked_at):
            return Checked.NEWER_GRANT
        try:
            self._tokens.prove(grant.id, deadline=Deadline())
        except GrantEnded:
            return Checked.ENDED
        return Checked.STILL_VALID


def _is_newer(grant: _Living, moment: datetime) -> bool:
    """Tell whether Twitter has accepted the grant well after `moment`: at a sign-in or refresh."""
    exchanged_at = datetime.fromtimestamp(grant.exchanged_at, tz=UTC)
    proved_at: datetime = max(exchanged_at, grant.refreshed_at or exchanged_at)
    return proved_at - _SKEW > moment  # `moment + _SKEW` may be beyond the year 9999
