"""Where Alembic meets the app: its engine, its tables."""

from __future__ import annotations

from alembic import context
from flask import current_app
from sqlalchemy import Connection

from app.storage.database import MIGRATING, begin

database = current_app.extensions["migrate"].db


def configured() -> None:
    """Run the migrations in one transaction, on SQLite too, so that half of one never stays."""
    with database.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            # To rebuild a table that others refer to, SQLite drops it, which would delete their
            # rows too. Inside a transaction this changes nothing.
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            connection.commit()
        context.configure(
            connection=connection,
            target_metadata=database.metadata,
            render_as_batch=True,
            transactional_ddl=True,
        )
        with context.begin_transaction():
            begin(connection, MIGRATING)
            context.run_migrations()
            check_foreign_keys(connection)
        connection.invalidate()  # the pool must not keep a connection without foreign keys


def check_foreign_keys(connection: Connection) -> None:
    """Refuse to commit rows of SQLite that refer to none; PostgreSQL sees to that by itself."""
    if connection.dialect.name == "sqlite":
        lost = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if lost:
            raise RuntimeError(f"rows of {lost[0][0]} would refer to nothing")


configured()
