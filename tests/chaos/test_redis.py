"""Redis counts and caches. When it dies, both stop, and nobody is signed out."""

import contextlib
import shutil

import pytest

from tests.chaos.pair import TOKEN_LIFE, Pair, at_once, look
from tests.chaos.scale import LONG, only_in_the_long_run, rounds
from tests.needs import need
from tests.servers import Redis, running, temporary_folder

STORES = ["sqlite", *only_in_the_long_run("postgresql")]

pytestmark = [
    pytest.mark.loopback,
    pytest.mark.timeout(3600 if LONG else 600),
    pytest.mark.parametrize("store", STORES, indirect=True, scope="module"),
]


class OwnRedis(Redis):
    """A Redis that can be killed and comes back with nothing in it."""

    def __init__(self, folder, program):
        super().__init__(folder)
        self.folder = folder
        self.command = [program, "--port", "0", "--unixsocket", self.socket, "--save", ""]
        self.life = contextlib.ExitStack()
        self.process = None

    def start(self):
        self.process = self.life.enter_context(running(self.command, self.folder, self.answers))

    def kill(self):
        self.process.kill()
        self.process.wait(10)
        self.life.close()


@pytest.fixture(scope="module")
def redis_of_our_own():
    program = need(shutil.which("redis-server"), "Redis", "Try: apt-get install redis-server")
    with temporary_folder() as folder:
        server = OwnRedis(folder, program)
        server.start()
        yield server
        server.life.close()


@pytest.fixture(scope="module")
def running_pair(sites, twitter_server, store, tmp_path_factory, redis_of_our_own):
    settings = {"REDIS_URL": redis_of_our_own.url, "RATELIMIT_ENABLED": "on"}
    return Pair(sites, twitter_server, store, tmp_path_factory.mktemp("redis"), **settings)


def test_a_redis_that_dies_and_comes_back_empty_signs_nobody_out(pair, redis_of_our_own, figure):
    person = pair.person()
    crowd = pair.crowd(person)
    views, refreshes = [], []

    def read_on():
        for _ in range(rounds(30)):
            pair.pass_time(TOKEN_LIFE)
            pair.forget_what_was_sent()
            views.extend(at_once(look, crowd))
            refreshes.append(len(pair.sent(grant_type="refresh_token")))

    read_on()
    redis_of_our_own.kill()
    read_on()
    newcomer = pair.person(account="jay")
    redis_of_our_own.start()
    read_on()

    failed = [view for view in views if not view.is_whole]
    figure(
        f"Redis killed, then back empty, {len(refreshes)} expiries",
        f"{sum(refreshes)} refreshes, {len(failed)} failed views of {len(views)}, "
        f"{len(pair.signed_out())} signed out; signing in works meanwhile",
    )
    assert failed == []
    assert refreshes == [1] * len(refreshes)
    assert pair.signed_out() == []
    assert person.is_signed_in()
    assert newcomer.is_signed_in()
