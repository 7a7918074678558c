"""Reads Twitter for one page view: from memory if it can, side by side, each panel failing alone.

Everything a page shows goes through `Reader.panels`. In order: has the person granted it; is it
in memory and fresh; and only then, with a usable token and within one
budget, Twitter (`sources`).
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Generic, Literal, TypeVar

from app.accounts.people import Person
from app.gateway.cached_source import PASSING, Cold, Counted, Fresh, Owner, Reading, Remembered
from app.metrics import Answered
from app.pages.reads import Read
from app.pages.words import Trouble, missing, trouble
from app.services import Services, services
from app.storage.cache import KEPT
from app.twitter.api import Api, Page, Source
from app.twitter.budget import Budget
from app.twitter.client import Asked, Direct
from app.twitter.errors import (
    Busy,
    OutOfCredits,
    PlanLacksIt,
    TokenRefused,
    TwitterError,
    Unreadable,
)

T_co = TypeVar("T_co", covariant=True)

# What stands in the way: the site's plan, the person's own, or the site's money.
LeftOut = Literal["plan", "own plan", "credits"]

# A call ends with its budget; this is for its thread to come back with the news (seconds).
GRACE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel(Generic[T_co]):
    """One part of a page: what was read and when, and why it is old or why there is nothing."""

    page: Page[T_co] = field(default_factory=Page)
    read_at: datetime | None = None  # None: just now, and nothing is remembered
    trouble: Trouble | None = None
    is_old: bool = False  # there is trouble, and this is what was read before it
    left_out: LeftOut | None = None  # it takes more than time, so a page may do without it


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """What became of a read: a page, or an error; with both, the page is an old one."""

    page: Page[Any] | None = None
    read_at: datetime | None = None
    error: TwitterError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads for one person during one request."""

    person: Person
    here: Services
    anew: Mapping[str, timedelta] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)

    @classmethod
    def of(cls, person: Person, *, anew: Mapping[str, timedelta] | None = None) -> Reader:
        """Return the reader of a signed-in person; `anew` says which panels must be how young."""
        return cls(person=person, here=services(), anew=anew or {})

    def panels(self, **reads: Read[Any]) -> dict[str, Panel[Any]]:
        """Do all `reads` and return a panel for each, by the same names.

        What Twitter does wrong stays inside the panels; only the end of the grant gets out.
        """
        found = {name: self._without_asking(name, read) for name, read in reads.items()}
        cold = {name: reads[name] for name, panel in found.items() if panel is None}
        outcomes = self._asked_of_twitter(cold)
        return {n: panel or self._panel(outcomes[n], reads[n]) for n, panel in found.items()}

    def _without_asking(self, name: str, read: Read[Any]) -> Panel[Any] | None:
        """Return the panel if it takes no call: not granted, or fresh in memory."""
        lacking = [n for n in read.needs if self.here.dialect.scope(n) not in self.person.scopes]
        if lacking:
            return Panel(trouble=missing(lacking[0]))
        outcome = self._remembered(read, "hit", fresh=self._fresh(name, read))
        return self._panel(outcome, read) if outcome else None

    def _remembered(self, read: Read[Any], how: Answered, *, fresh: Fresh) -> _Outcome | None:
        if self.here.cache is None:
            return None
        source = Remembered(self.here.cache, self._owner, fresh)
        try:
            page = read.fetch(self._api(source))
        except (Cold, Unreadable):
            return None
        self.here.metrics.answered(how, source.answers)
        return _Outcome(page=page, read_at=source.oldest)

    def _asked_of_twitter(self, reads: Mapping[str, Read[Any]]) -> dict[str, _Outcome]:
        """Read with a usable token; if Twitter refuses it, try those again once with another."""
        if not reads:
            return {}
        asked: list[Asked] = []
        try:
            token = self.here.freshness.valid_token(self.person.grant_id, budget=self.budget)
        except TwitterError as error:
            return self._all_failed(reads, error)
        try:
            with self.here.turns.one(self.person.profile.id, self.budget):
                outcomes = self._side_by_side(reads, token, asked)
                refused = {n: reads[n] for n, o in outcomes.items() if _is_refused_token(o)}
                return outcomes | self._once_more(refused, token, asked)
        except Busy as error:
            return self._all_failed(reads, error)
        finally:
            self.here.usages.add(self.person.user_id, asked, now=self.here.now())

    def _once_more(
        self, reads: Mapping[str, Read[Any]], refused: str, asked: list[Asked]
    ) -> dict[str, _Outcome]:
        if not reads:
            return {}
        try:
            token = self.here.freshness.token_after_401(
                self.person.grant_id, refused=refused, budget=self.budget
            )
        except TwitterError as error:
            return self._all_failed(reads, error)
        return self._side_by_side(reads, token, asked)

    def _all_failed(
        self, reads: Mapping[str, Read[Any]], error: TwitterError
    ) -> dict[str, _Outcome]:
        """Nothing could be asked: show what there is in memory, however old."""
        return {name: self._old_or_nothing(read, error) for name, read in reads.items()}

    def _old_or_nothing(self, read: Read[Any], error: TwitterError) -> _Outcome:
        old = None
        if isinstance(error, PASSING):
            old = self._remembered(read, "stale", fresh=lambda _: KEPT)
        return replace(old or _Outcome(), error=error)

    def _side_by_side(
        self, reads: Mapping[str, Read[Any]], token: str, asked: list[Asked]
    ) -> dict[str, _Outcome]:
        # The threads get everything by argument: there is no request and no database in them.
        futures = {
            name: self.here.readers.submit(self._attempt, name, read, token, asked)
            for name, read in reads.items()
        }
        return {name: self._waited_for(future, reads[name]) for name, future in futures.items()}

    def _waited_for(self, future: Future[_Outcome], read: Read[Any]) -> _Outcome:
        try:
            return future.result(timeout=self.budget.left() + GRACE)
        except TimeoutError:
            future.cancel()
            return self._old_or_nothing(read, Busy("no thread was free within the budget"))

    def _attempt(self, name: str, read: Read[Any], token: str, asked: list[Asked]) -> _Outcome:
        def heard(one: Asked) -> None:
            asked.append(one)
            self.here.allowance.heard(self.person.profile.id, one)

        direct = Direct(
            client=self.here.client,
            access_token=token,
            budget=self.budget,
            heard=heard,
            breaker=self.here.breaker,
        )
        counted = Counted(direct, self.here.allowance, self._owner)
        try:
            if self.here.cache is None:
                return _Outcome(page=read.fetch(self._api(counted)))
            source = Reading(
                self.here.cache,
                counted,
                self._owner,
                self._fresh(name, read),
                answered=self.here.metrics.answered,
            )
            page = read.fetch(self._api(source))
        except TwitterError as error:
            return _Outcome(error=error.with_traceback(None))
        return _Outcome(page=page, read_at=source.oldest, error=source.trouble)

    def _panel(self, outcome: _Outcome, read: Read[Any]) -> Panel[Any]:
        error, now = outcome.error, self.here.now()
        return Panel(
            page=outcome.page or Page(),
            read_at=outcome.read_at,
            trouble=trouble(error, needs=read.needs, now=now) if error else None,
            is_old=outcome.page is not None and error is not None,
            left_out=_left_out(error),
        )

    def _fresh(self, name: str, read: Read[Any]) -> Fresh:
        """Return how young an answer must be to be taken from memory.

        Who wants a panel anew wants what it shows: what it took to find that may be older.
        """
        usual = max(timedelta(seconds=self.here.config.cache_seconds), read.kept)
        telling, anew = read.asks[0], min(self.anew.get(name, usual), usual)
        return lambda endpoint: anew if endpoint == telling else usual

    def _api(self, source: Source) -> Api:
        return Api(source, self.here.dialect)

    @property
    def _owner(self) -> Owner:
        return Owner(
            user_id=self.person.profile.id,
            cache_epoch=self.person.cache_epoch,
            follows_epoch=self.person.follows_epoch,
        )


def _left_out(error: TwitterError | None) -> LeftOut | None:
    if isinstance(error, OutOfCredits):
        return "credits"
    if isinstance(error, PlanLacksIt):
        return "plan" if error.for_everyone else "own plan"
    return None


def _is_refused_token(outcome: _Outcome) -> bool:
    return isinstance(outcome.error, TokenRefused)
