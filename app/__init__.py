"""The app factory, a table of contents."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from flask import Flask

from app import auth, error_pages, health, pages, services, signals
from app.doctor import self_request
from app.observability import logs, metrics
from app.observability.redaction import Redactor
from app.storage import database
from app.storage.extensions import db
from app.twitter.circuit_breaker import CIRCUITS
from app.web import (
    forms,
    rate_limits,
    security,
    security_txt,
    session_cookie,
    static_files,
    tuning,
    vocabulary,
)
from config import ROOT, Config


def create_app(config: Config, *, now: Callable[[], datetime] = services.utc_now) -> Flask:
    """Return the app that `config` describes. `now` tells the time, in UTC.

    The commands of `flask` are added by `app.cli`.
    """
    app = Flask(
        __name__, template_folder=str(ROOT / "templates"), static_folder=str(ROOT / "static")
    )
    logs.init_app(app, config, Redactor.of(config))
    app_metrics = metrics.init_app(app, CIRCUITS)
    security.init_app(app, config)
    static_files.init_app(app)
    vocabulary.init_app(app, config)
    session_cookie.init_app(app, config)

    app.config.update(
        SQLALCHEMY_DATABASE_URI=config.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=database.engine_options(
            config.database_url, threads=config.threads
        ),
    )
    db.init_app(app)
    rate_limits.init_app(app, config)
    forms.init_app(app, config)
    with app.app_context():
        made = services.Services(
            config, db.engine, signals.Signals(app), clock=now, metrics=app_metrics
        )
        services.install(app, made)

    health.init_app(app)
    self_request.init_app(app)
    auth.init_app(app, config)
    pages.register(app)
    security_txt.init_app(app)
    error_pages.init_app(app)
    tuning.init_app(app)
    return app
