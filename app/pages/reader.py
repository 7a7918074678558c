"""Reads Twitter for one page view: side by side, within one budget, each panel failing alone."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar

from app.accounts.people import Person
from app.pages.reads import Read
from app.pages.words import Trouble, missing, trouble
from app.services import services
from app.twitter.api import Api, Page
from app.twitter.budget import Budget
from app.twitter.dialect import Dialect
from app.twitter.errors import Busy, TokenRefused, TwitterError

T_co = TypeVar("T_co", covariant=True)

# A call ends with its budget; this is for its thread to come back with the news (seconds).
GRACE = 0.5

_Outcome = Page[Any] | TwitterError


class Tokens(Protocol):
    """Where usable access tokens come from. Both methods raise when the grant is over."""

    def usable_token(self, grant_id: str, *, budget: Budget) -> str: ...

    def token_after_refusal(self, grant_id: str, *, refused: str, budget: Budget) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel(Generic[T_co]):
    """One part of a page: what was read, or why there is nothing."""

    page: Page[T_co] = field(default_factory=Page)
    trouble: Trouble | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads for one person during one request."""

    api: Api
    tokens: Tokens
    threads: Executor
    dialect: Dialect
    grant_id: str
    scopes: frozenset[str]
    now: datetime
    budget: Budget = field(default_factory=Budget)

    @classmethod
    def of(cls, person: Person) -> Reader:
        """Return the reader of a signed-in person."""
        return cls(
            api=services().api,
            tokens=services().freshness,
            threads=services().readers,
            dialect=services().dialect,
            grant_id=person.grant_id,
            scopes=person.scopes,
            now=services().now(),
        )

    def panels(self, **reads: Read[Any]) -> dict[str, Panel[Any]]:
        """Do all `reads` and return a panel for each, by the same names.

        What Twitter does wrong stays inside the panels; only the end of the grant gets out.
        """
        refused = {name: read for name, read in reads.items() if self._lacks(read)}
        allowed = {name: read for name, read in reads.items() if name not in refused}
        return {name: self._without_permission(read) for name, read in refused.items()} | {
            name: _panel(allowed[name], outcome, now=self.now)
            for name, outcome in self._outcomes(allowed).items()
        }

    def _lacks(self, read: Read[Any]) -> bool:
        return not self.dialect.scopes(*read.needs) <= self.scopes

    def _without_permission(self, read: Read[Any]) -> Panel[Any]:
        lacking = (need for need in read.needs if self.dialect.scope(need) not in self.scopes)
        return Panel(trouble=missing(next(lacking)))

    def _outcomes(self, reads: Mapping[str, Read[Any]]) -> dict[str, _Outcome]:
        """Read with a usable token; if Twitter refuses it, try those again once with another."""
        if not reads:
            return {}
        try:
            token = self.tokens.usable_token(self.grant_id, budget=self.budget)
        except TwitterError as error:
            return dict.fromkeys(reads, error)
        outcomes = self._side_by_side(reads, token)
        again = {name: reads[name] for name, o in outcomes.items() if isinstance(o, TokenRefused)}
        return outcomes | self._once_more(again, refused=token)

    def _once_more(self, reads: Mapping[str, Read[Any]], *, refused: str) -> dict[str, _Outcome]:
        if not reads:
            return {}
        try:
            token = self.tokens.token_after_refusal(
                self.grant_id, refused=refused, budget=self.budget
            )
        except TwitterError as error:
            return dict.fromkeys(reads, error)
        return self._side_by_side(reads, token)

    def _side_by_side(self, reads: Mapping[str, Read[Any]], token: str) -> dict[str, _Outcome]:
        # The threads get everything by argument: there is no request and no database in them.
        futures = {
            name: self.threads.submit(_attempt, read, self.api, token, self.budget)
            for name, read in reads.items()
        }
        return {name: self._waited_for(future) for name, future in futures.items()}

    def _waited_for(self, future: Future[_Outcome]) -> _Outcome:
        try:
            return future.result(timeout=self.budget.left() + GRACE)
        except TimeoutError:
            future.cancel()
            return Busy("no thread was free within the budget")


def _attempt(read: Read[Any], api: Api, token: str, budget: Budget) -> _Outcome:
    try:
        return read.fetch(api, token, budget)
    except TwitterError as error:
        return error


def _panel(read: Read[Any], outcome: _Outcome, *, now: datetime) -> Panel[Any]:
    if isinstance(outcome, TwitterError):
        return Panel(trouble=trouble(outcome, needs=read.needs[0], now=now))
    return Panel(page=outcome)
