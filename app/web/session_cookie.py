"""Flask-Login by our sessions: the id in the signed cookie leads to the person."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Flask, g, redirect, request, url_for
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from app.accounts.people import Person
from app.observability.logs import request_id
from app.services import services
from app.storage.extensions import login_manager
from app.web.browser_session import BrowserSessions
from app.web.cookie_names import cookie_name
from app.web.current_person import current_person
from app.web.derive_key import derived
from app.web.safe_redirects import local
from config import Config

PURPOSE = "flask session"


def init_app(app: Flask, config: Config) -> None:
    """Sign sessions with keys derived from `SECRET_KEY`, and look people up by their session."""
    current, *older = (derived(secret, PURPOSE) for secret in config.secret_key)
    app.config.update(SECRET_KEY=current, SECRET_KEY_FALLBACKS=older)
    app.session_interface = BrowserSessions(visit_cookie=cookie_name(config, "visit"))
    # Flask-Login's own protection hashes address and browser, and phones change their address.
    login_manager.session_protection = None
    # Without this it computes the hash on every page all the same, and puts it into the cookie.
    login_manager._session_identifier_generator = str  # noqa: SLF001 - there is no setting
    # It reads a "remember me" cookie that we never set; a random name keeps others from setting it.
    app.config["REMEMBER_COOKIE_NAME"] = secrets.token_hex(16)
    login_manager.user_loader(_person_of)
    login_manager.unauthorized_handler(_ask_to_sign_in)
    # Templates get `person` below; Flask-Login's own processor queries the database on error pages.
    login_manager.init_app(app, add_context_processor=False)
    app.context_processor(_for_templates)


def _person_of(session_id: str) -> Person | None:
    """Return the person whose session this browser's cookie names, while it lives."""
    return services().people.find(session_id)


def _ask_to_sign_in() -> Response:
    """Send signed-out people to the sign-in form, which brings them back here.

    After a POST they come back to the page of its button.
    """
    wanted = request.full_path if request.query_string else request.path
    if request.method == "POST":
        wanted = local(request.form.get("next"))
    return redirect(url_for("pages.home", next=wanted), code=303)


def _person_or_none() -> Person | None:
    """Return the person; None while the database is away, because error pages are pages too."""
    try:
        return current_person()
    except SQLAlchemyError:
        return None


def _for_templates() -> dict[str, Any]:
    return {
        "person": None if g.get("without_database") else _person_or_none(),
        "request_id": request_id(),
    }
