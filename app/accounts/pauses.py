"""The pauses between the attempts on a row that waits for Twitter."""

from __future__ import annotations

import random

# Seconds between the attempts on one row at most: the first ones, and all later ones.
PAUSES = (1.0, 2.0, 5.0, 10.0, 20.0)
LATER_SECONDS = 60.0


def pause_after(attempts: int) -> float:
    """Return the seconds until the next attempt, spread out so that rows do not come at once."""
    longest = PAUSES[attempts] if attempts < len(PAUSES) else LATER_SECONDS
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - not a secret
