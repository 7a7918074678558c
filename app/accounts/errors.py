"""What can end or stop a grant on our side of the door."""

from __future__ import annotations


class AccountError(Exception):
    """Anything that is wrong with a grant we keep."""


class GrantEnded(AccountError):
    """The grant is over: logged out elsewhere, revoked at Twitter, or expired for good."""


class CannotOpen(AccountError):
    """A sealed value does not open: its key is gone, or it was moved or changed."""
