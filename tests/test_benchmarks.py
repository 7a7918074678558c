"""The benchmark runs and says everything it promises. No figure is judged: this machine is busy."""

import math
import os
import re
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from benchmarks import page
from benchmarks.bench import SMOKE, Bench
from benchmarks.figures import Demand, Report, Spread, Table, markdown, percentile, ratio
from benchmarks.sections import soaking
from benchmarks.sections.soaking import Held
from benchmarks.stores import Store
from benchmarks.traffic import UNASKED, Tally
from tests.needs import need
from tests.servers import postgresql_programs

pytestmark = pytest.mark.servers

ROOT = Path(__file__).parent.parent

FIGURES = [
    "start of a worker",
    "memory of a started worker",
    "memory that Redis adds to a worker",
    "memory of the outbox process",
    "start of a worker / start of the bare limit",
    "time of `flask --help`",
    "time of `flask --help` / start of the bare limit",
    "processor time of `/`, warm",
    "processor time of `/`, warm / a sign-in to the bare limit",
    "processor time of `/tweets`, warm",
    "processor time of `/tweets`, warm / a sign-in to the bare limit",
    "most refreshes for three browsers at once",
    "processor time of a sign-in, http: Perch / bare limit",
    "processor time of a sign-in, https: Perch / Authlib as documented",
    "processor time of a warm home page / its template from constants",
    "SQL statements of a warm home page",
    "sign-ins per second at 150 ms / the limit of arithmetic",
    "home page cold at 150 ms a read / one read",
    "sign-in, SQLite: 20 people / 10",
    "memory that 10,000 sign-ins add to a worker",
    "new TCP connections in the first 1,000 sign-ins, 30 at a time",
]
ROWS = [
    "from start to first answer, s",
    "sign-ins per second",
    "one sign-in, p99, ms",
    "TCP connections for a sign-in",
    "full TLS handshakes for a sign-in",
    "`/follows/followers`",
    "the same template from constants",
    "calls to the provider",
    "time of the slowest page, ms",
    "gunicorn, its access log, and the system's share",
    "Perch",
    "at the first answer",
]


@pytest.mark.loopback
@pytest.mark.timeout(180)
def test_the_benchmark_measures_everything_it_names(tmp_path):
    """And keeps what was measured by hand before."""
    written = tmp_path / "performance.md"
    by_hand = "## By hand: 30 people in SQLite"
    rest = ["start", "http", "https", "spending", "template", "pages", "refresh", "waiting"]
    rest.append("lasting")

    benchmark("--growing", "30", "--only", "sqlite", "--output", str(written))
    benchmark("--only", "sqlite", *rest, "--output", str(written))

    text = written.read_text()
    lines = Counter(re.findall(r"^\| (.+?) +\|", text, re.MULTILINE))
    assert [figure for figure in FIGURES if lines[figure] != 1] == []
    assert [row for row in ROWS if not lines[row]] == []
    assert "0.6 x Authlib" in text
    assert "Left out of this run" not in text
    assert text.count(by_hand) == 1
    assert text.index("## Start") < text.index(by_hand)
    assert "sign-in, SQLite: 30 people / 10" in text.partition(by_hand)[2]
    assert "`python -m benchmarks --growing 30 --only sqlite`" in text


@pytest.mark.loopback
@pytest.mark.timeout(120)
def test_the_benchmark_lets_a_postgresql_grow():
    need(postgresql_programs(), "PostgreSQL", "Try: apt-get install postgresql")

    said = benchmark("--only", "postgresql")

    assert "sign-in, PostgreSQL: 20 people / 10" in said


SOAKED = [
    "memory that a worker gains after the first sixth",
    "memory that the outbox process gains after the first sixth",
    "threads at the end, more than after the first sixth",
    "sockets at the end, more than after the first sixth",
    "answers 5xx, or none",
    "browsers signed out that need not be",
    "rows that `prune` leaves, the clock moved on",
]


def test_a_soak_that_leaves_something_over_does_not_hold():
    """One worker grew and the other was replaced; one browser was signed out, one answer broken."""
    tally = Tally()
    tally.answered("/tweets", 503)
    tally.add(UNASKED)
    first = Held({1: 70.0, 2: 70.0}, 50.0, threads=40, sockets=20)
    last = Held({1: 75.1, 3: 60.0}, 55.1, threads=41, sockets=21)
    over = bench(section_ends=math.inf)

    soaking.demand(over, [first, last], {False: Tally(), True: tally}, {"sessions": 1})

    assert [each.figure for each in over.report.demands] == SOAKED
    assert [each.holds for each in over.report.demands] == [False] * len(SOAKED)
    assert over.report.demands[0].measured == "60.00 MB"  # all of a new worker is growth
    assert over.report.left_out == ["rows that `prune` leaves: {'sessions': 1}"]


