"""The queries of the pages to Twitter, each with the endpoints and permissions it takes."""

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

# Every Tweet, user and Space that Twitter returns costs money: no page requests more than it shows.
ON_A_PAGE = 20
ON_HOME = 5
_FACES_ON_HOME = 12
# Spaces take two calls: a hundred users, then an endpoint that allows one call a second.
_SPACES_CACHED_FOR = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Query(Generic[T_co]):
    """One query: the endpoints it calls, the main one first, and the function that calls them.

    `fetch` may run in another thread, without a request or a database session.
    """

    endpoints: tuple[Endpoint, ...]
    fetch: Callable[[Api], Page[T_co]]
    cached_for: timedelta = timedelta(0)  # at least, if there is a cache

    @property
    def needs(self) -> tuple[Permission, ...]:
        """The permissions it takes, that of the main endpoint first."""
        every = [need for endpoint in self.endpoints for need in endpoint.needs]
        return tuple(dict.fromkeys(every))


def tweets(
    user_id: str, dialect: Dialect, *, at_most: int = ON_A_PAGE, page_token: str = ""
) -> Query[Tweet]:
    """Return a query for a user's newest Tweets. The beta has no timeline, only pinned Tweets."""
    if not endpoints.USER_TWEETS.exists_in(dialect):
        return Query(endpoints=(endpoints.USER,), fetch=lambda api: api.pinned_tweets(user_id))
    return Query(
        endpoints=(endpoints.USER_TWEETS,),
        fetch=lambda api: api.user_tweets(user_id, max_results=at_most, page_token=page_token),
    )


def tweets_by_username(username: str, dialect: Dialect, *, page_token: str = "") -> Query[Tweet]:
    """Return the same by username. It shares one call with the query for the profile."""
    by_name = user_by_username(username, dialect)

    def fetch(api: Api) -> Page[Tweet]:
        found = by_name.fetch(api)
        if not found.items:
            return Page(problems=found.problems)
        return tweets(found.items[0].id, dialect, page_token=page_token).fetch(api)

    endpoint = endpoints.USER_TWEETS
    asked = endpoint if endpoint.exists_in(dialect) else endpoints.USER
    return Query(endpoints=(asked, *by_name.endpoints), fetch=fetch)


def pinned_of_followed(user_id: str, *, page_token: str = "") -> Query[Tweet]:
    """Return a query for the Tweets pinned by the users that a user follows."""
    return Query(
        endpoints=(endpoints.FOLLOWING,),
        fetch=lambda api: api.pinned_tweets_of_followed(user_id, page_token=page_token),
    )


def tweet(tweet_id: str) -> Query[Tweet]:
    """Return a query for one Tweet."""
    return Query(endpoints=(endpoints.TWEET,), fetch=lambda api: api.tweet(tweet_id))


def tweets_by_id(tweet_ids: Sequence[str]) -> Query[Tweet]:
    """Return a query for up to a hundred Tweets."""
    return Query(endpoints=(endpoints.TWEETS,), fetch=lambda api: api.tweets(tweet_ids))


def user_by_username(username: str, dialect: Dialect) -> Query[Profile]:
    """Return a query for one profile by username."""
    by_name = endpoints.USER_BY_USERNAME
    asked = by_name if by_name.exists_in(dialect) else endpoints.USERS_BY
    return Query(endpoints=(asked,), fetch=lambda api: api.user_by_username(username))


def user(user_id: str) -> Query[Profile]:
    """Return a query for one profile by id."""
    return Query(endpoints=(endpoints.USER,), fetch=lambda api: api.user(user_id))


def users(user_ids: Sequence[str]) -> Query[Profile]:
    """Return a query for up to a hundred profiles by id."""
    return Query(endpoints=(endpoints.USERS,), fetch=lambda api: api.users(user_ids))


def users_by_usernames(usernames: Sequence[str]) -> Query[Profile]:
    """Return a query for up to a hundred profiles by username."""
    return Query(
        endpoints=(endpoints.USERS_BY,), fetch=lambda api: api.users_by_usernames(usernames)
    )


def following(user_id: str, *, at_most: int = ON_A_PAGE, page_token: str = "") -> Query[Profile]:
    """Return a query for the users that a user follows."""
    return Query(
        endpoints=(endpoints.FOLLOWING,),
        fetch=lambda api: api.following(user_id, max_results=at_most, page_token=page_token),
    )


def followers(user_id: str, *, page_token: str = "") -> Query[Profile]:
    """Return a query for the followers of a user."""
    return Query(
        endpoints=(endpoints.FOLLOWERS,),
        fetch=lambda api: api.followers(user_id, max_results=ON_A_PAGE, page_token=page_token),
    )


def faces(user_id: str, dialect: Dialect, *, with_spaces: bool) -> Query[Profile]:
    """Return a query for the users that a user follows, as few as the home page shows.

    If that page shows their Spaces as well, both queries share one call for a hundred users: the
    same parameters hit the same cached answer, for as long as the Spaces are cached.
    """
    for_both = with_spaces and not endpoints.FOLLOWING_SPACES.exists_in(dialect)
    asked = MOST_ASKED if for_both else _FACES_ON_HOME
    return Query(
        endpoints=(endpoints.FOLLOWING,),
        fetch=lambda api: api.following(user_id, max_results=asked, read=_FACES_ON_HOME),
        cached_for=_SPACES_CACHED_FOR if for_both else timedelta(0),
    )


def spaces(user_id: str, dialect: Dialect) -> Query[Space]:
    """Return a query for the Spaces of the users that a user follows.

    Only the beta has an endpoint for that. In the live API it takes the list of those users first.
    """
    if endpoints.FOLLOWING_SPACES.exists_in(dialect):
        asked: tuple[Endpoint, ...] = (endpoints.FOLLOWING_SPACES,)
    else:
        asked = (endpoints.SPACES_BY_CREATORS, endpoints.FOLLOWING)
    return Query(
        endpoints=asked,
        fetch=lambda api: api.spaces_of_followed(user_id),
        cached_for=_SPACES_CACHED_FOR,
    )


def space(space_id: str) -> Query[Space]:
    """Return a query for one Space."""
    return Query(endpoints=(endpoints.SPACE,), fetch=lambda api: api.space(space_id))


def spaces_by_id(space_ids: Sequence[str]) -> Query[Space]:
    """Return a query for up to a hundred Spaces."""
    return Query(endpoints=(endpoints.SPACES,), fetch=lambda api: api.spaces(space_ids))


def spaces_by_creators(user_ids: Sequence[str], usernames: Sequence[str] = ()) -> Query[Space]:
    """Return a query for the live and scheduled Spaces of up to a hundred users.

    Usernames are looked up first. Its problems name the users as the person typed them: by id, or
    by username with an @ before it.
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

    return Query(endpoints=(endpoints.SPACES_BY_CREATORS, *by_name), fetch=fetch)
