"""Who a person is here: welcomed by a sign-in, found by the handle in their session."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask_login import UserMixin
from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from app.accounts.claims import Claims, Outcome
from app.accounts.grants import Because, Grants
from app.accounts.models import Grant, User
from app.accounts.revocations import Outbox
from app.database import Database
from app.twitter.entities import User as Profile
from app.twitter.token_set import TokenSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Person(UserMixin):  # type: ignore[misc] # Flask-Login ships no types
    """A signed-in person in one browser. Flask-Login knows them by the handle of their grant."""

    user_id: int
    grant_id: str
    profile: Profile
    scopes: frozenset[str]
    signed_in_at: datetime

    def get_id(self) -> str:
        """Return what the session carries: the grant, so that ending it signs this browser out."""
        return self.grant_id


class People:
    """Welcomes people, finds them again, and lets them go."""

    def __init__(self, database: Database, grants: Grants, claims: Claims, outbox: Outbox) -> None:
        """Work on `database`; tokens of those who leave go through `outbox`."""
        self._database = database
        self._grants = grants
        self._claims = claims
        self._outbox = outbox

    def welcome(
        self,
        profile: Profile,
        token_set: TokenSet,
        *,
        state: str,
        replacing: str | None,
        now: datetime,
    ) -> Person:
        """Sign a person in: their row, a new grant, and the outcome of the claimed `state`.

        One transaction: two first sign-ins at once make one person, and a crash leaves nothing
        half signed in. The older grant of this browser, `replacing`, ends with it.
        """
        ended: list[str] = []
        with self._database.writing() as connection:
            user_id = _remember(connection, profile, now=now)
            grant_id = self._grants.add(connection, user_id, token_set, now=now)
            self._claims.settle(connection, state, Outcome.SIGNED_IN, grant_id=grant_id, now=now)
            if replacing is not None:
                ended = self._grants.end(connection, replacing, Because.REPLACED, now=now)
        self._outbox.deliver_soon(ended)
        return Person(
            user_id=user_id,
            grant_id=grant_id,
            profile=profile,
            scopes=token_set.scopes,
            signed_in_at=now,
        )

    def find(self, grant_id: str) -> Person | None:
        """Return the person of a living grant. One statement: this runs for every page view."""
        query = (
            select(User.id, User.profile, Grant.scopes, Grant.created_at)
            .join(Grant, Grant.user_id == User.id)
            .where(Grant.id == grant_id, Grant.ended_at.is_(None))
        )
        with self._database.reading() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        return Person(
            user_id=row[0],
            grant_id=grant_id,
            profile=Profile.from_json(row[1]),
            scopes=frozenset(row[2].split()),
            signed_in_at=row[3],
        )

    def log_out(self, grant_id: str, *, now: datetime) -> None:
        """End this browser's grant. Local and immediate; Twitter is told in the background."""
        with self._database.writing() as connection:
            ended = self._grants.end(connection, grant_id, Because.LOGGED_OUT, now=now)
        self._outbox.deliver_soon(ended)


def _remember(connection: Connection, profile: Profile, *, now: datetime) -> int:
    """Insert or update the person with this Twitter id; return their id here.

    The id decides, never the name: a renamed account stays itself, a recycled name inherits
    nothing.
    """
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    seen = {"username": profile.username, "profile": profile.to_json(), "signed_in_at": now}
    statement = (
        insert(User)
        .values(twitter_id=profile.id, created_at=now, **seen)
        .on_conflict_do_update(index_elements=[User.twitter_id], set_=seen)
        .returning(User.id)
    )
    return int(connection.execute(statement).scalar_one())
