"""The app factory: a table of contents."""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from datetime import datetime
from typing import Any

from flask import Flask
from flask.templating import Environment

from app import auth, cli, error_pages, health, pages, services
from app.observability import logs, metrics
from app.observability.redaction import Redactor
from app.storage import database
from app.storage.extensions import db, migrate
from app.twitter.circuit_breaker import CIRCUITS
from app.web import forms, rate_limits, security, security_txt, session_cookie, static_files
from config import ROOT, Config


class Templates(Environment):
    """Flask's templates, none of which has globals of its own."""

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """Return our one dictionary: Jinja compares names at each import, slowly if it has two."""
        return super().make_globals(d) if d else self.globals


class Site(Flask):
    """Flask for views that are plain functions, all of them."""

    jinja_environment = Templates

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return `func`. Flask would look, a dozen times for each request, whether it is async."""
        return func


def create_app(config: Config, *, now: Callable[[], datetime] = services.utc_now) -> Flask:
    """Return the app that `config` describes. `now` tells the time, in UTC."""
    app = Site(
        __name__, template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static")
    )
    logs.init_app(app, config, Redactor.of(config))
    figures = metrics.init_app(app, CIRCUITS)
    security.init_app(app, config)
    static_files.init_app(app)
    session_cookie.init_app(app, config)

    app.config.update(
        SQLALCHEMY_DATABASE_URI=config.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=database.engine_options(
            config.database_url, threads=config.threads
        ),
    )
    db.init_app(app)
    migrate.init_app(app, db, directory=str(ROOT / "migrations"))
    rate_limits.init_app(app, config)
    forms.init_app(app, config)
    with app.app_context():
        made = services.Services(config, db.engine, clock=now, metrics=figures)
        services.install(app, made)

    health.init_app(app)
    auth.init_app(app, config)
    pages.register(app)
    security_txt.init_app(app)
    error_pages.init_app(app)
    cli.init_app(app)
    return app
