"""What every test gets. Fixtures live in modules of their own, named in `pytest_plugins`."""

import pytest

pytest_plugins = ["tests.servers", "tests.site"]

# One host in two spellings. A name such as "localhost" would have to be looked up first.
LOOPBACK = ["127.0.0.1", "::1"]


# Whole folders that `make test` leaves out, by the marker that each of their tests gets.
MARKED_FOLDERS = {"journey": pytest.mark.servers, "chaos": pytest.mark.chaos}


def pytest_collection_modifyitems(items):
    """Mark the tests of whole folders, and say `loopback` in the words of pytest-socket."""
    for item in items:
        if marker := MARKED_FOLDERS.get(item.path.parent.name):
            item.add_marker(marker)
        if item.get_closest_marker("loopback"):
            item.add_marker(pytest.mark.allow_hosts(LOOPBACK))
