"""The cost of a warm page, compared with its own template rendered from constants."""

from __future__ import annotations

from contextlib import closing

from benchmarks.bench import Bench
from benchmarks.figures import Spread, Table, ratio
from benchmarks.processes import CONSTANT, PERCH
from benchmarks.visitors import Browser, Line, signed_in, view

HOME = "/"
MOST_OF_CONSTANT = 1.6


def run(bench: Bench) -> None:
    """View both in turns."""
    with (
        bench.site(PERCH) as site,
        bench.site(CONSTANT) as constant,
        closing(Line(constant.port)) as line,
    ):
        browsers = signed_in(site, range(1, bench.scale.people + 1))
        strangers = [Browser(line) for _ in browsers]
        for _ in range(2):  # the first views fill the cache and compile the template
            view(site, browsers, HOME).checked()
            view(constant, strangers, HOME).checked()
        ours, theirs = [], []
        for _ in bench.rounds(
            "home page and template", bench.scale.rounds, least=bench.scale.least_rounds
        ):
            theirs.append(view(constant, strangers, HOME).checked().cpu_ms)
            ours.append(view(site, browsers, HOME).checked().cpu_ms)
    name = "processor time of a warm home page / its template from constants"
    bench.report.at_most(name, ratio(ours, theirs), MOST_OF_CONSTANT)
    rows = [
        ("home page, cache warm", Spread.of(ours).text()),
        ("the same template from constants", Spread.of(theirs).text()),
    ]
    says = (
        "Milliseconds of processor time. The second is a Flask route that renders all of "
        "our page's data; the page itself keeps the HTML of Tweets and Spaces."
    )
    bench.report.tables.append(Table("Home page and template", says, ("", "ms"), rows))
