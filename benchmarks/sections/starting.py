"""The time and the resources that a site takes until its first answer."""

from __future__ import annotations

from benchmarks.bench import Bench
from benchmarks.figures import Spread, Table
from benchmarks.processes import BARE, DOCUMENTED, PERCH


def run(bench: Bench) -> None:
    """Start each site several times, in turns."""
    programs = (BARE, DOCUMENTED, PERCH)
    store = bench.new_store()
    seconds: dict[str, list[float]] = {program.name: [] for program in programs}
    cpu: dict[str, list[float]] = {program.name: [] for program in programs}
    memory: dict[str, list[float]] = {program.name: [] for program in programs}
    for _ in bench.rounds("start", bench.scale.starts):
        for program in programs:
            with bench.site(program, store=store) as site:
                seconds[program.name].append(site.seconds_to_first_answer)
                cpu[program.name].append(site.cpu_seconds())
                memory[program.name].append(site.megabytes())
    rows = [
        ("from start to first answer, s", *(Spread.of(each).text() for each in seconds.values())),
        ("processor time until then, s", *(Spread.of(each).text() for each in cpu.values())),
        ("memory of the worker then, MB", *(Spread.of(each).text(1) for each in memory.values())),
    ]
    says = f"One worker, `GET /`, {bench.scale.starts} times."
    bench.report.tables.append(
        Table("Start", says, ("", *(program.name for program in programs)), rows)
    )
