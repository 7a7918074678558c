"""The reads of one page: from the cache or from Twitter, in parallel, each failing alone.

First the cache; then, for reads without a fresh answer, Twitter, with a valid token and within one
deadline. While Twitter is in trouble, stale answers are shown.
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
    MaxAge,
)
from app.gateway.calls import Caller, Calls
from app.observability.metrics import Answered, Metrics
from app.storage.cache import KEPT, Cache
from app.twitter.api import Api
from app.twitter.api_client import ApiCall
from app.twitter.errors import Busy, InvalidAnswer, TokenRefused, TwitterError
from app.twitter.page import Page
from app.twitter.transport.deadline import Deadline

# A call ends with its deadline; its thread needs a moment more to return (seconds).
GRACE = 0.5


class Reader(Caller, Protocol):
    """A caller whose reads are cached."""

    @property
    def cache_epoch(self) -> int:
        """Part of every cache key: raising it invalidates all cached reads."""

    @property
    def epochs(self) -> Mapping[str, int]:
        """The same for each topic that an action changes, and reads that depend on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadRequest:
    """One read of a page, and how old a cached answer of each endpoint may be.

    `fetch` may run in another thread, so it gets everything it needs by argument.
    """

    fetch: Callable[[Api], Page[Any]]
    max_age: MaxAge


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadResult:
    """The page that was read, or an error; with both, the page is stale."""

    page: Page[Any] | None = None
    read_at: datetime | None = None
    error: TwitterError | None = None


@dataclass(frozen=True, slots=True)
class _PageContext:
    """The arguments that all reads of one page share."""

    reader: Reader
    deadline: Deadline
    on_answer: Callable[[ApiCall], None]


class PageReads:
    """Does the reads of a page for one person. Made once per app."""

    def __init__(
        self, calls: Calls, cache: Cache | None, metrics: Metrics, *, threads: int
    ) -> None:
        """Cache answers in `cache`, if there is one; read in parallel in `threads`."""
        self._calls = calls
        self._cache = cache
        self._metrics = metrics
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="reader")

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()

    def all(
        self, reader: Reader, requests: Mapping[str, ReadRequest], *, deadline: Deadline
    ) -> dict[str, ReadResult]:
        """Do all reads and return their results, by the same names.

        A `TwitterError` becomes part of its result; only `GrantEnded` is raised.
        """
        cached = {
            name: result
            for name, request in requests.items()
            if (result := self._from_cache(reader, request, "hit", request.max_age))
        }
        missing = {name: request for name, request in requests.items() if name not in cached}
        return cached | self._from_twitter(reader, missing, deadline)

    def _from_cache(
        self, reader: Reader, request: ReadRequest, result: Answered, max_age: MaxAge
    ) -> ReadResult | None:
        if self._cache is None:
            return None
        source = CacheOnlySource(self._cache, _owner(reader), max_age)
        try:
            page = request.fetch(self._calls.api(source))
        except (CacheMiss, InvalidAnswer):
            return None
        self._metrics.on_answer(result, source.answers)
        return ReadResult(page=page, read_at=source.oldest)

    def _from_twitter(
        self, reader: Reader, requests: Mapping[str, ReadRequest], deadline: Deadline
    ) -> dict[str, ReadResult]:
        """Read with a token that lives, and refresh it early: afterwards, as that may hang."""
        if not requests:
            return {}
        try:
            token = self._calls.living_token(reader, deadline)
        except TwitterError as error:
            return self._all_failed(reader, requests, error)
        results = self._with_token(reader, requests, token.value, deadline)
        if token.is_due:
            self._calls.refresh_early(reader, deadline)
        return results

    def _with_token(
        self, reader: Reader, requests: Mapping[str, ReadRequest], token: str, deadline: Deadline
    ) -> dict[str, ReadResult]:
        """Read; retry once, with another token, those that get a 401."""
        with self._calls.recording(reader) as on_answer:
            context = _PageContext(reader, deadline, on_answer)
            try:
                with self._calls.slot(reader, deadline):
                    results = self._in_parallel(context, requests, token)
                    refused = {n: requests[n] for n, r in results.items() if _is_refused_token(r)}
                    return results | self._retry(context, refused, token)
            except Busy as error:
                return self._all_failed(reader, requests, error)

    def _retry(
        self, context: _PageContext, refused: Mapping[str, ReadRequest], token: str
    ) -> dict[str, ReadResult]:
        if not refused:
            return {}
        try:
            token = self._calls.token_after_401(context.reader, token, context.deadline)
        except TwitterError as error:
            return self._all_failed(context.reader, refused, error)
        return self._in_parallel(context, refused, token)

    def _all_failed(
        self, reader: Reader, requests: Mapping[str, ReadRequest], error: TwitterError
    ) -> dict[str, ReadResult]:
        return {name: self._stale(reader, request, error) for name, request in requests.items()}

    def _stale(self, reader: Reader, request: ReadRequest, error: TwitterError) -> ReadResult:
        """Return `error` with a cached page, however old, if there is one and it may be shown."""
        stale = None
        if isinstance(error, PASSING):
            stale = self._from_cache(reader, request, "stale", lambda _: KEPT)
        return replace(stale or ReadResult(), error=error)

    def _in_parallel(
        self, context: _PageContext, requests: Mapping[str, ReadRequest], token: str
    ) -> dict[str, ReadResult]:
        # The threads get everything by argument: they have no request and no database.
        futures = {n: self._begin(context, request, token) for n, request in requests.items()}
        return {name: self._await(f, context, requests[name]) for name, f in futures.items()}

    def _begin(self, context: _PageContext, request: ReadRequest, token: str) -> Future[ReadResult]:
        try:
            return self._pool.submit(self._read, context, request, token)
        except RuntimeError as error:  # no thread can be started
            none: Future[ReadResult] = Future()
            none.set_result(self._stale(context.reader, request, Busy(str(error))))
            return none

    def _await(
        self, future: Future[ReadResult], context: _PageContext, request: ReadRequest
    ) -> ReadResult:
        try:
            return future.result(timeout=context.deadline.remaining() + GRACE)
        except TimeoutError:
            future.cancel()
            busy = Busy("no thread was free within the deadline")
            return self._stale(context.reader, request, busy)

    def _read(self, context: _PageContext, request: ReadRequest, token: str) -> ReadResult:
        live = self._calls.live(context.reader, token, context.deadline, context.on_answer)
        try:
            if self._cache is None:
                return ReadResult(page=request.fetch(self._calls.api(live)))
            source = CachedSource(
                self._cache, live, _owner(context.reader), request.max_age, self._metrics.on_answer
            )
            page = request.fetch(self._calls.api(source))
        except TwitterError as error:
            return ReadResult(error=error.with_traceback(None))
        return ReadResult(page=page, read_at=source.oldest, error=source.trouble)


def _owner(reader: Reader) -> CacheOwner:
    return CacheOwner(
        user_id=reader.twitter_id,
        cache_epoch=reader.cache_epoch,
        epochs=reader.epochs,
    )


def _is_refused_token(result: ReadResult) -> bool:
    return isinstance(result.error, TokenRefused)
