"""What people read about permissions and about trouble: plain words for each, in one place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from app.twitter.dialect import Permission
from app.twitter.errors import (
    Busy,
    InvalidAnswer,
    NotInOwnPlan,
    NotInPlan,
    OutOfCredits,
    PermissionMissing,
    RateLimited,
    Refused,
    TokenRefused,
    TwitterError,
    Unreachable,
    WrongTokenType,
)

PERMISSIONS: Mapping[Permission, str] = MappingProxyType(
    {
        Permission.READ_TWEETS: "Read the Tweets you can see, protected ones too",
        Permission.READ_USERS: "Read profiles, yours included",
        Permission.READ_FOLLOWS: "See whom you follow and who follows you",
        Permission.READ_SPACES: "See the Spaces that are open to you",
        Permission.STAY_SIGNED_IN: "Stay connected until you log out",
        Permission.WRITE_FOLLOWS: "Follow and unfollow people for you",
    }
)

# What each is needed for.
WHY: Mapping[Permission, str] = MappingProxyType(
    {
        Permission.READ_TWEETS: "To show your Tweets. Twitter asks for it even to say who you are.",
        Permission.READ_USERS: "To know who you are, and to show names and faces.",
        Permission.READ_FOLLOWS: "To list whom you follow, and who follows you.",
        Permission.READ_SPACES: "To show Spaces that are live, planned or over.",
        Permission.STAY_SIGNED_IN: "Without it you would have to sign in every two hours.",
        Permission.WRITE_FOLLOWS: "For Follow and Unfollow, and only when you press them.",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why a panel is empty: a sentence, when it ends if anybody knows, and what would help."""

    text: str
    until: datetime | None = None
    ask: Permission | None = None
    sign_in: bool = False
    again: bool = False


# Who tries again is told the same again: somebody has to do something first.
_LASTING = (TokenRefused, NotInPlan, OutOfCredits, WrongTokenType)

# The first that fits is said: the particular before the general.
_SENTENCES: tuple[tuple[type[TwitterError], str], ...] = (
    (Busy, "Many people are reading at this moment. Please try again in a few seconds."),
    (Unreachable, "Twitter is not answering. Please try again in a moment."),
    (InvalidAnswer, "Twitter sent something that makes no sense to us. Please try again later."),
    (RateLimited, "Twitter asks us to wait before we read this again."),
    (TokenRefused, "Twitter no longer accepts this sign-in. Please sign in again."),
    (NotInOwnPlan, "This is not part of your own account's plan at Twitter."),
    (NotInPlan, "This is not part of what this site may read at Twitter."),
    (
        WrongTokenType,
        "This is a mistake of this site, not yours. Its operator can read about it in the log.",
    ),
    (OutOfCredits, "This site has used up what it may read at Twitter for now."),
    (Refused, "Twitter does not show this to us."),
)


def missing(permission: Permission) -> Trouble:
    """Say which permission a panel would need, so that the page can offer to ask for it."""
    return Trouble(
        text=f"One more permission is needed here: {lower_first(PERMISSIONS[permission])}.",
        ask=permission,
    )


def _still_missing(permission: Permission) -> Trouble:
    """Say what Twitter takes for not granted, though we take it for granted. Never asked unasked.

    Who took it back at Twitter, or said yes to less than we heard, gets on by granting it again.
    """
    return Trouble(
        text="Twitter says that a permission is missing here: "
        f"{lower_first(PERMISSIONS[permission])}. Granting it once more may help.",
        ask=permission,
    )


def trouble(error: TwitterError, *, needs: Sequence[Permission], now: datetime) -> Trouble:
    """Put an error of a read that `needs` permissions, the telling one first, into words."""
    if isinstance(error, PermissionMissing):
        return _still_missing(needs[0])
    until = error.until if isinstance(error, RateLimited) and _is_ahead(error.until, now) else None
    return Trouble(
        text=_sentence(error),
        until=until,
        sign_in=isinstance(error, TokenRefused),
        again=until is None and not isinstance(error, _LASTING),
    )


def _sentence(error: TwitterError) -> str:
    return next(text for kind, text in _SENTENCES if isinstance(error, kind))


def _is_ahead(moment: datetime | None, now: datetime) -> bool:
    return moment is not None and moment > now


def lower_first(text: str) -> str:
    """Return `text` as it stands inside a sentence."""
    return text[:1].lower() + text[1:]
