"""After many time-outs reads are not sent any more; one probe at a time finds out when to go on."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import create_engine

from app.services import Services
from app.signals import Signals
from app.twitter.api_client import DirectSource
from app.twitter.circuit_breaker import (
    CIRCUITS,
    PROBE_INTERVAL_SECONDS,
    PROBE_TIMEOUT_SECONDS,
    TIMEOUT_THRESHOLD,
    WINDOW_SECONDS,
    CircuitBreaker,
    in_a_thread,
)
from app.twitter.endpoints import ENDPOINTS, FOLLOWING, TWEET, TWEETS, USER, USER_TWEETS, USERS_ME
from app.twitter.errors import Busy, TokenRefused, Unreachable
from app.twitter.source import ApiRequest
from app.twitter.transport.deadline import Deadline
from tests.factories import build_config

# In a process with 30 slots, as gunicorn makes it by default, each circuit has its share of them.
SLOTS = 30
TIMEOUTS = SLOTS // len(CIRCUITS)
TIMEOUT = Unreachable("no answer (ReadTimeout)", silent=True)


class Seconds:
    """A monotonic clock that moves when told to."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Seconds()


@pytest.fixture
def breaker(clock):
    return quiet_breaker(clock)


def quiet_breaker(clock, *, slots=SLOTS, run_in_background=None):
    return CircuitBreaker(
        slots=slots,
        on_change=lambda circuit, *, is_open: None,
        on_short_circuit=lambda circuit: None,
        run_in_background=run_in_background or at_once,
        clock=clock,
    )


def at_once(work):
    """Send a probe without a thread."""
    work()


def read(breaker, endpoint=TWEET, error=None):
    """Read once; tell whether it was sent at all."""
    sent = []

    def send(deadline):
        sent.append(True)
        if error is not None:
            raise error

    with contextlib.suppress(Exception):
        breaker.read(endpoint, send, Deadline())
    return bool(sent)


def time_out(breaker, endpoint=TWEET, times=TIMEOUTS):
    for _ in range(times):
        read(breaker, endpoint, TIMEOUT)


@pytest.fixture
def hanging(breaker):
    """A breaker that has just seen as many time-outs as it takes."""
    time_out(breaker)
    return breaker


def test_at_first_everything_is_sent(breaker):
    assert all(read(breaker, endpoint) for endpoint in ENDPOINTS if endpoint.method == "GET")


def test_after_many_time_outs_reads_fail_at_once(hanging):
    with pytest.raises(Unreachable) as failure:
        hanging.read(TWEET, lambda _: pytest.fail("nobody may ask"), Deadline())

    assert not failure.value.silent


@pytest.mark.parametrize(
    "slots, enough",
    [
        (1, 1),
        (2 * len(CIRCUITS) - 1, 1),
        (SLOTS, TIMEOUTS),
        (TIMEOUT_THRESHOLD * len(CIRCUITS), TIMEOUT_THRESHOLD),
        (1000, TIMEOUT_THRESHOLD),
    ],
)
def test_the_share_of_a_circuit_is_its_threshold(clock, slots, enough):
    breaker = quiet_breaker(clock, slots=slots)
    time_out(breaker, times=enough - 1)
    before = read(breaker)

    time_out(breaker, times=1)

    assert [before, read(breaker)] == [True, False]


def test_time_outs_of_long_ago_do_not_count(breaker, clock):
    time_out(breaker, times=TIMEOUTS - 1)
    clock.now += WINDOW_SECONDS + 0.1

    time_out(breaker, times=1)

    assert read(breaker)


def test_time_outs_within_the_window_add_up(breaker, clock):
    for _ in range(TIMEOUTS):
        time_out(breaker, times=1)
        clock.now += WINDOW_SECONDS / TIMEOUTS

    assert not read(breaker)


def test_good_answers_between_do_not_excuse_the_time_outs(breaker):
    for _ in range(TIMEOUTS):
        read(breaker)
        time_out(breaker, times=1)

    assert not read(breaker)


@pytest.mark.parametrize(
    "error",
    [Unreachable("HTTP 503"), Busy("x"), TokenRefused("x"), ZeroDivisionError()],
    ids=lambda error: type(error).__name__,
)
def test_only_silence_counts(breaker, error):
    for _ in range(2 * TIMEOUTS):
        read(breaker, error=error)

    assert read(breaker)


def test_a_circuit_opens_for_all_its_endpoints_and_no_others(hanging):
    assert not any(read(hanging, endpoint) for endpoint in (TWEETS, TWEET, USER_TWEETS))
    assert read(hanging, USER)
    assert read(hanging, FOLLOWING)


def test_the_circuits_are_the_groups_that_operators_read_about():
    document = (Path(__file__).parents[2] / "docs" / "observing.md").read_text()
    row = next(line for line in document.splitlines() if line.startswith("| `perch_circuit_open`"))

    assert f"({', '.join(f'`{name}`' for name in CIRCUITS)})" in row


# Probes


def test_a_probe_goes_through_after_a_while(hanging, clock):
    clock.now += PROBE_INTERVAL_SECONDS - 0.1
    too_early = read(hanging, error=TIMEOUT)
    clock.now += 0.1

    assert [too_early, read(hanging, error=TIMEOUT), read(hanging)] == [False, True, False]


def test_a_probe_for_which_there_is_no_thread_is_sent_later(clock):
    refusals = [RuntimeError("can't start new thread")]

    def run(work):
        if refusals:
            raise refusals.pop()
        work()

    breaker = quiet_breaker(clock, run_in_background=run)
    time_out(breaker)
    clock.now += PROBE_INTERVAL_SECONDS
    first = read(breaker)
    clock.now += PROBE_INTERVAL_SECONDS

    assert [first, read(breaker)] == [False, True]


