"""The cost of a page view: processor time, calls to the provider, SQL statements, bytes."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

from benchmarks.bench import Bench
from benchmarks.figures import Spread, Table
from benchmarks.processes import COUNTED, PERCH, Site
from benchmarks.sites import FRESHNESS_HEADER, STATEMENTS_HEADER
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
TOKEN_ROUNDS = 2
MOST_STATEMENTS = 1


@dataclass(frozen=True)
class Viewed:
    """One page, viewed by many people."""

    cpu_ms: float
    calls: float


def run(bench: Bench) -> None:
    """View every page with an empty cache, and again with a full one."""
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
        used, renewed = token_ms(bench, counted, counting)
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
        " Spaces. Cold: the cache is empty. The bytes include the headers; Perch itself compresses"
        " no answer. On a page that calls the provider, getting a valid token takes"
        f" {used.text()} ms of its thread, and with a refresh {renewed.text()} ms."
    )
    bench.report.tables.append(Table("Pages", says, header, rows))


def page_row(
    bench: Bench, site: Site, store: Store, browsers: list[Browser], path: str
) -> tuple[str, ...]:
    """Return the cost of a page, cold and warm."""
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
