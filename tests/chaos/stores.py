"""The database beside the site: what is in it, and whether all of it is whole."""

import contextlib
import sqlite3
import subprocess
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from app.accounts.errors import CannotOpen
from app.accounts.models import Grant, Revocation, Session, UsedState
from app.accounts.pauses import LATER_SECONDS
from app.accounts.token_cipher import TokenCipher, associated_data
from app.storage.database import STORE_CLOCK
from config import Config
from tests.needs import need
from tests.servers import (
    POSTGRESQL_SETTINGS,
    PostgreSQL,
    as_nobody,
    postgresql_programs,
    running,
    temporary_folder,
)

# Ended by the person or by a newer sign-in in the same browser: nothing was lost.
WANTED = {"logged_out", "replaced"}
# Five in the first minute, then one a minute.
MANY_ATTEMPTS = 14


class Store:
    """Reads the database of a site, and moves in it what only time would move."""

    name: str

    def __init__(self, url):
        self.url = url
        self.engine = sa.create_engine(url, poolclass=NullPool)

    def rows(self, statement):
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(statement).mappings()]

    def empty(self):
        """Delete every row."""
        with self.engine.begin() as connection:
            for table in reversed(Grant.metadata.sorted_tables):
                connection.execute(sa.delete(table))

    def newest_grant(self):
        """Return the id of the newest grant; the session of that sign-in has the same."""
        query = sa.select(Grant.id).order_by(Grant.created_at.desc()).limit(1)
        return self.rows(query)[0]["id"]

    def lost_sessions(self):
        """List the sessions that ended although nobody wanted it."""
        query = sa.select(Session.id, Session.end_reason).where(Session.ended_at.is_not(None))
        return [row["id"] for row in self.rows(query) if row["end_reason"] not in WANTED]

    def lease_left(self, grant_id):
        """Return for how many seconds somebody has the refresh of a grant to themselves."""
        with self.engine.connect() as connection:
            left = sa.select(Grant.lease_until - STORE_CLOCK)
            return connection.execute(left.where(Grant.id == grant_id)).scalar() or 0.0

    def let_leases_end(self):
        """Have it be later for every lease, on grants and in the outbox: the same as waiting."""
        with self.engine.begin() as connection:
            past = STORE_CLOCK - 1
            held = Grant.lease_until.is_not(None)
            connection.execute(sa.update(Grant).where(held).values(lease_until=past))
            connection.execute(sa.update(Revocation).values(due_at=past))

    def age_used_states(self, seconds):
        """Have every state be used, and its outcome be known, so much earlier."""
        earlier = timedelta(seconds=seconds)
        with self.engine.begin() as connection:
            for row in connection.execute(sa.select(*UsedState.__table__.c)).all():
                known = row.recorded_at and row.recorded_at - earlier
                connection.execute(
                    sa.update(UsedState)
                    .where(UsedState.state_hash == row.state_hash)
                    .values(used_at=row.used_at - earlier, recorded_at=known)
                )

    def age_refreshes(self, seconds):
        """Have every last refresh be so much longer ago."""
        with self.engine.begin() as connection:
            refreshed = sa.select(Grant.id, Grant.refreshed_at)
            refreshed = refreshed.where(Grant.refreshed_at.is_not(None))
            for row in connection.execute(refreshed).all():
                earlier = {"refreshed_at": row.refreshed_at - timedelta(seconds=seconds)}
                connection.execute(sa.update(Grant).where(Grant.id == row.id).values(earlier))

    def age_revocations(self):
        """Leave the outbox as ten minutes of failures do: many attempts, the longest pause."""
        with self.engine.begin() as connection:
            later = STORE_CLOCK + LATER_SECONDS
            connection.execute(sa.update(Revocation).values(attempts=MANY_ATTEMPTS, due_at=later))

    def outbox(self):
        """List the tokens that Twitter was not told of yet, without their values."""
        columns = [c for c in Revocation.__table__.c if c.name != "token"]
        return self.rows(sa.select(*columns))

    def damage(self, environ):
        """List what is not whole: tokens that do not open, and what SQLite finds itself.

        Besides, whoever is signed in has a living grant, and no grant lives without a session.
        """
        cipher = TokenCipher(Config.from_env(environ).token_keys)
        found = []
        for row in self.rows(sa.select(*Grant.__table__.c).where(Grant.ended_at.is_(None))):
            for column in ("access_token", "refresh_token"):
                try:
                    cipher.open(row[column], at=associated_data("grants", column, row["id"]))
                except CannotOpen as error:
                    found.append(f"{column} of {row['id']}: {error}")
        signed_in, allowed = (
            {row["user_id"] for row in self.rows(query.where(table.ended_at.is_(None)))}
            for table, query in ((t, sa.select(t.user_id)) for t in (Session, Grant))
        )
        return found + [f"half signed in: {user_id}" for user_id in signed_in ^ allowed]


class SqliteStore(Store):
    name = "SQLite"

    @contextlib.contextmanager
    def locked(self):
        """Be the only one who may write."""
        path = self.url.removeprefix("sqlite:///")
        with contextlib.closing(sqlite3.connect(path, timeout=10)) as connection:
            connection.execute("BEGIN EXCLUSIVE")
            yield
            connection.rollback()

    away = locked

    def damage(self, environ):
        [found] = self.rows(sa.text("PRAGMA integrity_check"))
        said = found["integrity_check"]
        return super().damage(environ) + ([said] if said != "ok" else [])


class PostgresqlStore(Store):
    name = "PostgreSQL"

    def __init__(self, url, server):
        super().__init__(url)
        self.server = server

    @contextlib.contextmanager
    def locked(self):
        """Let nobody read or write a grant."""
        with self.engine.begin() as connection:
            connection.execute(sa.text("LOCK TABLE grants IN ACCESS EXCLUSIVE MODE"))
            yield

    @contextlib.contextmanager
    def away(self):
        """Stop the server, and start it again."""
        self.server.stop()
        yield
        self.server.start()


class OwnPostgreSQL(PostgreSQL):
    """A PostgreSQL that can be stopped and started while others hope for it."""

    def __init__(self, folder, programs):
        super().__init__(folder)
        data = folder / "data"
        initdb = [programs / "initdb", "--pgdata", data, "--username", "perch", "--auth", "trust"]
        initdb += ["--no-sync", "--encoding", "UTF8", "--locale", "C"]
        subprocess.run(initdb, check=True, timeout=50, capture_output=True, **as_nobody(folder))
        self.command = [programs / "postgres", "-D", data, "-k", folder]
        for setting in POSTGRESQL_SETTINGS:
            self.command += ["-c", setting]
        self.life = contextlib.ExitStack()

    def start(self):
        self.life.enter_context(running(self.command, self.folder, answers=self.answers))

    def stop(self):
        self.life.close()


@contextlib.contextmanager
def sqlite_store(folder):
    yield SqliteStore(f"sqlite:///{folder}/perch.db")


@contextlib.contextmanager
def postgresql_store():
    programs = need(postgresql_programs(), "PostgreSQL", "Try: apt-get install postgresql")
    with temporary_folder() as folder:
        server = OwnPostgreSQL(folder, programs)
        server.start()
        try:
            with server.empty_database() as url:
                yield PostgresqlStore(url, server)
        finally:
            server.stop()
