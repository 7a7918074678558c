"""Twitter's API v2: typed in, typed out. A method for each endpoint of `endpoints`.

What is asked for (fields and expansions) stands here once. Classic names are sent: today's service
takes them, and the beta of 2021 knows no others. The answers' shapes: X docs, "Response codes and
errors", "Expansions", "Pagination".

Where an answer comes from is the business of a `Source`: Twitter itself (`client`), or a cache.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol, TypeVar

from app.twitter import endpoints
from app.twitter.dialect import BETA, Dialect
from app.twitter.endpoints import Endpoint
from app.twitter.errors import InvalidAnswer
from app.twitter.models import SPACE_ID, USER_OR_TWEET_ID, Includes, Profile, Space, Tweet
from app.twitter.problems import Problem, problems
from app.twitter.tweet_text import ASKABLE

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")

log = logging.getLogger(__name__)

# As many as Twitter takes in one look-up.
MOST_ASKED = 100
# Twitter sends a hundred Tweets or a thousand people at most, and we ask for fewer.
_MOST_ITEMS = 1000
# A token is opaque; it has to fit into a link of ours.
PAGE_TOKEN = re.compile(r"[\x21-\x7e]{1,400}")

_USER = (
    "created_at,description,entities,location,pinned_tweet_id,profile_image_url,"
    "protected,public_metrics,url,verified"
)
_TWEET = (
    "attachments,author_id,created_at,entities,lang,possibly_sensitive,public_metrics,"
    "referenced_tweets"
)
_EXPANSIONS = (
    "attachments.media_keys,attachments.poll_ids,author_id,referenced_tweets.id,"
    "referenced_tweets.id.author_id"
)
_SPACE = (
    "creator_id,host_ids,lang,participant_count,scheduled_start,speaker_ids,started_at,state,title"
)
_MEDIA = "alt_text,height,preview_image_url,url,width"
_POLL = "end_datetime,voting_status"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """What is asked for, for each kind of thing. Twitter refuses names that it does not know."""

    user: Mapping[str, str]
    user_with_pinned: Mapping[str, str]
    tweet: Mapping[str, str]
    space: Mapping[str, str]


def _fields(*, user: str, tweet: str, expansions: str, space: str) -> Fields:
    people = {"user.fields": user}
    posts = {"tweet.fields": tweet, "media.fields": _MEDIA, "poll.fields": _POLL}
    return Fields(
        user=people,
        user_with_pinned={"expansions": "pinned_tweet_id", "tweet.fields": tweet, **people},
        tweet={"expansions": expansions, **posts, **people},
        space={"expansions": "creator_id,host_ids,speaker_ids", "space.fields": space, **people},
    )


# Banners, who is connected to whom, long posts, Articles, edits, the pictures of quoted Tweets and
# the end of a Space are younger than the beta.
FIELDS_LIVE = _fields(
    user=_USER + ",connection_status,profile_banner_url",
    tweet=_TWEET + ",article,edit_history_tweet_ids,note_tweet",
    expansions=_EXPANSIONS + ",referenced_tweets.id.attachments.media_keys",
    space=_SPACE + ",ended_at",
)
FIELDS_BETA = _fields(user=_USER, tweet=_TWEET, expansions=_EXPANSIONS, space=_SPACE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T_co]):
    """One page of a list. The tokens lead to its neighbours; they are opaque and may expire."""

    items: tuple[T_co, ...] = ()
    next_token: str | None = None
    previous_token: str | None = None
    problems: tuple[Problem, ...] = ()
    has_expired: bool = False  # Twitter does not know the token any more
    among: int | None = None  # of so many people only, as there are more than one may ask about


@dataclass(frozen=True, slots=True, kw_only=True)
class Following:
    """What became of a follow: it is done, or a protected account has been asked."""

    following: bool
    pending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRequest:
    """One request to the API, before anybody's token is added."""

    endpoint: Endpoint
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    json: Mapping[str, str] | None = None

    @property
    def key(self) -> str:
        """The same text for the same request, whoever makes it."""
        return f"{self.endpoint.method} {self.path} {sorted(self.params.items())}"


class Document(dict[str, Any]):
    """An answer that is remembered, and with it what was made of it: it is read once in each way.

    What is made of one answer is never found beside another.
    """

    def __init__(self, json: Mapping[str, Any], made: dict[Hashable, Any]) -> None:
        super().__init__(json)
        self.made = made


