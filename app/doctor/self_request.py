"""The doctor's request to the running site, which answers how that request arrived.

The doctor sends a session cookie that it signs with `SECRET_KEY`; without a valid one `/healthz`
answers as usual. The answer is signed as well, so the doctor knows that this very site gave it. The
site discloses nothing but the scheme, host and proxies of the doctor's own request.
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
_VALID_FOR = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedRequest:
    """A request as the site saw it, behind the proxies that it trusts."""

    scheme: str
    host: str
    hops: int  # proxies that added an address to X-Forwarded-For


def init_app(app: Flask) -> None:
    """Answer the doctor at the health URL."""

    @app.before_request
    def answer() -> Response | None:
        if (
            request.endpoint != _ENDPOINT
            or app.config["SESSION_COOKIE_NAME"] not in request.cookies
        ):
            return None
        # Requests to the health URL have no session, so the cookie is opened here.
        asked = _cookies(app).read(app, request).get(_FIELD)
        nonce = _nonce_of(asked, now=services().now())
        if nonce is None:
            return None
        received = ReceivedRequest(scheme=request.scheme, host=request.host, hops=_hops())
        body = _signer(app).dumps(asdict(received) | {"nonce": nonce})
        return Response(body, mimetype="text/plain")


def question(app: Flask, *, now: datetime) -> tuple[str, str]:
    """Return a nonce, and the `Cookie` header that asks with it."""
    nonce = secrets.token_hex(16)
    serializer = _cookies(app).get_signing_serializer(app)
    asked = {_FIELD: {"nonce": nonce, "until": (now + _VALID_FOR).timestamp()}}
    return nonce, f"{app.config['SESSION_COOKIE_NAME']}={serializer.dumps(asked)}"


def received_in(app: Flask, body: bytes, *, nonce: str) -> ReceivedRequest | None:
    """Return the request that `body` describes, if this site signed it for this nonce."""
    try:
        answered = _signer(app).loads(body)
    except BadData:
        return None
    if not secrets.compare_digest(str(answered.pop("nonce")), nonce):
        return None
    return ReceivedRequest(**answered)


def _nonce_of(asked: Any, *, now: datetime) -> str | None:  # noqa: ANN401 - from our own cookie
    """Return the nonce of a question that has not expired."""
    return str(asked["nonce"]) if asked and now.timestamp() < asked["until"] else None


def _cookies(app: Flask) -> BrowserSessions:
    return cast("BrowserSessions", app.session_interface)


def _hops() -> int:
    addresses = ",".join(request.headers.getlist("X-Forwarded-For"))
    return sum(bool(address.strip()) for address in addresses.split(","))


def _signer(app: Flask) -> URLSafeSerializer:
    keys = [*app.config["SECRET_KEY_FALLBACKS"], app.config["SECRET_KEY"]]
    return URLSafeSerializer(keys, salt="doctor's self-request")
