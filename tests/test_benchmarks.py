"""The benchmark runs and says everything it promises. No figure is judged: this machine is busy."""

import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.figures import Demand, Report, Spread, Table, markdown, percentile, ratio
from tests.needs import need
from tests.servers import postgresql_programs

ROOT = Path(__file__).parent.parent

FIGURES = [
    "processor time of a sign-in, http: Perch / bare limit",
    "processor time of a sign-in, http: Perch / Authlib as documented",
    "processor time of a sign-in, https: Perch / Authlib as documented",
    "processor time of a warm home page / its template from constants",
    "SQL statements of a warm home page",
    "sign-ins per second at 150 ms / the limit of arithmetic",
    "home page cold at 150 ms a read / one read",
    "sign-in, SQLite: 20 people / 10",
    "memory that 2 sign-ins add to a worker",
    "new TCP connections in the first 4 sign-ins, 32 at a time",
]
ROWS = [
    "from start to first answer, s",
    "sign-ins per second",
    "one sign-in, p99, ms",
    "TCP connections for a sign-in",
    "full TLS handshakes for a sign-in",
    "`/follows/followers`",
    "the same template from constants",
    "Perch",
    "at the first answer",
]


@pytest.mark.loopback
@pytest.mark.timeout(180)
def test_the_benchmark_measures_everything_it_names(tmp_path):
    written = tmp_path / "performance.md"
    sections = ["start", "http", "https", "pages", "waiting", "sqlite", "lasting"]

    benchmark("--only", *sections, "--output", str(written))

    lines = Counter(re.findall(r"^\| (.+?) +\|", written.read_text(), re.MULTILINE))
    assert [figure for figure in FIGURES if lines[figure] != 1] == []
    assert [row for row in ROWS if not lines[row]] == []
    assert "Left out of this run" not in written.read_text()


@pytest.mark.loopback
@pytest.mark.timeout(120)
def test_the_benchmark_lets_a_postgresql_grow():
    need(postgresql_programs(), "PostgreSQL", "Try: apt-get install postgresql")

    said = benchmark("--only", "postgresql")

    assert "sign-in, PostgreSQL: 20 people / 10" in said


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


@pytest.mark.parametrize("percent, value", [(0, 1), (50, 51), (99, 100), (100, 100)])
def test_percentiles_are_values_that_occurred(percent, value):
    assert percentile(range(1, 101), percent) == value


def test_a_demand_is_judged_by_the_median():
    report = Report()

    report.at_most("memory", Spread.of([4, 5, 9]), 5, " MB")
    report.at_least("throughput", Spread.of([0.9]), 0.95)

    assert report.demands == [
        Demand("memory", "5.00 MB (4.00 to 9.00)", "at most 5 MB", holds=True),
        Demand("throughput", "0.90", "at least 0.95", holds=False),
    ]
    assert [row[3] for row in report.demand_table().rows] == ["yes", "**no**"]


def test_tables_stand_straight():
    text = markdown(Table("Title", "How.", ("a", "long"), [("wide", "1")]))

    assert text.splitlines()[4:] == ["| a    | long |", "| ---- | ---- |", "| wide | 1    |"]
