"""The cost of a page view: processor time, calls to the provider, SQL statements, bytes."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

from benchmarks.bench import Bench
from benchmarks.figures import MS_TO_SIGN_IN_TO_BARE, Report, Spread, Table
from benchmarks.processes import BARE, COUNTED, PERCH, Site
from benchmarks.sites import FRESHNESS_HEADER, STATEMENTS_HEADER
from benchmarks.stores import Store
from benchmarks.visitors import Browser, Line, signed_in, view

HOME = "/"
ONE_READ = "/follows"
PAGES = (
    HOME,
    "/tweets",
    "/tweets/1700000000000000001",
    ONE_READ,
    "/follows/followers",
    "/spaces",
    "/account",
)
TOKEN_ROUNDS = 2
MOST_STATEMENTS = 1
HEADER = (
    "page",
    "bytes on the wire",
    "cold, ms",
    "warm, ms",
    "calls cold",
    "calls warm",
    "SQL cold",
    "SQL warm",
)
MOST_MS_WARM = {HOME: 2.0, "/tweets": 2.0}


@dataclass(frozen=True)
class Viewed:
    """One page, viewed by many people."""

    cpu_ms: float
    calls: float


@dataclass
class Page:
    """All rounds of one page."""

    path: str
    size: int
    cold: list[Viewed]
    warm: list[Viewed]

    @property
    def warm_ms(self) -> Spread:
        return Spread.of([each.cpu_ms for each in self.warm])

    def row(self, statements: tuple[int, int]) -> tuple[str, ...]:
        """Return its line of the table."""
        cold_ms = Spread.of([each.cpu_ms for each in self.cold])
        calls = (f"{rounds[0].calls:g}" for rounds in (self.cold, self.warm))
        spreads = (cold_ms.text(), self.warm_ms.text())
        return (f"`{self.path}`", str(self.size), *spreads, *calls, *map(str, statements))


def run(bench: Bench) -> None:
    """View every page with an empty cache, and again with a full one."""
    store = bench.new_store()
    counting = bench.new_store()
    with bench.site(PERCH, store=store) as site, bench.site(COUNTED, store=counting) as counted:
        browsers = signed_in(site, range(1, bench.scale.people + 1))
        pages = [measured(bench, site, store, browsers, path) for path in PAGES]
        statements = {path: statements_of(counted, counting, path) for path in PAGES}
        rows = [page.row(statements[page.path]) for page in pages]
        rows.append(stranger_row(site, bench.scale.people))
        used, renewed = token_ms(bench, counted, counting)
    warm = Spread.of([float(statements[HOME][1])])
    bench.report.at_most("SQL statements of a warm home page", warm, MOST_STATEMENTS)
    for page in pages:
        if limit := MOST_MS_WARM.get(page.path):
            demand_ms(bench.report, page, limit)
    says = (
        f"Processor time of one view, by {bench.scale.people} people one after the other; a follows"
        " list of 20 (100 where Spaces are looked for), as many Tweets as the page asks for, three"
        " Spaces. Cold: the cache is empty. The bytes include the headers; Perch itself compresses"
        " no answer. On a page that calls the provider, getting a valid token takes"
        f" {used.text()} ms of its thread, and with a refresh {renewed.text()} ms."
    )
    bench.report.tables.append(Table("Pages", says, HEADER, rows))


def demand_ms(report: Report, page: Page, limit: float) -> None:
    """Judge the processor time of a warm page, and its ratio to a sign-in to the bare limit."""
    figure = f"processor time of `{page.path}`, warm"
    if bare := report.known.get(BARE.name):
        compared = Spread.of([each / bare for each in page.warm_ms.values])
        most = round(limit / MS_TO_SIGN_IN_TO_BARE, 2)
        report.at_most(f"{figure} / a sign-in to the bare limit", compared, most)
    report.at_most(figure, page.warm_ms, limit, " ms")


def measured(bench: Bench, site: Site, store: Store, browsers: list[Browser], path: str) -> Page:
    """View a page in rounds, cold and warm."""
    page = Page(path, 0, [], [])
    for _ in bench.rounds(f"page {path}", max(1, bench.scale.rounds // 3)):
        store.forget_reads()
        page.cold.append(viewed(bench, site, browsers, path))
        page.warm.append(viewed(bench, site, browsers, path))
    page.size = browsers[0].get(path).size
    return page


def viewed(bench: Bench, site: Site, browsers: list[Browser], path: str) -> Viewed:
    """Let each browser view the page once."""
    _, before = bench.stub.counted()
    batch = view(site, browsers, path).checked()
    _, after = bench.stub.counted()
    return Viewed(batch.cpu_ms, (sum(after.values()) - sum(before.values())) / len(browsers))


def stranger_row(site: Site, count: int) -> tuple[str, ...]:
    """Return the cost of the front page for a signed-out visitor."""
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


def token_ms(bench: Bench, site: Site, store: Store) -> tuple[Spread, Spread]:
    """Return the thread time to get a valid token, without and with a refresh."""
    browsers = signed_in(site, range(1, bench.scale.people + 1))
    used, renewed = [], []
    for _ in range(TOKEN_ROUNDS):
        store.forget_reads()
        used += [float(each.get(ONE_READ).header(FRESHNESS_HEADER)) for each in browsers]
        store.forget_reads()
        store.expire_tokens()
        renewed += [float(each.get(ONE_READ).header(FRESHNESS_HEADER)) for each in browsers]
    browsers[0].line.close()
    return Spread.of(used), Spread.of(renewed)
