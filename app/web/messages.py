"""The sentences about errors, actions and permissions: each stands here once.

An error page shows a message's title above its text; panels and actions show both in one line.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import TypeVar

from app.accounts.grants import EndReason
from app.accounts.sessions import LoggedOut
from app.gateway.actions import ActionResult, PendingAction
from app.services import services
from app.twitter import errors
from app.twitter.dialect import Permission
from app.twitter.errors import RateLimited, TwitterError
from app.web.vocabulary import worded

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Message:
    """A title and the text that follows it."""

    title: str
    text: str

    def __str__(self) -> str:
        """Return both in one line."""
        return f"{self.title}. {self.text}"

    def worded(self) -> Message:
        """Return the same in the provider's words."""
        return Message(worded(self.title), worded(self.text))


# An error is told as its nearest class here. Errors of a sign-in have their messages in
# `error_table`: only pages tell them.
ERRORS: Mapping[type[BaseException], Message] = MappingProxyType(
    {
        errors.Busy: Message("Too many people at once", "Please try again in a few seconds."),
        errors.Unreachable: Message("Twitter is not answering", "Please try again in a minute."),
        errors.InvalidAnswer: Message(
            "Twitter said something odd", "We cannot read its answer. Please try again later."
        ),
        errors.RateLimited: Message(
            "Twitter asks for a pause", "One of its limits is used up for now."
        ),
        errors.GrantRefused: Message(
            "This sign-in has expired",
            "Twitter's code is valid for 30 seconds and has expired. Please start again.",
        ),
        errors.ClientRefused: Message(
            "Twitter does not accept this site",
            "Its operator must fix its registration at Twitter.",
        ),
        errors.TokenRefused: Message(
            "Please sign in again", "Twitter no longer accepts this sign-in."
        ),
        errors.PermissionMissing: Message(
            "A permission is missing", "Twitter says that you have not granted it."
        ),
        errors.NotInPlan: Message(
            "Not part of this site's plan",
            "This site does not pay Twitter for this.",
        ),
        errors.NotInOwnPlan: Message(
            "Not part of your own plan", "Your account at Twitter needs another plan for this."
        ),
        errors.WrongTokenType: Message(
            "This is a mistake of this site, not yours",
            "Its operator can read about it in the log.",
        ),
        errors.OutOfCredits: Message(
            "Out of credits", "This site has used up what it may ask of Twitter for now."
        ),
        errors.Refused: Message("Twitter said no", "It gave no reason. Please try again later."),
    }
)

_PANELS: Mapping[type[BaseException], Message | str] = {
    **ERRORS,
    errors.Refused: "Twitter does not show this to us.",
}

# Twitter may have done it although its answer got lost.
_NO_CLEAR_ANSWER = "Twitter gave no clear answer. Please check whether it was done."
_REFUSED = replace(ERRORS[errors.Refused], text="{refused}")
_ACTIONS: Mapping[type[BaseException], Message | str] = {
    **ERRORS,
    errors.NotSent: ERRORS[errors.Unreachable],
    errors.Unreachable: _NO_CLEAR_ANSWER,
    errors.InvalidAnswer: _NO_CLEAR_ANSWER,
    # A sentence alone has no button that signs in.
    errors.TokenRefused: replace(
        ERRORS[errors.TokenRefused], title="Please log out and sign in again"
    ),
    errors.PermissionMissing: _REFUSED,  # Twitter says the same of a blocked account
    errors.Refused: _REFUSED,
}

# `{done}` and `{deed}` are the action's own words.
_RESULTS: Mapping[ActionResult, str] = {
    ActionResult.DONE: "{done}",
    ActionResult.REQUESTED: "Your request to {deed} is sent. They decide who may follow them.",
    ActionResult.NOT_DONE: "Twitter did not let you {deed}.",
    ActionResult.UNCONFIRMED: _NO_CLEAR_ANSWER,
    ActionResult.OWN_ACCOUNT: "You cannot {name} yourself.",
    ActionResult.OTHER_PERSON: "You came back with another account, "
    "the one that is signed in at Twitter, so you did not {deed}.",
    ActionResult.NOT_GRANTED: "Twitter did not pass on your permission, so you did not {deed}.",
    ActionResult.OVERTAKEN: "Another sign-in came first, so you did not {deed}.",
    ActionResult.UNKNOWN: "We could not finish that. Please check whether it was done.",
}

