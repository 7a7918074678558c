"""The record of a sign-in: what was asked and granted, and how long each step took.

It is kept with the session, for the person to look at. Names of scopes and milliseconds, nothing
else: no state, no code, no token, and no hash of any.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Literal, Self

from sqlalchemy import select

from app.accounts.models import Session
from app.storage.database import Database

ClientKind = Literal["confidential", "public"]


class Step(StrEnum):
    """The steps that are timed, from the arrival of the callback."""

    CLAIMED = "claimed"
    CODE_SENT = "code_sent"
    TOKENS_CAME = "tokens_came"
    PROFILE_CAME = "profile_came"


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInRecord:
    """One sign-in that succeeded."""

    client: ClientKind
    dialect: str
    asked: frozenset[str]
    granted: frozenset[str]
    # Between the redirect to Twitter and the callback; two clocks and whole seconds.
    away_ms: int
    reached_ms: Mapping[Step, int]

    def took_ms(self, since: Step, until: Step) -> int:
        """Return the time between two steps."""
        return self.reached_ms[until] - self.reached_ms[since]

    def to_json(self) -> dict[str, Any]:
        """Return plain data, as it is stored and exported."""
        return {
            "client": self.client,
            "dialect": self.dialect,
            "asked": sorted(self.asked),
            "granted": sorted(self.granted),
            "away_ms": self.away_ms,
            "reached_ms": {step.value: self.reached_ms[step] for step in Step},
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_json` has written."""
        return cls(
            client=data["client"],
            dialect=data["dialect"],
            asked=frozenset(data["asked"]),
            granted=frozenset(data["granted"]),
            away_ms=data["away_ms"],
            reached_ms={step: data["reached_ms"][step.value] for step in Step},
        )


class Recorder:
    """Notes when each step of one sign-in is reached, beginning with the callback: now."""

    def __init__(self, *, away: timedelta, clock: Callable[[], float] = time.monotonic) -> None:
        """Start the clock, which counts seconds and never runs backwards.

        `away` is how long the browser was at Twitter. Two machines may have measured it, so it may
        be negative; the record then holds 0.
        """
        self._away_ms = max(0, round(away.total_seconds() * 1000))
        self._clock = clock
        self._began = clock()
        self._reached: dict[Step, int] = {}

    def note(self, step: Step) -> None:
        """Note that `step` is reached."""
        self._reached[step] = round((self._clock() - self._began) * 1000)

    def landed(
        self, *, client: ClientKind, dialect: str, asked: Iterable[str], granted: Iterable[str]
    ) -> SignInRecord:
        """Return the record of a sign-in all of whose steps are noted."""
        return SignInRecord(
            client=client,
            dialect=dialect,
            asked=frozenset(asked),
            granted=frozenset(granted),
            away_ms=self._away_ms,
            reached_ms=self._reached,
        )


def sign_in_record_of(database: Database, session_id: str) -> SignInRecord | None:
    """Return how the sign-in of a session went; None if it is older than these records."""
    query = select(Session.sign_in_record).where(Session.id == session_id)
    with database.reading() as connection:
        kept = connection.execute(query).scalar_one_or_none()
    return SignInRecord.from_json(kept) if kept else None
