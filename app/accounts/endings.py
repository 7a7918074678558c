"""Endings stop the sign-ins that are under way: a callback that comes late must not undo them.

A row holds a hash of the Twitter id, because a person who disconnects leaves no other row behind.
"""

from __future__ import annotations

from sqlalchemy import Connection, Executable, bindparam, delete, select

from app.accounts.models import Ending
from app.accounts.used_states import hashed
from app.storage.database import STORE_CLOCK, Insert, Upsert

# Longer than a sign-in may be under way: a flow cookie lives ten minutes.
KEPT_SECONDS = 15 * 60.0


def _noting(row: Insert) -> Executable:
    noted = row.values(ended_at=STORE_CLOCK)
    return noted.on_conflict_do_update(
        index_elements=[Ending.twitter_id_hash], set_={"ended_at": STORE_CLOCK}
    )


# When the person behind `twitter_id_hash` ended everything last; part of a larger statement.
ENDED_AT = (
    select(Ending.ended_at)
    .where(
        Ending.twitter_id_hash == bindparam("twitter_id_hash"),
        Ending.ended_at > STORE_CLOCK - KEPT_SECONDS,
    )
    .scalar_subquery()
)
_NOTE = Upsert(Ending, _noting)


def note(connection: Connection, twitter_id: str) -> None:
    """Note that a person ended everything just now."""
    row = {"twitter_id_hash": hashed(twitter_id)}
    connection.execute(_NOTE.on(connection), row)


def holds_against(ended_at: float | None, *, began: float) -> bool:
    """Tell whether an ending stops a sign-in that `began` then. Both are the store's time."""
    return ended_at is not None and began <= ended_at


def prune(connection: Connection) -> int:
    """Delete endings that are older than any sign-in under way; return how many."""
    old = Ending.ended_at < STORE_CLOCK - KEPT_SECONDS
    return connection.execute(delete(Ending).where(old)).rowcount
