"""Two processes on each store, and the table of figures at the end of a long run."""

import pytest

from sandbox.testing import Sandbox
from tests.chaos.flock import seed_file
from tests.chaos.pair import Pair
from tests.chaos.scale import LONG, PEOPLE, RACES
from tests.chaos.stores import postgresql_store, sqlite_store
from tests.journey.sites import Sites, environment, upgrade

FIGURES = pytest.StashKey[list]()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def store(request, tmp_path_factory):
    """An empty database at the newest version, made by the operator's own command."""
    stores = {
        "sqlite": lambda: sqlite_store(tmp_path_factory.mktemp("chaos")),
        "postgresql": postgresql_store,
    }
    with stores[request.param]() as store, Sandbox() as twitter:
        upgrade(environment(twitter, DATABASE_URL=store.url))
        yield store


@pytest.fixture(scope="module")
def twitter_server(tmp_path_factory):
    seed = seed_file(tmp_path_factory.mktemp("flock"), people=PEOPLE, tweets=1, follows=0)
    with Sandbox(seed=seed) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def sites(tmp_path_factory, store):
    """Start sites; they stop before their database does."""
    running = Sites(tmp_path_factory.mktemp("sites"), None)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def running_pair(sites, twitter_server, store, tmp_path_factory):
    return Pair(sites, twitter_server, store, tmp_path_factory.mktemp("pair"))


@pytest.fixture
def pair(running_pair):
    """The two processes, their clocks at the same hour, Twitter in working order, no people."""
    running_pair.begin()
    yield running_pair
    running_pair.close()


@pytest.fixture
def figure(request, store):
    """Add a row to the table: `figure("the fault", "what was measured")`."""

    def add(fault, measured):
        request.config.stash.setdefault(FIGURES, []).append((fault, store.name, measured))

    return add


def pytest_terminal_summary(terminalreporter):
    figures = terminalreporter.config.stash.get(FIGURES, [])
    if LONG and figures:
        terminalreporter.section(f"figures, CHAOS_ROUNDS={RACES}")
        for row in [("fault", "store", "measured"), ("---",) * 3, *merged(figures)]:
            terminalreporter.write_line(f"| {' | '.join(row)} |")


def merged(figures):
    """Sort the figures, with one row for both stores where they are the same."""
    stores = {}
    for fault, store, measured in sorted(figures):
        stores.setdefault((fault, measured), []).append(store)
    return [(fault, " and ".join(names), said) for (fault, said), names in stores.items()]
