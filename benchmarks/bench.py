"""The input of every section (how much to do, until when, with which tools) and its report."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.certificates import Certificates
from benchmarks.figures import Report
from benchmarks.processes import DOCUMENTED, Program, Site, Stub, environment, running_site
from benchmarks.stores import SqliteStores, Store


@dataclass(frozen=True)
class Scale:
    """How much is done."""

    minutes: float
    starts: int  # of each site, for the time to the first answer
    rounds: int
    least_rounds: int  # of what is compared with another site, whatever the time
    sign_ins: int  # in a round, over http
    sign_ins_tls: int
    steps: int  # people in a round who go step by step
    people: int  # who look at pages
    waiting_seconds: float
    waiting_people: int  # more than threads, so that one always waits to be next
    sizes: tuple[int, ...]  # users and grants in a growing SQLite database
    sizes_postgresql: tuple[int, ...]
    growth_rounds: int
    growth_people: int
    lasting: int  # sign-ins of the long run
    soaking: float = 0  # minutes of mixed traffic, by hand


FULL = Scale(
    minutes=5,
    starts=5,
    rounds=9,
    least_rounds=5,
    sign_ins=80,
    sign_ins_tls=40,
    steps=20,
    people=25,
    waiting_seconds=6,
    waiting_people=48,
    sizes=(1_000, 100_000, 1_000_000),
    sizes_postgresql=(1_000, 100_000, 1_000_000),
    growth_rounds=5,
    growth_people=30,
    lasting=1_500,
)
QUICK = Scale(
    minutes=1,
    starts=2,
    rounds=3,
    least_rounds=2,
    sign_ins=40,
    sign_ins_tls=12,
    steps=8,
    people=10,
    waiting_seconds=2,
    waiting_people=48,
    sizes=(1_000, 100_000),
    sizes_postgresql=(1_000, 100_000),
    growth_rounds=3,
    growth_people=10,
    lasting=500,
)
# For the test of all this: a word from every section, and no figure to be believed.
SMOKE = Scale(
    minutes=2.5,
    starts=1,
    rounds=1,
    least_rounds=1,
    sign_ins=2,
    sign_ins_tls=2,
    steps=1,
    people=1,
    waiting_seconds=0.2,
    waiting_people=2,
    sizes=(10, 20),
    sizes_postgresql=(10, 20),
    growth_rounds=1,
    growth_people=2,
    lasting=2,
)


@dataclass
class Bench:
    """One run."""

    scale: Scale
    stub: Stub
    certificates: Certificates
    folder: Path
    ends: float  # monotonic, as all times here
    section_ends: float
    report: Report = field(default_factory=Report)
    _names: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def remaining(self) -> float:
        """Return the seconds that are left of the run."""
        return self.ends - time.monotonic()

    def rounds(self, name: str, count: int, *, least: int = 1) -> Iterator[int]:
        """Count rounds, fewer than `count` if the time of this section is over.

        `least` are done all the same, while any time is left at all; one in any case. What is left
        out is said on the page: `name` is what it calls them.
        """
        for turn in range(count):
            ends = self.ends if turn < least else self.section_ends
            if turn and time.monotonic() > ends:
                self.report.left_out.append(f"{name}: {count - turn} of {count} rounds")
                return
            yield turn

    def section_left(self) -> float:
        """Return the seconds that are left of this section."""
        return self.section_ends - time.monotonic()

    def environ(self, *, tls: bool = False) -> dict[str, str]:
        """Return the settings of a site, but for its database."""
        return environment(self.stub, self.certificates, tls=tls)

    def new_store(self) -> Store:
        """Return an empty SQLite database for Perch."""
        return SqliteStores(self.folder, self.environ()).new(f"perch_{next(self._names)}")

    @contextlib.contextmanager
    def site(
        self,
        program: Program,
        *,
        tls: bool = False,
        store: Store | None = None,
        redis_url: str = "",
    ) -> Iterator[Site]:
        """Run a site on `store`, or on an empty SQLite database of its own."""
        number = next(self._names)
        url = f"sqlite:///{self.folder / f'other_{number}.db'}"  # it makes its tables itself
        if program != DOCUMENTED:
            store = store or self.new_store()
            url = store.url
        environ = self.environ(tls=tls) | {"DATABASE_URL": url, "REDIS_URL": redis_url}
        with running_site(program, environ, self.folder / f"site_{number}.log") as site:
            site.helpers = store.helpers if store else []
            yield site
