"""The page that a run writes: docs/performance.md."""

from __future__ import annotations

import os
import platform
import sqlite3
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.figures import Report, markdown

PACKAGES = ("Flask", "gunicorn", "Authlib", "requests", "SQLAlchemy", "psycopg", "cryptography")
CPU_INFO = Path("/proc/cpuinfo")

HEAD = """# Performance

What a sign-in costs, beside the least that a Flask app can do and beside the usual way.
`make bench` takes {minutes:g} minutes, measures all of this again and rewrites this page;
`python -m benchmarks --quick` takes one and writes nothing.

Measured on {date}: {machine}. {versions}.
{load}

The sites run in processes of their own, one gunicorn worker each, with the settings of
[gunicorn.conf.py](../gunicorn.conf.py), together on one core; the people and the provider share the
others. **The bare limit** is [one file](../benchmarks/sites/bare.py): the two calls on one pooled
session, a signed cookie, nothing else. **Authlib as documented** is
[the usual way](../benchmarks/sites/documented.py): the OAuth registry, Flask-SQLAlchemy for people
and tokens, Flask-Login. **The provider** is [a stub](../benchmarks/stub.py) that answers at once.
Processor time is that of the site's own processes, master and worker, as the kernel counts it. In
brackets behind a median stand the lowest and the highest round.
"""
# A load average below this is the machine's own breathing.
QUIET = 0.3


def machine() -> str:
    """Return the machine in words."""
    text = CPU_INFO.read_text() if CPU_INFO.exists() else ""
    models = [line.partition(": ")[2] for line in text.splitlines() if line[:10] == "model name"]
    cores = f"{os.cpu_count()} cores"
    return f"{cores} ({models[0]})" if models else cores


def versions() -> str:
    """Return what all this ran on."""
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
        " the end): sign-ins per second and times until an answer say much about those programs,"
        " processor times are longer than on a quiet machine, and ratios less steady."
    )


def page(report: Report, *, minutes: float, before: float, after: float) -> str:
    """Return the whole page."""
    head = HEAD.format(
        minutes=minutes,
        date=datetime.now(UTC).date().isoformat(),
        machine=machine(),
        versions=versions(),
        load=load_in_words(before, after),
    )
    return "\n".join([head, *tables(report)])


def tables(report: Report) -> list[str]:
    """Return all tables, the demands first."""
    found = [markdown(table) for table in [report.demand_table(), *report.tables]]
    if report.left_out:
        left_out = "\n".join(f"- {each}" for each in report.left_out)
        found.append(f"## Left out of this run\n\n{left_out}\n")
    return found
