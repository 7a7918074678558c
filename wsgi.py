"""The WSGI application: `gunicorn wsgi:app`, `flask --app wsgi ...`."""

from __future__ import annotations

import sys

from app import cli, create_app, doctor
from app.observability import logs
from config import Config, ConfigError

try:
    app = create_app(Config.from_env())
except ConfigError as error:
    if not doctor.is_called(sys.argv):
        sys.exit(str(error))
    app = doctor.without_app(error)
else:
    logs.log_uncaught()
    cli.explain_failures()