class Source(Protocol):
    """Where the answers to requests come from."""

    def answer(self, request: ApiRequest) -> dict[str, Any]:
        """Return the document that answers `request`; raise the `TwitterError` that came instead.

        It is whatever Twitter documents: `data`, `includes`, `errors` and `meta`.
        """


class Api:
    """Reads Twitter for somebody, and follows for them. Cheap to make: it is only a way of asking.

    Every method raises the `TwitterError` that says what the caller can do about it, and
    ValueError for what cannot be an id: that could lead to another endpoint.
    """

    def __init__(self, source: Source, dialect: Dialect) -> None:
        self._source = source
        self._dialect = dialect
        self._fields = FIELDS_BETA if dialect.name == BETA.name else FIELDS_LIVE

    # People

    def me(self) -> Profile:
        """Return who the token belongs to (GET /2/users/me)."""
        document = self._get(endpoints.USERS_ME, self._fields.user)
        return Profile.from_json(document.get("data"))

    def user(self, user_id: str) -> Page[Profile]:
        """Return one person (GET /2/users/:id), or the problem that Twitter has with them."""
        return self._one(endpoints.USER, self._fields.user, _user, id=_checked(user_id))

    def user_by_username(self, username: str) -> Page[Profile]:
        """Return one person by name (GET /2/users/by/username/:username; beta: /2/users/by)."""
        if not endpoints.USER_BY_USERNAME.exists_in(self._dialect):
            return self.users_by_usernames([username])
        name = _checked(username, ASKABLE)
        return self._one(endpoints.USER_BY_USERNAME, self._fields.user, _user, username=name)

    def users(self, user_ids: Sequence[str]) -> Page[Profile]:
        """Return 1 to 100 people (GET /2/users), in no promised order."""
        params = {"ids": _all_checked(user_ids), **self._fields.user}
        return _page(self._get(endpoints.USERS, params), _user)

    def users_by_usernames(self, usernames: Sequence[str]) -> Page[Profile]:
        """Return 1 to 100 people by name (GET /2/users/by), in no promised order."""
        params = {"usernames": _all_checked(usernames, ASKABLE), **self._fields.user}
        return _page(self._get(endpoints.USERS_BY, params), _user)

    # Tweets

    def tweet(self, tweet_id: str) -> Page[Tweet]:
        """Return one Tweet (GET /2/tweets/:id), or the problem that Twitter has with it."""
        return self._one(
            endpoints.TWEET, self._fields.tweet, Tweet.from_json, id=_checked(tweet_id)
        )

    def tweets(self, tweet_ids: Sequence[str]) -> Page[Tweet]:
        """Return 1 to 100 Tweets (GET /2/tweets), in no promised order."""
        params = {"ids": _all_checked(tweet_ids), **self._fields.tweet}
        return _page(self._get(endpoints.TWEETS, params), Tweet.from_json)

    def user_tweets(
        self, user_id: str, *, max_results: int = 20, page_token: str = ""
    ) -> Page[Tweet]:
        """Return the newest Tweets of a person (GET /2/users/:id/tweets, 5 to 100 of them)."""
        params = {**_paging(max_results, page_token), **self._fields.tweet}
        document = self._get(endpoints.USER_TWEETS, params, id=_checked(user_id))
        return _page(document, Tweet.from_json)

    def pinned_tweets(self, user_id: str) -> Page[Tweet]:
        """Return the Tweet pinned to a profile, if any (GET /2/users/:id, expanded)."""
        params = self._fields.user_with_pinned
        document = self._get(endpoints.USER, params, id=_checked(user_id))
        return _pinned(document, _single(document))

    def pinned_tweets_of_followed(
        self, user_id: str, *, max_results: int = 20, page_token: str = ""
    ) -> Page[Tweet]:
        """Return what the people somebody follows have pinned (GET /2/users/:id/following).

        It is a page of these people: nobody on it may have pinned anything, and the next may.
        """
        params = {**_paging(max_results, page_token), **self._fields.user_with_pinned}
        document = self._get(endpoints.FOLLOWING, params, id=_checked(user_id))
        return _pinned(document, _several(document))

    # Follows

    def following(
        self,
        user_id: str,
        *,
        max_results: int = 20,
        page_token: str = "",
        read: int = _MOST_ITEMS,
    ) -> Page[Profile]:
        """Return whom a person follows (GET /2/users/:id/following, 1 to 1000 of them).

        Who asks for many and shows a few need not `read` the others.
        """
        params = {**_paging(max_results, page_token), **self._fields.user}
        document = self._get(endpoints.FOLLOWING, params, id=_checked(user_id))
        return _page(document, _user, most=read)

    def followers(
        self, user_id: str, *, max_results: int = 20, page_token: str = ""
    ) -> Page[Profile]:
        """Return who follows a person (GET /2/users/:id/followers, 1 to 1000 of them)."""
        params = {**_paging(max_results, page_token), **self._fields.user}
        return _page(self._get(endpoints.FOLLOWERS, params, id=_checked(user_id)), _user)

    def follow(self, user_id: str, target_user_id: str) -> Following:
        """Let the token's own person follow somebody (POST /2/users/:id/following).

        Following somebody twice is no error. A protected account is asked first.
        """
        request = ApiRequest(
            endpoint=endpoints.FOLLOW,
            path=_filled(endpoints.FOLLOW.path, id=_checked(user_id)),
            json={"target_user_id": _checked(target_user_id)},
        )
        return _following(self._source.answer(request))

    def unfollow(self, user_id: str, target_user_id: str) -> Following:
        """Undo it (DELETE /2/users/:source_user_id/following/:target_user_id)."""
        path = _filled(
            endpoints.UNFOLLOW.path,
            source_user_id=_checked(user_id),
            target_user_id=_checked(target_user_id),
        )
        return _following(self._source.answer(ApiRequest(endpoint=endpoints.UNFOLLOW, path=path)))

    # Spaces

    def space(self, space_id: str) -> Page[Space]:
        """Return one Space (GET /2/spaces/:id), or the problem that Twitter has with it."""
        return self._one(
            endpoints.SPACE, self._fields.space, Space.from_json, id=_checked(space_id, SPACE_ID)
        )

    def spaces(self, space_ids: Sequence[str]) -> Page[Space]:
        """Return 1 to 100 Spaces (GET /2/spaces), in no promised order."""
        params = {"ids": _all_checked(space_ids, SPACE_ID), **self._fields.space}
        return _page(self._get(endpoints.SPACES, params), Space.from_json)

    def spaces_by_creators(self, user_ids: Sequence[str]) -> Page[Space]:
        """Return live and scheduled Spaces of 1 to 100 people (GET /2/spaces/by/creator_ids)."""
        params = {"user_ids": _all_checked(user_ids), **self._fields.space}
        return _page(self._get(endpoints.SPACES_BY_CREATORS, params), Space.from_json)

    def spaces_of_followed(self, user_id: str) -> Page[Space]:
        """Return the Spaces of the people a person follows, in either dialect.

        Beta: GET /2/users/:id/following/spaces. Live: of the first hundred people they follow; if
        there are more, the page says so.
        """
        if endpoints.FOLLOWING_SPACES.exists_in(self._dialect):
            params = self._fields.space
            document = self._get(endpoints.FOLLOWING_SPACES, params, id=_checked(user_id))
            return _page(document, Space.from_json)
        # In the words of `following`, whose answer may be at hand; here only the ids are read.
        params = {**_paging(MOST_ASKED, ""), **self._fields.user}
        document = self._get(endpoints.FOLLOWING, params, id=_checked(user_id))
        followed = _page(document, _id, most=MOST_ASKED)
        among = MOST_ASKED if followed.next_token else None
        if not followed.items:
            return Page(problems=followed.problems, among=among)
        return replace(self.spaces_by_creators(followed.items), among=among)

    def _get(self, endpoint: Endpoint, params: Mapping[str, str], **path: str) -> dict[str, Any]:
        filled = _filled(endpoint.path, **path)
        return self._source.answer(ApiRequest(endpoint=endpoint, path=filled, params=params))

    def _one(
        self,
        endpoint: Endpoint,
        params: Mapping[str, str],
        read: Callable[[object, Includes], T],
        **path: str,
    ) -> Page[T]:
        """Read a single thing. What is missing comes as 200 with nothing but `errors`."""
        document = self._get(endpoint, params, **path)

        def made() -> Page[T]:
            includes = Includes.from_json(document.get("includes"))
            items = tuple(read(data, includes) for data in _single(document))
            return Page(items=items, problems=problems(document))

        return _once(document, ("one", read), made)


