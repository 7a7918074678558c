"""A query of a page to Twitter, with the endpoints and permissions that it takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

from app.twitter.api import Api
from app.twitter.dialect import Permission
from app.twitter.endpoints import Endpoint
from app.twitter.page import Page

T_co = TypeVar("T_co", covariant=True)

# Every object that Twitter returns costs money: no page requests more than it shows.
ON_A_PAGE = 20


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
