"""Copies of what was read at Twitter for somebody: in the cache, until they leave."""

from __future__ import annotations

from collections.abc import Iterable

from app.storage.cache import Cache


def whose(twitter_id: str) -> str:
    """Return the line that begins the keys of all copies that are a person's."""
    return f"read {twitter_id}"


class Copies:
    """Drops the copies of people who leave. Nothing finds those any more; now they are gone."""

    def __init__(self, cache: Cache | None) -> None:
        """Drop from `cache`: from Redis for all processes, else from the memory of this one."""
        self._cache = cache

    def drop(self, twitter_ids: Iterable[str]) -> None:
        """Drop what was read for the people with these ids at Twitter."""
        if self._cache is None:
            return
        for twitter_id in twitter_ids:
            self._cache.drop(whose(twitter_id))


NO_COPIES = Copies(None)
