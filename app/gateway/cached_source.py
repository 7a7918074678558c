"""Answers from the cache if fresh, else from Twitter; stale ones if Twitter fails (RFC 5861).

Each read of a page has a source of its own, which keeps the age of its oldest answer and the error
that a stale answer covers up, so that the page can show both.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeGuard

from app.accounts.grants import owner_of_reads
from app.gateway.calls import LiveSource
from app.observability.metrics import Answered
from app.storage.cache import Cache, Stored
from app.twitter import errors
from app.twitter.endpoints import Endpoint
from app.twitter.errors import RateLimited, TokenRefused, TwitterError
from app.twitter.source import ApiRequest, Document

# A failure is not tried again for so long: all that waited for the same answer share it.
_FAILURE_LASTS = timedelta(seconds=3)
# The errors that a stale answer may cover up. After any other, it would be wrong or not ours.
PASSING = (errors.Busy, errors.RateLimited, errors.Unreachable, errors.InvalidAnswer)

# How old a cached answer of an endpoint may be.
MaxAge = Callable[[Endpoint], timedelta]


class CacheMiss(Exception):
    """The cache has no fresh answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheOwner:
    """The person whose reads are cached; no other person's reads hit the same keys.

    `user_id` is Twitter's, which never becomes another person's, as ours may.
    """

    user_id: str
    cache_epoch: int
    epochs: Mapping[str, int]

    def key(self, request: ApiRequest) -> str:
        """Return the cache key of the answer to `request`."""
        topics = request.endpoint.depends_on
        epochs = "".join(f"{self.epochs.get(topic, 0)} " for topic in topics)
        return f"{owner_of_reads(self.user_id)}\n{self.cache_epoch} {epochs}{request.key}"


@dataclass(slots=True)
class CacheOnlySource:
    """Answers from the cache alone; raises `CacheMiss` if an answer is missing or too old."""

    cache: Cache
    owner: CacheOwner
    max_age: MaxAge
    _: KW_ONLY
    oldest: datetime | None = None
    answers: int = 0

    def answer(self, request: ApiRequest) -> dict[str, Any]:
        """Return the cached answer to `request`, if it is fresh."""
        stored = self.cache.get(self.owner.key(request))
        if not _is_document(stored) or self.cache.age(stored) >= self.max_age(request.endpoint):
            raise CacheMiss
        self.answers += 1
        self.oldest = min(self.oldest or stored.at, stored.at)
        return Document(stored.value, stored.parsed)


@dataclass(slots=True)
class CachedSource:
    """Answers from the cache if they are fresh, else from Twitter, by one call for all threads."""

    cache: Cache
    live: LiveSource
    owner: CacheOwner
    max_age: MaxAge
    on_answer: Callable[[Answered], None]
    _: KW_ONLY
    oldest: datetime | None = None
    trouble: TwitterError | None = None

    def answer(self, request: ApiRequest) -> dict[str, Any]:
        """Return a fresh answer, or a stale one while Twitter is in trouble."""
        key = self.owner.key(request)
        result: Answered = "hit"

        def fetch() -> dict[str, Any]:
            nonlocal result
            result = "miss"
            return self._fetch(request)

        try:
            stored = self._shared(key, fetch, request)
        except TokenRefused:
            # A read that we joined had an older token. It is over, so the next is our own.
            if result == "miss" or self.live.direct.deadline.remaining() <= 0:
                raise
            return self.answer(request)
        except PASSING as error:
            stale = self.cache.get(key)
            if not _is_document(stale):
                raise
            self.trouble = self.trouble or error
            stored, result = stale, "stale"
        self.on_answer(result)
        self.oldest = min(self.oldest or stored.at, stored.at)
        return Document(stored.value, stored.parsed)

    def _shared(self, key: str, fetch: Callable[[], dict[str, Any]], request: ApiRequest) -> Stored:
        """Return a fresh answer, by one call for all threads."""
        stored = self.cache.get_or_create(key, fetch, max_age=self.max_age(request.endpoint))
        return stored if _is_document(stored) else self.cache.put(key, fetch())

    def _fetch(self, request: ApiRequest) -> dict[str, Any]:
        """Ask Twitter, unless another read has just failed at the same."""
        self.live.check(request)
        key = f"{self.owner.key(request)} failed {self._fingerprint()}"
        stored = self.cache.get(key)
        failure = stored and self.cache.age(stored) < _FAILURE_LASTS and _from_json(stored.value)
        if failure:
            raise failure
        try:
            return self.live.answer(request)
        except TwitterError as error:
            self.cache.put(key, _to_json(error))
            raise

    def _fingerprint(self) -> str:
        """Tell tokens apart: Twitter may allow the next one what it refused to this one."""
        return hashlib.sha256(self.live.access_token.encode()).hexdigest()[:16]


_KINDS = {
    kind.__name__: kind
    for kind in (
        errors.Busy,
        errors.Unreachable,
        errors.InvalidAnswer,
        errors.Refused,
        errors.TokenRefused,
        errors.PermissionMissing,
        errors.NotInPlan,
        errors.NotInOwnPlan,
        errors.WrongTokenType,
        errors.OutOfCredits,
    )
}


def _to_json(error: TwitterError) -> dict[str, Any]:
    """Return what other reads need to fail in the same way."""
    until = error.until.timestamp() if isinstance(error, RateLimited) and error.until else None
    return {"kind": type(error).__name__, "until": until}


def _from_json(failure: object) -> TwitterError | None:
    """Return the error that `_to_json` wrote; None for values that others wrote into our Redis."""
    match failure:
        case {"kind": RateLimited.__name__, "until": until}:
            return RateLimited("a moment ago", until=_moment(until))
        case {"kind": str(kind)}:
            return _KINDS.get(kind, TwitterError)("a moment ago")
    return None


def _moment(seconds: object) -> datetime | None:
    with contextlib.suppress(OverflowError, OSError, TypeError, ValueError):
        return datetime.fromtimestamp(seconds, tz=UTC)  # type: ignore[arg-type] # caught above
    return None


def _is_document(stored: Stored | None) -> TypeGuard[Stored]:
    """Return whether the value is an answer that we stored, not one of others in our Redis."""
    return stored is not None and isinstance(stored.value, dict)
