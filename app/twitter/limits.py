"""When a limit lifts, read from Twitter's headers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

# The ordinary window of 15 minutes, and the daily ones of some plans. On those the ordinary
# header can look healthy while the daily one is used up: the latest reset counts.
WINDOWS = ("x-rate-limit", "x-user-limit-24hour", "x-app-limit-24hour")


def lifts_at(headers: Mapping[str, str]) -> datetime | None:
    """Return when a 429 lifts (UTC): the latest reset of a used-up window; None if unsaid."""
    resets = [
        reset
        for window in WINDOWS
        if headers.get(f"{window}-remaining", "0").strip() == "0"
        and (reset := _moment(headers.get(f"{window}-reset")))
    ]
    return max(resets, default=None)


def _moment(text: str | None) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(text or ""), tz=UTC)
    except (ValueError, OverflowError, OSError):
        return None
