"""Short transactions on SQLite and PostgreSQL alike.

SQLite runs in WAL mode. A transaction that reads and then writes must begin as `writing`: otherwise
it fails at once if another one writes in between, whatever the busy timeout. On SQLite, one
statement that only reads needs no transaction (`reading`). No transaction is open during a call to
Twitter.

On PostgreSQL no setting, prepared statement or startup parameter outlives a transaction, so
PgBouncer may stand between, with transaction pooling too. The message that begins a transaction
also sets its limits, and shows whether the connection is alive: a lost one is replaced.

Statements for sign-ins and pages are built once, at the top of their modules, with `bindparam` for
values: SQLAlchemy takes ten times as long to build one as to run it.
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from sqlalchemy import (
    Connection,
    DateTime,
    Dialect,
    Double,
    Engine,
    ExceptionContext,
    Executable,
    event,
    make_url,
    select,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

# PostgreSQL's has the same methods.
Insert = sqlite.Insert

BUSY_SECONDS = 5.0
# The longest short write: a wait for its lock, and as long again for its commit, or for the error
# of a dead connection.
WRITE_SECONDS = 2 * BUSY_SECONDS
# Background work (revocations) opens connections beside the threads that answer requests.
_BACKGROUND_CONNECTIONS = 8

_CLOCKS = {
    "sqlite": "((julianday('now') - 2440587.5) * 86400.0)",
    "postgresql": "cast(extract(epoch from clock_timestamp()) as double precision)",
}
# The same as a value of a column: SQLite keeps text, with microseconds.
_NOWS = {
    "sqlite": "strftime('%Y-%m-%d %H:%M:%f000', 'now')",
    "postgresql": "clock_timestamp()",
}
# The limits of one transaction: no page waits longer for a lock. Milliseconds.
_MILLISECONDS = int(BUSY_SECONDS * 1000)
_LOCKS = f"SET LOCAL lock_timeout = {_MILLISECONDS}"
_LIMITS = f"{_LOCKS}; SET LOCAL statement_timeout = {_MILLISECONDS}"
# The statement that begins each kind of transaction.
_READING = {"sqlite": "", "postgresql": f"BEGIN READ ONLY; {_LIMITS}"}
_SNAPSHOT = {
    "sqlite": "BEGIN",
    "postgresql": f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {_LIMITS}",
}
WRITING = {"sqlite": "BEGIN IMMEDIATE", "postgresql": f"BEGIN; {_LIMITS}"}
# A migration may take longer than a page, but waits no longer for a lock.
MIGRATING = {
    "sqlite": "BEGIN IMMEDIATE",
    "postgresql": f"BEGIN; {_LOCKS}; SET LOCAL statement_timeout = 0",
}

# The primary has become a standby (or is read-only): its connections are useless.
_READ_ONLY_SQL_TRANSACTION = "25006"

# So long the store's time is counted on, if it was told so fast.
_COUNTED_SECONDS = 60.0
_PROMPT_SECONDS = 0.005

_PRAGMAS = ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON")


class UtcDateTime(TypeDecorator[datetime]):
    """A moment in UTC, aware in Python whatever the store keeps."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse naive moments, which have no time zone."""
        if value and value.tzinfo is None:
            raise ValueError("a moment without a time zone")
        moment = value and value.astimezone(UTC)
        return moment.replace(tzinfo=None) if moment and dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return an aware moment."""
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
        """Open a transaction that may read and write; it commits unless an exception is raised."""
        with self._engine.connect() as connection:
            begin(connection, WRITING)
            yield connection
            connection.commit()


class StoreClock(FunctionElement[float]):
    """The store's own time in seconds since 1970: process clocks disagree."""

    type = Double()
    inherit_cache = True


@compiles(StoreClock)
def _clock(_: StoreClock, compiler: SQLCompiler, **_options: object) -> str:
    return _CLOCKS[compiler.dialect.name]


class StoreNow(FunctionElement[datetime]):
    """The store's own time as a value for a column of times."""

    type = UtcDateTime()
    inherit_cache = True


@compiles(StoreNow)
def _now(_: StoreNow, compiler: SQLCompiler, **_options: object) -> str:
    return _NOWS[compiler.dialect.name]


