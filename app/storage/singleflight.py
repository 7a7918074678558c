"""Many threads of a process want one thing: one of them sees to it, and the others wait for it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import Any, TypeVar, cast

POLL_SECONDS = 0.1

T = TypeVar("T")


class Crowded(Exception):
    """As many threads wait as may; the caller is not to wait."""


class SingleFlight:
    """Shares answers between threads (`ask`), and waits for what other processes do (`wait`).

    It keeps no answer: who comes after one starts the next.
    """

    def __init__(
        self,
        *,
        at_most: int,
        waiting: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext,
    ) -> None:
        """Let `at_most` threads `wait` at a time, so that others are left for other work.

        Each waits within a `waiting()`.
        """
        self._waiting = waiting
        self._places = threading.BoundedSemaphore(at_most)
        self._lock = threading.Lock()
        self._watched: dict[str, threading.Event] = {}
        self._asked: dict[str, Future[Any]] = {}

    def ask(self, key: str, question: Callable[[], T], *, seconds: float) -> T:
        """Return the answer to a question that may hang, or raise what came instead.

        It is asked in a thread of its own; threads that ask for the same `key` meanwhile get the
        same answer. So something that hangs costs one thread, however many ask. Raises
        `TimeoutError` after `seconds`.
        """
        with self._lock:
            answer = self._asked.get(key)
            if answer is None or answer.done():
                answer = self._asked[key] = Future()
                asking = threading.Thread(target=_run, args=(question, answer), daemon=True)
                asking.start()
        return cast("T", answer.result(timeout=seconds))

    def wait(self, key: str, changed: Callable[[], bool], *, left: Callable[[], float]) -> bool:
        """Return once `changed()` is true, or False when no seconds are `left()`.

        The first thread that waits for `key` looks every tenth of a second; the others sleep until
        it has seen a change. If it gives up first, one of them goes on. Raises `Crowded` at once
        if as many wait as may.
        """
        if not self._places.acquire(blocking=False):
            raise Crowded
        try:
            with self._waiting():
                return self._wait(key, changed, left)
        finally:
            self._places.release()

    def _wait(self, key: str, changed: Callable[[], bool], left: Callable[[], float]) -> bool:
        while left() > 0:
            event = self._join(key)
            if event is None:
                return self._look(key, changed, left)
            event.wait(left())
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

    def _look(self, key: str, changed: Callable[[], bool], left: Callable[[], float]) -> bool:
        pause = threading.Event()
        try:
            while left() > 0:
                if changed():
                    return True
                pause.wait(min(POLL_SECONDS, left()))
            return False
        finally:
            with self._lock:
                self._watched.pop(key).set()


def _run(question: Callable[[], T], answer: Future[T]) -> None:
    try:
        answer.set_result(question())
    except Exception as error:  # noqa: BLE001 - raised where it is waited for
        answer.set_exception(error)
