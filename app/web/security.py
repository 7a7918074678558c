"""The headers of every response, the flags of the cookies, and the one host name of the site."""

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

# Our forms have a few short fields.
MAX_FORM_BYTES = 64 * 1024
# Machines ask for these, under any host name.
HEALTH_PATHS = frozenset({"/healthz", "/readyz", "/metrics"})

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # `no-referrer` would make `Origin` "null" in our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Browsers fetch Twitter's pictures without its cookies: it does not learn who looks at them.
    "Cross-Origin-Embedder-Policy": "credentialless",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
# Without includeSubDomains: other hosts under this name are not ours.
_HSTS = "max-age=63072000"


def init_app(app: Flask, config: Config) -> None:
    """Bind the app to its public address, and set the headers of every response."""
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
        """Redirect other names (`localhost`) to ours: a cookie belongs to one host."""
        if request.host == host or request.path in HEALTH_PATHS:
            return None
        if request.method not in {"GET", "HEAD"}:
            raise BadRequest("another host name")
        return redirect(config.public_url + _same_address(), code=302)


def _same_address() -> str:
    """Return path and query encoded: a decoded path may hold a `?` or a line break."""
    path = quote("/" + request.path.lstrip("/"), safe="/:@!$&'()*+,;=~")
    query = quote(request.query_string, safe="/:@!$&'()*+,;=~?%")
    return f"{path}?{query}" if query else path


def _set_headers(app: Flask, config: Config) -> None:
    headers = HEADERS | {"Content-Security-Policy": content_security_policy(config)}
    if config.https:
        headers["Strict-Transport-Security"] = _HSTS

    @app.after_request
    def secure(response: Response) -> Response:
        response.headers.extend(headers)  # no view sets one of these
        # A file below /static/ has one already. An error page in its place has none.
        response.headers.setdefault("Cache-Control", "no-store")
        return response


def content_security_policy(config: Config) -> str:
    """Return the policy: styles and scripts from our own files, and Twitter's pictures.

    Browsers apply `form-action` to every hop of a form's redirect. Without the origin of the
    authorization server the sign-in button would silently do nothing.
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
