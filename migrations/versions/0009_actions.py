"""Actions are performed once, and each topic of an action has an epoch of its own.

Revision ID: 0009
Revises: 0008
Create Date: 2026-11-29
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table, and the column of all epochs in place of that of follows."""
    op.create_table(
        "actions",
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("target_id", sa.String(40), nullable=False),
        sa.Column("once", sa.String(40), nullable=False),
        sa.Column("result", sa.String(16)),
        sa.Column("performed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "action", "target_id", "once", name="pk_actions"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_actions_user_id_users", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_actions_performed_at", "actions", ["performed_at"])
    op.add_column("users", sa.Column("epochs", sa.JSON(), server_default="{}", nullable=False))
    # The epochs themselves need not survive: `cache_epoch` makes older reads unreachable.
    op.execute("UPDATE users SET cache_epoch = cache_epoch + 1")
    op.drop_column("users", "follows_epoch")


def downgrade() -> None:
    """Drop the table and the epochs."""
    column = sa.Column("follows_epoch", sa.Integer(), server_default="0", nullable=False)
    op.add_column("users", column)
    op.execute("UPDATE users SET cache_epoch = cache_epoch + 1")
    op.drop_column("users", "epochs")
    op.drop_table("actions")
