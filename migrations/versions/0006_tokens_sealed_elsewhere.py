"""Tokens go into the outbox as they were sealed: a column says for which place.

The site may go on meanwhile. Older code finds no way into such a row and leaves it to newer code.

Revision ID: 0006
Revises: 0005
Create Date: 2026-11-29
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; rows without it are sealed for themselves."""
    op.add_column("revocations", sa.Column("sealed_for", sa.Text()))


def downgrade() -> None:
    """Drop the column. Deliver what waits first: older code cannot open it."""
    op.drop_column("revocations", "sealed_for")
