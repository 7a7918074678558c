"""Panels: the parts of a page that were read at Twitter, each failing alone.

Everything a page shows goes through `Reader.panels`: what the person has not granted is not asked
for, and the rest is `PageReads`' (from memory, else from Twitter).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Generic, Literal, TypeVar

from app.accounts.people import Person
from app.gateway.cached_source import MaxAge
from app.gateway.page_reads import ReadRequest, ReadResult
from app.pages.queries import Read
from app.services import Services, services
from app.twitter.dialect import Permission
from app.twitter.errors import (
    NotInOwnPlan,
    NotInPlan,
    OutOfCredits,
    PermissionMissing,
    RateLimited,
    TokenRefused,
    TwitterError,
    WrongTokenType,
)
from app.twitter.page import Page
from app.twitter.transport.deadline import Deadline
from app.web.messages import panel_message, permission_lost, permission_needed

T_co = TypeVar("T_co", covariant=True)

# What stands in the way: the site's plan, the person's own, or the site's money.
Unavailable = Literal["plan", "own plan", "credits"]
# Trying again gives the same answer until a person does something.
_LASTING = (TokenRefused, NotInPlan, OutOfCredits, WrongTokenType)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why a panel is empty: a sentence, when it ends if that is known, and what would help."""

    text: str
    until: datetime | None = None
    ask: Permission | None = None
    sign_in: bool = False
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel(Generic[T_co]):
    """One part of a page: what was read and when, and why it is old or why there is nothing."""

    page: Page[T_co] = field(default_factory=Page)
    read_at: datetime | None = None  # None: just now, and nothing is remembered
    trouble: Trouble | None = None
    is_old: bool = False  # there is trouble, and this is what was read before it
    unavailable: Unavailable | None = None  # it takes more than time, so a page may do without it


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Reads for one person during one request."""

    person: Person
    here: Services
    anew: Mapping[str, timedelta] = field(default_factory=dict)
    deadline: Deadline = field(default_factory=Deadline)

    @classmethod
    def of(cls, person: Person, *, anew: Mapping[str, timedelta] | None = None) -> Reader:
        """Return the reader of a signed-in person; `anew` says which panels must be how young."""
        return cls(person=person, here=services(), anew=anew or {})

    def panels(self, **reads: Read[Any]) -> dict[str, Panel[Any]]:
        """Do all `reads` and return a panel for each, by the same names.

        What Twitter does wrong stays inside the panels; only the end of the grant gets out.
        """
        lacking = {name: self._lacking(read) for name, read in reads.items()}
        wanted = {
            name: ReadRequest(fetch=read.fetch, max_age=self._fresh(name, read))
            for name, read in reads.items()
            if lacking[name] is None
        }
        outcomes = self.here.page_reads.all(self.person, wanted, deadline=self.deadline)
        return {
            name: lacking[name] or self._panel(outcomes[name], read) for name, read in reads.items()
        }

    def _lacking(self, read: Read[Any]) -> Panel[Any] | None:
        """Return the panel of a read that the person has not granted."""
        needs = [n for n in read.needs if self.here.dialect.scope(n) not in self.person.scopes]
        return Panel(trouble=_lacks(needs[0])) if needs else None

    def _panel(self, outcome: ReadResult, read: Read[Any]) -> Panel[Any]:
        error, now = outcome.error, self.here.now()
        return Panel(
            page=outcome.page or Page(),
            read_at=outcome.read_at,
            trouble=trouble(error, needs=read.needs, now=now) if error else None,
            is_old=outcome.page is not None and error is not None,
            unavailable=_unavailable(error),
        )

    def _fresh(self, name: str, read: Read[Any]) -> MaxAge:
        """Return how young an answer must be to be taken from memory.

        Who wants a panel anew wants what it shows: what it took to find that may be older.
        """
        usual = max(timedelta(seconds=self.here.config.cache_seconds), read.kept)
        telling, anew = read.asks[0], min(self.anew.get(name, usual), usual)
        return lambda endpoint: anew if endpoint == telling else usual


def _unavailable(error: TwitterError | None) -> Unavailable | None:
    if isinstance(error, OutOfCredits):
        return "credits"
    if isinstance(error, NotInOwnPlan):
        return "own plan"
    return "plan" if isinstance(error, NotInPlan) else None


def trouble(error: TwitterError, *, needs: Sequence[Permission], now: datetime) -> Trouble:
    """Return what a panel shows of the error of a read that `needs` permissions, main one first."""
    if isinstance(error, PermissionMissing):
        return Trouble(text=permission_lost(needs[0]), ask=needs[0])
    until = error.until if isinstance(error, RateLimited) else None
    if until is not None and until <= now:
        until = None
    return Trouble(
        text=panel_message(error),
        until=until,
        sign_in=isinstance(error, TokenRefused),
        again=until is None and not isinstance(error, _LASTING),
    )


def _lacks(permission: Permission) -> Trouble:
    return Trouble(text=permission_needed(permission), ask=permission)
