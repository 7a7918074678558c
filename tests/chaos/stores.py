"""The database beside the site: what is in it, and whether all of it is whole."""

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from app.accounts.errors import CannotOpen
from app.accounts.models import Grant, Revocation
from app.accounts.revocations import LATER_SECONDS
from app.accounts.vault import Vault, place
from app.database import store_clock
from config import Config

# Ended by the person or by a newer sign-in of theirs: nothing was lost.
WANTED = {"logged_out", "replaced"}
# Five in the first minute, then one a minute.
MANY_ATTEMPTS = 14


class Store:
    """Reads the database of a site, and moves in it what only time would move."""

    def __init__(self, url):
        self.url = url
        self.name = "PostgreSQL" if url.startswith("postgresql") else "SQLite"
        self.engine = sa.create_engine(url, poolclass=NullPool)

    def rows(self, statement):
        with self.engine.connect() as connection:
            return [dict(row) for row in connection.execute(statement).mappings()]

    def newest_grant(self):
        query = sa.select(Grant.id).order_by(Grant.created_at.desc()).limit(1)
        return self.rows(query)[0]["id"]

    def lost_grants(self):
        """List the grants that ended although nobody wanted it."""
        query = sa.select(Grant.id, Grant.ended_because).where(Grant.ended_at.is_not(None))
        return [row["id"] for row in self.rows(query) if row["ended_because"] not in WANTED]

    def lease_left(self, grant_id):
        """Return for how many seconds somebody has the refresh of a grant to themselves."""
        with self.engine.connect() as connection:
            left = sa.select(Grant.lease_until - store_clock(connection))
            return connection.execute(left.where(Grant.id == grant_id)).scalar() or 0.0

    def let_leases_end(self):
        """Have it be later for every lease: the same as waiting."""
        with self.engine.begin() as connection:
            held = Grant.lease_until.is_not(None)
            connection.execute(
                sa.update(Grant).where(held).values(lease_until=store_clock(connection) - 1)
            )

    def age_revocations(self):
        """Leave the outbox as ten minutes of failures do: many attempts, the longest pause."""
        with self.engine.begin() as connection:
            connection.execute(
                sa.update(Revocation).values(
                    attempts=MANY_ATTEMPTS, due_at=store_clock(connection) + LATER_SECONDS
                )
            )

    def outbox(self):
        """List the tokens that Twitter was not told of yet, without their values."""
        columns = [c for c in Revocation.__table__.c if c.name != "token"]
        return self.rows(sa.select(*columns))

    def damage(self, environ):
        """List what is not whole: tokens that do not open, and what SQLite finds itself."""
        vault = Vault(Config.from_env(environ).token_keys)
        found = []
        for row in self.rows(sa.select(*Grant.__table__.c).where(Grant.ended_at.is_(None))):
            for column in ("access_token", "refresh_token"):
                try:
                    vault.open(row[column], at=place("grants", column, row["id"]))
                except CannotOpen as error:
                    found.append(f"{column} of {row['id']}: {error}")
        if self.name == "SQLite":
            with self.engine.connect() as connection:
                said = connection.execute(sa.text("PRAGMA integrity_check")).scalar()
            found += [said] if said != "ok" else []
        return found
