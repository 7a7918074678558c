"""One object of a seed, read key by key. A mistake is told with its place."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, TypeGuard

from sandbox.errors import InvalidInput
from sandbox.oauth.text_checks import is_sendable

_LONGEST_TEXT = 4000  # links may be long; what Twitter counts is shorter


class Row:
    """An object, and the objects in it."""

    def __init__(self, place: str, given: object, inside: str | None = None) -> None:
        """Begin with everything unread. Places of inner objects begin with `inside`."""
        if not isinstance(given, dict):
            raise InvalidInput(f"{place} must be an object.")
        self.place = place
        self._inside = f"{place}." if inside is None else inside
        self._left: dict[str, Any] = dict(given)
        self._known: list[str] = []
        self._rows: list[Row] = []

    def wrong(self, name: str, problem: str) -> InvalidInput:
        """Return the error for one key."""
        return InvalidInput(f"{self.place}.{name} {problem}.")

    def text(
        self,
        name: str,
        default: str = "",
        shape: re.Pattern[str] | None = None,
        *,
        longest: int = _LONGEST_TEXT,
    ) -> str:
        """Read a text; with a shape it must have that, unless it is the default."""
        value = self.take(name, default)
        if not _is_text(value):
            raise self.wrong(name, "must be text")
        if len(value) > longest:
            raise self.wrong(name, f"must have at most {longest} characters")
        if shape is not None and value != default and not shape.fullmatch(value):
            raise self.wrong(name, f"must match ^{shape.pattern}$, and {value!r} does not")
        return value

    def required(self, name: str, shape: re.Pattern[str] | None = None) -> str:
        """Read a text that must be there."""
        if not self._left.get(name):
            raise self.wrong(name, "is missing")
        return self.text(name, shape=shape)

    def number(self, name: str, default: int, highest: int = 10**9) -> int:
        """Read a whole number from 0 to the highest."""
        value = self.take(name, default)
        if not _is_count(value, highest):
            raise self.wrong(name, f"must be a whole number from 0 to {highest}")
        return value

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Read true or false."""
        value = self.take(name, default)
        if not isinstance(value, bool):
            raise self.wrong(name, "must be true or false")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Read a list of texts."""
        value = self.take(name, [])
        if not isinstance(value, list) or not all(_is_text(one) for one in value):
            raise self.wrong(name, "must be a list of texts")
        return tuple(value)

    def numbers(self, name: str, highest: int = 10**9) -> tuple[int, ...]:
        """Read a list of whole numbers from 0 to the highest."""
        value = self.take(name, [])
        if not isinstance(value, list) or not all(_is_count(one, highest) for one in value):
            raise self.wrong(name, f"must be a list of whole numbers from 0 to {highest}")
        return tuple(value)

    def choice(self, name: str, words: Iterable[str], default: str) -> str:
        """Read one of a few words."""
        value = self.text(name, default)
        if value not in words:
            raise self.wrong(name, f"must be one of {', '.join(words)}")
        return value

    def items(self, name: str) -> list[Any]:
        """Read a list of anything."""
        value = self.take(name, [])
        if not isinstance(value, list):
            raise InvalidInput(f"{self._inside}{name} must be a list.")
        return value

    def row(self, name: str, given: object) -> Row:
        """Return an object in this one, to be read in its turn."""
        self._rows.append(Row(f"{self._inside}{name}", given))
        return self._rows[-1]

    def rows(self, name: str, *, text: str = "") -> list[Row]:
        """Read a list of objects. A bare text stands for an object with this one key."""
        return [
            self.row(f"{name}[{number}]", {text: one} if text and isinstance(one, str) else one)
            for number, one in enumerate(self.items(name))
        ]

    def take(self, name: str, default: object) -> object:
        """Read any value."""
        self._known.append(name)
        return self._left.pop(name, default)

    def done(self) -> None:
        """Refuse keys that were not read, here and in inner objects: they are typing mistakes."""
        for name in self._left:
            raise self.wrong(name, f"is unknown. There are: {', '.join(sorted(self._known))}")
        for row in self._rows:
            row.done()


def _is_count(value: object, highest: int) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= highest


def _is_text(value: object) -> TypeGuard[str]:
    return isinstance(value, str) and is_sendable(value)
