"""The cache in Redis. Only a site with REDIS_URL imports this file, and redis-py with it."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar, cast

import redis

from app.storage.cache import KEPT, PREFIX, REDIS_TIMEOUTS, Stored, from_json, owner_of, to_json

log = logging.getLogger(__name__)

# After a failure, Redis is not asked for so long.
REST_SECONDS = 5.0
# No call outlasts the deadline of its request, so an older lock belongs to a dead process.
_LOCK_SECONDS = 13
_LOCK_POLL_SECONDS = 0.05

T = TypeVar("T")


class RedisStore:
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
        name, text, kept = self._name(key), to_json(stored), int(KEPT.total_seconds())
        with self._client.pipeline(transaction=False) as together:
            together.set(name, text, ex=kept)
            if owner := owner_of(key):
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
            self._rests_until = time.monotonic() + REST_SECONDS
            log.warning("Redis is unreachable, nothing is cached: %s", type(error).__name__)
            return otherwise

    def _name(self, key: str) -> str:
        """Return a name that reveals no id and no search, only which names share an owner."""
        owner = owner_of(key)
        return f"{self._index(owner) if owner else PREFIX}:{self._hashed(key)}"

    def _index(self, owner: str) -> str:
        return f"{PREFIX}:{self._hashed(owner)}"

    def _hashed(self, text: str) -> str:
        return hashlib.sha256(f"{self._namespace}\n{text}".encode()).hexdigest()


def answers(url: str) -> bool:
    """Tell whether the Redis at `url` answers a ping."""
    try:
        with contextlib.closing(redis.Redis.from_url(url, **REDIS_TIMEOUTS)) as connection:
            return bool(connection.ping())
    except redis.RedisError:
        return False
