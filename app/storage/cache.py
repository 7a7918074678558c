"""What was read at Twitter, kept for a while: in Redis for all workers, else in each process.

Values are JSON, in memory as they are and in Redis as text: nobody changes one after it was put.
Memory is bounded, by bytes. A Redis that is away costs reads and nothing else.

A key of two lines belongs to whom the first one names, and all that belongs to somebody can be
dropped at once.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import threading
import time
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, cast

import redis
from dogpile import Lock, NeedRegenerationException
from dogpile.cache import make_region
from dogpile.cache.api import (
    NO_VALUE,
    CachedValue,
    CacheMutex,
    CantDeserializeException,
    SerializedReturnType,
)
from dogpile.cache.backends.redis import RedisBackend
from dogpile.cache.proxy import ProxyBackend
from dogpile.util import NameRegistry

log = logging.getLogger(__name__)

# Old data is better than none when Twitter does not answer; older than this it is not.
KEPT = timedelta(hours=24)
MEMORY_BYTES = 64 * 1024 * 1024
# What each part of a value takes in memory beside its text, what was made of it included.
PART_BYTES = 80
# A Redis that accepts and never answers must not hold a page (seconds), and is asked again later.
REDIS_SECONDS = 0.5
REDIS_REST_SECONDS = 5.0
# A maker is never slower than the budget of its request, nor does anybody wait longer: who died
# holding the lock loses it, and the next one goes on.
LOCK_SECONDS = 13
LOCK_LOOKS_EVERY_SECONDS = 0.05
PREFIX = "perch"


@dataclass(frozen=True, slots=True)
class Stored:
    """A value, and when it was stored (UTC).

    What is made of the value can be kept here for others. It is gone whenever the value is, and
    never with another one; where values are in Redis, nobody else finds it.
    """

    value: Any
    at: datetime
    made: dict[Hashable, Any] = field(default_factory=dict, compare=False, repr=False)


class Cache:
    """Keeps JSON values under keys. Made once per app, used by every thread."""

    def __init__(
        self, *, redis_url: str | None, clock: Callable[[], datetime], namespace: str = ""
    ) -> None:
        """Keep values in the Redis at `redis_url`, without one in this process.

        Sites with other names for their `namespace` may share a Redis and nothing in it.
        """
        self._clock = clock
        self._locks: NameRegistry = NameRegistry(lambda _: threading.Lock())
        # What is in our own memory need not hide its name.
        self._mangle: Callable[[str], str] = partial(_mangled, namespace) if redis_url else str
        self._drop: Callable[[str], None]
        if redis_url is None:
            memory = BoundedMemory(MEMORY_BYTES, clock=clock, weigh=_weight)
            self._region = make_region()
            self._region.configure("dogpile.cache.memory", arguments={"cache_dict": memory})
            self._drop = memory.drop
        else:
            arguments = {
                "url": redis_url,
                "socket_timeout": REDIS_SECONDS,
                "socket_connect_timeout": REDIS_SECONDS,
                "redis_expiration_time": int(KEPT.total_seconds()),
                "distributed_lock": True,
                "lock_timeout": LOCK_SECONDS,
                "lock_blocking_timeout": LOCK_SECONDS,
                "lock_sleep": LOCK_LOOKS_EVERY_SECONDS,
                "thread_local_lock": False,
            }
            self._region = make_region(
                key_mangler=self._mangle, serializer=_serialized, deserializer=_deserialized
            )
            self._region.configure("dogpile.cache.redis", arguments=arguments, wrap=[Forgiving])
            forgiving = cast("Forgiving", self._region.backend)
            self._drop = lambda whose: forgiving.drop(_beginning(namespace, whose))

    def get(self, key: str) -> Stored | None:
        """Return what is stored under `key`, however old, up to a day."""
        try:
            return self._stored(self._region.get(key, ignore_expiration=True))
        except ValueError:  # what others left in Redis
            return None

    def get_all(self, keys: Sequence[str]) -> list[Stored | None]:
        """Return what is stored under each of `keys`, in their order, by one look."""
        try:
            found = self._region.get_multi(keys, ignore_expiration=True)  # type: ignore[no-untyped-call] # dogpile left it untyped
        except ValueError:
            return [self.get(key) for key in keys]  # one of them spoils the others
        return [self._stored(each) for each in found]

    def _stored(self, found: Any) -> Stored | None:  # noqa: ANN401 - whatever dogpile found
        return found if isinstance(found, Stored) and self.age(found) < KEPT else None

    def age(self, stored: Stored) -> timedelta:
        """Return how long ago a value was stored."""
        return self._clock() - stored.at

    def put(self, key: str, value: object) -> Stored:
        """Store `value` under `key`."""
        stored = Stored(value, self._clock())
        self._region.set(key, stored)
        return stored

    def made_once(self, key: str, make: Callable[[], object], *, fresh: timedelta) -> Stored:
        """Return what is stored under `key` if it is younger than `fresh`; else `make` it.

        However many ask at once, one makes it. Those who find an old value get that meanwhile;
        those who find none wait, and make it themselves if the first one failed. What `make`
        raises is raised.
        """

        def is_fresh(stored: Stored | None) -> bool:
            return stored is not None and self.age(stored) < fresh

        def stored_with_age() -> tuple[Stored, float]:
            stored = self.get(key)
            if stored is None:
                raise NeedRegenerationException
            # dogpile goes by the machine's clock: to it, a value is of this second or of 1970.
            return stored, time.time() if is_fresh(stored) else 1.0

        def made() -> tuple[Stored, float]:
            stored = self.get(key)  # somebody may have just made it
            if stored is None or not is_fresh(stored):
                stored = self.put(key, make())
            return stored, time.time()

        lock = Lock(self._mutex(key), made, stored_with_age, KEPT.total_seconds())  # type: ignore[no-untyped-call] # dogpile left it untyped
        with lock as stored:
            return cast("Stored", stored)

    def purge_owner(self, owner: str) -> None:
        """Drop what belongs to an owner: from Redis for all processes, else from this one's memory.

        What is being made at this moment may be stored afterwards, and a Redis that is away keeps
        what it has: either is gone after a day.
        """
        self._drop(owner)

    def close(self) -> None:
        """Close the connections to Redis; using the cache again opens others."""
        client = getattr(self._region.actual_backend, "writer_client", None)
        if client is not None:
            client.close()

    def _mutex(self, key: str) -> CacheMutex:
        mangled = self._mangle(key)
        local = cast("threading.Lock", self._locks.get(mangled))
        return _Mutex(local, self._region.backend.get_mutex(mangled))


class _Mutex(CacheMutex):
    """One maker in this process and, with Redis, one in all of them."""

    def __init__(self, local: threading.Lock, everywhere: CacheMutex | None) -> None:
        self._local = local
        self._everywhere = everywhere

    def acquire(self, wait: bool = True) -> bool:  # noqa: FBT001, FBT002 - dogpile's signature
        if not self._local.acquire(blocking=wait):
            return False
        try:
            if self._everywhere is None or self._everywhere.acquire(wait) or wait:
                return True  # having waited in vain, too: the other one is dead or too slow
        except redis.RedisError:
            return True  # each process by itself, then
        self._local.release()
        return False

    def release(self) -> None:
        try:
            if self._everywhere is not None:
                self._everywhere.release()
        except redis.RedisError:
            pass  # it was lost meanwhile, or Redis is away
        finally:
            self._local.release()

    def locked(self) -> bool:
        return self._local.locked()


class Forgiving(ProxyBackend):
    """A backend that forgets, instead of failing, while its Redis is away."""

    def __init__(self) -> None:
        self._rests_until = 0.0

    def get_serialized(self, key: str) -> SerializedReturnType:
        """Return the stored bytes, or nothing."""
        found: SerializedReturnType = NO_VALUE
        with self._forgiven() as awake:
            if awake:
                found = self.proxied.get_serialized(key)
        return found

    def get_serialized_multi(self, keys: Iterable[str]) -> Sequence[SerializedReturnType]:
        """Return the stored bytes of each key, or nothing."""
        asked = list(keys)
        found: Sequence[SerializedReturnType] = [NO_VALUE] * len(asked)
        with self._forgiven() as awake:
            if awake:
                found = self.proxied.get_serialized_multi(asked)
        return found

    def set_serialized(self, key: str, value: bytes) -> None:
        """Store the bytes, if that is possible."""
        with self._forgiven() as awake:
            if awake:
                self.proxied.set_serialized(key, value)
                if whose := _whose_mangled(key):
                    self._note(whose, key)

    def drop(self, whose: str) -> None:
        """Drop all keys that were noted under `whose`, if that is possible."""
        with self._forgiven() as awake:
            if awake:
                theirs = cast("list[bytes]", self._redis.zrange(whose, 0, -1))
                self._redis.unlink(whose, *theirs)

    def _note(self, whose: str, key: str) -> None:
        """Note a key where `drop` finds it. Notes become as old as keys do, and no older."""
        now, kept = time.time(), KEPT.total_seconds()
        with self._redis.pipeline(transaction=False) as together:
            together.zadd(whose, {key: now})
            together.zremrangebyscore(whose, 0, now - kept)
            together.expire(whose, int(kept))
            together.execute()

    @property
    def _redis(self) -> redis.Redis:
        return cast("RedisBackend", self.proxied).writer_client

    def get_mutex(self, key: str) -> CacheMutex | None:
        """Return the lock for all processes, unless Redis is away."""
        return None if self._rests() else self.proxied.get_mutex(key)

    def _rests(self) -> bool:
        return time.monotonic() < self._rests_until

    @contextlib.contextmanager
    def _forgiven(self) -> Iterator[bool]:
        try:
            yield not self._rests()
        except redis.RedisError as error:
            self._rests_until = time.monotonic() + REDIS_REST_SECONDS
            log.warning("Redis is away, so nothing is cached: %s", type(error).__name__)


class BoundedMemory:
    """The dictionary behind the memory backend: what was not used for longest goes first.

    What is a day old goes when anything else is found or stored.
    """

    def __init__(
        self, most_bytes: int, *, clock: Callable[[], datetime], weigh: Callable[[Any], int]
    ) -> None:
        """Keep at most `most_bytes`, as `weigh` tells of each value."""
        self._most_bytes = most_bytes
        self._clock = clock
        self._weigh = weigh
        self._bytes = 0
        self._lock = threading.Lock()
        self._values: OrderedDict[str, tuple[Any, int]] = OrderedDict()  # the least used first
        self._stored_at: OrderedDict[str, datetime] = OrderedDict()  # the oldest first
        self._keys_of: defaultdict[str, set[str]] = defaultdict(set)

    def get(self, key: str, default: object) -> object:
        """Return what is stored under `key`."""
        if key not in self._values:  # so it is for most of what a page asks for
            return default
        with self._lock:
            self._forget_the_old()
            if key not in self._values:
                return default
            self._values.move_to_end(key)
            return self._values[key][0]

    def __setitem__(self, key: str, value: object) -> None:
        """Store a value; forget the least used beyond the bound."""
        weight = len(key) + self._weigh(value)
        with self._lock:
            self._forget_the_old()
            self._forget(key)
            self._values[key] = (value, weight)
            self._stored_at[key] = self._clock()
            self._keys_of[_whose(key)].add(key)
            self._bytes += weight
            while self._bytes > self._most_bytes:
                self._forget(next(iter(self._values)))

    def drop(self, whose: str) -> None:
        """Forget every key that belongs to `whose`."""
        with self._lock:
            for key in list(self._keys_of.get(whose, ())):
                self._forget(key)

    def _forget_the_old(self) -> None:
        a_day_ago = self._clock() - KEPT
        while self._stored_at and next(iter(self._stored_at.values())) <= a_day_ago:
            self._forget(next(iter(self._stored_at)))

    def _forget(self, key: str) -> None:
        _, weight = self._values.pop(key, (None, None))
        if weight is None:
            return
        self._bytes -= weight
        del self._stored_at[key]
        theirs = self._keys_of[_whose(key)]
        theirs.discard(key)
        if not theirs:
            del self._keys_of[_whose(key)]

    def __len__(self) -> int:
        return len(self._values)


def _mangled(namespace: str, key: str) -> str:
    """Return a key that shows nobody's id and no search of theirs, only which belong together."""
    name = _hashed(f"{namespace}\n{key}")
    return f"{_beginning(namespace, _whose(key))}:{name}"