def test_a_soak_that_leaves_nothing_over_holds():
    held = [
        Held({1: 70.0}, 50.0, threads=40, sockets=20),
        Held({1: 75.0}, 49.0, threads=39, sockets=2),
    ]
    over = bench(section_ends=math.inf)

    soaking.demand(over, held, {False: Tally(), True: Tally()}, {})

    assert {each.holds for each in over.report.demands} == {True}


def test_rows_move_back_whatever_their_moments_are_kept_in(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'rows.db'}")
    with sqlite3.connect(tmp_path / "rows.db") as connection:
        connection.execute("CREATE TABLE t (id INTEGER, at DATETIME, day DATE, unix DOUBLE)")
        connection.execute(
            "INSERT INTO t VALUES (7, '2026-03-02 01:02:03.456000', '2026-03-02', 86401.5)"
        )

    store.move_back(1)

    with sqlite3.connect(tmp_path / "rows.db") as connection:
        rows = connection.execute("SELECT * FROM t").fetchall()
    assert rows == [(7, "2026-03-01 01:02:03.456000", "2026-03-01", 1.5)]
    assert store.rows() == {"t": 1}


def benchmark(*options):
    command = [sys.executable, "-m", "benchmarks", "--scale", "smoke", *options]
    environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=170, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# Figures


def test_ratios_are_taken_round_by_round():
    assert ratio([2.0, 9.0, 4.0], [1.0, 3.0, 4.0]).values == (2.0, 3.0, 1.0)


def test_a_spread_says_its_median_first():
    assert Spread.of([3, 1, 2]).text() == "2.00 (1.00 to 3.00)"
    assert Spread.of([3]).text(0) == "3"


def test_percentiles_are_values_that_occurred():
    assert [percentile(range(1, 101), percent) for percent in (0, 50, 99, 100)] == [1, 51, 100, 100]


def test_a_demand_is_judged_by_the_median():
    report = Report()

    report.at_most("memory", Spread.of([4, 5, 9]), 5, " MB")
    report.at_least("throughput", Spread.of([0.9]), 0.95)

    assert report.demands == [
        Demand("memory", "5.00 MB (4.00 to 9.00)", "at most 5 MB", holds=True),
        Demand("throughput", "0.90", "at least 0.95", holds=False),
    ]
    assert [row[3] for row in report.demand_table().rows] == ["yes", "**no**"]


def test_what_was_not_measured_is_not_judged():
    report = Report()

    report.at_most("memory", None, 5, " MB")

    assert report.demands == [Demand("memory", "", "at most 5 MB", holds=None)]
    assert [row[3] for row in report.demand_table().rows] == ["not measured"]


def test_sections_made_by_hand_stay_where_they_are():
    a, b = "## By hand: a\n\nA\n", "## By hand: b\n\nB\n\n### Table\n\n1\n"
    old, new = f"# Page\n\n## Demands\n\nold\n\n{b}\n{a}", "# Page\n\n## Demands\n\nnew\n"

    text = page.with_by_hand(new, page.kept_by_hand(old))

    assert text == f"{new}\n{a}\n{b}"
    assert page.with_by_hand(text, page.kept_by_hand(text)) == text


def test_rounds_that_are_compared_are_done_whatever_the_time():
    over = bench(section_ends=-1.0)

    assert list(over.rounds("some", 9, least=5)) == [0, 1, 2, 3, 4]
    assert over.report.left_out == ["some: 4 of 9 rounds"]
    assert list(bench(section_ends=-1.0, ends=-1.0).rounds("some", 9, least=5)) == [0]


def bench(*, section_ends, ends=math.inf):
    return Bench(SMOKE, None, None, Path(), ends, section_ends)


def test_tables_stand_straight():
    text = markdown(Table("Title", "How.", ("a", "long"), [("wide", "1")]))

    assert text.splitlines()[4:] == ["| a    | long |", "| ---- | ---- |", "| wide | 1    |"]
