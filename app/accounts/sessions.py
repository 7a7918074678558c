"""Where a person is signed in, and each way to log a browser out.

The session that ends last ends the grant with it, and both tokens are revoked at Twitter. Every
transaction here locks the person first.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.exc import SQLAlchemyError

from app.accounts import endings
from app.accounts.browsers import Browsers, browsers_of
from app.accounts.grants import EndReason, Grants, lock_person
from app.accounts.kept_endings import KeptEndings
from app.accounts.models import Grant, Session
from app.accounts.people_by_name import Named, person_with_id
from app.accounts.session_endings import EndedSessions, Lifetimes, SessionEndings
from app.accounts.shared import Shared
from app.accounts.sign_in_record import SignInRecord
from app.accounts.used_states import UsedStates
from app.observability.audit_log import Event
from app.storage.database import Moment

log = logging.getLogger(__name__)

# When a browser was last seen is written this often at most.
_SEEN_EVERY = timedelta(minutes=5)
# So long the reason for the end of a session can be looked up.
ENDED_KEPT = timedelta(days=30)

_KEEP_ENDED = (
    update(Session)
    .where(Session.id == bindparam("session_id"), Session.end_reason == EndReason.REFUSED)
    .values(end_reason=EndReason.LOGGED_OUT, refused_at=None)
)
_OWNER = select(Session.user_id).where(Session.id == bindparam("session_id"))
_OWNERS = select(Session.id, Session.user_id).where(
    Session.id.in_(bindparam("session_ids", expanding=True))
)
_INSERT = insert(Session)
_SEEN = update(Session).where(Session.id == bindparam("session_id"))


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedOut:
    """The result of a logout: how many sessions ended, and whether the grant ended with them."""

    sessions: int
    grant_ended: bool
    # The database does not answer: this process keeps the ending and tries again.
    kept: bool = False


class Sessions:
    """Lists the browsers of a person and logs them out."""

    def __init__(
        self,
        shared: Shared,
        grants: Grants,
        used_states: UsedStates,
        *,
        lifetimes: Lifetimes,
        logout_revokes: bool = True,
    ) -> None:
        """End grants through `grants`.

        Without `logout_revokes` the last logout leaves the grant to background jobs.
        """
        self._database = shared.database
        self._clock = shared.clock
        self._audit_log = shared.audit_log
        self._used_states = used_states
        self._endings = SessionEndings(shared, grants, lifetimes, logout_revokes=logout_revokes)
        self._kept = KeptEndings()
        self._lifetimes = lifetimes

    def add(  # noqa: PLR0913 - what a row is made of, by name
        self,
        connection: Connection,
        user_id: int,
        *,
        session_id: str,
        browser: str,
        record: SignInRecord | None,
        now: datetime,
    ) -> None:
        """Add a session, in the transaction that has locked its person."""
        row = {"id": session_id, "user_id": user_id, "browser": browser}
        row |= {"created_at": now, "seen_at": now, "sign_in_record": record and record.to_json()}
        connection.execute(_INSERT, row)

    def of(self, user_id: int) -> Browsers:
        """Return where a person is signed in, and where they were within `ENDED_KEPT`."""
        now = self._clock()
        return browsers_of(
            self._database, user_id, self._lifetimes, since=now - ENDED_KEPT, now=now
        )

    def still_lives(
        self, session_id: str, user_id: int, *, created_at: datetime, seen_at: datetime
    ) -> bool:
        """Tell whether a session is young enough, and note that it was seen; an old one ends.

        No page fails because neither can be written.
        """
        now = self._clock()
        over = self._lifetimes.are_over(created_at=created_at, seen_at=seen_at, now=now)
        try:
            if over:
                self._end(user_id, EndReason.EXPIRED, Session.id == session_id)
            elif now - seen_at > _SEEN_EVERY:
                with self._database.writing() as connection:
                    connection.execute(_SEEN, {"session_id": session_id, "seen_at": now})
        except SQLAlchemyError as error:
            log.warning("a session stays as it was: %s", type(error).__name__)
        return not over

    def log_out(self, session_id: str | None, *, beside: Sequence[str] = ()) -> LoggedOut:
        """End one browser's session. Local and immediate; Twitter is told in the background.

        `beside` are the states of sign-ins that this browser has begun: those that are under way
        are stopped, and sessions that they have made meanwhile end as well. It raises nothing if
        the database does not answer, but keeps the ending until it does. A sign-in that comes back
        after the logout goes on.
        """
        end = partial(self._log_out_browser, session_id, beside, Moment())
        ended = self._kept.at_once(session_id, end)
        return ended or LoggedOut(sessions=0, grant_ended=False, kept=True)

    def _log_out_browser(
        self, session_id: str | None, beside: Sequence[str], asked_at: Moment
    ) -> LoggedOut:
        made = self._used_states.stop(beside, until=asked_at) if beside else []
        ids = dict.fromkeys([session_id, *made] if session_id else made)
        ended = [self._log_out(each) for each in ids]
        return LoggedOut(
            sessions=sum(each.sessions for each in ended),
            grant_ended=any(each.grant_ended for each in ended),
        )

    def _log_out(self, session_id: str) -> LoggedOut:
        user_id = self._owner_of(session_id)
        if user_id is None:
            return LoggedOut(sessions=0, grant_ended=False)
        which = Session.id == session_id
        ended = self._end(user_id, EndReason.LOGGED_OUT, which, logged_out=session_id)
        self._audit_log.record(
            Event.LOGGED_OUT, session_id=session_id, grant_ended=ended.grant_ended
        )
        return ended

    def _owner_of(self, session_id: str) -> int | None:
        with self._database.reading() as connection:
            return connection.execute(_OWNER, {"session_id": session_id}).scalar_one_or_none()

    def is_ending(self, session_id: str) -> bool:
        """Tell whether a session that still lives in the database is logged out here."""
        return self._kept.holds(session_id)

    def close(self) -> None:
        """Try no more to end what the database does not take."""
        self._kept.stop()

    def log_out_one(self, user_id: int, session_id: str) -> LoggedOut:
        """End a session if it is one of `user_id` and lives."""
        return self._end(user_id, EndReason.LOGGED_OUT, Session.id == session_id)

    def log_out_everywhere_else(self, user_id: int, twitter_id: str, *, keep: str) -> LoggedOut:
        """End all sessions of a person but `keep`, and those of sign-ins that are under way."""
        with self._database.writing() as connection:
            if lock_person(connection, user_id) != twitter_id:
                return LoggedOut(sessions=0, grant_ended=False)
            endings.note(connection, twitter_id)
            ended = self._endings.end(connection, user_id, EndReason.LOGGED_OUT, Session.id != keep)
        self._endings.follow_up(ended)
        return LoggedOut(sessions=len(ended.reasons), grant_ended=ended.grant_ended)

    def leave(self, connection: Connection, session_ids: Collection[str]) -> list[EndedSessions]:
        """End sessions in whose browser another one begins, perhaps of other accounts.

        Their owners are locked already. Once it is committed, `follow_up` tells of it.
        """
        if not session_ids:
            return []
        owners = connection.execute(_OWNERS, {"session_ids": list(session_ids)})
        return [
            self._endings.end(connection, owner, EndReason.REPLACED, Session.id == session_id)
            for session_id, owner in owners.all()
        ]

    def follow_up(self, left: Iterable[EndedSessions]) -> None:
        """Tell Twitter, the cache and the log that sessions were left."""
        for each in left:
            self._endings.follow_up(each)

    def end_all_of(self, twitter_id: str) -> Named | None:
        """End the grant of a person and all their sessions; return who it was, None if unknown.

        For an operator: it holds against sign-ins under way.
        """
        person = person_with_id(self._database, twitter_id)
        if person is not None:
            self._end_person(person.user_id, EndReason.ENDED_BY_OPERATOR)
        return person

    def _end_person(self, user_id: int, reason: EndReason) -> bool:
        with self._database.writing() as connection:
            twitter_id = lock_person(connection, user_id)
            if twitter_id is None:
                return False
            endings.note(connection, twitter_id)
            ended = self._endings.end_all(connection, user_id, reason)
        self._endings.follow_up(ended)
        return ended.grant_ended

    def prune(self, *, now: datetime) -> tuple[int, int]:
        """End sessions that outlived their time unseen, and grants that none is left for.

        Return how many grants ended, and how many rows were deleted: sessions and grants that
        ended a month ago. They hold no tokens.
        """
        ended = sum(map(self._end_unused, self._endings.overdue(now=now)))
        old = now - ENDED_KEPT
        with self._database.writing() as connection:
            rows = connection.execute(delete(Session).where(Session.ended_at < old)).rowcount
            rows += connection.execute(delete(Grant).where(Grant.ended_at < old)).rowcount
        return ended, rows

    def _end_unused(self, user_id: int) -> bool:
        """End what is over of a person, and tell whether the grant is; a locked one comes later."""
        try:
            return self._end(user_id, EndReason.EXPIRED).grant_ended
        except SQLAlchemyError as error:
            log.warning("a person is left to the next prune: %s", type(error).__name__)
            return False

    def _end(
        self,
        user_id: int,
        reason: EndReason,
        *which: ColumnElement[bool],
        logged_out: str = "",
    ) -> LoggedOut:
        """End `which` sessions of a person, those that are over by age, and perhaps the grant.

        The session that is `logged_out` has an event of its own. If a refusal had ended it, no
        sign-in revives it any more.
        """
        with self._database.writing() as connection:
            if lock_person(connection, user_id) is None:
                return LoggedOut(sessions=0, grant_ended=False)
            ended = self._endings.end(connection, user_id, reason, *which)
            if logged_out:
                connection.execute(_KEEP_ENDED, {"session_id": logged_out})
        self._endings.follow_up(ended, logged_out=logged_out)
        return LoggedOut(
            sessions=list(ended.reasons.values()).count(reason), grant_ended=ended.grant_ended
        )


def new_id() -> str:
    """Return a fresh session id: 128 random bits, in hex."""
    return secrets.token_hex(16)
