"""Whether mixed traffic, a sixth of it with a failing Twitter, leaves anything over."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.commands import run_flask, running_outbox
from benchmarks.figures import Spread, Table
from benchmarks.processes import (
    PERCH,
    Site,
    resident_megabytes,
    running_site,
    sockets,
    threads,
)
from benchmarks.soak_twitter import SoakTwitter, running_sandbox
from benchmarks.stores import running_redis
from benchmarks.traffic import (
    BROKEN,
    FAILED_SIGN_IN,
    LOGGED_OUT,
    PAGE,
    SIGN_IN,
    UNASKED,
    Tally,
    Traffic,
)

SIXTHS = 6
FAILING = 2  # the third sixth: memory was settled before, and there is time to recover
PEOPLE = 4  # for each that looks at pages elsewhere
VISITORS = 6
WORKERS = 2
THREADS = 16  # few enough for the warm-up to fill the pools
# Of many at once, with a provider so slow that all threads and connections are in use.
MOST_WARM_UP_SECONDS = 20.0
WARM_UP_LATENCY_MS = 300
# Of an access token: at most a fifth of a sixth, so that short runs have refreshes, too.
MOST_TOKEN_SECONDS, LEAST_TOKEN_SECONDS = 40, 2
MOST_GROWTH_MB = 5.0
# `prune` ends sessions, later deletes them, and later still deletes the people who left.
PRUNES = 3
DAYS_BETWEEN_PRUNES = 400
SECONDS_TO_SETTLE = 20.0
LOOK_EVERY_SECONDS = 1.0
REFRESHED = "token.refreshed"


@dataclass(frozen=True)
class Held:
    """The memory, threads and sockets of the processes at rest."""

    megabytes: dict[int, float]  # of each worker, by its process id
    outbox_megabytes: float
    threads: int  # of all workers together, as the sockets
    sockets: int

    @classmethod
    def of(cls, site: Site, outbox: int) -> Held:
        """Return the figures of this moment."""
        return cls(
            {pid: resident_megabytes(pid) for pid in site.workers},
            resident_megabytes(outbox),
            sum(map(threads, site.workers)),
            sum(map(sockets, site.workers)),
        )

    def row(self, name: str) -> tuple[str, ...]:
        """Return its line of the table."""
        memory = " and ".join(f"{each:.1f}" for each in self.megabytes.values())
        outbox = f"{self.outbox_megabytes:.1f}"
        return (name, memory, outbox, str(self.threads), str(self.sockets))


def run(bench: Bench) -> None:
    """Let people come for the minutes of the scale; look at the processes after each sixth."""
    accounts = [f"bird_{number}" for number in range(PEOPLE * bench.scale.people)]
    store = bench.new_store()
    log = bench.folder / "soak.log"
    sixth = 60 * bench.scale.soaking / SIXTHS
    token_seconds = round(max(LEAST_TOKEN_SECONDS, min(MOST_TOKEN_SECONDS, sixth / 5)))
    with running_sandbox(accounts, bench.folder) as twitter, running_redis() as redis_url:
        own = {"DATABASE_URL": store.url, **caching(redis_url, token_seconds // 2)}
        own |= {"WEB_CONCURRENCY": str(WORKERS), "GUNICORN_THREADS": str(THREADS)}
        environ = {**bench.environ(), **twitter.settings, **own}
        with running_site(PERCH, environ, log) as site, running_outbox(environ) as outbox:
            twitter.register(site.url, token_seconds=token_seconds)
            warm_up(min(sixth, MOST_WARM_UP_SECONDS), site, twitter, accounts)
            traffic = Traffic(site.port, twitter, accounts, visitors=min(VISITORS, len(accounts)))
            held, tallies = soaked(sixth, site, outbox, traffic, twitter)
        written = store.rows()
        for _ in range(PRUNES):
            store.move_back(DAYS_BETWEEN_PRUNES)
            run_flask(environ, "revocations", "deliver")
            run_flask(environ, "prune")
    demand(bench, held, tallies, store.rows())
    says = (
        f"{len(accounts)} people with two browsers each, {VISITORS} at a time, {WORKERS} workers."
        f" Access tokens live {token_seconds} s: {refreshes(log):,} refreshes. In the third sixth"
        " Twitter refuses most calls, closes some connections, and lets a few calls hang. At the"
        f" end the database held {sum(written.values()):,} rows."
    )
    bench.report.tables.append(traffic_table(tallies, says))
    bench.report.tables.append(held_table(held))


def caching(redis_url: str | None, seconds: int) -> dict[str, str]:
    """Return settings that keep the cache out of a worker, where it may grow to 64 MB."""
    if redis_url is None:
        return {"CACHE_SECONDS": "0"}
    return {"REDIS_URL": redis_url, "CACHE_SECONDS": str(seconds)}


def warm_up(seconds: float, site: Site, twitter: SoakTwitter, accounts: list[str]) -> None:
    """Let the workers fill their pools of threads and connections: later ones are left over."""
    twitter.slow_down(WARM_UP_LATENCY_MS)
    crowd = Traffic(site.port, twitter, accounts, visitors=len(accounts))
    crowd.run(seconds, Tally())  # some are turned away, as is promised
    twitter.recover()


def soaked(
    seconds: float, site: Site, outbox: int, traffic: Traffic, twitter: SoakTwitter
) -> tuple[list[Held], dict[bool, Tally]]:
    """Let people come for six times `seconds`.

    Return what is held after each sixth, and what happened while Twitter answered (False) and
    while it failed (True).
    """
    held = []
    tallies = {False: Tally(), True: Tally()}
    for sixth in range(SIXTHS):
        if sixth == FAILING:
            twitter.fail()
        traffic.run(seconds, tallies[sixth == FAILING])
        twitter.recover()
        held.append(at_rest(site, outbox))
    return held, tallies


def at_rest(site: Site, outbox: int) -> Held:
    """Return what is held once threads and sockets no longer change."""
    deadline = time.monotonic() + SECONDS_TO_SETTLE
    before, now = None, Held.of(site, outbox)
    while time.monotonic() < deadline and before != (now.threads, now.sockets):
        before = (now.threads, now.sockets)
        time.sleep(LOOK_EVERY_SECONDS)
        now = Held.of(site, outbox)
    return now


def demand(
    bench: Bench, held: list[Held], tallies: dict[bool, Tally], left: dict[str, int]
) -> None:
    """Judge what is held after the first sixth, and what happened."""
    first, *later = held
    report = bench.report
    growth = max(
        memory - first.megabytes.get(pid, 0)
        for each in later
        for pid, memory in each.megabytes.items()
    )
    outbox = max(each.outbox_megabytes for each in later) - first.outbox_megabytes
    for name, gained in (("a worker", growth), ("the outbox process", outbox)):
        figure = f"memory that {name} gains after the first sixth"
        report.at_most(figure, Spread.of([gained]), MOST_GROWTH_MB, " MB")
    counts: Counter[str] = Counter()
    for tally in tallies.values():
        counts.update(tally.counts)
    none = {
        "threads at the end, more than after the first sixth": later[-1].threads - first.threads,
        "sockets at the end, more than after the first sixth": later[-1].sockets - first.sockets,
        BROKEN: counts[BROKEN],
        UNASKED: counts[UNASKED],
        "rows that `prune` leaves, the clock moved on": sum(left.values()),
    }
    for figure, count in none.items():
        report.at_most(figure, Spread.of([float(count)]), 0)
    if left:
        report.left_out.append(f"rows that `prune` leaves: {left}")


def traffic_table(tallies: dict[bool, Tally], says: str) -> Table:
    """Return what happened, while Twitter answered and while it failed."""
    sides = tallies.values()
    rows = [
        (what, *(f"{each.counts[what]:,}" for each in sides))
        for what in (SIGN_IN, FAILED_SIGN_IN, PAGE, LOGGED_OUT, UNASKED, BROKEN)
    ]
    for what, counts in (("answers", "statuses"), ("broken:", "broken")):
        counters = [getattr(each, counts) for each in sides]
        rows += [
            (f"{what} {key}", *(f"{each[key]:,}" for each in counters))
            for key in sorted(set().union(*counters))
        ]
    return Table("Mixed traffic", says, ("", "Twitter answers", "Twitter fails"), rows)


def held_table(held: list[Held]) -> Table:
    """Return what the processes held after each sixth."""
    rows = [each.row(f"after sixth {number}") for number, each in enumerate(held, 1)]
    says = "At rest, with no visitor connected. Threads and sockets of all workers together."
    header = ("", "memory of the workers, MB", "of the outbox process, MB", "threads", "sockets")
    return Table("Threads, sockets and memory", says, header, rows)


def refreshes(log: Path) -> int:
    """Return how many refreshes the site has logged."""
    with log.open(errors="replace") as lines:
        return sum(REFRESHED in line for line in lines)
