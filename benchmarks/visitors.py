"""The people: a browser of a few lines, and a crowd of them that signs in.

It reads no more of HTTP than the sites here write, so that the person costs less than the site.
"""

from __future__ import annotations

import functools
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from benchmarks.processes import DOCUMENTED, Program, Site

SECONDS_TO_ANSWER = 40
LONGEST_ANSWER = 4 * 1024 * 1024
STATE = re.compile(r"[?&]state=([^&]+)")
CSRF_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
COOKIE = re.compile(r"^set-cookie: *([^=]+)=([^;\r\n]*)(.*)$", re.IGNORECASE | re.MULTILINE)
HEADER = r"^{}: *(.*?)\r?$"
LANDING = "/account"


class Refused(Exception):
    """An answer that no person would be happy with."""


@dataclass(frozen=True)
class Answer:
    status: int
    head: str
    body: bytes
    # As it came over the wire, head and body.
    size: int

    def header(self, name: str) -> str:
        """Return a header's value, or nothing."""
        found = re.search(HEADER.format(name), self.head, re.IGNORECASE | re.MULTILINE)
        return found[1] if found else ""

    @property
    def text(self) -> str:
        return self.body.decode()


class Line:
    """A connection to a site that stays open, as nginx keeps one."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._socket: socket.socket | None = None

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def exchange(self, request: bytes) -> Answer:
        """Send a request and return the answer.

        gunicorn closes a connection that has rested for five seconds: then a new one is opened.
        """
        kept = self._socket is not None
        try:
            return self._exchange(request)
        except ConnectionError:
            self.close()
            if not kept:
                raise
            return self._exchange(request)

    def _exchange(self, request: bytes) -> Answer:
        if self._socket is None:
            self._socket = socket.create_connection(("127.0.0.1", self.port), SECONDS_TO_ANSWER)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.sendall(request)
        received = bytearray()
        while (end := received.find(b"\r\n\r\n")) < 0:
            self._receive(received)
        head = received[:end].decode("latin-1")
        found = re.search(r"^content-length: *(\d+)", head, re.IGNORECASE | re.MULTILINE)
        total = end + 4 + (int(found[1]) if found else 0)
        while len(received) < total:
            self._receive(received)
        if "\nconnection: close" in head.lower():
            self.close()
        return Answer(int(head[9:12]), head, bytes(received[end + 4 : total]), total)

    def _receive(self, received: bytearray) -> None:
        assert self._socket is not None  # noqa: S101 - `_exchange` opened it
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionResetError("the site closed the connection")
        received += data
        if len(received) > LONGEST_ANSWER:
            raise Refused("an endless answer")


@dataclass
class Browser:
    """One person's cookies, on a line that others may use before and after."""

    line: Line
    cookies: dict[str, str] = field(default_factory=dict)
    last: Answer | None = None

    def get(self, path: str, expect: int | None = 200) -> Answer:
        """Ask for a page. Raises `Refused` if the status is not `expect`; None takes any."""
        return self._ask("GET", path, "", expect)

    def post(self, path: str, fields: Mapping[str, str], *, expect: int | None = 303) -> Answer:
        """Send a form. Raises `Refused` if the status is not `expect`; None takes any."""
        body = "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items())
        return self._ask("POST", path, body, expect)

    def _ask(self, method: str, path: str, body: str, expect: int | None) -> Answer:
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.line.port}"]
        lines.append("User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Firefox/128.0")
        if self.cookies:
            pairs = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            lines.append(f"Cookie: {pairs}")
        if method == "POST":
            lines.append("Content-Type: application/x-www-form-urlencoded")
            lines.append(f"Content-Length: {len(body)}")
        self.last = answer = self.line.exchange("\r\n".join([*lines, "", body]).encode())
        for name, value, rest in COOKIE.findall(answer.head):
            if "max-age=0" in rest.lower():
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = value
        if expect is not None and answer.status != expect:
            raise Refused(f"`{method} {path.partition('?')[0]}` answered {answer.status}")
        return answer


STEPS = ("the page with the button", "to the provider", "the callback", "the landing page")


