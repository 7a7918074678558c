"""Run the benchmark: `python -m benchmarks [--quick] [--only SECTION ...] [--sizes N ...]`.

What takes longer than five minutes is done by hand: `--lasting`, `--growing PEOPLE`,
`--soak MINUTES`.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import certificates, page
from benchmarks.bench import FULL, QUICK, SMOKE, Bench, Scale
from benchmarks.figures import Report
from benchmarks.processes import OTHER_CORES, ROOT, pin, running_stub
from benchmarks.sections import (
    growing,
    lasting,
    pages,
    refreshing,
    signing_in,
    soaking,
    spending,
    starting,
    template,
    waiting,
)
from benchmarks.stores import SqliteStores, running_postgresql

SCALES = {"full": FULL, "quick": QUICK, "smoke": SMOKE}
STORES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
BY_HAND_MINUTES = 120.0
PAGE = ROOT / "docs" / "performance.md"


def on_sqlite(bench: Bench) -> None:
    """Let SQLite databases grow."""
    stores = SqliteStores(bench.folder, bench.environ())
    growing.run(bench, stores, wanted=bench.scale.sizes)


def on_postgresql(bench: Bench) -> None:
    """Let PostgreSQL databases grow, if it is installed."""
    with running_postgresql(bench.environ()) as stores:
        if stores is None:
            bench.report.left_out.append("PostgreSQL: its programs are not installed")
        else:
            growing.run(bench, stores, wanted=bench.scale.sizes_postgresql)


@dataclass(frozen=True)
class Section:
    """A measurement and its share of the time; unused time goes to the others."""

    run: Callable[[Bench], None]
    share: int


SECTIONS = {
    "start": Section(starting.run, 30),
    "http": Section(lambda bench: signing_in.run(bench, tls=False), 35),
    "https": Section(lambda bench: signing_in.run(bench, tls=True), 50),
    "spending": Section(spending.run, 15),
    "template": Section(template.run, 15),
    "pages": Section(pages.run, 30),
    "refresh": Section(refreshing.run, 10),
    "waiting": Section(waiting.run, 30),
    "sqlite": Section(on_sqlite, 55),
    "postgresql": Section(on_postgresql, 55),
    "lasting": Section(lasting.run, 20),
}
SOAK = "soak"
BY_HAND = {SOAK: Section(soaking.run, 1)}
# Nothing can be started and measured in less.
LEAST_SECONDS = 5.0


@dataclass(frozen=True)
class Plan:
    """The plan of a command line. With a title it is one section of the page, made by hand."""

    scale: Scale
    names: list[str]
    write_to: Path | None
    title: str = ""
    command: str = ""


def main() -> int:
    """Measure, print, and after a full run, or one by hand, write the page."""
    plan = planned(parsed())
    before = os.getloadavg()[0]
    report = measured(plan)
    after = os.getloadavg()[0]
    sys.stdout.write("\n".join(page.tables(report)))
    if plan.write_to:
        old = plan.write_to.read_text() if plan.write_to.exists() else ""
        kept = page.kept_by_hand(old)
        if plan.title:
            kept[plan.title] = page.by_hand(
                plan.title, plan.command, report, before=before, after=after
            )
        else:
            old = page.page(report, minutes=plan.scale.minutes, before=before, after=after)
        plan.write_to.write_text(page.with_by_hand(old, kept))
        say(f"\nWritten to {plan.write_to}")
    return 0


def measured(plan: Plan) -> Report:
    """Run the sections, one after the other."""
    began = time.monotonic()
    pin(os.getpid(), OTHER_CORES)
    with tempfile.TemporaryDirectory(prefix="perch-bench-") as folder:
        issued = certificates.issue(Path(folder))
        with running_stub(issued) as stub:
            ends = began + 60 * plan.scale.minutes
            bench = Bench(plan.scale, stub, issued, Path(folder), ends, ends)
            for position, name in enumerate(plan.names):
                say(f"{time.monotonic() - began:5.0f} s  {name} ...")
                run_section(bench, plan.names[position:])
    say(f"{time.monotonic() - began:5.0f} s  done, load average {os.getloadavg()[0]:.1f}\n")
    return bench.report


def run_section(bench: Bench, names: list[str]) -> None:
    """Run the first of the sections that are not done yet, in its share of what is left."""
    if bench.remaining() < LEAST_SECONDS:
        bench.report.left_out.append(f"{names[0]}: no time was left")
        return
    sections = [(SECTIONS | BY_HAND)[name] for name in names]
    section, shares = sections[0], sum(each.share for each in sections)
    bench.section_ends = time.monotonic() + bench.remaining() * section.share / shares
    section.run(bench)


def parsed() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure Perch.")
    parser.add_argument("--scale", choices=SCALES, default="full", help="how much is done")
    parser.add_argument(
        "--quick", dest="scale", action="store_const", const="quick", help="one minute, no page"
    )
    parser.add_argument("--only", nargs="+", choices=SECTIONS, help="leave the others out")
    parser.add_argument("--sizes", nargs="+", type=int, help="people in the growing databases")
    parser.add_argument("--lasting", action="store_true", help="by hand: 10,000 sign-ins")
    parser.add_argument("--growing", type=int, metavar="PEOPLE", help="by hand: so many people")
    parser.add_argument("--soak", type=float, metavar="MINUTES", help="by hand: mixed traffic")
    parser.add_argument("--minutes", type=float, help="how long it may take in all")
    parser.add_argument("--output", type=Path, help="where to write the page")
    return parser.parse_args()


def planned(arguments: argparse.Namespace) -> Plan:
    """Return what the command line asks for."""
    scale = SCALES[arguments.scale]
    if arguments.sizes:
        sizes = tuple(sorted(arguments.sizes))
        scale = replace(scale, sizes=sizes, sizes_postgresql=sizes)
    if arguments.minutes:
        scale = replace(scale, minutes=arguments.minutes)
    if arguments.lasting or arguments.growing or arguments.soak:
        return planned_by_hand(arguments, scale)
    names = arguments.only or list(SECTIONS)
    whole = arguments.scale == "full" and not arguments.only
    return Plan(scale, names, arguments.output or (PAGE if whole else None))


def planned_by_hand(arguments: argparse.Namespace, scale: Scale) -> Plan:
    """Return the plan of what takes as long as it takes."""
    scale = replace(scale, minutes=arguments.minutes or BY_HAND_MINUTES)
    write_to = arguments.output or PAGE
    if arguments.lasting:
        scale = replace(scale, lasting=lasting.MANY)
        command, title = "--lasting", f"{lasting.MANY:,} sign-ins to one worker"
        return Plan(scale, ["lasting"], write_to, title, f"python -m benchmarks {command}")
    if arguments.soak:
        minutes = f"{arguments.soak:g}"
        scale = replace(scale, soaking=arguments.soak)
        command, title = f"python -m benchmarks --soak {minutes}", f"{minutes} minutes of traffic"
        return Plan(scale, [SOAK], write_to, title, command)
    sizes = (scale.sizes[0], arguments.growing)
    scale = replace(scale, sizes=sizes, sizes_postgresql=sizes)
    names = arguments.only or ["sqlite", "postgresql"]
    command = f"--growing {arguments.growing}"
    if arguments.only:
        command += f" --only {' '.join(names)}"
    title = f"{arguments.growing:,} people in {' and '.join(STORES[name] for name in names)}"
    return Plan(scale, names, write_to, title, f"python -m benchmarks {command}")


def say(words: str) -> None:
    """Tell whoever is watching; figures alone go to standard output."""
    sys.stderr.write(f"{words}\n")


if __name__ == "__main__":
    sys.exit(main())
