"""Twitter's API v2, typed: a method for each endpoint of `endpoints`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.twitter import endpoints
from app.twitter.api_fields import FIELDS_BETA, FIELDS_LIVE
from app.twitter.dialect import BETA, Dialect
from app.twitter.endpoints import Endpoint
from app.twitter.errors import InvalidAnswer
from app.twitter.models import SPACE_ID, USER_OR_TWEET_ID, Profile, Space, Tweet
from app.twitter.page import (
    MOST_ITEMS,
    PAGE_TOKEN,
    Page,
    page_of_list,
    page_of_one,
    page_of_pinned,
    read_id,
    read_user,
    several,
    single,
)
from app.twitter.source import ApiRequest, Source
from app.twitter.tweet_text import ASKABLE

# The most ids or names that one look-up takes.
MOST_ASKED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """The result of a follow: done, or pending until a protected account agrees."""

    following: bool
    pending: bool = False


class Api:
    """Reads Twitter and follows, through a `Source`. Cheap to make.

    Every method raises the `TwitterError` that says what the caller can do about it, and
    ValueError for an id or name that could lead to another endpoint.
    """

    def __init__(self, source: Source, dialect: Dialect) -> None:
        self._source = source
        self._dialect = dialect
        self._fields = FIELDS_BETA if dialect.name == BETA.name else FIELDS_LIVE

    # People

    def me(self) -> Profile:
        """Return the owner of the token (GET /2/users/me)."""
        document = self._get(endpoints.USERS_ME, self._fields.user)
        return Profile.from_json(document.get("data"))

    def user(self, user_id: str) -> Page[Profile]:
        """Return one person (GET /2/users/:id), or the problem that Twitter has with them."""
        return page_of_one(
            self._get(endpoints.USER, self._fields.user, id=_checked(user_id)), read_user
        )

    def user_by_username(self, username: str) -> Page[Profile]:
        """Return one person by name (GET /2/users/by/username/:username; beta: /2/users/by)."""
        if not endpoints.USER_BY_USERNAME.exists_in(self._dialect):
            return self.users_by_usernames([username])
        name = _checked(username, ASKABLE)
        return page_of_one(
            self._get(endpoints.USER_BY_USERNAME, self._fields.user, username=name), read_user
        )

    def users(self, user_ids: Sequence[str]) -> Page[Profile]:
        """Return 1 to 100 people (GET /2/users), in no promised order."""
        params = {"ids": _all_checked(user_ids), **self._fields.user}
        return page_of_list(self._get(endpoints.USERS, params), read_user)

    def users_by_usernames(self, usernames: Sequence[str]) -> Page[Profile]:
        """Return 1 to 100 people by name (GET /2/users/by), in no promised order."""
        params = {"usernames": _all_checked(usernames, ASKABLE), **self._fields.user}
        return page_of_list(self._get(endpoints.USERS_BY, params), read_user)

    # Tweets

    def tweet(self, tweet_id: str) -> Page[Tweet]:
        """Return one Tweet (GET /2/tweets/:id), or the problem that Twitter has with it."""
        document = self._get(endpoints.TWEET, self._fields.tweet, id=_checked(tweet_id))
        return page_of_one(document, Tweet.from_json)

    def tweets(self, tweet_ids: Sequence[str]) -> Page[Tweet]:
        """Return 1 to 100 Tweets (GET /2/tweets), in no promised order."""
        params = {"ids": _all_checked(tweet_ids), **self._fields.tweet}
        return page_of_list(self._get(endpoints.TWEETS, params), Tweet.from_json)

    def user_tweets(
        self, user_id: str, *, max_results: int = 20, page_token: str = ""
    ) -> Page[Tweet]:
        """Return the newest Tweets of a person (GET /2/users/:id/tweets, 5 to 100 of them)."""
        params = {**_paging(max_results, page_token), **self._fields.tweet}
        document = self._get(endpoints.USER_TWEETS, params, id=_checked(user_id))
        return page_of_list(document, Tweet.from_json)

    def pinned_tweets(self, user_id: str) -> Page[Tweet]:
        """Return the Tweet pinned to a profile, if any (GET /2/users/:id, expanded)."""
        params = self._fields.user_with_pinned
        document = self._get(endpoints.USER, params, id=_checked(user_id))
        return page_of_pinned(document, single(document))

    def pinned_tweets_of_followed(
        self, user_id: str, *, max_results: int = 20, page_token: str = ""
    ) -> Page[Tweet]:
        """Return the pinned Tweets of people that a user follows (GET /2/users/:id/following).

        A page is one of people, so it may be empty while the next is not.
        """
        params = {**_paging(max_results, page_token), **self._fields.user_with_pinned}
        document = self._get(endpoints.FOLLOWING, params, id=_checked(user_id))
        return page_of_pinned(document, several(document))

    # Follows

    def following(
        self,
        user_id: str,
        *,
        max_results: int = 20,
        page_token: str = "",
        read: int = MOST_ITEMS,
    ) -> Page[Profile]:
        """Return the people that a user follows (GET /2/users/:id/following, 1 to 1000 of them).

        Only the first `read` are parsed.
        """
        params = {**_paging(max_results, page_token), **self._fields.user}
        document = self._get(endpoints.FOLLOWING, params, id=_checked(user_id))
        return page_of_list(document, read_user, most=read)

    def followers(
        self, user_id: str, *, max_results: int = 20, page_token: str = ""
    ) -> Page[Profile]:
        """Return the followers of a user (GET /2/users/:id/followers, 1 to 1000 of them)."""
        params = {**_paging(max_results, page_token), **self._fields.user}
        return page_of_list(self._get(endpoints.FOLLOWERS, params, id=_checked(user_id)), read_user)

    def follow(self, user_id: str, target_user_id: str) -> Following:
        """Follow a user as the owner of the token (POST /2/users/:id/following).

        Following twice is no error. A protected account must agree first.
        """
        request = ApiRequest(
            endpoint=endpoints.FOLLOW,
            path=_filled(endpoints.FOLLOW.path, id=_checked(user_id)),
            json={"target_user_id": _checked(target_user_id)},
        )
        return _following(self._source.answer(request))

    def unfollow(self, user_id: str, target_user_id: str) -> Following:
        """Unfollow a user (DELETE /2/users/:source_user_id/following/:target_user_id)."""
        path = _filled(
            endpoints.UNFOLLOW.path,
            source_user_id=_checked(user_id),
            target_user_id=_checked(target_user_id),
        )
        return _following(self._source.answer(ApiRequest(endpoint=endpoints.UNFOLLOW, path=path)))

    # Spaces

    def space(self, space_id: str) -> Page[Space]:
        """Return one Space (GET /2/spaces/:id), or the problem that Twitter has with it."""
        document = self._get(endpoints.SPACE, self._fields.space, id=_checked(space_id, SPACE_ID))
        return page_of_one(document, Space.from_json)

    def spaces(self, space_ids: Sequence[str]) -> Page[Space]:
        """Return 1 to 100 Spaces (GET /2/spaces), in no promised order."""
        params = {"ids": _all_checked(space_ids, SPACE_ID), **self._fields.space}
        return page_of_list(self._get(endpoints.SPACES, params), Space.from_json)

    def spaces_by_creators(self, user_ids: Sequence[str]) -> Page[Space]:
        """Return live and scheduled Spaces of 1 to 100 people (GET /2/spaces/by/creator_ids)."""
        params = {"user_ids": _all_checked(user_ids), **self._fields.space}
        return page_of_list(self._get(endpoints.SPACES_BY_CREATORS, params), Space.from_json)

    def spaces_of_followed(self, user_id: str) -> Page[Space]:
        """Return the Spaces of the people that a user follows, in either dialect.

        Beta: GET /2/users/:id/following/spaces. Live: of the first hundred people; the page says
        if there are more.
        """
        if endpoints.FOLLOWING_SPACES.exists_in(self._dialect):
            params = self._fields.space
            document = self._get(endpoints.FOLLOWING_SPACES, params, id=_checked(user_id))
            return page_of_list(document, Space.from_json)
        # The same parameters as `following`, whose answer may be cached; only the ids are parsed.
        params = {**_paging(MOST_ASKED, ""), **self._fields.user}
        document = self._get(endpoints.FOLLOWING, params, id=_checked(user_id))
        followed = page_of_list(document, read_id, most=MOST_ASKED)
        among = MOST_ASKED if followed.next_token else None
        if not followed.items:
            return Page(problems=followed.problems, among=among)
        return replace(self.spaces_by_creators(followed.items), among=among)

    # The rest

    def answer(self, request: ApiRequest) -> dict[str, Any]:
        """Return the answer to a request that no method here makes; a product has its own."""
        return self._source.answer(request)

    def _get(self, endpoint: Endpoint, params: Mapping[str, str], **path: str) -> dict[str, Any]:
        filled = _filled(endpoint.path, **path)
        return self._source.answer(ApiRequest(endpoint=endpoint, path=filled, params=params))


def _filled(path: str, **values: str) -> str:
    for name, value in values.items():
        path = path.replace(f":{name}", value)
    return path


def _checked(value: str, shape: re.Pattern[str] = USER_OR_TWEET_ID) -> str:
    """Return `value` if it is an id or name: any other could lead to another endpoint."""
    if not shape.fullmatch(value):
        raise ValueError("neither an id nor a name of Twitter")
    return value


def _all_checked(values: Sequence[str], shape: re.Pattern[str] = USER_OR_TWEET_ID) -> str:
    if not 1 <= len(values) <= MOST_ASKED:
        raise ValueError(f"{len(values)} at once; Twitter takes 1 to {MOST_ASKED}")
    return ",".join(dict.fromkeys(_checked(value, shape) for value in values))


def _paging(max_results: int, page_token: str) -> dict[str, str]:
    # The token comes from a link. One that cannot be Twitter's gives the first page.
    proper = PAGE_TOKEN.fullmatch(page_token)
    token = {"pagination_token": page_token} if proper else {}
    return {"max_results": str(max_results), **token}


def _following(document: Mapping[str, Any]) -> Following:
    data = document.get("data")
    if not isinstance(data, dict) or not isinstance(data.get("following"), bool):
        raise InvalidAnswer("an answer to a follow without `following`")
    return Following(following=data["following"], pending=data.get("pending_follow") is True)
