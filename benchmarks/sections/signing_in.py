"""The cost of a sign-in over http and https, compared with the bare limit and the usual way."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks.bench import Bench
from benchmarks.figures import Spread, Table, percentile, ratio
from benchmarks.processes import BARE, DOCUMENTED, PERCH, Site
from benchmarks.visitors import STEPS, Batch, Line, SignIn, crowd, sign_in

PROGRAMS = (BARE, DOCUMENTED, PERCH)
AT_ONCE = 8

# Demanded of Perch, as a multiple of another site's processor time.
MOST_OF_BARE = 2.0
MOST_OF_DOCUMENTED_TLS = 1 / 6


@dataclass
class Measured:
    """All rounds of one site."""

    site: Site
    batches: list[Batch] = field(default_factory=list)
    steps: list[list[float]] = field(default_factory=list)  # milliseconds, a list for each round
    connections: Counter[str] = field(default_factory=Counter)

    @property
    def cpu(self) -> list[float]:
        return [batch.cpu_ms for batch in self.batches]

    @property
    def done(self) -> int:
        return sum(batch.done for batch in self.batches)

    def latency(self, percent: int) -> str:
        """Return the milliseconds within which so many have signed in."""
        every = [1000 * seconds for batch in self.batches for seconds in batch.latencies]
        return f"{percentile(every, percent):.0f}"

    def per_sign_in(self, kind: str) -> str:
        """Return how many connections of this kind the stub has accepted for each sign-in."""
        return f"{self.connections[kind] / self.done:.3f}"


def run(bench: Bench, *, tls: bool) -> None:
    """Let people sign in to all three sites, in turns."""
    people = itertools.count(1)
    scheme = "https" if tls else "http"
    count = bench.scale.sign_ins_tls if tls else bench.scale.sign_ins
    with ExitStack() as stack:
        measured = [
            Measured(stack.enter_context(bench.site(program, tls=tls))) for program in PROGRAMS
        ]
        for each in measured:
            sign_in(each.site, itertools.islice(people, 2 * AT_ONCE), at_once=AT_ONCE).checked()
        for turn in bench.rounds(
            f"signing in, {scheme}", bench.scale.rounds, least=bench.scale.least_rounds
        ):
            first = turn % len(measured)
            for each in measured[first:] + measured[:first]:
                one_round(bench, each, people, count)
    bare, documented, perch = measured
    figure = f"processor time of a sign-in, {scheme}: Perch / "
    if tls:
        bench.report.at_most(
            figure + documented.site.program.name,
            ratio(perch.cpu, documented.cpu),
            round(MOST_OF_DOCUMENTED_TLS, 3),
        )
    else:
        for each in measured:
            bench.report.known[each.site.program.name] = Spread.of(each.cpu).median
        bench.report.at_most(
            figure + bare.site.program.name, ratio(perch.cpu, bare.cpu), MOST_OF_BARE
        )
    bench.report.tables.append(table(measured, scheme, count))


def one_round(bench: Bench, each: Measured, people: Iterator[int], count: int) -> None:
    """Let `count` people sign in, several at once, then a few step by step."""
    before, _ = bench.stub.counted()
    each.batches.append(
        sign_in(each.site, itertools.islice(people, count), at_once=AT_ONCE).checked()
    )
    after, _ = bench.stub.counted()
    each.connections.update(Counter(after) - Counter(before))
    line = Line(each.site.port)
    few = [
        SignIn(each.site.program, line, number)
        for number in itertools.islice(people, bench.scale.steps)
    ]
    each.steps.append([one_step(each.site, few, number).cpu_ms for number in range(len(STEPS))])
    line.close()


def one_step(site: Site, people: list[SignIn], number: int) -> Batch:
    """Let each person send their request `number`, one after the other."""
    jobs = [lambda _, person=person: person.step(number) for person in people]
    return crowd(site, jobs, at_once=1).checked()


def table(measured: list[Measured], scheme: str, count: int) -> Table:
    """Return the table of all measurements."""

    def row(name: str, cells: list[str]) -> tuple[str, ...]:
        return (name, *cells)

    rows = [
        row(
            "sign-ins per second",
            [Spread.of([b.per_second for b in each.batches]).text(0) for each in measured],
        ),
        *(
            row(f"one sign-in, p{percent}, ms", [each.latency(percent) for each in measured])
            for percent in (50, 95, 99)
        ),
        row("processor time of a sign-in, ms", [Spread.of(each.cpu).text() for each in measured]),
    ]
    for number, step in enumerate(STEPS):
        cells = [Spread.of([turn[number] for turn in each.steps]).text() for each in measured]
        rows.append(row(f"... of that {step}, alone", cells))
    rows.append(
        row("TCP connections for a sign-in", [each.per_sign_in(scheme) for each in measured])
    )
    if scheme == "https":
        for kind, words in (("full", "full TLS handshakes"), ("resumed", "resumed TLS sessions")):
            cells = [each.per_sign_in(f"https {kind}") for each in measured]
            rows.append(row(f"{words} for a sign-in", cells))
    says = (
        f"{len(measured[0].batches)} rounds of {count} people, {AT_ONCE} at a time, each for the"
        " first time: the page with the button, to the provider, the callback, and a page that"
        " makes no call to the provider (`/account`). The steps alone: one person at a time."
    )
    header = ("", *(each.site.program.name for each in measured))
    return Table(f"Signing in, {scheme}", says, header, rows)
