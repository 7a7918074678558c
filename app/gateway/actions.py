"""Actions: what this site does at Twitter for a person, now or once they have granted it.

An action for which the permission is missing travels through the sign-in that asks for it, and the
callback performs it. Both ways end in `Actions.perform`, and so does a background job.

Each is performed at most once: a row is claimed before the call, and it stays if Twitter's answer
is lost. Nothing sends such an action again; the person is asked to look.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.exc import SQLAlchemyError

from app.accounts.errors import AccountError
from app.accounts.people import People
from app.accounts.performed_actions import PerformedActions, Press
from app.accounts.shared import Shared
from app.gateway.calls import Caller, Calls
from app.gateway.quota import Quota
from app.observability.audit_log import Event
from app.twitter import endpoints
from app.twitter.api import Api, Following
from app.twitter.dialect import Permission
from app.twitter.endpoints import Endpoint
from app.twitter.errors import InvalidAnswer, NotSent, TokenRefused, TwitterError, Unreachable
from app.twitter.transport.deadline import Deadline
from app.twitter.tweet_text import USERNAME

log = logging.getLogger(__name__)

_ACCOUNT_ID = r"[1-9][0-9]{0,18}"
_NAME = r"[a-z_]{1,32}"
# A target, or the id of a form.
_WORD = r"[A-Za-z0-9_-]{1,40}"
# The other press of a double click waits this long for the first one's result (seconds).
_DUPLICATE_WAITS_SECONDS = 2.0
_POLL_SECONDS = 0.1


class ActionResult(StrEnum):
    """The result of an action, unless Twitter failed or refused; `web.messages` words it."""

    DONE = "done"
    REQUESTED = "requested"  # the account is protected: its owner decides
    NOT_DONE = "not_done"  # Twitter answered, and changed nothing
    UNCONFIRMED = "unconfirmed"  # sent, and no answer is known
    OWN_ACCOUNT = "own_account"
    # After a sign-in
    OTHER_PERSON = "other_person"
    NOT_GRANTED = "not_granted"
    OVERTAKEN = "overtaken"  # by a sign-in in another tab
    UNKNOWN = "unknown"  # we failed, before or after Twitter did it


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing that this site can do for a person.

    The sentences may name the `{target}`. Its endpoint lists the topics that it makes stale.
    """

    name: str  # in forms, rows and log lines
    endpoint: Endpoint
    # Takes the caller and the target, which matches `targets`; makes exactly one call.
    send: Callable[[Api, Caller, str], ActionResult]
    deed: str  # "follow {target}": inside a sentence
    done: str
    refused: str
    target: str = "this account"  # inside a sentence, for want of a name
    targets: str = _ACCOUNT_ID  # the pattern of its ids
    of_others: bool = False  # the target is an account, and never their own

    @property
    def permission(self) -> Permission:
        """The permission that it takes."""
        return self.endpoint.needs[0]


_REGISTRY: dict[str, Action] = {}


def register(action: Action) -> Action:
    """Let forms and sign-ins name `action`. Call it where the module of the action is imported."""
    if not re.fullmatch(_NAME, action.name):
        raise ValueError(f"{action.name!r} is no name: up to 32 small letters and underscores")
    if _REGISTRY.setdefault(action.name, action) is not action:
        raise ValueError(f"two actions are called {action.name}")
    endpoints.BY_ROUTE.setdefault(action.endpoint.route, action.endpoint)
    return action


def _result(answer: Following, *, wanted: bool) -> ActionResult:
    if answer.following == wanted:
        return ActionResult.DONE
    return ActionResult.REQUESTED if answer.pending else ActionResult.NOT_DONE


_GONE_OR_BLOCKED = "The account may be gone, or it may have blocked you."
FOLLOW = register(
    Action(
        name="follow",
        endpoint=endpoints.FOLLOW,
        send=lambda api, me, target: _result(api.follow(me.twitter_id, target), wanted=True),
        deed="follow {target}",
        done="You follow {target} now.",
        refused=_GONE_OR_BLOCKED,
        of_others=True,
    )
)
UNFOLLOW = register(
    Action(
        name="unfollow",
        endpoint=endpoints.UNFOLLOW,
        send=lambda api, me, target: _result(api.unfollow(me.twitter_id, target), wanted=False),
        deed="unfollow {target}",
        done="You no longer follow {target}.",
        refused=_GONE_OR_BLOCKED,
        of_others=True,
    )
)

