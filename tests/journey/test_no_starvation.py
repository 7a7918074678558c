"""When Twitter hangs, everything that does not need Twitter goes on as before."""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from tests.journey.visitor import query_of

THREADS, CALLBACKS = 32, 64
# The deadline for all calls to Twitter is 12 seconds; the rest is for a busy machine.
SECONDS_FOR_A_CALLBACK = 15
# A page takes some milliseconds. One that had to wait for Twitter would take seconds. On a busy
# machine the slowest tells little; what is demanded stands in tests/chaos, which has it to itself.
SECONDS_FOR_A_PAGE = 5
SECONDS_FOR_MOST_PAGES = 1
TOKEN = "/2/oauth2/token"

pytestmark = [pytest.mark.loopback, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def site(sites, twitter_server):
    return sites.start(twitter_server, WEB_CONCURRENCY="1", GUNICORN_THREADS=str(THREADS))


@pytest.fixture
def bystander(site, visit):
    """Open the front page again and again, and say how long each took; stops when asked."""
    done = Event()

    def look():
        seconds = []
        while not done.wait(0.1):
            seconds.append(timed(lambda: visit().send("GET", "/"), 200))
        return seconds

    with ThreadPoolExecutor(1) as hands:
        looking = hands.submit(look)

        def stop():
            done.set()
            return looking.result(SECONDS_FOR_A_PAGE * 4)

        yield stop
        done.set()


def timed(send, *statuses):
    began = time.monotonic()
    answer = send()
    assert answer.status_code in statuses, answer.text
    return time.monotonic() - began


def on_the_way_back(visit):
    """Return a visitor whom Twitter has just sent back, and the address of the callback."""
    visitor = visit()
    callback = visitor.consent(visitor.start())
    # Sixty-four of them take a while: the site may close a connection just as it is used again.
    visitor.session.close()
    return visitor, callback


def test_hanging_callbacks_leave_the_front_page_alone(site, twitter, visit, bystander):
    """Two of the answers drip for ever instead, and are cut off as well."""
    with ThreadPoolExecutor(CALLBACKS) as hands:
        waiting = list(hands.map(lambda _: on_the_way_back(visit), range(CALLBACKS)))
        twitter.fault(path=TOKEN, drip="headers", drip_seconds=0.5)
        twitter.fault(path=TOKEN, drip="body", drip_seconds=0.5)
        twitter.fault(path=TOKEN, hang=True, times=None)
        answers = list(hands.map(lambda pair: timed_answer(*pair), waiting))

    pages = bystander()
    assert len(pages) > 20
    assert statistics.median(pages) < SECONDS_FOR_MOST_PAGES
    assert max(pages) < SECONDS_FOR_A_PAGE
    assert max(seconds for _, seconds in answers) < SECONDS_FOR_A_CALLBACK
    assert {answer.status_code for answer, _ in answers} <= {424, 503}
    assert all("Sign in with Twitter" in answer.text for answer, _ in answers)
    sent = [entry["form"]["code"][0] for entry in twitter.journal(TOKEN)]
    assert len(sent) == len(set(sent))
    assert set(sent) <= {query_of(callback)["code"] for _, callback in waiting}
    assert THREADS - 2 <= len(sent) <= CALLBACKS
    faults = [entry["fault"] for entry in twitter.journal(TOKEN)]
    assert len([fault for fault in faults if "drip" in str(fault)]) == 2
    assert not any(visitor.is_signed_in() for visitor, _ in waiting)

    twitter.clear_faults()
    assert visit().sign_in().status_code == 200


def timed_answer(visitor, callback):
    began = time.monotonic()
    answer = visitor.come_back(callback)
    return answer, time.monotonic() - began
