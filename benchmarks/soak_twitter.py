"""The provider of the soak: the sandbox, whose tokens expire soon, and which can be made to fail.

Unlike the stub it checks everything: a refresh token works once, and a person has one living grant.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.processes import OTHER_CORES, ROOT, SECONDS_TO_STOP, NotStarted, pin
from benchmarks.sandbox import asked, consented

CLIENT_ID, CLIENT_SECRET = "soak", "a-secret-for-one-soak"
TWEETS = 20  # of each account, which follows as many
# While it fails: most calls are refused, some connections close, and a few calls hang. Nothing was
# done by any of them, so no person has to be signed out.
FAULTS = (
    {"path": "/2/*", "times": None, "probability": 0.6, "status": 503},
    {"path": "/2/*", "times": None, "probability": 0.1, "drop": "before"},
    {"path": "/2/*", "times": None, "probability": 0.02, "hang": True},
)


@dataclass(frozen=True)
class SoakTwitter:
    """The running sandbox."""

    netloc: str

    @property
    def settings(self) -> dict[str, str]:
        """The settings of a site that signs people in here."""
        return {
            "TWITTER_AUTHORIZE_URL": f"http://{self.netloc}/i/oauth2/authorize",
            "TWITTER_API_URL": f"http://{self.netloc}/2",
            "TWITTER_CLIENT_ID": CLIENT_ID,
            "TWITTER_CLIENT_SECRET": CLIENT_SECRET,
        }

    def register(self, site_url: str, *, token_seconds: int) -> None:
        """Register the site, whose access tokens live for `token_seconds`."""
        client = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        self._control("POST", "clients", {**client, "callbacks": [f"{site_url}/auth/callback"]})
        self._control("POST", "settings", {"access_token_seconds": token_seconds})

    def fail(self) -> None:
        """Begin to fail."""
        for fault in FAULTS:
            self._control("POST", "faults", fault)

    def slow_down(self, milliseconds: int) -> None:
        """Answer every call so much later."""
        self._control("POST", "settings", {"latency_ms": milliseconds})

    def recover(self) -> None:
        """Answer every call at once, also those that hang."""
        self._control("DELETE", "faults", {})

    def consent(self, url: str, account: str) -> str:
        """Let the account allow what `url` asks for; return the callback's path and query."""
        parts = urlsplit(url)
        with closing(self._line()) as line:
            back = urlsplit(consented(line, f"{parts.path}?{parts.query}", account))
        return f"{back.path}?{back.query}"

    def _control(self, method: str, what: str, document: object) -> None:
        headers = {"Content-Type": "application/json"}
        with closing(self._line()) as line:
            asked(line, method, f"/sandbox/{what}", json.dumps(document), headers)

    def _line(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self.netloc, timeout=30)


def world(accounts: list[str]) -> dict[str, object]:
    """Return the seed: each account follows the next ones and has written Tweets."""
    around = [*accounts, *accounts]
    return {
        "accounts": [{"username": name, "name": f"The {name}"} for name in accounts],
        "tweets": [
            {"author": name, "text": f"Song {number} of @{name}", "minutes_ago": number}
            for name in accounts
            for number in range(1, TWEETS + 1)
        ],
        "follows": [
            [name, other]
            for place, name in enumerate(accounts)
            for other in around[place + 1 : place + 1 + min(TWEETS, len(accounts) - 1)]
        ],
    }


@contextlib.contextmanager
def running_sandbox(accounts: list[str], folder: Path) -> Iterator[SoakTwitter]:
    """Run a sandbox with these accounts for as long as the block lasts."""
    seed = folder / "soak.json"
    seed.write_text(json.dumps(world(accounts)))
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--quiet", "--seed", str(seed)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        pin(process.pid, OTHER_CORES)
        try:
            said = process.stdout.readline() if process.stdout else ""
            if not said:
                raise NotStarted("the sandbox ended by itself")
            yield SoakTwitter(urlsplit(said.split()[-1]).netloc)
        finally:
            process.terminate()
            process.wait(SECONDS_TO_STOP)
