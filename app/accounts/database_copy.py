"""Copy every row to another database: all of them, or none.

Both databases are locked for writing meanwhile. The target must have the same tables and no rows.
The copy is read back and compared before anything is committed. Sealed tokens travel as they are,
because the rows to which they are bound travel with them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sqlalchemy import Connection, Table, func, insert, select, text

from app.accounts.models import User
from app.storage.database import Database
from app.storage.extensions import Model

BATCH = 500
# A fingerprint is a sum: stores sort differently, and a sum does not mind.
_MODULUS = 2**256


class CannotCopy(Exception):
    """Nothing was copied; the text says why, for the operator."""


@dataclass(frozen=True, slots=True)
class Copied:
    """One table that has arrived, row by row as it was."""

    table: str
    rows: int


def copy(source: Database, target: Database) -> Iterator[Copied]:
    """Copy all rows to the empty `target`; yield after each table, commit after the last.

    A caller that stops half way rolls everything back. Raises `CannotCopy`.
    """
    with source.writing() as here, target.writing() as there:
        _compare_versions(_version(here), _version(there))
        for connection in (here, there):
            _keep_others_from_writing(connection)
        _refuse_rows(there)
        for table in tables():
            for batch in _batches(here, table):
                there.execute(insert(table), batch)
            before, after = _fingerprint(here, table), _fingerprint(there, table)
            if before != after:
                raise CannotCopy(f"{table.name} did not arrive as it was. Nothing was copied.")
            yield Copied(table.name, after[0])
        _count_on(here, there)


def tables() -> list[Table]:
    """Return our tables, those that others refer to first."""
    return Model.metadata.sorted_tables


def _keep_others_from_writing(connection: Connection) -> None:
    """Lock the tables; on SQLite, a transaction that may write is the lock already."""
    if connection.dialect.name == "postgresql":
        names = ", ".join(f'"{table.name}"' for table in tables())
        connection.execute(text(f"LOCK TABLE {names} IN EXCLUSIVE MODE"))


def _version(connection: Connection) -> str | None:
    """Return the version of the tables, or None if there are none."""
    if not connection.dialect.has_table(connection, "alembic_version"):
        return None
    version: str | None = connection.execute(
        text("SELECT version_num FROM alembic_version")
    ).scalar()
    return version


def _compare_versions(here: str | None, there: str | None) -> None:
    upgrade = "DATABASE_URL=(the target) flask --app wsgi db upgrade"
    if here is None:
        raise CannotCopy("The database of this site has no tables: there is nothing to copy.")
    if there is None:
        raise CannotCopy(f"The target has no tables yet. Run: {upgrade}")
    if here != there:
        raise CannotCopy(
            f"The tables are of version {here} here and {there} there. Bring both up to date first."
        )


def _refuse_rows(connection: Connection) -> None:
    for table in tables():
        if connection.execute(select(1).select_from(table).limit(1)).first():
            raise CannotCopy(f"The target is not empty: it has rows in {table.name}.")


def _batches(connection: Connection, table: Table) -> Iterator[list[dict[str, Any]]]:
    """Yield all rows, few of them in memory at a time."""
    rows = connection.execute(select(table).execution_options(yield_per=BATCH))
    for part in rows.mappings().partitions():
        yield [dict(row) for row in part]


def _fingerprint(connection: Connection, table: Table) -> tuple[int, int]:
    """Return how many rows there are, and a number that changes when any value does."""
    count = total = 0
    for batch in _batches(connection, table):
        for row in batch:
            line = json.dumps(row, sort_keys=True, default=repr)
            total = (total + int.from_bytes(sha256(line.encode()).digest())) % _MODULUS
        count += len(batch)
    return count, total


def _count_on(here: Connection, there: Connection) -> None:
    """Let the target go on numbering people where the source is, so that no id comes back.

    PostgreSQL hands out numbers without looking at the rows; SQLite looks at the living ones.
    """
    last = max(_last_id(here), there.execute(select(func.max(User.id))).scalar() or 0)
    if last == 0:
        return
    if there.dialect.name == "postgresql":
        there.execute(select(func.setval(_SEQUENCE, last)))
        return
    for statement in (
        "DELETE FROM sqlite_sequence WHERE name = 'users'",
        "INSERT INTO sqlite_sequence (name, seq) VALUES ('users', :last)",
    ):
        there.execute(text(statement), {"last": last} if ":last" in statement else {})


_SEQUENCE = func.pg_get_serial_sequence(User.__tablename__, "id")


def _last_id(connection: Connection) -> int:
    """Return the highest id that was ever handed out to a person; 0 if none was."""
    if connection.dialect.name == "postgresql":
        sequence = connection.execute(select(_SEQUENCE)).scalar_one()
        query = f"SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {sequence}"  # noqa: S608
    else:
        query = "SELECT max(seq) FROM sqlite_sequence WHERE name = 'users'"
    return connection.execute(text(query)).scalar() or 0
