"""What is remembered: in memory and in Redis alike."""

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import redis

from app.storage import cache as cache_module
from app.storage import redis_store
from app.storage.cache import Cache
from tests.factories import Clock

MINUTE = timedelta(minutes=1)
NOBODY_THERE = "redis://127.0.0.1:1/0"


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture(params=["memory", "redis"])
def cache(request, clock):
    url = request.getfixturevalue("redis_url") if request.param == "redis" else None
    with contextlib.closing(Cache(redis_url=url, clock=clock)) as cache:
        yield cache


@pytest.fixture
def in_redis(redis_url, clock):
    with contextlib.closing(Cache(redis_url=redis_url, clock=clock)) as cache:
        yield cache


def test_a_stored_value_is_found_with_its_age(cache, clock):
    cache.put("a nest", {"eggs": [1, 2], "song": "tseep \ud83d"})
    clock.advance(seconds=20)

    stored = cache.get("a nest")

    assert stored.value == {"eggs": [1, 2], "song": "tseep \ud83d"}
    assert cache.age(stored) == timedelta(seconds=20)
    assert cache.get("another nest") is None


def test_many_keys_are_looked_up_at_once_in_the_order_asked(cache, clock):
    cache.put("a nest", "an egg")
    cache.put("an old nest", "a shell")
    clock.advance(hours=23)
    cache.put("a new nest", "twigs")
    clock.advance(hours=1)

    found = cache.get_all(["nothing", "a new nest", "an old nest"])

    assert [stored and stored.value for stored in found] == [None, "twigs", None]
    assert cache.get_all([]) == []


def test_all_values_of_a_person_are_dropped_at_once(cache):
    for key in ("wren\na nest", "wren\nan egg", "robin\na nest", "a nest"):
        cache.put(key, key)

    cache.purge_owner("wren")
    cache.purge_owner("wren")
    cache.purge_owner("nobody")

    found = cache.get_all(["wren\na nest", "wren\nan egg", "robin\na nest", "a nest"])
    assert [stored and stored.value for stored in found] == [None, None, "robin\na nest", "a nest"]


def test_a_dropped_value_can_be_stored_and_dropped_again(cache):
    cache.get_or_create("wren\na nest", lambda: 1, max_age=MINUTE)
    cache.purge_owner("wren")
    cache.get_or_create("wren\na nest", lambda: 2, max_age=MINUTE)
    stored = cache.get("wren\na nest")

    cache.purge_owner("wren")

    assert stored.value == 2
    assert cache.get("wren\na nest") is None


def test_things_made_of_a_value_in_memory_stay_and_go_with_it(clock):
    cache = Cache(redis_url=None, clock=clock)
    cache.put("wren\na nest", {"eggs": 2}).parsed["a song"] = "tseep"
    kept = cache.get("wren\na nest").parsed
    cache.purge_owner("wren")

    assert kept == {"a song": "tseep"}
    assert cache.get("wren\na nest") is None
    cache.put("wren\na nest", {"eggs": 2}).parsed["a song"] = "tseep"
    cache.put("wren\na nest", {"eggs": 2})
    assert cache.get("wren\na nest").parsed == {}


def test_a_value_that_is_no_json_is_not_stored(cache):
    with pytest.raises(TypeError):
        cache.put("a nest", {"eggs": object()})

    assert cache.get("a nest") is None


def test_fifty_threads_that_miss_make_a_value_once(cache):
    made = []

    def make():
        made.append(1)
        time.sleep(0.05)  # long enough for the others to arrive
        return "song"

    with ThreadPoolExecutor(50) as threads:
        futures = [
            threads.submit(cache.get_or_create, "k", make, max_age=MINUTE) for _ in range(50)
        ]

    assert [future.result().value for future in futures] == ["song"] * 50
    assert len(made) == 1


def test_a_value_is_made_again_when_it_is_no_longer_fresh(cache, clock):
    found = []
    for value, seconds in (("first", 0), ("second", 59), ("third", 1)):
        clock.advance(seconds=seconds)
        found.append(cache.get_or_create("k", lambda value=value: value, max_age=MINUTE).value)

    assert found == ["first", "first", "third"]


def test_an_old_value_is_served_while_another_thread_makes_the_new_one(cache, clock):
    cache.put("k", "old")
    clock.advance(minutes=2)
    begun, finish = threading.Event(), threading.Event()

    def make():
        begun.set()
        finish.wait(5)
        return "new"

    with ThreadPoolExecutor(1) as threads:
        maker = threads.submit(cache.get_or_create, "k", make, max_age=MINUTE)
        begun.wait(5)
        seen = cache.get_or_create("k", lambda: "never", max_age=MINUTE).value
        finish.set()

    assert (seen, maker.result().value) == ("old", "new")


def test_a_failed_maker_fails_alone(cache):
    with pytest.raises(ZeroDivisionError):
        cache.get_or_create("k", lambda: 1 / 0, max_age=MINUTE)

    assert cache.get_or_create("k", lambda: "song", max_age=MINUTE).value == "song"


def test_two_processes_with_one_redis_make_it_once(in_redis, redis_url, clock):
    made = []

    def make():
        made.append(1)
        time.sleep(0.05)
        return "song"

    with (
        contextlib.closing(Cache(redis_url=redis_url, clock=clock)) as other,
        ThreadPoolExecutor(8) as threads,
    ):
        futures = [
            threads.submit(cache.get_or_create, "k", make, max_age=MINUTE)
            for cache in [in_redis, other] * 4
        ]

    assert {future.result().value for future in futures} == {"song"}
    assert len(made) == 1


