"""How long each step of a token refresh may take."""

from __future__ import annotations

from dataclasses import dataclass

from app.storage.database import WRITE_SECONDS
from app.twitter.transport.deadline import SECONDS as BUDGET_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """How long each step of a lease's holder may take, in seconds of real time.

    The lease covers all of them, so one that has run out belongs to a dead process: taking over
    from a slow one would spend the same refresh token twice.
    """

    # With less left of the request's time, no refresh begins.
    least: float = 5.0
    # The same for one that can wait for the next page.
    least_early: float = 10.0
    # From taking the lease to Twitter's answer.
    call: float = BUDGET_SECONDS
    # From the answer to the last attempt to store it, while the database is away.
    store: float = 12.0
    pause: float = 0.5
    # The last attempt itself.
    write: float = WRITE_SECONDS

    @property
    def lease(self) -> float:
        """How long a lease lasts."""
        return self.call + self.store + self.write
