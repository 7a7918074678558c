"""Short transactions on SQLite and PostgreSQL alike.

SQLite runs in WAL mode. A transaction that reads and then writes must say so at its start
(`writing`): otherwise it fails at once when another one writes in between, however long the busy
timeout. One statement that only reads needs no transaction, and so two round trips less
(`reading`). Nobody holds a transaction while waiting for Twitter.

Statements that run at a sign-in or for a page stand at the top of their modules, made once, with
named holes (`bindparam`) for values: to make one takes SQLAlchemy ten times as long as to run it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, DateTime, Dialect, Double, Engine, event, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import TypeDecorator

BUSY_SECONDS = 5.0
# What one short write takes at most: a wait for its lock, and as long again for its commit, or for
# the news that the line is dead.
WRITE_SECONDS = 2 * BUSY_SECONDS
# Background work (revocations) opens connections beside the threads that answer requests.
BACKGROUND_CONNECTIONS = 8

CLOCKS = {
    "sqlite": "((julianday('now') - 2440587.5) * 86400.0)",
    "postgresql": "cast(extract(epoch from clock_timestamp()) as double precision)",
}
# Both know ON CONFLICT, each in words of its own.
Insert = sqlite.Insert | postgresql.Insert
INSERTS: Mapping[str, Callable[[type], Insert]] = {
    "sqlite": sqlite.insert,
    "postgresql": postgresql.insert,
}

# How PostgreSQL is told of a kind of transaction. SQLite takes the statement that begins it.
READING = {"sqlite": {}, "postgresql": {"isolation_level": "AUTOCOMMIT"}}
SNAPSHOT = {"sqlite": {}, "postgresql": {"isolation_level": "REPEATABLE READ"}}

PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON")


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
        store = engine.dialect.name
        if store == "sqlite":
            event.listen(engine, "connect", _set_up_sqlite)
        self._reading = engine.execution_options(**READING[store])
        self._snapshot = engine.execution_options(**SNAPSHOT[store])
        self._writing = engine

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a connection for reading, each statement by itself."""
        with self._reading.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Open a transaction for reading: all its statements see the same moment."""
        with self._snapshot.connect() as connection:
            begin_sqlite(connection, "BEGIN")
            yield connection

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction that may read and write; it commits unless an exception leaves it."""
        with self._writing.begin() as connection:
            begin_sqlite(connection, "BEGIN IMMEDIATE")
            yield connection


class StoreClock(ColumnElement[float]):
    """The store's own time in seconds since 1970: process clocks disagree."""

    type = Double()
    inherit_cache = True


@compiles(StoreClock)
def _clock(_: StoreClock, compiler: SQLCompiler, **_options: object) -> str:
    return CLOCKS[compiler.dialect.name]


STORE_CLOCK = StoreClock()
_NOW = select(STORE_CLOCK)


def store_time(connection: Connection) -> datetime:
    """Return the time by the store's clock, aware and in UTC."""
    return datetime.fromtimestamp(connection.execute(_NOW).scalar_one(), tz=UTC)


def engine_options(url: str, *, threads: int) -> dict[str, Any]:
    """Return how to build the engine: a connection for every thread, no values in error texts."""
    options: dict[str, Any] = {
        "hide_parameters": True,
        "pool_size": threads,
        "max_overflow": BACKGROUND_CONNECTIONS,
        "pool_timeout": BUSY_SECONDS,
    }
    if url.startswith("sqlite"):
        options["connect_args"] = {"timeout": BUSY_SECONDS}
    else:
        options |= {"pool_pre_ping": True, "pool_recycle": 1800}
        milliseconds = int(BUSY_SECONDS * 1000)
        options["connect_args"] = {
            "connect_timeout": int(BUSY_SECONDS),
            "tcp_user_timeout": int(WRITE_SECONDS * 1000),
            "options": f"-c statement_timeout={milliseconds} -c lock_timeout={milliseconds}",
        }
    return options


def begin_sqlite(connection: Connection, statement: str) -> None:
    """Begin a transaction here and now; PostgreSQL has begun one by itself.

    The driver would begin one before the first statement that writes, and none for what is read
    before that, nor for what changes the schema. An event of SQLAlchemy could begin each of them,
    but an engine that anybody listens to takes half as long again for every statement.
    """
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(statement)


def _set_up_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own class
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
