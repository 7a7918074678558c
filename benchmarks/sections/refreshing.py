"""One refresh that three browsers of a person need at once."""

from __future__ import annotations

import functools
import statistics
from collections import Counter
from dataclasses import dataclass

from benchmarks.bench import Bench
from benchmarks.figures import Spread, Table
from benchmarks.processes import COUNTED, Site
from benchmarks.sites import STATEMENTS_HEADER
from benchmarks.stores import Store
from benchmarks.visitors import Browser, Line, crowd, signed_in

# Pages of one read each, and another one for each browser: a shared read would ask for one token.
PATHS = ("/follows", "/follows/followers", "/tweets")
# So slow is the provider that all of them come before the refresh is done.
LATENCY_MS = 50
MOST_PEOPLE = 10
REFRESH = "POST /2/oauth2/token"
MOST_REFRESHES = 1
FIGURES = (
    ("calls to the provider", "calls"),
    ("SQL statements", "statements"),
    ("time of the slowest page, ms", "slowest_ms"),
    ("processor time together, ms", "cpu_ms"),
)


@dataclass(frozen=True)
class Round:
    """The browsers of all people, each at its page at once with those of the same person."""

    refreshes: list[int]  # of each person
    calls: float
    statements: float
    slowest_ms: float
    cpu_ms: float


def run(bench: Bench) -> None:
    """Let one browser refresh, and three at once."""
    store = bench.new_store()
    alone, shared = [], []
    with bench.site(COUNTED, store=store) as site:
        people = [
            [browser for _ in PATHS for browser in signed_in(site, [number])]
            for number in range(1, min(MOST_PEOPLE, bench.scale.people) + 1)
        ]
        bench.stub.set_latency(LATENCY_MS)
        try:
            for _ in bench.rounds("one refresh", max(1, bench.scale.rounds // 3)):
                alone.append(one_round(bench, site, store, [some[:1] for some in people]))
                shared.append(one_round(bench, site, store, people))
        finally:
            bench.stub.set_latency(0)
    most = Spread.of([float(max(count for each in shared for count in each.refreshes))])
    bench.report.at_most("most refreshes for three browsers at once", most, MOST_REFRESHES)
    says = (
        f"{len(people)} people, one after the other, whose access token has expired, with a"
        f" provider that answers {LATENCY_MS} ms late. Three browsers of a person open three pages"
        " of one read each at the same moment: one of them refreshes, and the others wait for its"
        " token."
    )
    header = ("", "one browser", "three browsers at once")
    rows = [(name, figures(alone, field), figures(shared, field)) for name, field in FIGURES]
    bench.report.tables.append(Table("One refresh for three browsers", says, header, rows))


def figures(rounds: list[Round], field: str) -> str:
    """Return one figure of all rounds."""
    return Spread.of([getattr(each, field) for each in rounds]).text()


def one_round(bench: Bench, site: Site, store: Store, people: list[list[Browser]]) -> Round:
    """Let the browsers of each person look at their pages."""
    refreshes, slowest, cpu = [], [], 0.0
    calls: Counter[str] = Counter()
    statements: list[int] = []
    for browsers in people:
        store.forget_reads()
        store.expire_tokens()
        before = bench.stub.counted()[1]
        jobs = [
            functools.partial(_look, browser, path, statements)
            for browser, path in zip(browsers, PATHS, strict=False)
        ]
        batch = crowd(site, jobs, at_once=len(jobs)).checked()
        made = Counter(bench.stub.counted()[1]) - Counter(before)
        calls.update(made)
        refreshes.append(made[REFRESH])
        slowest.append(1000 * max(batch.latencies))
        cpu += batch.cpu_seconds
    return Round(
        refreshes,
        calls.total() / len(people),
        sum(statements) / len(people),
        statistics.median(slowest),
        1000 * cpu / len(people),
    )


def _look(browser: Browser, path: str, statements: list[int], line: Line) -> None:
    answer = Browser(line, browser.cookies).get(path)
    statements.append(int(answer.header(STATEMENTS_HEADER)))
