"""A site as an operator runs it: gunicorn on a port of its own, told everything by environment."""

import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from tests.factories import APP_NAME, token_key

ROOT = Path(__file__).parent.parent.parent
CLIENT_ID = "birdhouse"
CLIENT_SECRET = "a-secret-nest-among-the-leaves"
SECRET_KEY = "forty-two-feathers-lined-up-on-a-garden-wall"

SECONDS_TO_START = 50
SECONDS_TO_STOP = 20
SECONDS_TO_HAPPEN = 40  # on a busy machine; usually it is a moment

GUNICORN = ["-m", "gunicorn", "-c", "gunicorn.conf.py"]


@dataclass
class Site:
    """A running site, and what it leaves behind."""

    address: str  # where this process listens
    url: str  # where people find the site: PUBLIC_URL
    environ: dict[str, str]
    log: Path
    process: subprocess.Popen = field(repr=False)

    def logged(self):
        return self.log.read_text(errors="replace")

    @contextlib.contextmanager
    def database(self):
        """Open the SQLite file beside the site, and commit at the end."""
        path = self.environ["DATABASE_URL"].removeprefix("sqlite:///")
        with contextlib.closing(sqlite3.connect(path, timeout=5)) as connection, connection:
            yield connection

    def stop(self):
        """Ask gunicorn to stop, and leave nothing of it behind."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)  # at once, without waiting for idle browsers
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(SECONDS_TO_STOP)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(SECONDS_TO_STOP)


class Sites:
    """Starts sites against one sandbox and stops them all."""

    def __init__(self, folder, empty_database):
        self.folder = folder
        self.empty_database = empty_database
        self.running = []
        self.ports = []

    def start(self, twitter, *, gunicorn=("wsgi:app",), beside=None, **settings):
        """Start gunicorn with these settings, and register the site's callback at `twitter`.

        With `beside`, it is another machine of that site: same public address, same settings.
        """
        port = self._reserve_port()
        address = f"http://127.0.0.1:{port}"
        number = len(self.running)
        if beside is None:
            database = self.folder / f"perch-{number}.db"
            environ = environment(twitter, PUBLIC_URL=address, DATABASE_URL=f"sqlite:///{database}")
            environ |= settings
            if environ["DATABASE_URL"] == f"sqlite:///{database}":
                database.write_bytes(self.empty_database.read_bytes())
        else:
            environ = beside.environ | settings
        environ |= {"PORT": str(port)}
        log = self.folder / f"site-{number}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, *GUNICORN, *gunicorn],
                cwd=ROOT,
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # its process id names its group: workers end with it
            )
        site = Site(address, environ["PUBLIC_URL"], environ, log, process)
        self.running.append(site)
        self.introduce(site, twitter)
        wait_until(lambda: answers(site), SECONDS_TO_START, site.logged)
        return site

    def introduce(self, site, twitter):
        """Register the site's client and callback at a sandbox, as in the developer portal."""
        if site.environ["TWITTER_CLIENT_ID"]:
            twitter.register_client(
                f"{site.url}/auth/callback",
                client_id=site.environ["TWITTER_CLIENT_ID"],
                client_secret=site.environ["TWITTER_CLIENT_SECRET"] or None,
                confidential=bool(site.environ["TWITTER_CLIENT_SECRET"]),
                name=APP_NAME,
            )

    def stop(self):
        for site in self.running:
            site.process.send_signal(signal.SIGQUIT)
        for site in self.running:
            site.stop()
        for port in self.ports:
            port.close()

    def _reserve_port(self):
        """Keep a port for gunicorn: bound and not listening, so that nobody else is given it."""
        line = socket.socket()
        line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        line.bind(("127.0.0.1", 0))
        self.ports.append(line)
        return line.getsockname()[1]


def environment(twitter, **settings):
    """Return an operator's settings. What is empty counts as unset, whatever `.env` may say."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "WEB_CONCURRENCY": "1",
        "TWITTER_AUTHORIZE_URL": twitter.authorize_url,
        "TWITTER_API_URL": twitter.api_url,
        "TWITTER_CLIENT_ID": CLIENT_ID,
        "TWITTER_CLIENT_SECRET": CLIENT_SECRET,
        "TWITTER_DIALECT": "live",
        "SECRET_KEY": SECRET_KEY,
        "TOKEN_KEYS": token_key("w"),
        "RATELIMIT_ENABLED": "off",
        "REDIS_URL": "",
        "TRUSTED_PROXIES": "",
        "APP_NAME": APP_NAME,
        "PROVIDER_NAME": "",
        "CACHE_SECONDS": "",
        "METRICS_TOKEN": "",
        "TWITTER_BEARER_TOKEN": "",
        "TWITTER_CONSUMER_SECRET": "",
        "GUNICORN_THREADS": "",
    } | settings


def upgrade(environ):
    """Bring the database of these settings to the newest version, by the operator's command."""
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"]
    done = subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=50, check=False
    )
    assert done.returncode == 0, done.stderr


def answers(site):
    if site.process.poll() is not None:
        pytest.fail(f"gunicorn ended by itself:\n{site.logged()}")
    with contextlib.suppress(requests.RequestException):
        return requests.get(f"{site.address}/healthz", timeout=5).status_code == 200
    return False


def wait_until(happened, seconds=SECONDS_TO_HAPPEN, explain=lambda: ""):
    """Look again and again until it has happened; fail when the time is over."""
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            pytest.fail(f"did not happen within {seconds} seconds\n{explain()}")
        time.sleep(0.02)
