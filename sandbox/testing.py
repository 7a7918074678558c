"""The sandbox for tests: a real server on a free port, and its world within reach.

with Sandbox() as twitter:
    twitter.fault(path="/2/users/me", status=503)
    ...

For pytest, two fixtures to be named in a `conftest.py`; nothing here imports pytest:

twitter_server = pytest.fixture(scope="session")(testing.twitter_server)
twitter = pytest.fixture(testing.twitter)
"""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self
from urllib.parse import urlsplit

from sandbox import create_app
from sandbox.control.faults import fault_from
from sandbox.control.snapshots import tokens, webhooks
from sandbox.errors import InvalidInput
from sandbox.oauth.registration import client_from
from sandbox.seeds.file import read
from sandbox.server import Server
from sandbox.world.clock import moment
from sandbox.world.model import Client, Seed
from sandbox.world.settings import Settings
from sandbox.world.state import World

# Hosts that clients have built in.
HOSTS = ("api.twitter.com", "api.x.com", "twitter.com", "x.com")


def twitter_server() -> Iterator[Sandbox]:
    """Keep one sandbox running, for as long as the fixture made of this lives."""
    with Sandbox() as sandbox:
        yield sandbox


def twitter(twitter_server: Sandbox) -> Sandbox:
    """Return the running sandbox after a reset."""
    twitter_server.reset()
    return twitter_server


class Session(Protocol):
    """The part of a `requests.Session` that is used here, without importing requests."""

    def mount(self, prefix: str, adapter: Any, /) -> None: ...  # noqa: ANN401

    def get_adapter(self, url: str, /) -> Any: ...  # noqa: ANN401


class Elsewhere:
    """An adapter of a `requests.Session` that sends requests to another host, otherwise as is."""

    def __init__(self, base: str, inner: Any) -> None:  # noqa: ANN401 - an HTTPAdapter
        self._base = base
        self._inner = inner

    def send(self, request: Any, **more: Any) -> Any:  # noqa: ANN401 - types of requests
        """Send a request there, past any proxy. The answer looks like Twitter's own."""
        moved = request.copy()
        moved.url = self._base + request.path_url
        answer = self._inner.send(moved, **more | {"proxies": {}})
        answer.request, answer.url = request, request.url
        return answer

    def close(self) -> None:
        pass  # the session closes its own adapter


