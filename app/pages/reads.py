"""What the pages read at Twitter, each under a name, with the permissions it takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from app.twitter.api import Api, Page
from app.twitter.budget import Budget
from app.twitter.dialect import Dialect, Permission
from app.twitter.entities import Space, Tweet, User

T_co = TypeVar("T_co", covariant=True)

# Every Tweet, person and Space that is read costs money: no page asks for more than it shows.
ON_A_PAGE = 20
ON_HOME = 5
FACES_ON_HOME = 12

# Every endpoint needs both, whatever else it needs (X docs: authentication mapping).
_ALWAYS = (Permission.READ_TWEETS, Permission.READ_USERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Read(Generic[T_co]):
    """One read: its name, the permissions it takes (the telling one first), how it is done.

    `fetch` runs in another thread: it gets everything it needs by argument.
    """

    name: str
    needs: tuple[Permission, ...]
    fetch: Callable[[Api, str, Budget], Page[T_co]]


def tweets(user_id: str, dialect: Dialect, *, at_most: int = ON_A_PAGE) -> Read[Tweet]:
    """Read somebody's newest Tweets. The beta has no timeline, only what is pinned."""
    if not dialect.has_timeline:
        return Read(
            name="pinned-tweet",
            needs=_ALWAYS,
            fetch=lambda api, token, budget: api.pinned_tweet(token, budget=budget),
        )
    return Read(
        name="tweets",
        needs=_ALWAYS,
        fetch=lambda api, token, budget: api.user_tweets(
            token, user_id, budget=budget, max_results=at_most
        ),
    )


def following(user_id: str, *, at_most: int = ON_A_PAGE) -> Read[User]:
    """Read whom somebody follows."""
    return Read(
        name="following",
        needs=(Permission.READ_FOLLOWS, *_ALWAYS),
        fetch=lambda api, token, budget: api.following(
            token, user_id, budget=budget, max_results=at_most
        ),
    )


def followers(user_id: str, *, at_most: int = ON_A_PAGE) -> Read[User]:
    """Read who follows somebody."""
    return Read(
        name="followers",
        needs=(Permission.READ_FOLLOWS, *_ALWAYS),
        fetch=lambda api, token, budget: api.followers(
            token, user_id, budget=budget, max_results=at_most
        ),
    )


def spaces(user_id: str, dialect: Dialect) -> Read[Space]:
    """Read the Spaces of the people somebody follows; today that takes their follows, too."""
    finding_them = () if dialect.has_following_spaces else (Permission.READ_FOLLOWS,)
    return Read(
        name="spaces",
        needs=(Permission.READ_SPACES, *finding_them, *_ALWAYS),
        fetch=lambda api, token, budget: api.spaces_of_followed(token, user_id, budget=budget),
    )
