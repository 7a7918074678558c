"""The failures of calls to Twitter, sorted by what the caller can do about them.

    TwitterError
    ├─ Busy                  all our own slots are taken        -> try again in a moment
    ├─ Unreachable           no answer in time, or a 5xx        -> try again later
    │  └─ NotSent            the token was not renewed          -> try again later
    ├─ InvalidAnswer         an answer that makes no sense      -> our bug or theirs; log loudly
    ├─ RateLimited           429; knows when it lifts           -> wait
    └─ Refused               a clear no
       ├─ GrantRefused       the code or refresh token is dead  -> ask the person to sign in again
       ├─ ClientRefused      our id, secret or redirect URI     -> wake the operator
       ├─ TokenRefused       401 on a read                      -> one refresh, one retry
       ├─ PermissionMissing  403: a scope was not granted       -> offer to grant it
       ├─ NotInPlan          403: not in this site's plan       -> hide the control for everyone
       │  └─ NotInOwnPlan    403: not in this person's own plan -> hide the control for them
       ├─ WrongTokenType     403: not for this kind of token    -> tell the operator
       └─ OutOfCredits       402, or the monthly cap            -> tell the operator

No exception carries a code, a verifier, a token or a secret: their texts end up in logs.
"""

from __future__ import annotations

from datetime import datetime

from app.twitter.dialect import Permission


class TwitterError(Exception):
    """Anything that went wrong between us and Twitter."""


class Busy(TwitterError):
    """Every slot for calls to Twitter is taken; nothing was sent."""


class Unreachable(TwitterError):
    """No answer within the deadline, no connection, or a 5xx.

    `silent` tells the first two from the rest: nobody answered, however long we waited.
    """

    def __init__(self, message: str, *, silent: bool = False) -> None:
        super().__init__(message)
        self.silent = silent


class NotSent(Unreachable):
    """An action whose token could not be refreshed; the action itself was not sent."""


class InvalidAnswer(TwitterError):
    """An answer came and it is not what Twitter documents."""


class RateLimited(TwitterError):
    """429: too many requests. `until` is when it lifts (UTC), if Twitter said so."""

    def __init__(self, message: str, *, until: datetime | None = None) -> None:
        super().__init__(message)
        self.until = until


class Refused(TwitterError):
    """Twitter said no. `error` is the code of RFC 6749 §5.2 or the problem type's last word."""

    def __init__(self, error: str, description: str = "") -> None:
        super().__init__(f"{error}: {description}" if description else error)
        self.error = error


class GrantRefused(Refused):
    """The authorization code or the refresh token is bad, spent or expired."""


class ClientRefused(Refused):
    """Twitter does not accept our client: id, secret, client type or redirect URI."""


class TokenRefused(Refused):
    """401 on an API call: the access token expired or was revoked."""


class PermissionMissing(Refused):
    """403: the grant lacks a scope that this call needs; `permission` is the telling one of it."""

    def __init__(
        self, error: str, description: str = "", *, permission: Permission | None = None
    ) -> None:
        super().__init__(error, description)
        self.permission = permission


class NotInPlan(Refused):
    """403 of type client-forbidden: the site's plan does not include this call, for any person."""


class NotInOwnPlan(NotInPlan):
    """The same about the plan of the person's own account: other people may be allowed."""


class WrongTokenType(Refused):
    """403 of type unsupported-authentication: the endpoint wants another kind of token."""


class OutOfCredits(Refused):
    """402, or a monthly cap: the site's API credits are used up."""
