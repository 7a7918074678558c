"""Actions: follow or unfollow an account for a person, now or once they have granted it.

An action for which the permission is missing travels through the sign-in that asks for it, and the
callback performs it. Both ways end in `Actions.perform`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from sqlalchemy.exc import SQLAlchemyError

from app.accounts.people import People, Person
from app.gateway.calls import Calls
from app.gateway.quota import Quota
from app.observability.audit_log import AuditLog, Event
from app.twitter import endpoints
from app.twitter.api import Api, Following
from app.twitter.dialect import Permission
from app.twitter.endpoints import Endpoint
from app.twitter.errors import InvalidAnswer, TwitterError, Unreachable
from app.twitter.transport.deadline import Deadline
from app.twitter.tweet_text import USERNAME

log = logging.getLogger(__name__)


class ActionResult(Enum):
    """What became of an action, unless Twitter failed or refused; `web.messages` words it."""

    FOLLOWED = auto()
    UNFOLLOWED = auto()
    REQUESTED = auto()  # the account is protected: its owner decides
    NOT_DONE = auto()  # Twitter answered, and changed nothing
    OWN_ACCOUNT = auto()
    # After a sign-in
    OTHER_PERSON = auto()
    NOT_GRANTED = auto()
    OVERTAKEN = auto()  # by a sign-in in another tab
    UNKNOWN = auto()  # we failed, before or after Twitter did it


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing that this site can do to an account for a person."""

    name: str
    endpoint: Endpoint
    send: Callable[[Api, str, str], Following]  # the person's id, the account's id
    following: bool  # the answer when it is done
    done: ActionResult

    @property
    def permission(self) -> Permission:
        """The permission that it takes."""
        return self.endpoint.needs[0]


FOLLOW = Action(
    name="follow",
    endpoint=endpoints.FOLLOW,
    send=Api.follow,
    following=True,
    done=ActionResult.FOLLOWED,
)
UNFOLLOW = Action(
    name="unfollow",
    endpoint=endpoints.UNFOLLOW,
    send=Api.unfollow,
    following=False,
    done=ActionResult.UNFOLLOWED,
)
_BY_NAME = {action.name: action for action in (FOLLOW, UNFOLLOW)}
_PENDING = re.compile(rf"({'|'.join(_BY_NAME)}):([1-9][0-9]{{0,18}})(?::({USERNAME.pattern}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingAction:
    """An action and its target. The id decides; the username is only for sentences about it."""

    action: Action
    user_id: str
    username: str = ""

    @classmethod
    def from_text(cls, text: str | None) -> PendingAction | None:
        """Read "follow:1002" or "unfollow:1002:robin"; return None for anything else."""
        found = _PENDING.fullmatch(text or "")
        if found is None:
            return None
        return cls(action=_BY_NAME[found[1]], user_id=found[2], username=found[3] or "")

    def __str__(self) -> str:
        """Return the text that `from_text` reads."""
        return f"{self.action.name}:{self.user_id}" + (f":{self.username}" if self.username else "")

    @property
    def target(self) -> str:
        """The account, inside a sentence."""
        return f"@{self.username}" if self.username else "this account"


class Actions:
    """Performs actions. Reads that depend on follows are read again afterwards."""

    def __init__(self, calls: Calls, people: People, quota: Quota, audit_log: AuditLog) -> None:
        self._calls = calls
        self._people = people
        self._quota = quota
        self._audit_log = audit_log

    def is_granted(self, pending: PendingAction, person: Person) -> bool:
        """Tell whether the person has granted what the action needs."""
        return self._calls.may(person, pending.action.endpoint)

    def needs_permission(self, pending: PendingAction, person: Person) -> bool:
        """Tell whether the person must grant something first, and whether that would help."""
        return (
            pending.user_id != person.twitter_id
            and not self.is_granted(pending, person)
            and self._quota.why_unavailable(pending.action.endpoint, person.twitter_id) is None
        )

    def perform(
        self, pending: PendingAction, person: Person, *, deadline: Deadline
    ) -> ActionResult | TwitterError:
        """Perform the action at Twitter; return what became of it, or why Twitter did not do it.

        Following an account twice is fine. Raises `GrantEnded` when the person must sign in again.
        """
        action, own_id = pending.action, person.twitter_id
        if pending.user_id == own_id:
            return ActionResult.OWN_ACCOUNT
        try:
            answer = self._calls.call(
                person,
                action.endpoint,
                lambda api: action.send(api, own_id, pending.user_id),
                deadline=deadline,
            )
        except TwitterError as error:
            if isinstance(error, Unreachable | InvalidAnswer):
                self._drop_reads(person)  # Twitter may have done it
            return error
        self._drop_reads(person)
        is_done = answer.following == action.following
        self._record(action, person, is_done=is_done)
        if is_done:
            return action.done
        return ActionResult.REQUESTED if answer.pending else ActionResult.NOT_DONE

    def _record(self, action: Action, person: Person, *, is_done: bool) -> None:
        session_id = person.session_id
        if action is FOLLOW:
            self._audit_log.record(Event.FOLLOWED, session_id=session_id, succeeded=is_done)
        else:
            self._audit_log.record(Event.UNFOLLOWED, session_id=session_id, succeeded=is_done)

    def _drop_reads(self, person: Person) -> None:
        """Let pages read again what depends on follows; the action stands even if this fails."""
        try:
            self._people.follows_changed(person.user_id)
        except SQLAlchemyError as error:
            log.warning("reads that depend on follows may be old: %s", type(error).__name__)
