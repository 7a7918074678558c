"""The processes of a run: started here, pinned to a core, watched, and stopped by their ids."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.certificates import Certificates

ROOT = Path(__file__).resolve().parent.parent

SECONDS_TO_START = 30
SECONDS_TO_STOP = 10
POLL_SECONDS = 0.005
MOST_OF_A_LOG = 3000
THREADS = 32

# As in deploy/systemd/perch.service: else each thread keeps memory that no other one may have.
ALLOCATOR = {"MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": "131072"}

# The site alone on one core; whoever keeps it busy shares the others.
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
SITE_CORES = CORES[:1]
OTHER_CORES = CORES[1:] or CORES


@dataclass(frozen=True)
class Program:
    """A WSGI application that gunicorn runs."""

    name: str
    wsgi: str


PERCH = Program("Perch", "wsgi:app")
BARE = Program("bare limit", "benchmarks.sites.bare:app")
DOCUMENTED = Program("Authlib as documented", "benchmarks.sites.documented:app")
COUNTED = Program("Perch, counting statements", "benchmarks.sites.counted:app")
WATCHED = Program("Perch, watching itself", "benchmarks.sites.watched:app")
CONSTANT = Program("template from constants", "benchmarks.sites.constant:app")


class NotStarted(Exception):
    """A program ended, or did not answer in time."""


@dataclass
class Stub:
    """The running provider."""

    ports: dict[str, int]

    def url(self, *, tls: bool) -> str:
        return f"https://127.0.0.1:{self.ports['https']}" if tls else self.http_url

    @property
    def http_url(self) -> str:
        return f"http://127.0.0.1:{self.ports['http']}"

    def counted(self) -> tuple[dict[str, int], dict[str, int]]:
        """Return the connections it has accepted and the calls it has answered, by kind."""
        return self._ask("/")

    def set_latency(self, milliseconds: float) -> None:
        """Let every answer wait so long from now on."""
        self._ask(f"/latency?{milliseconds}")

    def _ask(self, target: str) -> tuple[dict[str, int], dict[str, int]]:
        line = http.client.HTTPConnection("127.0.0.1", self.ports["control"], timeout=10)
        with contextlib.closing(line):
            line.request("GET", target)
            document = json.loads(line.getresponse().read())
        return document["connections"], document["calls"]


@dataclass
class Site:
    """A running site: where it answers, and what its processes have used."""

    program: Program
    port: int
    pid: int
    seconds_to_first_answer: float
    # Processes that work for this site alone: a database, for one.
    helpers: list[int] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def workers(self) -> list[int]:
        return children(self.pid)

    def cpu_seconds(self) -> float:
        """Return the processor time of all its processes so far, those of helpers included."""
        pids = [self.pid, *self.workers]
        for helper in self.helpers:
            pids += [helper, *children(helper)]
        return sum(map(cpu_seconds, pids))

    def megabytes(self) -> float:
        """Return the resident memory of a worker."""
        return statistics.fmean(resident_megabytes(pid) for pid in self.workers)


def children(pid: int) -> list[int]:
    """Return the processes that `pid` has started and that still run."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except FileNotFoundError:
        return []
    return [int(child) for child in text.split()]


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process, all its threads included, to the nanosecond.

    /proc/<pid>/stat counts hundredths of a second, too coarse for a page of two milliseconds. The
    kernel's own clock of the process (`clock_getcpuclockid`) is the same figure unrounded.
    """
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return 0.0  # it has just ended


def resident_megabytes(pid: int) -> float:
    """Return what of a process's memory is in memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024 / 1024


def threads(pid: int) -> int:
    """Return how many threads a process has."""
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def sockets(pid: int) -> int:
    """Return how many sockets a process has open, those that listen included."""
    found = 0
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            found += path.readlink().name.startswith("socket:")
    return found


def pin(pid: int, cores: list[int]) -> None:
    """Keep a process on these cores, where the system can do that."""
    if cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(pid, cores)


