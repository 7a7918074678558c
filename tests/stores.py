"""The two stores. A test runs on SQLite unless its statement or its lock differs on PostgreSQL."""

import pytest

STORES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]

on_both_stores = pytest.mark.parametrize("database_url", STORES, indirect=True)
