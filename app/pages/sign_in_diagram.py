"""One sign-in as a drawing: every message, who sends it to whom, and what each part of it is for.

The words are here, once, for "How it works" and for "How you signed in". They tell the shape of a
secret and nothing of its value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from app.accounts.sign_in_record import ClientKind, SignInRecord, Step
from app.pages.filters import about, duration
from app.twitter.dialect import AT_SIGN_IN, Dialect

# The life of an authorization code at Twitter.
CODE_LIVES_MS = 30_000
# What is shown to everybody: typical times, and no sign-in in particular.
_EXAMPLE_TIMES = {
    Step.CLAIMED: 4,
    Step.CODE_SENT: 5,
    Step.TOKENS_CAME: 240,
    Step.PROFILE_CAME: 390,
}


def example(client: ClientKind, dialect: Dialect) -> SignInRecord:
    """Return a sign-in as it usually goes on a site like this one."""
    scopes = dialect.scopes(*AT_SIGN_IN)
    return SignInRecord(
        client=client,
        dialect=dialect.name,
        asked=scopes,
        granted=scopes,
        away_ms=6_000,
        reached_ms=_EXAMPLE_TIMES,
    )


class Lane(StrEnum):
    """Who takes part, from left to right."""

    BROWSER = "browser"
    SITE = "site"
    TWITTER = "twitter"


@dataclass(frozen=True, slots=True)
class Part:
    """One parameter, header or cookie: what it looks like, where it is defined, what it is for."""

    name: str
    looks: str
    words: str
    rfc: str = ""

    @property
    def source(self) -> str:
        """Where `rfc` ("6749 §4.1") can be read."""
        number, section = self.rfc.split(" §")
        return f"https://www.rfc-editor.org/rfc/rfc{number}#section-{section}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One arrow of the drawing, or one thing that somebody does alone."""

    start: Lane
    end: Lane
    label: str
    title: str
    request: str = ""
    words: str
    parts: Sequence[Part] = ()
    time: str = ""

    @property
    def between(self) -> str:
        """Between which lanes the arrow runs, from left to right."""
        return " ".join(lane for lane in Lane if lane in {self.start, self.end})

    @property
    def to_the_left(self) -> bool:
        """Tell whether the arrow points to the left."""
        lanes = list(Lane)
        return lanes.index(self.end) < lanes.index(self.start)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A part of the time between callback and session, for the bars."""

    words: str
    start_ms: int
    took_ms: int


_CLIENT_PROOF: Mapping[str, Part] = {
    "confidential": Part(
        "Authorization: Basic",
        "client id and client secret",
        "The site proves that it is the one that asked, with a secret that no browser ever sees.",
        "6749 §2.3.1",
    ),
    "public": Part(
        "client_id",
        "the site's public name",
        "This site has no secret, so it says its name. What protects the code is the verifier.",
        "6749 §3.2.1",
    ),
}


def drawing(record: SignInRecord, *, callback_url: str) -> list[Message]:
    """Return the messages of one sign-in, with its times and what it asked for."""
    looks = {
        "callback": callback_url,
        "asked": " ".join(sorted(record.asked)),
        "granted": " ".join(sorted(record.granted)),
    }
    times = _times(record)
    return [
        replace(
            message,
            time=times.get(message.title, ""),
            parts=[_filled(part, record, looks) for part in message.parts],
        )
        for message in MESSAGES
    ]


def stretches(record: SignInRecord) -> list[Stretch]:
    """Return where the time went, from the callback until it was known who came."""
    reached = record.reached_ms
    ends = {
        "Claiming the state": reached[Step.CODE_SENT],
        "Code for tokens": reached[Step.TOKENS_CAME],
        "Asking who it is": reached[Step.PROFILE_CAME],
    }
    starts = [0, *ends.values()]
    return [
        Stretch(words=words, start_ms=start, took_ms=end - start)
        for (words, end), start in zip(ends.items(), starts, strict=False)
    ]


def _filled(part: Part, record: SignInRecord, looks: Mapping[str, str]) -> Part:
    if part is _PROOF:
        return _CLIENT_PROOF[record.client]
    return replace(part, looks=part.looks.format(**looks))


def _times(record: SignInRecord) -> dict[str, str]:
    reached = {step: duration(ms) for step, ms in record.reached_ms.items()}
    return {
        _SAY_YES: about(record.away_ms),
        _CLAIM: reached[Step.CLAIMED],
        _EXCHANGE: reached[Step.CODE_SENT],
        TOKENS: reached[Step.TOKENS_CAME],
        _WHO: reached[Step.PROFILE_CAME],
    }


_SAY_YES = "You say yes, at Twitter"
_CLAIM = "Is it yours, and is it new?"
_EXCHANGE = "The code is handed in"
TOKENS = "Twitter answers with tokens"
_WHO = "Twitter says who you are"

# In its place stands how this very client proves who it is.
_PROOF = Part("client authentication", "", "")

MESSAGES = (
    Message(
        start=Lane.BROWSER,
        end=Lane.SITE,
        label="a form",
        title="You press the button",
        request="POST /auth/login",
        words="A form and not a link, so that no other site can press the button for you.",
        parts=(
            Part(
                "csrf_token",
                "signed, for this browser only",
                "Shows that the form is one of ours. Another site cannot know it.",
                "9700 §4.7",
            ),
            Part("next", "a path of this site", "Where you wanted to go, if it is on this site."),
        ),
    ),
    Message(
        start=Lane.SITE,
        end=Lane.BROWSER,
        label="redirect",
        title="The site makes two secrets",
        request="303 See Other",
        words=(
            "A state and a code verifier, new for every sign-in. Both stay in this browser for ten "
            "minutes, in a sealed cookie, while it is sent on to Twitter."
        ),
        parts=(
            Part(
                "Set-Cookie: flow-...",
                "sealed, HttpOnly",
                "Holds state and verifier. Only this site can open it, and no script can read it.",
                "6749 §10.12",
            ),
            Part(
                "303",
                "and not 307",
                "Your browser goes on with a GET: the form you sent stays here.",
                "9700 §4.12",
            ),
        ),
    ),
    Message(
        start=Lane.BROWSER,
        end=Lane.TWITTER,
        label="a request, and a challenge",
        title="Your browser asks Twitter",
        request="GET /i/oauth2/authorize",
        words=(
            "The authorization request: which site asks, for what, and where to come back. "
            "Nothing in it is of use to somebody who reads it."
        ),
        parts=(
            Part(
                "response_type",
                "code",
                "A code, to be exchanged behind the scenes. No token passes through your browser.",
                "6749 §4.1.1",
            ),
            Part("client_id", "the site's public name", "Which site asks.", "6749 §2.2"),
            Part(
                "redirect_uri",
                "{callback}",
                "Where Twitter sends you back. It must be registered, letter by letter.",
                "9700 §4.1.3",
            ),
            Part("scope", "{asked}", "What the site asks to do for you.", "6749 §3.3"),
            Part(
                "state",
                "43 characters, random",
                "Comes back unchanged and proves that this browser began the sign-in.",
                "6749 §10.12",
            ),
            Part(
                "code_challenge",
                "43 characters, a hash",
                "The fingerprint of the verifier. The verifier itself stays with the site.",
                "7636 §4.2",
            ),
            Part(
                "code_challenge_method",
                "S256",
                "How the fingerprint is made: SHA-256, which cannot be reversed.",
                "7636 §4.3",
            ),
        ),
    ),
    Message(
        start=Lane.TWITTER,
        end=Lane.TWITTER,
        label="yes or no",
        title=_SAY_YES,
        words=(
            "On Twitter's own page, with a password that this site never sees. Twitter says what "
            "is asked for, and you may say no."
        ),
    ),
    Message(
        start=Lane.TWITTER,
        end=Lane.BROWSER,
        label="state and code",
        title="Twitter sends you back",
        request="302 Found",
        words="From here on it is a race: the code lives 30 seconds and works once.",
        parts=(
            Part(
                "code",
                "made by Twitter",
                "A ticket for tokens. It is worth nothing without the verifier.",
                "6749 §4.1.2",
            ),
            Part("state", "43 characters, the same", "As we sent it.", "6749 §4.1.2"),
            Part(
                "iss",
                "if Twitter sends it",
                "Who answers. Any name but Twitter's is refused.",
                "9207 §2",
            ),
            Part(
                "error",
                "instead of a code",
                "access_denied if you pressed Cancel. Then nothing is shared.",
                "6749 §4.1.2.1",
            ),
        ),
    ),
    Message(
        start=Lane.BROWSER,
        end=Lane.SITE,
        label="state and code",
        title="You are back",
        request="GET /auth/callback",
        words=(
            "With what Twitter gave you, and with the cookie of this very sign-in. Here the clock "
            "starts."
        ),
        parts=(
            Part(
                "Cookie: flow-...",
                "sealed",
                "Only the browser that began has it. A code slipped to you does nothing.",
                "9700 §4.7",
            ),
        ),
    ),
    Message(
        start=Lane.SITE,
        end=Lane.SITE,
        label="once",
        title=_CLAIM,
        words=(
            "State first, before anything else is read. It is used up in the database, so that "
            "however often and wherever the address is opened again, the code is sent once."
        ),
    ),
    Message(
        start=Lane.SITE,
        end=Lane.TWITTER,
        label="code and verifier",
        title=_EXCHANGE,
        request="POST /2/oauth2/token",
        words="From server to server. Your browser is not part of this, and waits.",
        parts=(
            Part("grant_type", "authorization_code", "What is handed in.", "6749 §4.1.3"),
            Part("code", "as it came", "The ticket.", "6749 §4.1.3"),
            Part(
                "redirect_uri",
                "{callback}",
                "The same once more: the code is bound to it.",
                "6749 §4.1.3",
            ),
            Part(
                "code_verifier",
                "43 characters, random",
                "Twitter hashes it and compares. Whoever stole the code does not have it.",
                "7636 §4.5",
            ),
            _PROOF,
        ),
    ),
    Message(
        start=Lane.TWITTER,
        end=Lane.SITE,
        label="token set",
        title=TOKENS,
        request="200 OK",
        words="What the site may now do for you, and for how long. Stored sealed, never shown.",
        parts=(
            Part("token_type", "bearer", "Who bears the token may use it.", "6749 §7.1"),
            Part(
                "access_token", "made by Twitter", "Opens what you allowed, for now.", "6749 §1.4"
            ),
            Part(
                "expires_in",
                "seconds; two hours at Twitter",
                "How long the access token lives.",
                "6749 §5.1",
            ),
            Part(
                "refresh_token",
                "made by Twitter",
                "Gets the next access token. Works once, then there is a new one.",
                "6749 §1.5",
            ),
            Part(
                "scope",
                "{granted}",
                "What you really allowed. The order may differ, so sets are compared.",
                "6749 §5.1",
            ),
        ),
    ),
    Message(
        start=Lane.SITE,
        end=Lane.TWITTER,
        label="who is it?",
        title="Whose tokens are these?",
        request="GET /2/users/me",
        words="Tokens do not say whose they are. So the site asks, once.",
        parts=(
            Part(
                "Authorization: Bearer",
                "the access token",
                "In a header and never in an address: addresses end up in logs.",
                "6750 §2.1",
            ),
        ),
    ),
    Message(
        start=Lane.TWITTER,
        end=Lane.SITE,
        label="your profile",
        title=_WHO,
        request="200 OK",
        words="You are known by the number of your account. Names change hands; numbers do not.",
        parts=(Part("id", "digits", "The number of your account."),),
    ),
    Message(
        start=Lane.SITE,
        end=Lane.BROWSER,
        label="a session",
        title="You are signed in",
        request="303 See Other",
        words=(
            "Everything is stored in one go: you, what you allowed, and these times. Your browser "
            "gets a new session and goes where you wanted to go."
        ),
        parts=(
            Part(
                "Set-Cookie: session",
                "signed, HttpOnly",
                "Points to what you allowed in this browser. It holds no token and no name.",
            ),
        ),
    ),
)
