"""Many threads of a process need one thing: one of them gets it, and the others wait for it."""

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
    """Makes one call for all threads (`do`, `ask`), or waits for another process (`wait`).

    It keeps no answer: a call that comes after the answer starts the next flight.
    """

    def __init__(
        self,
        *,
        at_most: int = 0,
        waiting: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext,
    ) -> None:
        """Let `at_most` threads `wait` at a time, so that others are left for other work.

        Each waits within a `waiting()`.
        """
        self._waiting = waiting
        self._places = threading.BoundedSemaphore(at_most)
        self._lock = threading.Lock()
        self._watched: dict[str, threading.Event] = {}
        self._flights: dict[str, Future[Any]] = {}

    def do(self, key: str, call: Callable[[], T], *, meanwhile: T | None = None) -> T:
        """Return what `call` returns, or raise what it raises.

        A thread that comes with the same `key` before the call has ended gets `meanwhile` at
        once; without one it waits, and gets what the first thread gets.
        """
        flight, is_first = self._board(key)
        if is_first:
            self._fly(key, flight, call)
        elif meanwhile is not None:
            return meanwhile
        return cast("T", flight.result())

    def ask(self, key: str, question: Callable[[], T], *, seconds: float) -> T:
        """Return the answer to a question that may hang, or raise what it raises.

        It is asked in a thread of its own, for all threads that ask with the same `key`: what
        hangs costs one thread, however many ask. Raises `TimeoutError` after `seconds`.
        """
        flight, is_first = self._board(key)
        if is_first:
            asking = threading.Thread(target=self._fly, args=(key, flight, question), daemon=True)
            asking.start()
        return cast("T", flight.result(timeout=seconds))

    def _board(self, key: str) -> tuple[Future[Any], bool]:
        """Return the flight for `key`, and whether the caller is the one that must fly it."""
        with self._lock:
            is_first = key not in self._flights
            return self._flights.setdefault(key, Future()), is_first

    def _fly(self, key: str, flight: Future[T], call: Callable[[], T]) -> None:
        try:
            answer = call()
        except BaseException as error:  # noqa: BLE001 - raised in every thread that waits
            self._land(key)
            flight.set_exception(error)
        else:
            self._land(key)
            flight.set_result(answer)

    def _land(self, key: str) -> None:
        with self._lock:
            del self._flights[key]

    def wait(
        self, key: str, changed: Callable[[], bool], *, remaining: Callable[[], float]
    ) -> bool:
        """Return once `changed()` is true, or False when no seconds are `remaining()`.

        The first thread that waits for `key` looks every tenth of a second; the others sleep until
        it has seen a change. If it gives up first, one of them goes on. Raises `Crowded` at once
        if as many wait as may.
        """
        if not self._places.acquire(blocking=False):
            raise Crowded
        try:
            with self._waiting():
                return self._wait(key, changed, remaining)
        finally:
            self._places.release()

    def _wait(self, key: str, changed: Callable[[], bool], remaining: Callable[[], float]) -> bool:
        while remaining() > 0:
            event = self._join(key)
            if event is None:
                return self._look(key, changed, remaining)
            event.wait(remaining())
            if changed():
                return True
        return False

    def _join(self, key: str) -> threading.Event | None:
        """Return the event of the thread that looks already, or None if that is now the caller."""
        with self._lock:
            if key in self._watched:
                return self._watched[key]
            self._watched[key] = threading.Event()
            return None

    def _look(self, key: str, changed: Callable[[], bool], remaining: Callable[[], float]) -> bool:
        pause = threading.Event()
        try:
            while remaining() > 0:
                if changed():
                    return True
                pause.wait(min(POLL_SECONDS, remaining()))
            return False
        finally:
            with self._lock:
                self._watched.pop(key).set()
