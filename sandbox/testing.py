"""The sandbox for tests: a real server on a free port, and its world within reach.

with Sandbox() as twitter:
    twitter.fault(path="/2/users/me", status=503)
    ...
"""

from __future__ import annotations

import secrets
import threading
from typing import TYPE_CHECKING, Any

from sandbox import create_app
from sandbox.faults import fault_from
from sandbox.inventory import tokens
from sandbox.model import Client
from sandbox.server import Server
from sandbox.world import Settings, World

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self


class Sandbox:
    """A running sandbox. Apps under test reach it by HTTP from any process."""

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0, **settings: Any) -> None:  # noqa: ANN401
        """Start serving. Keywords are settings, and `reset()` comes back to them."""
        self.world = World(settings=Settings().changed(settings))
        self.app = create_app(self.world)
        self._server = Server(self.app, host, port)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True, name="sandbox"
        )
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it listens, such as `http://127.0.0.1:41234`, without a slash at the end."""
        return self._server.url

    @property
    def authorize_url(self) -> str:
        """Where browsers are sent."""
        return f"{self.url}/i/oauth2/authorize"

    @property
    def api_url(self) -> str:
        """The base of the API."""
        return f"{self.url}/2"

    def reset(self) -> None:
        """Bring the beginning back: clock, settings, clients, tokens, follows, faults, journal."""
        self.world.reset()

    def advance(self, seconds: float) -> None:
        """Let time pass for codes, tokens and rate limits."""
        self.world.advance(seconds)

    def settings(self, **changes: Any) -> Settings:  # noqa: ANN401
        """Change settings by name, and give all of them. Without a change, just give them."""
        return self.world.change(changes)

    def fault(self, **wish: Any) -> None:  # noqa: ANN401
        """Let something go wrong; the keywords are those of `POST /sandbox/faults`."""
        self.world.faults.add(fault_from(wish))

    def clear_faults(self) -> None:
        """Let everything work again, and release whoever hangs."""
        self.world.faults.clear()

    def journal(self, path: str | None = None) -> list[dict[str, Any]]:
        """List what was asked and answered, the oldest first; `path` picks one path."""
        entries = self.world.journal.entries()
        return [entry for entry in entries if path in (None, entry["path"])]

    def take_request(self, timeout: float = 5) -> dict[str, Any]:
        """Give the next request that nobody has taken yet, or raise TimeoutError."""
        return self.world.journal.take(timeout)

    def tokens(self) -> list[dict[str, Any]]:
        """List all tokens with their state, the oldest first."""
        return tokens(self.world)

    def register_client(
        self,
        *callbacks: str,
        client_id: str | None = None,
        client_secret: str | None = None,
        name: str = "Test app",
        confidential: bool = True,
    ) -> Client:
        """Register an app with these callbacks, until the next reset."""
        secret = client_secret or (secrets.token_urlsafe(37) if confidential else "")
        client = Client(
            client_id=client_id or f"test-{secrets.token_hex(8)}",
            client_secret=secret,
            name=name,
            callbacks=tuple(callbacks),
        )
        self.world.register(client)
        return client

    def stop(self) -> None:
        """Stop serving, and let go of every connection. Twice is the same as once."""
        self.world.faults.clear()
        if self._thread.is_alive():
            self._server.stop()
            self._thread.join()

    def __enter__(self) -> Self:
        """Give itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()
