"""One stretch of wall-clock time that all calls of a request share."""

from __future__ import annotations

import time

# A code lives 30 s. Everything that one request of ours asks of Twitter fits into this (seconds).
SECONDS = 12.0


class Deadline:
    """Counts down from the moment it is made; every call to Twitter spends from it."""

    __slots__ = ("_ends",)

    def __init__(self, seconds: float = SECONDS) -> None:
        self._ends = time.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds left, never below zero."""
        return max(0.0, self._ends - time.monotonic())

    def at_most(self, seconds: float) -> Deadline:
        """Return a shorter deadline: what is left here, or `seconds` if that is less."""
        return Deadline(min(self.remaining(), seconds))
