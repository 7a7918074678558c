"""Shows the doctor what arrives at the running site: under which name, how, through how many hops.

The doctor brings a session cookie that it has signed itself, for which it needs `SECRET_KEY`; the
site's usual check of that cookie is the only door, and without the cookie `/healthz` answers as
always. The answer is signed as well, so the doctor knows that it reached this site and no other.
Nothing is shown but what the asker's own request looked like.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from flask import Flask, Response, request
from itsdangerous import BadData, URLSafeSerializer

from app.services import services
from app.web.browser_session import BrowserSessions

_FIELD = "doctor"
_ENDPOINT = "health.healthz"
_GOOD_FOR = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A request as the site saw it, after the proxies that it believes."""

    scheme: str
    host: str
    hops: int  # proxies that have noted an address in X-Forwarded-For


def init_app(app: Flask) -> None:
    """Answer the doctor at the health URL."""

    @app.before_request
    def show() -> Response | None:
        if (
            request.endpoint != _ENDPOINT
            or app.config["SESSION_COOKIE_NAME"] not in request.cookies
        ):
            return None
        # Machines have no sessions here, so the cookie is opened by hand.
        asked = _cookies(app).read(app, request).get(_FIELD)
        nonce = _nonce_of(asked, now=services().now())
        if nonce is None:
            return None
        arrival = Arrival(scheme=request.scheme, host=request.host, hops=_hops())
        return Response(_seal(app).dumps(asdict(arrival) | {"nonce": nonce}), mimetype="text/plain")


def question(app: Flask, *, now: datetime) -> tuple[str, str]:
    """Return a nonce, and the `Cookie` header that asks for the arrival of its request."""
    nonce = secrets.token_hex(16)
    serializer = _cookies(app).get_signing_serializer(app)
    asked = {_FIELD: {"nonce": nonce, "until": (now + _GOOD_FOR).timestamp()}}
    return nonce, f"{app.config['SESSION_COOKIE_NAME']}={serializer.dumps(asked)}"


def arrival(app: Flask, body: bytes, *, nonce: str) -> Arrival | None:
    """Return what an answer shows, if this very site has given it to this very question."""
    try:
        shown = _seal(app).loads(body)
    except BadData:
        return None
    if not secrets.compare_digest(str(shown.pop("nonce")), nonce):
        return None
    return Arrival(**shown)


def _nonce_of(asked: Any, *, now: datetime) -> str | None:  # noqa: ANN401 - from our own cookie
    """Return the nonce of a question, as long as it is young."""
    return str(asked["nonce"]) if asked and now.timestamp() < asked["until"] else None


def _cookies(app: Flask) -> BrowserSessions:
    return cast("BrowserSessions", app.session_interface)


def _hops() -> int:
    noted = ",".join(request.headers.getlist("X-Forwarded-For"))
    return sum(bool(address.strip()) for address in noted.split(","))


def _seal(app: Flask) -> URLSafeSerializer:
    keys = [*app.config["SECRET_KEY_FALLBACKS"], app.config["SECRET_KEY"]]
    return URLSafeSerializer(keys, salt="doctor's mirror")
