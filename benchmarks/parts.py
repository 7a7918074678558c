"""The parts of Perch by which the time of a request is told apart."""

from __future__ import annotations

CALLS = "calls to the provider"
PROTOCOL = "OAuth, by Authlib"
DATABASE = "database"
TEMPLATES = "templates"
SECRETS = "sessions, cookies, sealed tokens, forms against forgery"
MEMORY = "answers and limits that are remembered"
LOG = "lines in the log"
FIGURES = "figures for operators"
REST = "Flask, Werkzeug and what is done for every request"
BEYOND = "gunicorn, its access log, and the system's share"
