"""Follow and unfollow at Twitter for a person."""

from __future__ import annotations

import logging
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from app.accounts.people import People, Person
from app.gateway.calls import Calls
from app.observability.audit_log import Event, Events
from app.twitter.api import Api, Following
from app.twitter.endpoints import FOLLOW, UNFOLLOW, Endpoint
from app.twitter.errors import InvalidAnswer, Unreachable
from app.twitter.transport.deadline import Deadline

log = logging.getLogger(__name__)


class Follows:
    """Changes whom people follow. What depends on that is read again afterwards."""

    def __init__(self, calls: Calls, people: People, events: Events) -> None:
        self._calls = calls
        self._people = people
        self._events = events

    def may(self, person: Person) -> bool:
        """Tell whether the person has allowed us to follow and unfollow for them."""
        return self._calls.may(person, FOLLOW)

    def follow(self, person: Person, target_user_id: str, *, deadline: Deadline) -> Following:
        """Follow somebody for the person; following them already is fine.

        Raises `PermissionMissing` before Twitter is asked if the person has not granted it, and
        whatever `TwitterError` says why it did not work.
        """
        own_id = person.twitter_id
        answer = self._act(person, FOLLOW, lambda api: api.follow(own_id, target_user_id), deadline)
        self._events.record(
            Event.FOLLOWED, session_id=person.session_id, succeeded=answer.following
        )
        return answer

    def unfollow(self, person: Person, target_user_id: str, *, deadline: Deadline) -> Following:
        """Unfollow somebody for the person, as `follow` does."""
        own_id = person.twitter_id
        answer = self._act(
            person, UNFOLLOW, lambda api: api.unfollow(own_id, target_user_id), deadline
        )
        done = not answer.following
        self._events.record(Event.UNFOLLOWED, session_id=person.session_id, succeeded=done)
        return answer

    def _act(
        self,
        person: Person,
        endpoint: Endpoint,
        act: Callable[[Api], Following],
        deadline: Deadline,
    ) -> Following:
        try:
            answer = self._calls.call(person, endpoint, act, deadline=deadline)
        except (Unreachable, InvalidAnswer):
            self._forget(person)  # it may have been done there
            raise
        self._forget(person)
        return answer

    def _forget(self, person: Person) -> None:
        """Read again what has changed. What was done is done, even if this fails."""
        try:
            self._people.follows_changed(person.user_id)
        except SQLAlchemyError as error:
            log.warning("what was read stays as it was: %s", type(error).__name__)
