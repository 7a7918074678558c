"""Does what the database or Twitter must learn of, in the background and again after trouble."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

# Seconds between the attempts in this process, about a minute with what the attempts take.
PAUSES = (1.0, 2.0, 5.0, 10.0, 20.0)
GIVES_UP_AFTER_SECONDS = 60.0


# One attempt at a delivery; True if there is no more to do.
_Task = Callable[[], bool]


class BackgroundWorker:
    """One daemon thread per process, started with the first task and therefore after any fork.

    What it drops of the outbox, because the process ends or a minute is over, is still in there.
    """

    def __init__(self, name: str = "outbox", *, gives_up: bool = True) -> None:
        """Call the thread `name`. Unless it `gives_up` after about a minute, it tries for ever."""
        self._name = name
        self._gives_up = gives_up
        # When to try next, which attempt that is, when the task was taken, its number, and itself.
        self._rounds: list[tuple[float, int, float, int, _Task]] = []
        self._numbers = itertools.count()
        self._at_work = False
        self._stopped = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def take(self, task: _Task) -> None:
        """Call `task` as soon as possible, and again until it answers True; returns at once."""
        now = time.monotonic()
        with self._changed:
            if self._stopped:
                return
            heapq.heappush(self._rounds, (now, 0, now, next(self._numbers), task))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """Wait until every task was tried once; tell whether that came in time."""
        with self._changed:
            return self._changed.wait_for(self._is_idle, timeout=seconds)

    def stop(self) -> None:
        """Deliver no more."""
        with self._changed:
            self._stopped = True
            self._rounds.clear()
            self._changed.notify_all()

    def _is_idle(self) -> bool:
        return not self._at_work and all(attempt > 0 for _, attempt, *_ in self._rounds)

    def _run(self) -> None:
        while (round_ := self._next()) is not None:
            attempt, taken_at, task = round_
            if not self._try(task):
                self._again(attempt, taken_at, task)

    def _try(self, task: _Task) -> bool:
        try:
            return task()
        except Exception as error:  # noqa: BLE001 - the thread must outlive any trouble
            log.warning("the %s must wait: %s", self._name, type(error).__name__)
            return False

    def _again(self, attempt: int, taken_at: float, task: _Task) -> None:
        now = time.monotonic()
        is_late = attempt == len(PAUSES) or now - taken_at > GIVES_UP_AFTER_SECONDS
        if is_late and self._gives_up:
            return
        with self._changed:
            due = now + PAUSES[min(attempt, len(PAUSES) - 1)]
            number = next(self._numbers)
            heapq.heappush(self._rounds, (due, attempt + 1, taken_at, number, task))

    def _next(self) -> tuple[int, float, _Task] | None:
        with self._changed:
            while not self._stopped:
                wait = self._rounds[0][0] - time.monotonic() if self._rounds else None
                self._at_work = wait is not None and wait <= 0
                if self._at_work:
                    _, attempt, taken_at, _, task = heapq.heappop(self._rounds)
                    return attempt, taken_at, task
                self._changed.notify_all()
                self._changed.wait(wait)
            self._at_work = False
            return None
