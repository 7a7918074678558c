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
    """A matter of a person that an action can change."""

    FOLLOWS = "follows"  # whom they follow


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One row of Twitter's endpoint map. `path` names its parameters as X's documents do."""

    method: Method
    path: str
    label: str  # what it is for, in plain words
    group: str  # reads of a group fail together, behind one circuit breaker
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
    label: str,
    price: Decimal,
    *dialects: Dialect,
    group: str,
    main: Permission | None = None,
    changes: tuple[Topic, ...] = (),
    depends_on: tuple[Topic, ...] = (),
) -> Endpoint:
    return Endpoint(
        method=method,
        path=path,
        label=label,
        group=group,
        needs=(main, *_ALWAYS) if main else _ALWAYS,
        dialects=frozenset(dialect.name for dialect in dialects),
        price=price,
        changes=changes,
        depends_on=depends_on,
    )


_user = partial(_endpoint, group="users")
# The beta's document does not list it, but without it the app cannot tell who signed in.
USERS_ME = _user("GET", "/users/me", "Your own profile", USER_READ, LIVE, BETA)
# Profiles include `connection_status`: whether the person follows them.
_other = partial(_user, depends_on=(Topic.FOLLOWS,))
USERS = _other("GET", "/users", "People by id", USER_READ, LIVE, BETA)
USER = _other("GET", "/users/:id", "One person by id", USER_READ, LIVE, BETA)
USERS_BY = _other("GET", "/users/by", "People by name", USER_READ, LIVE, BETA)
USER_BY_USERNAME = _other(
    "GET", "/users/by/username/:username", "One person by name", USER_READ, LIVE
)

_tweet = partial(_endpoint, group="tweets")
TWEETS = _tweet("GET", "/tweets", "Tweets by id", TWEET_READ, LIVE, BETA)
TWEET = _tweet("GET", "/tweets/:id", "One Tweet", TWEET_READ, LIVE, BETA)
USER_TWEETS = _tweet("GET", "/users/:id/tweets", "Tweets of one person", TWEET_READ, LIVE)

_follow = partial(_endpoint, group="follows")
_list = partial(_follow, main=Permission.READ_FOLLOWS, depends_on=(Topic.FOLLOWS,))
FOLLOWING = _list(
    "GET", "/users/:id/following", "People whom someone follows", USER_READ, LIVE, BETA
)
FOLLOWERS = _list("GET", "/users/:id/followers", "Followers of someone", USER_READ, LIVE)
# X removed both from all self-serve plans in April 2026. Only contracts include them.
_change = partial(_follow, main=Permission.WRITE_FOLLOWS, changes=(Topic.FOLLOWS,))
FOLLOW = _change("POST", "/users/:id/following", "Following", FREE, LIVE, BETA)
UNFOLLOW = _change(
    "DELETE",
    "/users/:source_user_id/following/:target_user_id",
    "Unfollowing",
    _UNFOLLOW_PRICE,
    LIVE,
    BETA,
)

_space = partial(_endpoint, group="spaces", main=Permission.READ_SPACES)
SPACE = _space("GET", "/spaces/:id", "One Space", SPACE_READ, LIVE, BETA)
SPACES = _space("GET", "/spaces", "Spaces by id", SPACE_READ, LIVE, BETA)
# Its parameters list the creators: after a follow they differ, so no stale answer is found.
SPACES_BY_CREATORS = _space(
    "GET", "/spaces/by/creator_ids", "Spaces by host", SPACE_READ, LIVE, BETA
)
FOLLOWING_SPACES = _space(
    "GET",
    "/users/:id/following/spaces",
    "Spaces of people you follow",
    SPACE_READ,
    BETA,
    depends_on=(Topic.FOLLOWS,),
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
# Those of registered actions are added: the account page counts their calls, too.
BY_ROUTE = {endpoint.route: endpoint for endpoint in ENDPOINTS}
