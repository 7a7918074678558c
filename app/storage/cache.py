"""A cache of Twitter's answers for a day at most: in Redis for all workers, else in each process.

Values are JSON and immutable. The memory is bounded, in bytes. An outage of Redis costs calls to
Twitter, and nothing else.

The first line of a two-line key names its owner. `purge_owner` deletes all keys of an owner.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Protocol

import cachetools

from app.storage.singleflight import SingleFlight

# While Twitter does not answer, pages show answers up to a day old.
KEPT = timedelta(hours=24)
# Another machine's clock may be ahead; a value from further in the future is not ours.
_SKEW = timedelta(minutes=1)
MEMORY_BYTES = 64 * 1024 * 1024
# The memory that each part of a value takes beside its text, with what is parsed and rendered.
_PART_BYTES = 190
# A Redis that accepts connections and never answers must not hold a page or a sign-in (seconds).
REDIS_TIMEOUTS = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}
PREFIX = "perch"


@dataclass(frozen=True, slots=True)
class Stored:
    """A value, and when it was stored (UTC).

    `parsed` keeps what is parsed from the value, and rendered, for as long as the value. From
    Redis, each look-up begins with an empty one.
    """

    value: Any
    at: datetime
    parsed: dict[Hashable, Any] = field(default_factory=dict, compare=False, repr=False)


class Cache:
    """Keeps JSON values under keys. Made once per app, used by every thread."""

    def __init__(
        self, *, redis_url: str | None, clock: Callable[[], datetime], namespace: str = ""
    ) -> None:
        """Use the Redis at `redis_url`, or without one the memory of this process.

        Sites with different namespaces can share a Redis without sharing values.
        """
        self._clock = clock
        self._flights = SingleFlight()
        self._store = _redis(redis_url, namespace) if redis_url else _Memory(clock)

    def get(self, key: str) -> Stored | None:
        """Return the value of `key`, up to a day old."""
        return self.get_all([key])[0]

    def get_all(self, keys: Sequence[str]) -> list[Stored | None]:
        """Return the value of each of `keys`, in their order, in one look-up."""
        found = self._store.get_all(keys) if keys else []
        return [each if each and -_SKEW < self.age(each) < KEPT else None for each in found]

    def age(self, stored: Stored) -> timedelta:
        """Return how long ago a value was stored."""
        return self._clock() - stored.at

    def put(self, key: str, value: object) -> Stored:
        """Store `value` under `key`. Raises `TypeError` if it is not JSON."""
        stored = Stored(value, self._clock())
        self._store.put(key, stored)
        return stored

    def get_or_create(
        self, key: str, create: Callable[[], object], *, max_age: timedelta
    ) -> Stored:
        """Return the value of `key` if it is younger than `max_age`; else `create` it.

        One thread creates it (with Redis, of all processes). The others get the old value
        meanwhile, or wait if there is none. An error of `create` is raised in every thread of this
        process that waits.
        """
        stored = self.get(key)
        if stored and self.age(stored) < max_age:
            return stored
        call = partial(self._create, key, create, max_age, stored)
        return self._flights.do(key, call, meanwhile=stored)

    def _create(
        self, key: str, create: Callable[[], object], max_age: timedelta, old: Stored | None
    ) -> Stored:
        with self._store.lock(key, wait=old is None) as is_ours:
            if old and not is_ours:
                return old
            stored = self.get(key)  # another thread or process may just have stored it
            if stored and self.age(stored) < max_age:
                return stored
            return self.put(key, create())

    def purge_owner(self, owner: str) -> None:
        """Delete the keys of an owner: from Redis for all processes, else from this one.

        A value that is being created may be stored afterwards, and an unreachable Redis keeps its
        values: both expire after a day.
        """
        self._store.purge_owner(owner)

    def close(self) -> None:
        """Close the connections to Redis; the next use opens new ones."""
        self._store.close()


class _Store(Protocol):
    """Keeps values."""

    def get_all(self, keys: Sequence[str]) -> list[Stored | None]: ...

    def put(self, key: str, stored: Stored) -> None: ...

    def lock(self, key: str, *, wait: bool) -> contextlib.AbstractContextManager[bool]:
        """Keep other processes from creating the same value; yield False if one of them does."""
        ...

    def purge_owner(self, owner: str) -> None: ...

    def close(self) -> None: ...


def _redis(url: str, namespace: str) -> _Store:
    from app.storage.redis_store import RedisStore  # noqa: PLC0415 - a site without Redis needs none

    return RedisStore(url, namespace)


class _Memory:
    """The memory of this process. When it is full, the least recently used value goes."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._lock = threading.Lock()
        self._values: cachetools.TTLCache[str, Stored] = cachetools.TTLCache(
            MEMORY_BYTES,
            ttl=KEPT.total_seconds(),
            timer=lambda: clock().timestamp(),
            getsizeof=_size,
        )

    def get_all(self, keys: Sequence[str]) -> list[Stored | None]:
        # TTLCache's `get` asks the clock for each key, and its `in` is slow to miss one.
        with self._lock, self._values.timer:
            here = [key for key in keys if cachetools.Cache.__contains__(self._values, key)]
            found = {key: self._values[key] for key in here if key in self._values}
        return [found.get(key) for key in keys]

    def put(self, key: str, stored: Stored) -> None:
        with self._lock, contextlib.suppress(ValueError):  # larger than the whole memory
            self._values.pop(key, None)
            self._values[key] = stored

    def lock(self, key: str, *, wait: bool) -> contextlib.AbstractContextManager[bool]:
        del key, wait  # no other process has this memory
        return contextlib.nullcontext(True)  # noqa: FBT003 - what the lock yields

    def purge_owner(self, owner: str) -> None:
        with self._lock:
            for key in [key for key in self._values if owner_of(key) == owner]:
                self._values.pop(key, None)

    def close(self) -> None:
        """Close nothing."""


def owner_of(key: str) -> str:
    """Return the owner of a key; an empty text if it has none."""
    return key.rpartition("\n")[0]


def _size(stored: Stored) -> int:
    text = to_json(stored)
    # Twice: the text is in the rendered HTML as well.
    return 2 * len(text) + _PART_BYTES * sum(map(text.count, (b",", b"{", b"[")))


def to_json(stored: Stored) -> bytes:
    found = {"value": stored.value, "at": stored.at.timestamp()}
    # ASCII: Twitter sends half characters (lone surrogates), which have no UTF-8.
    return json.dumps(found, separators=(",", ":")).encode()


def from_json(text: bytes) -> Stored | None:
    """Return the value that a text in Redis holds; None if the cache did not write it."""
    try:
        found = json.loads(text)
        return Stored(found["value"], datetime.fromtimestamp(found["at"], tz=UTC))
    except (ArithmeticError, LookupError, OSError, RecursionError, TypeError, ValueError):
        return None
