"""Who a person is here: signed in by a callback, found by the session in their cookie."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from flask_login import UserMixin
from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    Row,
    RowMapping,
    and_,
    bindparam,
    delete,
    exists,
    func,
    select,
    update,
)

from app.accounts import endings
from app.accounts.errors import EndedMeanwhile, GrantEnded, Superseded
from app.accounts.grants import EndReason, Grants, lock_person
from app.accounts.models import Grant, Revocation, Session, Usage, UsedState, User
from app.accounts.sessions import Left, Sessions, new_id
from app.accounts.shared import Shared
from app.accounts.sign_in_record import SignInRecord
from app.accounts.used_states import Outcome, UsedStates, hashed
from app.observability.audit_log import Event
from app.storage.database import INSERTS, STORE_CLOCK, Insert
from app.storage.extensions import Model
from app.twitter.models import Profile
from app.twitter.oauth import TokenSet

_LIVING = (
    select(
        User.id,
        User.profile,
        User.cache_epoch,
        User.follows_epoch,
        Grant.id.label("grant_id"),
        Grant.scopes,
        Session.created_at,
        Session.seen_at,
    )
    .join(Session, Session.user_id == User.id)
    .join(Grant, and_(Grant.user_id == User.id, Grant.ended_at.is_(None)))
    .where(Session.id == bindparam("session_id"), Session.ended_at.is_(None))
)
# What a sign-in finds, once it has locked the person.
_FOUND = (
    select(
        Grant.id.label("grant_id"),
        Grant.exchanged_at,
        Grant.scopes,
        select(func.max(Grant.exchanged_at))
        .where(Grant.user_id == bindparam("user_id"))
        .scalar_subquery()
        .label("newest"),
        exists()
        .where(Session.user_id == bindparam("user_id"), Session.refused_at >= bindparam("since"))
        .label("refused_meanwhile"),
        exists().where(Revocation.twitter_id == bindparam("twitter_id")).label("revocations"),
        endings.ENDED_AT.label("ended_at"),
    )
    .select_from(User)
    .outerjoin(Grant, and_(Grant.user_id == User.id, Grant.ended_at.is_(None)))
    .where(User.id == bindparam("user_id"))
)
_REVIVE = (
    update(Session)
    .where(
        Session.user_id == bindparam("owner"),
        Session.end_reason == EndReason.REFUSED,
        Session.refused_at >= bindparam("since"),
    )
    .values(ended_at=None, end_reason=None, refused_at=None)
)
_NO_MORE_REVOCATIONS = delete(Revocation).where(Revocation.twitter_id == bindparam("twitter_id"))


def _remembering(row: Insert) -> Executable:
    """Return the statement that inserts a person, or updates the one with this Twitter id.

    The id decides, never the name: a renamed account stays itself, a recycled name inherits
    nothing. It locks the person's row.
    """
    seen = {name: row.excluded[name] for name in ("username", "profile", "signed_in_at")}
    return row.on_conflict_do_update(index_elements=[User.twitter_id], set_=seen).returning(
        User.id, User.cache_epoch, User.follows_epoch
    )


# Of these, an export says only whether there is one.
_SEALED_COLUMNS = {"access_token", "refresh_token", "token"}

_Found = Row[str | None, float | None, str | None, float | None, bool, bool, float | None]
_REMEMBERED = {store: _remembering(insert(User)) for store, insert in INSERTS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Person(UserMixin):  # type: ignore[misc] # Flask-Login ships no types
    """A signed-in person in one browser. Flask-Login knows them by their session's id."""

    user_id: int
    session_id: str
    grant_id: str
    profile: Profile
    scopes: frozenset[str]
    signed_in_at: datetime
    # Part of the key of everything read for them: one more, and all of it is read again.
    cache_epoch: int
    # The same for what depends on whom they follow.
    follows_epoch: int

    @property
    def twitter_id(self) -> str:
        """Their id at Twitter, which never becomes another person's."""
        return self.profile.id

    def get_id(self) -> str:
        """Return what the cookie carries: the session, so that ending it signs this browser out."""
        return self.session_id


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """What a callback brings to store, once Twitter has said who it is."""

    profile: Profile
    token_set: TokenSet
    state: str = field(repr=False)
    # When Twitter answered the exchange, by the store's clock (`People.store_time`).
    exchanged_at: float
    # When the browser left for Twitter, by the store's clock as well.
    began: float
    # The states of the other sign-ins that this browser has begun and not seen the end of.
    beside: tuple[str, ...] = field(repr=False, default=())
    # The session in whose place the new one steps, in the same browser.
    replacing: str | None = field(repr=False, default=None)
    # What the person will know the browser by.
    browser: str = ""
    record: SignInRecord | None = None


