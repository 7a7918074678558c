"""Where a person is signed in, and how each place is left: a browser is one living grant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import bindparam, func, select, update

from app.accounts.copies import NO_COPIES, Copies
from app.accounts.grants import EndReason, Grants
from app.accounts.models import Grant, User
from app.accounts.outbox import Outbox
from app.database import Database
from app.events import ONLY_WRITTEN, Event, Events

_LIVING = (
    select(Grant.id, Grant.browser, Grant.created_at, Grant.seen_at)
    .where(Grant.user_id == bindparam("user_id"), Grant.ended_at.is_(None))
    .order_by(Grant.seen_at.desc(), Grant.id)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Browser:
    """One place where a person is signed in: a living grant, in words."""

    grant_id: str
    words: str
    signed_in_at: datetime
    seen_at: datetime


class Sessions:
    """Lists the browsers of a person and logs them out."""

    def __init__(  # noqa: PLR0913 - its collaborators, by name
        self,
        database: Database,
        grants: Grants,
        outbox: Outbox,
        *,
        clock: Callable[[], datetime],
        events: Events = ONLY_WRITTEN,
        copies: Copies = NO_COPIES,
    ) -> None:
        """Work on `database`; tokens of ended grants go through `outbox`."""
        self._database = database
        self._grants = grants
        self._outbox = outbox
        self._clock = clock
        self._events = events
        self._copies = copies

    def of(self, user_id: int) -> list[Browser]:
        """Return where a person is signed in, the latest used first."""
        with self._database.reading() as connection:
            return [
                Browser(grant_id=row[0], words=row[1], signed_in_at=row[2], seen_at=row[3])
                for row in connection.execute(_LIVING, {"user_id": user_id})
            ]

    def log_out(self, grant_id: str) -> None:
        """End one browser's grant. Local and immediate; Twitter is told in the background."""
        self._end([grant_id], EndReason.LOGGED_OUT)
        self._events.record(Event.LOGGED_OUT, grant_id=grant_id)

    def log_out_one(self, user_id: int, grant_id: str) -> bool:
        """End a grant of `user_id`; tell whether it was one of theirs and alive."""
        mine = any(browser.grant_id == grant_id for browser in self.of(user_id))
        if mine:
            self.end([grant_id], EndReason.LOGGED_OUT)
        return mine

    def log_out_everywhere_else(self, user_id: int, *, keep: str) -> int:
        """End all grants of `user_id` but `keep`; return how many."""
        others = [b.grant_id for b in self.of(user_id) if b.grant_id != keep]
        self.end(others, EndReason.LOGGED_OUT)
        return len(others)

    def end_all_of(self, username: str) -> int:
        """End all grants of the people who go by `username`, for an operator; return how many."""
        query = (
            select(Grant.id)
            .join(User, User.id == Grant.user_id)
            .where(func.lower(User.username) == username.lower(), Grant.ended_at.is_(None))
        )
        with self._database.reading() as connection:
            grants = list(connection.execute(query).scalars())
        self.end(grants, EndReason.ENDED_BY_OPERATOR)
        return len(grants)

    def end(self, grants: list[str], because: EndReason) -> None:
        """End `grants` in one transaction; Twitter is told in the background.

        What was read for these people is dropped, and what cannot be reached is found by nobody.
        """
        self._end(grants, because)
        for grant_id in grants:
            self._events.record(Event.BROWSER_ENDED, grant_id=grant_id, because=because.value)

    def _end(self, grants: list[str], because: EndReason) -> None:
        theirs = select(Grant.user_id).where(Grant.id.in_(grants))
        one_more = {User.cache_epoch: User.cache_epoch + 1}
        with self._database.writing() as connection:
            # The person before the grants, as everywhere: two that lock both cannot block.
            leaving = update(User).where(User.id.in_(theirs)).values(one_more)
            people = list(connection.execute(leaving.returning(User.twitter_id)).scalars())
            ended = self._grants.end_all(connection, grants, because, now=self._clock())
        self._outbox.deliver_soon(ended)
        self._copies.drop(people)
