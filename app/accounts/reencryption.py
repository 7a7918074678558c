"""Seal everything with the newest key, so that an old one can leave the ring.

Run it as often as you like, beside the running site: each row is changed only if it is still what
was read, and what is sealed with the newest key already is passed over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, func, null, select, update
from sqlalchemy.orm import InstrumentedAttribute

from app.accounts.errors import CannotOpen
from app.accounts.models import Grant, Revocation
from app.accounts.token_cipher import (
    KEY_ID_CHARACTERS,
    VERSION,
    TokenCipher,
    associated_data,
    key_id_of,
)
from app.storage.database import Database

BATCH = 200

_Column = InstrumentedAttribute[str | None]

# Every place where something is sealed: table, column, and the row's id.
SEALED: tuple[tuple[_Column, InstrumentedAttribute[str]], ...] = (
    (Grant.access_token, Grant.id),
    (Grant.refresh_token, Grant.id),
    (Revocation.token, Revocation.id),  # type: ignore[assignment,unused-ignore]
)


@dataclass(frozen=True, slots=True)
class Progress:
    """The counts so far: values seen, resealed among them, and those that do not open."""

    seen: int
    resealed: int
    stuck: int


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A sealed value, its row, and its associated data."""

    row: str
    value: str = field(repr=False)
    associated_data: str


def reencrypt(database: Database, cipher: TokenCipher) -> Iterator[Progress]:
    """Reseal with the ring's first key whatever is sealed with another; yield after each batch."""
    seen = resealed = stuck = 0
    for column, row_id in SEALED:
        last = ""
        while batch := _after(database, column, row_id, last):
            last = batch[-1].row
            for found in batch:
                seen += 1
                if key_id_of(found.value) == cipher.newest_key_id:
                    continue
                try:
                    resealed += _reseal(database, cipher, column, row_id, found)
                except CannotOpen:
                    stuck += 1
            yield Progress(seen, resealed, stuck)


def keys_in_use(database: Database) -> Counter[str]:
    """Return how many values each key has sealed, by key id. The store does the counting."""
    counts: Counter[str] = Counter()
    length = len(f"{VERSION}..") + KEY_ID_CHARACTERS
    with database.reading() as connection:
        for column, _ in SEALED:
            beginning = func.substr(column, 1, length)
            query = select(beginning, func.count()).where(column.is_not(None)).group_by(beginning)
            for text, count in connection.execute(query):
                counts[key_id_of(text)] += count
    return counts


def _after(
    database: Database,
    column: _Column,
    row_id: InstrumentedAttribute[str],
    last: str,
) -> list[_Sealed]:
    query = (
        select(row_id, column, _sealed_for(column))
        .where(row_id > last, column.is_not(None))
        .order_by(row_id)
        .limit(BATCH)
    )
    with database.reading() as connection:
        return [
            _Sealed(row, sealed or "", _associated_data(column, row, sealed_for))
            for row, sealed, sealed_for in connection.execute(query)
        ]


def _sealed_for(column: _Column) -> ColumnElement[Any]:
    """Return the column that names other associated data; only the outbox has one."""
    return Revocation.sealed_for.expression if column.class_ is Revocation else null()


def _associated_data(column: _Column, row: str, sealed_for: str | None) -> str:
    return sealed_for or associated_data(column.class_.__tablename__, column.key, row)


def _reseal(
    database: Database,
    cipher: TokenCipher,
    column: _Column,
    row_id: InstrumentedAttribute[str],
    found: _Sealed,
) -> bool:
    """Reseal one value; return whether it was still there to be changed."""
    at = found.associated_data
    resealed = cipher.seal(cipher.open(found.value, at=at), at=at)
    with database.writing() as connection:
        changed = connection.execute(
            update(column.class_)
            .where(row_id == found.row, column == found.value)
            .values({column.key: resealed})
        )
        return changed.rowcount == 1
