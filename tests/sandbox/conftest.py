"""The sandbox under test: without a socket where that is enough, with one where HTTP matters."""

import pytest

from sandbox import create_app
from sandbox.testing import Sandbox
from sandbox.world.state import World
from tests.sandbox.hooked import Hook, HookedApp
from tests.sandbox.steps import Steps


@pytest.fixture
def world():
    return World()


@pytest.fixture
def app(world):
    return create_app(world)


@pytest.fixture
def browser(app):
    return app.test_client()


@pytest.fixture
def steps(browser, world):
    """Return the steps of a sign-in."""
    return Steps(browser, world)


@pytest.fixture
def running():
    """Yield a sandbox that listens on a free port."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def hooked():
    """Yield an app with a webhook."""
    app = HookedApp()
    yield app
    app.stop()


@pytest.fixture
def hook(steps, hooked):
    """Yield the calls with which that app registers, and the person who revokes."""
    yield Hook(steps, hooked)
    steps.world.sender.stop()
