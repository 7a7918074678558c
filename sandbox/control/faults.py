"""Faults: the next answers to some path are late, odd or missing."""

from __future__ import annotations

import json
import math
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from typing import Any

from sandbox.errors import InvalidInput
from sandbox.oauth.text_checks import is_header, is_sendable


@dataclass(slots=True, kw_only=True)
class Fault:
    """A fault for the next `times` requests for `path`.

    With neither `status` nor `body`, `headers`, `redirect`, `body_bytes` or `gzip` the answer is
    the real one, only late, slow or cut.
    """

    path: str  # as in the URL; `*` stands for anything
    method: str | None = None
    times: int | None = 1  # None: until cleared
    for_seconds: float | None = None  # and then it is over, by the sandbox's clock
    probability: float = 1  # the share of the requests that it happens to
    status: int | None = None
    body: str | None = None
    body_bytes: int | None = None  # a body of this many bytes, sent as it is made
    gzip: bool = False  # the body travels packed
    content_type: str | None = None
    headers: dict[str, str | None] | None = None  # None leaves one out
    redirect: str | None = None  # 302 to here, unless `status` says otherwise
    delay_seconds: float = 0
    hang: bool = False  # no answer until the client leaves or the faults are cleared
    when: str = "before"  # "after": the work is done first, then the answer is spoilt
    drop: str | None = None  # "before" or "after" the work: the connection closes without a byte
    cut_bytes: int | None = None  # the connection closes after this many bytes of the body
    drip: str | None = None  # "body" or "headers": one byte at a time
    drip_seconds: float = 0.5  # between two bytes
    webhook: str | None = None  # not for a request, but for what is sent to a webhook of this path

    def answers(self) -> bool:
        """Return whether the fault has an answer of its own."""
        own = (self.status, self.body, self.body_bytes, self.redirect, self.headers)
        return self.gzip or any(value is not None for value in (*own, self.content_type))

    def matches(self, method: str, path: str) -> bool:
        """Return whether the fault is meant for a request."""
        meant = self.webhook is None and self.method in (None, method)
        return meant and fnmatchcase(path, self.path)

    def matches_sent(self, kind: str, path: str) -> bool:
        """Return whether the fault is meant for an event or a challenge to a webhook."""
        spoilt = {None: "", "crc": CHALLENGE}.get(self.webhook, EVENT)
        return spoilt == kind and fnmatchcase(path, self.path)


EVENT, CHALLENGE = "event", "challenge"  # what is sent to webhooks

_TEXTS = {"path", "method", "body", "content_type", "redirect", "when", "drop", "drip"}
_IN_HEADERS = {"content_type", "redirect"}
_FLAGS = {"hang", "gzip"}
_NUMBERS = {"delay_seconds": 3600, "drip_seconds": 3600, "for_seconds": 10**9, "probability": 1}
_COUNTS = {"times": 10**6, "status": 599, "body_bytes": 2**33, "cut_bytes": 2**33}
_CHOICES = {
    "when": ("before", "after"),
    "drop": ("before", "after"),
    "drip": ("body", "headers"),
    "webhook": ("late", "lost", "doubled", "forged", "crc"),
}
# A fault of a webhook spoils no answer.
_OF_WEBHOOKS = {"path", "times", "for_seconds", "probability", "delay_seconds", "webhook"}


def fault_from(given: Mapping[str, Any]) -> Fault:
    """Return a fault made of JSON; InvalidInput says what is wrong with it."""
    names = {f.name for f in fields(Fault)}
    given = {name: value for name, value in given.items() if value is not None or name == "times"}
    if isinstance(method := given.get("method"), str):
        given["method"] = method.upper()
    if unknown := sorted(set(given) - names):
        raise InvalidInput(f"There is no {unknown[0]!r}. There are: {', '.join(sorted(names))}.")
    if "path" not in given:
        raise InvalidInput("path is missing. It is the path of a URL; * stands for anything.")
    if "webhook" in given and (others := sorted(set(given) - _OF_WEBHOOKS)):
        raise InvalidInput(f"{others[0]} does not go with webhook.")
    if isinstance(given.get("body"), dict | list):
        given = {"content_type": "application/json"} | given | {"body": json.dumps(given["body"])}
    for name, value in given.items():
        if (problem := _problem(name, value)) is not None:
            raise InvalidInput(f"{name} must be {problem}.")
    return Fault(**given)


