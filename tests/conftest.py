"""What every test gets. Fixtures live in modules of their own, named in `pytest_plugins`."""

import pytest

from tests.dialects import BETA

pytest_plugins = ["tests.servers", "tests.site"]

# One host in two spellings. A name such as "localhost" would have to be looked up first.
LOOPBACK = ["127.0.0.1", "::1"]


def pytest_collection_modifyitems(items):
    """Leave out what was said already, and say `loopback` in the words of pytest-socket."""
    items[:] = [item for item in items if not is_said_already(item)]
    for item in items:
        if item.get_closest_marker("loopback"):
            item.add_marker(pytest.mark.allow_hosts(LOOPBACK))


def is_said_already(item):
    """Tell whether a test runs in the beta on the second store: no row knows of dialects."""
    params = item.callspec.params if hasattr(item, "callspec") else {}
    return params.get("dialect") is BETA and params.get("database_url") == "postgresql"
