"""A slow provider: how many people can sign in at once, and how long a cold page takes."""

from __future__ import annotations

import itertools
import statistics
import threading
import time
from contextlib import ExitStack

from benchmarks.bench import Bench
from benchmarks.figures import Spread, Table
from benchmarks.processes import BARE, DOCUMENTED, PERCH, THREADS, Program, Site
from benchmarks.stores import Store
from benchmarks.visitors import Batch, Browser, sign_in, signed_in, view
from config import RESERVED_THREADS

LATENCY_MS = 150
CALLS = 2
MOST_RAMP_UP_SECONDS = 1.0
LEAST_SECONDS = 0.4
WINDOWS = 4
# Perch keeps two threads free of the provider; the others do not.
SLOTS = {PERCH: THREADS - RESERVED_THREADS, BARE: THREADS, DOCUMENTED: THREADS}

LEAST_OF_LIMIT = 0.95
MOST_OF_ONE_READ = 2.2


def run(bench: Bench) -> None:
    """Measure with every answer of the provider `LATENCY_MS` late."""
    people = bench.scale.waiting_people
    store = bench.new_store()
    with ExitStack() as stack:
        sites = [
            stack.enter_context(bench.site(program, store=store if program == PERCH else None))
            for program in SLOTS
        ]
        [perch, *_] = sites
        browsers = signed_in(perch, range(1, bench.scale.people // 2 + 2))
        for site in sites:
            sign_in(site, range(101, 101 + people), at_once=SLOTS[site.program]).checked()
        bench.stub.set_latency(LATENCY_MS)
        try:
            home, read = (cold_ms(store, perch, browsers, path) for path in ("/", "/follows"))
            rows, seconds = throughputs(bench, sites)
        finally:
            bench.stub.set_latency(0)
    bench.report.at_most(
        f"home page cold at {LATENCY_MS} ms a read / one read",
        Spread.of([home / LATENCY_MS]),
        MOST_OF_ONE_READ,
    )
    says = (
        f"Each answer of the provider comes {LATENCY_MS} ms late. One process of {THREADS}"
        f" threads; {people} people who sign in repeatedly for {seconds:.0f} s, measured"
        f" {WINDOWS} times."
        f" The limit is slots / ({CALLS} x {LATENCY_MS} ms); Perch keeps {RESERVED_THREADS}"
        " threads free for pages that need no provider. Cold, the home page takes"
        f" {home:.0f} ms (median), and a page of one read {read:.0f} ms."
    )
    header = ("site", "sign-ins per second", "limit", "of the limit", "turned away", "of a core")
    bench.report.tables.append(Table("Waiting for the provider", says, header, rows))


def throughputs(bench: Bench, sites: list[Site]) -> tuple[list[tuple[str, ...]], float]:
    """Return the line of each site, and how many seconds people signed in to the last one."""
    rows = []
    seconds = LEAST_SECONDS
    for position, site in enumerate(sites):
        share = bench.section_left() / (len(sites) - position)
        seconds = max(LEAST_SECONDS, min(bench.scale.waiting_seconds, share))
        per_second, crowd = sign_ins_held(bench, site, seconds)
        limit = SLOTS[site.program] / (CALLS * LATENCY_MS / 1000)
        rows.append(throughput_row(site.program, per_second, crowd, limit))
        if site.program == PERCH:
            bench.report.at_least(
                f"sign-ins per second at {LATENCY_MS} ms / the limit of arithmetic",
                Spread.of([each / limit for each in per_second.values]),
                LEAST_OF_LIMIT,
            )
    return rows, seconds


def cold_ms(store: Store, site: Site, browsers: list[Browser], path: str) -> float:
    """Return the median time of a page with an empty cache."""
    store.forget_reads()
    return 1000 * statistics.median(view(site, browsers, path).checked().latencies)


def throughput_row(
    program: Program, per_second: Spread, crowd: Batch, limit: float
) -> tuple[str, ...]:
    """Return a line of the table."""
    share = f"{100 * per_second.median / limit:.0f} %"
    failed = sum(crowd.failures.values())
    busy = f"{100 * crowd.cpu_seconds / crowd.seconds:.0f} %"
    return (program.name, per_second.text(1), f"{limit:.1f}", share, f"{failed}", busy)


def sign_ins_held(bench: Bench, site: Site, seconds: float) -> tuple[Spread, Batch]:
    """Return the sign-ins per second after the ramp-up, and the whole batch."""
    ramp_up = min(MOST_RAMP_UP_SECONDS, seconds / 2)
    found: list[Batch] = []

    def crowd() -> None:
        until = time.monotonic() + seconds
        found.append(
            sign_in(site, itertools.count(10_000), at_once=bench.scale.waiting_people, until=until)
        )

    people = threading.Thread(target=crowd, daemon=True)
    people.start()
    time.sleep(ramp_up)
    rates = []
    for _ in range(WINDOWS):
        began, before = time.perf_counter(), asked_who(bench)
        time.sleep((seconds - ramp_up) / WINDOWS)
        rates.append((asked_who(bench) - before) / (time.perf_counter() - began))
    people.join()
    return Spread.of(rates), found[0]


def asked_who(bench: Bench) -> int:
    """Return the count of `users/me` calls: one at the end of each sign-in."""
    _, calls = bench.stub.counted()
    return calls.get("GET /2/users/me", 0)
