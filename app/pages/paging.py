"""Long lists, part by part: by plain links that carry Twitter's tokens, forwards and back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

from flask import request

from app.pages.queries import Query
from app.twitter.api import Api
from app.twitter.errors import Refused
from app.twitter.page import PAGE_TOKEN, Page

T = TypeVar("T")

# Twitter shows 3,200 Tweets of a timeline, which is 160 pages. Tokens without an end stop here.
MOST_PAGES = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where somebody is in a long list. Beyond its first page there must be a token."""

    number: int = 1
    token: str = ""

    @property
    def is_invalid(self) -> bool:
        """Tell whether the link was made up or cut: Twitter need not be asked."""
        return self.number > 1 and not self.token


def place() -> Place:
    """Read `?page=` and `?token=`, neither of which can be trusted."""
    token = request.args.get("token", "")
    if not token:
        return Place()
    number = request.args.get("page", 0, type=int)
    if not PAGE_TOKEN.fullmatch(token) or not 1 < number <= MOST_PAGES:
        return Place(number=MOST_PAGES)
    return Place(number=number, token=token)


def part(read: Query[T], there: Place) -> Query[T]:
    """Return `read` as one part of a long list, which has expired if Twitter refuses its token.

    A part without items is none of that: it may lead on, or be the end of the list.
    """
    if there.number == 1:
        return read

    def fetch(api: Api) -> Page[T]:
        if there.is_invalid:
            return Page(has_expired=True)
        try:
            return read.fetch(api)
        except Refused as error:
            # A bad token is a plain 400. Each of the other refusals has a kind of its own.
            if type(error) is not Refused:
                raise
            return Page(has_expired=True)

    return replace(read, fetch=fetch)