class SignIn:
    """One person signing in, step by step: four requests, the same for every site."""

    def __init__(self, program: Program, line: Line, number: int) -> None:
        self.browser = Browser(line)
        self._by_link = program == DOCUMENTED
        self._number = number
        self._page = ""
        self._callback = ""

    def step(self, number: int) -> None:
        """Make the request of step `number`."""
        (self._open, self._leave, self._come_back, self._land)[number]()

    def all(self) -> None:
        """Make all four requests."""
        for number in range(len(STEPS)):
            self.step(number)

    def _open(self) -> None:
        self._page = self.browser.get("/").text

    def _leave(self) -> None:
        token = CSRF_TOKEN.search(self._page)
        fields = {"csrf_token": token[1], "next": LANDING} if token else {}
        if self._by_link:
            answer = self.browser.get("/auth/login", expect=302)
        else:
            answer = self.browser.post("/auth/login", fields)
        found = STATE.search(answer.header("location"))
        if found is None:
            raise Refused("a redirect without a state")
        self._callback = f"/auth/callback?state={found[1]}&code=code-{self._number}"

    def _come_back(self) -> None:
        answer = self.browser.get(self._callback, expect=303)
        if urlsplit(answer.header("location")).path != LANDING:
            raise Refused("not signed in")

    def _land(self) -> None:
        self.browser.get(LANDING)


@dataclass
class Batch:
    """The results of many people doing the same."""

    seconds: float
    cpu_seconds: float
    latencies: list[float]
    failures: Counter[str]

    @property
    def done(self) -> int:
        return len(self.latencies)

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of the site's processor time for each."""
        return 1000 * self.cpu_seconds / max(1, self.done)

    @property
    def per_second(self) -> float:
        return self.done / self.seconds

    def checked(self) -> Batch:
        """Return the batch; raise `Refused` if anything failed: then its figures mean nothing."""
        if self.failures or not self.latencies:
            raise Refused(f"{self.done} done, failed: {dict(self.failures)}")
        return self


def crowd(
    site: Site,
    jobs: Iterable[Callable[[Line], object]],
    *,
    at_once: int,
    until: float = float("inf"),
) -> Batch:
    """Let `at_once` people at a time do the `jobs`, beginning none after `until` (monotonic)."""
    queue = iter(jobs)
    lock = threading.Lock()
    latencies: list[float] = []
    failures: Counter[str] = Counter()

    def work() -> None:
        line = Line(site.port)
        while time.monotonic() < until:
            with lock:
                job = next(queue, None)
            if job is None:
                break
            began = time.perf_counter()
            try:
                job(line)
            except (Refused, OSError) as error:
                with lock:
                    failures[f"{type(error).__name__}: {error}"] += 1
            else:
                latencies.append(time.perf_counter() - began)
        line.close()

    threads = [threading.Thread(target=work, daemon=True) for _ in range(at_once)]
    cpu, began = site.cpu_seconds(), time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    return Batch(seconds, site.cpu_seconds() - cpu, latencies, failures)


def signing_in(site: Site, people: Iterable[int]) -> Iterable[Callable[[Line], object]]:
    """Return the jobs of `people` (their numbers) who sign in to `site`, each once."""
    for number in people:
        yield functools.partial(_sign_in, site.program, number)


def _sign_in(program: Program, number: int, line: Line) -> None:
    SignIn(program, line, number).all()


def sign_in(
    site: Site, people: Iterable[int], *, at_once: int, until: float = float("inf")
) -> Batch:
    """Let `people` sign in."""
    return crowd(site, signing_in(site, people), at_once=at_once, until=until)


def signed_in(site: Site, people: Iterable[int]) -> list[Browser]:
    """Let `people` sign in one after the other, and return their browsers, all on one line."""
    line = Line(site.port)
    browsers = []
    for number in people:
        person = SignIn(site.program, line, number)
        person.all()
        browsers.append(person.browser)
    return browsers


def viewing(browsers: Iterable[Browser], path: str) -> Iterable[Callable[[Line], object]]:
    """Return the jobs of people who look at `path`, each once and with their own cookies."""
    for browser in browsers:
        yield functools.partial(_view, browser, path)


def _view(browser: Browser, path: str, line: Line) -> None:
    Browser(line, browser.cookies).get(path)


def view(site: Site, browsers: Iterable[Browser], path: str, *, at_once: int = 1) -> Batch:
    """Let each look at `path`."""
    return crowd(site, viewing(browsers, path), at_once=at_once)
