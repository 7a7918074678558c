"""Where Alembic meets the app: its engine, its tables."""

from __future__ import annotations

import click
from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo
from flask import current_app
from sqlalchemy import Connection

from app.accounts.models import declare_for_postgresql
from app.storage.database import MIGRATING, begin

database = current_app.extensions["migrate"].db
declare_for_postgresql()


TYPED = click.get_current_context(silent=True)


def told(*, step: MigrationInfo, **_given: object) -> None:
    """Tell a person at a terminal of one migration."""
    if TYPED and step.up_revision:
        did = "Upgraded to" if step.is_upgrade else "Downgraded from"
        click.echo(f"{did} {step.up_revision_id}: {step.up_revision.doc}")


def tell_the_version(connection: Connection) -> None:
    """Say at the end of an upgrade or downgrade what the tables are now."""
    if TYPED and TYPED.info_name in {"upgrade", "downgrade"}:
        version = MigrationContext.configure(connection).get_current_revision()
        click.echo(f"The tables are of version {version}." if version else "There are no tables.")


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
            on_version_apply=told,
        )
        with context.begin_transaction():
            begin(connection, MIGRATING)
            context.run_migrations()
            check_foreign_keys(connection)
        tell_the_version(connection)
        connection.invalidate()  # the pool must not keep a connection without foreign keys


def check_foreign_keys(connection: Connection) -> None:
    """Refuse to commit rows of SQLite that refer to none; PostgreSQL sees to that by itself."""
    if connection.dialect.name == "sqlite":
        lost = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        if lost:
            raise RuntimeError(f"rows of {lost[0][0]} would refer to nothing")


configured()
