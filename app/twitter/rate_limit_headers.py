"""Rate limits, from the headers of Twitter's answers.

X docs, "Rate limits". Some plans have daily windows beside the ordinary one of 15 minutes. The
ordinary header can look healthy while the daily one is used up, so the latest reset counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

QUARTER_OF_AN_HOUR = timedelta(minutes=15)
DAY = timedelta(hours=24)

# The window that all people of a site share.
APP_LIMIT = "x-app-limit-24hour"
# Each window by the prefix of its headers, and the latest reset that we believe.
WINDOWS: Mapping[str, timedelta] = {
    "x-rate-limit": QUARTER_OF_AN_HOUR,
    "x-user-limit-24hour": DAY,
    APP_LIMIT: DAY,
}

_COUNT = re.compile(r"[0-9]{1,15}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The state of one rate limit. `resets_at` is in UTC."""

    name: str
    limit: int | None
    remaining: int
    resets_at: datetime

    @property
    def used_up(self) -> bool:
        """Whether the next call would exceed the limit."""
        return self.remaining == 0


def windows(headers: Mapping[str, str], *, now: datetime) -> tuple[Window, ...]:
    """Return the windows of an answer, each reset capped at the length of its window."""
    return tuple(
        Window(
            name=name,
            limit=_count(headers.get(f"{name}-limit")),
            remaining=remaining,
            resets_at=min(reset, now + longest),
        )
        for name, longest in WINDOWS.items()
        if (remaining := _count(headers.get(f"{name}-remaining"))) is not None
        and (reset := _moment(headers.get(f"{name}-reset"))) is not None
    )


def blocked_until(known: Iterable[Window], *, now: datetime) -> datetime | None:
    """Return when the last of the used-up windows resets; None if a call is allowed now."""
    resets = [window.resets_at for window in known if window.used_up and window.resets_at > now]
    return max(resets, default=None)


def retry_at(headers: Mapping[str, str], *, now: datetime | None = None) -> datetime | None:
    """Return when to retry after a 429 (UTC): the latest reset of a used-up window, if any.

    With `now`, a past reset is ignored, and a later one capped at the length of its window.
    """
    resets = [
        reset if now is None else min(reset, now + longest)
        for name, longest in WINDOWS.items()
        if headers.get(f"{name}-remaining", "0").strip() == "0"
        and (reset := _moment(headers.get(f"{name}-reset")))
        and (now is None or reset > now)
    ]
    return max(resets, default=None)


def _count(text: str | None) -> int | None:
    found = _COUNT.fullmatch((text or "").strip())
    return int(found[0]) if found else None


def _moment(text: str | None) -> datetime | None:
    seconds = _count(text)
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, tz=UTC)
    except (ValueError, OverflowError, OSError):
        return None  # later than the year 9999
