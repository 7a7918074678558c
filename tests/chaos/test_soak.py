"""The soak (`python -m benchmarks --soak`) runs and judges all that it names."""

import re
import subprocess
import sys

import pytest

from config import ROOT
from tests.test_benchmarks import SOAKED


@pytest.mark.loopback
@pytest.mark.timeout(180)
def test_a_soak_has_traffic_and_judges_all_it_names(tmp_path):
    written = tmp_path / "performance.md"

    command = [sys.executable, "-m", "benchmarks", "--scale", "smoke", "--soak", "0.1"]
    subprocess.run([*command, "--output", str(written)], cwd=ROOT, check=True, timeout=170)

    text = written.read_text()
    demands, _, tables = text.partition("### Mixed traffic")
    assert "## By hand: 0.1 minutes of traffic" in demands
    assert [figure for figure in SOAKED if f"| {figure} " not in demands] == []
    assert "not measured" not in demands
    assert "| rows that `prune` leaves, the clock moved on               | 0.00 " in demands
    for happened in ("sign-ins", "pages"):
        assert re.search(rf"^\| {happened} +\| [1-9]", tables, re.MULTILINE), happened
    assert re.search(r": [1-9][0-9,]* refreshes", tables)
