"""People as an operator knows them: by the name, which changes, and by the id, which does not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select

from app.accounts.models import User
from app.storage.database import Database


@dataclass(frozen=True, slots=True)
class Named:
    """A person, the name that they had when they signed in last, and when that was."""

    user_id: int
    twitter_id: str
    username: str
    signed_in_at: datetime

    def __str__(self) -> str:
        """Write the name, and the id that never changes."""
        return f"@{printable(self.username)} (Twitter id {self.twitter_id})"


def printable(text: str) -> str:
    """Return text of others as a terminal may show it, without its control characters."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text)


def people_named(database: Database, username: str) -> list[Named]:
    """Return the people who went by `username` when they signed in last. Names change hands."""
    # Without an index, which each sign-in would pay for: operators ask, and seldom.
    return _found(database, func.lower(User.username) == username.lower())


def person_with_id(database: Database, twitter_id: str) -> Named | None:
    """Return the person with this id at Twitter; None if they are unknown here."""
    return next(iter(_found(database, User.twitter_id == twitter_id)), None)


def _found(database: Database, which: ColumnElement[bool]) -> list[Named]:
    query = select(User.id, User.twitter_id, User.username, User.signed_in_at).where(which)
    with database.reading() as connection:
        return [Named(*row) for row in connection.execute(query.order_by(User.id))]
