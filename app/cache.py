"""What was read at Twitter, kept for a while: in Redis for all workers, else in each process.

Values are JSON. Memory is bounded, by bytes. A Redis that is away costs reads and nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, cast

import redis
from dogpile import Lock, NeedRegenerationException
from dogpile.cache import make_region
from dogpile.cache.api import NO_VALUE, CacheMutex, CantDeserializeException, SerializedReturnType
from dogpile.cache.proxy import ProxyBackend
from dogpile.util import NameRegistry

log = logging.getLogger(__name__)

# Old data is better than none when Twitter does not answer; older than this it is not.
KEPT = timedelta(hours=24)
MEMORY_BYTES = 64 * 1024 * 1024
# A Redis that accepts and never answers must not hold a page (seconds), and is asked again later.
REDIS_SECONDS = 0.5
REDIS_REST_SECONDS = 5.0
# A maker is never slower than the budget of its request, nor does anybody wait longer: who died
# holding the lock loses it, and the next one goes on.
LOCK_SECONDS = 13
LOCK_LOOKS_EVERY_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Stored:
    """A value, and when it was stored (UTC)."""

    value: Any
    at: datetime


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
        self._mangle = partial(_mangled, namespace)
        self._region = make_region(
            key_mangler=self._mangle, serializer=_serialized, deserializer=_deserialized
        )
        if redis_url is None:
            memory = BoundedMemory(MEMORY_BYTES)
            self._region.configure("dogpile.cache.memory", arguments={"cache_dict": memory})
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
            self._region.configure("dogpile.cache.redis", arguments=arguments, wrap=[Forgiving])

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
        if found is NO_VALUE:
            return None
        stored = Stored(found["value"], datetime.fromtimestamp(found["at"], tz=UTC))
        return stored if self.age(stored) < KEPT else None

    def age(self, stored: Stored) -> timedelta:
        """Return how long ago a value was stored."""
        return self._clock() - stored.at

    def put(self, key: str, value: object) -> Stored:
        """Store `value` under `key`."""
        at = self._clock()
        self._region.set(key, {"value": value, "at": at.timestamp()})
        return Stored(value, at)

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
    """The dictionary behind the memory backend: what was not used for longest goes first."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._lock = threading.Lock()
        self._values: OrderedDict[str, bytes] = OrderedDict()

    def get(self, key: str, default: object) -> object:
        """Return the bytes stored under `key`."""
        with self._lock:
            if key not in self._values:
                return default
            self._values.move_to_end(key)
            return self._values[key]

    def __setitem__(self, key: str, value: bytes) -> None:
        """Store bytes; forget the least used beyond the bound."""
        with self._lock:
            self._forget(key)
            self._values[key] = value
            self._bytes += len(key) + len(value)
            while self._bytes > self._most_bytes:
                self._forget(next(iter(self._values)))

    def _forget(self, key: str) -> None:
        value = self._values.pop(key, None)
        if value is not None:
            self._bytes -= len(key) + len(value)

    def __len__(self) -> int:
        return len(self._values)


def _mangled(namespace: str, key: str) -> str:
    """Return a key of one length that shows nobody's id and no search of theirs."""
    return "perch:" + hashlib.sha256(f"{namespace}\n{key}".encode()).hexdigest()


def _serialized(value: object) -> bytes:
    # All ASCII: half characters, which Twitter does send, have no UTF-8.
    return json.dumps(value, separators=(",", ":")).encode()


def _deserialized(value: bytes) -> dict[str, Any]:
    try:
        found = json.loads(value)
    except ValueError:
        raise CantDeserializeException from None
    if not isinstance(found, dict) or not isinstance(found.get("at"), float):
        raise CantDeserializeException
    return found
