"""Two machines on one PostgreSQL and one Redis, nginx in front; one of them is killed.

Each sign-in starts on one machine and comes back to the other. Whatever goes wrong must have been
under way on the machine that died, at the moment when it died.
"""

import itertools
import json
import os
import re
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
import requests

from tests.chaos.flock import usernames
from tests.chaos.scale import LONG, PEOPLE, rounds
from tests.journey.front import Under, standing
from tests.journey.sites import wait_until

SIGN_INS = max(60, rounds(1000))
HANDS = 8
ACCOUNTS = usernames(PEOPLE)
# Twitter takes its time: there is always somebody under way.
LATENCY_MS = 40
MOST_LOTS = 20
# Each page of a sign-in, and how it is answered when all is well.
FINE = {"/": 200, "/auth/login": 303, "/auth/callback": 303, "/account": 200}
# gunicorn's access log, which is JSON: the path, and the name under which the visitor came.
SERVED = re.compile(r'\\"(?:GET|POST) (\S+) HTTP/1\.[01]\\" .*\\"(\S+)\\""}$', re.MULTILINE)

pytestmark = [
    pytest.mark.loopback,
    pytest.mark.timeout(1800 if LONG else 240),
    pytest.mark.parametrize("store", ["postgresql"], indirect=True, scope="module"),
]


@dataclass
class Asked:
    """One request to the site, by the clock of whoever sent it."""

    person: str
    path: str
    lot: str
    began: float
    ended: float = float("inf")
    status: int = 0  # 0: there was no answer

    @property
    def is_fine(self):
        return self.status == FINE[self.path]

    def is_under_way(self, since, until):
        return self.began <= until and self.ended >= since


class Watched(Under):
    """Reaches nginx, which decides by `lot` whom to ask; writes down what came of each request."""

    def __init__(self, port, person, book):
        super().__init__(port)
        self.person = person
        self.book = book
        self.lot = ""

    def send(self, request, **options):
        asked = Asked(self.person, request.path_url.partition("?")[0], self.lot, time.monotonic())
        self.book.append(asked)
        request.headers.update({"X-Lot": self.lot, "User-Agent": self.person})
        try:
            answer = super().send(request, **options)
            asked.status = answer.status_code
        finally:
            asked.ended = time.monotonic()
        return answer


@dataclass
class Machines:
    """The two machines, the nginx before them, and the lot by which each is asked."""

    front: object
    sites: list
    lots: list = field(default_factory=list)
    book: list = field(default_factory=list)

    def find_lots(self):
        """Try until each machine has its lot: only nginx knows beforehand."""
        found = {}
        for number in range(MOST_LOTS):
            name = f"lot-{number}"
            visitor, line = self.visitor(name)
            line.lot = name
            with visitor:
                visitor.send("GET", "/account")
            wait_until(lambda name=name: any(name in names for names in self.served()))
            [machine] = [n for n, names in enumerate(self.served()) if name in names]
            found.setdefault(machine, name)
            if len(found) == len(self.sites):
                break
        self.lots = [found[number] for number in range(len(self.sites))]
        self.book.clear()

    def visitor(self, name):
        visitor = self.front.visitor()
        line = Watched(self.front.https, name, self.book)
        visitor.go_through(line)
        return visitor, line

    def served(self):
        """Return what each machine says it has served: the names of its visitors, with paths."""
        return [
            {word for path, name in SERVED.findall(site.logged()) for word in (name, (name, path))}
            for site in self.sites
        ]

    def sign_in(self, number):
        """Start at one machine, come back to the other; stop where something goes wrong."""
        here, there = self.lots if number % 2 else reversed(self.lots)
        visitor, line = self.visitor(f"person-{number}")
        with visitor:
            line.lot = here
            page = visitor.send("GET", "/")
            if page.status_code != FINE["/"]:
                return
            login = visitor.press(page, "Sign in with Twitter")
            if login.status_code != FINE["/auth/login"]:
                return
            account = ACCOUNTS[number % PEOPLE]
            callback = visitor.consent(login.headers["Location"], account)
            line.lot = there
            if visitor.come_back(callback).status_code == FINE["/auth/callback"]:
                line.lot = here
                visitor.send("GET", "/account")

    def try_to_sign_in(self, number):
        try:
            self.sign_in(number)
        except requests.RequestException:  # half an answer is none
            asked = self.requests_of(number)[-1]
            asked.status, asked.ended = 0, time.monotonic()

    def requests_of(self, number):
        return [asked for asked in list(self.book) if asked.person == f"person-{number}"]

    def in_the_hands_of(self, machine, since, until):
        """List the requests that a machine, by their lot, was to answer between two moments."""
        own = [asked for asked in list(self.book) if asked.lot == self.lots[machine]]
        return [asked for asked in own if asked.is_under_way(since, until)]

    def kill(self, machine):
        """Kill a machine while somebody waits for it; return when, and when all of it was gone."""

        def is_waited_for():
            now = time.monotonic()
            return self.in_the_hands_of(machine, now, now)

        wait_until(is_waited_for, 60)
        killed = time.monotonic()
        os.killpg(self.sites[machine].process.pid, signal.SIGKILL)
        self.sites[machine].process.wait(10)
        wait_until(lambda: not is_listening(self.sites[machine]))
        return killed, time.monotonic()

    def written(self):
        """Return the lines of nginx's log."""
        lines = (self.front.folder / "perch.log").read_text().splitlines()
        return [json.loads(line) for line in lines]


