"""A sandbox and a site of it, for what is started by hand and is no test."""

import contextlib
import tempfile
from pathlib import Path

from sandbox.testing import Sandbox
from tests.journey.sites import Sites, environment, upgrade


@contextlib.contextmanager
def running_site(use=lambda _: None):
    """Yield the address of a new site beside a new sandbox; both are gone afterwards.

    `use` may change the sandbox before anybody reads from it.
    """
    with tempfile.TemporaryDirectory() as name, Sandbox() as twitter:
        folder = Path(name)
        empty = folder / "empty.db"
        upgrade(environment(twitter, DATABASE_URL=f"sqlite:///{empty}"))
        sites = Sites(folder, empty)
        try:
            use(twitter)
            yield sites.start(twitter).url
        finally:
            sites.stop()
