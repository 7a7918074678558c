"""The time limit that all calls to Twitter of one request share."""

from __future__ import annotations

import time

# All calls of one request of ours, in seconds: far less than the 30 s that a code is valid.
SECONDS = 12.0


class Deadline:
    """Counts down wall-clock time from the moment it is made."""

    __slots__ = ("_ends",)

    def __init__(self, seconds: float = SECONDS) -> None:
        self._ends = time.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self._ends - time.monotonic())

    def at_most(self, seconds: float) -> Deadline:
        """Return a deadline of `seconds`, or of the time remaining here if that is less."""
        return Deadline(min(self.remaining(), seconds))
