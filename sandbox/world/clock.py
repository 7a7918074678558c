"""A clock that can be moved forward, and times as texts."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime

from sandbox.errors import InvalidInput

LONGEST_JUMP = 1000 * 365 * 86400  # a calendar ends in the year 9999
_FIRST_YEAR, _LAST_YEAR = 2011, 2100


class Clock:
    """The sandbox's own clock. All times are Unix seconds."""

    def __init__(self, begins_at: float | None = None) -> None:
        """Begin at this time, or now; `reset()` comes back to it."""
        self._lock = threading.Lock()
        self.moved = threading.Condition()  # notified at each jump
        self._begins_at = begins_at
        self.reset()

    def reset(self) -> None:
        with self._lock:
            self._outside = time.time()
            self.began = self._outside if self._begins_at is None else self._begins_at
            self._shift, self._offset = self.began - self._outside, 0.0

    def now(self) -> float:
        """Return the time.

        If the computer's clock is set back, this one goes on from where it was: nothing that has
        expired becomes valid again.
        """
        with self._lock:
            outside = time.time()
            self._shift += max(0.0, self._outside - outside)
            self._outside = outside
            return outside + self._shift + self._offset

    def advance(self, seconds: float) -> float:
        """Move forward, and return the new time."""
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise InvalidInput("advance_seconds must be a number.")
        with self._lock:
            if not 0 <= seconds <= LONGEST_JUMP - self._offset:
                raise InvalidInput("Time goes forward, and not further than a thousand years.")
            self._offset += seconds
        with self.moved:
            self.moved.notify_all()
        return self.now()

    def ahead(self) -> float:
        """Return by how many seconds the clock was moved."""
        return self._offset


def moment(text: str) -> float:
    """Return a time at which a world may begin, such as `2026-01-01T12:00:00Z`."""
    try:
        read = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        read = None
    if read is None or not _FIRST_YEAR <= read.year <= _LAST_YEAR:
        years = f"{_FIRST_YEAR} to {_LAST_YEAR}"
        raise InvalidInput(f"now must be a time like 2026-01-01T12:00:00Z, of {years}.")
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


def timestamp(seconds: float) -> str:
    """Return a time as Twitter writes it: UTC, RFC 3339, milliseconds."""
    moment = datetime.fromtimestamp(seconds, tz=UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
