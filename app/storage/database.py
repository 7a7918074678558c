"""Short transactions on SQLite and PostgreSQL alike.

SQLite runs in WAL mode. A transaction that reads and then writes must say so at its start
(`writing`): otherwise it fails at once when another one writes in between, however long the busy
timeout. On SQLite, one statement that only reads needs no transaction (`reading`). Nobody holds a
transaction while waiting for Twitter.

On PostgreSQL nothing of ours outlives a transaction: no setting, no prepared statement, no startup
parameter that a pooler would have to know. So PgBouncer may stand between, in transaction pooling
too. The message that begins a transaction also sets its limits, and shows whether the connection
lives: one that is lost at that moment is replaced.

Statements that run at a sign-in or for a page stand at the top of their modules, made once, with
named holes (`bindparam`) for values: to make one takes SQLAlchemy ten times as long as to run it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    DateTime,
    Dialect,
    Double,
    Engine,
    ExceptionContext,
    event,
    make_url,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeDecorator

BUSY_SECONDS = 5.0
# What one short write takes at most: a wait for its lock, and as long again for its commit, or for
# the news that the line is dead.
WRITE_SECONDS = 2 * BUSY_SECONDS
# Background work (revocations) opens connections beside the threads that answer requests.
_BACKGROUND_CONNECTIONS = 8

_CLOCKS = {
    "sqlite": "((julianday('now') - 2440587.5) * 86400.0)",
    "postgresql": "cast(extract(epoch from clock_timestamp()) as double precision)",
}
# Both know ON CONFLICT, each in words of its own.
Insert = sqlite.Insert | postgresql.Insert
INSERTS: Mapping[str, Callable[[type], Insert]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}

# Limits of one transaction: no page waits longer for a lock. Milliseconds.
_MILLISECONDS = int(BUSY_SECONDS * 1000)
_LOCKS = f"SET LOCAL lock_timeout = {_MILLISECONDS}"
_LIMITS = f"{_LOCKS}; SET LOCAL statement_timeout = {_MILLISECONDS}"
# What begins each kind of transaction.
_READING = {"sqlite": "", "postgresql": f"BEGIN READ ONLY; {_LIMITS}"}
_SNAPSHOT = {
    "sqlite": "BEGIN",
    "postgresql": f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {_LIMITS}",
}
WRITING = {"sqlite": "BEGIN IMMEDIATE", "postgresql": f"BEGIN; {_LIMITS}"}
# A migration may take longer than a page. It still does not wait long for a lock.
MIGRATING = {
    "sqlite": "BEGIN IMMEDIATE",
    "postgresql": f"BEGIN; {_LOCKS}; SET LOCAL statement_timeout = 0",
}

# The primary has become a standby (or is for reading only): a connection to it is of no use.
_READ_ONLY_SQL_TRANSACTION = "25006"

_PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON")


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC, aware in Python whatever the store keeps."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive moments: nobody can tell what they mean."""
        if value and value.tzinfo is None:
            raise ValueError("a moment without a time zone")
        moment = value and value.astimezone(UTC)
        return moment.replace(tzinfo=None) if moment and dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give back an aware moment."""
        if value is None:
            return None
        # SQLite keeps no time zone; PostgreSQL answers in that of the session.
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


class Database:
    """The app's engine, as three kinds of short transaction."""

    def __init__(self, engine: Engine) -> None:
        """Set the engine up for its store."""
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _set_up_sqlite)
        else:
            event.listen(engine, "handle_error", _give_up_a_standby)
        self._engine = engine

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a connection for reading, each statement by itself."""
        with self._engine.connect() as connection:
            begin(connection, _READING)
            yield connection

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Open a transaction for reading: all its statements see the same moment."""
        with self._engine.connect() as connection:
            begin(connection, _SNAPSHOT)
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that may read and write; it commits unless an exception leaves it."""
        with self._engine.connect() as connection:
            begin(connection, WRITING)
            yield connection
            connection.commit()


class StoreClock(ColumnElement[float]):
    """The store's own time in seconds since 1970: process clocks disagree."""

    type = Double()
    inherit_cache = True


@compiles(StoreClock)
def _clock(_: StoreClock, compiler: SQLCompiler, **_options: object) -> str:
    return _CLOCKS[compiler.dialect.name]


STORE_CLOCK = StoreClock()
_NOW = select(STORE_CLOCK)


def store_time(connection: Connection) -> datetime:
    """Return the time by the store's clock, aware and in UTC."""
    return datetime.fromtimestamp(connection.execute(_NOW).scalar_one(), tz=UTC)


def engine_options(url: str, *, threads: int) -> dict[str, Any]:
    """Return how to build the engine: a connection for every thread, no values in error texts.

    What `url` itself says about a connection stays as it says.
    """
    options: dict[str, Any] = {
        "hide_parameters": True,
        "pool_size": threads,
        "max_overflow": _BACKGROUND_CONNECTIONS,
        "pool_timeout": BUSY_SECONDS,
    }
    if url.startswith("sqlite"):
        return options | {"connect_args": {"timeout": BUSY_SECONDS}}
    ours: dict[str, Any] = {
        "connect_timeout": int(BUSY_SECONDS),
        "tcp_user_timeout": int(WRITE_SECONDS * 1000),
        # A server without an encoding (SQL_ASCII) would hand out bytes.
        "client_encoding": "utf8",
        # A pooler gives the next transaction another server, which has not prepared anything.
        "prepare_threshold": None,
    }
    given = make_url(url).query
    return options | {
        "pool_recycle": 1800,
        "isolation_level": "AUTOCOMMIT",  # for the driver: `begin` begins our transactions
        "connect_args": {name: value for name, value in ours.items() if name not in given},
    }


def begin(connection: Connection, kind: Mapping[str, str]) -> None:
    """Begin a transaction of that `kind` here and now, on a connection that lives.

    SQLite's driver would begin one before the first statement that writes, and none for what is
    read before that, nor for what changes the schema. An event of SQLAlchemy could begin each of
    them, but an engine that anybody listens to takes half as long again for every statement.
    """
    statement = kind[connection.dialect.name]
    if not statement:
        return
    try:
        connection.exec_driver_sql(statement)
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        # The server has gone away since the pool gave it out last. Nothing was done yet.
        connection.rollback()
        connection.exec_driver_sql(statement)


def _give_up_a_standby(context: ExceptionContext) -> None:
    """Count SQLSTATE 25006 as a lost connection: the whole pool goes, and finds the new primary."""
    if getattr(context.original_exception, "sqlstate", None) == _READ_ONLY_SQL_TRANSACTION:
        context.is_disconnect = True


def _set_up_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own class
    _keep_private(connection.execute("PRAGMA database_list").fetchone()[2])
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _keep_private(path: str) -> None:
    """Let only its user read a database, whatever made it; SQLite gives new side files its mode."""
    for file in (Path(path), Path(f"{path}-wal"), Path(f"{path}-shm")) if path else ():
        with contextlib.suppress(OSError):  # another user's, not there, or on a disk for reading
            if file.stat().st_mode & 0o077:
                file.chmod(0o600)
