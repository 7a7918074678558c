"""One page of an answer: its items, its neighbours, and why some items are missing.

X docs, "Response codes and errors", "Expansions", "Pagination".
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from app.twitter.errors import InvalidAnswer
from app.twitter.models import USER_OR_TWEET_ID, Includes, Profile, Tweet
from app.twitter.problems import Problem, problems
from app.twitter.source import Document

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")

log = logging.getLogger(__name__)

# Twitter sends at most 100 Tweets or 1,000 people, and we ask for fewer.
MOST_ITEMS = 1000
# Tokens are opaque; ours travel in links, so they are bounded.
PAGE_TOKEN = re.compile(r"[\x21-\x7e]{1,400}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T_co]):
    """One page of a list. The tokens lead to its neighbours; they are opaque and may expire."""

    items: tuple[T_co, ...] = ()
    next_token: str | None = None
    previous_token: str | None = None
    problems: tuple[Problem, ...] = ()
    has_expired: bool = False  # Twitter no longer knows the token
    among: int | None = None  # only of so many people: one request takes no more
    # HTML rendered from the items, kept as long as the answer is cached.
    rendered: dict[Hashable, Any] = field(default_factory=dict, compare=False, repr=False)


def page_of_one(document: Mapping[str, Any], read: Callable[[object, Includes], T]) -> Page[T]:
    """Return a page of one item. A missing item comes as 200 with only `errors`."""

    def parse() -> Page[T]:
        includes = Includes.from_json(document.get("includes"))
        items = tuple(read(data, includes) for data in single(document))
        return Page(items=items, problems=problems(document))

    return _parsed_once(document, ("one", read), parse)


def page_of_list(
    document: Mapping[str, Any], read: Callable[[object, Includes], T], *, most: int = MOST_ITEMS
) -> Page[T]:
    """Return a page of the first `most` items; `errors` name the missing ones."""

    def parse() -> Page[T]:
        includes = Includes.from_json(document.get("includes"))
        items = _readable_items(several(document)[:most], includes, read)
        return replace(_without_items(document), items=items)

    return _parsed_once(document, (most, read), parse)


def page_of_pinned(document: Mapping[str, Any], people: list[object]) -> Page[Tweet]:
    """Return the included pinned Tweets of `people`, each with its author."""
    includes = Includes.from_json(document.get("includes"))
    authors = _readable_items(people, includes, read_user)
    found = [(includes.tweet(one.pinned_tweet_id), one) for one in authors if one.pinned_tweet_id]
    items = tuple(replace(tweet, author=author) for tweet, author in found if tweet)
    page = _without_items(document)
    # A pinned Tweet that is not included may come without a problem: it is missing all the same.
    unknown = Problem(missing="unknown", asked="")
    lost = () if len(items) == len(found) or page.problems else (unknown,)
    return replace(page, items=items, problems=(*page.problems, *lost))


def read_user(data: object, _: Includes) -> Profile:
    """Return the user of a user object."""
    return Profile.from_json(data)


def read_id(data: object, _: Includes) -> str:
    """Return the id of a user object."""
    found = data.get("id") if isinstance(data, dict) else None
    if not isinstance(found, str) or not USER_OR_TWEET_ID.fullmatch(found):
        raise InvalidAnswer("an object without a proper id")
    return found


def single(document: Mapping[str, Any]) -> list[object]:
    """Return the item in a list; an empty one if `errors` say why it is missing."""
    data = document.get("data")
    return [] if data is None and problems(document) else [data]


def several(document: Mapping[str, Any]) -> list[object]:
    """Return the items. Twitter sends an empty list without `data`."""
    data = document.get("data")
    if data is not None and not isinstance(data, list):
        raise InvalidAnswer("data that is not a list")
    return data or []


def _without_items(document: Mapping[str, Any]) -> Page[Any]:
    """Return the page without its items: tokens and problems."""
    meta = document.get("meta")
    return Page(
        next_token=_token(meta, "next_token"),
        previous_token=_token(meta, "previous_token"),
        problems=problems(document),
    )


def _readable_items(
    data: list[object], includes: Includes, read: Callable[[object, Includes], T]
) -> tuple[T, ...]:
    """Return the valid items: an invalid one does not spoil the others."""
    items, errors = [], []
    for item in data[:MOST_ITEMS]:
        try:
            items.append(read(item, includes))
        except InvalidAnswer as error:
            errors.append(str(error))
    if errors:
        log.warning("%d items of a list are invalid, the first: %s", len(errors), errors[0])
    if data and not items:
        raise InvalidAnswer("a list without a valid item")
    return tuple(items)


def _parsed_once(
    document: Mapping[str, Any], way: Hashable, parse: Callable[[], Page[T]]
) -> Page[T]:
    """Return `parse()`; for a cached document, call it once for each `way` of parsing."""
    if not isinstance(document, Document):
        return parse()
    if way not in document.parsed:
        document.parsed[way] = parse()
    page: Page[T] = document.parsed[way]
    return page


def _token(meta: object, name: str) -> str | None:
    value = meta.get(name) if isinstance(meta, dict) else None
    return value if isinstance(value, str) and PAGE_TOKEN.fullmatch(value) else None
