"""Reads through the cache that meet the reads of others."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event
from types import SimpleNamespace

import pytest

from app.gateway.cached_source import CachedSource, CacheOwner
from app.storage.cache import Cache
from app.twitter.endpoints import USERS_ME
from app.twitter.errors import TokenRefused
from app.twitter.source import ApiRequest
from app.twitter.transport.deadline import Deadline

ASKED = ApiRequest(endpoint=USERS_ME, path="/users/me")


class Live:
    """Twitter, which knows one token; a call waits for `go_on`."""

    def __init__(self, token, living="new", go_on=None, seconds=5.0):
        self.access_token, self._living, self._go_on = token, living, go_on
        self.asked = Event()
        self.direct = SimpleNamespace(deadline=Deadline(seconds))

    def check(self, request):
        """Find nothing against it."""

    def answer(self, request):
        self.asked.set()
        if self._go_on is not None:
            self._go_on.wait(5)
        if self.access_token != self._living:
            raise TokenRefused("HTTP 401")
        return {"data": {"id": "1001"}}


@pytest.fixture
def cache(clock):
    return Cache(redis_url=None, clock=clock)


def source(cache, live):
    owner = CacheOwner(user_id="1001", cache_epoch=0, epochs={})
    return CachedSource(cache, live, owner, lambda _: timedelta(minutes=1), lambda _: None)


def test_the_401_of_an_older_token_does_not_hit_a_read_that_has_a_newer_one(cache):
    go_on = Event()
    older, newer = Live("old", go_on=go_on), Live("new")
    with ThreadPoolExecutor() as pool:
        first = pool.submit(source(cache, older).answer, ASKED)
        assert older.asked.wait(5)
        second = pool.submit(source(cache, newer).answer, ASKED)
        pool.submit(newer.asked.wait, 0.2).result()  # it has joined the first
        go_on.set()

        assert second.result(5)["data"] == {"id": "1001"}
        with pytest.raises(TokenRefused):
            first.result(5)


def test_a_401_of_the_own_token_is_raised(cache):
    with pytest.raises(TokenRefused):
        source(cache, Live("old")).answer(ASKED)


def test_no_read_goes_on_after_its_deadline(cache):
    go_on = Event()
    older, late = Live("old", go_on=go_on), Live("new", seconds=0)
    with ThreadPoolExecutor() as pool:
        pool.submit(source(cache, older).answer, ASKED)
        assert older.asked.wait(5)
        second = pool.submit(source(cache, late).answer, ASKED)
        pool.submit(late.asked.wait, 0.2).result()
        go_on.set()

        with pytest.raises(TokenRefused):
            second.result(5)
    assert not late.asked.is_set()
