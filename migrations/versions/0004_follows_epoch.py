"""A number that rises when somebody follows or unfollows.

Revision ID: 0004
Revises: 0003
Create Date: 2026-11-28
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column. Older code does not raise it; it raises the other one, which counts more."""
    column = sa.Column("follows_epoch", sa.Integer(), server_default="0", nullable=False)
    op.add_column("users", column)


def downgrade() -> None:
    """Drop it."""
    op.drop_column("users", "follows_epoch")
