"""Checks of what the site stores: database, tables, Redis, keys in use, outbox, granted scopes."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import redis
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from redis.exceptions import AuthenticationError, ResponseError
from sqlalchemy import URL, func, make_url, select
from sqlalchemy.exc import SQLAlchemyError

from app.accounts import departures
from app.accounts.models import Grant
from app.accounts.reencryption import keys_in_use
from app.doctor.context import Context
from app.doctor.report import Result, Section, counted, failed, ok, warning
from app.storage.cache import REDIS_TIMEOUTS
from app.storage.refusals import in_words
from config import ROOT, SECRET_PARAMETERS

_UPGRADE = "Run: flask --app wsgi db upgrade"
# The worker tries at least once a minute, so a row that waits for longer is stuck.
_OVERDUE = timedelta(minutes=10)

# Older ones lack what our statements need (RETURNING in SQLite), or were never tried.
OLDEST = {"PostgreSQL": (12,), "SQLite": (3, 35), "Redis": (5,)}


def database(context: Context) -> Result:
    """Connect, and name the store and its version."""
    url = make_url(context.config.database_url)
    if url.database and url.drivername == "sqlite" and (trouble := _file_trouble(url.database)):
        return trouble
    try:
        with context.services.database.reading() as connection:
            connection.execute(select(1))
            version = connection.dialect.server_version_info or ()
    except SQLAlchemyError as error:
        return failed(
            f"{_shown(url)} cannot be reached: {in_words(error)}.",
            "Start the database, and check that DATABASE_URL is right.",
        )
    name = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}[connection.dialect.name]
    return _answers(name, tuple(part for part in version if isinstance(part, int)))


def _answers(name: str, version: tuple[int, ...]) -> Result:
    """Judge the version of a store that answers; a store that does not tell it passes."""
    oldest = OLDEST[name]
    store = f"{name} {_dotted(version)}".strip()
    if version and version < oldest:
        return failed(
            f"{store} is older than {_dotted(oldest)}, the oldest supported version.",
            f"Update {name}; a move to another server loses only what Redis holds.",
        )
    return ok(f"{store} answers.")


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _file_trouble(path: str) -> Result | None:
    """Look at a SQLite file without opening it, which would create it."""
    file = Path(path)
    if not file.parent.is_dir():
        return failed(
            f"The folder of the database is missing: {file.parent}",
            "Create the folder, or correct DATABASE_URL.",
        )
    if not file.exists() or not file.stat().st_size:
        return failed(f"There is no database at {file} yet.", _UPGRADE, Section.MIGRATIONS)
    if not (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)):
        return failed(
            f"{file} or its folder is not writable.",
            "Give file and folder to the user of the site: SQLite writes beside the file, too.",
        )
    return None


def _shown(url: URL) -> str:
    """Return the address without its password, wherever that stands."""
    hidden = {name: "***" for name in url.query if name in SECRET_PARAMETERS}
    return url.update_query_dict(hidden).render_as_string(hide_password=True)


def migrations(context: Context) -> Result:
    """Compare the version of the tables with the newest in this code."""
    known = [
        script.revision for script in ScriptDirectory(str(ROOT / "migrations")).walk_revisions()
    ]
    with context.services.database.reading() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    if current is None:
        return failed("The database has no tables yet.", _UPGRADE)
    if current not in known:
        return failed(
            f"The tables have a newer version ({current}) than this code.",
            "Update the code of every process, or restore the database that fits it.",
        )
    pending = known[: known.index(current)]
    if pending:
        return failed(
            f"{counted(len(pending), 'migration is', 'migrations are')} pending: "
            f"{', '.join(reversed(pending))}.",
            _UPGRADE,
        )
    try:
        context.services.people.check_writable()
    except SQLAlchemyError as error:
        return failed(
            f"The tables cannot be written: {in_words(error)}.",
            "Name the primary in DATABASE_URL, and give its user the right to write.",
        )
    return ok(f"The tables have the newest version ({current}), and can be written.")


def shared_memory(context: Context) -> Result:
    """Connect to Redis, if the settings name one."""
    url = context.config.redis_url
    if url is None:
        return ok("REDIS_URL is not set: each process caches and counts for itself.")
    try:
        with closing(redis.Redis.from_url(url, **REDIS_TIMEOUTS)) as connection:
            connection.ping()
            version = _redis_version(connection)
    except (AuthenticationError, ResponseError) as error:
        if "DB index" in str(error):
            return failed("Redis has no database of that number.", "Correct the end of REDIS_URL.")
        return failed(
            "Redis refuses access.",
            "Put user and password into REDIS_URL: redis://user:password@host:6379/0",
        )
    except redis.RedisError as error:
        return failed(
            f"Redis does not answer ({type(error).__name__}).",
            "Start Redis, and check that REDIS_URL is right; or unset it, and do without.",
        )
    return _answers("Redis", version)


def _redis_version(connection: redis.Redis) -> tuple[int, ...]:
    """Return the version of Redis; empty if this user may not read it."""
    try:
        told: Any = connection.info("server")
        return tuple(int(number) for number in told["redis_version"].split("."))
    except (KeyError, ResponseError, ValueError):
        return ()


def keys(context: Context) -> Result:
    """Look for tokens whose key is not in the ring, and for those that still need an old one."""
    cipher, in_use = context.services.cipher, keys_in_use(context.services.database)
    unknown = {key: count for key, count in in_use.items() if key not in cipher.key_ids}
    if unknown:
        return failed(
            f"{counted(sum(unknown.values()), 'token needs', 'tokens need')} a key that is not in "
            f"TOKEN_KEYS (key {', '.join(sorted(unknown))}).",
            "Put that key back at the end of TOKEN_KEYS, on every machine, and restart.",
        )
    older = sum(count for key, count in in_use.items() if key != cipher.newest_key_id)
    if older:
        return warning(
            f"{counted(older, 'token is', 'tokens are')} still encrypted with an older key.",
            "Run: flask --app wsgi tokens reencrypt",
        )
    return ok(f"All {in_use.total()} tokens are encrypted with the first key.")


def outbox(context: Context) -> Result:
    """Look for revocations that are overdue, and for those that Twitter refused for good."""
    backlog = context.services.outbox.backlog()
    waiting = counted(backlog.waiting, "token waits", "tokens wait")
    age = context.services.now() - backlog.oldest if backlog.oldest else timedelta(0)
    if age > _OVERDUE:
        return failed(
            f"{waiting} to be revoked, the oldest for "
            f"{int(age.total_seconds() // 60)} minutes: no delivery succeeds.",
            "Keep this running: flask --app wsgi revocations deliver --watch",
        )
    if backlog.dead_letters:
        return warning(
            f"Twitter refuses to revoke {counted(backlog.dead_letters, 'token', 'tokens')}.",
            "Look for 'dead letter' in the log; if in doubt, end the app's access in the portal.",
        )
    return ok(f"{waiting} to be revoked.")


def people(context: Context) -> Result:
    """Look for people who left so long ago that their rows should be gone."""
    days = context.config.people_days
    overdue = departures.overdue(context.services.database, days=days + 1)  # the timer may be late
    if overdue:
        return warning(
            f"{counted(overdue, 'person', 'people')} left more than {days} days ago, and no prune "
            "has deleted their rows.",
            "Run this once an hour: flask --app wsgi prune",
        )
    return ok(f"No person is stored for more than {days} days after they left.")


def scopes(context: Context) -> Result:
    """Compare the scopes that people granted with those that the pages need."""
    dialect = context.services.dialect
    needed = dialect.scopes(*dialect.at_sign_in)
    granted = _granted(context)
    lacking: Counter[str] = Counter()
    for some, count in granted.items():
        lacking.update(dict.fromkeys(needed - some, count))
    if not lacking:
        return ok(
            f"{counted(granted.total(), 'sign-in', 'sign-ins')}, with all that the pages need."
        )
    scope, count = lacking.most_common(1)[0]
    if count == granted.total():
        return failed(
            f"No sign-in of {count} has {scope}: the provider does not grant it.",
            "Check that the provider knows this scope, and that TWITTER_DIALECT fits it.",
        )
    return warning(
        f"{counted(count, 'sign-in', 'sign-ins')} of {granted.total()} without {scope}.",
        "Nothing to do: those people have a button on their account page that grants it.",
    )


def _granted(context: Context) -> Counter[frozenset[str]]:
    """Count the living grants by their scopes."""
    query = (
        select(Grant.scopes, func.count()).where(Grant.ended_at.is_(None)).group_by(Grant.scopes)
    )
    counts: Counter[frozenset[str]] = Counter()
    with context.services.database.reading() as connection:
        for text, count in connection.execute(query):
            counts[frozenset(text.split())] += count
    return counts
