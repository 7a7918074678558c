"""One poller for each thing that many threads of a process wait for."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager

from app.twitter.budget import Budget
from app.twitter.errors import Busy

POLL_SECONDS = 0.1


class SingleFlight:
    """Lets one of the waiting threads look, again and again, and wakes the others with it.

    It holds an event for each key that is being watched, and nothing of what is seen: everybody
    looks for themselves in the end.
    """

    def __init__(
        self,
        *,
        at_most: int,
        waiting: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext,
    ) -> None:
        """Let `at_most` threads wait at a time, so that others are left for other work.

        Each waits within a `waiting()`.
        """
        self._waiting = waiting
        self._places = threading.BoundedSemaphore(at_most)
        self._lock = threading.Lock()
        self._watched: dict[str, threading.Event] = {}

    def wait(self, key: str, changed: Callable[[], bool], *, budget: Budget) -> bool:
        """Return once `changed()` is true, or False when the budget is used up.

        The first thread that waits for `key` asks every tenth of a second; the others sleep until
        it has an answer. If it gives up first, one of them goes on. Raises `Busy` at once if as
        many wait as may.
        """
        if not self._places.acquire(blocking=False):
            raise Busy("too many threads wait for a refresh")
        try:
            with self._waiting():
                return self._wait(key, changed, budget)
        finally:
            self._places.release()

    def _wait(self, key: str, changed: Callable[[], bool], budget: Budget) -> bool:
        while budget.left() > 0:
            event = self._join(key)
            if event is None:
                return self._look(key, changed, budget)
            event.wait(budget.left())
            if changed():
                return True
        return False

    def _join(self, key: str) -> threading.Event | None:
        """Return the event of whoever looks already, or None if that is now us."""
        with self._lock:
            if key in self._watched:
                return self._watched[key]
            self._watched[key] = threading.Event()
            return None

    def _look(self, key: str, changed: Callable[[], bool], budget: Budget) -> bool:
        pause = threading.Event()
        try:
            while budget.left() > 0:
                if changed():
                    return True
                pause.wait(min(POLL_SECONDS, budget.left()))
            return False
        finally:
            with self._lock:
                self._watched.pop(key).set()
