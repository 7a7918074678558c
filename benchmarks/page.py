"""The page that a run writes: docs/performance.md.

Measurements that take longer than the five minutes of a run are made by hand and have sections of
their own, each with its date. A run keeps these sections; a new measurement by hand replaces its
own section.
"""

from __future__ import annotations

import os
import platform
import re
import sqlite3
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.figures import MS_TO_SIGN_IN_TO_BARE, SECONDS_TO_START_BARE, Report, markdown
from benchmarks.parts import DATABASE, FIGURES, LOG, SECRETS, TEMPLATES
from benchmarks.processes import BARE, DOCUMENTED

PACKAGES = ("Flask", "gunicorn", "Authlib", "requests", "SQLAlchemy", "psycopg", "cryptography")
CPU_INFO = Path("/proc/cpuinfo")

HEAD = """# Performance

The cost of a sign-in, compared with the least that a Flask app can do and with the usual way.
*Demands* is the summary; the method and the raw tables follow.

Measured on {date}: {machine}. {versions}.
{load}
"""
METHOD = """## How it is measured

`make bench` takes {minutes:g} minutes, measures all of this again and rewrites this page;
`python -m benchmarks --quick` takes one and writes nothing. Longer runs are started by hand, and
their results are kept below: `python -m benchmarks --lasting` (10,000 sign-ins),
`python -m benchmarks --growing 10000000` (that many people in each database) and
`python -m benchmarks --soak 30` (so many minutes of sign-ins, pages, refreshes and logouts, a sixth
of them with a failing Twitter).

The sites run in processes of their own, one gunicorn worker each, with the settings of
[gunicorn.conf.py](../gunicorn.conf.py) and the allocator settings of
[perch.service](../deploy/systemd/perch.service), together on one core; the simulated people and the
provider share the other cores. **The bare limit** is [one file](../benchmarks/sites/bare.py): the
two calls on one pooled session, a signed cookie, nothing else. **Authlib as documented** is
[the usual way](../benchmarks/sites/documented.py): the OAuth registry, Flask-SQLAlchemy for people
and tokens, Flask-Login. **The provider** is [a stub](../benchmarks/stub.py) that answers at once.
Processor time is that of the site's own processes, master and worker, as the kernel counts it. The
brackets after a median give the lowest and the highest round.
"""
# A load average below this comes from the idle system itself.
QUIET = 0.3
BY_HAND = "## By hand: "


def machine() -> str:
    """Return the machine in words."""
    text = CPU_INFO.read_text() if CPU_INFO.exists() else ""
    models = [line.partition(": ")[2] for line in text.splitlines() if line[:10] == "model name"]
    cores = f"{os.cpu_count()} cores"
    return f"{cores} ({models[0]})" if models else cores


def versions() -> str:
    """Return the versions of Python, the packages and SQLite."""
    packages = [f"{name} {version(name)}" for name in PACKAGES]
    return ", ".join(
        [f"Python {platform.python_version()}", *packages, f"SQLite {sqlite3.sqlite_version}"]
    )


def load_in_words(before: float, during: float) -> str:
    """Say how busy the machine was with other things."""
    if before < QUIET:
        return f"Nothing else was running (load average {before:.1f} before)."
    return (
        f"Other programs were running as well (load average {before:.1f} before, {during:.1f} at"
        " the end): sign-ins per second and response times depend on those programs,"
        " processor times are longer than on a quiet machine, and ratios less steady."
    )


def page(report: Report, *, minutes: float, before: float, after: float) -> str:
    """Return the whole page."""
    head = HEAD.format(
        date=datetime.now(UTC).date().isoformat(),
        machine=machine(),
        versions=versions(),
        load=load_in_words(before, after),
    )
    demands, *others = tables(report)
    return "\n".join([head, demands, METHOD.format(minutes=minutes), *others])


def by_hand(title: str, command: str, report: Report, *, before: float, after: float) -> str:
    """Return the section of a measurement made by hand."""
    made = (
        f"Made on {datetime.now(UTC).date().isoformat()} by `{command}`: {machine()}. {versions()}."
        f"\n{load_in_words(before, after)}"
    )
    parts = [markdown(each, level=3) for each in [report.demand_table(), *report.tables]]
    left_out = "".join(f"Left out: {each}.\n" for each in report.left_out)
    return "\n".join([f"{BY_HAND}{title}\n\n{made}\n", *parts, *([left_out] if left_out else [])])


def kept_by_hand(text: str) -> dict[str, str]:
    """Return the sections of an older page that were made by hand, by their titles."""
    found = {}
    for section in re.split(r"(?m)^(?=## )", text):
        if section.startswith(BY_HAND):
            title = section.splitlines()[0].removeprefix(BY_HAND)
            found[title] = section.rstrip("\n") + "\n"
    return found


def with_by_hand(text: str, sections: Mapping[str, str]) -> str:
    """Return the page with its sections made by hand replaced by these."""
    rest = [part for part in re.split(r"(?m)^(?=## )", text) if not part.startswith(BY_HAND)]
    whole = "".join(rest).rstrip("\n") + "\n"
    return "\n".join([whole, *(sections[title] for title in sorted(sections))])


def tables(report: Report) -> list[str]:
    """Return all tables, the demands first."""
    demands = markdown(report.demand_table())
    for remark in filter(None, (other_machines(report), why_not(report))):
        demands += f"\n{remark}\n"
    found = [demands, *map(markdown, report.tables)]
    if report.left_out:
        left_out = "\n".join(f"- {each}" for each in report.left_out)
        found.append(f"## Left out of this run\n\n{left_out}\n")
    return found


def other_machines(report: Report) -> str:
    """Say how limits in seconds and milliseconds apply here, if the bare limit was measured."""
    if (here := report.known.get(BARE.name)) is None:
        return ""
    return (
        "A limit in s or ms was set on a machine on which the bare limit starts in"
        f" {SECONDS_TO_START_BARE} s, and costs {MS_TO_SIGN_IN_TO_BARE} ms a sign-in ({here:.2f} ms"
        " here). The same limit as a ratio to the bare limit applies to any machine."
    )


def why_not(report: Report) -> str:
    """Say why a sign-in over http is not compared with Authlib's, if all of it was measured."""
    known = report.known
    if not {BARE.name, DOCUMENTED.name, f"sign-in: {DATABASE}"} <= known.keys():
        return ""
    bare, documented = known[BARE.name], known[DOCUMENTED.name]
    parts = sum(known[f"sign-in: {part}"] for part in (DATABASE, TEMPLATES, SECRETS, LOG, FIGURES))
    return (
        f"Over http, 0.6 x Authlib ({0.6 * documented:.1f} ms) is not demanded: it is below what"
        f" two calls and a page cost ({bare + parts:.1f} ms: {bare:.1f} of the bare limit, and"
        f" {parts:.1f} of database, templates, sessions, log and metrics)."
    )
