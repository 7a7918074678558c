"""Follow and unfollow at Twitter for a person."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from app.accounts.people import People, Person
from app.events import ONLY_WRITTEN, Event, Events
from app.gateway.quota import Quota
from app.gateway.token_refresh import TokenRefresher
from app.gateway.usage import Usages
from app.twitter.api import Api, Following
from app.twitter.budget import Budget
from app.twitter.client import Asked, Client, Direct
from app.twitter.dialect import Dialect
from app.twitter.endpoints import FOLLOW, UNFOLLOW, Endpoint
from app.twitter.errors import (
    PermissionMissing,
    TokenRefused,
    TwitterError,
    Unreachable,
    Unreadable,
)

log = logging.getLogger(__name__)

_Act = Callable[[Api], Following]


class Follows:
    """Changes whom people follow. What depends on that is read anew afterwards."""

    def __init__(  # noqa: PLR0913, PLR0917 - its collaborators, by name
        self,
        client: Client,
        dialect: Dialect,
        freshness: TokenRefresher,
        allowance: Quota,
        usages: Usages,
        people: People,
        *,
        clock: Callable[[], datetime],
        events: Events = ONLY_WRITTEN,
    ) -> None:
        self._client = client
        self._dialect = dialect
        self._freshness = freshness
        self._allowance = allowance
        self._usages = usages
        self._people = people
        self._clock = clock
        self._events = events

    def may(self, person: Person) -> bool:
        """Tell whether the person has allowed us to follow and unfollow for them."""
        return self._dialect.scopes(*FOLLOW.needs) <= person.scopes

    def follow(self, person: Person, target_user_id: str, *, budget: Budget) -> Following:
        """Follow somebody for the person; following them already is fine.

        Raises `PermissionMissing` before Twitter is asked if the person has not granted it, and
        whatever `TwitterError` says why it did not work.
        """
        own_id = person.profile.id
        answer = self._act(person, FOLLOW, lambda api: api.follow(own_id, target_user_id), budget)
        self._events.record(Event.FOLLOWED, grant_id=person.grant_id, done=answer.following)
        return answer

    def unfollow(self, person: Person, target_user_id: str, *, budget: Budget) -> Following:
        """Unfollow somebody for the person, as `follow` does."""
        own_id = person.profile.id
        answer = self._act(
            person, UNFOLLOW, lambda api: api.unfollow(own_id, target_user_id), budget
        )
        self._events.record(Event.UNFOLLOWED, grant_id=person.grant_id, done=not answer.following)
        return answer

    def _act(self, person: Person, endpoint: Endpoint, act: _Act, budget: Budget) -> Following:
        self._allowance.check(person.profile.id, endpoint)
        if not self.may(person):
            raise PermissionMissing(
                "not-granted", "the person has not granted this", permission=endpoint.needs[0]
            )
        asked: list[Asked] = []
        try:
            answer = self._with_a_living_token(person, act, budget, asked)
        except (Unreachable, Unreadable):
            self._forget(person)  # it may have been done there
            raise
        except TwitterError as error:
            self._allowance.refused(person.profile.id, endpoint, error)
            raise
        finally:
            for one in asked:
                self._allowance.heard(person.profile.id, one)
            self._usages.add(person.user_id, asked, now=self._clock())
        self._forget(person)
        return answer

    def _forget(self, person: Person) -> None:
        """Read anew what has changed. What was done is done, even if this fails."""
        try:
            self._people.follows_changed(person.user_id)
        except SQLAlchemyError as error:
            log.warning("what was read stays as it was: %s", type(error).__name__)

    def _with_a_living_token(
        self, person: Person, act: _Act, budget: Budget, asked: list[Asked]
    ) -> Following:
        """Act; if Twitter refuses the token, once more with another one (nothing was done yet)."""
        token = self._freshness.valid_token(person.grant_id, budget=budget)
        try:
            return act(self._api(token, budget, asked))
        except TokenRefused:
            token = self._freshness.token_after_401(person.grant_id, refused=token, budget=budget)
            return act(self._api(token, budget, asked))

    def _api(self, token: str, budget: Budget, asked: list[Asked]) -> Api:
        source = Direct(client=self._client, access_token=token, budget=budget, heard=asked.append)
        return Api(source, self._dialect)
