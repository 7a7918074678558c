"""Twitter's API v2, as far as the pages need it: typed in, typed out.

What is asked for (fields and expansions) stands here once. Classic names are sent: today's service
takes them, and the beta of 2021 knows no others. The answers' shapes: X docs, "Response codes and
errors", "Expansions", "Pagination".
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from app.twitter.budget import Budget
from app.twitter.dialect import Dialect
from app.twitter.entities import USER_OR_TWEET_ID, Includes, Space, Tweet, User
from app.twitter.errors import (
    Limited,
    OutOfCredits,
    PermissionMissing,
    PlanLacksIt,
    Refused,
    TokenRefused,
    TwitterError,
    Unreadable,
)
from app.twitter.limits import lifts_at
from app.twitter.transport import Answer, Transport

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")

log = logging.getLogger(__name__)

MOST_CREATORS = 100
# Twitter sends a hundred Tweets or a thousand people at most, and we ask for fewer.
MOST_ITEMS = 1000

USER_FIELDS = {
    "user.fields": "created_at,description,entities,location,pinned_tweet_id,profile_image_url,"
    "protected,public_metrics,url,verified"
}
TWEET_FIELDS = {
    "tweet.fields": "attachments,author_id,created_at,entities,public_metrics,referenced_tweets"
}
# Long posts, edits and pictures of a timeline: younger than the beta.
TIMELINE = {
    "tweet.fields": TWEET_FIELDS["tweet.fields"] + ",edit_history_tweet_ids,note_tweet",
    "media.fields": "alt_text,height,preview_image_url,url,width",
    "expansions": "attachments.media_keys,author_id,referenced_tweets.id,"
    "referenced_tweets.id.attachments.media_keys,referenced_tweets.id.author_id",
    **USER_FIELDS,
}
PROFILE_WITH_PINNED = {"expansions": "pinned_tweet_id", **USER_FIELDS, **TWEET_FIELDS}
SPACES = {
    "space.fields": "creator_id,host_ids,participant_count,scheduled_start,started_at,state,title",
    "expansions": "creator_id,host_ids",
    **USER_FIELDS,
}

# The last word of a problem's type. Small letters only, so that no token can pass for one.
_KIND = re.compile(r"/([a-z][a-z-]{1,40})\Z")
_BLANK = "about:blank"

_BY_STATUS: Mapping[int, type[Refused]] = {401: TokenRefused, 402: OutOfCredits}
_REFUSALS: Mapping[tuple[int, str], type[Refused]] = {
    (403, "client-forbidden"): PlanLacksIt,
    (403, _BLANK): PermissionMissing,
    (429, "usage-capped"): OutOfCredits,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why one of several things is missing from an answer: gone, protected, suspended."""

    kind: str
    resource_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T_co]):
    """One page of a list. The tokens lead to its neighbours; they are opaque and may expire."""

    items: tuple[T_co, ...] = ()
    next_token: str | None = None
    previous_token: str | None = None
    problems: tuple[Problem, ...] = ()


class Api:
    """Reads Twitter with somebody's access token. Made once per app; keeps nothing of a call.

    Every method raises the `TwitterError` that says what the caller can do about it.
    """

    def __init__(self, transport: Transport, *, api_url: str, dialect: Dialect) -> None:
        self._transport = transport
        self._api_url = api_url
        self._dialect = dialect

    def me(self, access_token: str, *, budget: Budget) -> User:
        """Return who the token belongs to (GET /2/users/me)."""
        document = self._get(access_token, "/users/me", USER_FIELDS, budget)
        return User.from_json(document.get("data"))

    def pinned_tweet(self, access_token: str, *, budget: Budget) -> Page[Tweet]:
        """Return the Tweet pinned to the own profile, if any (GET /2/users/me, expanded)."""
        document = self._get(access_token, "/users/me", PROFILE_WITH_PINNED, budget)
        user = User.from_json(document.get("data"))
        tweet = Includes.from_json(document.get("includes")).tweet(user.pinned_tweet_id)
        items = (replace(tweet, author=user),) if tweet else ()
        return Page(items=items, problems=_problems(document))

    def user_tweets(
        self, access_token: str, user_id: str, *, budget: Budget, max_results: int = 20
    ) -> Page[Tweet]:
        """Return the newest Tweets of a person (GET /2/users/:id/tweets, 5 to 100 of them)."""
        path = f"/users/{_checked(user_id)}/tweets"
        params = {"max_results": str(max_results), **TIMELINE}
        return _page(self._get(access_token, path, params, budget), Tweet.from_json)

    def following(
        self, access_token: str, user_id: str, *, budget: Budget, max_results: int = 20
    ) -> Page[User]:
        """Return whom a person follows (GET /2/users/:id/following, 1 to 1000 of them)."""
        path = f"/users/{_checked(user_id)}/following"
        params = {"max_results": str(max_results), **USER_FIELDS}
        return _page(self._get(access_token, path, params, budget), _user)

    def followers(
        self, access_token: str, user_id: str, *, budget: Budget, max_results: int = 20
    ) -> Page[User]:
        """Return who follows a person (GET /2/users/:id/followers, 1 to 1000 of them)."""
        path = f"/users/{_checked(user_id)}/followers"
        params = {"max_results": str(max_results), **USER_FIELDS}
        return _page(self._get(access_token, path, params, budget), _user)

    def spaces_by_creators(
        self, access_token: str, user_ids: Sequence[str], *, budget: Budget
    ) -> Page[Space]:
        """Return live and scheduled Spaces of 1 to 100 people (GET /2/spaces/by/creator_ids)."""
        ids = ",".join(_checked(user_id) for user_id in user_ids)
        params = {"user_ids": ids, **SPACES}
        document = self._get(access_token, "/spaces/by/creator_ids", params, budget)
        return _page(document, Space.from_json)

    def following_spaces(self, access_token: str, user_id: str, *, budget: Budget) -> Page[Space]:
        """Return Spaces of the people a person follows (GET /2/users/:id/following/spaces).

        Only the beta has this endpoint (`Dialect.has_following_spaces`).
        """
        path = f"/users/{_checked(user_id)}/following/spaces"
        return _page(self._get(access_token, path, SPACES, budget), Space.from_json)

    def spaces_of_followed(self, access_token: str, user_id: str, *, budget: Budget) -> Page[Space]:
        """Return the Spaces of the first hundred people a person follows, in either dialect."""
        if self._dialect.has_following_spaces:
            return self.following_spaces(access_token, user_id, budget=budget)
        followed = self.following(access_token, user_id, budget=budget, max_results=MOST_CREATORS)
        if not followed.items:
            return Page(problems=followed.problems)
        ids = [user.id for user in followed.items[:MOST_CREATORS]]
        return self.spaces_by_creators(access_token, ids, budget=budget)

    def _get(
        self, access_token: str, path: str, params: Mapping[str, str], budget: Budget
    ) -> dict[str, Any]:
        answer = self._transport.send(
            "GET",
            f"{self._api_url}{path}",
            budget=budget,
            headers={"Authorization": f"Bearer {access_token}"},
            params=params,
        )
        if answer.status >= 400:
            raise _refusal(answer)
        return answer.json_object()


