"""The WSGI application: `gunicorn wsgi:app`, `flask --app wsgi ...`."""

from __future__ import annotations

import gc
import sys

gc.disable()  # what is imported is there for good: to look for garbage is a tenth of the start

import click  # noqa: E402

from app import create_app, doctor  # noqa: E402
from app.observability import logs  # noqa: E402
from config import Config, ConfigError  # noqa: E402

try:
    app = create_app(Config.from_env())
except ConfigError as error:
    if not doctor.is_called(sys.argv):
        sys.exit(str(error))
    app = doctor.without_app(error)
else:
    logs.log_uncaught()
    if click.get_current_context(silent=True):  # a worker of gunicorn has no commands
        from app import cli

        cli.init_app(app)
        cli.explain_failures()
finally:
    gc.freeze()  # or it would all be looked through now
    gc.enable()
