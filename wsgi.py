"""The WSGI application: `gunicorn wsgi:app`, `flask --app wsgi ...`."""

from __future__ import annotations

import gc
import sys

gc.disable()  # what is imported is there for good: looking for garbage is a tenth of the start

from app import cli, create_app, doctor  # noqa: E402
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
    cli.explain_failures()
finally:
    # To look through all that later, again and again, would be a twentieth of a page. A request
    # leaves few cycles, so the rest is looked at less often than by default (every 700 objects).
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)
    gc.enable()
