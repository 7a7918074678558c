"""The headers of every answer, the cookies' flags, and the one host name we answer to."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote, urlsplit

from flask import Flask, Response, redirect, request
from werkzeug.exceptions import BadRequest
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response as BaseResponse

from app.services import dialect_of
from app.web.cookie_names import cookie_name
from config import Config

# A form of ours has a few short fields.
MAX_FORM_BYTES = 64 * 1024
# Asked for by machines, by whatever address they know.
HEALTH_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # `no-referrer` would make `Origin` "null" in our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Twitter's pictures are fetched without its cookies: it does not learn who looks at them here.
    "Cross-Origin-Embedder-Policy": "credentialless",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
# Without includeSubDomains: what else lives under this name is not ours to decide.
_HSTS = "max-age=63072000"


def init_app(app: Flask, config: Config) -> None:
    """Bind the app to its public address and set the headers of every answer."""
    app.config.update(
        SESSION_COOKIE_NAME=cookie_name(config, "session"),
        SESSION_COOKIE_SECURE=config.https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        PERMANENT_SESSION_LIFETIME=timedelta(days=config.session_days),
        PREFERRED_URL_SCHEME=urlsplit(config.public_url).scheme,
        MAX_CONTENT_LENGTH=MAX_FORM_BYTES,
        # A form lives as long as the session it belongs to, not an hour.
        WTF_CSRF_TIME_LIMIT=None,
    )
    if config.trusted_proxies:
        hops = config.trusted_proxies
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign] # Flask's own recipe
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops
        )
    _answer_to_one_name(app, config)
    _set_headers(app, config)


def _answer_to_one_name(app: Flask, config: Config) -> None:
    host = urlsplit(config.public_url).netloc

    @app.before_request
    def one_name() -> BaseResponse | None:
        """Send people who came by another name (`localhost`) here: cookies know one host only."""
        if request.host == host or request.path in HEALTH_PATHS:
            return None
        if request.method not in {"GET", "HEAD"}:
            raise BadRequest("another host name")
        return redirect(config.public_url + _same_address(), code=302)


def _same_address() -> str:
    """Return path and query as they were sent: decoded, a path may hold a query or a new line."""
    path = quote("/" + request.path.lstrip("/"), safe="/:@!$&'()*+,;=~")
    query = quote(request.query_string, safe="/:@!$&'()*+,;=~?%")
    return f"{path}?{query}" if query else path


def _set_headers(app: Flask, config: Config) -> None:
    headers = HEADERS | {"Content-Security-Policy": content_security_policy(config)}
    if config.https:
        headers["Strict-Transport-Security"] = _HSTS

    @app.after_request
    def secure(response: Response) -> Response:
        response.headers.update(headers)
        # The files below /static/ have one by now. An error page in place of a file has none.
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def content_security_policy(config: Config) -> str:
    """Return the policy: our own styles and scripts in files of ours, and Twitter's pictures.

    `form-action` holds for every hop of a form's redirect, so without the authorization server's
    origin the sign-in button would do nothing, and say nothing.
    """
    dialect = dialect_of(config)
    policy = {
        "default-src": "'none'",
        "style-src": "'self'",
        "script-src": "'self'",
        "connect-src": "'self'",
        "img-src": " ".join(("'self'", *dialect.image_origins)),
        "form-action": " ".join(("'self'", *dialect.authorize_origins)),
        "object-src": "'none'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in policy.items())
