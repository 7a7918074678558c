"""What the site asked of Twitter for a person, in words and figures for the account page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_UP, Decimal

from app.accounts.people import Person
from app.gateway.quota import Unavailable
from app.gateway.usage import KEPT, Used
from app.services import services
from app.twitter import endpoints
from app.twitter.endpoints import Endpoint
from app.twitter.rate_limit_headers import DAY, WINDOWS, Window

_CENT = Decimal("0.01")

WORDS: Mapping[Endpoint, str] = {
    endpoints.USERS_ME: "Your own profile",
    endpoints.USERS: "People by id",
    endpoints.USER: "One person by id",
    endpoints.USERS_BY: "People by name",
    endpoints.USER_BY_USERNAME: "One person by name",
    endpoints.TWEETS: "Tweets by id",
    endpoints.TWEET: "One Tweet",
    endpoints.USER_TWEETS: "Tweets of one person",
    endpoints.FOLLOWING: "Who someone follows",
    endpoints.FOLLOWERS: "Who follows someone",
    endpoints.FOLLOW: "Following",
    endpoints.UNFOLLOW: "Unfollowing",
    endpoints.SPACE: "One Space",
    endpoints.SPACES: "Spaces by id",
    endpoints.SPACES_BY_CREATORS: "Spaces by host",
    endpoints.FOLLOWING_SPACES: "Spaces of people you follow",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What was asked since some day, and what it costs at most."""

    title: str
    used: Sequence[Used]

    @property
    def calls(self) -> int:
        """All calls."""
        return sum(one.calls for one in self.used)

    @property
    def items(self) -> int:
        """All items."""
        return sum(one.items for one in self.used)

    @property
    def cost(self) -> Decimal:
        """All costs."""
        return sum((one.cost for one in self.used), Decimal(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What is left for one endpoint, until a window starts anew."""

    endpoint: Endpoint
    window: Window

    @property
    def is_daily(self) -> bool:
        """Tell whether it counts for a day, and not for 15 minutes."""
        return WINDOWS[self.window.name] == DAY


def bills(person: Person) -> list[Bill]:
    """Return what a person used today and within the days that are kept, both in UTC."""
    today = services().now().date()
    first_day = today - KEPT + timedelta(days=1)
    lately, all_kept = services().usages.since(person.user_id, today, first_day)
    return [
        Bill(title="Today", used=lately),
        Bill(title=f"The last {KEPT.days} days", used=all_kept),
    ]


def left(person: Person) -> list[Left]:
    """Return every limit that Twitter has told for this person and that has not started anew."""
    known = services().quota.all_windows(person.profile.id)
    return [Left(endpoint=endpoint, window=window) for endpoint, window in known]


def outside_plan(person: Person) -> list[Unavailable]:
    """Return what nobody here, or this person, cannot do now, as far as this dialect has it."""
    dialect = services().dialect
    verdicts = services().quota.unavailable(person.profile.id)
    return [verdict for verdict in verdicts if verdict.endpoint.exists_in(dialect)]


def in_words(endpoint: Endpoint) -> str:
    """Say what an endpoint is for. A template filter."""
    return WORDS[endpoint]


def dollars(cost: Decimal) -> str:
    """Say an amount in full cents, rounded up, as it is an upper bound. A template filter."""
    return f"${cost.quantize(_CENT, ROUND_UP):,}"
