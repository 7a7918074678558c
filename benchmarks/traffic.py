"""Mixed traffic: people of two browsers each, who sign in, look at pages and log out.

It knows in which browsers a person must be signed in, and counts those that are signed out.
"""

from __future__ import annotations

import contextlib
import random
import re
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from benchmarks.soak_twitter import SoakTwitter
from benchmarks.visitors import CSRF_TOKEN, LANDING, Answer, Browser, Line

PAGES = ("/", "/tweets", "/follows", "/follows/followers", "/spaces", LANDING)
LOGOUT = 'action="/auth/logout"'  # on every page of a person who is signed in
BROWSERS = 2
# Shares of the visits.
LOG_OUT_ONE, LOG_OUT_ALL = 0.04, 0.04
PAUSE_SECONDS = 0.05
SERVER_ERROR = 500

PAGE, SIGN_IN, LOGGED_OUT = "pages", "sign-ins", "logouts"
FAILED_SIGN_IN = "sign-ins that failed"
UNASKED = "browsers signed out that need not be"
BROKEN = "answers 5xx, or none"


@dataclass
class Tally:
    """Counts of what happened to all visitors, and of the answers by status."""

    counts: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)  # which answers were 5xx, or none
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, what: str) -> None:
        with self._lock:
            self.counts[what] += 1

    def answered(self, path: str, status: int | None) -> None:
        """Count an answer; None: there was none."""
        with self._lock:
            if status is not None:
                self.statuses[status] += 1
            if status is None or status >= SERVER_ERROR:
                self.counts[BROKEN] += 1
                self.broken[f"{path}: {status or 'no answer'}"] += 1


@dataclass
class Person:
    """An account, and in which of its browsers it must be signed in."""

    account: str
    browsers: list[Browser]
    signed_in: list[bool]


class Visitor:
    """Some people, one visit after the other."""

    def __init__(self, port: int, twitter: SoakTwitter, accounts: list[str], seed: int) -> None:
        self._twitter = twitter
        self._chance = random.Random(seed)  # noqa: S311 - it keeps no secret
        self._lines = [Line(port) for _ in range(BROWSERS)]
        self._people = [
            Person(name, [Browser(line) for line in self._lines], [False] * BROWSERS)
            for name in accounts
        ]

    def visit(self, tally: Tally) -> None:
        """Let one person do one thing."""
        person, lot = self._chance.choice(self._people), self._chance.random()
        which = self._chance.randrange(BROWSERS)
        if not all(person.signed_in):
            self._sign_in(person, person.signed_in.index(False), tally)
        elif lot < LOG_OUT_ONE:
            self._log_out(person, which, tally)
        elif lot < LOG_OUT_ONE + LOG_OUT_ALL:
            for each in range(BROWSERS):
                self._log_out(person, each, tally)
        else:
            self._look(person, tally)

    def leave(self) -> None:
        """Close the connections."""
        for line in self._lines:
            line.close()

    def _sign_in(self, person: Person, which: int, tally: Tally) -> None:
        browser = person.browsers[which]
        page = _ask(browser, tally, "/")
        token = CSRF_TOKEN.search(page.text if page else "")
        fields = {"csrf_token": token[1], "next": LANDING} if token else {}
        answer = _ask(browser, tally, "/auth/login", fields)
        if answer and answer.header("location").startswith("http"):
            callback = self._twitter.consent(answer.header("location"), person.account)
            answer = _ask(browser, tally, callback)
            if answer and urlsplit(answer.header("location")).path == LANDING:
                person.signed_in[which] = True
                tally.add(SIGN_IN)
                return
        tally.add(FAILED_SIGN_IN)
        # Twitter may have replaced the grant of the other browser: that one has nothing to claim.
        person.browsers = [Browser(line) for line in self._lines]
        person.signed_in = [False] * BROWSERS

    def _log_out(self, person: Person, which: int, tally: Tally) -> None:
        page = _ask(person.browsers[which], tally, LANDING)
        token = CSRF_TOKEN.search(page.text if page else "")
        if token:
            _ask(person.browsers[which], tally, "/auth/logout", {"csrf_token": token[1]})
        tally.add(LOGGED_OUT)
        person.browsers[which] = Browser(self._lines[which])
        person.signed_in[which] = False

    def _look(self, person: Person, tally: Tally) -> None:
        """Open a page in each browser at once, so that they need the same new token."""
        paths = self._chance.sample(PAGES, BROWSERS)

        def look(which: int) -> None:
            answer = _ask(person.browsers[which], tally, paths[which])
            tally.add(PAGE)
            if answer and answer.status < SERVER_ERROR and not _shows_person(answer):
                tally.add(UNASKED)
                person.signed_in[which] = False

        with ThreadPoolExecutor(BROWSERS) as pool:
            list(pool.map(look, range(BROWSERS)))


class Traffic:
    """All visitors, each with people of their own."""

    def __init__(
        self, port: int, twitter: SoakTwitter, accounts: list[str], *, visitors: int
    ) -> None:
        self._visitors = [
            Visitor(port, twitter, accounts[number::visitors], number) for number in range(visitors)
        ]

    def run(self, seconds: float, tally: Tally) -> None:
        """Let them come for so long. All connections are closed at the end."""
        until = time.monotonic() + seconds

        def come(visitor: Visitor) -> None:
            while time.monotonic() < until:
                visitor.visit(tally)
                time.sleep(PAUSE_SECONDS)
            visitor.leave()

        with ThreadPoolExecutor(len(self._visitors)) as pool:
            list(pool.map(come, self._visitors))  # raises the error of a visitor


def _ask(
    browser: Browser, tally: Tally, path: str, fields: dict[str, str] | None = None
) -> Answer | None:
    """Return the answer, whatever it is; None if there is none."""
    answer = None
    with contextlib.suppress(OSError):
        if fields is None:
            answer = browser.get(path, expect=None)
        else:
            answer = browser.post(path, fields, expect=None)
    tally.answered(re.sub(r"[?].*", "", path), answer.status if answer else None)
    return answer


def _shows_person(answer: Answer) -> bool:
    return LOGOUT in answer.text
