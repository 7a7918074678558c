"""Revocations that X reports, until their grants are tried.

Revision ID: 0007
Revises: 0006
Create Date: 2026-11-29
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table. Older code leaves it alone."""
    op.create_table(
        "revocation_events",
        sa.Column("event_uuid", sa.String(64), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True)),
        sa.Column("received_at", sa.Double(), nullable=False),
        sa.Column("due_at", sa.Double()),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("event_uuid", name="pk_revocation_events"),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name="fk_revocation_events_user_id_users",
            ondelete="CASCADE",
        ),
    )
    op.create_index("ix_revocation_events_user_id", "revocation_events", ["user_id"])
    op.create_index("ix_revocation_events_due_at", "revocation_events", ["due_at"])


def downgrade() -> None:
    """Drop it. A grant that X ended is noticed at its next refresh."""
    op.drop_table("revocation_events")
