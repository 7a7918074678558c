"""Signing in with Twitter, logging out, and X's word that a person has revoked the access."""

from __future__ import annotations

from flask import Flask

from app.auth.pending_sign_ins import FlowCookies
from app.auth.routes import auth
from app.auth.webhooks import webhook
from app.web.cookie_names import cookie_name
from config import Config


def init_app(app: Flask, config: Config) -> None:
    """Add the routes, and the cookies of pending sign-ins."""
    app.extensions["flow_cookies"] = FlowCookies(
        config.secret_key,
        prefix=cookie_name(config, "flow"),
        others=frozenset(cookie_name(config, kind) for kind in ("session", "visit")),
        https=config.https,
    )
    app.register_blueprint(auth)
    app.register_blueprint(webhook)
    app.extensions["csrf"].exempt(webhook)  # X signs what it sends
