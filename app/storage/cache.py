"""A cache of Twitter's answers for a day at most: in Redis for all workers, else in each process.

Values are JSON and immutable. The memory is bounded, in bytes. An outage of Redis costs calls to
Twitter, and nothing else.

The first line of a two-line key names its owner. `purge_owner` deletes all keys of an owner.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import threading
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Protocol, TypeVar, cast

import redis
from cachetools import TTLCache

from app.storage.singleflight import SingleFlight

log = logging.getLogger(__name__)

# While Twitter does not answer, pages show answers up to a day old.
KEPT = timedelta(hours=24)
# Another machine's clock may be ahead; a value from further in the future is not ours.
_SKEW = timedelta(minutes=1)
MEMORY_BYTES = 64 * 1024 * 1024
# The memory that each part of a value takes beside its text, parsed values included.
_PART_BYTES = 80
# A Redis that accepts connections and never answers must not hold a page or a sign-in (seconds).
REDIS_TIMEOUTS = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}
# After a failure, Redis is not asked for so long.
REDIS_REST_SECONDS = 5.0
# No call outlasts the deadline of its request, so an older lock belongs to a dead process.
_LOCK_SECONDS = 13
_LOCK_POLL_SECONDS = 0.05
PREFIX = "perch"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stored:
    """A value, and when it was stored (UTC).

    `parsed` keeps what is parsed from the value for as long as the value. From Redis, each look-up
    begins with an empty one.
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
        self._store: _Store = _Redis(redis_url, namespace) if redis_url else _Memory(clock)

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


class _Memory:
    """The memory of this process. When it is full, the least recently used value goes."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._lock = threading.Lock()
        self._values: TTLCache[str, Stored] = TTLCache(
            MEMORY_BYTES,
            ttl=KEPT.total_seconds(),
            timer=lambda: clock().timestamp(),
            getsizeof=_size,
        )

    def get_all(self, keys: Sequence[str]) -> list[Stored | None]:
        with self._lock, self._values.timer:  # its `get` would ask the clock for each key
            return [self._values[key] if key in self._values else None for key in keys]  # noqa: SIM401

    def put(self, key: str, stored: Stored) -> None:
        with self._lock, contextlib.suppress(ValueError):  # larger than the whole memory
            self._values.pop(key, None)
            self._values[key] = stored

    def lock(self, key: str, *, wait: bool) -> contextlib.AbstractContextManager[bool]:
        del key, wait  # no other process has this memory
        return contextlib.nullcontext(True)  # noqa: FBT003 - what the lock yields

    def purge_owner(self, owner: str) -> None:
        with self._lock:
            for key in [key for key in self._values if _owner(key) == owner]:
                self._values.pop(key, None)

    def close(self) -> None:
        """Close nothing."""


class _Redis:
    """A Redis that all workers share. While it is unreachable, it appears empty."""

    def __init__(self, url: str, namespace: str) -> None:
        self._client = redis.Redis.from_url(url, **REDIS_TIMEOUTS)
        self._namespace = namespace
        self._rests_until = 0.0

    def get_all(self, keys: Sequence[str]) -> list[Stored | None]:
        names = [self._name(key) for key in keys]
        nothing: list[bytes | None] = [None] * len(keys)
        found = self._ask(lambda: cast("list[bytes | None]", self._client.mget(names)), nothing)
        return [from_json(text) if text else None for text in found]

    def put(self, key: str, stored: Stored) -> None:
        name, text, kept = self._name(key), _to_json(stored), int(KEPT.total_seconds())
        with self._client.pipeline(transaction=False) as together:
            together.set(name, text, ex=kept)
            if owner := _owner(key):
                # The index of an owner's keys; a name leaves it when its value expires.
                index, now = self._index(owner), time.time()
                together.zadd(index, {name: now})
                together.zremrangebyscore(index, 0, now - kept)
                together.expire(index, kept)
            self._ask(together.execute, None)

    @contextlib.contextmanager
    def lock(self, key: str, *, wait: bool) -> Iterator[bool]:
        lock = self._client.lock(
            f"{self._name(key)}:lock",
            timeout=_LOCK_SECONDS,
            sleep=_LOCK_POLL_SECONDS,
            blocking=wait,
            blocking_timeout=_LOCK_SECONDS if wait else None,
            thread_local=False,
        )
        taken = self._ask(lock.acquire, None)  # None: Redis is away, so each process creates
        try:
            # Also after waiting in vain: the process that holds the lock is dead or too slow.
            yield wait or taken is not False
        finally:
            if taken:
                with contextlib.suppress(redis.RedisError):  # expired, or Redis is away
                    lock.release()

    def purge_owner(self, owner: str) -> None:
        index = self._index(owner)

        def purge() -> None:
            names = cast("list[bytes]", self._client.zrange(index, 0, -1))
            self._client.unlink(index, *names)

        self._ask(purge, None)

    def close(self) -> None:
        self._client.close()

    def _ask(self, question: Callable[[], T], otherwise: T) -> T:
        """Return the answer of Redis, or `otherwise` while it is unreachable."""
        if time.monotonic() < self._rests_until:
            return otherwise
        try:
            return question()
        except redis.ResponseError as error:
            log.warning("Redis rejected a command of the cache: %s", type(error).__name__)
            return otherwise
        except redis.RedisError as error:
            self._rests_until = time.monotonic() + REDIS_REST_SECONDS
            log.warning("Redis is unreachable, nothing is cached: %s", type(error).__name__)
            return otherwise

    def _name(self, key: str) -> str:
        """Return a name that reveals no id and no search, only which names share an owner."""
        owner = _owner(key)
        return f"{self._index(owner) if owner else PREFIX}:{self._hashed(key)}"

    def _index(self, owner: str) -> str:
        return f"{PREFIX}:{self._hashed(owner)}"

    def _hashed(self, text: str) -> str:
        return hashlib.sha256(f"{self._namespace}\n{text}".encode()).hexdigest()


def _owner(key: str) -> str:
    """Return the owner of a key; an empty text if it has none."""
    return key.rpartition("\n")[0]


def _size(stored: Stored) -> int:
    text = _to_json(stored)
    return len(text) + _PART_BYTES * sum(map(text.count, (b",", b"{", b"[")))


def _to_json(stored: Stored) -> bytes:
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
