"""Where the answers for a page come from: from memory if they are young enough, else Twitter.

Each read of a page has a source of its own, which notes how old its oldest answer is and whether
Twitter was in trouble, so that the page can say so.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeGuard

from app.accounts.grants import owner_of_reads
from app.gateway.calls import LiveSource
from app.observability.metrics import Answered
from app.storage.cache import Cache, Stored
from app.twitter import errors
from app.twitter.endpoints import Endpoint
from app.twitter.errors import RateLimited, TwitterError
from app.twitter.source import ApiRequest, Document

# So long a failure is not tried again: everybody who waited for the same answer shares it.
_FAILURE_LASTS = timedelta(seconds=3)
# Old data is shown instead of these; after any other error it would be wrong or is not ours.
PASSING = (errors.Busy, errors.RateLimited, errors.Unreachable, errors.InvalidAnswer)


# How young an answer of an endpoint must be to be taken from memory.
Fresh = Callable[[Endpoint], timedelta]


class CacheMiss(Exception):
    """There is no young enough answer in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheOwner:
    """For whom something is read. Nothing that is remembered for one is found for another.

    `user_id` is Twitter's, which never becomes somebody else's, as ours may.
    """

    user_id: str
    cache_epoch: int
    follows_epoch: int

    def key(self, request: ApiRequest) -> str:
        """Return where the answer to `request` is remembered."""
        follows = f"{self.follows_epoch} " if request.endpoint.depends_on_follows else ""
        return f"{owner_of_reads(self.user_id)}\n{self.cache_epoch} {follows}{request.key}"


@dataclass(slots=True)
class CacheOnlySource:
    """Answers from memory alone; raises `CacheMiss` if one is missing."""

    cache: Cache
    owner: CacheOwner
    fresh: Fresh
    _: KW_ONLY
    oldest: datetime | None = None
    answers: int = 0

    def answer(self, request: ApiRequest) -> dict[str, Any]:
        """Return what is remembered for `request`, if it is fresh."""
        stored = self.cache.get(self.owner.key(request))
        if not _is_document(stored) or self.cache.age(stored) >= self.fresh(request.endpoint):
            raise CacheMiss
        self.answers += 1
        self.oldest = min(self.oldest or stored.at, stored.at)
        return Document(stored.value, stored.parsed)


@dataclass(slots=True)
class CachedSource:
    """Answers from memory if they are fresh, else from Twitter: one call, however many wait."""

    cache: Cache
    live: LiveSource
    owner: CacheOwner
    fresh: Fresh
    on_answer: Callable[[Answered], None]
    _: KW_ONLY
    oldest: datetime | None = None
    trouble: TwitterError | None = None

    def answer(self, request: ApiRequest) -> dict[str, Any]:
        """Return a fresh answer, or an old one while Twitter is in trouble."""
        stored = self._stored(request)
        self.oldest = min(self.oldest or stored.at, stored.at)
        return Document(stored.value, stored.parsed)

    def _stored(self, request: ApiRequest) -> Stored:
        key = self.owner.key(request)
        asked = False

        def make() -> dict[str, Any]:
            nonlocal asked
            asked = True
            return self._made(request)

        try:
            stored = self.cache.get_or_create(key, make, max_age=self.fresh(request.endpoint))
            if not _is_document(stored):
                stored = self.cache.put(key, make())
        except PASSING as error:
            old = self.cache.get(key)
            if not _is_document(old):
                raise
            self.trouble = self.trouble or error
            self.on_answer("stale")
            return old
        self.on_answer("miss" if asked else "hit")
        return stored

    def _made(self, request: ApiRequest) -> dict[str, Any]:
        """Ask Twitter, unless somebody has just failed at the very same."""
        self.live.check(request)
        key = f"{self.owner.key(request)} failed {self._fingerprint()}"
        stored = self.cache.get(key)
        failure = stored and self.cache.age(stored) < _FAILURE_LASTS and _failed(stored.value)
        if failure:
            raise failure
        try:
            return self.live.ask(request)
        except TwitterError as error:
            self.cache.put(key, _noted(error))
            raise

    def _fingerprint(self) -> str:
        """Tell tokens apart: what was refused to one may be allowed to the next."""
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


def _noted(error: TwitterError) -> dict[str, Any]:
    """Return what others need to fail in the same way."""
    until = error.until.timestamp() if isinstance(error, RateLimited) and error.until else None
    return {"kind": type(error).__name__, "until": until}


def _failed(noted: object) -> TwitterError | None:
    """Return the error that `_noted` wrote down; None for what others wrote into our Redis."""
    match noted:
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
    """Tell whether an answer was stored by us, and not by others in our Redis."""
    return stored is not None and isinstance(stored.value, dict)
