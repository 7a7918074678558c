"""Flask's session in two signed cookies that are written separately.

The session cookie holds the session's id. Only a sign-in and a logout write it, so that a late
response, or a page of a machine that cannot read the cookie, leaves it alone. Everything else
(flashed messages, the form token of signed-out visitors) is in the visit cookie.

The time of a signature is not checked: clocks of machines differ by a second or more, and a cookie
from the future would sign people out. The session's row says how old a sign-in may be.
"""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime
from typing import Any, cast

from flask import Flask, Request, Response
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from itsdangerous import BadSignature, URLSafeTimedSerializer

from app.web.current_person import SESSION_ID
from app.web.security import HEALTH_PATHS

# The session cookie holds Flask-Login's entries, the form token, and Flask's mark of permanence.
_OF_THE_SESSION = frozenset({SESSION_ID, "_fresh", "_id", "_permanent", "csrf_token"})


class BrowserSession(SecureCookieSession):
    """Flask's session, and the content of the cookies that came: only changes are sent back."""

    def __init__(
        self, session: dict[str, Any] | None = None, visit: dict[str, Any] | None = None
    ) -> None:
        """Join both cookies. The visit cookie cannot replace an entry of the session cookie."""
        self.came = session or {}, visit or {}
        rest = {
            name: value
            for name, value in self.came[1].items()
            if not (self.came[0] and name in _OF_THE_SESSION)
        }
        # Only the visit cookie holds lists.
        super().__init__(self.came[0] | deepcopy(rest))
        self.cleared = False

    def clear(self) -> None:
        """Delete all entries, and the session cookie even if this machine cannot read it."""
        self.cleared = True
        super().clear()

    def parts(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the entries of the session cookie, and those of the visit cookie."""
        entries = dict(self)
        if SESSION_ID not in entries:
            return {}, entries
        session = {name: entries.pop(name) for name in _OF_THE_SESSION & entries.keys()}
        return session, entries


class BrowserSessions(SecureCookieSessionInterface):
    """Reads and writes both cookies. Health checks have none."""

    def __init__(self, *, visit_cookie: str) -> None:
        """Name the visit cookie; the session cookie has Flask's setting."""
        self._visit_cookie = visit_cookie

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer:
        """Return the signer of session cookies."""
        return self.signer(app, self.salt)

    def signer(self, app: Flask, salt: str) -> URLSafeTimedSerializer:
        """Return Flask's signer of cookies, with a salt of their own for each kind."""
        flasks = SecureCookieSessionInterface()
        flasks.salt = salt
        # It is None for an app without SECRET_KEY, which Config does not allow.
        return cast("URLSafeTimedSerializer", flasks.get_signing_serializer(app))

    def open_session(self, app: Flask, request: Request) -> BrowserSession | None:
        """Return the session of this browser; None for health checks."""
        if request.path in HEALTH_PATHS:
            return None
        session = self.read(app, request)
        visit = _read(self._visit_signer(app), request.cookies.get(self._visit_cookie))
        return BrowserSession(session if SESSION_ID in session else {}, visit)

    def read(self, app: Flask, request: Request) -> dict[str, Any]:
        """Return the content of the session cookie; empty if the signature is not ours."""
        value = request.cookies.get(self.get_cookie_name(app))
        return _read(self.get_signing_serializer(app), value)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        """Write the cookies that have changed."""
        ours = cast("BrowserSession", session)
        if ours.accessed:
            response.vary.add("Cookie")
        (signed_in, visit), (was_signed_in, old_visit) = ours.parts(), ours.came
        name = self.get_cookie_name(app)
        if signed_in != was_signed_in or (ours.cleared and not signed_in):
            value = signed_in and self.get_signing_serializer(app).dumps(signed_in)
            self._send(app, response, name, value, expires=self.get_expiration_time(app, ours))
        if visit != old_visit:
            self._send(
                app, response, self._visit_cookie, visit and self._visit_signer(app).dumps(visit)
            )

    def _visit_signer(self, app: Flask) -> URLSafeTimedSerializer:
        # With another salt: else a session cookie would pass as a visit cookie.
        return self.signer(app, "visit cookie")

    def _send(
        self,
        app: Flask,
        response: Response,
        name: str,
        value: object,
        *,
        expires: datetime | None = None,
    ) -> None:
        """Set a cookie; delete it if there is no value."""
        flags: dict[str, Any] = {
            "secure": self.get_cookie_secure(app),
            "httponly": self.get_cookie_httponly(app),
            "samesite": self.get_cookie_samesite(app),
        }
        if value:
            response.set_cookie(name, str(value), expires=expires, **flags)
        else:
            response.delete_cookie(name, **flags)
        response.vary.add("Cookie")


def _read(signer: URLSafeTimedSerializer, value: str | None) -> dict[str, Any]:
    """Return the content of a cookie of any age; empty if the signature is not ours."""
    try:
        return cast("dict[str, Any]", signer.loads(value)) if value else {}
    except BadSignature:
        return {}
