"""Whether a person has signed in since: their older tokens are dead then, and must not be revoked.

At X, to revoke a token that a newer sign-in has replaced can end that sign-in.
"""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select

from app.accounts.models import Grant, User
from app.storage.database import Moment, store_seconds

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


def has_signed_in_since(connection: Connection, twitter_id: str, moment: Moment) -> bool:
    """Tell whether a living grant of this person was exchanged at `moment` or later.

    Locks the person until the end of the caller's transaction: no sign-in is stored meanwhile.
    """
    connection.execute(_LOCK, {"twitter_id": twitter_id})
    since = moment.seconds(store_now=store_seconds(connection))
    values = {"twitter_id": twitter_id, "since": since}
    return connection.execute(_NEWER, values).scalar_one_or_none() is not None
