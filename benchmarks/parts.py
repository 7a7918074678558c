"""The parts of Perch among which the time of a request is divided."""

from __future__ import annotations

CALLS = "calls to the provider"
PROTOCOL = "OAuth, by Authlib"
DATABASE = "database"
TEMPLATES = "templates"
SECRETS = "sessions, cookies, sealed tokens, form tokens"
MEMORY = "cache and rate limits"
LOG = "log lines"
FIGURES = "metrics"
REST = "Flask, Werkzeug and the work of every request"
BEYOND = "gunicorn, its access log, and the system's share"
