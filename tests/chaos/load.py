"""People who keep coming at their rate, however long the site takes (an open loop).

Who waits for one answer before asking for the next measures a slow site kindly: it is asked less.
Here each view has its moment, and its seconds count from then, so a crowd at the door counts too.
"""

import itertools
import math
import re
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urlsplit

SECONDS_TO_ANSWER = 60
# Each view of a page that waits has a thread of its own, and many may wait at once.
MOST_WAITING = 400

# No run is longer.
MOST_VIEWS = 10**6

CHUNK = 64 * 1024
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
OLD = "Until then, here is what we read"


@dataclass(frozen=True)
class View:
    """One view: when it was due, how late its answer came, and what that was."""

    due: float  # by `time.monotonic`
    seconds: float
    page: str
    status: int  # 0: the connection was lost
    is_old: bool
    has_tweets: bool


@dataclass(frozen=True)
class Person:
    """Somebody's cookies, as a browser sends them. Without any, a stranger."""

    cookie: str = ""

    @classmethod
    def of(cls, visitor):
        return cls("; ".join(f"{c.name}={c.value}" for c in visitor.session.cookies))


STRANGER = Person()


def round_and_round(people, pages):
    """Let one after the other view all the pages, again and again."""
    return itertools.cycle([(person, page) for person in people for page in pages])


def answer(site, person, page):
    """Ask for a page once, with little work for this machine; return the status and the page."""
    door = urlsplit(site.address)
    head = [f"GET {page} HTTP/1.1", f"Host: {urlsplit(site.url).netloc}", "Connection: close"]
    if person.cookie:
        head.append(f"Cookie: {person.cookie}")
    try:
        with socket.create_connection((door.hostname, door.port), SECONDS_TO_ANSWER) as line:
            line.sendall("\r\n".join([*head, "", ""]).encode())
            whole = b"".join(iter(lambda: line.recv(CHUNK), b""))
    except OSError:
        return 0, ""
    found = STATUS.match(whole)
    return int(found[1]) if found else 0, whole.partition(b"\r\n\r\n")[2].decode(errors="replace")


class Crowd:
    """Views pages of a site at a steady rate, and remembers every view."""

    def __init__(self, site, rate, what):
        """`what` tells who views which page, one after the other."""
        self.site = site
        self.rate = rate
        self.what = iter(what)
        self.views = []
        self.over = threading.Event()

    def __enter__(self):
        self.hands = ThreadPoolExecutor(MOST_WAITING)
        return self

    def __exit__(self, *_):
        self.over.set()
        self.hands.shutdown()

    def come(self, seconds=math.inf):
        """Come for so long, or until it is over; return from when until when."""
        began = time.monotonic()
        for number in range(int(min(seconds * self.rate, MOST_VIEWS))):
            due = began + number / self.rate
            if self.over.wait(max(0, due - time.monotonic())):
                break
            self.hands.submit(self._view, *next(self.what), due)
        return began, began + seconds

    def comes_meanwhile(self):
        """Come until it is over, beside whatever is done here."""
        self.hands.submit(self.come)

    def _view(self, person, page, due):
        status, text = answer(self.site, person, page)
        seconds = time.monotonic() - due
        self.views.append(View(due, seconds, page, status, OLD in text, "<article" in text))

    def between(self, begin, end):
        """List the views that were due between two moments."""
        return [view for view in self.views if begin <= view.due < end]


def percentile(seconds, share):
    """Return what this share of the views did not exceed."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def p99(views):
    return percentile([view.seconds for view in views], 0.99)
