"""Whether a person has signed in since: their older tokens are dead then, and must not be revoked.

At X, to revoke a token that a newer sign-in has replaced can end that sign-in.
"""

from __future__ import annotations

from sqlalchemy import Connection, Executable, bindparam, delete, select

from app.accounts.models import Grant, User
from app.storage.database import STORE_NOW, Insert, Moment, Upsert, store_seconds

_LOCK = (
    select(User.id)
    .where(User.twitter_id == bindparam("twitter_id"))
    .with_for_update(key_share=True)
)
_NEWER = (
    select(Grant.id)
    .join(User, User.id == Grant.user_id)
    .where(
        User.twitter_id == bindparam("twitter_id"),
        Grant.ended_at.is_(None),
        Grant.exchanged_at >= bindparam("since"),
    )
)


def _holding(row: Insert) -> Executable:
    held = row.values(created_at=STORE_NOW, signed_in_at=STORE_NOW)
    return held.on_conflict_do_nothing(index_elements=[User.twitter_id]).returning(User.id)


_HOLD_PLACE = Upsert(User, _holding)


def has_signed_in_since(connection: Connection, twitter_id: str, moment: Moment) -> bool:
    """Tell whether a living grant of this person was exchanged at `moment` or later.

    Locks the person until the end of the caller's transaction: no sign-in is stored meanwhile.
    """
    if connection.execute(_LOCK, {"twitter_id": twitter_id}).first() is None:
        hold_place(connection, twitter_id)
        connection.execute(_LOCK, {"twitter_id": twitter_id})
    since = moment.seconds(store_now=store_seconds(connection))
    values = {"twitter_id": twitter_id, "since": since}
    return connection.execute(_NEWER, values).scalar_one_or_none() is not None


def hold_place(connection: Connection, twitter_id: str) -> None:
    """Insert an empty row of a person, and delete it.

    So a first sign-in that is being stored, whose row is not seen yet, comes whole before this
    transaction, or after it, and finds what this one notes.
    """
    row = {"twitter_id": twitter_id, "username": "", "profile": {}}
    held = connection.execute(_HOLD_PLACE.on(connection), row).scalar_one_or_none()
    connection.execute(delete(User).where(User.id == held))
