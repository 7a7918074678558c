"""Whether a worker's memory stops growing, and whether it reuses its connections."""

from __future__ import annotations

import itertools
from collections import Counter

from benchmarks.bench import Bench
from benchmarks.figures import Spread, Table
from benchmarks.processes import PERCH, THREADS
from benchmarks.visitors import sign_in
from config import RESERVED_THREADS

# As many as may call the provider at once. One more would wait for half a second, and be turned
# away unless a call ends in that time: the site promises that, and it is not measured here.
AT_ONCE = THREADS - RESERVED_THREADS
# Threads, connections and compiled templates come with the first few hundred.
WARM_UP = 500
MANY = 10_000
MOST_GROWTH_MB = 5.0
A_THOUSAND = 1000
MOST_CONNECTIONS = THREADS + 5
SECONDS_TO_STOP = 5.0


def run(bench: Bench) -> None:
    """Let many people sign in to one worker: a warm-up, up to a thousand, and all others."""
    wanted = bench.scale.lasting
    warm_up = min(WARM_UP, wanted)
    rest = min(A_THOUSAND - warm_up, wanted)
    people = itertools.count(1)
    until = min(bench.section_ends, bench.ends - SECONDS_TO_STOP)
    memory, opened, batches = [], [], []
    with bench.site(PERCH) as site:
        memory.append(site.megabytes())
        for count in (warm_up, rest, wanted - rest):
            opened.append(bench.stub.counted()[0].get("http", 0))
            some = itertools.islice(people, count)
            batches.append(sign_in(site, some, at_once=AT_ONCE, until=until))
            memory.append(site.megabytes())
    done = [batch.done for batch in batches]
    demand(bench, memory, opened, done)
    failures = sum((batch.failures for batch in batches), Counter())
    failed = ", ".join(f"{count} x {why}" for why, count in failures.items()) or "none failed"
    says = (
        f"One worker, {AT_ONCE} people at a time, each for the first time; {failed}. The run took"
        f" {sum(batch.seconds for batch in batches):.0f} s. Growth counts from the end of the"
        " warm-up, in which threads, connections and templates are created."
    )
    rows = [
        ("at the first answer", f"{memory[0]:.1f}"),
        (f"after {done[0]:,} sign-ins", f"{memory[1]:.1f}"),
        (f"after {done[1] + done[2]:,} more", f"{memory[3]:.1f}"),
    ]
    bench.report.tables.append(Table("Memory of a worker", says, ("", "MB"), rows))


def demand(bench: Bench, memory: list[float], opened: list[int], done: list[int]) -> None:
    """Judge the growth after the warm-up, and the connections of the first thousand."""
    wanted, more = bench.scale.lasting, done[1] + done[2]
    if more < wanted:
        bench.report.left_out.append(f"{wanted - more:,} of {wanted:,} sign-ins of the long run")
    bench.report.at_most(
        f"memory that {MANY:,} sign-ins add to a worker",
        Spread.of([memory[3] - memory[1]]) if more >= MANY else None,
        MOST_GROWTH_MB,
        " MB",
    )
    bench.report.at_most(
        f"new TCP connections in the first {A_THOUSAND:,} sign-ins, {AT_ONCE} at a time",
        Spread.of([float(opened[2] - opened[0])]) if done[0] + done[1] >= A_THOUSAND else None,
        MOST_CONNECTIONS,
    )
