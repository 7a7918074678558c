"""The rows that a sign-in reads and writes, in the transaction of `People.sign_in`."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import (
    Connection,
    Executable,
    Row,
    and_,
    bindparam,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)

from app.accounts import endings
from app.accounts.grants import EndReason
from app.accounts.models import Grant, Revocation, Session, User
from app.accounts.sign_in_record import SignInRecord
from app.accounts.used_states import hashed
from app.storage.database import STORE_CLOCK, Insert, Moment, Upsert
from app.twitter.models import Profile
from app.twitter.oauth import TokenSet

_LOCK = (
    select(User.id)
    .where(
        or_(
            User.twitter_id == bindparam("twitter_id"),
            User.id.in_(
                select(Session.user_id).where(
                    Session.id.in_(bindparam("session_ids", expanding=True))
                )
            ),
        )
    )
    .order_by(User.id)
    .with_for_update(key_share=True)
)
_FOUND = (
    select(
        Grant.id.label("grant_id"),
        Grant.exchanged_at,
        Grant.scopes,
        select(func.max(Grant.exchanged_at))
        .where(Grant.user_id == bindparam("user_id"))
        .scalar_subquery()
        .label("newest"),
        select(func.max(Session.refused_at))
        .where(Session.user_id == bindparam("user_id"))
        .scalar_subquery()
        .label("last_refused"),
        exists().where(Revocation.twitter_id == bindparam("twitter_id")).label("revocations"),
        endings.ENDED_AT.label("ended_at"),
        STORE_CLOCK.label("now"),
    )
    .select_from(User)
    .outerjoin(Grant, and_(Grant.user_id == User.id, Grant.ended_at.is_(None)))
    .where(User.id == bindparam("user_id"))
)
_REVIVE_SESSIONS = (
    update(Session)
    .where(
        Session.user_id == bindparam("owner"),
        Session.end_reason == EndReason.REFUSED,
        Session.refused_at >= bindparam("since"),
    )
    .values(ended_at=None, end_reason=None, refused_at=None)
)
_RETURNED = update(User).where(User.id == bindparam("whose")).values(left_at=None)
_DROP_REVOCATIONS = delete(Revocation).where(Revocation.twitter_id == bindparam("twitter_id"))


def _remembering(row: Insert) -> Executable:
    """Return the statement that inserts a person, or updates the one with this Twitter id.

    The id decides, never the name: a renamed account stays itself, a recycled name inherits
    nothing. It locks the person's row.
    """
    seen = {name: row.excluded[name] for name in ("username", "profile", "signed_in_at")}
    return row.on_conflict_do_update(index_elements=[User.twitter_id], set_=seen).returning(
        User.id, User.cache_epoch, User.epochs, User.left_at
    )


Found = Row[
    str | None, float | None, str | None, float | None, float | None, bool, float | None, float
]
_REMEMBERED = Upsert(User, _remembering)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """A sign-in that is to be stored, once Twitter has said who it is."""

    profile: Profile
    token_set: TokenSet
    state: str = field(repr=False)
    # When Twitter answered the exchange.
    answered: Moment
    # When the browser left for Twitter, by the store's clock (`People.began`).
    began: float
    # The states of the other sign-ins that this browser has begun and not finished.
    beside: tuple[str, ...] = field(repr=False, default=())
    # The session of this browser that the new one replaces.
    replacing: str | None = field(repr=False, default=None)
    # The browser in words, so that the person knows it again.
    browser: str = ""
    record: SignInRecord | None = None


def lock(connection: Connection, twitter_id: str, session_ids: Collection[str]) -> None:
    """Lock a person and the owners of sessions, as far as they exist, in the order of their ids.

    Otherwise two sign-ins that each leave the other's account would wait for each other.
    """
    values = {"twitter_id": twitter_id, "session_ids": list(session_ids)}
    connection.execute(_LOCK, values)


def remember(
    connection: Connection, profile: Profile, *, now: datetime
) -> Row[int, int, dict[str, int], datetime | None]:
    """Insert or update the person with this Twitter id.

    Return their id here, their epochs, and when they had left.
    """
    row = {
        "twitter_id": profile.id,
        "username": profile.username,
        "profile": profile.to_json(),
        # A random start: a deleted account that returns must not hit old cache keys.
        "cache_epoch": secrets.randbits(30),
        "created_at": now,
        "signed_in_at": now,
    }
    return connection.execute(_REMEMBERED.on(connection), row).one()


def note_return(connection: Connection, user_id: int) -> None:
    """Note that a person who had left has a session again."""
    connection.execute(_RETURNED, {"whose": user_id})


def find(connection: Connection, user_id: int, came: SignIn) -> Found:
    """Return the state of the person, whose row is locked by now. One statement.

    It also tells the store's time, and so when Twitter answered the exchange (`exchanged_at`).
    """
    values = {
        "user_id": user_id,
        "twitter_id": came.profile.id,
        "twitter_id_hash": hashed(came.profile.id),
    }
    found = connection.execute(_FOUND, values).one()
    exchanged_at(came, found)  # at once: what passes until then is subtracted
    return found


def exchanged_at(came: SignIn, found: Found) -> float:
    """Return when Twitter answered the exchange, by the store's clock.

    It orders the exchanges of one person, whichever machines they come to.
    """
    return came.answered.seconds(store_now=found.now)


def shared_session(beside: Mapping[str, int], user_id: int, came: SignIn) -> str | None:
    """Return the session that another tab of this browser has just got for the same person.

    The browser keeps the cookie that arrives last, and a session that no cookie names would keep
    the grant alive: so two tabs that finish at once share one.
    """
    theirs = (session_id for session_id, owner in beside.items() if owner == user_id)
    return next((session_id for session_id in theirs if session_id != came.replacing), None)


def drop_revocations(connection: Connection, twitter_id: str) -> None:
    """Delete the person's revocations: at Twitter they would end the new grant."""
    connection.execute(_DROP_REVOCATIONS, {"twitter_id": twitter_id})


def revive_sessions(connection: Connection, user_id: int, *, since: float) -> None:
    """Revive the sessions that a refused refresh has ended since the exchange that caused it."""
    connection.execute(_REVIVE_SESSIONS, {"owner": user_id, "since": since})