@pytest.fixture
def machines(sites, twitter_server, store, redis_server):
    with standing() as front:
        settings = {"DATABASE_URL": store.url, "REDIS_URL": redis_server.url}
        behind = {"PUBLIC_URL": front.url, "TRUSTED_PROXIES": "1", "WEB_CONCURRENCY": "2"}
        one = sites.start(twitter_server, **settings, **behind)
        two = sites.start(twitter_server, beside=one)
        front.start(one.address, two.address, balanced_by="hash $http_x_lot;")
        twitter_server.settings(latency_ms=LATENCY_MS)
        machines = Machines(front, [one, two])
        machines.find_lots()
        yield machines


def test_a_machine_that_is_killed_loses_only_what_it_had_in_its_hands(machines, store, figure):
    victim = 0
    done = itertools.count(1)
    finished = [0]

    def sign_in(number):
        machines.try_to_sign_in(number)
        finished[0] = next(done)

    with ThreadPoolExecutor(HANDS) as hands:
        coming = [hands.submit(sign_in, number) for number in range(SIGN_INS)]
        wait_until(lambda: finished[0] >= SIGN_INS // 2, 1200 if LONG else 120)
        killed, gone = machines.kill(victim)
        for each in coming:
            each.result(600)

    in_its_hands = machines.in_the_hands_of(victim, killed, gone)
    failed = [asked for asked in machines.book if not asked.is_fine]
    assert in_its_hands
    assert [asked for asked in failed if asked not in in_its_hands] == []
    assert store.lost_sessions() == []
    crossed, alone = 0, 0
    served = machines.served()
    for number in range(SIGN_INS):
        asked = machines.requests_of(number)
        whole = [each.path for each in asked] == list(FINE) and all(a.is_fine for a in asked)
        assert whole or asked[-1] in failed, number
        if whole and asked[-1].ended < killed:
            there, here = (1, 0) if number % 2 else (0, 1)
            assert (f"person-{number}", "/auth/login") in served[1 - there]
            assert (f"person-{number}", "/auth/callback") in served[1 - here]
            crossed += 1
        elif whole and asked[0].began > gone:
            alone += 1
    assert crossed > SIGN_INS // 3
    assert alone > SIGN_INS // 4
    broken = [line for line in machines.written() if line["status"] >= 500]
    assert all(line["app"].startswith(address_of(machines, victim)) for line in broken)
    figure(
        f"one of two machines killed half-way through {SIGN_INS} sign-ins behind nginx, "
        "each from one to the other",
        f"{len(failed)} of {len(in_its_hands)} requests in its hands failed, 0 others; "
        f"{crossed} sign-ins had crossed before, {alone} ended on the other alone",
    )


def address_of(machines, machine):
    return machines.sites[machine].address.removeprefix("http://")


def is_listening(site):
    """Tell whether a process of the site is left: the door closes with the last of them."""
    parts = urlsplit(site.address)
    try:
        socket.create_connection((parts.hostname, parts.port), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True
