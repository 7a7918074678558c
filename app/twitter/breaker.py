"""Spares people the wait while Twitter hangs: after many time-outs, reads fail at once.

A read that hangs keeps a person waiting for the whole budget, only to be shown what is remembered.
So when many have hung, the next are not sent: they fail like the ones before, and old answers are
shown without a wait. A probe now and then finds out when Twitter is back.

Only the reads of pages come through here. A sign-in, a refresh, a revocation and a follow are
always sent: nothing that is remembered could stand in for them.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from app.twitter import endpoints
from app.twitter.endpoints import Endpoint
from app.twitter.errors import Busy, TwitterError, Unreachable

log = logging.getLogger(__name__)

# So many time-outs within so many seconds, and reads are not sent any more but for the probes.
TIMEOUTS = 20
WINDOW_SECONDS = 10.0
PROBE_SECONDS = 2.0

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


@dataclass(slots=True)
class _Group:
    """What is known of one group. `probe_at` is None while everything is sent."""

    timeouts: deque[float] = field(default_factory=lambda: deque(maxlen=TIMEOUTS))
    probe_at: float | None = None
    closings: int = 0


class Breaker:
    """Decides which reads are sent. Made once per app, used by every thread of this process."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Let everything through at first; `clock` counts seconds and never goes back."""
        self._clock = clock
        self._lock = threading.Lock()
        self._groups = {name: _Group() for name in GROUPS}

    @contextlib.contextmanager
    def watching(self, endpoint: Endpoint) -> Iterator[None]:
        """Hold one read of `endpoint`, and learn from what becomes of it.

        Raises `Unreachable` instead of letting it through while its group does not answer. Only a
        time-out or a failure to connect counts against the group. Any answer speaks for it, a
        refusal too; a 5xx or a broken connection says nothing, and neither does `Busy`.
        """
        name = _GROUP_OF[endpoint.route]
        began = self._admitted(name)
        try:
            yield
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

    def _admitted(self, name: str) -> int:
        """Let a read through and return how often its group had come back by then."""
        now = self._clock()
        with self._lock:
            group = self._groups[name]
            if group.probe_at is not None:
                if now < group.probe_at:
                    raise Unreachable(f"not asked: reads of {name} have timed out again and again")
                group.probe_at = now + PROBE_SECONDS
            return group.closings

    def _timed_out(self, name: str, began: int) -> None:
        now = self._clock()
        with self._lock:
            group = self._groups[name]
            # Who began to wait before Twitter came back says nothing about today.
            if group.probe_at is not None or began != group.closings:
                return
            group.timeouts.append(now)
            if len(group.timeouts) < TIMEOUTS or now - group.timeouts[0] > WINDOW_SECONDS:
                return
            group.probe_at = now + PROBE_SECONDS
        log.warning("Twitter does not answer: reads of %s fail at once from now on", name)

    def _answered(self, name: str) -> None:
        with self._lock:
            group = self._groups[name]
            if group.probe_at is None:
                return
            group.probe_at = None
            group.closings += 1
            group.timeouts.clear()
        log.warning("Twitter answers again: reads of %s are sent", name)
