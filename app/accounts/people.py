"""Who a person is here: welcomed by a sign-in, found by the grant in their session."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask_login import UserMixin
from sqlalchemy import Connection, Executable, Row, RowMapping, bindparam, delete, select, update

from app.accounts.copies import NO_COPIES, Copies
from app.accounts.grants import EndReason, Grants
from app.accounts.models import Grant, Usage, UsedState, User
from app.accounts.outbox import Outbox
from app.accounts.sessions import Sessions
from app.accounts.sign_in_record import SignInRecord
from app.accounts.used_states import Outcome, UsedStates
from app.database import INSERTS, Database, Insert
from app.events import ONLY_WRITTEN, Event, Events
from app.twitter.entities import User as Profile
from app.twitter.token_set import TokenSet

# When a browser was last seen is written this often at most.
SEEN_EVERY = timedelta(minutes=5)
# So long one can still ask why somebody was signed out.
ENDED_KEPT = timedelta(days=30)

_LIVING = (
    select(
        User.id,
        User.profile,
        User.cache_epoch,
        User.follows_epoch,
        Grant.scopes,
        Grant.created_at,
        Grant.seen_at,
    )
    .join(Grant, Grant.user_id == User.id)
    .where(Grant.id == bindparam("grant_id"), Grant.ended_at.is_(None))
)
_SEEN = update(Grant).where(Grant.id == bindparam("grant_id"))


def _remembering(row: Insert) -> Executable:
    """Return the statement that inserts a person, or updates the one with this Twitter id.

    The id decides, never the name: a renamed account stays itself, a recycled name inherits
    nothing.
    """
    seen = {name: row.excluded[name] for name in ("username", "profile", "signed_in_at")}
    return row.on_conflict_do_update(index_elements=[User.twitter_id], set_=seen).returning(
        User.id, User.cache_epoch, User.follows_epoch
    )


_REMEMBERED = {store: _remembering(insert(User)) for store, insert in INSERTS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Person(UserMixin):  # type: ignore[misc] # Flask-Login ships no types
    """A signed-in person in one browser. Flask-Login knows them by their grant's id."""

    user_id: int
    grant_id: str
    profile: Profile
    scopes: frozenset[str]
    signed_in_at: datetime
    # Part of the key of everything read for them: one more, and all of it is read anew.
    cache_epoch: int
    # The same for what depends on whom they follow.
    follows_epoch: int

    def get_id(self) -> str:
        """Return what the session carries: the grant, so that ending it signs this browser out."""
        return self.grant_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Lifetimes:
    """How long a sign-in lasts: unused, and at most."""

    idle: timedelta
    absolute: timedelta


