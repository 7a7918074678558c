"""Several processes, one site: it never matters which of them answers."""

import re
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from tests.journey.sites import wait_until
from tests.journey.visitor import Route

WORKERS = 4
HANDS = 8
SIGN_INS = 5  # of each person, one after the other: Twitter keeps their last one alive
PEOPLE = ["wren", "robin", "jay", "magpie", "heron", "barn_owl", "kingfisher", "puffin"]
MOST_CONNECTIONS = 200

# By environment, as any operator may: each line of the access log names the worker and the step.
WITH_WORKERS_IN_THE_LOG = (
    "--keep-alive 60 --access-logformat '%(p)s step=%({x-step}i)s %(m)s %(U)s %(s)s'"
)
LINE = re.compile(r" <(\d+)> step=(\S+) ")

pytestmark = [pytest.mark.loopback, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def site(sites, twitter_server):
    return sites.start(
        twitter_server,
        WEB_CONCURRENCY=str(WORKERS),
        GUNICORN_CMD_ARGS=WITH_WORKERS_IN_THE_LOG,
    )


@pytest.fixture(scope="module")
def other_machine(sites, twitter_server, site):
    return sites.start(twitter_server, beside=site, WEB_CONCURRENCY="1")


@pytest.fixture
def worker_routes(site, visit):
    """Yield a connection to each of the workers. Who got it shows in the log."""
    routes = {}
    spare = []

    def open_one(_):
        route = Route(site.address)
        step = f"looking-{len(spare)}-{id(route)}"
        spare.append(route)
        visit(route).send("GET", "/healthz", headers={"X-Step": step})
        wait_until(lambda: step in workers_by_step(site))
        routes.setdefault(workers_by_step(site)[step], route)

    with ThreadPoolExecutor(HANDS) as hands:
        while len(routes) < WORKERS and len(spare) < MOST_CONNECTIONS:
            list(hands.map(open_one, range(HANDS)))
    assert len(routes) == WORKERS
    yield list(routes.values())
    for route in spare:
        route.close()


def workers_by_step(site):
    return {step: worker for worker, step in LINE.findall(site.logged())}


def test_sign_ins_start_and_end_on_different_workers(site, twitter, visit, worker_routes):
    def sign_in(account, number):
        here, there = (worker_routes[(number + turn) % WORKERS] for turn in (0, 1))
        visitor = visit(here)
        visitor.session.headers["X-Step"] = f"start-{number}"
        callback = visitor.consent(visitor.start(), account)
        visitor.go_through(there)
        visitor.session.headers["X-Step"] = f"callback-{number}"
        answer = visitor.come_back(callback)
        return answer.status_code, answer.headers.get("Location"), visitor.is_signed_in()

    def sign_in_again_and_again(person):
        numbers = [person * SIGN_INS + turn for turn in range(SIGN_INS)]
        return [sign_in(PEOPLE[person], number) for number in numbers]

    with ThreadPoolExecutor(HANDS) as hands:
        endings = list(hands.map(sign_in_again_and_again, range(len(PEOPLE))))

    assert endings == [[(303, "/", True)] * SIGN_INS] * len(PEOPLE)
    worker = workers_by_step(site)
    numbers = range(SIGN_INS * len(PEOPLE))
    crossed = {(worker[f"start-{n}"], worker[f"callback-{n}"]) for n in numbers}
    assert len(crossed) == WORKERS
    assert all(start != end for start, end in crossed)
    states = [token["state"] for token in twitter.tokens()]
    assert states.count("living") == 2 * len(PEOPLE)
    assert "revoked" not in states


def test_a_sign_in_starts_on_one_machine_and_ends_on_another(site, other_machine, twitter, visit):
    visitor = visit(Route(site.address))
    callback = visitor.consent(visitor.start())

    visitor.go_through(Route(other_machine.address))
    answer = visitor.come_back(callback)

    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    visitor.go_through(Route(site.address))
    assert visitor.is_signed_in()


def test_eight_identical_callbacks_send_the_code_once(site, other_machine, twitter, visit):
    answers, windows = eight_at_once(site, other_machine, visit)

    assert len(twitter.journal("/2/oauth2/token")) == 1
    signed_in = [answer for answer in answers if answer.status_code == 303]
    assert signed_in
    assert {answer.headers["Location"] for answer in signed_in} == {"/"}
    assert max(answer.status_code for answer in answers) < 500
    assert [token["state"] for token in twitter.tokens()] == ["living", "living"]
    assert sum(window.is_signed_in() for window in windows) == len(signed_in)


def test_a_reload_signs_in_those_who_waited_for_a_slow_one(site, other_machine, twitter, visit):
    twitter.fault(path="/2/oauth2/token", delay_seconds=4)

    answers, windows = eight_at_once(site, other_machine, visit)

    assert sorted(answer.status_code for answer in answers) == [202] * 7 + [303]
    assert len(twitter.journal("/2/oauth2/token")) == 1
    waiting = next(a for a in answers if a.status_code == 202)
    assert waiting.headers["Refresh"] == "1"
    reloaded = [window.open(waiting.url) for window in windows]
    assert {page.status_code for page in reloaded} == {200, 400}
    assert all(window.is_signed_in() for window in windows)


def eight_at_once(site, other_machine, visit):
    """Let eight windows of one browser bring the same callback to two machines at once."""
    visitor = visit(Route(site.address))
    callback = visitor.consent(visitor.start())
    machines = [site, other_machine] * (HANDS // 2)
    windows = [visit(Route(machine.address), twin_of=visitor) for machine in machines]
    barrier = Barrier(HANDS)

    def come_back(window):
        barrier.wait(timeout=10)
        return window.come_back(callback)

    with ThreadPoolExecutor(HANDS) as hands:
        return list(hands.map(come_back, windows)), windows
