"""Whether a worker stays as small as it was, and keeps the connections it has."""

from __future__ import annotations

import itertools
import time

from benchmarks.bench import Bench
from benchmarks.figures import Spread, Table
from benchmarks.processes import PERCH, THREADS
from benchmarks.visitors import Batch, sign_in

AT_ONCE = THREADS
# Threads, connections and compiled templates come with the first few hundred.
WARM_UP = 500
MOST_GROWTH_MB = 5.0
A_THOUSAND = 1000
MOST_CONNECTIONS = THREADS + 5
SECONDS_TO_STOP = 5.0


def run(bench: Bench) -> None:
    """Let thousands sign in to one worker."""
    people = itertools.count(1)
    wanted = bench.scale.lasting
    warm_up = min(WARM_UP, wanted)
    with bench.site(PERCH) as site:
        memory = [site.megabytes()]
        before, _ = bench.stub.counted()
        first = sign_in(site, itertools.islice(people, warm_up), at_once=AT_ONCE).checked()
        memory.append(site.megabytes())
        rest = min(A_THOUSAND, wanted + warm_up) - warm_up
        batches = [sign_in(site, itertools.islice(people, rest), at_once=AT_ONCE)] if rest else []
        after, _ = bench.stub.counted()
        until = time.monotonic() + max(0.0, bench.left() - SECONDS_TO_STOP)
        more = itertools.islice(people, max(0, wanted - rest))
        batches.append(sign_in(site, more, at_once=AT_ONCE, until=until))
        memory.append(site.megabytes())
    done = sum(batch.done for batch in batches)
    failed = sum(sum(batch.failures.values()) for batch in batches)
    if done < wanted:
        bench.report.left_out.append(f"{wanted - done:,} of {wanted:,} sign-ins of the long run")
    bench.report.at_most(
        f"memory that {done:,} sign-ins add to a worker",
        Spread.of([memory[2] - memory[1]]),
        MOST_GROWTH_MB,
        " MB",
    )
    opened = after.get("http", 0) - before.get("http", 0)
    count = warm_up + rest
    bench.report.at_most(
        f"new TCP connections in the first {count:,} sign-ins, {AT_ONCE} at a time",
        Spread.of([float(opened)]),
        MOST_CONNECTIONS,
    )
    bench.report.tables.append(table(memory, [first, *batches], done, warm_up, failed))


def table(memory: list[float], batches: list[Batch], done: int, warm_up: int, failed: int) -> Table:
    """Return the memory of the worker, in the order in which it was looked at."""
    seconds = sum(batch.seconds for batch in batches)
    says = (
        f"One worker, {AT_ONCE} people at a time, new ones every time; {failed} failed. All of it"
        f" took {seconds:.0f} s. Growth counts from after the warm-up: until then threads,"
        " connections and templates are made."
    )
    rows = [
        ("at the first answer", f"{memory[0]:.1f}"),
        (f"after {warm_up:,} sign-ins", f"{memory[1]:.1f}"),
        (f"after {done:,} more", f"{memory[2]:.1f}"),
    ]
    return Table("Memory of a worker", says, ("", "MB"), rows)
