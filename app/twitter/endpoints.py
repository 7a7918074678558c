"""The endpoints this product uses, as one table: permissions, dialects, prices.

Paths and scopes: X docs, "Authentication mapping", and the beta's document of 2021. Prices: X docs,
"Pricing" of 2026, US dollars, "subject to change". A test holds docs/twitter-api.md against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Literal

from app.twitter.dialect import BETA, LIVE, Dialect, Permission

Method = Literal["GET", "POST", "DELETE"]

# Every endpoint needs both, whatever else it needs.
_ALWAYS = (Permission.READ_TWEETS, Permission.READ_USERS)

FREE = Decimal(0)
# For each object that comes back on pay-per-use. What is estimated from these is no bill: Twitter
# does not charge for a day's repetitions, which nobody here can see, and its documents leave open
# whether it charges for what comes along by expansion, which is not counted here.
USER_READ = Decimal("0.010")
TWEET_READ = Decimal("0.005")
SPACE_READ = Decimal("0.005")
UNFOLLOWED = Decimal("0.010")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One row of Twitter's endpoint map. `path` has its parameters as the documents write them."""

    method: Method
    path: str
    needs: tuple[Permission, ...]  # the telling one first
    dialects: frozenset[str]
    price: Decimal
    # Its answers tell whom the person follows, or hang on it: a follow makes them old.
    depends_on_follows: bool = False

    @property
    def route(self) -> str:
        """The name under which this endpoint is counted and remembered, as documents write it."""
        return f"{self.method} /2{self.path}"

    def exists_in(self, dialect: Dialect) -> bool:
        """Tell whether `dialect` has this endpoint."""
        return dialect.name in self.dialects


def _endpoint(
    method: Method,
    path: str,
    price: Decimal,
    *dialects: Dialect,
    telling: Permission | None = None,
    depends_on_follows: bool = False,
) -> Endpoint:
    return Endpoint(
        method=method,
        path=path,
        needs=(telling, *_ALWAYS) if telling else _ALWAYS,
        dialects=frozenset(dialect.name for dialect in dialects),
        price=price,
        depends_on_follows=depends_on_follows,
    )


# The beta's document has no row for it, but without it nobody can be told apart.
USERS_ME = _endpoint("GET", "/users/me", USER_READ, LIVE, BETA)
# What a follow makes old. A profile comes with how the person stands to it.
_changing = partial(_endpoint, depends_on_follows=True)
USERS = _changing("GET", "/users", USER_READ, LIVE, BETA)
USER = _changing("GET", "/users/:id", USER_READ, LIVE, BETA)
USERS_BY = _changing("GET", "/users/by", USER_READ, LIVE, BETA)
USER_BY_USERNAME = _changing("GET", "/users/by/username/:username", USER_READ, LIVE)
TWEETS = _endpoint("GET", "/tweets", TWEET_READ, LIVE, BETA)
TWEET = _endpoint("GET", "/tweets/:id", TWEET_READ, LIVE, BETA)
USER_TWEETS = _endpoint("GET", "/users/:id/tweets", TWEET_READ, LIVE)

_READ = Permission.READ_FOLLOWS
FOLLOWING = _changing("GET", "/users/:id/following", USER_READ, LIVE, BETA, telling=_READ)
FOLLOWERS = _changing("GET", "/users/:id/followers", USER_READ, LIVE, telling=_READ)
# Left all self-serve plans in April 2026: where it exists, it is part of a contract.
_WRITE = Permission.WRITE_FOLLOWS
FOLLOW = _endpoint("POST", "/users/:id/following", FREE, LIVE, BETA, telling=_WRITE)
UNFOLLOW = _endpoint(
    "DELETE",
    "/users/:source_user_id/following/:target_user_id",
    UNFOLLOWED,
    LIVE,
    BETA,
    telling=_WRITE,
)

_SPACES = Permission.READ_SPACES
SPACE = _endpoint("GET", "/spaces/:id", SPACE_READ, LIVE, BETA, telling=_SPACES)
SPACES = _endpoint("GET", "/spaces", SPACE_READ, LIVE, BETA, telling=_SPACES)
# Asked for by name: whom the person follows is asked of another endpoint first.
SPACES_BY_CREATORS = _endpoint(
    "GET", "/spaces/by/creator_ids", SPACE_READ, LIVE, BETA, telling=_SPACES
)
FOLLOWING_SPACES = _changing(
    "GET", "/users/:id/following/spaces", SPACE_READ, BETA, telling=_SPACES
)

ENDPOINTS = (
    USERS_ME,
    USERS,
    USER,
    USERS_BY,
    USER_BY_USERNAME,
    TWEETS,
    TWEET,
    USER_TWEETS,
    FOLLOWING,
    FOLLOWERS,
    FOLLOW,
    UNFOLLOW,
    SPACE,
    SPACES,
    SPACES_BY_CREATORS,
    FOLLOWING_SPACES,
)
BY_ROUTE = {endpoint.route: endpoint for endpoint in ENDPOINTS}
