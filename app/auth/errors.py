"""How a sign-in can end without a person: each has its page in `error_table`."""

from __future__ import annotations


class SignInError(Exception):
    """A sign-in that did not come to a good end. Nothing is stored and nobody is half signed in."""


class Denied(SignInError):
    """The person pressed Cancel (RFC 6749 §4.1.2.1, access_denied): an ordinary ending."""


class NotOurs(SignInError):
    """No pending sign-in of this browser fits: the state is missing, forged, foreign or too old."""


class AlreadyUsed(SignInError):
    """The state came back before: a replay, or a reload after the end."""


class StillWorking(SignInError):
    """A duplicate of this callback is still exchanging the code; asking again in a moment helps."""


class Malformed(SignInError):
    """The callback is not one that Twitter sends: doubled, missing or impossible parameters."""


class NotGranted(SignInError):
    """Twitter answered the authorization request with an error (RFC 6749 §4.1.2.1)."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class ServerInTrouble(NotGranted):
    """The error says that Twitter is overloaded or broken: trying again later helps."""
