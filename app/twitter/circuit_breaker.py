"""Spares people the wait while Twitter hangs: after many time-outs, reads fail at once.

A read that hangs keeps a person waiting until the deadline, only to be shown what is cached.
So when many have hung, the next are not sent: they fail like the ones before, and old answers are
shown without a wait. Now and then one of them is sent all the same, by a thread that nobody waits
for: a probe, which finds out when Twitter is back.

A process has only so many slots for its calls, and all groups share them. So a group's part of the
slots is as much as can ever hang in it at once when all of Twitter does, and is enough to tell.

Only the reads of pages come through here. A sign-in, a refresh, a revocation and a follow are
always sent: nothing that is remembered could stand in for them.
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

from app.twitter import endpoints
from app.twitter.endpoints import Endpoint
from app.twitter.errors import Busy, TwitterError, Unreachable
from app.twitter.transport.deadline import Deadline

log = logging.getLogger(__name__)

# So many time-outs within so many seconds, and reads are not sent any more but for the probes.
# Where there are few slots, fewer are enough.
MOST_TIMEOUTS = 20
WINDOW_SECONDS = 10.0
# One probe at a time, and its slot is free again soon: sign-ins need those.
PROBE_SECONDS = 2.0
PROBE_PATIENCE_SECONDS = 4.0

# What Twitter serves together goes away together. Every read of `endpoints` is in one group.
GROUPS = {
    "users": (
        endpoints.USERS_ME,
        endpoints.USERS,
        endpoints.USER,
        endpoints.USERS_BY,
        endpoints.USER_BY_USERNAME,
    ),
    "tweets": (endpoints.TWEETS, endpoints.TWEET, endpoints.USER_TWEETS),
    "follows": (endpoints.FOLLOWING, endpoints.FOLLOWERS),
    "spaces": (
        endpoints.SPACE,
        endpoints.SPACES,
        endpoints.SPACES_BY_CREATORS,
        endpoints.FOLLOWING_SPACES,
    ),
}
_GROUP_OF = {endpoint.route: name for name, members in GROUPS.items() for endpoint in members}


T = TypeVar("T")


@dataclass(slots=True)
class _Group:
    """What is known of one group. `probe_at` is None while everything is sent."""

    timeouts: deque[float] = field(default_factory=deque)
    probe_at: float | None = None
    is_probed: bool = False
    closings: int = 0


def on_a_thread(work: Callable[[], None]) -> None:
    """Do `work` while nobody waits for it."""
    threading.Thread(target=work, name="probe", daemon=True).start()


class OnChange(Protocol):
    """Is called when the reads of a group begin to fail at once, and when that is over."""

    def __call__(self, group: str, *, fails: bool) -> None: ...


class Breaker:
    """Decides which reads are sent. Made once per app, used by every thread of this process."""

    def __init__(
        self,
        *,
        slots: int,
        on_change: OnChange,
        on_short_circuit: Callable[[str], None],
        apart: Callable[[Callable[[], None]], None] = on_a_thread,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Let everything through at first. There are `slots` for all calls of this process.

        `on_change` is called with a group that begins to fail at once, and when that is over;
        `on_short_circuit` with the group of each read that is not sent. `apart` does a probe's
        work; `clock` counts seconds and never goes back.
        """
        self._enough = max(1, min(MOST_TIMEOUTS, slots // len(GROUPS)))
        self._on_change = on_change
        self._on_short_circuit = on_short_circuit
        self._apart = apart
        self._clock = clock
        self._lock = threading.Lock()
        self._groups = {name: _Group() for name in GROUPS}

    def read(self, endpoint: Endpoint, send: Callable[[Deadline], T], deadline: Deadline) -> T:
        """Read `endpoint` by `send` within `deadline`, and learn from what becomes of it.

        Raises `Unreachable` at once while its group does not answer, even if this one is a probe.
        Only a time-out or a failure to connect counts against the group. Any answer speaks for it,
        a refusal too; a 5xx or a broken connection says nothing, and neither does `Busy`.
        """
        name = _GROUP_OF[endpoint.route]
        now = self._clock()
        with self._lock:
            group = self._groups[name]
            began, fails = group.closings, group.probe_at is not None
            probes = fails and now >= (group.probe_at or 0) and not group.is_probed
            if probes:
                group.probe_at, group.is_probed = now + PROBE_SECONDS, True
        if not fails:
            return self._watched(name, began, send, deadline)
        self._on_short_circuit(name)
        if probes:
            self._apart(lambda: self._probe(name, began, send))
        raise Unreachable(f"not waited for: reads of {name} have timed out again and again")

    def _probe(self, name: str, began: int, send: Callable[[Deadline], T]) -> None:
        try:
            with contextlib.suppress(TwitterError):
                self._watched(name, began, send, Deadline(PROBE_PATIENCE_SECONDS))
        finally:
            with self._lock:
                self._groups[name].is_probed = False

    def _watched(
        self, name: str, began: int, send: Callable[[Deadline], T], deadline: Deadline
    ) -> T:
        try:
            answer = send(deadline)
        except Unreachable as error:
            if error.silent:
                self._timed_out(name, began)
            raise
        except Busy:
            raise
        except TwitterError:
            self._answered(name)
            raise
        self._answered(name)
        return answer

    def _timed_out(self, name: str, began: int) -> None:
        now = self._clock()
        with self._lock:
            group = self._groups[name]
            # Who began to wait before Twitter came back says nothing about today.
            if group.probe_at is not None or began != group.closings:
                return
            group.timeouts.append(now)
            while now - group.timeouts[0] > WINDOW_SECONDS:
                group.timeouts.popleft()
            if len(group.timeouts) < self._enough:
                return
            group.probe_at = now + PROBE_SECONDS
            self._on_change(name, fails=True)
        log.warning("Twitter does not answer: reads of %s fail at once from now on", name)

    def _answered(self, name: str) -> None:
        with self._lock:
            group = self._groups[name]
            if group.probe_at is None:
                return
            group.probe_at = None
            group.closings += 1
            group.timeouts.clear()
            self._on_change(name, fails=False)
        log.warning("Twitter answers again: reads of %s are sent", name)
