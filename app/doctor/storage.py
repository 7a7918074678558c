"""Checks at home: database, tables, Redis, keys in use, the outbox, what people granted."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import redis
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from redis.exceptions import AuthenticationError, ResponseError
from sqlalchemy import URL, func, make_url, select
from sqlalchemy.exc import SQLAlchemyError

from app.accounts.models import Grant, Revocation
from app.accounts.reencryption import SEALED
from app.accounts.token_cipher import KEY_ID_CHARACTERS, VERSION, key_id_of
from app.doctor.context import Patient
from app.doctor.findings import Finding, Section, failed, ok, several, warning
from app.storage.refusals import in_words
from app.twitter.dialect import AT_SIGN_IN
from app.twitter.endpoints import ENDPOINTS
from app.web.rate_limits import REDIS_TIMEOUTS
from config import ROOT, SECRET_PARAMETERS

UPGRADE = "Run: flask --app wsgi db upgrade"
# Delivery is tried at least once a minute, so what waits for longer than this waits for us.
_OVERDUE = timedelta(minutes=10)

# Older ones lack what our statements need (RETURNING in SQLite), or nobody has tried them.
OLDEST = {"PostgreSQL": (12,), "SQLite": (3, 35), "Redis": (5,)}


# The database


def database(patient: Patient) -> Finding:
    """Connect, and name the store and its version."""
    url = make_url(patient.config.database_url)
    if url.database and url.drivername == "sqlite" and (trouble := _file_trouble(url.database)):
        return trouble
    try:
        with patient.here.database.reading() as connection:
            connection.execute(select(1))
            version = connection.dialect.server_version_info or ()
    except SQLAlchemyError as error:
        return failed(
            f"{_shown(url)} is not reached: {in_words(error)}.",
            "Start the database, and look whether DATABASE_URL is right.",
            Section.DATABASE,
        )
    name = {"postgresql": "PostgreSQL", "sqlite": "SQLite"}[connection.dialect.name]
    numbers = tuple(part for part in version if isinstance(part, int))
    return _answers(name, numbers, Section.DATABASE)


def _answers(name: str, version: tuple[int, ...], section: Section) -> Finding:
    """Judge the version of a store that answers; one that does not tell its version is trusted."""
    oldest = OLDEST[name]
    said = f"{name} {_dotted(version)}".strip()
    if version and version < oldest:
        return failed(
            f"{said} is older than {_dotted(oldest)}, the oldest that will do.",
            f"Update {name}; moving to another one loses nothing but what Redis remembers.",
            section,
        )
    return ok(f"{said} answers.")


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def _file_trouble(path: str) -> Finding | None:
    """Look at a SQLite file without opening it: that would make it."""
    file = Path(path)
    if not file.parent.is_dir():
        return failed(
            f"The folder of the database is missing: {file.parent}",
            "Make the folder, or set DATABASE_URL to another one.",
            Section.DATABASE,
        )
    if not file.exists() or not file.stat().st_size:
        return failed(f"There is no database at {file} yet.", UPGRADE, Section.MIGRATIONS)
    if not (os.access(file, os.W_OK) and os.access(file.parent, os.W_OK)):
        return failed(
            f"{file} or its folder cannot be written to.",
            "Give file and folder to the user of the site: SQLite writes beside the file, too.",
            Section.DATABASE,
        )
    return None


def _shown(url: URL) -> str:
    """Return the address without its password, wherever that stands."""
    hidden = {name: "***" for name in url.query if name in SECRET_PARAMETERS}
    return url.update_query_dict(hidden).render_as_string(hide_password=True)


def migrations(patient: Patient) -> Finding:
    """Compare the version of the tables with the newest that this code brings."""
    known = [
        script.revision for script in ScriptDirectory(str(ROOT / "migrations")).walk_revisions()
    ]
    with patient.here.database.reading() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    if current is None:
        return failed("The database has no tables yet.", UPGRADE, Section.MIGRATIONS)
    if current not in known:
        return failed(
            f"The tables are of a newer version ({current}) than this code.",
            "Update the code of every process, or restore the database that fits it.",
            Section.MIGRATIONS,
        )
    pending = known[: known.index(current)]
    if pending:
        return failed(
            f"{several(len(pending), 'migration is', 'migrations are')} pending: "
            f"{', '.join(reversed(pending))}.",
            UPGRADE,
            Section.MIGRATIONS,
        )
    return ok(f"Tables are of the newest version ({current}).")


# Redis


def shared_memory(patient: Patient) -> Finding:
    """Talk to Redis, if there is to be one."""
    url = patient.config.redis_url
    if url is None:
        return ok("REDIS_URL is not set: each process remembers and counts for itself.")
    try:
        with closing(redis.Redis.from_url(url, **REDIS_TIMEOUTS)) as connection:
            connection.ping()
            version = _redis_version(connection)
    except (AuthenticationError, ResponseError):
        return failed(
            "Redis does not let us in.",
            "Put user and password into REDIS_URL: redis://user:password@host:6379/0",
            Section.REDIS,
        )
    except redis.RedisError as error:
        return failed(
            f"Redis does not answer ({type(error).__name__}).",
            "Start Redis, and look whether REDIS_URL is right; or unset it, and do without.",
            Section.REDIS,
        )
    return _answers("Redis", version, Section.REDIS)


def _redis_version(connection: redis.Redis) -> tuple[int, ...]:
    """Return what Redis says it is; nothing, if this user may not ask."""
    try:
        told: Any = connection.info("server")
        return tuple(int(number) for number in told["redis_version"].split("."))
    except (KeyError, ResponseError, ValueError):
        return ()


# Keys


def keys(patient: Patient) -> Finding:
    """Look for values that no key of the ring opens, and for those that an old one must open."""
    cipher, in_use = patient.here.cipher, _keys_in_use(patient)
    unknown = {key: count for key, count in in_use.items() if key not in cipher.key_ids}
    if unknown:
        return failed(
            f"{several(sum(unknown.values()), 'value needs', 'values need')} a key that is not in "
            f"TOKEN_KEYS (key {', '.join(sorted(unknown))}).",
            "Put that key back at the end of TOKEN_KEYS, on every machine, and restart.",
            Section.KEYS,
        )
    older = sum(count for key, count in in_use.items() if key != cipher.newest_key_id)
    if older:
        return warning(
            f"{several(older, 'value is', 'values are')} still sealed with an older key.",
            "Run: flask --app wsgi tokens reencrypt",
            Section.KEYS,
        )
    return ok(f"All {in_use.total()} sealed values are sealed with the first key.")


def _keys_in_use(patient: Patient) -> Counter[str]:
    """Count the values by key id, as the store does it: it reads them faster than we could."""
    counts: Counter[str] = Counter()
    length = len(f"{VERSION}..") + KEY_ID_CHARACTERS
    with patient.here.database.reading() as connection:
        for column, _ in SEALED:
            beginning = func.substr(column, 1, length)
            query = select(beginning, func.count()).where(column.is_not(None)).group_by(beginning)
            for text, count in connection.execute(query):
                counts[key_id_of(text)] += count
    return counts


# The outbox


def outbox(patient: Patient) -> Finding:
    """Look for revocations that nobody delivers, and for those that Twitter has refused."""
    backlog = patient.here.outbox.backlog()
    waiting = several(backlog.waiting, "token waits", "tokens wait")
    oldest = _oldest_waiting(patient)
    age = patient.here.now() - oldest if oldest else timedelta(0)
    if age > _OVERDUE:
        return failed(
            f"{waiting} to be revoked, the oldest for "
            f"{int(age.total_seconds() // 60)} minutes: nobody delivers.",
            "Keep this running: flask --app wsgi revocations deliver --watch",
            Section.OUTBOX,
        )
    if backlog.dead_letters:
        return warning(
            f"Twitter refuses to revoke {several(backlog.dead_letters, 'token', 'tokens')}.",
            "Look for 'dead letter' in the log; if in doubt, end the app's access in the portal.",
            Section.OUTBOX,
        )
    return ok(f"{waiting} to be revoked.")


def _oldest_waiting(patient: Patient) -> datetime | None:
    query = select(func.min(Revocation.created_at)).where(Revocation.dead_letter_at.is_(None))
    with patient.here.database.reading() as connection:
        return connection.execute(query).scalar_one()


# Scopes


def scopes(patient: Patient) -> Finding:
    """Compare what people have granted with what the pages need to read."""
    dialect = patient.here.dialect
    reads = [e for e in ENDPOINTS if e.method == "GET" and e.exists_in(dialect)]
    needed = dialect.scopes(*AT_SIGN_IN, *(need for read in reads for need in read.needs))
    granted = _granted(patient)
    lacking: Counter[str] = Counter()
    for scopes_of_some, count in granted.items():
        lacking.update(dict.fromkeys(needed - scopes_of_some, count))
    if not lacking:
        return ok(
            f"{several(granted.total(), 'sign-in', 'sign-ins')}, with all that the pages need."
        )
    scope, count = lacking.most_common(1)[0]
    if count == granted.total():
        return failed(
            f"No sign-in of {count} has {scope}: the provider does not grant it.",
            "Look whether the provider knows this scope, and whether TWITTER_DIALECT fits it.",
            Section.SCOPES,
        )
    return warning(
        f"{several(count, 'sign-in', 'sign-ins')} of {granted.total()} without {scope}.",
        "Nothing: those people find a button on their account page that grants it.",
        Section.SCOPES,
    )


def _granted(patient: Patient) -> Counter[frozenset[str]]:
    """Count the living grants by their scopes."""
    query = (
        select(Grant.scopes, func.count()).where(Grant.ended_at.is_(None)).group_by(Grant.scopes)
    )
    counts: Counter[frozenset[str]] = Counter()
    with patient.here.database.reading() as connection:
        for text, count in connection.execute(query):
            counts[frozenset(text.split())] += count
    return counts
