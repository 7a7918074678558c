"""kill -9 at chosen points of a sign-in, a refresh and a logout."""

import contextlib
import itertools
import subprocess
import sys
import threading
import time
from dataclasses import dataclass

import requests

from tests.chaos.pair import at_once, look
from tests.journey.sites import ROOT, answers, wait_until
from tests.journey.visitor import Visitor

# Few enough that a code (30 s) and a fresh win (30 s) outlive the wave they belong to.
WAVE = 10
SECONDS_BETWEEN_VIEWS = 0.1
FLASK = [sys.executable, "-m", "flask", "--app", "wsgi"]


def dies(pair, point, act):
    """Do something at the first process, which dies of it at `point`, and wait for the next one.

    Return how long it was away.
    """
    pair.first.kill_at(point)
    with contextlib.suppress(requests.RequestException):
        act()
    wait_until(lambda: not pair.first.is_marked(), explain=lambda: f"nobody came to: {point}")
    died_at = time.monotonic()
    wait_until(lambda: answers(pair.first.site), 30)
    return time.monotonic() - died_at


@contextlib.contextmanager
def bystander(pair):
    """Let somebody else read at the second process all the while; yield what they see."""
    person = pair.person(pair.second, account="jay")
    views = [look(person)]
    stop = threading.Event()

    def read():
        while not stop.wait(SECONDS_BETWEEN_VIEWS):
            views.append(look(person))

    reading = threading.Thread(target=read)
    reading.start()
    try:
        yield views
    finally:
        stop.set()
        reading.join()


@contextlib.contextmanager
def deliverer(pair):
    """Run `flask revocations deliver --watch`, as an operator does; yield its log."""
    log = pair.folder / "deliverer.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*FLASK, "revocations", "deliver", "--watch"],
            cwd=ROOT,
            env=pair.first.site.environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        yield log
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(20)


def waves(count):
    """Split `count` into waves, as sizes."""
    return [min(WAVE, count - begun) for begun in range(0, count, WAVE)]


@dataclass(frozen=True)
class Person:
    """Somebody who signs in while a process dies, and is signed in in another browser already."""

    account: str
    visitor: Visitor
    elsewhere: Visitor


def die_in_sign_ins(pair, point, count, *, seconds_later=0):
    """Kill the process under `count` callbacks, and bring the same ones to the other process.

    Return the people, what the second answers were, and how many codes were sent in all.
    """
    seconds, sent, people = [], 0, []
    for size in waves(count):
        wave = []
        for account in itertools.islice(pair.names, size):
            person = Person(account, pair.visitor(pair.first), pair.person(account=account))
            visitor = person.visitor
            callback = visitor.consent(visitor.start(), account)
            pair.forget_what_was_sent()
            dies(pair, point, lambda v=visitor, c=callback: v.come_back(c))
            sent += len(pair.sent(grant_type="authorization_code"))
            visitor.go_through(pair.second.route())
            wave.append((person, callback))
        pair.pass_time(seconds_later)
        pair.store.age_used_states(seconds_later)
        pair.forget_what_was_sent()
        seconds += at_once(lambda one: one[0].visitor.come_back(one[1]), wave)
        sent += len(pair.sent(grant_type="authorization_code"))
        people += [person for person, _ in wave]
    return people, [answer.status_code for answer in seconds], sent


def sign_in_many(pair, count):
    """Sign people in at the first process; return each with their grant at Twitter and here."""
    people = []
    for _ in range(count):
        visitor = pair.newcomer(pair.first)
        people.append(
            (visitor, pair.twitter.world.token_store.grants[-1], pair.store.newest_grant())
        )
    return people


def living_tokens_of(pair, accounts):
    """List the tokens of these accounts that Twitter still accepts."""
    ids = {pair.twitter.world.named(account).id for account in accounts}
    grants = pair.twitter.world.token_store.grants
    return living_tokens(pair, [grant for grant in grants if grant.account_id in ids])


def living_tokens(pair, grants):
    """List the tokens of these grants that Twitter still accepts."""
    numbers = {grant.id for grant in grants}
    return [t for t in pair.twitter.tokens() if t["grant"] in numbers and t["state"] == "living"]
