"""What every test gets. Fixtures live in modules of their own, named in `pytest_plugins`."""

import pytest

pytest_plugins = ["tests.servers", "tests.site"]

# One host in two spellings. A name such as "localhost" would have to be looked up first.
LOOPBACK = ["127.0.0.1", "::1"]


def pytest_collection_modifyitems(items):
    """`loopback` in our words, `allow_hosts` in those of pytest-socket."""
    for item in items:
        if item.get_closest_marker("loopback"):
            item.add_marker(pytest.mark.allow_hosts(LOOPBACK))