def _problem(name: str, value: object) -> str | None:  # noqa: PLR0911 - one line for each kind
    if name in _CHOICES:
        return None if value in _CHOICES[name] else " or ".join(_CHOICES[name])
    if name == "path" and not (isinstance(value, str) and value.startswith(("/", "*"))):
        return "the path of a URL, which begins with / or *"
    if name in _IN_HEADERS:
        fine = isinstance(value, str) and is_header("X", value)
        return None if fine else "text that fits into a header"
    if name in _TEXTS:
        return None if isinstance(value, str) and is_sendable(value) else "text"
    if name in _FLAGS:
        return None if isinstance(value, bool) else "true or false"
    if name == "headers":
        return None if _are_headers(value) else "an object of texts, or null for one left out"
    if name == "times" and value is None:
        return None
    if name in _NUMBERS:
        return _out_of_range(value, _NUMBERS[name], int | float)
    lowest = {"status": 200, "times": 1}.get(name, 0)
    return _out_of_range(value, _COUNTS[name], int, lowest)


def _are_headers(value: object) -> bool:
    return isinstance(value, dict) and all(
        isinstance(one, str | None) and is_header(name, one or "") for name, one in value.items()
    )


def _out_of_range(value: object, high: int, kind: Any, low: int = 0) -> str | None:  # noqa: ANN401
    if isinstance(value, bool) or not isinstance(value, kind) or not low <= value <= high:
        return f"a number from {low} to {high}"
    return None


def _same_dice() -> random.Random:
    """Return a random number generator that is the same in every run."""
    return random.Random(2021)  # noqa: S311 - nothing secret hangs on it


class Faults:
    """The faults that wait for their requests. The first that matches is taken."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        """Begin without faults. `now` is the clock by which they end."""
        self._lock = threading.Lock()
        self._now = now
        self._dice, self._webhook_dice = _same_dice(), _same_dice()
        self._waiting: list[tuple[Fault, float]] = []  # and when it ends by itself
        self.cleared = threading.Event()

    def add(self, fault: Fault) -> None:
        seconds = math.inf if fault.for_seconds is None else fault.for_seconds
        with self._lock:
            self._waiting.append((fault, self._now() + seconds))

    def take(self, method: str, path: str) -> Fault | None:
        """Return the fault for a request, and count it down."""
        return self._take(lambda fault: fault.matches(method, path), self._dice)

    def take_sent(self, kind: str, path: str) -> Fault | None:
        """Return the fault for an event or a challenge to a webhook, and count it down."""
        return self._take(lambda fault: fault.matches_sent(kind, path), self._webhook_dice)

    def _take(self, matches: Callable[[Fault], bool], dice: random.Random) -> Fault | None:
        """Take the first fault that matches and that chance picks.

        One random number decides for all faults, so that their probabilities add up.
        """
        with self._lock:
            fallen = dice.random()
            for fault in self._unended():
                if matches(fault):
                    fallen -= fault.probability
                    if fallen < 0:
                        self._count_down(fault)
                        return fault
        return None

    def waiting(self) -> list[Fault]:
        """Return the faults that still wait."""
        with self._lock:
            return self._unended()

    def clear(self) -> None:
        """Remove all faults, and release the requests that hang."""
        with self._lock:
            self._waiting.clear()
            self._dice, self._webhook_dice = _same_dice(), _same_dice()
            self.cleared.set()
            self.cleared = threading.Event()

    def _unended(self) -> list[Fault]:
        """Drop the faults whose time is over, and return the others."""
        now = self._now()
        self._waiting = [(fault, end) for fault, end in self._waiting if now < end]
        return [fault for fault, _ in self._waiting]

    def _count_down(self, fault: Fault) -> None:
        if fault.times is not None:
            fault.times -= 1
            if fault.times <= 0:
                self._waiting = [row for row in self._waiting if row[0] is not fault]
