"""Fails reads at once while Twitter hangs: a circuit breaker for each group of endpoints.

A read that hangs keeps a person waiting until the deadline, and then shows what is cached. So after
many time-outs a circuit opens: its reads are not sent and fail at once, and pages show cached
answers without a wait. Every few seconds the circuit is half open: one read is sent as a probe, in
a background thread. An answer to it closes the circuit.

The circuits share the slots for calls of a process. If everything hangs, one circuit can hold only
its share of the slots, so that share is the threshold.

Only the reads of pages use a circuit breaker. A sign-in, a refresh, a revocation and a follow are
always sent: no cached answer could replace them.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from app.twitter.endpoints import ENDPOINTS, Endpoint
from app.twitter.errors import Busy, TwitterError, Unreachable
from app.twitter.transport.deadline import Deadline

log = logging.getLogger(__name__)

# So many time-outs within the window open a circuit; fewer where a process has few slots.
TIMEOUT_THRESHOLD = 20
WINDOW_SECONDS = 10.0
# An open circuit has one probe at a time, which soon frees its slot: sign-ins need those.
PROBE_INTERVAL_SECONDS = 2.0
PROBE_TIMEOUT_SECONDS = 4.0

# Twitter's services fail one by one, so each group of endpoints that are read has a circuit.
CIRCUITS = tuple(dict.fromkeys(one.group for one in ENDPOINTS if one.method == "GET"))

T = TypeVar("T")


@dataclass(slots=True)
class _Circuit:
    """The state of one circuit. It is open while there is a time for the next probe."""

    timeouts: deque[float] = field(default_factory=deque)
    next_probe_at: float | None = None
    is_half_open: bool = False  # a probe is under way
    generation: int = 0  # counts how often it has closed

    @property
    def is_open(self) -> bool:
        return self.next_probe_at is not None


def in_a_thread(work: Callable[[], None]) -> None:
    """Run `work` in a background thread."""
    threading.Thread(target=work, name="probe", daemon=True).start()


class OnChange(Protocol):
    """Called when a circuit opens and when it closes."""

    def __call__(self, circuit: str, /, *, is_open: bool) -> None: ...


class CircuitBreaker:
    """Decides which reads are sent. Made once per app, used by every thread of this process."""

    def __init__(
        self,
        *,
        slots: int,
        on_change: OnChange,
        on_short_circuit: Callable[[str], None],
        run_in_background: Callable[[Callable[[], None]], None] = in_a_thread,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Begin with closed circuits. This process has `slots` for all its calls.

        `on_short_circuit` is called with the circuit of each read that is not sent. `clock` counts
        seconds and never goes back.
        """
        self._threshold = max(1, min(TIMEOUT_THRESHOLD, slots // len(CIRCUITS)))
        self._on_change = on_change
        self._on_short_circuit = on_short_circuit
        self._run_in_background = run_in_background
        self._clock = clock
        self._lock = threading.Lock()
        self._circuits = {name: _Circuit() for name in CIRCUITS}

    def read(self, endpoint: Endpoint, send: Callable[[Deadline], T], deadline: Deadline) -> T:
        """Return `send(deadline)` and record how it went.

        Raises `Unreachable` at once while the circuit is open, even for the read that is sent as a
        probe. Only a time-out or a failure to connect counts as a failure. Any answer counts as a
        success, even a refusal; a 5xx, a broken connection and `Busy` count as neither.
        """
        name = endpoint.group
        now = self._clock()
        with self._lock:
            circuit = self._circuits[name]
            generation, is_open = circuit.generation, circuit.is_open
            is_probe = is_open and now >= (circuit.next_probe_at or 0) and not circuit.is_half_open
            if is_probe:
                circuit.next_probe_at, circuit.is_half_open = now + PROBE_INTERVAL_SECONDS, True
        if not is_open:
            return self._send(name, generation, send, deadline)
        self._on_short_circuit(name)
        if is_probe:
            self._start_probe(name, lambda: self._probe(name, generation, send))
        raise Unreachable(f"the circuit is open: reads of {name} timed out again and again")

    def _start_probe(self, name: str, probe: Callable[[], None]) -> None:
        try:
            self._run_in_background(probe)
        except RuntimeError as error:  # no thread can be started: a later read is the probe
            log.warning("the probe of %s must wait: %s", name, error)
            self._end_probe(name)

    def _probe(self, name: str, generation: int, send: Callable[[Deadline], T]) -> None:
        try:
            with contextlib.suppress(TwitterError):
                self._send(name, generation, send, Deadline(PROBE_TIMEOUT_SECONDS))
        finally:
            self._end_probe(name)

    def _end_probe(self, name: str) -> None:
        with self._lock:
            self._circuits[name].is_half_open = False

    def _send(
        self, name: str, generation: int, send: Callable[[Deadline], T], deadline: Deadline
    ) -> T:
        try:
            answer = send(deadline)
        except Unreachable as error:
            if error.silent:
                self._record_timeout(name, generation)
            raise
        except Busy:
            raise
        except TwitterError:
            self._record_answer(name)
            raise
        self._record_answer(name)
        return answer

    def _record_timeout(self, name: str, generation: int) -> None:
        now = self._clock()
        with self._lock:
            circuit = self._circuits[name]
            # A read that was sent before the circuit closed says nothing about Twitter today.
            if circuit.is_open or generation != circuit.generation:
                return
            circuit.timeouts.append(now)
            while now - circuit.timeouts[0] > WINDOW_SECONDS:
                circuit.timeouts.popleft()
            if len(circuit.timeouts) < self._threshold:
                return
            circuit.next_probe_at = now + PROBE_INTERVAL_SECONDS
            self._on_change(name, is_open=True)
        log.warning("circuit open: Twitter hangs, so reads of %s fail at once", name)

    def _record_answer(self, name: str) -> None:
        with self._lock:
            circuit = self._circuits[name]
            if not circuit.is_open:
                return
            circuit.next_probe_at = None
            circuit.generation += 1
            circuit.timeouts.clear()
            self._on_change(name, is_open=False)
        log.warning("circuit closed: Twitter answers again, so reads of %s are sent", name)
