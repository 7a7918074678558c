"""Long lists, page by page: plain links carry Twitter's page tokens, forwards and back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

from flask import request

from app.pages.queries import Query
from app.twitter.api import Api
from app.twitter.errors import Refused
from app.twitter.page import PAGE_TOKEN, Page

T = TypeVar("T")

# Twitter shows 3,200 Tweets of a timeline, which is 160 pages. Endless tokens stop here.
MAX_PAGES = 160


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A page of a long list. Every page but the first has a token."""

    number: int = 1
    token: str = ""

    @property
    def is_invalid(self) -> bool:
        """Whether the link was made up or cut off, so that there is no token to send."""
        return self.number > 1 and not self.token


def requested_position() -> Position:
    """Return the position in `?page=` and `?token=`, which are checked."""
    token = request.args.get("token", "")
    if not token:
        return Position()
    number = request.args.get("page", 0, type=int)
    if not PAGE_TOKEN.fullmatch(token) or not 1 < number <= MAX_PAGES:
        return Position(number=MAX_PAGES)
    return Position(number=number, token=token)


def at_position(query: Query[T], position: Position) -> Query[T]:
    """Return `query` with a page that says `has_expired` if Twitter refuses its token.

    A page without items has not expired: more may follow, or it is the end of the list.
    """
    if position.number == 1:
        return query

    def fetch(api: Api) -> Page[T]:
        if position.is_invalid:
            return Page(has_expired=True)
        try:
            return query.fetch(api)
        except Refused as error:
            # Twitter answers a bad token with a plain 400. Other refusals are subclasses.
            if type(error) is not Refused:
                raise
            return Page(has_expired=True)

    return replace(query, fetch=fetch)
