"""The endpoints this product uses, as one table: permissions, dialects, prices.

Paths and scopes: X docs, "Authentication mapping", and the beta's document of 2021. Prices: X docs,
"Pricing" of 2026, US dollars, "subject to change". A test holds docs/twitter-api.md against it.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import partial
from typing import Literal

from app.twitter.dialect import BETA, LIVE, Dialect, Permission

Method = Literal["GET", "POST", "DELETE"]

# Every endpoint needs both of these, beside its main permission.
_ALWAYS = (Permission.READ_TWEETS, Permission.READ_USERS)

FREE = Decimal(0)
# Pay-per-use prices of one returned object. They give an estimate, not a bill: Twitter does not
# charge for repeats within a day, which the app cannot see, and its documents do not say whether
# it charges for objects that come by expansion, which the app does not count.
USER_READ = Decimal("0.010")
TWEET_READ = Decimal("0.005")
SPACE_READ = Decimal("0.005")
_UNFOLLOW_PRICE = Decimal("0.010")


class Topic(StrEnum):
    """What an action can change for a person."""

    FOLLOWS = "follows"  # whom they follow


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One row of Twitter's endpoint map. `path` names its parameters as X's documents do."""

    method: Method
    path: str
    needs: tuple[Permission, ...]  # the main one first
    dialects: frozenset[str]
    price: Decimal
    # A call to an endpoint that changes a topic makes the answers stale that depend on it.
    changes: tuple[Topic, ...] = ()
    depends_on: tuple[Topic, ...] = ()

    @property
    def route(self) -> str:
        """The name of this endpoint in tables and metrics, as X's documents write it."""
        return f"{self.method} /2{self.path}"

    def exists_in(self, dialect: Dialect) -> bool:
        """Return whether `dialect` has this endpoint, and all permissions that it needs."""
        return dialect.name in self.dialects and all(map(dialect.scope, self.needs))


def _endpoint(  # noqa: PLR0913 - the columns of the table
    method: Method,
    path: str,
    price: Decimal,
    *dialects: Dialect,
    main: Permission | None = None,
    changes: tuple[Topic, ...] = (),
    depends_on: tuple[Topic, ...] = (),
) -> Endpoint:
    return Endpoint(
        method=method,
        path=path,
        needs=(main, *_ALWAYS) if main else _ALWAYS,
        dialects=frozenset(dialect.name for dialect in dialects),
        price=price,
        changes=changes,
        depends_on=depends_on,
    )


# The beta's document does not list it, but without it the app cannot tell who signed in.
USERS_ME = _endpoint("GET", "/users/me", USER_READ, LIVE, BETA)
# Profiles include `connection_status`: whether the person follows them.
_with_follows = partial(_endpoint, depends_on=(Topic.FOLLOWS,))
USERS = _with_follows("GET", "/users", USER_READ, LIVE, BETA)
USER = _with_follows("GET", "/users/:id", USER_READ, LIVE, BETA)
USERS_BY = _with_follows("GET", "/users/by", USER_READ, LIVE, BETA)
USER_BY_USERNAME = _with_follows("GET", "/users/by/username/:username", USER_READ, LIVE)
TWEETS = _endpoint("GET", "/tweets", TWEET_READ, LIVE, BETA)
TWEET = _endpoint("GET", "/tweets/:id", TWEET_READ, LIVE, BETA)
USER_TWEETS = _endpoint("GET", "/users/:id/tweets", TWEET_READ, LIVE)

_READ = Permission.READ_FOLLOWS
FOLLOWING = _with_follows("GET", "/users/:id/following", USER_READ, LIVE, BETA, main=_READ)
FOLLOWERS = _with_follows("GET", "/users/:id/followers", USER_READ, LIVE, main=_READ)
# X removed both from all self-serve plans in April 2026. Only contracts include them.
_WRITE = Permission.WRITE_FOLLOWS
_changing_follows = partial(_endpoint, changes=(Topic.FOLLOWS,))
FOLLOW = _changing_follows("POST", "/users/:id/following", FREE, LIVE, BETA, main=_WRITE)
UNFOLLOW = _changing_follows(
    "DELETE",
    "/users/:source_user_id/following/:target_user_id",
    _UNFOLLOW_PRICE,
    LIVE,
    BETA,
    main=_WRITE,
)

_SPACES = Permission.READ_SPACES
SPACE = _endpoint("GET", "/spaces/:id", SPACE_READ, LIVE, BETA, main=_SPACES)
SPACES = _endpoint("GET", "/spaces", SPACE_READ, LIVE, BETA, main=_SPACES)
# Its parameters list the creators: after a follow they differ, so no stale answer is found.
SPACES_BY_CREATORS = _endpoint(
    "GET", "/spaces/by/creator_ids", SPACE_READ, LIVE, BETA, main=_SPACES
)
FOLLOWING_SPACES = _with_follows(
    "GET", "/users/:id/following/spaces", SPACE_READ, BETA, main=_SPACES
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
