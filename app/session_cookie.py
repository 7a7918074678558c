"""Who a browser is: a signed cookie that holds a CSRF token and the id of a session."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Flask, Request, g, redirect, request, url_for
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from app.accounts.people import Person
from app.keys import derived
from app.logs import request_id
from app.redirects import local
from app.security import HEALTH_PATHS
from app.services import services
from app.storage.extensions import login_manager
from app.twitter.origins import origin
from app.visitor import visitor
from config import Config

PURPOSE = "flask session"


class SessionCookie(SecureCookieSessionInterface):
    """Flask's own sessions, for people only: machines that ask how we are have none."""

    def __init__(self, app: Flask) -> None:
        """Make what signs them once: the keys of `app` stay as they are."""
        self._serializer = super().get_signing_serializer(app)

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        """Return what signs and reads sessions."""
        del app
        return self._serializer

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Return the session of this browser. None is one that is neither read nor written."""
        return None if request.path in HEALTH_PATHS else super().open_session(app, request)


def init_app(app: Flask, config: Config) -> None:
    """Sign sessions with keys derived from `SECRET_KEY`, and look people up by their session."""
    current, *older = (derived(secret, PURPOSE) for secret in config.secret_key)
    app.config.update(SECRET_KEY=current, SECRET_KEY_FALLBACKS=older)
    app.session_interface = SessionCookie(app)
    # Flask-Login's own protection hashes address and browser, and phones change their address.
    login_manager.session_protection = None
    # It reads a "remember me" cookie that we never set: under a name that nobody can plant.
    app.config["REMEMBER_COOKIE_NAME"] = secrets.token_hex(16)
    login_manager.user_loader(person_of)
    login_manager.unauthorized_handler(ask_to_sign_in)
    # Templates get `person` below; its own processor would ask the database on every error page.
    login_manager.init_app(app, add_context_processor=False)
    app.context_processor(lambda: _for_templates(config))


def person_of(session_id: str) -> Person | None:
    """Return the person whose session this browser's cookie names, while it lives."""
    return services().people.find(session_id)


def ask_to_sign_in() -> Response:
    """Send signed-out people to the sign-in form, which brings them back here.

    Who pressed a button is brought back to its page: the button itself is no page.
    """
    wanted = request.full_path if request.query_string else request.path
    if request.method == "POST":
        wanted = local(request.form.get("next"))
    return redirect(url_for("pages.home", next=wanted), code=303)


def _person_or_none() -> Person | None:
    """Return who is looking, if the database can tell: a page about its absence is a page too."""
    try:
        return visitor()
    except SQLAlchemyError:
        return None


def _for_templates(config: Config) -> dict[str, Any]:
    sandbox = {"console_url": origin(config.twitter_api_url or "")} if config.sandbox else None
    return {
        "app_name": config.app_name,
        "sandbox": sandbox,
        "person": None if g.get("bare") else _person_or_none(),
        "request_id": request_id(),
    }
