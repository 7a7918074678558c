"""The two stores. A test runs on SQLite unless its statement or its lock differs on PostgreSQL."""

import contextlib
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.accounts.models import UsedState

STORES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]

on_both_stores = pytest.mark.parametrize("database_url", STORES, indirect=True)


def make_read_only(app, *, connections=2):
    """Make the connections that `app` has pooled those of a standby; new ones reach a primary."""
    database = app.extensions["perch"].database
    with contextlib.ExitStack() as stack:
        for _ in range(connections):
            connection = stack.enter_context(database.reading())
            connection.rollback()
            connection.exec_driver_sql("SET default_transaction_read_only = on")


def age_used_states(app, **by):
    """Have every state be used, and its outcome be known, as much earlier: its clock stays."""
    earlier = timedelta(**by)
    with app.extensions["perch"].database.writing() as connection:
        for row in connection.execute(select(*UsedState.__table__.c)).all():
            connection.execute(
                update(UsedState)
                .where(UsedState.state_hash == row.state_hash)
                .values(
                    used_at=row.used_at - earlier,
                    recorded_at=row.recorded_at and row.recorded_at - earlier,
                )
            )
