"""Drops a Tweet or an author from what is cached, because Twitter or its owner asks for it.

X's developer policy gives 24 hours. The cache serves no answer that is older, and this is sooner.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

from app.accounts import cache_epochs
from app.storage.database import Database
from app.twitter.models import USER_OR_TWEET_ID
from app.twitter.tweet_text import ASKABLE

_NAME = re.compile(rf"@({ASKABLE.pattern})")
_ID_IN_PATH = re.compile(r"/(?:.+/(?:status(?:es)?|article)|i/user)/([0-9]{1,19})(?:/.*)?")
_NAME_IN_PATH = re.compile(rf"/({ASKABLE.pattern})/?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A Tweet or an author, by id; or an author by the name that cached answers know."""

    id: str | None = None
    username: str | None = None

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read an id, an @name, or a link to a Tweet or a profile. Raises `ValueError`."""
        if USER_OR_TWEET_ID.fullmatch(text):
            return cls(id=text)
        if found := _NAME.fullmatch(text):
            return cls(username=found[1].lower())
        parts = urlsplit(text)
        if parts.scheme in {"http", "https"} and parts.hostname:
            if found := _ID_IN_PATH.fullmatch(parts.path):
                return cls(id=found[1])
            if found := _NAME_IN_PATH.fullmatch(parts.path):
                return cls(username=found[1].lower())
        raise ValueError("not an id, an @name, or a link to a Tweet or a profile")

    def is_in(self, answer: Any) -> bool:  # noqa: ANN401 - any JSON
        """Tell whether an answer of Twitter holds or names it, as author, quote or mention too."""
        left = [answer]
        while left:
            part = left.pop()
            if isinstance(part, dict):
                if self._is_name_of(part):
                    return True
                left += part.values()
            elif isinstance(part, list):
                left += part
            elif part is not None and part == self.id:
                return True
        return False

    def _is_name_of(self, user: dict[str, Any]) -> bool:
        name = user.get("username")
        return isinstance(name, str) and name.lower() == self.username


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """The answers that were deleted from Redis, or the people whose answers nothing finds now."""

    answers: int | None = None
    people: int = 0


def drop(content: Content, database: Database, *, redis_url: str | None) -> Dropped:
    """Delete the cached answers that hold `content` from Redis, for all processes.

    Without a Redis that answers, the copies are where no command reaches them. Then everything that
    was read for everyone becomes unreachable at once, and is gone within a day.
    """
    answers = _swept(redis_url, content) if redis_url else None
    if answers is not None:
        return Dropped(answers=answers)
    return Dropped(people=cache_epochs.raise_all(database))


def _swept(redis_url: str, content: Content) -> int | None:
    from app.storage.cache_sweep import sweep  # noqa: PLC0415 - a site without Redis needs none

    return sweep(redis_url, content.is_in)
