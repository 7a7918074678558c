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
    """Counts calls. It has no lock: the caller holds the world's."""

    windows: dict[Key, Window] = field(default_factory=dict)

    def window(self, key: Key, now: float) -> Window:
        """Return the open window, or open the next one."""
        length = key[3]
        window = self.windows.get(key)
        if window is None or now >= window.opened + length:
            # Resets are told in whole seconds, so that is when windows open. One that lasts a
            # second cannot: two calls around the stroke of a second would both be its first.
            opened = now if length == SECOND else math.floor(now)
            window = self.windows[key] = Window(opened)
        return window

    def exhaust(self, key: Key, now: float) -> None:
        """Use a window up: the next call gets 429."""
        self.window(key, now).used = _ALL_USED