def _filled(path: str, **values: str) -> str:
    for name, value in values.items():
        path = path.replace(f":{name}", value)
    return path


def _checked(value: str, shape: re.Pattern[str] = USER_OR_TWEET_ID) -> str:
    """Return the id or name, fit for a path: what is none could lead to another endpoint."""
    if not shape.fullmatch(value):
        raise ValueError("neither an id nor a name of Twitter")
    return value


def _all_checked(values: Sequence[str], shape: re.Pattern[str] = USER_OR_TWEET_ID) -> str:
    if not 1 <= len(values) <= MOST_ASKED:
        raise ValueError(f"{len(values)} at once; Twitter takes 1 to {MOST_ASKED}")
    return ",".join(dict.fromkeys(_checked(value, shape) for value in values))


def _paging(max_results: int, page_token: str) -> dict[str, str]:
    # The token comes out of a link. One that cannot be Twitter's leads to the first page.
    proper = PAGE_TOKEN.fullmatch(page_token)
    token = {"pagination_token": page_token} if proper else {}
    return {"max_results": str(max_results), **token}


def _user(data: object, _: Includes) -> Profile:
    return Profile.from_json(data)


def _id(data: object, _: Includes) -> str:
    found = data.get("id") if isinstance(data, dict) else None
    if not isinstance(found, str) or not USER_OR_TWEET_ID.fullmatch(found):
        raise InvalidAnswer("an object without a proper id")
    return found


