"""The rate limits of each person and the refusals of the site's plan, as Twitter reported them.

They are kept so that no call is made in vain: one before a reset, or outside the plan, costs time,
and on some plans one of 25 calls a day. With Redis, all workers share them.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from app.storage.cache import Cache, Stored
from app.twitter.api_client import ApiCall
from app.twitter.endpoints import ENDPOINTS, Endpoint
from app.twitter.errors import (
    NotInOwnPlan,
    NotInPlan,
    OutOfCredits,
    RateLimited,
    Refused,
    TwitterError,
    WrongTokenType,
)
from app.twitter.rate_limit_headers import APP_LIMIT, QUARTER_OF_AN_HOUR, Window, blocked_until

log = logging.getLogger(__name__)

# How long no call is made if Twitter did not say when the limit lifts.
_UNSAID = timedelta(minutes=1)

_Reason = Literal["plan", "credits"]
# A plan changes rarely and by hand; credits return as soon as the operator pays.
_BELIEVED: dict[_Reason, timedelta] = {"plan": timedelta(hours=1), "credits": timedelta(minutes=5)}
# The text of an error that is raised without a call.
_REMEMBERED = "remembered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """That the plan or the site's credits do not allow an endpoint, as Twitter reported.

    The plan is the site's, and holds for everyone, or this person's own.
    """

    endpoint: Endpoint
    reason: _Reason
    until: datetime
    for_everyone: bool = True

    def error(self) -> Refused:
        """Return what Twitter would answer."""
        if self.reason == "credits":
            return OutOfCredits(self.reason, _REMEMBERED)
        kind = NotInPlan if self.for_everyone else NotInOwnPlan
        return kind(self.reason, _REMEMBERED)


class Quota:
    """Keeps what Twitter reported about limits and plans in the cache; without one, nothing.

    People are named by Twitter's user id, which never becomes another person's.
    """

    def __init__(self, cache: Cache | None, *, clock: Callable[[], datetime]) -> None:
        self._cache = cache
        self._clock = clock

    def check(self, user_id: str, endpoint: Endpoint) -> None:
        """Raise the error that Twitter would certainly answer."""
        verdict = self.why_unavailable(endpoint, user_id)
        if verdict is not None:
            raise verdict.error()
        until = blocked_until(self.windows(user_id, endpoint), now=self._clock())
        if until is not None:
            raise RateLimited(_REMEMBERED, until=until)

    def record_limits(self, user_id: str, asked: ApiCall) -> None:
        """Record the rate limits that an answer reported."""
        if self._cache is None:
            return
        # Some windows are the site's: all people use them up together.
        for key, is_one_of_these in (
            (_limits_key(user_id, asked.endpoint), _is_personal),
            (_limits_key(None, asked.endpoint), _is_of_the_site),
        ):
            told = [window for window in asked.windows if is_one_of_these(window)]
            if told:
                self._cache.put(key, [_to_json(w) for w in _merged(self._known(key), told)])

    def record_refusal(self, user_id: str, endpoint: Endpoint, error: TwitterError) -> None:
        """Record a refusal that Twitter would repeat, and log it once for the operator."""
        if isinstance(error, WrongTokenType):
            log.error("Twitter wants another kind of token: %s", endpoint.route)
        if self._cache is None:
            return
        if isinstance(error, NotInOwnPlan):
            log.info("not in this person's own plan: %s", endpoint.route)
            self._cache.put(_plan_key(endpoint, user_id), "plan")
        elif isinstance(error, NotInPlan):
            log.error("not in the plan: %s", endpoint.route)
            self._cache.put(_plan_key(endpoint), "plan")
        elif isinstance(error, OutOfCredits):
            log.error("the credits for Twitter's API are used up: %s", endpoint.route)
            self._cache.put(_plan_key(endpoint), "credits")
        elif isinstance(error, RateLimited) and not self._knows_when(user_id, endpoint):
            now = self._clock()
            until = min(error.until or now + _UNSAID, now + QUARTER_OF_AN_HOUR)
            window = Window(name="x-rate-limit", limit=None, remaining=0, resets_at=until)
            self._cache.put(_limits_key(user_id, endpoint), [_to_json(window)])

    def windows(self, user_id: str, endpoint: Endpoint) -> tuple[Window, ...]:
        """Return the open windows of a person at an endpoint."""
        return tuple(window for _, window in self.all_windows(user_id, of=(endpoint,)))

    def all_windows(
        self, user_id: str, *, of: Sequence[Endpoint] = ENDPOINTS
    ) -> list[tuple[Endpoint, Window]]:
        """Return the open windows at each endpoint, by one look-up in the cache."""
        asked = [(endpoint, whose) for endpoint in of for whose in (user_id, None)]
        keys = [_limits_key(whose, endpoint) for endpoint, whose in asked]
        return [
            (endpoint, window)
            for (endpoint, _), stored in zip(asked, self._found(keys), strict=True)
            if stored is not None
            for window in self._open_windows(stored)
        ]

    def why_unavailable(self, endpoint: Endpoint, user_id: str | None = None) -> Verdict | None:
        """Return why `endpoint` is unavailable, to all or to this person, if it is."""
        return next(iter(self.unavailable(user_id, of=(endpoint,))), None)

    def unavailable(
        self, user_id: str | None = None, *, of: Sequence[Endpoint] = ENDPOINTS
    ) -> list[Verdict]:
        """Return the endpoints that are unavailable, to all or to this person, by one look-up."""
        asked = [(e, whose) for e in of for whose in ((None, user_id) if user_id else (None,))]
        keys = [_plan_key(endpoint, whose) for endpoint, whose in asked]
        found: dict[Endpoint, Verdict] = {}
        for (endpoint, whose), stored in zip(asked, self._found(keys), strict=True):
            if stored is None:
                continue
            verdict = self._judged(endpoint, stored, for_everyone=whose is None)
            if verdict is not None:
                found.setdefault(endpoint, verdict)
        return list(found.values())

    def _found(self, keys: Sequence[str]) -> list[Stored | None]:
        return self._cache.get_all(keys) if self._cache else [None] * len(keys)

    def _known(self, key: str) -> list[Window]:
        [stored] = self._found([key])
        return [] if stored is None else self._open_windows(stored)

    def _open_windows(self, stored: Stored) -> list[Window]:
        told = stored.value if isinstance(stored.value, list) else []
        windows = map(_from_json, told)
        return [window for window in windows if window and window.resets_at > self._clock()]

    def _judged(self, endpoint: Endpoint, stored: Stored, *, for_everyone: bool) -> Verdict | None:
        if stored.value not in ("credits", "plan"):
            return None
        reason: _Reason = stored.value
        until = stored.at + _BELIEVED[reason]
        if until <= self._clock():
            return None
        return Verdict(endpoint=endpoint, reason=reason, until=until, for_everyone=for_everyone)

    def _knows_when(self, user_id: str, endpoint: Endpoint) -> bool:
        known = self.windows(user_id, endpoint)
        return blocked_until(known, now=self._clock()) is not None


def _is_of_the_site(window: Window) -> bool:
    return window.name == APP_LIMIT


def _is_personal(window: Window) -> bool:
    return not _is_of_the_site(window)


def _merged(known: list[Window], told: list[Window]) -> list[Window]:
    """Return `told`, keeping the lower remainder of a known window: answers overtake each other."""
    before = {(window.name, window.resets_at): window for window in known}
    return [
        min(window, before.get((window.name, window.resets_at), window), key=_remaining)
        for window in told
    ]


def _remaining(window: Window) -> int:
    return window.remaining


def _limits_key(user_id: str | None, endpoint: Endpoint) -> str:
    return f"limits {user_id or ''} {endpoint.route}"


def _plan_key(endpoint: Endpoint, user_id: str | None = None) -> str:
    return f"plan {user_id or ''} {endpoint.route}"


def _to_json(window: Window) -> dict[str, Any]:
    return {
        "name": window.name,
        "limit": window.limit,
        "remaining": window.remaining,
        "resets_at": window.resets_at.timestamp(),
    }


def _from_json(data: object) -> Window | None:
    """Return the window that `_to_json` wrote; None for values that others wrote into our Redis."""
    match data:
        case {
            "name": str(name),
            "limit": int() | None as limit,
            "remaining": int(remaining),
            "resets_at": int() | float() as seconds,
        }:
            with contextlib.suppress(OverflowError, OSError, ValueError):  # out of range
                resets_at = datetime.fromtimestamp(seconds, tz=UTC)
                return Window(name=name, limit=limit, remaining=remaining, resets_at=resets_at)
    return None
