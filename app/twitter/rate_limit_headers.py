"""How often one may still ask, and when a limit lifts: read from Twitter's headers.

X docs, "Rate limits". Beside the ordinary window of 15 minutes some plans have daily ones. With
those the ordinary header can look healthy while the daily one is used up: the latest reset counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

QUARTER_OF_AN_HOUR = timedelta(minutes=15)
DAY = timedelta(hours=24)

# The one that all people of a site use up together.
APP_LIMIT = "x-app-limit-24hour"
# Each window by the prefix of its headers, and the longest that it is believed.
WINDOWS: Mapping[str, timedelta] = {
    "x-rate-limit": QUARTER_OF_AN_HOUR,
    "x-user-limit-24hour": DAY,
    APP_LIMIT: DAY,
}

_COUNT = re.compile(r"[0-9]{1,15}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What is left of one limit. `resets_at` is in UTC."""

    name: str
    limit: int | None
    remaining: int
    resets_at: datetime

    @property
    def used_up(self) -> bool:
        """Tell whether the next call would be one too many."""
        return self.remaining == 0


def windows(headers: Mapping[str, str], *, now: datetime) -> tuple[Window, ...]:
    """Return the windows that an answer tells of; a reset absurdly far away is brought nearer."""
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
    """Return when the last of the used-up windows opens again; None if one may ask now."""
    resets = [window.resets_at for window in known if window.used_up and window.resets_at > now]
    return max(resets, default=None)


def retry_at(headers: Mapping[str, str], *, now: datetime | None = None) -> datetime | None:
    """Return when a 429 lifts (UTC): the latest reset of a used-up window; None if unsaid.

    With `now`, a reset in the past says nothing, and one absurdly far away is brought nearer.
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
