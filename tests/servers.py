"""PostgreSQL, PgBouncer and Redis of our own: on Unix sockets in a temporary folder.

Ask for `postgresql_url` (an empty database for each test), `pooled_url` (the same through
PgBouncer) or `redis_url` (an empty Redis). PostgreSQL and Redis start when the first test asks,
serve all that follow, and are gone after the tests.
"""

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg
import pytest
import redis
from sqlalchemy import make_url

from tests.needs import need

SECONDS_TO_START = 30
SECONDS_TO_STOP = 10
# How PgBouncer may lend its connections to PostgreSQL, and how many it has: for each transaction
# few will do, but a session keeps one as long as the site's own pool keeps it.
POOLED = {"transaction": 2, "session": 40}

POSTGRESQL_SETTINGS = [
    "listen_addresses=",  # no TCP
    "max_connections=300",  # several processes with 32 threads each
    # Nothing here must survive a power cut.
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
]


@pytest.fixture(scope="session")
def postgresql():
    programs = need(postgresql_programs(), "PostgreSQL", "Try: apt-get install postgresql")
    with temporary_folder() as folder:
        data = folder / "data"
        initdb = [programs / "initdb", "--pgdata", data, "--username", "perch", "--auth", "trust"]
        initdb += ["--no-sync", "--encoding", "UTF8", "--locale", "C"]
        subprocess.run(initdb, check=True, timeout=50, capture_output=True, **as_nobody(folder))
        command = [programs / "postgres", "-D", data, "-k", folder]
        for setting in POSTGRESQL_SETTINGS:
            command += ["-c", setting]
        server = PostgreSQL(folder)
        with running(command, folder, answers=server.answers):
            yield server


@pytest.fixture
def postgresql_url(postgresql):
    """Yield the SQLAlchemy URL of an empty database."""
    with postgresql.empty_database() as url:
        yield url


@pytest.fixture(params=POOLED)
def pooled_url(request, postgresql, postgresql_url):
    """Yield the SQLAlchemy URL of an empty database behind a PgBouncer, in each of its modes."""
    program = need(
        shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin"),
        "PgBouncer",
        "Try: apt-get install pgbouncer",
    )
    with temporary_folder() as folder:
        settings = folder / "pgbouncer.ini"
        settings.write_text(
            f"[databases]\n* = host={postgresql.folder} user=perch\n[pgbouncer]\n"
            f"listen_addr=\nunix_socket_dir={folder}\nauth_type=any\n"
            f"pool_mode={request.param}\ndefault_pool_size={POOLED[request.param]}\n"
        )
        behind = PostgreSQL(folder)
        with running([program, settings], folder, answers=lambda: behind.answers(port=6432)):
            name = make_url(postgresql_url).database
            yield f"postgresql+psycopg://perch@/{name}?host={folder}&port=6432"


@pytest.fixture(scope="session")
def redis_server():
    program = need(shutil.which("redis-server"), "Redis", "Try: apt-get install redis-server")
    with temporary_folder() as folder:
        server = Redis(folder)
        # "--port 0": no TCP. "--save ''": nothing is written to disk.
        command = [program, "--port", "0", "--unixsocket", server.socket, "--save", ""]
        with running(command, folder, answers=server.answers):
            yield server


@pytest.fixture
def redis_url(redis_server):
    """Return the URL of an empty Redis."""
    with redis_server.connect() as connection:
        connection.flushall()
    return redis_server.url


class Redis:
    def __init__(self, folder):
        self.socket = folder / "redis.sock"
        self.url = f"unix://{self.socket}"

    def connect(self):
        return redis.Redis.from_url(self.url)

    def answers(self):
        with self.connect() as connection, contextlib.suppress(redis.ConnectionError):
            return connection.ping()
        return False


class PostgreSQL:
    def __init__(self, folder):
        self.folder = folder
        self.numbers = itertools.count(1)

    def answers(self, **address):
        try:
            self.execute("SELECT 1", **address)
        except psycopg.OperationalError:
            return False
        return True

    def execute(self, statement, **address):
        address |= {"host": str(self.folder), "user": "perch", "dbname": "postgres"}
        with psycopg.connect(**address, autocommit=True, connect_timeout=5) as connection:
            connection.execute(statement)

    @contextlib.contextmanager
    def empty_database(self, options=""):
        name = f"perch_{next(self.numbers)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE template0 {options}")
        try:
            yield f"postgresql+psycopg://perch@/{name}?host={self.folder}"
        finally:
            # FORCE: a test that failed may have left connections behind.
            self.execute(f"DROP DATABASE {name} WITH (FORCE)")


def postgresql_programs():
    """Find the folder of PostgreSQL's programs, which Debian keeps off the PATH."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    folders = Path("/usr/lib/postgresql").glob("[0-9]*/bin")
    return max(folders, key=lambda folder: float(folder.parent.name), default=None)


def as_nobody(folder):
    """Say how to start a program in `folder`; root asks nobody, for PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return {"cwd": folder}
    nobody = pwd.getpwnam("nobody")
    return {"cwd": folder, "user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


@contextlib.contextmanager
def temporary_folder():
    """Yield a folder with a short name: the path of a Unix socket has 107 characters at most."""
    with tempfile.TemporaryDirectory(prefix="perch-") as folder:
        if os.geteuid() == 0:
            shutil.chown(folder, "nobody")
        yield Path(folder)


@contextlib.contextmanager
def running(command, folder, answers):
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, **as_nobody(folder))
    try:
        deadline = time.monotonic() + SECONDS_TO_START
        while not answers():
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"{command[0]} did not start:\n{log.read_text()}")
            time.sleep(0.05)
        yield process
    finally:
        stop(process)


def stop(process):
    process.send_signal(signal.SIGINT)  # to PostgreSQL: do not wait for those still connected
    try:
        process.wait(SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(SECONDS_TO_STOP)
