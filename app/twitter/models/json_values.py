"""Read values out of a JSON document: strict about ids and names, lenient about the rest.

A missing field means null or empty, and so does a field of the wrong type.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from app.twitter.errors import InvalidAnswer
from app.twitter.tweet_text import clean, is_blank

T = TypeVar("T")

USER_OR_TWEET_ID = re.compile(r"[0-9]{1,19}")
SPACE_ID = re.compile(r"[A-Za-z0-9]{1,13}")
_DATE = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})T([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})"
    r"(?:\.[0-9]+)?(?:Z|\+00:00)"
)
# BCP 47, as far as Twitter uses it: a language, and rarely a script or a country.
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")
# "und" and the other codes that name no language: those of ISO 639-2, and its range for private
# use, where Twitter has codes of its own (links, hashtags or mentions only: X docs).
_NO_LANGUAGE = re.compile(r"und|zxx|mul|mis|art|q[a-t][a-z]")
# Twitter still writes these three by names that ISO has withdrawn.
_LANGUAGES_RENAMED = {"in": "id", "iw": "he", "ji": "yi"}

# Twitter allows 50 and 160 characters; these bounds keep a stored profile small.
LONGEST_NAME = 200
LONGEST_TEXT = 1_000
_LARGEST_COUNT = 10**15


def as_object(value: object) -> Mapping[str, Any]:
    """Return `value` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    """Return `value` if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def either(data: Mapping[str, Any], classic: str, renamed: str) -> object:
    """Read a field by its classic name, or by the one it has in the renamed specification."""
    value = data.get(classic)
    return data.get(renamed) if value is None else value


def required_id(data: Mapping[str, Any], shape: re.Pattern[str]) -> str:
    """Return the id, which must have this `shape`; raise `InvalidAnswer`."""
    value = data.get("id")
    if not isinstance(value, str) or not shape.fullmatch(value):
        raise InvalidAnswer("an object without a proper id")
    return value


def required_text(data: Mapping[str, Any], name: str, *, may_be_blank: bool = False) -> str:
    """Return a text that must be there; raise `InvalidAnswer`."""
    value = data.get(name)
    if not isinstance(value, str) or (is_blank(value) and not may_be_blank):
        raise InvalidAnswer(f"an object without a proper {name}")
    return as_text(value, LONGEST_NAME)


def as_id(value: object) -> str | None:
    """Return the id of a user or Tweet; None for any other value."""
    proper = isinstance(value, str) and USER_OR_TWEET_ID.fullmatch(value)
    return str(value) if proper else None


def as_text(value: object, longest: int) -> str:
    """Return `value` cut and cleaned for display; an empty text if a reader would see nothing."""
    shown = clean(value, longest) if isinstance(value, str) else ""
    return "" if is_blank(shown) else shown


def as_count(value: object, largest: int = _LARGEST_COUNT) -> int | None:
    """Return a count, zero to `largest`; None for any other value."""
    # Not isinstance: True is an int in Python.
    return value if type(value) is int and 0 <= value <= largest else None


def as_date(value: object) -> datetime | None:
    """Read a UTC date (RFC 3339); Twitter's examples lack milliseconds or zeros here and there."""
    found = _DATE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    year, month, day, hour, minute, second = map(int, found.groups())
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


def as_language(value: object) -> str:
    """Return a language that browsers and screen readers know (BCP 47), else an empty text."""
    lang = value if isinstance(value, str) and _LANGUAGE.fullmatch(value) else ""
    primary, dash, rest = lang.partition("-")
    if _NO_LANGUAGE.fullmatch(primary):
        return ""
    return _LANGUAGES_RENAMED.get(primary, primary) + dash + rest


def read_or_none(read: Callable[[object], T], data: object) -> T | None:
    """Return `read(data)`; None without data, or if it is invalid."""
    try:
        return read(data) if data is not None else None
    except InvalidAnswer:
        return None
