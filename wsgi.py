"""The WSGI application: `gunicorn wsgi:app`, `flask --app wsgi ...`."""

from __future__ import annotations

import sys

from app import create_app
from config import Config, ConfigError

try:
    app = create_app(Config.from_env())
except ConfigError as error:
    sys.exit(str(error))
