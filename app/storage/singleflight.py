"""Single flight: one thread of a process makes a call, the others wait for its result."""

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
    """The maximum of waiting threads is reached."""


class SingleFlight:
    """Makes one call for all threads (`do`, `ask`), or waits for another process (`wait`).

    It keeps no result: a call after the result starts the next flight.
    """

    def __init__(
        self,
        *,
        at_most: int = 0,
        waiting: Callable[[], AbstractContextManager[None]] = contextlib.nullcontext,
    ) -> None:
        """Let `at_most` threads `wait` at a time, so that others stay free.

        Each waits inside `waiting()`.
        """
        self._waiting = waiting
        self._free = threading.BoundedSemaphore(at_most)
        self._lock = threading.Lock()
        self._polled: dict[str, threading.Event] = {}
        self._flights: dict[str, Future[Any]] = {}

    def do(self, key: str, call: Callable[[], T], *, meanwhile: T | None = None) -> T:
        """Return what `call` returns, or raise what it raises.

        Another thread with the same `key` gets `meanwhile` at once during the call; without one
        it waits, and gets the result of the first.
        """
        flight, is_first = self._board(key)
        if is_first:
            self._fly(key, flight, call)
        elif meanwhile is not None:
            return meanwhile
        return cast("T", flight.result())

    def ask(self, key: str, question: Callable[[], T], *, seconds: float) -> T:
        """Return the answer to a question that may hang, or raise what it raises.

        It runs in a thread of its own, for all threads with the same `key`, so a hang costs one
        thread. Raises `TimeoutError` after `seconds`, and at once if no thread can be started.
        """
        flight, is_first = self._board(key)
        if is_first:
            asking = threading.Thread(target=self._fly, args=(key, flight, question), daemon=True)
            try:
                asking.start()
            except RuntimeError as error:
                self._land(key)
                flight.set_exception(TimeoutError(str(error)))
        return cast("T", flight.result(timeout=seconds))

    def _board(self, key: str) -> tuple[Future[Any], bool]:
        """Return the flight of `key`, and whether the caller must make the call."""
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

        The first thread that waits for `key` polls every tenth of a second; the others sleep until
        it has seen a change. If it gives up, one of them polls. Raises `Crowded` at once if the
        maximum of threads wait.
        """
        if not self._free.acquire(blocking=False):
            raise Crowded
        try:
            with self._waiting():
                return self._wait(key, changed, remaining)
        finally:
            self._free.release()

    def _wait(self, key: str, changed: Callable[[], bool], remaining: Callable[[], float]) -> bool:
        while remaining() > 0:
            event = self._join(key)
            if event is None:
                return self._poll(key, changed, remaining)
            event.wait(remaining())
            if changed():
                return True
        return False

    def _join(self, key: str) -> threading.Event | None:
        """Return the event of the polling thread, or None if the caller must poll."""
        with self._lock:
            if key in self._polled:
                return self._polled[key]
            self._polled[key] = threading.Event()
            return None

    def _poll(self, key: str, changed: Callable[[], bool], remaining: Callable[[], float]) -> bool:
        pause = threading.Event()
        try:
            while remaining() > 0:
                if changed():
                    return True
                pause.wait(min(POLL_SECONDS, remaining()))
            return False
        finally:
            with self._lock:
                self._polled.pop(key).set()
