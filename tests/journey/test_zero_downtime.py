"""No request is lost when a new version comes: reload, restart, rolling restart."""

import contextlib
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.journey.front import Crowd, ended, reserved, standing, start_again
from tests.journey.sites import GUNICORN, wait_until

FAMILIES = [
    ["wren", "robin", "jay"],
    ["heron", "magpie", "puffin"],
    ["barn_owl", "kingfisher", "nightjar"],
    ["starling", "lapwing", "gannet"],
]
# Long enough for every change below, on a busy machine; a crowd ends by itself after that.
SECONDS = 90
# What `systemd` does for perch.socket: the socket is the third file, and the process is told so.
AS_SYSTEMD = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1"}
os.execv(sys.argv[2], sys.argv[2:])
"""

pytestmark = [pytest.mark.loopback, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def front():
    with standing() as front:
        yield front


@pytest.fixture(scope="module")
def machines(sites, twitter_server, front):
    """Two machines behind one nginx."""
    one = sites.start(twitter_server, **behind(front))
    two = sites.start(twitter_server, beside=one)
    front.start(one.address, two.address)
    return [one, two]


def behind(front):
    return {"PUBLIC_URL": front.url, "TRUSTED_PROXIES": "1"}


@contextlib.contextmanager
def content_crowd(make_visitor):
    """Let people come and go the whole time. Nothing may go wrong for any of them."""
    people = Crowd(make_visitor, seconds=SECONDS)
    with ThreadPoolExecutor(len(FAMILIES)) as hands:
        coming = [hands.submit(people.one_after_another, family) for family in FAMILIES]
        try:
            more(people, 2)
            yield
            more(people, 2)
        finally:
            people.done = True
        for each in coming:
            each.result(SECONDS)
    assert people.wrong == []


def more(people, journeys):
    """Wait for so many more visits, from the first page to the log-out."""
    seen = people.journeys
    wait_until(lambda: people.journeys >= seen + journeys, 40, lambda: str(people.wrong[:3]))


def workers_of(site):
    """Return the processes that the master of a site has now."""
    master = site.process.pid
    return set(Path(f"/proc/{master}/task/{master}/children").read_text().split())


def test_a_reload_under_load_loses_no_request(machines, front, twitter):
    with front.visitor() as early:
        callback = early.consent(early.start())

        with content_crowd(front.visitor):
            for machine in machines:
                before = workers_of(machine)
                machine.process.send_signal(signal.SIGHUP)
                wait_until(lambda m=machine, b=before: workers_of(m) - b)
                wait_until(lambda m=machine, b=before: not workers_of(m) & b)

        assert early.come_back(callback).status_code == 303
        assert early.is_signed_in()


def test_a_restart_behind_systemds_door_loses_no_request(sites, twitter_server, twitter):
    """One machine alone: requests wait in the socket meanwhile, which stays open."""
    with standing() as front, Door() as door:
        site = sites.start(twitter_server, **behind(front), TWITTER_CLIENT_ID="nest")
        door.restart(site)
        front.start(site.address)
        with content_crowd(front.visitor):
            door.restart(site)


def test_a_rolling_restart_loses_no_request(sites, twitter_server, twitter):
    with standing() as front, Door() as here, Door() as there:
        one = sites.start(twitter_server, **behind(front), TWITTER_CLIENT_ID="burrow")
        two = sites.start(twitter_server, beside=one)
        here.restart(one)
        there.restart(two)
        front.start(one.address, two.address)
        with front.visitor() as early:
            callback = early.consent(early.start())

            with content_crowd(front.visitor):
                here.restart(one)
                there.restart(two)

            assert early.come_back(callback).status_code == 303
            assert early.is_signed_in()


class Door:
    """A socket that stays open while gunicorn comes and goes: perch.socket, played by ourselves."""

    def __enter__(self):
        self.socket = reserved()
        self.socket.listen(2048)
        return self

    def __exit__(self, *_):
        self.socket.close()

    def restart(self, site):
        """Stop gunicorn as `systemctl restart` does, and start it behind this door."""
        site.process.terminate()
        ended(site.process)
        site.address = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        number = self.socket.fileno()
        gunicorn = [sys.executable, *GUNICORN, "wsgi:app"]
        # The new process moves it: here, file 3 may be in use by one of the crowd.
        command = [sys.executable, "-c", AS_SYSTEMD, str(number), *gunicorn]
        start_again(site, command=command, pass_fds=(number,))