class Upsert:
    """An INSERT with ON CONFLICT, which each store has in a dialect of its own."""

    def __init__(self, model: type, completed: Callable[[Insert], Executable]) -> None:
        """Let `completed` add to the plain INSERT what happens to a row that is there."""
        self._model = model
        self._completed = completed
        self._statements: dict[str, Executable] = {}

    def on(self, connection: Connection) -> Executable:
        """Return the statement for the store of `connection`, built once."""
        store = connection.dialect.name
        if store not in self._statements:
            self._statements[store] = self._completed(_inserts(store)(self._model))
        return self._statements[store]


def _inserts(store: str) -> Callable[[type], Insert]:
    if store == "sqlite":
        return sqlite.insert
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - 2 MB that SQLite does not need

    return cast("Callable[[type], Insert]", postgresql.insert)


STORE_NOW = StoreNow()
STORE_CLOCK = StoreClock()
_NOW = select(STORE_CLOCK)


def store_seconds(connection: Connection) -> float:
    """Return the time by the store's clock, in seconds since 1970, as it compares it itself."""
    return connection.execute(_NOW).scalar_one()


def store_time(connection: Connection) -> datetime:
    """Return the time by the store's clock, aware and in UTC, rounded to microseconds."""
    return datetime.fromtimestamp(store_seconds(connection), tz=UTC)


class Moment:
    """A moment by the store's clock: now, although the store is asked only later, or a known one.

    Counted back once, it stays as it is, so that a stored row is found again by the same number.
    """

    __slots__ = ("_made_at", "_seconds")

    def __init__(self, seconds: float | None = None) -> None:
        """Take this moment, or the one `seconds` after 1970."""
        self._made_at = time.monotonic()
        self._seconds = seconds

    def seconds(self, *, store_now: float) -> float:
        """Return it in seconds since 1970; `store_now` is what the store has told just now."""
        if self._seconds is None:
            self._seconds = store_now - (time.monotonic() - self._made_at)
        return self._seconds


class StoreTime:
    """The store's time for what happens often: asked once a minute, and counted on from there."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        """Count on by `clock`, in seconds."""
        self._database = database
        self._clock = clock
        self._known = (-math.inf, 0.0)

    def now(self) -> float:
        """Return the store's time in seconds since 1970, a few milliseconds early at most.

        Raises `SQLAlchemyError` if it is to be asked and does not answer.
        """
        asked_at, told = self._known
        passed = self._clock() - asked_at
        if passed < _COUNTED_SECONDS:
            return told + passed
        before = self._clock()
        with self._database.reading() as connection:
            told = store_seconds(connection)
        after = self._clock()
        if after - before < _PROMPT_SECONDS:  # else it is not known when the store told the time
            self._known = after, told
        return told


def engine_options(url: str, *, threads: int) -> dict[str, Any]:
    """Return the options of the engine: a connection for every thread, no values in error texts.

    Options in the query of `url` take precedence.
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
        # A pooler may give the next transaction another server, without our prepared statements.
        "prepare_threshold": None,
    }
    given = make_url(url).query
    return options | {
        "pool_recycle": 1800,
        "isolation_level": "AUTOCOMMIT",  # for the driver: `begin` begins our transactions
        "connect_args": {name: value for name, value in ours.items() if name not in given},
    }


def begin(connection: Connection, kind: Mapping[str, str]) -> None:
    """Begin a transaction of that `kind` now, on a connection that is alive.

    SQLite's driver would begin one only before the first statement that writes, and none for
    changes of the schema. An event of SQLAlchemy could begin each of them, but makes every
    statement of the engine take half as long again.
    """
    statement = kind[connection.dialect.name]
    if not statement:
        return
    try:
        connection.exec_driver_sql(statement)
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        # The connection was lost since its last use. Nothing was done yet.
        connection.rollback()
        connection.exec_driver_sql(statement)


def _give_up_a_standby(context: ExceptionContext) -> None:
    """Treat SQLSTATE 25006 as a lost connection: the pool is replaced and finds the new primary."""
    if getattr(context.original_exception, "sqlstate", None) == _READ_ONLY_SQL_TRANSACTION:
        context.is_disconnect = True


def _set_up_sqlite(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own class
    connection.execute("PRAGMA schema_version")  # fails for a file that is something else
    _keep_private(connection.execute("PRAGMA database_list").fetchone()[2])
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")


def _keep_private(path: str) -> None:
    """Make a database private to its user; SQLite gives new side files the same mode."""
    for file in (Path(path), Path(f"{path}-wal"), Path(f"{path}-shm")) if path else ():
        with contextlib.suppress(OSError):  # another user's, missing, or on a read-only disk
            if file.stat().st_mode & 0o077:
                file.chmod(0o600)