_PENDING = re.compile(
    rf"(?P<name>{_NAME}):(?P<target>{_WORD})"
    rf"(?::(?P<username>{USERNAME.pattern}))?(?:~(?P<once>{_WORD}))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingAction:
    """An action, its target, and the id of the form in which it was pressed.

    The target's id decides; the username is only for sentences about it. Two presses of one form
    (the same `once`) are one. Without an id each counts.
    """

    action: Action
    target_id: str
    username: str = ""
    once: str = ""

    @classmethod
    def from_text(cls, text: str | None) -> PendingAction | None:
        """Read "follow:1002" or "unfollow:1002:robin~4f2a"; return None for anything else."""
        found = _PENDING.fullmatch(text or "")
        action = _REGISTRY.get(found["name"]) if found else None
        if found is None or action is None or not re.fullmatch(action.targets, found["target"]):
            return None
        return cls(
            action=action,
            target_id=found["target"],
            username=found["username"] or "",
            once=found["once"] or "",
        )

    @classmethod
    def of_form(
        cls, action: Action, target_id: str, *, username: str = "", once: str = ""
    ) -> PendingAction | None:
        """Read the fields of a form as strictly, without a username or id that cannot be one."""
        fields = {
            "username": username if USERNAME.fullmatch(username) else "",
            "once": once if re.fullmatch(_WORD, once) else "",
        }
        pending = cls(action=action, target_id=target_id, **fields)
        return pending if cls.from_text(str(pending)) else None

    def __str__(self) -> str:
        """Return the text that `from_text` reads."""
        username = f":{self.username}" if self.username else ""
        once = f"~{self.once}" if self.once else ""
        return f"{self.action.name}:{self.target_id}{username}{once}"

    @property
    def target(self) -> str:
        """The target, inside a sentence."""
        return f"@{self.username}" if self.username else self.action.target


class Actions:
    """Performs actions, each at most once. Pages then read again the topics that it changed."""

    def __init__(
        self,
        shared: Shared,
        calls: Calls,
        people: People,
        performed: PerformedActions,
        quota: Quota,
    ) -> None:
        self._calls = calls
        self._people = people
        self._performed = performed
        self._quota = quota
        self._audit_log = shared.audit_log

    def is_granted(self, pending: PendingAction, caller: Caller) -> bool:
        """Tell whether the person has granted what the action needs."""
        return self._calls.may(caller, pending.action.endpoint)

    def needs_permission(self, pending: PendingAction, caller: Caller) -> bool:
        """Tell whether the person must grant something first, and whether that would help."""
        return (
            not _is_of_oneself(pending, caller)
            and pending.action.endpoint.exists_in(self._calls.dialect)
            and not self.is_granted(pending, caller)
            and self._quota.why_unavailable(pending.action.endpoint, caller.twitter_id) is None
        )

    def perform(
        self, pending: PendingAction, caller: Caller, *, deadline: Deadline
    ) -> ActionResult | TwitterError:
        """Perform the action at Twitter; return what became of it, or why Twitter did not do it.

        A second press of the same form gets the result of the first; if Twitter refused that one,
        it is sent by itself. Raises `GrantEnded` when the person must sign in again.
        """
        if _is_of_oneself(pending, caller):
            return ActionResult.OWN_ACCOUNT
        press = Press.of(pending.action.name, pending.target_id, pending.once, caller.user_id)
        if (first := self._first_result(press, deadline)) is not None:
            return first
        try:
            result = self._sent(pending, press, caller, deadline)
        except TwitterError as error:
            if isinstance(error, Unreachable | InvalidAnswer) and not isinstance(error, NotSent):
                self._changed(pending, caller)  # Twitter may have done it
            else:
                self._performed.release(press)
            return error
        except AccountError:
            self._performed.release(press)
            raise
        self._performed.record_result(press, result)
        self._changed(pending, caller)
        return result

    def _sent(
        self, pending: PendingAction, press: Press, caller: Caller, deadline: Deadline
    ) -> ActionResult:
        """Send the action; raises `NotSent` if Twitter failed before, at the refresh of a token.

        Gives the claim up if our own database failed before.
        """
        action = pending.action
        sent = False

        def send(api: Api) -> ActionResult:
            nonlocal sent
            sent = True
            try:
                return action.send(api, caller, pending.target_id)
            except TokenRefused:
                sent = False  # Twitter did nothing, and a refresh follows
                raise

        try:
            result = self._calls.call(caller, action.endpoint, send, deadline=deadline)
        except (Unreachable, InvalidAnswer) as error:
            if sent:
                raise
            raise NotSent("no token could be refreshed") from error
        except SQLAlchemyError:
            if not sent:
                self._performed.release(press)
            raise
        self._audit_log.record(
            Event.ACTION_PERFORMED,
            session_id=getattr(caller, "session_id", None),
            action=action.name,
            result=result.value,
        )
        return result

    def _first_result(self, press: Press, deadline: Deadline) -> ActionResult | None:
        """Claim the press; if another has, return what became of that, as far as is known soon."""
        ends = time.monotonic() + min(_DUPLICATE_WAITS_SECONDS, deadline.remaining())
        while not self._performed.claim(press):
            result = self._performed.result_of(press)
            if result is not None:
                return ActionResult(result)
            if time.monotonic() >= ends:
                return ActionResult.UNCONFIRMED
            time.sleep(_POLL_SECONDS)
        return None

    def _changed(self, pending: PendingAction, caller: Caller) -> None:
        """Let pages read again what the action made stale; it stands even if this fails."""
        topics = pending.action.endpoint.changes
        try:
            self._people.changed(caller.user_id, topics)
        except SQLAlchemyError as error:
            log.warning("reads of %s may be old: %s", sorted(topics), type(error).__name__)


def _is_of_oneself(pending: PendingAction, caller: Caller) -> bool:
    return pending.action.of_others and pending.target_id == caller.twitter_id
