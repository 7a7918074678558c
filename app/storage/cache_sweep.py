"""Deletes the cached values that match, from Redis, for all processes at once.

No process reaches the memory of another one, so without Redis there is nothing to sweep.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any, cast

import redis

from app.storage.cache import PREFIX, REDIS_TIMEOUTS, from_json

log = logging.getLogger(__name__)

_BATCH = 50


def sweep(redis_url: str, matches: Callable[[Any], bool]) -> int | None:
    """Delete the values that `matches` and return how many; None if Redis fails meanwhile.

    Sites that share the Redis lose theirs, too. A value that is being created may be stored
    afterwards.
    """
    deleted = 0
    try:
        with contextlib.closing(redis.Redis.from_url(redis_url, **REDIS_TIMEOUTS)) as there:
            for names in _batches(there.scan_iter(match=f"{PREFIX}:*", count=_BATCH)):
                # A key that holds no text, as an index of names, is answered as missing.
                found = zip(names, cast("list[bytes | None]", there.mget(names)), strict=True)
                those = [name for name, text in found if text and _is_one(text, matches)]
                deleted += cast("int", there.unlink(*those)) if those else 0
    except redis.RedisError as error:
        log.warning("Redis failed during a sweep: %s", type(error).__name__)
        return None
    return deleted


def _is_one(text: bytes, matches: Callable[[Any], bool]) -> bool:
    stored = from_json(text)
    return stored is not None and matches(stored.value)


def _batches(names: Iterable[bytes]) -> Iterator[list[bytes]]:
    rest = iter(names)
    while batch := list(islice(rest, _BATCH)):
        yield batch
