"""The errors that end or stop a sign-in or a grant on our side."""

from __future__ import annotations


class AccountError(Exception):
    """Anything that is wrong with a grant we keep, or with one that was about to be kept."""


class GrantEnded(AccountError):
    """The grant is over: logged out elsewhere, revoked at Twitter, or expired for good."""


class CannotOpen(AccountError):
    """A sealed value does not open: its key is gone, or it was moved or changed."""


class Superseded(AccountError):
    """A newer sign-in of the same person took the place of this one at Twitter."""


class EndedMeanwhile(AccountError):
    """The person disconnected or logged out after this sign-in had begun."""
