"""Runs tasks in the background, and again until each is done."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

log = logging.getLogger(__name__)

# A task that raises is tried again after 1, 2, 4, 8, and then every 16 seconds.
PAUSE_SECONDS = 1.0
_MOST_DOUBLINGS = 4
GIVES_UP_AFTER_SECONDS = 60.0

# Returns the seconds until its next attempt; None if it is done.
_Task = Callable[[], float | None]


@dataclass(slots=True, order=True)
class _Job:
    """A task, ordered by the time of its next attempt and then by arrival."""

    due_at: float
    number: int
    task: _Task = field(compare=False)
    taken_at: float = field(compare=False)
    attempts: int = field(compare=False, default=0)


class BackgroundWorker:
    """One daemon thread per process, started with the first task and therefore after any fork."""

    def __init__(self, name: str, *, gives_up: bool = True) -> None:
        """Call the thread `name`. With `gives_up`, it tries each task for a minute only."""
        self._name = name
        self._gives_up = gives_up
        self._jobs: list[_Job] = []
        self._numbers = itertools.count()
        self._at_work = False
        self._stopped = False
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def take(self, task: _Task) -> None:
        """Call `task` as soon as possible, and again as often as it asks; return at once.

        If no thread can be started, it waits for the next task.
        """
        now = time.monotonic()
        with self._changed:
            if self._stopped:
                return
            heapq.heappush(self._jobs, _Job(now, next(self._numbers), task, taken_at=now))
            if self._thread is None:
                self._thread = self._started()
            self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """Wait until every task was tried once; tell whether that came in time."""
        with self._changed:
            return self._changed.wait_for(self._is_idle, timeout=seconds)

    def stop(self) -> None:
        """Drop all tasks and take no more."""
        with self._changed:
            self._stopped = True
            self._jobs.clear()
            self._changed.notify_all()

    def _started(self) -> threading.Thread | None:
        thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        try:
            thread.start()
        except RuntimeError as error:
            log.warning("the %s must wait: %s", self._name, error)
            return None
        return thread

    def _is_idle(self) -> bool:
        return not self._at_work and all(job.attempts > 0 for job in self._jobs)

    def _run(self) -> None:
        while (job := self._next()) is not None:
            pause = self._try(job)
            if pause is not None:
                self._postpone(job, pause)

    def _next(self) -> _Job | None:
        """Wait until a job is due, and take it; None once the worker was stopped."""
        with self._changed:
            while not self._stopped:
                wait = self._jobs[0].due_at - time.monotonic() if self._jobs else None
                self._at_work = wait is not None and wait <= 0
                if self._at_work:
                    return heapq.heappop(self._jobs)
                self._changed.notify_all()
                self._changed.wait(wait)
            self._at_work = False
            return None

    def _try(self, job: _Job) -> float | None:
        try:
            return job.task()
        except Exception as error:  # noqa: BLE001 - the thread must outlive any trouble
            log.warning("the %s must wait: %s", self._name, type(error).__name__)
            return float(PAUSE_SECONDS * 2 ** min(job.attempts, _MOST_DOUBLINGS))

    def _postpone(self, job: _Job, pause: float) -> None:
        job.due_at = time.monotonic() + pause
        job.attempts += 1
        if self._gives_up and job.due_at - job.taken_at > GIVES_UP_AFTER_SECONDS:
            return
        with self._changed:
            heapq.heappush(self._jobs, job)
