"""App and sandbox over real loopback, nothing patched.

Sandbox and gunicorn live as long as a test file: between two files nobody is listening, so no
background work reaches out while a test runs that may open no socket.
"""

import pytest

from sandbox.testing import Sandbox
from tests.journey.chromium import Reader, running_chromium
from tests.journey.sites import Sites, environment, upgrade
from tests.journey.visitor import Visitor


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory):
    """A SQLite file at the newest version, made by the operator's own command."""
    path = tmp_path_factory.mktemp("journey") / "empty.db"
    with Sandbox() as twitter:
        upgrade(environment(twitter, DATABASE_URL=f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="module")
def twitter_server():
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def sites(tmp_path_factory, empty_database, twitter_server):
    """Start sites; all are stopped after the last test of the file."""
    running = Sites(tmp_path_factory.mktemp("sites"), empty_database)
    yield running
    running.stop()


@pytest.fixture
def twitter(twitter_server, sites):
    """The sandbox as it was in the beginning, our sites registered."""
    twitter_server.reset()
    for site in sites.running:
        sites.introduce(site, twitter_server)
    return twitter_server


@pytest.fixture
def nothing_remembered(site):
    """Forget what the site read before, as it does for somebody who changes something."""
    with site.database() as database:
        database.execute("UPDATE users SET cache_epoch = cache_epoch + 1")


@pytest.fixture
def visit(site):
    """Make visitors of the site, each with cookies of their own."""
    visitors = []

    def make(adapter=None, *, twin_of=None):
        visitor = twin_of.twin(adapter) if twin_of else Visitor(site.url, adapter)
        visitors.append(visitor)
        return visitor

    yield make
    for visitor in visitors:
        visitor.session.close()


@pytest.fixture(scope="module")
def chromium():
    with running_chromium() as browser:
        yield browser


@pytest.fixture
def read(chromium, site):
    """Open browsers, each with cookies of its own; `read(scripts=False)` runs no JavaScript."""
    contexts = []

    def make(*, scripts=True):
        contexts.append(chromium.new_context(java_script_enabled=scripts))
        return Reader(contexts[-1], site.url)

    yield make
    for context in contexts:
        context.close()
