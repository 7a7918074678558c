"""How gunicorn runs Perch: `gunicorn wsgi:app` in this folder finds this file by itself.

Environment or `.env`: PORT, WEB_CONCURRENCY (workers), GUNICORN_THREADS (threads of each worker).
"""

import os
import sys
from typing import Any
from urllib.parse import quote

from dotenv import load_dotenv
from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from gunicorn.workers.base import Worker

from config import ROOT, Config, ConfigError

load_dotenv(ROOT / ".env")  # the environment wins


def number(name: str, default: int) -> int:
    """Return a setting that is a number, or end with a sentence instead of a traceback."""
    text = os.environ.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        sys.exit(f"Cannot start: {name} must be a whole number above 0.")
    return int(text)


# Loopback: nginx or the machine's own browser comes in here. A platform that routes to the
# container's address says so itself: --bind 0.0.0.0:$PORT (see Procfile).
bind = f"127.0.0.1:{os.environ.get('PORT') or 8000}"

# Only waiting for Twitter takes long: threads do that as well as gevent, and need no patching.
worker_class = "gthread"
workers = number("WEB_CONCURRENCY", 2)
# The app reads the same variable to keep two threads of each worker free of Twitter.
threads = number("GUNICORN_THREADS", 32)

# With threads this is no limit on a request: a worker that has not stirred for so long is stuck.
timeout = 60
# Longer than the 12 seconds that one request may spend on Twitter, so that none is cut off.
graceful_timeout = 30
# nginx keeps its connections to us; a browser asks for page, styles and pictures on one.
keepalive = 5

# Workers show they live by touching a file. On a disk that can stall; in memory it cannot.
worker_tmp_dir = next((path for path in ["/dev/shm"] if os.access(path, os.W_OK)), None)  # noqa: S108

# By default gunicorn opens a socket in the home folder that commands it. Nothing here uses it.
control_socket_disable = True

# No request line (r), query (q) or Referer (f): the callback's hold Twitter's code and our state.
accesslog = "-"
access_log_format = '%(h)s %(t)s "%(m)s %(U)s %(H)s" %(s)s %(b)s %(M)sms "%(a)s"'


class CalmLogger(Logger):  # type: ignore[misc]  # gunicorn ships no types
    """Writes no query strings, and one line for each request, whatever was asked for."""

    def atoms(self, *args: object) -> dict[str, Any]:
        atoms: dict[str, Any] = super().atoms(*args)
        # The path arrives decoded: %0A in it would begin a line of the visitor's own.
        atoms["U"] = quote(atoms["U"], safe="/:@!$&'()*+,;=~", encoding="latin-1")
        return atoms

    def warning(self, msg: str, *args: object, **kwargs: object) -> None:
        """Log that a request was no HTTP without quoting it: what is damaged may be a cookie."""
        super().warning(
            msg.partition(": ")[0] if "Invalid request" in msg else msg, *args, **kwargs
        )

    def exception(self, msg: str, *args: object, **kwargs: object) -> None:
        """Log what went wrong in the worker itself; gunicorn names the whole address there."""
        bare = [arg.partition("?")[0] if isinstance(arg, str) else arg for arg in args]
        super().exception(msg, *bare, **kwargs)


logger_class = CalmLogger


def on_starting(server: Arbiter) -> None:
    """Let `--threads` reach the app too, and say once what is wrong with the settings.

    Workers that cannot start are started again and again; the master stops at once.
    """
    os.environ["GUNICORN_THREADS"] = str(server.cfg.threads)
    try:
        Config.from_env()
    except ConfigError as error:
        sys.exit(str(error))


def post_fork(server: Arbiter, worker: Worker) -> None:  # noqa: ARG001 - gunicorn counts the parameters
    """Give up database connections inherited under --preload.

    Two workers on one connection read each other's answers. `close=False` leaves the connection
    open for the parent, to whom it belongs.
    """
    app = server.app.callable  # None unless preloaded
    if app is None or "sqlalchemy" not in app.extensions:
        return
    if app.config["SQLALCHEMY_ENGINE_OPTIONS"].get("pool_size") != server.cfg.threads:
        server.log.warning("With --preload, set GUNICORN_THREADS instead of --threads.")
    with app.app_context():
        for engine in app.extensions["sqlalchemy"].engines.values():
            engine.dispose(close=False)
