"""What a page reads at Twitter: from memory or live, side by side, each failing alone.

In order: is it in memory and fresh; and only then, with a valid token and within one deadline,
Twitter. Old answers are shown while Twitter is in trouble.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

from app.gateway.cached_source import (
    PASSING,
    CachedSource,
    CacheMiss,
    CacheOnlySource,
    CacheOwner,
    Fresh,
)
from app.gateway.calls import Caller, Calls
from app.observability.metrics import Answered, Metrics
from app.storage.cache import KEPT, Cache
from app.twitter.api import Api
from app.twitter.api_client import Asked
from app.twitter.errors import Busy, InvalidAnswer, TokenRefused, TwitterError
from app.twitter.page import Page
from app.twitter.transport.deadline import Deadline

# A call ends with its deadline; this is for its thread to come back with the news (seconds).
GRACE = 0.5


class Reader(Caller, Protocol):
    """A caller for whom answers are remembered."""

    @property
    def cache_epoch(self) -> int:
        """One more, and everything is read again."""

    @property
    def follows_epoch(self) -> int:
        """The same for what depends on whom they follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One read: how it is done, and how young an answer of each endpoint must be.

    `fetch` may run in another thread: it gets everything it needs by argument.
    """

    fetch: Callable[[Api], Page[Any]]
    fresh: Fresh


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a read: a page, or an error; with both, the page is an old one."""

    page: Page[Any] | None = None
    read_at: datetime | None = None
    error: TwitterError | None = None


class PageReads:
    """Does the reads of a page for one person. Made once per app."""

    def __init__(
        self, calls: Calls, cache: Cache | None, metrics: Metrics, *, threads: int
    ) -> None:
        """Remember answers in `cache`, if there is one; read side by side in `threads`."""
        self._calls = calls
        self._cache = cache
        self._metrics = metrics
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="reader")

    def close(self) -> None:
        """Let the threads end."""
        self._pool.shutdown()

    def all(
        self, reader: Reader, wanted: Mapping[str, Wanted], *, deadline: Deadline
    ) -> dict[str, Outcome]:
        """Do all reads and return what became of each, by the same names.

        What Twitter does wrong stays inside the outcomes; only the end of the grant gets out.
        """
        fresh = {n: self._remembered(reader, one, "hit", one.fresh) for n, one in wanted.items()}
        cold = {name: wanted[name] for name, outcome in fresh.items() if outcome is None}
        found = {name: outcome for name, outcome in fresh.items() if outcome is not None}
        return found | self._asked_of_twitter(reader, cold, deadline)

    def _remembered(
        self, reader: Reader, one: Wanted, how: Answered, fresh: Fresh
    ) -> Outcome | None:
        if self._cache is None:
            return None
        source = CacheOnlySource(self._cache, _owner(reader), fresh)
        try:
            page = one.fetch(self._calls.api(source))
        except (CacheMiss, InvalidAnswer):
            return None
        self._metrics.on_answer(how, source.answers)
        return Outcome(page=page, read_at=source.oldest)

    def _asked_of_twitter(
        self, reader: Reader, wanted: Mapping[str, Wanted], deadline: Deadline
    ) -> dict[str, Outcome]:
        """Read with a valid token; if Twitter refuses it, try those again once with another."""
        if not wanted:
            return {}
        try:
            token = self._calls.token(reader, deadline)
        except TwitterError as error:
            return self._all_failed(reader, wanted, error)
        with self._calls.noted(reader) as on_answer:
            tried = _Try(reader, deadline, on_answer)
            try:
                with self._calls.turn(reader, deadline):
                    outcomes = self._side_by_side(tried, wanted, token)
                    refused = {n: wanted[n] for n, o in outcomes.items() if _is_refused_token(o)}
                    return outcomes | self._once_more(tried, refused, token)
            except Busy as error:
                return self._all_failed(reader, wanted, error)

    def _once_more(
        self, tried: _Try, refused: Mapping[str, Wanted], token: str
    ) -> dict[str, Outcome]:
        if not refused:
            return {}
        try:
            token = self._calls.token_after_401(tried.reader, token, tried.deadline)
        except TwitterError as error:
            return self._all_failed(tried.reader, refused, error)
        return self._side_by_side(tried, refused, token)

    def _all_failed(
        self, reader: Reader, wanted: Mapping[str, Wanted], error: TwitterError
    ) -> dict[str, Outcome]:
        """Nothing could be asked: show what there is in memory, however old."""
        return {name: self._old_or_nothing(reader, one, error) for name, one in wanted.items()}

    def _old_or_nothing(self, reader: Reader, one: Wanted, error: TwitterError) -> Outcome:
        old = None
        if isinstance(error, PASSING):
            old = self._remembered(reader, one, "stale", lambda _: KEPT)
        return replace(old or Outcome(), error=error)

    def _side_by_side(
        self, tried: _Try, wanted: Mapping[str, Wanted], token: str
    ) -> dict[str, Outcome]:
        # The threads get everything by argument: there is no request and no database in them.
        futures = {
            name: self._pool.submit(self._attempt, tried, one, token)
            for name, one in wanted.items()
        }
        return {
            name: self._waited_for(future, tried, wanted[name]) for name, future in futures.items()
        }

    def _waited_for(self, future: Future[Outcome], tried: _Try, one: Wanted) -> Outcome:
        try:
            return future.result(timeout=tried.deadline.remaining() + GRACE)
        except TimeoutError:
            future.cancel()
            busy = Busy("no thread was free within the deadline")
            return self._old_or_nothing(tried.reader, one, busy)

    def _attempt(self, tried: _Try, one: Wanted, token: str) -> Outcome:
        live = self._calls.live(tried.reader, token, tried.deadline, tried.on_answer)
        try:
            if self._cache is None:
                return Outcome(page=one.fetch(self._calls.api(live)))
            source = CachedSource(
                self._cache, live, _owner(tried.reader), one.fresh, self._metrics.on_answer
            )
            page = one.fetch(self._calls.api(source))
        except TwitterError as error:
            return Outcome(error=error.with_traceback(None))
        return Outcome(page=page, read_at=source.oldest, error=source.trouble)


@dataclass(frozen=True, slots=True)
class _Try:
    """What the attempts of one page share."""

    reader: Reader
    deadline: Deadline
    on_answer: Callable[[Asked], None]


def _owner(reader: Reader) -> CacheOwner:
    return CacheOwner(
        user_id=reader.twitter_id,
        cache_epoch=reader.cache_epoch,
        follows_epoch=reader.follows_epoch,
    )


def _is_refused_token(outcome: Outcome) -> bool:
    return isinstance(outcome.error, TokenRefused)
