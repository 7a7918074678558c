"""Programs that some tests cannot do without."""

import os

import pytest


def need(found, program, cure):
    """Return what was found. Skip without it, but fail in CI, where nothing may be left out."""
    if not found:
        stop = pytest.fail if os.environ.get("CI") else pytest.skip
        stop(f"{program} is not installed. {cure}")
    return found
