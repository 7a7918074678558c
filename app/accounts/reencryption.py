"""Seal everything with the newest key, so that an old one can leave the ring.

Run it as often as you like, beside the running site: each row is changed only if it is still what
was read, and what is sealed with the newest key already is passed over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.orm import InstrumentedAttribute

from app.accounts.errors import CannotOpen
from app.accounts.models import Grant, Revocation
from app.accounts.token_cipher import TokenCipher, associated_data, key_id_of
from app.storage.database import Database

BATCH = 200

# Every place where something is sealed: table, column, and the row's id.
SEALED: tuple[tuple[InstrumentedAttribute[str | None], InstrumentedAttribute[str]], ...] = (
    (Grant.access_token, Grant.id),
    (Grant.refresh_token, Grant.id),
    (Revocation.token, Revocation.id),  # type: ignore[assignment,unused-ignore]
)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is: values seen so far, resealed among them, and those that do not open."""

    seen: int
    resealed: int
    stuck: int


def reencrypt(database: Database, cipher: TokenCipher) -> Iterator[Progress]:
    """Reseal with the ring's first key whatever is sealed with another; yield after each batch."""
    seen = resealed = stuck = 0
    for column, row_id in SEALED:
        last = ""
        while batch := _after(database, column, row_id, last):
            last = batch[-1][0]
            for row, sealed in batch:
                seen += 1
                if key_id_of(sealed) == cipher.newest_key_id:
                    continue
                try:
                    resealed += _reseal(database, cipher, column, row_id, row, sealed)
                except CannotOpen:
                    stuck += 1
            yield Progress(seen, resealed, stuck)


def keys_in_use(database: Database) -> Counter[str]:
    """Return how many values each key has sealed, by key id."""
    counts: Counter[str] = Counter()
    for column, row_id in SEALED:
        last = ""
        while batch := _after(database, column, row_id, last):
            last = batch[-1][0]
            counts.update(key_id_of(sealed) for _, sealed in batch)
    return counts


def _after(
    database: Database,
    column: InstrumentedAttribute[str | None],
    row_id: InstrumentedAttribute[str],
    last: str,
) -> list[tuple[str, str]]:
    query = (
        select(row_id, column)
        .where(row_id > last, column.is_not(None))
        .order_by(row_id)
        .limit(BATCH)
    )
    with database.reading() as connection:
        return [(row, sealed or "") for row, sealed in connection.execute(query)]


def _reseal(  # noqa: PLR0913, PLR0917 - one value and where it lies
    database: Database,
    cipher: TokenCipher,
    column: InstrumentedAttribute[str | None],
    row_id: InstrumentedAttribute[str],
    row: str,
    sealed: str,
) -> bool:
    """Seal one value anew; tell whether it was still there to be changed."""
    at = associated_data(column.class_.__tablename__, column.key, row)
    resealed = cipher.seal(cipher.open(sealed, at=at), at=at)
    with database.writing() as connection:
        changed = connection.execute(
            update(column.class_)
            .where(row_id == row, column == sealed)
            .values({column.key: resealed})
        )
        return changed.rowcount == 1
