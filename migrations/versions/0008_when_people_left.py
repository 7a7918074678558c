"""Note when a person's last session ended, so that their rows can be deleted some time after it.

The site may go on meanwhile: older code leaves the column alone.

Revision ID: 0008
Revises: 0007
Create Date: 2026-11-29
"""

from __future__ import annotations

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_TIME = sa.DateTime(timezone=True)
_users = sa.table("users", sa.column("id"), sa.column("left_at", _TIME))
_sessions, _grants = (
    sa.table(name, sa.column("user_id"), sa.column("ended_at", _TIME))
    for name in ("sessions", "grants")
)


def upgrade() -> None:
    """Add the column. Of people without a session, take the latest end that has a row, or now."""
    op.add_column("users", sa.Column("left_at", _TIME))
    op.create_index("ix_users_left_at", "users", ["left_at"])
    last_session, last_grant = (
        sa.select(sa.func.max(t.c.ended_at)).where(t.c.user_id == _users.c.id).scalar_subquery()
        for t in (_sessions, _grants)
    )
    signed_in = sa.exists().where(
        _sessions.c.user_id == _users.c.id, _sessions.c.ended_at.is_(None)
    )
    now = sa.bindparam("now", datetime.now(UTC), type_=_TIME)
    left_at = sa.case(
        (last_grant > last_session, last_grant),
        else_=sa.func.coalesce(last_session, last_grant, now),
    )
    op.execute(_users.update().where(~signed_in).values(left_at=left_at))


def downgrade() -> None:
    """Drop the column: people who left stay."""
    op.drop_index("ix_users_left_at", "users")
    op.drop_column("users", "left_at")
