"""People, their grants, used states, and the outbox of revocations.

Revision ID: 0001
Revises:
Create Date: 2026-11-23
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    """Return a column for a moment in UTC."""
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    """Create the four tables."""
    op.create_table(
        "users",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True),
        sa.Column("twitter_id", sa.String(19), nullable=False),
        sa.Column("username", sa.Text(), nullable=False),
        sa.Column("profile", sa.JSON(), nullable=False),
        sa.Column("cache_epoch", sa.Integer(), server_default="0", nullable=False),
        moment("created_at"),
        moment("signed_in_at"),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("twitter_id", name="uq_users_twitter_id"),
    )
    op.create_table(
        "grants",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("access_token", sa.Text()),
        sa.Column("refresh_token", sa.Text()),
        sa.Column("scopes", sa.Text(), nullable=False),
        moment("issued_at"),
        moment("expires_at"),
        sa.Column("generation", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lease_owner", sa.String(32)),
        sa.Column("lease_until", sa.Double()),
        sa.Column("browser", sa.Text(), nullable=False),
        moment("created_at"),
        moment("seen_at"),
        moment("ended_at", nullable=True),
        sa.Column("ended_because", sa.String(32)),
        sa.PrimaryKeyConstraint("id", name="pk_grants"),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_grants_user_id_users", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_grants_user_id", "grants", ["user_id"])
    op.create_index("ix_grants_ended_at", "grants", ["ended_at"])
    op.create_table(
        "claims",
        sa.Column("state_hash", sa.String(64), nullable=False),
        sa.Column("code_hash", sa.String(64), nullable=False),
        moment("claimed_at"),
        sa.Column("outcome", sa.String(16)),
        sa.Column("grant_id", sa.String(32)),
        moment("settled_at", nullable=True),
        sa.PrimaryKeyConstraint("state_hash", name="pk_claims"),
    )
    op.create_index("ix_claims_claimed_at", "claims", ["claimed_at"])
    op.create_table(
        "revocations",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("token_type_hint", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("refusals", sa.Integer(), server_default="0", nullable=False),
        moment("created_at"),
        sa.Column("due_at", sa.Double(), nullable=False),
        moment("parked_at", nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_revocations"),
    )
    op.create_index("ix_revocations_due_at", "revocations", ["due_at"])


def downgrade() -> None:
    """Drop them, those that refer to others first."""
    for table in ("revocations", "claims", "grants", "users"):
        op.drop_table(table)