class Sandbox:
    """A running sandbox. Apps under test reach it by HTTP from any process."""

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        seed: str | Path | Seed | None = None,
        now: str | None = None,
        **settings: Any,  # noqa: ANN401
    ) -> None:
        """Start serving: the birds, or the world of a seed file, today or at another time.

        Further keywords are settings, and `reset()` comes back to them.
        """
        beginning = read(seed) if isinstance(seed, str | Path) else seed
        if not isinstance(beginning, Seed | None):
            raise InvalidInput("seed must be the path of a file, or a Seed.")
        first_moment = None if now is None else moment(now)
        self.world = World(beginning, Settings().changed(settings), first_moment)
        self.clock = self.world.clock
        self.app = create_app(self.world)
        self._server = Server(self.app, host, port)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True, name="sandbox"
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """The address, such as `http://127.0.0.1:41234`, without a slash at the end."""
        return self._server.url

    @property
    def authorize_url(self) -> str:
        """The address of the authorization request."""
        return f"{self.url}/i/oauth2/authorize"

    @property
    def api_url(self) -> str:
        """The base of the API."""
        return f"{self.url}/2"

    def reset(self) -> None:
        """Bring the beginning back: clock, settings, clients, tokens, follows, faults, journal."""
        self.world.reset()

    def advance(self, seconds: float) -> None:
        """Move the clock of codes, tokens and rate limits."""
        self.world.clock.advance(seconds)

    def settings(self, **changes: Any) -> Settings:  # noqa: ANN401
        """Change settings by name, and return all of them."""
        return self.world.change(changes)

    def fault(self, **more: Any) -> None:  # noqa: ANN401
        """Add a fault; the keywords are those of `POST /sandbox/faults`."""
        self.world.faults.add(fault_from(more))

    def reroute(self, session: Session) -> None:
        """Send the requests of a `requests.Session` for Twitter to the sandbox.

        For clients that have Twitter's hosts built in: tweepy's `OAuth2UserHandler` is such a
        session, and its `Client` has one. The authorization URL needs no rerouting: `say_yes`
        takes it whatever its host is.
        """
        for host in HOSTS:
            session.mount(f"https://{host}/", Elsewhere(self.url, session.get_adapter("http://")))

    def say_yes(self, authorization_url: str, account: str = "wren") -> str:
        """Play the browser and the person in front of it: authorize the app as this account.

        Returns the address that the browser is sent back to, code and state included. A request
        that leads nowhere raises ValueError with the reason.
        """
        return self._answer(authorization_url, account, "authorize")

    def say_no(self, authorization_url: str) -> str:
        """Play a person who presses Cancel, and return the address that they are sent back to."""
        return self._answer(authorization_url, "", "cancel")

    def _answer(self, authorization_url: str, account: str, decision: str) -> str:
        query = urlsplit(authorization_url).query
        browser = self.app.test_client()
        page = browser.get(f"/i/oauth2/authorize?{query}", base_url=self.url)
        if page.status_code == 200:
            consent_request = re.findall(r'name="consent_request" value="([^"]+)"', page.text)[0]
            form = {"consent_request": consent_request, "account": account, "decision": decision}
            page = browser.post("/i/oauth2/authorize", data=form, base_url=self.url)
        if page.location is None:
            # The last box on the page is for developers, and its first paragraph is the reason.
            reason = re.findall(r"<p>(.*?)</p>", page.text, re.DOTALL)
            raise ValueError(unescape(reason[-1]) if reason else page.text)
        return page.location

    def enqueue(
        self,
        body: Any = None,  # noqa: ANN401 - text, or any JSON object or list
        *,
        status: int = 200,
        path: str = "*",
        **more: Any,  # noqa: ANN401
    ) -> None:
        """Answer the next request with exactly this; several are answered in their order.

        Further keywords are those of `fault`. Without a body, an error has Twitter's problem body.
        """
        if body is None and status < 400:
            body = ""
        self.fault(path=path, status=status, body=body, **more)

    def clear_faults(self) -> None:
        """Remove all faults, and release the requests that hang."""
        self.world.faults.clear()

    def journal(self, path: str | None = None) -> list[dict[str, Any]]:
        """Return the journal, the oldest entry first; `path` picks one path."""
        entries = self.world.journal.entries()
        return [entry for entry in entries if path in (None, entry["path"])]

    def take_request(self, timeout: float = 5) -> dict[str, Any]:
        """Return the next request that was not taken yet, or raise TimeoutError."""
        return self.world.journal.take(timeout)

    def tokens(self) -> list[dict[str, Any]]:
        """Return all tokens with their state, the oldest first."""
        return tokens(self.world)

    def deliveries(self, timeout: float = 5) -> list[dict[str, Any]]:
        """Return what was sent to webhooks, the oldest first, when nothing is under way any more.

        Raise TimeoutError if something that is due still is, after so many seconds.
        """
        if not self.world.sender.settle(timeout):
            raise TimeoutError(f"a delivery was still under way after {timeout} seconds")
        return webhooks(self.world)["deliveries"]

    def register_client(
        self,
        *callbacks: str,
        client_id: str | None = None,
        client_secret: str | None = None,
        name: str = "Test app",
        confidential: bool = True,
    ) -> Client:
        """Register an app with these callbacks, until the next reset.

        An invalid one raises ValueError with the reason.
        """
        client = client_from(
            {
                "client_id": client_id or f"test-{secrets.token_hex(8)}",
                "client_secret": client_secret,
                "name": name,
                "confidential": confidential,
                "callbacks": list(callbacks),
            }
        )
        self.world.register(client)
        return client

    def stop(self) -> None:
        """Stop serving, and close every connection. A second call does nothing."""
        self.world.faults.clear()
        self.world.sender.stop()
        if self._thread.is_alive():
            self._server.stop()
            self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
