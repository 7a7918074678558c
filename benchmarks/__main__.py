"""Run the benchmark: `python -m benchmarks [--quick] [--only SECTION ...] [--sizes N ...]`."""

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
from benchmarks.processes import OTHER_CORES, ROOT, pin, running_stub
from benchmarks.sections import growing, lasting, pages, signing_in, starting, waiting
from benchmarks.stores import SqliteStores, running_postgresql

SCALES = {"full": FULL, "quick": QUICK, "smoke": SMOKE}
PAGE = ROOT / "docs" / "performance.md"


def on_sqlite(bench: Bench) -> None:
    """Let SQLite databases grow."""
    growing.run(bench, SqliteStores(bench.folder, bench.environ()))


def on_postgresql(bench: Bench) -> None:
    """Let PostgreSQL databases grow, if it is installed."""
    with running_postgresql(bench.environ()) as stores:
        if stores is None:
            bench.report.left_out.append("PostgreSQL: its programs are not installed")
        else:
            growing.run(bench, stores)


@dataclass(frozen=True)
class Section:
    """What is measured, and which share of the time it gets; what it leaves goes to the others."""

    run: Callable[[Bench], None]
    share: int


SECTIONS = {
    "start": Section(starting.run, 6),
    "http": Section(lambda bench: signing_in.run(bench, tls=False), 12),
    "https": Section(lambda bench: signing_in.run(bench, tls=True), 16),
    "pages": Section(pages.run, 14),
    "waiting": Section(waiting.run, 12),
    "sqlite": Section(on_sqlite, 14),
    "postgresql": Section(on_postgresql, 18),
    "lasting": Section(lasting.run, 30),
}
# Nothing can be started and measured in less.
LEAST_SECONDS = 5.0


def main() -> int:
    """Measure, print, and after a full run write the page."""
    arguments = parsed()
    scale = chosen(arguments)
    names = arguments.only or list(SECTIONS)
    before = os.getloadavg()[0]
    began = time.monotonic()
    pin(os.getpid(), OTHER_CORES)
    with tempfile.TemporaryDirectory(prefix="perch-bench-") as folder:
        issued = certificates.issue(Path(folder))
        with running_stub(issued) as stub:
            ends = began + 60 * scale.minutes
            bench = Bench(scale, stub, issued, Path(folder), ends, ends)
            for position, name in enumerate(names):
                say(f"{time.monotonic() - began:5.0f} s  {name} ...")
                run_section(bench, SECTIONS[name], names[position:])
    say(f"{time.monotonic() - began:5.0f} s  done, load average {os.getloadavg()[0]:.1f}\n")
    sys.stdout.write("\n".join(page.tables(bench.report)))
    write_to = arguments.output or (PAGE if scale == FULL and not arguments.only else None)
    if write_to:
        words = page.page(
            bench.report, minutes=scale.minutes, before=before, after=os.getloadavg()[0]
        )
        write_to.write_text(words)
        say(f"\nWritten to {write_to}")
    return 0


def run_section(bench: Bench, section: Section, names: list[str]) -> None:
    """Run a section in its share of what is left; `names` are those that are not done yet."""
    if bench.left() < LEAST_SECONDS:
        bench.report.left_out.append(f"{names[0]}: no time was left")
        return
    shares = sum(SECTIONS[name].share for name in names)
    bench.section_ends = time.monotonic() + bench.left() * section.share / shares
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
    parser.add_argument("--minutes", type=float, help="how long it may take in all")
    parser.add_argument("--output", type=Path, help="where to write the page")
    return parser.parse_args()


def chosen(arguments: argparse.Namespace) -> Scale:
    """Return the scale that the command line asks for."""
    scale = SCALES[arguments.scale]
    if arguments.sizes:
        scale = replace(scale, sizes=tuple(sorted(arguments.sizes)))
    if arguments.minutes:
        scale = replace(scale, minutes=arguments.minutes)
    return scale


def say(words: str) -> None:
    """Tell whoever is watching; figures alone go to standard output."""
    sys.stderr.write(f"{words}\n")


if __name__ == "__main__":
    sys.exit(main())