def environment(stub: Stub, certificates: Certificates, *, tls: bool) -> dict[str, str]:
    """Return an operator's settings. What is empty counts as unset, whatever `.env` may say."""
    provider = stub.url(tls=tls)
    return {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        **ALLOCATOR,
        "WEB_CONCURRENCY": "1",
        "GUNICORN_THREADS": str(THREADS),
        "TWITTER_AUTHORIZE_URL": f"{provider}/i/oauth2/authorize",
        "TWITTER_API_URL": f"{provider}/2",
        "TWITTER_CLIENT_ID": "birdhouse",
        "TWITTER_CLIENT_SECRET": "a-secret-nest-among-the-leaves",
        "TWITTER_DIALECT": "live",
        "SECRET_KEY": "forty-two-feathers-lined-up-on-a-garden-wall",
        "TOKEN_KEYS": base64.urlsafe_b64encode(b"w" * 32).decode(),
        # All sign-ins come from one address here.
        "RATELIMIT_ENABLED": "off",
        "CACHE_SECONDS": "3600",
        # Perch reads the first and certifi's; requests reads the second instead of certifi's.
        "SSL_CERT_FILE": str(certificates.authority),
        "REQUESTS_CA_BUNDLE": str(certificates.bundle),
        # In its own transport Authlib insists on https.
        "AUTHLIB_INSECURE_TRANSPORT": "1",
        **dict.fromkeys(
            ("REDIS_URL", "TRUSTED_PROXIES", "APP_NAME", "PROVIDER_NAME", "METRICS_TOKEN"), ""
        ),
    }


@contextlib.contextmanager
def running_stub(certificates: Certificates) -> Iterator[Stub]:
    """Run the provider for as long as the block lasts."""
    files = [str(certificates.chain), str(certificates.key)]
    command = [sys.executable, "-m", "benchmarks.stub", *files]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    pin(process.pid, OTHER_CORES)
    try:
        assert process.stdout is not None  # noqa: S101 - it is a pipe
        said = process.stdout.readline()
        if not said:
            raise NotStarted("the stub ended by itself")
        yield Stub(json.loads(said))
    finally:
        process.kill()
        process.wait(SECONDS_TO_STOP)
        if process.stdout is not None:
            process.stdout.close()


@contextlib.contextmanager
def running_site(
    program: Program, environ: Mapping[str, str], log: Path, *, warm_path: str = "/"
) -> Iterator[Site]:
    """Run one gunicorn worker on a core of its own for as long as the block lasts.

    gunicorn's settings are those of Perch for every site, access log included.
    """
    with socket.socket() as line:  # bound and not listening: no other process is given this port
        line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        line.bind(("127.0.0.1", 0))
        port = line.getsockname()[1]
        address = f"http://127.0.0.1:{port}"
        began = time.perf_counter()
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", program.wsgi],
                cwd=ROOT,
                env={**environ, "PORT": str(port), "PUBLIC_URL": address},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # its process id names its group: workers end with it
            )
        pin(process.pid, SITE_CORES)
        try:
            wait_for_answer(process, port, warm_path, log)
            yield Site(program, port, process.pid, time.perf_counter() - began)
        finally:
            # Nothing here is worth a grace period: its database ends with it.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(SECONDS_TO_STOP)


def wait_for_answer(process: subprocess.Popen[bytes], port: int, path: str, log: Path) -> None:
    """Return when the site has answered 200."""
    deadline = time.monotonic() + SECONDS_TO_START
    while not answers(port, path):
        if process.poll() is not None or time.monotonic() > deadline:
            raise NotStarted(log.read_text(errors="replace")[-MOST_OF_A_LOG:])
        time.sleep(POLL_SECONDS)


def answers(port: int, path: str) -> bool:
    """Tell whether a site answers 200 there."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.closing(line), contextlib.suppress(OSError):
        line.request("GET", path)
        return line.getresponse().status == http.client.OK
    return False
