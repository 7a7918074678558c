"""What somebody wishes for with one press: to follow or to unfollow one account.

It is done at once if they have allowed it, else after the sign-in that asks for the permission.
Both ways end here, and what became of it is told in one sentence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

from app.accounts.people import Person
from app.services import services
from app.twitter.api import Following
from app.twitter.endpoints import FOLLOW, UNFOLLOW, Endpoint
from app.twitter.errors import (
    Busy,
    ClientRefused,
    NotInOwnPlan,
    NotInPlan,
    OutOfCredits,
    RateLimited,
    Refused,
    TokenRefused,
    TwitterError,
    WrongTokenType,
)
from app.twitter.transport.deadline import Deadline
from app.twitter.tweet_text import USERNAME

Verb = Literal["follow", "unfollow"]

ENDPOINTS: Mapping[Verb, Endpoint] = {"follow": FOLLOW, "unfollow": UNFOLLOW}
_WISH = re.compile(rf"(follow|unfollow):([1-9][0-9]{{0,18}})(?::({USERNAME.pattern}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """Follow or unfollow somebody. The id decides; the name is only for the sentence about it."""

    verb: Verb
    user_id: str
    username: str = ""

    @classmethod
    def from_text(cls, text: str | None) -> Wish | None:
        """Read "follow:1002" or "unfollow:1002:robin"; nothing else is a wish."""
        found = _WISH.fullmatch(text or "")
        if found is None:
            return None
        return cls(verb=cast("Verb", found[1]), user_id=found[2], username=found[3] or "")

    def __str__(self) -> str:
        """Write what `from_text` reads."""
        return f"{self.verb}:{self.user_id}" + (f":{self.username}" if self.username else "")

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint that fulfils it."""
        return ENDPOINTS[self.verb]

    @property
    def whom(self) -> str:
        """The account, inside a sentence."""
        return f"@{self.username}" if self.username else "this account"


def lacks_permission(wish: Wish, person: Person) -> bool:
    """Tell whether asking the person for a permission is what it takes, and would help."""
    return (
        wish.user_id != person.profile.id
        and not services().follows.may(person)
        and services().quota.verdict(wish.endpoint, person.profile.id) is None
    )


def fulfil(wish: Wish, person: Person, *, deadline: Deadline) -> str:
    """Do it at Twitter, and return the sentence that tells the person what became of it.

    What goes wrong at Twitter is such a sentence, too. Only the end of the grant gets out.
    """
    if wish.user_id == person.profile.id:
        return f"You cannot {wish.verb} yourself."
    follows = services().follows
    act = follows.follow if wish.verb == "follow" else follows.unfollow
    try:
        return _done(wish, act(person, wish.user_id, deadline=deadline))
    except TwitterError as error:
        return _refused(wish, error, now=services().now())


def _done(wish: Wish, answer: Following) -> str:
    if wish.verb == "unfollow" and not answer.following:
        return f"You no longer follow {wish.whom}."
    if wish.verb == "follow" and answer.following:
        return f"You follow {wish.whom} now."
    if answer.pending:
        return f"Your request to follow {wish.whom} is sent. They decide who may follow them."
    return f"Twitter did not let you {wish.verb} {wish.whom}."


# The first that fits is said: the particular before the general.
_SENTENCES: tuple[tuple[type[TwitterError], str], ...] = (
    (Busy, "Many people are here at this moment. Please try again in a few seconds."),
    (TokenRefused, "Twitter no longer accepts this sign-in. Please log out and sign in again."),
    (NotInOwnPlan, "That is not part of your own account's plan at Twitter."),
    (NotInPlan, "That is not part of what this site may do at Twitter."),
    (
        WrongTokenType,
        "This is a mistake of this site, not yours. Its operator can read about it in the log.",
    ),
    (OutOfCredits, "This site has used up what it may ask of Twitter for now."),
    (ClientRefused, "Twitter does not accept this site at the moment."),
    (Refused, "Twitter said no. The account may be gone, or it may have blocked you."),
    # No answer, or one that makes no sense: what was sent may have arrived all the same.
    (TwitterError, "Twitter gave no clear answer. Please look whether it was done."),
)


def _refused(wish: Wish, error: TwitterError, *, now: datetime) -> str:
    if isinstance(error, RateLimited):
        again = f"again {_clock(error.until, now)}" if error.until else "again later"
        return f"Twitter asks for a pause. You can {wish.verb} {wish.whom} {again}."
    return next(sentence for kind, sentence in _SENTENCES if isinstance(error, kind))


def _clock(moment: datetime, now: datetime) -> str:
    """Say a time within the next 24 hours, which is as far ahead as limits reach."""
    day = "" if moment.date() == now.date() else "tomorrow "
    return f"{day}at {moment:%H:%M} UTC"
