"""The two stores. A test runs on SQLite unless its statement or its lock differs on PostgreSQL."""

import contextlib

import pytest

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
