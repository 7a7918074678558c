"""Who may wait for Twitter: not everybody, and nobody for all others.

A read holds a thread of the site for as long as it waits, be it for its own call or for somebody
else's to the same thing. Some threads are always kept for pages that need no Twitter.
"""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Iterator

from app.twitter.errors import Busy
from app.twitter.transport.deadline import Deadline

PATIENCE_SECONDS = 0.5


class Slots:
    """So many at once. Who finds none free waits a little, unless nobody is coming back.

    The threads that wait here are the ones kept free for pages that need no Twitter: when a wait
    was in vain, all are turned away at once until the first one ends.
    """

    def __init__(self, count: int) -> None:
        """Let `count` in."""
        self._free = threading.BoundedSemaphore(count)
        self._stuck = False

    @contextlib.contextmanager
    def one(self, deadline: Deadline) -> Iterator[None]:
        """Hold a slot; raise `Busy` if there is none for half a second."""
        patience = 0.0 if self._stuck else deadline.at_most(PATIENCE_SECONDS).remaining()
        if not self._free.acquire(timeout=patience):
            self._stuck = True
            raise Busy("all slots for waiting for Twitter are taken")
        try:
            yield
        finally:
            self._stuck = False
            self._free.release()


class Turns:
    """The slots of a site, of which one person gets some and never all."""

    def __init__(self, count: int, *, for_one: int) -> None:
        """Let `count` wait at once, `for_one` of them for one person."""
        self._everybody = Slots(count)
        self._for_one = for_one
        self._lock = threading.Lock()
        # Whoever waits holds theirs; nothing stays of those who left.
        self._each: weakref.WeakValueDictionary[str, Slots] = weakref.WeakValueDictionary()

    @contextlib.contextmanager
    def one(self, user_id: str, deadline: Deadline) -> Iterator[None]:
        """Hold a turn of `user_id`; raise `Busy` if they or all together have too many."""
        with self._lock:
            own = self._each.setdefault(user_id, Slots(self._for_one))
        with own.one(deadline), self._everybody.one(deadline):
            yield