class People:
    """Welcomes people, finds them again, and lets them go."""

    def __init__(  # noqa: PLR0913 - its collaborators, by name
        self,
        database: Database,
        grants: Grants,
        claims: UsedStates,
        browsers: Sessions,
        outbox: Outbox,
        *,
        lifetimes: Lifetimes,
        clock: Callable[[], datetime],
        events: Events = ONLY_WRITTEN,
        copies: Copies = NO_COPIES,
    ) -> None:
        """Work on `database`; tokens of those who leave go through `outbox`."""
        self._database = database
        self._grants = grants
        self._claims = claims
        self._browsers = browsers
        self._outbox = outbox
        self._lifetimes = lifetimes
        self._clock = clock
        self._events = events
        self._copies = copies

    def welcome(  # noqa: PLR0913 - what a sign-in brings, by name
        self,
        profile: Profile,
        token_set: TokenSet,
        *,
        state: str,
        replacing: str | None,
        browser: str,
        flight: SignInRecord | None = None,
    ) -> Person:
        """Sign a person in: their row, a new grant, and the outcome of the claimed `state`.

        One transaction: two first sign-ins at once make one person, and a crash leaves nothing
        half signed in. The older grant of this browser, `replacing`, ends with it. `browser` is
        what the person will know it by, `flight` how they came.
        """
        now = self._clock()
        ended: list[str] = []
        with self._database.writing() as connection:
            user = _remember(connection, profile, now=now)
            grant_id = self._grants.add(
                connection, user.id, token_set, browser=browser, flight=flight, now=now
            )
            self._claims.settle(connection, state, Outcome.SIGNED_IN, grant_id=grant_id, now=now)
            if replacing is not None:
                ended = self._grants.end(connection, replacing, EndReason.REPLACED, now=now)
        self._outbox.deliver_soon(ended)
        if ended:
            because = EndReason.REPLACED.value
            self._events.record(Event.BROWSER_ENDED, grant_id=replacing, because=because)
        return Person(
            user_id=user.id,
            grant_id=grant_id,
            profile=profile,
            scopes=token_set.scopes,
            signed_in_at=now,
            cache_epoch=user.cache_epoch,
            follows_epoch=user.follows_epoch,
        )

    def find(self, grant_id: str) -> Person | None:
        """Return the person of a living grant. One statement: this runs for every page view.

        A grant that outlived its idle or absolute lifetime is ended here and now.
        """
        with self._database.reading() as connection:
            row = connection.execute(_LIVING, {"grant_id": grant_id}).one_or_none()
        if row is None or not self._still_lives(grant_id, row.created_at, row.seen_at):
            return None
        return Person(
            user_id=row.id,
            grant_id=grant_id,
            profile=Profile.from_json(row.profile),
            scopes=frozenset(row.scopes.split()),
            signed_in_at=row.created_at,
            cache_epoch=row.cache_epoch,
            follows_epoch=row.follows_epoch,
        )

    def follows_changed(self, user_id: int) -> None:
        """Let all workers read anew what depends on whom this person follows, and nothing else."""
        with self._database.writing() as connection:
            one_more = {User.follows_epoch: User.follows_epoch + 1}
            connection.execute(update(User).where(User.id == user_id).values(one_more))

    def forget(self, user_id: int) -> None:
        """Disconnect a person: end all their grants and delete every row of theirs.

        One transaction. Only sealed tokens stay in the outbox, until Twitter was told to kill them.
        Copies of what was read for them are dropped where they can be reached; nothing finds the
        others, and they last a day at most.
        """
        with self._database.writing() as connection:
            # Another tab may be signing in: it comes before us, or starts anew after us.
            person = select(User.twitter_id).where(User.id == user_id).with_for_update()
            twitter_ids = list(connection.execute(person).scalars())
            theirs = select(Grant.id).where(Grant.user_id == user_id)
            grants = list(connection.execute(theirs).scalars())
            ended = self._grants.end_all(
                connection, grants, EndReason.DISCONNECTED, now=self._clock()
            )
            connection.execute(delete(UsedState).where(UsedState.grant_id.in_(grants)))
            connection.execute(delete(Grant).where(Grant.user_id == user_id))
            connection.execute(delete(Usage).where(Usage.user_id == user_id))
            connection.execute(delete(User).where(User.id == user_id))
        self._outbox.deliver_soon(ended)
        self._copies.drop(twitter_ids)
        self._events.record(Event.DISCONNECTED, grants=len(grants))

    def export(self, user_id: int) -> dict[str, Any]:
        """Return everything stored about a person, without the values of tokens."""
        with self._database.snapshot() as connection:
            users = select(*User.__table__.c).where(User.id == user_id)
            grants = select(*Grant.__table__.c).where(Grant.user_id == user_id)
            usage = select(*Usage.__table__.c).where(Usage.user_id == user_id)
            return {
                "user": _open(connection.execute(users).mappings().one()),
                "grants": [_open(row) for row in connection.execute(grants).mappings()],
                "usage": [_open(row) for row in connection.execute(usage).mappings()],
            }

    def prune(self, *, now: datetime) -> int:
        """Delete grants that ended a month ago; return how many. They hold no tokens."""
        old = Grant.ended_at < now - ENDED_KEPT
        with self._database.writing() as connection:
            return connection.execute(delete(Grant).where(old)).rowcount

    def _still_lives(self, grant_id: str, created_at: datetime, seen_at: datetime) -> bool:
        now = self._clock()
        if now - seen_at > self._lifetimes.idle or now - created_at > self._lifetimes.absolute:
            self._browsers.end([grant_id], EndReason.EXPIRED)
            return False
        if now - seen_at > SEEN_EVERY:
            with self._database.writing() as connection:
                connection.execute(_SEEN, {"grant_id": grant_id, "seen_at": now})
        return True


def _open(row: RowMapping) -> dict[str, Any]:
    """Return a row as plain data; of a token only whether there is one."""
    return {
        name: value is not None if name in {"access_token", "refresh_token"} else _plain(value)
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
        # Anywhere, not zero: who comes back after having been forgotten finds nothing read.
        "cache_epoch": secrets.randbits(30),
        "created_at": now,
        "signed_in_at": now,
    }
    return connection.execute(_REMEMBERED[connection.dialect.name], row).one()
