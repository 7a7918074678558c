"""Where the processor time of a sign-in goes, and that of a warm home page."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing

from benchmarks.bench import Bench
from benchmarks.figures import Spread, Table
from benchmarks.parts import BEYOND
from benchmarks.processes import WATCHED, Site
from benchmarks.sites import SPENT_HEADER
from benchmarks.visitors import STEPS, Line, SignIn, signed_in


def run(bench: Bench) -> None:
    """Let people sign in and look around, one at a time, and add up what each answer says."""
    people = itertools.count(1)
    with bench.site(WATCHED) as site, closing(Line(site.port)) as line:
        some = [SignIn(site.program, line, number) for number in itertools.islice(people, 20)]
        spent(site, [signing_in(person) for person in some])
        browsers = signed_in(site, itertools.islice(people, bench.scale.people))
        for _ in range(2):
            for browser in browsers:
                browser.get("/")
        sign_ins, views = [], []
        for _ in bench.rounds("where the time goes", bench.scale.rounds):
            some = [
                SignIn(site.program, line, number)
                for number in itertools.islice(people, bench.scale.steps)
            ]
            sign_ins.append(spent(site, [signing_in(person) for person in some]))
            views.append(spent(site, [lambda b=each: [b.get("/")] for each in browsers]))
    medians = [median(rounds) for rounds in (sign_ins, views)]
    bench.report.known |= {f"sign-in: {part}": ms for part, ms in medians[0].items()}
    parts = sorted({*medians[0], *medians[1]} - {BEYOND}, key=lambda part: -medians[0][part])
    rows = [(part, *(cell(each, part) for each in medians)) for part in [*parts, BEYOND]]
    rows.append(("together", *(f"{sum(each.values()):.2f}" for each in medians)))
    says = (
        "Milliseconds of processor time, one person at a time, over http. Each part is charged only"
        " for its own work, by the clock of its thread; the last one is the rest of the process's"
        f" time. Medians of {len(sign_ins)} rounds. Measuring takes some time, too: compare"
        " shares, not sums."
    )
    header = ("", "a sign-in", "a warm home page")
    bench.report.tables.append(Table("Where the time goes", says, header, rows))


def signing_in(person: SignIn) -> Callable[[], Iterable[object]]:
    """Return how a person signs in, answer by answer."""

    def answers() -> Iterable[object]:
        for number in range(len(STEPS)):
            person.step(number)
            yield person.browser.last

    return answers


def spent(site: Site, jobs: list[Callable[[], Iterable[object]]]) -> Counter[str]:
    """Do the jobs; return the milliseconds that each part took for one of them."""
    parts: Counter[str] = Counter()
    before = site.cpu_seconds()
    for job in jobs:
        for answer in job():
            parts.update(json.loads(answer.header(SPENT_HEADER)))
    parts[BEYOND] = site.cpu_seconds() - before - parts.total()
    return Counter({part: 1000 * seconds / len(jobs) for part, seconds in parts.items()})


def median(rounds: list[Counter[str]]) -> Counter[str]:
    """Return the median of each part."""
    parts = {part for each in rounds for part in each}
    return Counter({part: Spread.of([each[part] for each in rounds]).median for part in parts})


def cell(medians: Counter[str], part: str) -> str:
    """Return the milliseconds, and their share."""
    ms = medians.get(part, 0.0)
    return f"{ms:.2f} ({100 * ms / medians.total():.0f} %)" if ms else ""
