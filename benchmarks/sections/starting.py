"""The time and the memory of the processes until they have started."""

from __future__ import annotations

from dataclasses import dataclass, field

from benchmarks.bench import Bench
from benchmarks.commands import running_outbox, seconds_of_help
from benchmarks.figures import SECONDS_TO_START_BARE, Report, Spread, Table, difference, ratio
from benchmarks.processes import BARE, DOCUMENTED, PERCH, Program, resident_megabytes
from benchmarks.stores import Store, running_redis
from benchmarks.visitors import signed_in

MOST_SECONDS = 0.6
MOST_MB = 78
MOST_MB_OF_REDIS = 8
MOST_MB_OF_OUTBOX = 60
MOST_SECONDS_OF_HELP = 0.5


@dataclass
class Started:
    """All starts of one site."""

    program: Program
    name: str
    redis_url: str = ""
    seconds: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    used: list[float] = field(default_factory=list)  # memory after one sign-in

    def again(self, bench: Bench, store: Store) -> None:
        """Start it once more."""
        with bench.site(self.program, store=store, redis_url=self.redis_url) as site:
            self.seconds.append(site.seconds_to_first_answer)
            self.cpu.append(site.cpu_seconds())
            self.memory.append(site.megabytes())
            [browser] = signed_in(site, [1])
            browser.line.close()
            self.used.append(site.megabytes())


def run(bench: Bench) -> None:
    """Start each site and command several times, in turns."""
    store = bench.new_store()
    environ = {**bench.environ(), "DATABASE_URL": store.url}
    outbox, help_ = [], []
    sites = [Started(program, program.name) for program in (BARE, DOCUMENTED, PERCH)]
    with running_redis() as redis_url:
        if redis_url is None:
            bench.report.left_out.append("Redis: its program is not installed")
        else:
            sites.append(Started(PERCH, "Perch with Redis", redis_url))
        for _ in bench.rounds("start", bench.scale.starts):
            for each in sites:
                each.again(bench, store)
            with running_outbox(environ) as pid:
                outbox.append(resident_megabytes(pid))
            help_.append(seconds_of_help(environ))
    bare, _, perch, *with_redis = sites
    report = bench.report
    demand_seconds(report, "start of a worker", perch.seconds, MOST_SECONDS, bare)
    demand_seconds(report, "time of `flask --help`", help_, MOST_SECONDS_OF_HELP, bare)
    report.at_most("memory of a started worker", Spread.of(perch.memory), MOST_MB, " MB")
    # Redis is first used by a sign-in.
    more = difference(with_redis[0].used, perch.used) if with_redis else None
    report.at_most("memory that Redis adds to a worker", more, MOST_MB_OF_REDIS, " MB")
    report.at_most("memory of the outbox process", Spread.of(outbox), MOST_MB_OF_OUTBOX, " MB")
    report.tables.append(table(sites))


def demand_seconds(
    report: Report, figure: str, seconds: list[float], limit: float, bare: Started
) -> None:
    """Judge a time, and its ratio to the start of the bare limit."""
    most = round(limit / SECONDS_TO_START_BARE, 2)
    report.at_most(f"{figure} / start of the bare limit", ratio(seconds, bare.seconds), most)
    report.at_most(figure, Spread.of(seconds), limit, " s")


def table(sites: list[Started]) -> Table:
    """Return the table of the sites."""
    rows = [
        ("from start to first answer, s", *(Spread.of(each.seconds).text() for each in sites)),
        ("processor time until then, s", *(Spread.of(each.cpu).text() for each in sites)),
        ("memory of the worker then, MB", *(Spread.of(each.memory).text(1) for each in sites)),
        ("memory after one sign-in, MB", *(Spread.of(each.used).text(1) for each in sites)),
    ]
    says = (
        f"One worker, `GET /`, {len(sites[0].seconds)} times. The outbox process of *Demands* is"
        " `flask revocations deliver --watch` with nothing to deliver."
    )
    return Table("Start", says, ("", *(each.name for each in sites)), rows)
