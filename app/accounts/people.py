"""People: signed in by a callback, and found by the session in their cookie."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from flask_login import UserMixin
from sqlalchemy import (
    Connection,
    and_,
    bindparam,
    false,
    select,
    update,
)

from app.accounts import endings, sign_in
from app.accounts.errors import EndedMeanwhile, Superseded
from app.accounts.grants import Grants
from app.accounts.models import Grant, Session, User
from app.accounts.session_endings import EndedSessions
from app.accounts.sessions import Sessions, new_id
from app.accounts.shared import Shared
from app.accounts.sign_in import Found, SignIn
from app.accounts.used_states import Outcome, UsedStates
from app.signals import signed_in
from app.storage.database import StoreTime
from app.twitter.models import Profile

_LIVING = (
    select(
        User.id,
        User.profile,
        User.cache_epoch,
        User.epochs,
        Grant.id.label("grant_id"),
        Grant.scopes,
        Session.created_at,
        Session.seen_at,
    )
    .join(Session, Session.user_id == User.id)
    .join(Grant, and_(Grant.user_id == User.id, Grant.ended_at.is_(None)))
    .where(Session.id == bindparam("session_id"), Session.ended_at.is_(None))
)

_WRITE_NOTHING = update(User).where(false()).values(cache_epoch=User.cache_epoch)
_EPOCHS = select(User.epochs).where(User.id == bindparam("user_id")).with_for_update()


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
    # The same for each topic, and what depends on it.
    epochs: Mapping[str, int]

    @property
    def twitter_id(self) -> str:
        """Their id at Twitter, which never becomes another person's."""
        return self.profile.id

    def get_id(self) -> str:
        """Return what the cookie carries: the session, so that ending it signs this browser out."""
        return self.session_id


