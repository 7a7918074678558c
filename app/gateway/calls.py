"""The one way to call Twitter for a person.

In this order: is it known what Twitter would answer (quota); a token that lives; the call; if
Twitter refuses the token, once more with another. What the answers tell of limits, refusals and
usage is written down, each once.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from sqlalchemy import bindparam, select

from app.accounts.errors import GrantEnded
from app.accounts.models import Grant, User
from app.accounts.shared import Shared
from app.gateway.quota import Quota
from app.gateway.token_refresh import TokenRefresher
from app.gateway.usage import Usages
from app.twitter.api import Api
from app.twitter.api_client import Asked, Client, Direct
from app.twitter.circuit_breaker import Breaker
from app.twitter.dialect import Dialect
from app.twitter.endpoints import Endpoint
from app.twitter.errors import PermissionMissing, TokenRefused, TwitterError
from app.twitter.models import Profile
from app.twitter.source import ApiRequest, Source
from app.twitter.transport.bulkhead import Turns
from app.twitter.transport.deadline import Deadline

R = TypeVar("R")

# What the doctor's one read may take.
PROBE_SECONDS = 5.0

_GRANT_OF = (
    select(Grant.id, Grant.scopes, User.twitter_id)
    .join(User, User.id == Grant.user_id)
    .where(Grant.user_id == bindparam("user_id"), Grant.ended_at.is_(None))
)
_NEWEST_GRANT = (
    select(Grant.user_id)
    .where(Grant.ended_at.is_(None), Grant.expires_at > bindparam("now"))
    .order_by(Grant.issued_at.desc())
    .limit(1)
)


class Caller(Protocol):
    """For whom a call is made: a person in a browser, or one who is not there."""

    @property
    def user_id(self) -> int:
        """The person's number here."""

    @property
    def twitter_id(self) -> str:
        """Their id at Twitter, which never becomes another person's."""

    @property
    def grant_id(self) -> str:
        """Whose tokens are used."""

    @property
    def scopes(self) -> frozenset[str]:
        """What they have granted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantHolder:
    """A person who is not there: what a background job knows of them."""

    user_id: int
    twitter_id: str
    grant_id: str
    scopes: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Our line to Twitter: what sends, in which words, what spares waits, and who may wait."""

    client: Client
    dialect: Dialect
    breaker: Breaker
    turns: Turns

    def api(self, source: Source) -> Api:
        """Return the API as this dialect has it, answered by `source`."""
        return Api(source, self.dialect)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSource:
    """Answers from Twitter, never asked in vain; a refusal is remembered."""

    direct: Direct
    quota: Quota
    twitter_id: str
    is_checked: bool = False  # somebody has asked the quota already

    @property
    def access_token(self) -> str:
        """The token that is sent."""
        return self.direct.access_token

    def answer(self, request: ApiRequest) -> dict[str, Any]:
        """Ask Twitter, unless it is known what the answer would be."""
        if not self.is_checked:
            self.check(request)
        return self.ask(request)

    def check(self, request: ApiRequest) -> None:
        """Raise what Twitter would answer for sure."""
        self.quota.check(self.twitter_id, request.endpoint)

    def ask(self, request: ApiRequest) -> dict[str, Any]:
        """Ask Twitter, and remember a refusal that will be repeated."""
        try:
            return self.direct.answer(request)
        except TwitterError as error:
            self.quota.record_refusal(self.twitter_id, request.endpoint, error)
            raise