def test_keys_show_no_id_of_a_person(in_redis, redis_url):
    in_redis.put("read 1001\n/users/1001/tweets", 1)

    with redis.Redis.from_url(redis_url) as there:
        assert {b"1001" in key for key in there.keys("*")} == {False}


def test_a_drop_leaves_nothing_in_redis(in_redis, redis_url):
    in_redis.put("wren\na nest", 1)
    in_redis.put("wren\nan egg", 1)

    in_redis.purge_owner("wren")

    with redis.Redis.from_url(redis_url) as there:
        assert there.keys("*") == []


def test_the_index_of_a_persons_keys_lasts_no_longer_than_they(in_redis, redis_url):
    in_redis.put("wren\na nest", 1)
    with redis.Redis.from_url(redis_url) as there:
        [notes] = [key for key in there.keys("*") if there.type(key) == b"zset"]
        there.zadd(notes, {"an old key": time.time() - 24 * 3600 - 1})

        in_redis.put("wren\nan egg", 1)

        assert there.zcard(notes) == 2
        assert 0 < there.ttl(notes) <= 24 * 3600
        assert {there.ttl(key) > 0 for key in there.keys("*")} == {True}


def test_a_foreign_value_in_redis_is_ignored_and_spoils_no_other(in_redis, redis_url):
    in_redis.put("k", 1)
    with redis.Redis.from_url(redis_url) as there:
        [key] = there.keys("*")
        in_redis.put("a nest", "an egg")
        for body in (
            b"nonsense",
            b"{}",
            b"[]",
            b"null",
            b"\xff",
            b'{"at": "noon", "value": 1}',
            b'{"at": 1e300, "value": 1}',
            b'{"at": 250000000000, "value": 1}',
            b"[" * 100_000,
            b'{"at": 1.0}',
        ):
            there.set(key, body)

            assert in_redis.get("k") is None
            foreign, stored = in_redis.get_all(["k", "a nest"])
            assert (foreign, stored.value) == (None, "an egg")


@pytest.mark.loopback
def test_without_its_redis_everything_is_made(clock):
    cache = Cache(redis_url=NOBODY_THERE, clock=clock)

    cache.put("k", "old")

    assert cache.get("k") is None
    assert cache.get_all(["k", "l"]) == [None, None]
    cache.purge_owner("k")
    assert cache.get_or_create("k", lambda: "song", max_age=MINUTE).value == "song"


@pytest.mark.loopback
def test_a_redis_that_is_away_is_left_in_peace_for_a_while(clock, caplog):
    cache = Cache(redis_url=NOBODY_THERE, clock=clock)

    for _ in range(3):
        cache.get("k")

    assert caplog.text.count("Redis is unreachable") == 1


@pytest.mark.loopback
def test_a_redis_that_is_back_is_used_again(in_redis, monkeypatch):
    monkeypatch.setattr(redis_store, "REST_SECONDS", 0)
    in_redis.put("k", "song")
    with monkeypatch.context() as away:
        away.setattr(in_redis._store, "_client", redis.Redis.from_url(NOBODY_THERE))
        assert in_redis.get("k") is None

    assert in_redis.get("k").value == "song"


def test_a_lock_that_redis_lost_is_no_harm(in_redis, redis_url):
    def make():
        with redis.Redis.from_url(redis_url) as there:
            there.flushall()  # the lock as well
        return "song"

    assert in_redis.get_or_create("k", make, max_age=MINUTE).value == "song"


def test_a_process_gets_the_old_value_while_another_makes_the_new_one(in_redis, redis_url, clock):
    in_redis.put("k", "old")
    clock.advance(minutes=2)
    seen = []

    def make():
        with contextlib.closing(Cache(redis_url=redis_url, clock=clock)) as other:
            seen.append(other.get_or_create("k", lambda: "never", max_age=MINUTE).value)
        return "new"

    assert in_redis.get_or_create("k", make, max_age=MINUTE).value == "new"
    assert seen == ["old"]


def test_memory_is_bounded_and_the_least_used_value_goes_first(clock, monkeypatch):
    text = "x" * 100  # weighs about 600 bytes
    monkeypatch.setattr(cache_module, "MEMORY_BYTES", 2200)
    cache = Cache(redis_url=None, clock=clock)
    for key in ("a", "b", "a", "c"):
        cache.put(key, text)
    cache.get("a")
    cache.put("d", text)

    found = cache.get_all(["a", "b", "c", "d"])

    assert [stored is not None for stored in found] == [True, False, True, True]
    cache.put("a", text * 10)
    assert cache.get("a") is None


def test_memory_forgets_what_is_a_day_old(clock):
    cache = Cache(redis_url=None, clock=clock)
    cache.put("a", 1)
    clock.advance(hours=24)
    cache.put("b", 2)

    assert list(cache._store._values) == ["b"]


def test_memory_is_bounded_by_the_weight_of_values_not_of_their_text(clock, monkeypatch):
    monkeypatch.setattr(cache_module, "MEMORY_BYTES", 2_000_000)
    cache = Cache(redis_url=None, clock=clock)
    for number in range(10):
        cache.put(f"nest {number}", [{} for _ in range(2500)])  # 7 KB of text, 200 of dictionaries

    kept = [number for number in range(10) if cache.get(f"nest {number}")]

    assert kept == [8, 9]


def test_a_foreign_index_of_a_persons_keys_does_not_silence_redis(in_redis, redis_url, caplog):
    in_redis.put("wren\na nest", 1)
    with redis.Redis.from_url(redis_url) as there:
        [index] = [key for key in there.keys("*") if there.type(key) == b"zset"]
        there.set(index, "something else")

    in_redis.put("wren\nan egg", 2)

    assert in_redis.get("wren\nan egg").value == 2
    assert "Redis is unreachable" not in caplog.text