def test_many_threads_at_once_let_one_probe_through_and_none_waits(clock):
    breaker = quiet_breaker(clock, run_in_background=in_a_thread)
    time_out(breaker)
    clock.now += PROBE_INTERVAL_SECONDS
    together, over = threading.Barrier(64), threading.Event()
    sent = threading.Semaphore(0)

    def probe(deadline):
        sent.release()
        over.wait(10)

    def one_of_them(_):
        together.wait(10)
        with pytest.raises(Unreachable):
            breaker.read(TWEET, probe, Deadline())

    with ThreadPoolExecutor(64) as threads:
        list(threads.map(one_of_them, range(64)))
    # All have been turned away, and the probe is still on its way.
    assert sent.acquire(timeout=10)
    assert not sent.acquire(blocking=False)
    over.set()


def test_the_next_probe_waits_for_the_one_before(clock):
    waiting = []
    breaker = quiet_breaker(clock, run_in_background=waiting.append)
    time_out(breaker)
    for _ in range(3):
        clock.now += PROBE_INTERVAL_SECONDS
        read(breaker)
    before = len(waiting)
    waiting[0]()
    time_out(breaker)
    clock.now += PROBE_INTERVAL_SECONDS
    read(breaker)

    assert [before, len(waiting)] == [1, 2]


def test_a_probe_that_failed_makes_room_for_the_next(hanging, clock):
    clock.now += PROBE_INTERVAL_SECONDS
    read(hanging, error=Busy("no slot"))
    clock.now += PROBE_INTERVAL_SECONDS

    assert read(hanging)


@pytest.mark.parametrize("error", [None, TokenRefused("x")])
def test_any_answer_to_a_probe_opens_the_way(hanging, clock, error):
    clock.now += PROBE_INTERVAL_SECONDS

    read(hanging, error=error)

    assert all(read(hanging) for _ in range(3))


@pytest.mark.parametrize("error", [TIMEOUT, Unreachable("HTTP 503"), Busy("x")])
def test_a_probe_without_an_answer_changes_nothing(hanging, clock, error):
    clock.now += PROBE_INTERVAL_SECONDS

    read(hanging, error=error)

    assert not read(hanging)


def test_it_takes_as_many_time_outs_the_next_time(hanging, clock):
    clock.now += PROBE_INTERVAL_SECONDS
    read(hanging)
    time_out(hanging, times=TIMEOUTS - 1)
    before = read(hanging)

    time_out(hanging, times=1)

    assert [before, read(hanging)] == [True, False]


def test_a_read_that_began_before_the_recovery_does_not_count(breaker, clock):
    def begin(stragglers):
        """Let this many begin to read; while they wait, Twitter goes away and comes back."""
        if stragglers == 0:
            time_out(breaker)
            clock.now += PROBE_INTERVAL_SECONDS
            read(breaker)
            return
        with contextlib.suppress(Unreachable):
            breaker.read(TWEET, lambda _: wait_in_vain(stragglers - 1), Deadline())

    def wait_in_vain(others):
        begin(others)
        raise TIMEOUT

    begin(TIMEOUTS)

    assert read(breaker)


def test_a_probe_has_a_budget_of_its_own(hanging, clock):
    deadlines = []
    clock.now += PROBE_INTERVAL_SECONDS
    with contextlib.suppress(Unreachable):
        hanging.read(TWEET, deadlines.append, Deadline(0))

    assert 0 < deadlines[0].remaining() <= PROBE_TIMEOUT_SECONDS


def test_an_ordinary_read_spends_its_own_budget(breaker):
    own = Deadline()

    assert breaker.read(TWEET, lambda deadline: deadline, own) is own


# What is told


def test_changes_and_short_circuited_reads_are_reported(clock):
    changes, short_circuited = [], []
    breaker = CircuitBreaker(
        slots=SLOTS,
        on_change=lambda circuit, *, is_open: changes.append((circuit, is_open)),
        on_short_circuit=short_circuited.append,
        run_in_background=at_once,
        clock=clock,
    )
    time_out(breaker)
    for _ in range(3):
        read(breaker)
    clock.now += PROBE_INTERVAL_SECONDS
    read(breaker)
    read(breaker)

    assert changes == [("tweets", True), ("tweets", False)]
    assert short_circuited == ["tweets"] * 4


# Where it stands


class Twitter:
    def __init__(self):
        self.asked = []

    def send(self, request, token, deadline, *, on_answer):
        self.asked.append(request.path)
        return {"data": {}}


def request_for(endpoint):
    return ApiRequest(endpoint=endpoint, path=endpoint.path)


def test_a_read_of_a_page_is_not_sent_while_twitter_hangs(hanging):
    twitter = Twitter()
    direct = DirectSource(client=twitter, access_token="t", deadline=Deadline(), breaker=hanging)

    with pytest.raises(Unreachable):
        direct.answer(request_for(TWEET))
    direct.answer(request_for(USER))

    assert twitter.asked == [USER.path]


def test_a_sign_in_is_always_sent(breaker):
    time_out(breaker, USERS_ME)
    twitter = Twitter()

    DirectSource(client=twitter, access_token="t", deadline=Deadline()).answer(
        request_for(USERS_ME)
    )

    assert twitter.asked == [USERS_ME.path]


@pytest.fixture
def wired(tmp_path):
    """Return a way to wire services as the factory does, on no database."""
    return lambda: Services(
        build_config(tmp_path), create_engine("sqlite://"), Signals(Flask("nest"))
    )


def test_the_source_of_a_sign_in_has_no_breaker(wired):
    assert wired().api("t", deadline=Deadline())._source.breaker is None


def test_each_app_has_its_own_breaker(wired):
    assert wired().upstream.breaker is not wired().upstream.breaker