def _beginning(namespace: str, whose: str) -> str:
    """Return what all mangled keys of somebody begin with; without anybody, of nobody's keys."""
    return f"{PREFIX}:" + _hashed(f"{namespace}\n{whose}") if whose else PREFIX


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _whose(key: str) -> str:
    """Return to whom a key belongs; nothing, if it is nobody's."""
    return key.rpartition("\n")[0]


def _whose_mangled(mangled: str) -> str:
    """Return what this key and its owner's others begin with; nothing, if it is nobody's."""
    whose, _, _ = mangled.rpartition(":")
    return whose if whose != PREFIX else ""


def _weight(value: CachedValue) -> int:
    text = _serialized(value.payload)
    return len(text) + PART_BYTES * sum(map(text.count, (b",", b"{", b"[")))


def _serialized(stored: Stored) -> bytes:
    found = {"value": stored.value, "at": stored.at.timestamp()}
    # All ASCII: half characters, which Twitter does send, have no UTF-8.
    return json.dumps(found, separators=(",", ":")).encode()


def _deserialized(text: bytes) -> Stored:
    try:
        found = json.loads(text)
        return Stored(found["value"], datetime.fromtimestamp(found["at"], tz=UTC))
    except (ArithmeticError, LookupError, OSError, TypeError, ValueError):  # not of our making
        raise CantDeserializeException from None