class People:
    """Signs people in, and finds them again."""

    def __init__(
        self,
        shared: Shared,
        grants: Grants,
        sessions: Sessions,
        used_states: UsedStates,
    ) -> None:
        self._database = shared.database
        self._clock = shared.clock
        self._signals = shared.signals
        self._grants = grants
        self._sessions = sessions
        self._used_states = used_states
        self._store_time = StoreTime(shared.database)

    def began(self) -> float:
        """Return the store's time for a sign-in that begins, in seconds since 1970.

        It is compared with endings, whichever machine they came to.
        """
        return self._store_time.now()

    def sign_in(self, came: SignIn) -> Person:
        """Sign a person in: their row, their grant's new token set, a session, the outcome.

        One transaction: two first sign-ins at once make one person, and a crash leaves nothing
        half signed in. Raises `EndedMeanwhile` if the person ended everything after this sign-in
        had begun, or logged out in this browser while it was under way, and `Superseded` if a newer
        one took its place and is over already. Nothing of the browser is stored then.
        """
        with self._database.writing() as connection:
            person, left, is_new = self._store(connection, came, now=self._clock())
        if left is None:
            # The exchange has ended the tokens of the browsers that stay signed in: they got these.
            raise EndedMeanwhile("a logout came while this sign-in was under way")
        self._sessions.follow_up(left)
        if is_new:
            self._signals.send(
                signed_in,
                user_id=person.user_id,
                twitter_id=person.twitter_id,
                session_id=person.session_id,
            )
        return person

    def _store(
        self, connection: Connection, came: SignIn, *, now: datetime
    ) -> tuple[Person, list[EndedSessions] | None, bool]:
        """Store a sign-in; return the person, and what the browser leaves, None if it is stopped.

        The last value tells whether the session is new, or another tab's.
        """
        leaving, left = self._lock_left(connection, came), None
        user = sign_in.remember(connection, came.profile, now=now)
        found = sign_in.find(connection, user.id, came)
        refused_since = self._refused_since(connection, came, found)
        beside = self._used_states.sessions(connection, came.beside)
        session_id = sign_in.shared_session(beside, user.id, came) or new_id()
        goes_on = self._record_outcome(connection, came, found, session_id)
        if not goes_on and found.grant_id is None and refused_since is None:
            raise EndedMeanwhile("a logout or a disconnect came while this sign-in was under way")
        grant_id, scopes = self._keep_tokens(connection, user.id, came, found, session_id)
        if found.revocations:
            sign_in.drop_revocations(connection, came.profile.id)
        if user.left_at is not None and (goes_on or refused_since is not None):
            sign_in.note_return(connection, user.id)
        if refused_since is not None:
            sign_in.revive_sessions(connection, user.id, since=refused_since)
        is_new = session_id not in beside
        if goes_on:
            if is_new:
                self._add_session(connection, user.id, session_id, came, now=now)
            left = self._sessions.leave(connection, leaving - {session_id})
        person = Person(
            user_id=user.id,
            session_id=session_id,
            grant_id=grant_id,
            profile=came.profile,
            scopes=scopes,
            signed_in_at=now,
            cache_epoch=user.cache_epoch,
            epochs=user.epochs,
        )
        return person, left, is_new

    def _lock_left(self, connection: Connection, came: SignIn) -> set[str]:
        """Lock the person, and the owners of the sessions that the browser leaves; return those.

        States come before people, the own one too: another tab may hold it and wait for the person.
        """
        self._used_states.lock_unfinished(connection, [came.state, *came.beside])
        leaving = set(self._used_states.sessions(connection, came.beside))
        leaving |= {came.replacing} if came.replacing else set()
        if leaving:
            sign_in.lock(connection, came.profile.id, leaving)
        return leaving

    def _record_outcome(
        self, connection: Connection, came: SignIn, found: Found, session_id: str
    ) -> bool:
        """Record that the browser is signed in; return False if an ending or a logout came first.

        Even then the tokens are kept, for the other browsers of the person.
        """
        return not endings.holds_against(
            found.ended_at, began=came.began
        ) and self._used_states.record_outcome(
            connection, came.state, Outcome.SIGNED_IN, session_id=session_id
        )

    def _refused_since(self, connection: Connection, came: SignIn, found: Found) -> float | None:
        """Return since when sessions were refused because of this exchange; None if none was.

        X ends the older tokens at some moment between the code's arrival there and its answer.
        Sessions that were refused before an ending of all of them stay ended.
        """
        if found.last_refused is None:
            return None
        sent_at = self._used_states.used_at(connection, came.state)
        since = max(min(sign_in.exchanged_at(came, found), sent_at), found.ended_at or 0.0)
        return since if found.last_refused >= since else None

    def _keep_tokens(
        self,
        connection: Connection,
        user_id: int,
        came: SignIn,
        found: Found,
        session_id: str,
    ) -> tuple[str, frozenset[str]]:
        """Keep the token set that Twitter gave last; return the grant's id and its scopes."""
        now, exchanged_at = self._clock(), sign_in.exchanged_at(came, found)
        if found.grant_id is None:
            if (found.newest or 0.0) > exchanged_at:
                raise Superseded("a newer sign-in of this person is over already")
            # The session's id: older code, after a downgrade, knows a grant by its browser.
            self._grants.add(
                connection,
                user_id,
                came.token_set,
                grant_id=session_id,
                exchanged_at=exchanged_at,
                now=now,
            )
            return session_id, came.token_set.scopes
        if found.exchanged_at > exchanged_at:
            return found.grant_id, frozenset(found.scopes.split())
        self._grants.replace(
            connection, found.grant_id, came.token_set, exchanged_at=exchanged_at, now=now
        )
        return found.grant_id, came.token_set.scopes

    def _add_session(
        self, connection: Connection, user_id: int, session_id: str, came: SignIn, *, now: datetime
    ) -> None:
        self._sessions.add(
            connection,
            user_id,
            session_id=session_id,
            browser=came.browser,
            record=came.record,
            now=now,
        )

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
            epochs=row.epochs,
        )

    def changed(self, user_id: int, topics: Collection[str]) -> None:
        """Let all workers read again what depends on `topics`, and nothing else of this person."""
        with self._database.writing() as connection:
            epochs = connection.execute(_EPOCHS, {"user_id": user_id}).scalar_one_or_none()
            if epochs is not None:
                more = {topic: epochs.get(topic, 0) + 1 for topic in topics}
                changed = update(User).where(User.id == user_id).values(epochs=epochs | more)
                connection.execute(changed)

    def check_writable(self) -> None:
        """Write nothing. Raises `SQLAlchemyError` for a standby, and if rights or tables lack."""
        with self._database.writing() as connection:
            connection.execute(_WRITE_NOTHING)

    def prune_endings(self) -> int:
        """Delete endings that no sign-in under way can meet; return how many."""
        with self._database.writing() as connection:
            return endings.prune(connection)
