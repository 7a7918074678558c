"""Calls, costs, limits and plan of one person, for the account page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_UP, Decimal

from app.accounts.people import Person
from app.gateway.quota import Verdict
from app.gateway.usage import KEPT, Used
from app.services import services
from app.twitter.endpoints import Endpoint
from app.twitter.rate_limit_headers import DAY, WINDOWS, Window

_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """The calls since some day, and their maximum cost."""

    title: str
    used: Sequence[Used]

    @property
    def calls(self) -> int:
        """The sum of calls."""
        return sum(one.calls for one in self.used)

    @property
    def items(self) -> int:
        """The sum of items."""
        return sum(one.items for one in self.used)

    @property
    def cost(self) -> Decimal:
        """The sum of costs."""
        return sum((one.cost for one in self.used), Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Remaining:
    """The calls that remain for one endpoint until its limit window resets."""

    endpoint: Endpoint
    window: Window

    @property
    def is_daily(self) -> bool:
        """Whether the window is a day, and not 15 minutes."""
        return WINDOWS[self.window.name] == DAY


def periods(person: Person) -> list[Period]:
    """Return the usage of today and of all stored days, in UTC."""
    today = services().now().date()
    first_day = today - KEPT + timedelta(days=1)
    lately, all_kept = services().usages.since(person.user_id, today, first_day)
    return [
        Period(title="Today", used=lately),
        Period(title=f"The last {KEPT.days} days", used=all_kept),
    ]


def remaining(person: Person) -> list[Remaining]:
    """Return the limits that Twitter has reported for this person and that have not reset."""
    known = services().quota.all_windows(person.profile.id)
    return [Remaining(endpoint=endpoint, window=window) for endpoint, window in known]


def unavailable(person: Person) -> list[Verdict]:
    """Return the endpoints that Twitter refuses to the site or to this person at the moment."""
    dialect = services().dialect
    verdicts = services().quota.unavailable(person.profile.id)
    return [verdict for verdict in verdicts if verdict.endpoint.exists_in(dialect)]


def dollars(cost: Decimal) -> str:
    """Return an amount in cents, rounded up, as it is an upper bound. A template filter."""
    return f"${cost.quantize(_CENT, ROUND_UP):,}"
