"""Whether pages cost more with more people in the database."""

from __future__ import annotations

import random
import statistics
import time
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks.bench import Bench
from benchmarks.figures import Spread, Table, ratio
from benchmarks.processes import PERCH, Site
from benchmarks.stores import PostgresqlStores, SqliteStores
from benchmarks.visitors import Batch, sign_in, signed_in, view

KINDS = ("sign-in", "home page, warm", "`/account`")
MOST_GROWTH = 1.2
LEAST_ROUNDS = 3
# The approximate time to write a person and their grant, measured with many people.
SECONDS_FOR_A_ROW = 15e-6
MANY = 50_000


@dataclass
class Grown:
    """One database of one size, and its measurements."""

    size: int
    site: Site
    people: list[int]
    cpu: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in KINDS})
    seconds: dict[str, list[float]] = field(default_factory=lambda: {kind: [] for kind in KINDS})

    def note(self, kind: str, batch: Batch) -> None:
        """Add a round."""
        self.cpu[kind].append(batch.checked().cpu_ms)
        self.seconds[kind] += batch.latencies

    def cell(self, kind: str) -> str:
        """Return the processor time, and after it the median of the wall-clock time."""
        wall = 1000 * statistics.median(self.seconds[kind])
        return f"{Spread.of(self.cpu[kind]).text()}; {wall:.1f}"


def run(bench: Bench, stores: SqliteStores | PostgresqlStores, *, wanted: tuple[int, ...]) -> None:
    """Measure the `wanted` sizes in turns, each in a database of its own."""
    count = bench.scale.growth_people
    with ExitStack() as stack:
        grown = filled(bench, stores, wanted, stack)
        for each in grown:
            sign_in(each.site, each.people[:count], at_once=1).checked()
        for turn in bench.rounds(
            f"growing, {stores.name}", bench.scale.growth_rounds, least=LEAST_ROUNDS
        ):
            first = turn % max(1, len(grown))
            for each in grown[first:] + grown[:first]:
                one_round(each, count, turn)
    smallest, largest = wanted[0], wanted[-1]
    for kind in KINDS:
        cpu = {each.size: each.cpu[kind] for each in grown}
        found = ratio(cpu[largest], cpu[smallest]) if {smallest, largest} <= cpu.keys() else None
        figure = f"{kind}, {stores.name}: {largest:,} people / {smallest:,}"
        bench.report.at_most(figure, found, MOST_GROWTH)
    if grown:
        bench.report.tables.append(table(stores.name, grown, count))


def filled(
    bench: Bench,
    stores: SqliteStores | PostgresqlStores,
    wanted: tuple[int, ...],
    stack: ExitStack,
) -> list[Grown]:
    """Fill databases for which there is time, each with its site.

    The largest ones are left out when time is short: half of it is for measuring.
    """
    seconds_for_a_row = SECONDS_FOR_A_ROW
    grown = []
    for size in wanted:
        if size * seconds_for_a_row > bench.section_left() / 2:
            out = f"{stores.name} with {size:,} people: no time was left"
            bench.report.left_out.append(out)
            continue
        store = stores.new(f"people_{size}")
        began = time.monotonic()
        store.fill(size)
        if size >= MANY:
            seconds_for_a_row = max(SECONDS_FOR_A_ROW, (time.monotonic() - began) / size)
        site = stack.enter_context(bench.site(PERCH, store=store))
        grown.append(Grown(size, site, chosen(size, bench.scale.growth_people)))
    return grown


def table(name: str, grown: list[Grown], count: int) -> Table:
    """Return the table of all sizes."""
    says = (
        "Processor time of the site and its database, ms; after the semicolon the median response"
        " time. Every person in the database has a living grant; those who sign in are chosen at"
        f" random and are known already. {count} people in a round,"
        " one at a time."
    )
    header = ("", *(f"{each.size:,} people" for each in grown))
    rows = [(kind, *(each.cell(kind) for each in grown)) for kind in KINDS]
    return Table(f"Growing, {name}", says, header, rows)


def chosen(size: int, count: int) -> list[int]:
    """Return random people of the database, the same ones in every run."""
    lot = random.Random(size)  # noqa: S311 - it keeps no secret
    return lot.sample(range(1, size + 1), min(size, 12 * count))


def one_round(each: Grown, count: int, turn: int) -> None:
    """Let people who have not come before sign in, and view the pages."""
    first = (turn + 1) * count % len(each.people)
    people = each.people[first : first + count]
    each.note(KINDS[0], sign_in(each.site, people, at_once=1))
    browsers = signed_in(each.site, people[: max(1, count // 3)])
    view(each.site, browsers, "/").checked()
    many = browsers * 3
    each.note(KINDS[1], view(each.site, many, "/"))
    each.note(KINDS[2], view(each.site, many, "/account"))