class People:
    """Signs people in, finds them again, and lets them go."""

    def __init__(
        self,
        shared: Shared,
        grants: Grants,
        sessions: Sessions,
        used_states: UsedStates,
    ) -> None:
        self._database = shared.database
        self._clock = shared.clock
        self._audit_log = shared.audit_log
        self._grants = grants
        self._sessions = sessions
        self._used_states = used_states

    def store_time(self) -> float:
        """Return the time by the store's clock, in seconds since 1970.

        It orders the exchanges of one person, whichever machines they come to.
        """
        with self._database.reading() as connection:
            return float(connection.execute(select(STORE_CLOCK)).scalar_one())

    def sign_in(self, came: SignIn) -> Person:
        """Sign a person in: their row, their grant's new token set, a session, the outcome.

        One transaction: two first sign-ins at once make one person, and a crash leaves nothing
        half signed in. What still waited to be revoked for this person is dropped: at Twitter it
        would end what they have just allowed. Sessions that a refused refresh has ended since
        the exchange come back, for the exchange was why it was refused.

        Two tabs that finish at once share one session: the browser keeps the cookie that arrives
        last, and a session that no cookie names would keep the grant alive. The session that the
        browser had before ends with the sign-in, perhaps that of another account.

        Raises `EndedMeanwhile` if the person ended everything after this sign-in had begun, or
        logged out in this browser while it was under way, and `Superseded` if a newer one has taken
        its place and is over already. Nothing of the browser is stored then.
        """
        now = self._clock()
        left: list[Left] = []
        with self._database.writing() as connection:
            leaving = self._lock_left(connection, came)
            user = _remember(connection, came.profile, now=now)
            found = _find(connection, user.id, came)
            beside = self._used_states.sessions(connection, came.beside)
            session_id = _shared(beside, user.id, came) or new_id()
            over = endings.holds_against(
                found.ended_at, began=came.began
            ) or not self._used_states.record_outcome(
                connection, came.state, Outcome.SIGNED_IN, session_id=session_id
            )
            if over and found.grant_id is None:
                raise EndedMeanwhile(
                    "a logout or a disconnect came while this sign-in was under way"
                )
            grant_id, scopes = self._keep_tokens(connection, user.id, came, found, session_id)
            if found.revocations:
                connection.execute(_NO_MORE_REVOCATIONS, {"twitter_id": came.profile.id})
            if not over:
                if found.refused_meanwhile:
                    connection.execute(_REVIVE, {"owner": user.id, "since": came.exchanged_at})
                if session_id not in beside:
                    self._sessions.add(
                        connection,
                        user.id,
                        session_id=session_id,
                        browser=came.browser,
                        record=came.record,
                        now=now,
                    )
                left = self._sessions.leave(connection, leaving - {session_id})
        if over:
            # The exchange has ended the tokens of the browsers that stay signed in: they get these.
            raise EndedMeanwhile("a logout came while this sign-in was under way")
        self._sessions.follow_up(left)
        return Person(
            user_id=user.id,
            session_id=session_id,
            grant_id=grant_id,
            profile=came.profile,
            scopes=scopes,
            signed_in_at=now,
            cache_epoch=user.cache_epoch,
            follows_epoch=user.follows_epoch,
        )

    def _lock_left(self, connection: Connection, came: SignIn) -> set[str]:
        """Lock the person, and the owners of the sessions that the browser leaves; return those."""
        leaving = set(self._used_states.sessions(connection, came.beside))
        leaving |= {came.replacing} if came.replacing else set()
        if leaving:
            self._sessions.lock_with(connection, came.profile.id, leaving)
        return leaving

    def find(self, session_id: str) -> Person | None:
        """Return the person of a living session. One statement: this runs for every page view.

        A session that outlived its idle or absolute lifetime is ended here and now.
        """
        if self._sessions.is_ending(session_id):
            return None
        with self._database.reading() as connection:
            row = connection.execute(_LIVING, {"session_id": session_id}).one_or_none()
        if row is None or not self._sessions.still_lives(
            session_id, row.id, created_at=row.created_at, seen_at=row.seen_at
        ):
            return None
        return Person(
            user_id=row.id,
            session_id=session_id,
            grant_id=row.grant_id,
            profile=Profile.from_json(row.profile),
            scopes=frozenset(row.scopes.split()),
            signed_in_at=row.created_at,
            cache_epoch=row.cache_epoch,
            follows_epoch=row.follows_epoch,
        )

    def follows_changed(self, user_id: int) -> None:
        """Let all workers read again what depends on whom this person follows, nothing else."""
        with self._database.writing() as connection:
            one_more = {User.follows_epoch: User.follows_epoch + 1}
            connection.execute(update(User).where(User.id == user_id).values(one_more))

    def delete(self, user_id: int, twitter_id: str) -> None:
        """Disconnect a person: end their grant and delete every row of theirs.

        One transaction. Only sealed tokens stay in the outbox, until Twitter was told to kill
        them, and for a quarter of an hour a hash that holds against sign-ins under way. Nothing
        happens if `user_id` is not theirs any more. Copies of what was read for them are dropped
        where they can be reached; nothing finds the others, and they last a day at most.
        """
        with self._database.writing() as connection:
            if lock_person(connection, user_id) != twitter_id:
                return
            endings.note(connection, twitter_id)
            ended = self._grants.end(connection, user_id, EndReason.DISCONNECTED, now=self._clock())
            theirs = select(Session.id).where(Session.user_id == user_id)
            # The states stay used: a cookie that can be replayed may live for ten minutes more.
            used = update(UsedState).where(UsedState.session_id.in_(theirs))
            connection.execute(used.values(session_id=None))
            # Their other rows go with it. To delete those first would end in deadlocks: who counts
            # usage holds the person's row and waits for its own.
            connection.execute(delete(User).where(User.id == user_id))
        self._grants.follow_up(ended)
        self._audit_log.record(Event.DISCONNECTED, sessions=len(ended.sessions))

    def export(self, user_id: int, twitter_id: str) -> dict[str, Any]:
        """Return everything stored about a person, without the values of tokens.

        Raises `GrantEnded` if the person has just disconnected, and `user_id` is not theirs.
        """
        with self._database.snapshot() as connection:

            def rows(model: type[Model], theirs: ColumnElement[bool]) -> list[dict[str, Any]]:
                found = connection.execute(select(*model.__table__.c).where(theirs))
                return [_open(row) for row in found.mappings()]

            user = next(
                iter(rows(User, (User.id == user_id) & (User.twitter_id == twitter_id))), None
            )
            if user is None:
                raise GrantEnded("this person has just disconnected")
            sessions = rows(Session, Session.user_id == user_id)
            ids = [session["id"] for session in sessions]
            return {
                "user": user,
                "grants": rows(Grant, Grant.user_id == user_id),
                "sessions": sessions,
                "used_states": rows(UsedState, UsedState.session_id.in_(ids)),
                "revocations": rows(Revocation, Revocation.twitter_id == user["twitter_id"]),
                "usage": rows(Usage, Usage.user_id == user_id),
            }

    def prune_endings(self) -> int:
        """Delete endings that no sign-in under way can meet; return how many."""
        with self._database.writing() as connection:
            return endings.prune(connection)

    def _keep_tokens(
        self, connection: Connection, user_id: int, came: SignIn, found: _Found, session_id: str
    ) -> tuple[str, frozenset[str]]:
        """Keep the token set that Twitter gave last; return the grant's id and its scopes."""
        now = self._clock()
        if found.grant_id is None:
            if (found.newest or 0.0) > came.exchanged_at:
                raise Superseded("a newer sign-in of this person is over already")
            # The session's id: older code, after a downgrade, knows a grant by its browser.
            self._grants.add(
                connection,
                user_id,
                came.token_set,
                grant_id=session_id,
                exchanged_at=came.exchanged_at,
                now=now,
            )
            return session_id, came.token_set.scopes
        if found.exchanged_at > came.exchanged_at:
            return found.grant_id, frozenset(found.scopes.split())
        self._grants.replace(
            connection, found.grant_id, came.token_set, exchanged_at=came.exchanged_at, now=now
        )
        return found.grant_id, came.token_set.scopes


