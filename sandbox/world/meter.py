"""Counts calls in windows of time."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from sandbox.api.endpoints import SECOND

Key = tuple[
    str, str, str, int
]  # endpoint, account (empty: the client's own window), client, length

_ALL_USED = 10**9


@dataclass(slots=True)
class Window:
    """The calls of one endpoint through one client, since the window opened."""

    opened: float
    used: int = 0


@dataclass(slots=True)
class Meter:
    """Counts calls. It has no lock of its own: the world's is held around it."""

    windows: dict[Key, Window] = field(default_factory=dict)

    def window(self, key: Key, now: float) -> Window:
        """Give the open window, or open the next one."""
        length = key[3]
        window = self.windows.get(key)
        if window is None or now >= window.opened + length:
            # Resets are told in whole seconds, so that is when windows open. One that lasts a
            # second cannot: two calls around the stroke of a second would both be its first.
            opened = now if length == SECOND else math.floor(now)
            window = self.windows[key] = Window(opened)
        return window

    def exhaust(self, key: Key, now: float) -> None:
        """Let the next call be one too many."""
        self.window(key, now).used = _ALL_USED
