"""The operator's commands (`flask --app wsgi ...`), as processes of their own."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping

from benchmarks.processes import (
    ROOT,
    SECONDS_TO_START,
    SECONDS_TO_STOP,
    SITE_CORES,
    NotStarted,
    cpu_seconds,
    pin,
)

FLASK = (sys.executable, "-m", "flask", "--app", "wsgi")
SECONDS_TO_RUN = 120
# A process that used no processor time for so long has finished its start.
SECONDS_OF_REST = 0.5


def run_flask(environ: Mapping[str, str], *words: str) -> str:
    """Run a command to its end and return its output. Raises `NotStarted` if it fails."""
    done = subprocess.run(
        [*FLASK, *words],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=SECONDS_TO_RUN,
        check=False,
    )
    if done.returncode:
        raise NotStarted(done.stderr)
    return done.stdout


def upgrade(environ: Mapping[str, str]) -> None:
    """Bring the database of these settings to the newest version."""
    run_flask(environ, "db", "upgrade")


def seconds_of_help(environ: Mapping[str, str]) -> float:
    """Return how long `flask --help` takes."""
    began = time.perf_counter()
    run_flask(environ, "--help")
    return time.perf_counter() - began


@contextlib.contextmanager
def running_outbox(environ: Mapping[str, str]) -> Iterator[int]:
    """Run `flask revocations deliver --watch` for as long as the block lasts; yield its id."""
    process = subprocess.Popen(
        [*FLASK, "revocations", "deliver", "--watch"],
        cwd=ROOT,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    pin(process.pid, SITE_CORES)
    try:
        wait_for_rest(process)
        yield process.pid
    finally:
        process.kill()
        process.wait(SECONDS_TO_STOP)


def wait_for_rest(process: subprocess.Popen[bytes]) -> None:
    """Return when a process has started and waits."""
    deadline = time.monotonic() + SECONDS_TO_START
    before = -1.0
    while (now := cpu_seconds(process.pid)) > before:
        if process.poll() is not None or time.monotonic() > deadline:
            raise NotStarted("flask revocations deliver --watch")
        before = now
        time.sleep(SECONDS_OF_REST)
