"""Makes what was read for all people unreachable, in the memory of every process too.

The epoch is part of every cache key.
"""

from __future__ import annotations

from sqlalchemy import bindparam, exists, select, update

from app.accounts.models import Grant, User
from app.storage.database import Database

BATCH = 500

# The end of a grant has raised the epoch of all others. Sign-ins lock people in the same order.
_NEXT = (
    select(User.id)
    .where(
        User.id > bindparam("after"),
        exists().where(Grant.user_id == User.id, Grant.ended_at.is_(None)),
    )
    .order_by(User.id)
    .limit(bindparam("batch"))
    .with_for_update(key_share=True)
)
_RAISE = (
    update(User)
    .where(User.id.in_(bindparam("ids", expanding=True)))
    .values({User.cache_epoch: User.cache_epoch + 1})
)


def raise_all(database: Database) -> int:
    """Raise the epoch of all people with a living grant; return how many there are.

    A batch of them in each transaction, so that no sign-in waits long.
    """
    raised = after = 0
    while True:
        with database.writing() as connection:
            ids = connection.execute(_NEXT, {"after": after, "batch": BATCH}).scalars().all()
            if ids:
                connection.execute(_RAISE, {"ids": ids})
        raised += len(ids)
        if len(ids) < BATCH:
            return raised
        after = ids[-1]
