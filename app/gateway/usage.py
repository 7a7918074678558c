"""The calls to Twitter of each person by day and endpoint: calls, items, and an upper cost."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from sqlalchemy import Executable, Row, bindparam, delete, select
from sqlalchemy.exc import SQLAlchemyError

from app.accounts.models import Usage
from app.storage.database import Database, Insert, Upsert
from app.twitter.api_client import ApiCall
from app.twitter.endpoints import BY_ROUTE, Endpoint

log = logging.getLogger(__name__)

# People can look back one month; older rows are pruned.
KEPT = timedelta(days=31)


def _adding(row: Insert) -> Executable:
    """Return the statement that inserts a row, or adds to an existing one."""
    return row.on_conflict_do_update(
        index_elements=[Usage.user_id, Usage.day, Usage.route],
        set_={name: Usage.__table__.c[name] + row.excluded[name] for name in ("calls", "items")},
    )


_ADD = Upsert(Usage, _adding)
_SINCE = select(Usage.day, Usage.route, Usage.calls, Usage.items).where(
    Usage.user_id == bindparam("user_id"), Usage.day >= bindparam("first_day")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """The use of one endpoint since a day."""

    endpoint: Endpoint
    calls: int
    items: int

    @property
    def cost(self) -> Decimal:
        """US dollars at most: Twitter charges once for an object that it returns twice on a day."""
        return self.endpoint.price * self.items


class Usages:
    """Counts calls to Twitter by UTC day, as Twitter does."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, user_id: int, calls: Iterable[ApiCall], *, now: datetime) -> None:
        """Count answered calls. A failure to count is logged and fails no page."""
        counts: Counter[str] = Counter()
        items: Counter[str] = Counter()
        for call in calls:
            counts[call.endpoint.route] += 1
            items[call.endpoint.route] += call.items
        if not counts:
            return
        person_and_day = {"user_id": user_id, "day": now.date()}
        rows = [
            {**person_and_day, "route": route, "calls": counts[route], "items": items[route]}
            for route in sorted(counts)
        ]
        try:
            with self._database.writing() as connection:
                connection.execute(_ADD.on(connection), rows)
        except SQLAlchemyError as error:
            log.warning("calls to Twitter could not be counted: %s", type(error).__name__)

    def since(self, user_id: int, *days: date) -> list[list[Used]]:
        """Return a person's use since the beginning of each of `days`, the dearest endpoint first.

        One statement: there are few rows, one for each day and endpoint.
        """
        values = {"user_id": user_id, "first_day": min(days)}
        with self._database.reading() as connection:
            rows = connection.execute(_SINCE, values).all()
        return [_used([row for row in rows if row.day >= day]) for day in days]

    def prune(self, *, now: datetime) -> int:
        """Delete rows older than a month; return how many."""
        with self._database.writing() as connection:
            old = Usage.day < (now - KEPT).date()
            return connection.execute(delete(Usage).where(old)).rowcount


def _used(rows: Iterable[Row[date, str, int, int]]) -> list[Used]:
    calls: Counter[str] = Counter()
    items: Counter[str] = Counter()
    for row in rows:
        calls[row.route] += row.calls
        items[row.route] += row.items
    used = [
        Used(endpoint=BY_ROUTE[route], calls=calls[route], items=items[route])
        for route in calls
        if route in BY_ROUTE
    ]
    return sorted(used, key=lambda one: (-one.cost, one.endpoint.route))
