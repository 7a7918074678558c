"""Where Alembic meets the app: its engine, its tables."""

from __future__ import annotations

from alembic import context
from flask import current_app

from app.database import begin_sqlite

database = current_app.extensions["migrate"].db


def configured() -> None:
    """Run the migrations in one transaction, on SQLite too, so that half of one never stays."""
    with database.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            # A migration may take longer than a page. It still does not wait long for a lock.
            connection.exec_driver_sql("SET statement_timeout = 0")
            connection.commit()
        context.configure(
            connection=connection,
            target_metadata=database.metadata,
            render_as_batch=True,
            transactional_ddl=True,
        )
        with context.begin_transaction():
            begin_sqlite(connection, "BEGIN IMMEDIATE")
            context.run_migrations()


configured()
