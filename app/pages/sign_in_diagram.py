"""The sign-in diagram: its lanes, its messages in order, and the times of one sign-in.

Its words are in templates/partials/sign_in_steps.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from app.accounts.sign_in_record import ClientKind, SignInRecord, Step
from app.pages.filters import about, duration
from app.twitter.dialect import Dialect

# The lifetime of an authorization code at Twitter.
CODE_LIFETIME_MS = 30_000


class Lane(StrEnum):
    """The parties of a sign-in, from left to right."""

    BROWSER = "browser"
    SITE = "site"
    TWITTER = "twitter"


@dataclass(frozen=True, slots=True)
class Message:
    """One arrow between two lanes, or, if they are the same, a step that one party does alone."""

    start: Lane
    end: Lane
    http: str = ""
    time: str = ""

    @property
    def between(self) -> str:
        """Both lanes, from left to right."""
        return " ".join(lane for lane in Lane if lane in {self.start, self.end})

    @property
    def points_left(self) -> bool:
        """Whether the arrow points to the left."""
        lanes = list(Lane)
        return lanes.index(self.end) < lanes.index(self.start)


MESSAGES: Mapping[str, Message] = {
    "form": Message(Lane.BROWSER, Lane.SITE, "POST /auth/login"),
    "redirect": Message(Lane.SITE, Lane.BROWSER, "303 See Other"),
    "authorization_request": Message(Lane.BROWSER, Lane.TWITTER, "GET /i/oauth2/authorize"),
    "consent": Message(Lane.TWITTER, Lane.TWITTER),
    "authorization_response": Message(Lane.TWITTER, Lane.BROWSER, "302 Found"),
    "callback": Message(Lane.BROWSER, Lane.SITE, "GET /auth/callback"),
    "state_check": Message(Lane.SITE, Lane.SITE),
    "token_request": Message(Lane.SITE, Lane.TWITTER, "POST /2/oauth2/token"),
    "token_response": Message(Lane.TWITTER, Lane.SITE, "200 OK"),
    "profile_request": Message(Lane.SITE, Lane.TWITTER, "GET /2/users/me"),
    "profile_response": Message(Lane.TWITTER, Lane.SITE, "200 OK"),
    "session": Message(Lane.SITE, Lane.BROWSER, "303 See Other"),
}

# The step of the record that gives each of these messages its time.
_TIMED_BY = {
    "state_check": Step.CLAIMED,
    "token_request": Step.CODE_SENT,
    "token_response": Step.TOKENS_CAME,
    "profile_response": Step.PROFILE_CAME,
}


def messages(record: SignInRecord) -> dict[str, Message]:
    """Return the messages of one sign-in, with its times."""
    times = {name: duration(record.reached_ms[step]) for name, step in _TIMED_BY.items()}
    times["consent"] = about(record.away_ms)
    return {name: replace(one, time=times.get(name, "")) for name, one in MESSAGES.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A part of the time between callback and session, drawn as a bar."""

    label: str
    start_ms: int
    took_ms: int


def phases(record: SignInRecord) -> list[Phase]:
    """Return how the time from the callback to the profile is divided."""
    reached = record.reached_ms
    ends = {
        "Checking the state": reached[Step.CODE_SENT],
        "Exchanging the code": reached[Step.TOKENS_CAME],
        "Reading your profile": reached[Step.PROFILE_CAME],
    }
    starts = [0, *ends.values()]
    return [
        Phase(label=label, start_ms=start, took_ms=end - start)
        for (label, end), start in zip(ends.items(), starts, strict=False)
    ]


def example(client: ClientKind, dialect: Dialect) -> SignInRecord:
    """Return a sign-in with typical times, of a site like this one."""
    scopes = dialect.scopes(*dialect.at_sign_in)
    return SignInRecord(
        client=client,
        dialect=dialect.name,
        asked=scopes,
        granted=scopes,
        away_ms=6_000,
        reached_ms={
            Step.CLAIMED: 4,
            Step.CODE_SENT: 5,
            Step.TOKENS_CAME: 240,
            Step.PROFILE_CAME: 390,
        },
    )