class Calls:
    """Calls Twitter for people. Made once per app; keeps nothing of a call."""

    def __init__(
        self,
        shared: Shared,
        line: Line,
        tokens: TokenRefresher,
        quota: Quota,
        usages: Usages,
    ) -> None:
        self._database = shared.database
        self._clock = shared.clock
        self._line = line
        self._tokens = tokens
        self._quota = quota
        self._usages = usages

    def for_user(self, user_id: int) -> GrantHolder:
        """Return a person who is not there, for a background job to call Twitter with.

        It does not count as being seen. Raises `GrantEnded` if they have no living grant.
        """
        with self._database.reading() as connection:
            row = connection.execute(_GRANT_OF, {"user_id": user_id}).one_or_none()
        if row is None:
            raise GrantEnded("this person has no living grant")
        return GrantHolder(
            user_id=user_id,
            twitter_id=row.twitter_id,
            grant_id=row.id,
            scopes=frozenset(row.scopes.split()),
        )

    def may(self, caller: Caller, endpoint: Endpoint) -> bool:
        """Tell whether the person has granted what `endpoint` needs."""
        return self._line.dialect.scopes(*endpoint.needs) <= caller.scopes

    def call(
        self,
        caller: Caller,
        endpoint: Endpoint,
        ask: Callable[[Api], R],
        *,
        deadline: Deadline | None = None,
    ) -> R:
        """Do one thing at Twitter for a person, at once: read without a memory, or write.

        Raises `PermissionMissing` before Twitter is asked if the person has not granted what
        `endpoint` needs, `GrantEnded` when they must sign in again, and whatever `TwitterError`
        says why it did not work.
        """
        deadline = deadline or Deadline()
        self._quota.check(caller.twitter_id, endpoint)
        if not self.may(caller, endpoint):
            raise PermissionMissing(
                "not-granted", "the person has not granted this", permission=endpoint.needs[0]
            )
        with self.noted(caller) as on_answer:
            token = self._tokens.valid_token(caller.grant_id, deadline=deadline)
            try:
                return self._ask(caller, token, ask, deadline, on_answer)
            except TokenRefused:
                token = self.token_after_401(caller, token, deadline)
                return self._ask(caller, token, ask, deadline, on_answer)

    def probe(self) -> Profile | None:
        """Read the profile of the person whose token is the newest that has not expired.

        For the doctor: no token is refreshed for it, and nothing that is remembered stands in for
        an answer. None if no token lives.
        """
        with self._database.reading() as connection:
            user_id = connection.execute(_NEWEST_GRANT, {"now": self._clock()}).scalar()
        if user_id is None:
            return None
        caller = self.for_user(user_id)
        deadline = Deadline(PROBE_SECONDS)
        with self.noted(caller) as on_answer:
            token = self._tokens.stored_token(caller.grant_id)
            return self._line.api(self._direct(token, deadline, on_answer)).me()

    # What `PageReads` is made of

    def token(self, caller: Caller, deadline: Deadline) -> str:
        """Return an access token that lives."""
        return self._tokens.valid_token(caller.grant_id, deadline=deadline)

    def token_after_401(self, caller: Caller, refused: str, deadline: Deadline) -> str:
        """Return another token than the one that Twitter refused."""
        return self._tokens.token_after_401(caller.grant_id, refused=refused, deadline=deadline)

    def turn(self, caller: Caller, deadline: Deadline) -> contextlib.AbstractContextManager[None]:
        """Hold one of the turns to wait for Twitter; raises `Busy` if there is none."""
        return self._line.turns.one(caller.twitter_id, deadline)

    def live(
        self, caller: Caller, token: str, deadline: Deadline, on_answer: Callable[[Asked], None]
    ) -> LiveSource:
        """Return Twitter as a source for the reads of a page."""
        direct = self._direct(token, deadline, on_answer, breaker=self._line.breaker)
        return LiveSource(direct=direct, quota=self._quota, twitter_id=caller.twitter_id)

    def api(self, source: Source) -> Api:
        """Return the API, answered by `source`."""
        return self._line.api(source)

    @contextlib.contextmanager
    def noted(self, caller: Caller) -> Iterator[Callable[[Asked], None]]:
        """Note the limits that each answer tells, and at the end what all of them used."""
        asked: list[Asked] = []

        def on_answer(one: Asked) -> None:
            asked.append(one)
            self._quota.record_limits(caller.twitter_id, one)

        try:
            yield on_answer
        finally:
            self._usages.add(caller.user_id, asked, now=self._clock())

    def _ask(
        self,
        caller: Caller,
        token: str,
        ask: Callable[[Api], R],
        deadline: Deadline,
        on_answer: Callable[[Asked], None],
    ) -> R:
        source = self._direct(token, deadline, on_answer)
        checked = LiveSource(
            direct=source, quota=self._quota, twitter_id=caller.twitter_id, is_checked=True
        )
        return ask(self._line.api(checked))

    def _direct(
        self,
        token: str,
        deadline: Deadline,
        on_answer: Callable[[Asked], None],
        *,
        breaker: Breaker | None = None,
    ) -> Direct:
        return Direct(
            client=self._line.client,
            access_token=token,
            deadline=deadline,
            on_answer=on_answer,
            breaker=breaker,
        )
