"""Databases for Perch: brought to the newest version, filled with people, and poked at.

PostgreSQL is the one of the tests: on a Unix socket in a temporary folder, run by nobody.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from benchmarks.commands import upgrade
from benchmarks.processes import OTHER_CORES, pin
from benchmarks.stub import FIRST_ID
from tests.servers import (
    POSTGRESQL_SETTINGS,
    PostgreSQL,
    Redis,
    as_nobody,
    postgresql_programs,
    running,
    temporary_folder,
)

# As long as a sealed token of ninety characters. These are never opened.
SEALED = f"v1.01234567.{'x' * 159}"
SCOPES = "follows.read offline.access space.read tweet.read users.read"
PROFILE = {
    "id": "@",
    "username": "bird",
    "name": "A bird",
    "description": "Small, loud, usually in the hedge.",
    "public_metrics": {"followers_count": 321, "following_count": 123, "tweet_count": 4567},
}

# The rows 1 to :count, by each store's own means. "@" in a profile stands for the Twitter id.
SERIES = {
    "sqlite": "(WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series"
    " WHERE n < :count) SELECT n FROM series)",
    "postgresql": "(SELECT generate_series(1, :count) AS n) AS series",
}
USERS = """
INSERT INTO users (id, twitter_id, username, profile, created_at, signed_in_at)
SELECT n, CAST(:first + n AS varchar(19)), 'bird',
       {profile}, {now}, {now}
FROM {series}
"""
# In the order of their random ids: so the index is written from left to right.
GRANTS = """
INSERT INTO grants (id, user_id, access_token, refresh_token, scopes, issued_at, expires_at,
                    created_at)
SELECT {id} AS id, n, :sealed, :sealed, :scopes, {now}, {later}, {now}
FROM {series} ORDER BY 1
"""
# As after a first sign-in: the session has the id of the grant.
SESSIONS = """
INSERT INTO sessions (id, user_id, browser, created_at, seen_at)
SELECT id, user_id, 'Firefox on Linux', created_at, created_at FROM grants ORDER BY id
"""
WORDS: dict[str, dict[str, str]] = {
    "sqlite": {
        "profile": "replace(:profile, '@', :first + n)",
        "now": "strftime('%Y-%m-%d %H:%M:%f000', 'now')",
        "later": "strftime('%Y-%m-%d %H:%M:%f000', 'now', '+2 hours')",
        "id": "lower(hex(randomblob(16)))",
    },
    "postgresql": {
        "profile": "CAST(replace(:profile, '@', CAST(:first + n AS text)) AS json)",
        "now": "now()",
        "later": "now() + interval '2 hours'",
        "id": "md5(CAST(n AS text))",
    },
}
# What is being filled need not survive a power cut.
HURRY = {"sqlite": ["PRAGMA synchronous=OFF", "PRAGMA cache_size=-200000"], "postgresql": []}
# So that the filling is completed before a measurement.
SETTLE = {
    "sqlite": ["PRAGMA wal_checkpoint(TRUNCATE)", "ANALYZE"],
    "postgresql": [
        "SELECT setval('users_id_seq', (SELECT max(id) FROM users))",
        "VACUUM ANALYZE users",
        "VACUUM ANALYZE grants",
        "VACUUM ANALYZE sessions",
        "CHECKPOINT",
    ],
}
LONG_AGO = {
    "sqlite": ("'2020-01-01 00:00:00.000000'", "'2020-01-01 02:00:00.000000'"),
    "postgresql": ("'2020-01-01 00:00:00+00'", "'2020-01-01 02:00:00+00'"),
}


SECONDS_OF_A_DAY = 24 * 60 * 60


@dataclass
class Store:
    """One database. `helpers` are the processes that work for it."""

    url: str
    helpers: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Open a connection for each statement: only the site keeps connections."""
        options: dict[str, Any] = {"poolclass": NullPool, "isolation_level": "AUTOCOMMIT"}
        self._engine = sa.create_engine(self.url, **options)
        self._kind = self._engine.dialect.name

    def fill(self, count: int) -> None:
        """Write `count` people, each signed in in one browser."""
        words = WORDS[self._kind] | {"series": SERIES[self._kind]}
        users = {"count": count, "first": FIRST_ID, "profile": json.dumps(PROFILE)}
        grants = {"count": count, "sealed": SEALED, "scopes": SCOPES}
        with self._engine.connect() as connection:
            for statement in HURRY[self._kind]:
                connection.execute(sa.text(statement))
            connection.execute(sa.text(USERS.format(**words)), users)
            connection.execute(sa.text(GRANTS.format(**words)), grants)
            connection.execute(sa.text(SESSIONS))
            for statement in SETTLE[self._kind]:
                connection.execute(sa.text(statement))

    def forget_reads(self) -> None:
        """Make everything that was read at the provider unknown again."""
        self._do("UPDATE users SET cache_epoch = cache_epoch + 1")

    def expire_tokens(self) -> None:
        """Let every access token have died long ago."""
        issued, expired = LONG_AGO[self._kind]
        self._do(f"UPDATE grants SET issued_at = {issued}, expires_at = {expired}")  # noqa: S608 - constants

    def move_back(self, days: int) -> None:
        """Make all rows older by `days`, as if the clock had moved on (SQLite)."""
        past = f"'-{days} days'"
        moved = {
            sa.DateTime: "strftime('%Y-%m-%d %H:%M:%f000', {0}, " + past + ")",
            sa.Date: "date({0}, " + past + ")",
            sa.Float: f"{{0}} - {days * SECONDS_OF_A_DAY}",
        }
        for table in self._tables():
            changes = [
                f"{column.name} = {how.format(column.name)}"
                for column in table.columns
                for kind, how in moved.items()
                if isinstance(column.type, kind)
            ]
            if changes:
                self._do(f"UPDATE {table.name} SET {', '.join(changes)}")  # noqa: S608 - our own names

    def rows(self) -> dict[str, int]:
        """Return the number of rows of each table that has any."""
        with self._engine.connect() as connection:
            counts = {
                table.name: connection.scalar(sa.select(sa.func.count()).select_from(table))
                for table in self._tables()
            }
        return {name: count for name, count in counts.items() if count}

    def _tables(self) -> list[sa.Table]:
        known = sa.MetaData()
        known.reflect(self._engine)
        return [table for table in known.sorted_tables if table.name != "alembic_version"]

    def _do(self, statement: str) -> None:
        with self._engine.connect() as connection:
            connection.execute(sa.text(statement))