def _checked(user_id: str) -> str:
    """Return the id, fit for a path: what is no id could lead to another endpoint."""
    if not USER_OR_TWEET_ID.fullmatch(user_id):
        raise ValueError("not an id of Twitter")
    return user_id


def _user(data: object, _: Includes) -> User:
    return User.from_json(data)


def _page(document: Mapping[str, Any], read: Callable[[object, Includes], T]) -> Page[T]:
    """Read a list. An empty one comes without `data`; what is missing stands in `errors`."""
    data = document.get("data")
    if data is not None and not isinstance(data, list):
        raise Unreadable("a list was promised")
    includes = Includes.from_json(document.get("includes"))
    meta = document.get("meta")
    return Page(
        items=_readable_items(data or [], includes, read),
        next_token=_token(meta, "next_token"),
        previous_token=_token(meta, "previous_token"),
        problems=_problems(document),
    )


def _readable_items(
    data: list[object], includes: Includes, read: Callable[[object, Includes], T]
) -> tuple[T, ...]:
    """Read what can be read: one odd item does not take the others along."""
    items = []
    for item in data[:MOST_ITEMS]:
        try:
            items.append(read(item, includes))
        except Unreadable as error:
            log.warning("Twitter sent an item that makes no sense: %s", error)
    if data and not items:
        raise Unreadable("no item of a list makes sense")
    return tuple(items)


def _token(meta: object, name: str) -> str | None:
    value = meta.get(name) if isinstance(meta, dict) else None
    return value if isinstance(value, str) and value else None


def _problems(document: Mapping[str, Any]) -> tuple[Problem, ...]:
    errors = document.get("errors")
    items = errors if isinstance(errors, list) else []
    return tuple(
        Problem(kind=_kind(item), resource_id=_resource_id(item))
        for item in items
        if isinstance(item, dict)
    )


def _resource_id(problem: Mapping[str, Any]) -> str:
    value = problem.get("resource_id")
    proper = isinstance(value, str) and USER_OR_TWEET_ID.fullmatch(value)
    return str(value) if proper else ""


def _refusal(answer: Answer) -> TwitterError:
    """Sort a 4xx by its status and its kind of problem (X docs: response codes and errors).

    Twitter's own words stay out of the exception: nobody knows what they repeat.
    """
    kind = _kind(_problem_of(answer))
    if answer.status == 429 and kind != "usage-capped":
        return Limited("HTTP 429", until=lifts_at(answer.headers))
    error = _REFUSALS.get((answer.status, kind)) or _BY_STATUS.get(answer.status, Refused)
    return error(kind or f"http-{answer.status}", f"HTTP {answer.status}")


def _problem_of(answer: Answer) -> Mapping[str, Any]:
    """Return the problem (RFC 9457), which may stand alone or as the first of `errors`."""
    try:
        document = answer.json_object()
    except Unreadable:
        return {}  # a gateway's page, in HTML or plain text
    errors = document.get("errors")
    nested = errors[0] if isinstance(errors, list) and errors else None
    return nested if "type" not in document and isinstance(nested, dict) else document


def _kind(problem: Mapping[str, Any]) -> str:
    """Return the last word of a problem's type: its host has changed, the word has not."""
    address = problem.get("type")
    if not isinstance(address, str):
        return ""
    if address == _BLANK:
        return _BLANK
    found = _KIND.search(address)
    return found[1] if found else ""
