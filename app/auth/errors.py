"""The ways in which a sign-in can fail. Each has a page in `error_table`."""

from __future__ import annotations


class SignInError(Exception):
    """A sign-in that failed. Nothing is stored, and the browser is not signed in."""


class Denied(SignInError):
    """The person pressed Cancel (RFC 6749 §4.1.2.1, access_denied): an ordinary ending."""


class NotOurs(SignInError):
    """The state is of no pending sign-in of this browser: missing, forged, foreign or too old."""


class NoCookie(NotOurs):
    """The callback brings no cookie of ours at all: on phones, X's app answers in its own browser.

    A browser that keeps no cookies looks the same.
    """


class AlreadyUsed(SignInError):
    """The state was used before: a replay, or a reload after the end."""


class StillWorking(SignInError):
    """The first of several equal callbacks is still exchanging the code; a retry helps."""


class Malformed(SignInError):
    """Twitter does not send such a callback: a parameter is doubled, missing or impossible."""


class NotGranted(SignInError):
    """Twitter answered the authorization request with an error (RFC 6749 §4.1.2.1)."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class ServerInTrouble(NotGranted):
    """Twitter says that it is overloaded or broken; a retry helps later."""
