"""Reads the JSON body of a change, strictly, and reports all mistakes at once."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from flask import request

from sandbox.api.problems import Complaints
from sandbox.api.query import NUMERIC_ID
from sandbox.oauth.text_checks import is_sendable
from sandbox.request_body import sent_json


class Body:
    """An object of the body. Call `done()` when all of it has been read.

    Messages are those of X's validator, as far as they are known: `$.poll.options: is missing but
    it is required`.
    """

    def __init__(self, complaints: Complaints, given: object, place: str = "") -> None:
        """Begin with everything unread; `place` names the object around it, with a dot."""
        self._complaints = complaints
        self._left: dict[str, Any] = dict(given) if isinstance(given, dict) else {}
        self._place = place

    @classmethod
    def sent(cls, complaints: Complaints) -> Body:
        """Return the body of the current request."""
        if not request.is_json:
            message = "Requests with bodies must have content-type of application/json."
            complaints.found.append({"parameters": {}, "message": message})
            complaints.raise_if_any()
        given = sent_json()
        if not isinstance(given, dict):
            complaints.add("$", [], "$: is not a JSON object")
            complaints.raise_if_any()
        return cls(complaints, given)

    def has(self, name: str) -> bool:
        """Return whether a key is there."""
        return name in self._left

    def text(self, name: str) -> str | None:
        """Read an optional text."""
        value = self._left.pop(name, None)
        if value is not None and not (isinstance(value, str) and is_sendable(value)):
            self._wrong(name, value, "is not a string")
            return None
        return value

    def id(self, name: str, *, required: bool = False) -> str:
        """Read the id of an account or a Tweet; an empty text if there is none."""
        if required and self._left.get(name) is None:
            self._wrong(name, None, "is missing but it is required")
            return ""
        return self._matching(name, NUMERIC_ID)

    def choice(self, name: str, words: Collection[str], default: str) -> str:
        """Read an optional word out of a few."""
        value = self.text(name)
        if value is not None and value not in words:
            self._wrong(name, value, f"does not have a value in the enumeration {list(words)}")
        return default if value is None else value

    def flag(self, name: str) -> bool:
        """Read an optional true or false."""
        value = self._left.pop(name, False)
        if not isinstance(value, bool):
            self._wrong(name, value, "is not a boolean")
        return value is True

    def number(self, name: str, low: int, high: int) -> int:
        """Read a required whole number between two bounds."""
        value = self._left.pop(name, None)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self._wrong(name, value, f"must be an integer between {low} and {high}")
            return low
        return value

    def texts(self, name: str, few: int, many: int, longest: int) -> tuple[str, ...]:
        """Read a required list of texts of 1 to so many characters."""
        value = self._left.pop(name, None)
        if not isinstance(value, list) or not few <= len(value) <= many:
            self._wrong(name, value, f"must be a list of {few} to {many} items")
            return ()
        for one in value:
            if not isinstance(one, str) or not is_sendable(one) or not 1 <= len(one) <= longest:
                self._wrong(name, one, f"must have items of 1 to {longest} characters")
                return ()
        return tuple(value)

    def inner(self, name: str) -> Body | None:
        """Return an optional object in this one."""
        if name not in self._left:
            return None
        value = self._left.pop(name)
        if not isinstance(value, dict):
            self._wrong(name, value, "is not an object")
            return None
        return Body(self._complaints, value, f"{self._place}{name}.")

    def refuse(self, names: Collection[str], problem: str) -> None:
        """Report keys that X knows, and the sandbox does not play."""
        for name in sorted(self._left.keys() & set(names)):
            self._wrong(name, self._left.pop(name), problem)

    def done(self) -> None:
        """Report the keys that were not read."""
        for name, value in self._left.items():
            self._wrong(name, value, "is not defined")

    def _matching(self, name: str, shape: re.Pattern[str]) -> str:
        value = self._left.pop(name, None)
        if value is None:
            return ""
        if not isinstance(value, str) or not shape.fullmatch(value):
            self._wrong(name, value, f"does not match the regex pattern ^{shape.pattern}$")
            return ""
        return value

    def _wrong(self, name: str, value: object, problem: str) -> None:
        path = f"{self._place}{name}"
        shown = [] if value is None else [str(value).encode(errors="replace").decode()]
        self._complaints.add(path, shown, f"$.{path}: {problem}")