def _shared(beside: Mapping[str, int], user_id: int, came: SignIn) -> str | None:
    """Return the session that another tab of this browser has just got for the same person."""
    theirs = (session_id for session_id, owner in beside.items() if owner == user_id)
    return next((session_id for session_id in theirs if session_id != came.replacing), None)


def _find(connection: Connection, user_id: int, came: SignIn) -> _Found:
    """Return what a sign-in finds of the person it has just locked. One statement."""
    values = {
        "user_id": user_id,
        "since": came.exchanged_at,
        "twitter_id": came.profile.id,
        "twitter_id_hash": hashed(came.profile.id),
    }
    return connection.execute(_FOUND, values).one()


def _open(row: RowMapping) -> dict[str, Any]:
    """Return a row as plain data; of a token only whether there is one."""
    return {
        name: value is not None if name in _SEALED_COLUMNS else _plain(value)
        for name, value in row.items()
    }


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, date) else value


def _remember(connection: Connection, profile: Profile, *, now: datetime) -> Row[int, int, int]:
    """Insert or update the person with this Twitter id; return their id here and their epochs."""
    row = {
        "twitter_id": profile.id,
        "username": profile.username,
        "profile": profile.to_json(),
        # A random start: a deleted account that returns must not hit old cache keys.
        "cache_epoch": secrets.randbits(30),
        "created_at": now,
        "signed_in_at": now,
    }
    return connection.execute(_REMEMBERED[connection.dialect.name], row).one()