def _single(document: Mapping[str, Any]) -> list[object]:
    """Return the one thing that was asked for; nothing, if `errors` say why it is missing."""
    data = document.get("data")
    return [] if data is None and problems(document) else [data]


def _several(document: Mapping[str, Any]) -> list[object]:
    """Return the list that was asked for. An empty one comes without `data`."""
    data = document.get("data")
    if data is not None and not isinstance(data, list):
        raise InvalidAnswer("a list was promised")
    return data or []


def _pinned(document: Mapping[str, Any], people: list[object]) -> Page[Tweet]:
    """Return the pinned Tweets of `people`, which came along, each with its author."""
    includes = Includes.from_json(document.get("includes"))
    authors = _readable_items(people, includes, _user)
    found = [(includes.tweet(one.pinned_tweet_id), one) for one in authors if one.pinned_tweet_id]
    items = tuple(replace(tweet, author=author) for tweet, author in found if tweet)
    page = _around(document)
    # Pinned, and not there: that Twitter need not say why does not make it unpinned.
    unknown = Problem(missing="unknown", asked="")
    lost = () if len(items) == len(found) or page.problems else (unknown,)
    return replace(page, items=items, problems=(*page.problems, *lost))


def _following(document: Mapping[str, Any]) -> Following:
    data = document.get("data")
    if not isinstance(data, dict) or not isinstance(data.get("following"), bool):
        raise InvalidAnswer("an answer to a follow that says nothing about it")
    return Following(following=data["following"], pending=data.get("pending_follow") is True)


def _page(
    document: Mapping[str, Any], read: Callable[[object, Includes], T], *, most: int = _MOST_ITEMS
) -> Page[T]:
    """Read a list, `most` of it; what is missing from it stands in `errors`."""

    def made() -> Page[T]:
        includes = Includes.from_json(document.get("includes"))
        items = _readable_items(_several(document)[:most], includes, read)
        return replace(_around(document), items=items)

    return _once(document, (most, read), made)


def _once(document: Mapping[str, Any], way: Hashable, made: Callable[[], Page[T]]) -> Page[T]:
    """Return what was made of a remembered document in this `way` before, or make it now."""
    if not isinstance(document, Document):
        return made()
    if way not in document.made:
        document.made[way] = made()
    page: Page[T] = document.made[way]
    return page


def _around(document: Mapping[str, Any]) -> Page[Any]:
    """Return the page of an answer without its items: what it leads to, and what is missing."""
    meta = document.get("meta")
    return Page(
        next_token=_token(meta, "next_token"),
        previous_token=_token(meta, "previous_token"),
        problems=problems(document),
    )


def _readable_items(
    data: list[object], includes: Includes, read: Callable[[object, Includes], T]
) -> tuple[T, ...]:
    """Read what can be read: one odd item does not take the others along."""
    items, odd = [], []
    for item in data[:_MOST_ITEMS]:
        try:
            items.append(read(item, includes))
        except InvalidAnswer as error:
            odd.append(str(error))
    if odd:
        log.warning("%d items of a list make no sense, the first: %s", len(odd), odd[0])
    if data and not items:
        raise InvalidAnswer("no item of a list makes sense")
    return tuple(items)


def _token(meta: object, name: str) -> str | None:
    value = meta.get(name) if isinstance(meta, dict) else None
    return value if isinstance(value, str) and PAGE_TOKEN.fullmatch(value) else None
