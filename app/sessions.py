"""Who a browser is: a signed cookie that holds a CSRF token and the handle of a grant."""

from __future__ import annotations

from typing import Any

from flask import Flask, g, redirect, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response

from app.accounts.people import Person
from app.extensions import login_manager
from app.keys import derived
from app.logs import request_id
from app.security import origin
from app.services import services
from config import Config

PURPOSE = "flask session"


def init_app(app: Flask, config: Config) -> None:
    """Sign sessions with keys derived from `SECRET_KEY`, and look people up by their grant."""
    current, *older = (derived(secret, PURPOSE) for secret in config.secret_key)
    app.config.update(SECRET_KEY=current, SECRET_KEY_FALLBACKS=older)
    # Flask-Login's own protection hashes address and browser, and phones change their address.
    login_manager.session_protection = None
    login_manager.user_loader(person_of)
    login_manager.unauthorized_handler(ask_to_sign_in)
    login_manager.init_app(app)
    app.context_processor(lambda: _for_templates(config))


def person_of(grant_id: str) -> Person | None:
    """Return the person whose grant this browser's session names, while it lives."""
    return services().people.find(grant_id)


def ask_to_sign_in() -> Response:
    """Send signed-out people to the sign-in form, which brings them back here."""
    wanted = request.full_path if request.query_string else request.path
    return redirect(url_for("pages.home", next=wanted), code=303)


def _for_templates(config: Config) -> dict[str, Any]:
    sandbox = {"console_url": origin(config.twitter_api_url or "")} if config.sandbox else None
    known = not g.get("bare") and current_user.is_authenticated
    return {
        "app_name": config.app_name,
        "sandbox": sandbox,
        "person": current_user if known else None,
        "request_id": request_id(),
    }