# How a sign-in ended, as the account page tells it.
_SIGN_IN_ENDINGS: Mapping[str | None, str] = MappingProxyType(
    {
        EndReason.LOGGED_OUT: "You logged out, there or from another browser.",
        EndReason.REPLACED: "A newer sign-in in the same browser took its place.",
        EndReason.EXPIRED: "It was unused for too long, or too old.",
        EndReason.TOKEN_EXPIRED: "Twitter's permission ran out, and could not be renewed.",
        EndReason.REFUSED: "Twitter no longer accepted it.",
        EndReason.DISCONNECTED: "You disconnected your account.",
        EndReason.ENDED_BY_OPERATOR: "The operator of this site ended it.",
    }
)

# Each permission: what this site may do with it, and why it asks for it.
_PERMISSIONS: Mapping[Permission, tuple[str, str]] = MappingProxyType(
    {
        Permission.READ_TWEETS: (
            "Read the Tweets you can see, protected ones too",
            "To show your Tweets. Twitter asks for it even to say who you are.",
        ),
        Permission.READ_USERS: (
            "Read profiles, yours included",
            "To know who you are, and to show names and faces.",
        ),
        Permission.READ_FOLLOWS: (
            "See whom you follow and who follows you",
            "To list whom you follow, and who follows you.",
        ),
        Permission.WRITE_FOLLOWS: (
            "Follow and unfollow people for you",
            "For Follow and Unfollow, and only when you press them.",
        ),
        Permission.READ_SPACES: (
            "See the Spaces that are open to you",
            "To show Spaces that are live, planned or over.",
        ),
        Permission.STAY_SIGNED_IN: (
            "Stay connected until you end it",
            "Without it you would have to sign in every two hours.",
        ),
    }
)


def _nearest(table: Mapping[type[BaseException], T], error: BaseException) -> T:
    """Return the row of the class of `error`, or of the nearest class above that has one."""
    return next(table[kind] for kind in type(error).__mro__ if kind in table)


def panel_message(error: TwitterError) -> str:
    """Return what a panel says in place of what it could not read."""
    return str(_nearest(_PANELS, error))


def action_message(
    pending: PendingAction, result: ActionResult | TwitterError, *, now: datetime
) -> str:
    """Return what became of an action."""
    action = pending.action
    words = {
        "name": action.name,
        "deed": deed(pending),
        "done": worded(action.done).format(target=pending.target),
        "refused": worded(action.refused),
    }
    if isinstance(result, ActionResult):
        return worded(_RESULTS[result]).format(**words)
    if isinstance(result, RateLimited):
        again = f"again {_clock(result.until, now)}" if result.until else "again later"
        return f"{worded(ERRORS[RateLimited].title)}. You can {words['deed']} {again}."
    return worded(str(_nearest(_ACTIONS, result))).format(**words)


def deed(pending: PendingAction) -> str:
    """Return the action and its target inside a sentence: "follow @robin"."""
    return worded(pending.action.deed).format(target=pending.target)


def _clock(moment: datetime, now: datetime) -> str:
    """Return a time within the next 24 hours, which is as far ahead as limits reach."""
    day = "" if moment.date() == now.date() else "tomorrow "
    return f"{day}at {moment:%H:%M} UTC"


def permission_words(permission: Permission) -> str:
    """Return what this site may do with a permission."""
    return worded(_PERMISSIONS[permission][0])


def permission_purpose(permission: Permission) -> str:
    """Return why this site asks for a permission."""
    return worded(_PERMISSIONS[permission][1])


def sign_in_ending(reason: str | None) -> str:
    """Return how a sign-in ended; a release before or after this one may have had other reasons."""
    return worded(_SIGN_IN_ENDINGS.get(reason, "It has ended."))


def permission_needed(permission: Permission) -> str:
    """Return what a panel says before the person has granted a permission."""
    return f"One more permission is needed here: {lower_first(_PERMISSIONS[permission][0])}."


def permission_lost(permission: Permission) -> str:
    """Return what a panel says if Twitter reports a missing scope that we believe was granted.

    The person took it back at Twitter, or granted less than Twitter told us.
    """
    return (
        "Twitter says that a permission is missing here: "
        f"{lower_first(_PERMISSIONS[permission][0])}. Granting it once more may help."
    )


def lower_first(text: str) -> str:
    """Return `text` as it stands inside a sentence."""
    return text[:1].lower() + text[1:]


def logged_out(ended: LoggedOut) -> str:
    """Return the sentence that follows a logout: it says whether this site keeps its access."""
    if ended.kept:
        return worded(
            "You are logged out in this browser. Our database does not answer, so this site keeps "
            "trying to end the session there and to tell Twitter."
        )
    if ended.grant_ended:
        return worded(
            "You are logged out, and this site's access to your Twitter account has ended."
        )
    if ended.sessions and not services().config.logout_revokes:
        return (
            "You are logged out. This site keeps its access to your account until you disconnect."
        )
    if ended.sessions:
        return "You are logged out here. You are still signed in in another browser."
    return "You are logged out."
