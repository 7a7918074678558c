"""How each sign-in went, kept with its grant.

Revision ID: 0003
Revises: 0002
Create Date: 2026-11-24
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column. Older code does not fill it, so it may be empty."""
    op.add_column("grants", sa.Column("flight", sa.JSON()))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("grants", "flight")
