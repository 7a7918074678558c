"""One poller for each thing that many threads wait for."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.accounts.watching import Watchers
from app.twitter.budget import Budget
from app.twitter.errors import Busy


def test_one_thread_looks_and_the_others_sleep():
    watchers, done, looks = Watchers(at_most=32), threading.Event(), []

    def changed():
        looks.append(threading.get_ident())
        return done.is_set()

    with ThreadPoolExecutor(16) as pool:
        waiting = [pool.submit(watchers.wait, "a", changed, budget=Budget(10)) for _ in range(16)]
        threading.Event().wait(0.55)
        lookers, count = set(looks), len(looks)
        done.set()
        results = [call.result() for call in waiting]

    assert len(lookers) == 1
    assert count < 10
    assert all(results)


def test_nobody_waits_longer_than_their_budget():
    watchers = Watchers(at_most=32)

    with ThreadPoolExecutor(4) as pool:
        waiting = [
            pool.submit(watchers.wait, "a", lambda: False, budget=Budget(seconds))
            for seconds in (0.1, 0.2, 0.3, 0.4)
        ]
        results = [call.result(timeout=5) for call in waiting]

    assert not any(results)


def test_when_the_looker_gives_up_another_goes_on():
    watchers, done = Watchers(at_most=32), threading.Event()

    with ThreadPoolExecutor(2) as pool:
        hasty = pool.submit(watchers.wait, "a", done.is_set, budget=Budget(0.2))
        patient = pool.submit(watchers.wait, "a", done.is_set, budget=Budget(10))
        gave_up = hasty.result()
        done.set()
        went_on = patient.result(timeout=5)

    assert (gave_up, went_on) == (False, True)


def test_different_things_are_watched_apart():
    watchers = Watchers(at_most=32)

    with ThreadPoolExecutor(2) as pool:
        other = pool.submit(watchers.wait, "a", lambda: False, budget=Budget(0.5))
        mine = watchers.wait("b", lambda: True, budget=Budget(5))
        other.result()

    assert mine


def test_a_look_that_fails_wakes_the_others():
    watchers, looking = Watchers(at_most=32), threading.Event()

    def fail():
        looking.set()
        threading.Event().wait(0.2)
        raise RuntimeError("no database")

    with ThreadPoolExecutor(2) as pool:
        failing = pool.submit(watchers.wait, "a", fail, budget=Budget(5))
        looking.wait(5)
        other = pool.submit(watchers.wait, "a", lambda: True, budget=Budget(5))

        assert isinstance(failing.exception(timeout=5), RuntimeError)
        assert other.result(timeout=5)


def test_nothing_is_kept_when_nobody_waits():
    watchers = Watchers(at_most=32)

    watchers.wait("a", lambda: True, budget=Budget(1))

    assert watchers._watched == {}


def test_who_comes_when_enough_are_waiting_is_told_so_at_once():
    watchers, done = Watchers(at_most=2), threading.Event()

    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(watchers.wait, "a", done.is_set, budget=Budget(10)) for _ in "ab"]
        threading.Event().wait(0.2)
        with pytest.raises(Busy):
            watchers.wait("b", lambda: True, budget=Budget(10))
        done.set()
        results = [call.result(timeout=5) for call in waiting]

    assert results == [True, True]
    assert watchers.wait("b", lambda: True, budget=Budget(10))
