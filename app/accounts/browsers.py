"""The browsers in which a person is signed in, and those in which they were lately."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, or_, select

from app.accounts.grants import EndReason
from app.accounts.models import Session
from app.accounts.session_endings import Lifetimes
from app.storage.database import Database

# More are in the person's copy of their data.
MOST_ENDED = 20

_LATEST_ENDED = (
    select(Session.id)
    .where(Session.user_id == bindparam("user_id"), Session.ended_at.is_not(None))
    .order_by(Session.ended_at.desc(), Session.id)
    .limit(MOST_ENDED + 1)
)
# Living and ended ones, the latest used first.
SESSIONS = (
    select(
        Session.id,
        Session.browser,
        Session.created_at,
        Session.seen_at,
        Session.ended_at,
        Session.end_reason,
    )
    .where(Session.user_id == bindparam("user_id"))
    .order_by(Session.seen_at.desc(), Session.id)
)
_LISTED = SESSIONS.where(or_(Session.ended_at.is_(None), Session.id.in_(_LATEST_ENDED)))


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedInBrowser:
    """One place where a person is signed in, in words."""

    session_id: str
    words: str
    signed_in_at: datetime
    seen_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedSignIn:
    """A sign-in that has ended. `reason` is an `EndReason`, or one of another release."""

    words: str
    signed_in_at: datetime
    ended_at: datetime
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Browsers:
    """A person's sign-ins: the latest used first, and of those that ended the latest end first."""

    signed_in: list[SignedInBrowser]
    ended: list[EndedSignIn]
    # Whether more ended than are listed.
    has_more_ended: bool


def browsers_of(
    database: Database, user_id: int, lifetimes: Lifetimes, *, since: datetime, now: datetime
) -> Browsers:
    """Return the living sign-ins of a person, and the latest that ended after `since` (UTC).

    One statement. A session that is over by age has ended, though its row is not updated yet.
    """
    with database.reading() as connection:
        rows = connection.execute(_LISTED, {"user_id": user_id}).all()
    signed_in, ended = [], []
    for row in rows:
        ended_at, reason = row.ended_at, row.end_reason
        last_moment = lifetimes.end(created_at=row.created_at, seen_at=row.seen_at)
        if ended_at is None and last_moment < now:
            ended_at, reason = last_moment, EndReason.EXPIRED
        both = {"words": row.browser, "signed_in_at": row.created_at}
        if ended_at is None:
            signed_in.append(SignedInBrowser(session_id=row.id, seen_at=row.seen_at, **both))
        elif ended_at >= since:
            ended.append(EndedSignIn(ended_at=ended_at, reason=reason, **both))
    ended.sort(key=lambda one: one.ended_at, reverse=True)
    return Browsers(
        signed_in=signed_in, ended=ended[:MOST_ENDED], has_more_ended=len(ended) > MOST_ENDED
    )
