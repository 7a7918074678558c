"""What the pages read at Twitter, each with the endpoints and permissions it takes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Generic, TypeVar

from app.twitter import endpoints
from app.twitter.api import MOST_ASKED, Api
from app.twitter.dialect import Dialect, Permission
from app.twitter.endpoints import Endpoint
from app.twitter.models import Profile, Space, Tweet
from app.twitter.page import Page

T_co = TypeVar("T_co", covariant=True)

# Every Tweet, person and Space that is read costs money: no page asks for more than it shows.
ON_A_PAGE = 20
ON_HOME = 5
_FACES_ON_HOME = 12
# Two reads in a row, of a hundred people and from an endpoint that takes one call a second.
_SPACES_KEPT = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Read(Generic[T_co]):
    """One read: which endpoints it asks, the telling one first, and how it is done.

    `fetch` may run in another thread: it gets everything it needs by argument.
    """

    asks: tuple[Endpoint, ...]
    fetch: Callable[[Api], Page[T_co]]
    kept: timedelta = timedelta(0)  # at least so long, if anything is remembered at all

    @property
    def needs(self) -> tuple[Permission, ...]:
        """The permissions it takes, the telling one first."""
        every = [need for endpoint in self.asks for need in endpoint.needs]
        return tuple(dict.fromkeys(every))


def tweets(
    user_id: str, dialect: Dialect, *, at_most: int = ON_A_PAGE, page_token: str = ""
) -> Read[Tweet]:
    """Read somebody's newest Tweets. The beta has no timeline, only what is pinned."""
    if not endpoints.USER_TWEETS.exists_in(dialect):
        return Read(asks=(endpoints.USER,), fetch=lambda api: api.pinned_tweets(user_id))
    return Read(
        asks=(endpoints.USER_TWEETS,),
        fetch=lambda api: api.user_tweets(user_id, max_results=at_most, page_token=page_token),
    )


def tweets_by_username(username: str, dialect: Dialect, *, page_token: str = "") -> Read[Tweet]:
    """Read somebody's newest Tweets by their name; the profile beside them is read once."""
    by_name = user_by_username(username, dialect)

    def fetch(api: Api) -> Page[Tweet]:
        found = by_name.fetch(api)
        if not found.items:
            return Page(problems=found.problems)
        return tweets(found.items[0].id, dialect, page_token=page_token).fetch(api)

    endpoint = endpoints.USER_TWEETS
    asked = endpoint if endpoint.exists_in(dialect) else endpoints.USER
    return Read(asks=(asked, *by_name.asks), fetch=fetch)


def pinned_of_followed(user_id: str, *, page_token: str = "") -> Read[Tweet]:
    """Read what the people somebody follows have pinned to their profiles."""
    return Read(
        asks=(endpoints.FOLLOWING,),
        fetch=lambda api: api.pinned_tweets_of_followed(user_id, page_token=page_token),
    )


def tweet(tweet_id: str) -> Read[Tweet]:
    """Read one Tweet."""
    return Read(asks=(endpoints.TWEET,), fetch=lambda api: api.tweet(tweet_id))


def tweets_by_id(tweet_ids: Sequence[str]) -> Read[Tweet]:
    """Read up to a hundred Tweets."""
    return Read(asks=(endpoints.TWEETS,), fetch=lambda api: api.tweets(tweet_ids))


def user_by_username(username: str, dialect: Dialect) -> Read[Profile]:
    """Read one profile by name."""
    by_name = endpoints.USER_BY_USERNAME
    asked = by_name if by_name.exists_in(dialect) else endpoints.USERS_BY
    return Read(asks=(asked,), fetch=lambda api: api.user_by_username(username))


def user(user_id: str) -> Read[Profile]:
    """Read one profile by id."""
    return Read(asks=(endpoints.USER,), fetch=lambda api: api.user(user_id))


def users(user_ids: Sequence[str]) -> Read[Profile]:
    """Read up to a hundred profiles by id."""
    return Read(asks=(endpoints.USERS,), fetch=lambda api: api.users(user_ids))


def users_by_usernames(usernames: Sequence[str]) -> Read[Profile]:
    """Read up to a hundred profiles by name."""
    return Read(asks=(endpoints.USERS_BY,), fetch=lambda api: api.users_by_usernames(usernames))


def following(user_id: str, *, at_most: int = ON_A_PAGE, page_token: str = "") -> Read[Profile]:
    """Read whom somebody follows."""
    return Read(
        asks=(endpoints.FOLLOWING,),
        fetch=lambda api: api.following(user_id, max_results=at_most, page_token=page_token),
    )


def followers(user_id: str, *, page_token: str = "") -> Read[Profile]:
    """Read who follows somebody."""
    return Read(
        asks=(endpoints.FOLLOWERS,),
        fetch=lambda api: api.followers(user_id, max_results=ON_A_PAGE, page_token=page_token),
    )


def faces(user_id: str, dialect: Dialect, *, with_spaces: bool) -> Read[Profile]:
    """Read whom somebody follows, for an overview that shows their Spaces as well.

    The Spaces take a list of a hundred: asked for in the same words, it is read once, and kept as
    long as they are.
    """
    for_both = with_spaces and not endpoints.FOLLOWING_SPACES.exists_in(dialect)
    asked = MOST_ASKED if for_both else _FACES_ON_HOME
    return Read(
        asks=(endpoints.FOLLOWING,),
        fetch=lambda api: api.following(user_id, max_results=asked, read=_FACES_ON_HOME),
        kept=_SPACES_KEPT if for_both else timedelta(0),
    )


def spaces(user_id: str, dialect: Dialect) -> Read[Space]:
    """Read the Spaces of the people somebody follows; today that takes their follows, too."""
    if endpoints.FOLLOWING_SPACES.exists_in(dialect):
        asked: tuple[Endpoint, ...] = (endpoints.FOLLOWING_SPACES,)
    else:
        asked = (endpoints.SPACES_BY_CREATORS, endpoints.FOLLOWING)
    return Read(asks=asked, fetch=lambda api: api.spaces_of_followed(user_id), kept=_SPACES_KEPT)


def space(space_id: str) -> Read[Space]:
    """Read one Space."""
    return Read(asks=(endpoints.SPACE,), fetch=lambda api: api.space(space_id))


def spaces_by_id(space_ids: Sequence[str]) -> Read[Space]:
    """Read up to a hundred Spaces."""
    return Read(asks=(endpoints.SPACES,), fetch=lambda api: api.spaces(space_ids))


def spaces_by_creators(user_ids: Sequence[str], usernames: Sequence[str] = ()) -> Read[Space]:
    """Read what up to a hundred people have live or scheduled; names are looked up first.

    Its problems are those of people who were asked for: by id, or by name with an @ before it.
    """
    by_name = (endpoints.USERS_BY,) if usernames else ()

    def fetch(api: Api) -> Page[Space]:
        named = api.users_by_usernames(usernames) if usernames else Page()
        asked = {user_id: user_id for user_id in user_ids}
        asked |= {user.id: f"@{user.username}" for user in named.items}
        found = api.spaces_by_creators(tuple(asked)) if asked else Page()
        of_names = [replace(p, asked=f"@{p.asked}") for p in named.problems if p.asked]
        of_ids = [replace(p, asked=asked[p.asked]) for p in found.problems if p.asked in asked]
        return replace(found, problems=(*of_names, *of_ids))

    return Read(asks=(endpoints.SPACES_BY_CREATORS, *by_name), fetch=fetch)
