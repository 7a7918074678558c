"""Limits concurrent calls to Twitter, in total and per person.

A read holds a thread of the site for as long as it waits: for its own call, or for another thread's
call to the same thing. Some threads are always reserved for pages that need no Twitter.
"""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Iterator

from app.twitter.errors import Busy
from app.twitter.transport.deadline import Deadline

MAX_WAIT_SECONDS = 0.5


class Bulkhead:
    """Allows a number of concurrent calls. Others wait half a second for a slot, if any moves.

    The threads that wait here are those reserved for pages that need no Twitter. So after a wait in
    vain, every caller is turned away at once until a call ends.
    """

    def __init__(self, max_calls: int) -> None:
        """Allow `max_calls` at once."""
        self._free = threading.BoundedSemaphore(max_calls)
        self._stuck = False

    @contextlib.contextmanager
    def slot(self, deadline: Deadline) -> Iterator[None]:
        """Hold a slot; raise `Busy` if none is free within half a second."""
        max_wait = 0.0 if self._stuck else deadline.at_most(MAX_WAIT_SECONDS).remaining()
        if not self._free.acquire(timeout=max_wait):
            self._stuck = True
            raise Busy("all slots for calls to Twitter are taken")
        try:
            yield
        finally:
            self._stuck = False
            self._free.release()


class PerPersonBulkhead:
    """A bulkhead for a site, of which one person never takes all slots."""

    def __init__(self, max_calls: int, *, max_calls_per_person: int) -> None:
        """Allow `max_calls` at once, `max_calls_per_person` of them for one person."""
        self._total = Bulkhead(max_calls)
        self._max_calls_per_person = max_calls_per_person
        self._lock = threading.Lock()
        # Weak values: a person's bulkhead goes when nothing holds it.
        self._by_person: weakref.WeakValueDictionary[str, Bulkhead] = weakref.WeakValueDictionary()

    @contextlib.contextmanager
    def slot(self, user_id: str, deadline: Deadline) -> Iterator[None]:
        """Hold a slot for `user_id`; raise `Busy` if this person or the site has no free one."""
        with self._lock:
            own = self._by_person.setdefault(user_id, Bulkhead(self._max_calls_per_person))
        with own.slot(deadline), self._total.slot(deadline):
            yield
