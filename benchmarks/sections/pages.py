"""What a page view costs: processor time, calls to the provider, SQL statements, bytes."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

from benchmarks.bench import Bench
from benchmarks.figures import Spread, Table, ratio
from benchmarks.processes import CONSTANT, COUNTED, PERCH, Site
from benchmarks.sites import STATEMENTS_HEADER
from benchmarks.stores import Store
from benchmarks.visitors import Browser, Line, signed_in, view

HOME = "/"
ONE_READ = "/follows"
SIGNED_OUT = "/ signed out"
PAGES = (
    HOME,
    "/tweets",
    "/tweets/1700000000000000001",
    ONE_READ,
    "/follows/followers",
    "/spaces",
    "/account",
)
MOST_OF_CONSTANT = 1.6
MOST_STATEMENTS = 1


@dataclass(frozen=True)
class Viewed:
    """One page, looked at by many."""

    cpu_ms: float
    calls: float


def run(bench: Bench) -> None:
    """Look at every page with nothing remembered, and again with everything remembered."""
    store = bench.new_store()
    counting = bench.new_store()
    with bench.site(PERCH, store=store) as site, bench.site(COUNTED, store=counting) as counted:
        browsers = signed_in(site, range(1, bench.scale.people + 1))
        rows = [page_row(bench, site, store, browsers, path) for path in PAGES]
        statements = {path: statements_of(counted, counting, path) for path in PAGES}
        rows = [
            (*row, f"{statements[path][0]}", f"{statements[path][1]}")
            for row, path in zip(rows, PAGES, strict=True)
        ]
        rows.append(stranger_row(site, bench.scale.people))
        refreshes = refresh(bench, site, store, browsers)
        beside_constants(bench, site, browsers)
    bench.report.at_most(
        "SQL statements of a warm home page",
        Spread.of([float(statements[HOME][1])]),
        MOST_STATEMENTS,
    )
    header = (
        "page",
        "bytes on the wire",
        "cold, ms",
        "warm, ms",
        "calls cold",
        "calls warm",
        "SQL cold",
        "SQL warm",
    )
    says = (
        f"Processor time of one view, by {bench.scale.people} people one after the other; a follows"
        " list of 20 (100 where Spaces are looked for), as many Tweets as the page asks for, three"
        " Spaces. Cold: nothing is remembered. The bytes include the headers; nothing is"
        f" compressed by Perch itself. One refresh of a token costs {refreshes.text()} ms beside"
        " the view that needs it."
    )
    bench.report.tables.append(Table("Pages", says, header, rows))


def page_row(
    bench: Bench, site: Site, store: Store, browsers: list[Browser], path: str
) -> tuple[str, ...]:
    """Return what a page costs, cold and warm."""
    cold, warm = [], []
    for _ in bench.rounds(f"page {path}", max(1, bench.scale.rounds // 3)):
        store.forget_reads()
        cold.append(viewed(bench, site, browsers, path))
        warm.append(viewed(bench, site, browsers, path))
    return (
        f"`{path}`",
        str(browsers[0].get(path).size),
        Spread.of([each.cpu_ms for each in cold]).text(),
        Spread.of([each.cpu_ms for each in warm]).text(),
        f"{cold[0].calls:g}",
        f"{warm[0].calls:g}",
    )


def viewed(bench: Bench, site: Site, browsers: list[Browser], path: str) -> Viewed:
    """Let everybody look once."""
    _, before = bench.stub.counted()
    batch = view(site, browsers, path).checked()
    _, after = bench.stub.counted()
    return Viewed(batch.cpu_ms, (sum(after.values()) - sum(before.values())) / len(browsers))


def stranger_row(site: Site, count: int) -> tuple[str, ...]:
    """Return what the front door costs for somebody who is not signed in."""
    with closing(Line(site.port)) as line:
        size = Browser(line).get(HOME).size
        batch = view(site, [Browser(line) for _ in range(count)], HOME).checked()
    return (f"`{HOME}`, signed out", str(size), "", f"{batch.cpu_ms:.2f}", "", "0", "", "0")


def statements_of(site: Site, store: Store, path: str) -> tuple[int, int]:
    """Return how many SQL statements a view takes, cold and warm."""
    [browser] = signed_in(site, [1])
    store.forget_reads()
    cold, warm = (int(browser.get(path).header(STATEMENTS_HEADER)) for _ in range(2))
    browser.line.close()
    return cold, warm


def refresh(bench: Bench, site: Site, store: Store, browsers: list[Browser]) -> Spread:
    """Return what a refresh adds to a view that makes one call, in milliseconds."""
    added = []
    for _ in bench.rounds("refresh", bench.scale.rounds):
        store.forget_reads()
        without = view(site, browsers, ONE_READ).checked()
        store.forget_reads()
        store.expire_tokens()
        added.append(view(site, browsers, ONE_READ).checked().cpu_ms - without.cpu_ms)
    return Spread.of(added)


def beside_constants(bench: Bench, site: Site, browsers: list[Browser]) -> None:
    """Compare the warm home page with its own template, rendered from constants."""
    with bench.site(CONSTANT) as constant, closing(Line(constant.port)) as line:
        strangers = [Browser(line) for _ in browsers]
        for _ in range(2):  # the first views fill the cache and compile the template
            view(site, browsers, HOME).checked()
            view(constant, strangers, HOME).checked()
        ours, theirs = [], []
        for _ in bench.rounds("home page and template", bench.scale.rounds):
            theirs.append(view(constant, strangers, HOME).checked().cpu_ms)
            ours.append(view(site, browsers, HOME).checked().cpu_ms)
    name = "processor time of a warm home page / its template from constants"
    bench.report.at_most(name, ratio(ours, theirs), MOST_OF_CONSTANT)
    rows = [
        ("home page, cache warm", Spread.of(ours).text()),
        ("the same template from constants", Spread.of(theirs).text()),
    ]
    says = "Milliseconds of processor time; a Flask route that renders what our page was given."
    bench.report.tables.append(Table("Home page and template", says, ("", "ms"), rows))
