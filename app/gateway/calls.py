"""The one way to call Twitter for a person.

In this order: check the quota, get a valid token, call, and retry once with another token after a
401. Rate limits, refusals and usage are recorded from the answers.
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
from app.gateway.token_refresh import LivingToken, TokenRefresher
from app.gateway.usage import Usages
from app.twitter.api import Api
from app.twitter.api_client import ApiCall, ApiClient, DirectSource
from app.twitter.circuit_breaker import CircuitBreaker
from app.twitter.dialect import Dialect
from app.twitter.endpoints import Endpoint
from app.twitter.errors import NotInPlan, PermissionMissing, TokenRefused, TwitterError
from app.twitter.models import Profile
from app.twitter.source import ApiRequest, Source
from app.twitter.transport.bulkhead import PerPersonBulkhead
from app.twitter.transport.deadline import Deadline

R = TypeVar("R")

# The deadline of the doctor's one read.
_PROBE_SECONDS = 5.0

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
    """The person a call is made for: in a browser, or in a background job."""

    @property
    def user_id(self) -> int:
        """The id in our database."""

    @property
    def twitter_id(self) -> str:
        """The id at Twitter, which never becomes another person's."""

    @property
    def grant_id(self) -> str:
        """The grant whose tokens are used."""

    @property
    def scopes(self) -> frozenset[str]:
        """The granted scopes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantHolder:
    """A person without a browser, as background jobs call Twitter for them."""

    user_id: int
    twitter_id: str
    grant_id: str
    scopes: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """Twitter's API as this site calls it: client, dialect, and the limits on waiting for it."""

    client: ApiClient
    dialect: Dialect
    breaker: CircuitBreaker
    bulkhead: PerPersonBulkhead

    def api(self, source: Source) -> Api:
        """Return the API in this dialect, answered by `source`."""
        return Api(source, self.dialect)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveSource:
    """Answers from Twitter; records refusals that Twitter would repeat."""

    direct: DirectSource
    quota: Quota
    twitter_id: str

    @property
    def access_token(self) -> str:
        """The token that is sent."""
        return self.direct.access_token

    def check(self, request: ApiRequest) -> None:
        """Raise the error that Twitter would certainly answer."""
        self.quota.check(self.twitter_id, request.endpoint)

    def answer(self, request: ApiRequest) -> dict[str, Any]:
        """Ask Twitter, and record a refusal."""
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
        upstream: Upstream,
        tokens: TokenRefresher,
        quota: Quota,
        usages: Usages,
    ) -> None:
        self._database = shared.database
        self._clock = shared.clock
        self._upstream = upstream
        self._tokens = tokens
        self._quota = quota
        self._usages = usages

    def for_user(self, user_id: int) -> GrantHolder:
        """Return a person for a background job to call Twitter for.

        This does not count as activity of the person. Raises `GrantEnded` without a living grant.
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

    @property
    def dialect(self) -> Dialect:
        """The dialect of Twitter that is called."""
        return self._upstream.dialect

    def may(self, caller: Caller, endpoint: Endpoint) -> bool:
        """Return whether the person has granted the scopes that `endpoint` needs.

        Without a scope in this dialect, a permission cannot be granted.
        """
        return all(self.dialect.scope(need) in caller.scopes for need in endpoint.needs)

    def call(
        self,
        caller: Caller,
        endpoint: Endpoint,
        ask: Callable[[Api], R],
        *,
        deadline: Deadline | None = None,
    ) -> R:
        """Call Twitter for a person, without a cache: a write, or a read that must be fresh.

        Raises `PermissionMissing` before any call if a scope is not granted, `GrantEnded` if the
        person must sign in again, `NotInPlan` if the dialect has no such endpoint or permission,
        and the `TwitterError` of a call that failed.
        """
        deadline = deadline or Deadline()
        if not endpoint.exists_in(self.dialect):
            raise NotInPlan("not-in-dialect", f"the {self.dialect.name} dialect lacks this")
        self._quota.check(caller.twitter_id, endpoint)
        if not self.may(caller, endpoint):
            raise PermissionMissing(
                "not-granted", "the person has not granted this", permission=endpoint.needs[0]
            )
        with self.recording(caller) as on_answer:
            token = self._tokens.valid_token(caller.grant_id, deadline=deadline)
            try:
                return self._ask(caller, token, ask, deadline, on_answer)
            except TokenRefused:
                token = self.token_after_401(caller, token, deadline)
                return self._ask(caller, token, ask, deadline, on_answer)

    def probe(self) -> Profile | None:
        """Return the profile of the person with the newest valid token; None without one.

        For the doctor: it refreshes no token and uses no cache.
        """
        with self._database.reading() as connection:
            user_id = connection.execute(_NEWEST_GRANT, {"now": self._clock()}).scalar()
        if user_id is None:
            return None
        caller = self.for_user(user_id)
        deadline = Deadline(_PROBE_SECONDS)
        with self.recording(caller) as on_answer:
            token = self._tokens.stored_token(caller.grant_id)
            source = DirectSource(
                client=self._upstream.client,
                access_token=token,
                deadline=deadline,
                on_answer=on_answer,
            )
            return self._upstream.api(source).me()

    # The steps that `PageReads` takes by itself

    def living_token(self, caller: Caller, deadline: Deadline) -> LivingToken:
        """Return an access token that lives; if it is due, `refresh_early` after its use."""
        return self._tokens.living_token(caller.grant_id, deadline=deadline)

    def refresh_early(self, caller: Caller, deadline: Deadline) -> None:
        """Refresh a token that is about to die."""
        self._tokens.refresh_early(caller.grant_id, deadline=deadline)

    def token_after_401(self, caller: Caller, refused: str, deadline: Deadline) -> str:
        """Return another token than the one that Twitter refused with 401."""
        return self._tokens.token_after_401(caller.grant_id, refused=refused, deadline=deadline)

    def slot(self, caller: Caller, deadline: Deadline) -> contextlib.AbstractContextManager[None]:
        """Hold a slot for calls to Twitter; raises `Busy` if none is free."""
        return self._upstream.bulkhead.slot(caller.twitter_id, deadline)

    def live(
        self,
        caller: Caller,
        token: str,
        deadline: Deadline,
        on_answer: Callable[[ApiCall], None],
    ) -> LiveSource:
        """Return Twitter as a source for the reads of a page."""
        return self._live(caller, token, deadline, on_answer, breaker=self._upstream.breaker)

    def api(self, source: Source) -> Api:
        """Return the API, answered by `source`."""
        return self._upstream.api(source)

    @contextlib.contextmanager
    def recording(self, caller: Caller) -> Iterator[Callable[[ApiCall], None]]:
        """Record the rate limits of each answer, and at the end the usage of all."""
        calls: list[ApiCall] = []

        def on_answer(call: ApiCall) -> None:
            calls.append(call)
            self._quota.record_limits(caller.twitter_id, call)

        try:
            yield on_answer
        finally:
            self._usages.add(caller.user_id, calls, now=self._clock())

    def _ask(
        self,
        caller: Caller,
        token: str,
        ask: Callable[[Api], R],
        deadline: Deadline,
        on_answer: Callable[[ApiCall], None],
    ) -> R:
        return ask(self._upstream.api(self._live(caller, token, deadline, on_answer)))

    def _live(
        self,
        caller: Caller,
        token: str,
        deadline: Deadline,
        on_answer: Callable[[ApiCall], None],
        *,
        breaker: CircuitBreaker | None = None,
    ) -> LiveSource:
        direct = DirectSource(
            client=self._upstream.client,
            access_token=token,
            deadline=deadline,
            on_answer=on_answer,
            breaker=breaker,
        )
        return LiveSource(direct=direct, quota=self._quota, twitter_id=caller.twitter_id)
