"""One poller for each thing that many threads wait for."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.storage import singleflight
from app.storage.singleflight import Crowded, SingleFlight
from app.twitter.transport.deadline import Deadline
from tests.waiting import until


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(singleflight, "POLL_SECONDS", 0.01)


def test_one_thread_looks_and_the_others_sleep():
    watchers, done, looks = SingleFlight(at_most=32), threading.Event(), []

    def changed():
        looks.append(threading.get_ident())
        return done.is_set()

    with ThreadPoolExecutor(16) as pool:
        waiting = [
            pool.submit(watchers.wait, "a", changed, remaining=Deadline(10).remaining)
            for _ in range(16)
        ]
        assert until(lambda: watchers._free._value == 16 and len(looks) > 3)
        lookers = set(looks)
        done.set()
        results = [call.result() for call in waiting]

    assert len(lookers) == 1
    assert all(results)


def test_a_wait_ends_with_its_budget():
    watchers = SingleFlight(at_most=32)

    with ThreadPoolExecutor(4) as pool:
        waiting = [
            pool.submit(watchers.wait, "a", lambda: False, remaining=Deadline(seconds).remaining)
            for seconds in (0.02, 0.04, 0.06, 0.08)
        ]
        results = [call.result(timeout=5) for call in waiting]

    assert not any(results)


def test_a_wait_behind_another_ends_with_its_own_budget():
    watchers, over = SingleFlight(at_most=32), threading.Event()

    with ThreadPoolExecutor() as pool:
        first = pool.submit(watchers.wait, "a", over.is_set, remaining=Deadline(10).remaining)
        assert until(lambda: watchers._polled)
        second = watchers.wait("a", over.is_set, remaining=Deadline(0.05).remaining)
        over.set()

    assert (first.result(), second) == (True, False)


def test_another_thread_looks_when_the_first_gives_up():
    watchers, done = SingleFlight(at_most=32), threading.Event()

    with ThreadPoolExecutor(2) as pool:
        hasty = pool.submit(watchers.wait, "a", done.is_set, remaining=Deadline(0.05).remaining)
        patient = pool.submit(watchers.wait, "a", done.is_set, remaining=Deadline(10).remaining)
        gave_up = hasty.result()
        done.set()
        went_on = patient.result(timeout=5)

    assert (gave_up, went_on) == (False, True)


def test_different_things_are_watched_apart():
    watchers = SingleFlight(at_most=32)

    with ThreadPoolExecutor(2) as pool:
        other = pool.submit(watchers.wait, "a", lambda: False, remaining=Deadline(0.05).remaining)
        mine = watchers.wait("b", lambda: True, remaining=Deadline(5).remaining)
        other.result()

    assert mine


def test_a_look_that_fails_wakes_the_others():
    watchers, looking = SingleFlight(at_most=32), threading.Event()

    def fail():
        looking.set()
        assert until(lambda: watchers._free._value == 30)
        raise RuntimeError("no database")

    with ThreadPoolExecutor(2) as pool:
        failing = pool.submit(watchers.wait, "a", fail, remaining=Deadline(5).remaining)
        looking.wait(5)
        other = pool.submit(watchers.wait, "a", lambda: True, remaining=Deadline(5).remaining)

        assert isinstance(failing.exception(timeout=5), RuntimeError)
        assert other.result(timeout=5)


def test_no_key_is_kept_without_waiting_threads():
    watchers = SingleFlight(at_most=32)

    watchers.wait("a", lambda: True, remaining=Deadline(1).remaining)

    assert watchers._polled == {}


def test_one_waiting_thread_too_many_is_turned_away_at_once():
    watchers, done = SingleFlight(at_most=2), threading.Event()

    with ThreadPoolExecutor(2) as pool:
        waiting = [
            pool.submit(watchers.wait, "a", done.is_set, remaining=Deadline(10).remaining)
            for _ in "ab"
        ]
        assert until(lambda: watchers._free._value == 0)
        with pytest.raises(Crowded):
            watchers.wait("b", lambda: True, remaining=Deadline(10).remaining)
        done.set()
        results = [call.result(timeout=5) for call in waiting]

    assert results == [True, True]
    assert watchers.wait("b", lambda: True, remaining=Deadline(10).remaining)


# Questions that may hang


def test_a_question_for_which_there_is_no_thread_can_be_asked_again(no_thread_at_first):
    asked = SingleFlight()

    with pytest.raises(TimeoutError):
        asked.ask("a", lambda: 1, seconds=5)

    assert asked.ask("a", lambda: 1, seconds=5) == 1


def test_a_question_that_hangs_is_asked_once_and_answered_to_all():
    flight, over, asked = SingleFlight(), threading.Event(), []

    def question():
        asked.append(1)
        over.wait(5)
        return "an answer"

    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(flight.ask, "a", question, seconds=5) for _ in range(4)]
        assert until(lambda: asked)
        with pytest.raises(TimeoutError):
            flight.ask("a", question, seconds=0.01)
        over.set()
        answers = [call.result() for call in waiting]

    assert (answers, len(asked)) == (["an answer"] * 4, 1)


def test_a_question_that_was_answered_is_asked_again():
    flight, answers = SingleFlight(), iter([1, 2])

    assert [flight.ask("a", lambda: next(answers), seconds=5) for _ in range(2)] == [1, 2]


def test_an_error_is_raised_in_the_thread_that_asked():
    with pytest.raises(ZeroDivisionError):
        SingleFlight().ask("a", lambda: 1 / 0, seconds=5)


# Calls that all threads share


def test_threads_that_come_during_a_call_get_its_result():
    flight, over, calls = SingleFlight(), threading.Event(), []

    def call():
        calls.append(1)
        over.wait(5)
        return "a song"

    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(flight.do, "a", call)
        assert until(lambda: calls)
        meanwhile = flight.do("a", call, meanwhile="an old song")
        waiting = [pool.submit(flight.do, "a", call) for _ in range(3)]
        assert until(lambda: waiting_for(flight, "a") == 3)
        elsewhere = flight.do("b", lambda: "another song")
        over.set()
        results = [each.result() for each in (first, *waiting)]

    assert (results, meanwhile, elsewhere) == (["a song"] * 4, "an old song", "another song")
    assert flight._flights == {}


def test_a_call_that_fails_fails_in_every_thread_and_is_made_again():
    flight, over = SingleFlight(), threading.Event()

    def fail():
        over.wait(5)
        raise ZeroDivisionError

    with ThreadPoolExecutor(2) as pool:
        failing = [pool.submit(flight.do, "a", fail) for _ in range(2)]
        assert until(lambda: waiting_for(flight, "a") == 1)
        over.set()
        errors = [type(each.exception()) for each in failing]

    assert errors == [ZeroDivisionError] * 2
    assert flight.do("a", lambda: "a song") == "a song"


def waiting_for(flight, key):
    return len(flight._flights[key]._condition._waiters) if key in flight._flights else 0