class SqliteStores:
    """SQLite files in a folder, each a copy of an empty one."""

    name = "SQLite"

    def __init__(self, folder: Path, environ: Mapping[str, str]) -> None:
        self._folder = folder
        self._empty = folder / "empty.db"
        if not self._empty.exists():
            upgrade({**environ, "DATABASE_URL": f"sqlite:///{self._empty}"})

    def new(self, name: str) -> Store:
        """Return an empty database of this name."""
        path = self._folder / f"{name}.db"
        shutil.copy(self._empty, path)
        return Store(f"sqlite:///{path}")


class PostgresqlStores:
    """Databases of one server, each made from an empty one."""

    name = "PostgreSQL"

    def __init__(self, server: PostgreSQL, pid: int, environ: Mapping[str, str]) -> None:
        self._server = server
        self._pid = pid
        server.execute("CREATE DATABASE empty")  # type: ignore[no-untyped-call]
        upgrade({**environ, "DATABASE_URL": self._url("empty")})

    def new(self, name: str) -> Store:
        """Return an empty database of this name."""
        self._server.execute(f"CREATE DATABASE {name} TEMPLATE empty")  # type: ignore[no-untyped-call]
        return Store(self._url(name), helpers=[self._pid])

    def _url(self, name: str) -> str:
        return f"postgresql+psycopg://perch@/{name}?host={self._server.folder}"


@contextlib.contextmanager
def running_postgresql(environ: Mapping[str, str]) -> Iterator[PostgresqlStores | None]:
    """Run a PostgreSQL for as long as the block lasts; None if its programs are not installed."""
    programs = postgresql_programs()  # type: ignore[no-untyped-call]
    if programs is None:
        yield None
        return
    with temporary_folder() as folder:
        data = folder / "data"
        initdb = [programs / "initdb", "--pgdata", data, "--username", "perch", "--auth", "trust"]
        initdb += ["--no-sync", "--encoding", "UTF8", "--locale", "C"]
        subprocess.run(initdb, check=True, timeout=50, capture_output=True, **as_nobody(folder))  # type: ignore[no-untyped-call]
        command = [programs / "postgres", "-D", data, "-k", folder]
        # No clean-up may begin during a measurement.
        for setting in [*POSTGRESQL_SETTINGS, "autovacuum=off", "max_wal_size=8GB"]:
            command += ["-c", setting]
        server = PostgreSQL(folder)  # type: ignore[no-untyped-call]
        with running(command, folder, answers=server.answers) as process:
            pin(process.pid, OTHER_CORES)
            yield PostgresqlStores(server, process.pid, environ)


@contextlib.contextmanager
def running_redis() -> Iterator[str | None]:
    """Run a Redis for as long as the block lasts and yield its URL; None if it is not installed."""
    program = shutil.which("redis-server")
    if program is None:
        yield None
        return
    with temporary_folder() as folder:
        server = Redis(folder)  # type: ignore[no-untyped-call]
        command = [program, "--port", "0", "--unixsocket", server.socket, "--save", ""]
        with running(command, folder, answers=server.answers) as process:
            pin(process.pid, OTHER_CORES)
            yield server.url
