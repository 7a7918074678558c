"""How gunicorn runs Perch: `gunicorn wsgi:app` in this folder finds this file by itself.

Environment or `.env`: PORT, WEB_CONCURRENCY (workers), GUNICORN_THREADS (threads of each worker).
"""

import atexit
import gc
import os
import runpy
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from gunicorn.arbiter import Arbiter
from gunicorn.glogging import Logger
from gunicorn.workers.base import Worker

from config import PORT, ROOT, THREADS, WORKERS, Config, ConfigError
from settings_files import settings_of

# The environment wins. `.env` is not put into it: there the old values would outlive a reload and
# win over the changed file.
try:
    SETTINGS = settings_of(ROOT)
except ConfigError as error:
    sys.exit(str(error))


def number(name: str, default: str, read: Callable[[str], int]) -> int:
    """Return a setting that is a number, or end with a sentence instead of a traceback."""
    try:
        return read((SETTINGS.get(name) or "").strip() or default)
    except ValueError as error:
        sys.exit(str(ConfigError([f"{name}: {error}"])))


# Loopback: nginx or the machine's own browser comes in here. A platform that routes to the
# container's address says so itself: --bind 0.0.0.0:$PORT (see Procfile).
_port = number("PORT", "8000", PORT)
bind = f"127.0.0.1:{_port}"

# Requests mostly wait for Twitter: threads do that as well as gevent, and need no patching.
worker_class = "gthread"
workers = number("WEB_CONCURRENCY", "2", WORKERS)
# The app reads the same variable to keep two threads of each worker free of Twitter.
threads = number("GUNICORN_THREADS", "32", THREADS)

# No limit on a request, with threads: a worker that gave no sign of life for so long is stuck.
timeout = 60
# Longer than the 34 seconds that a refresh and its storing may take (app/gateway/refresh_times.py):
# a worker that is cut off between the two loses the new tokens.
graceful_timeout = 40
# nginx keeps its connections to us; a browser asks for page, styles and pictures on one.
keepalive = 5

# gunicorn would believe the headers of each client on this machine, nginx among them, about https
# and SCRIPT_NAME. The app itself believes as many proxies as TRUSTED_PROXIES says.
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""
forwarded_allow_ips = ""

# Workers give signs of life by touching a file. On a disk that can stall; in memory it cannot.
worker_tmp_dir = next((path for path in ["/dev/shm"] if os.access(path, os.W_OK)), None)  # noqa: S108

# Workers write their metrics (app/observability/metrics.py) into files of one folder, and the one
# that is asked adds up all of them. Each start and reload makes a new folder, or the files of ended
# workers would pile up. Counters then begin at zero, which Prometheus expects.
MULTIPROC_DIR = "PROMETHEUS_MULTIPROC_DIR"
FOLDER = "perch-metrics-"


def _make_folder() -> None:
    """Make the folder, where the environment says, and delete the folders of ended masters."""
    before = Path(os.environ.get(MULTIPROC_DIR) or worker_tmp_dir or tempfile.gettempdir())
    # After a reload, or if an older master started this one (USR2), its workers still use theirs.
    parent = before.parent if before.name.startswith(FOLDER) else before
    parent.mkdir(parents=True, exist_ok=True)
    for folder in parent.glob(f"{FOLDER}*"):
        if folder != before and _is_ownerless(folder):
            shutil.rmtree(folder, ignore_errors=True)
    os.environ[MULTIPROC_DIR] = tempfile.mkdtemp(prefix=f"{FOLDER}{os.getpid()}-", dir=parent)
    atexit.register(_remove_folder, os.environ[MULTIPROC_DIR], os.getpid())


def _is_ownerless(folder: Path) -> bool:
    """Return whether its master has ended, or is this one, two reloads ago."""
    try:
        master = int(folder.name.removeprefix(FOLDER).partition("-")[0])
        os.kill(master, 0)
    except ProcessLookupError:
        return True
    except (PermissionError, ValueError, OverflowError):  # of another user, or none of gunicorn's
        return False
    return master == os.getpid()


def _remove_folder(folder: str, master: int) -> None:
    if os.getpid() == master:  # workers inherit this, and end earlier
        shutil.rmtree(folder, ignore_errors=True)


_make_folder()

# By default gunicorn opens a control socket in the home folder. Nothing here uses it.
control_socket_disable = True

# No request line (r), query (q) or Referer (f): the callback's hold Twitter's code and our state.
accesslog = "-"
access_log_format = '%(h)s "%(m)s %(U)s %(H)s" %(s)s %(b)s %(M)sms "%(a)s"'


# By path: importing `app` here would hand each worker today's code, even after a reload.
_OBSERVABILITY = ROOT / "app" / "observability"
_Redactor: Any = runpy.run_path(str(_OBSERVABILITY / "redaction.py"))["Redactor"]
_Formatter: Any = runpy.run_path(str(_OBSERVABILITY / "logs.py"))["Formatter"]


class RedactingLogger(Logger):  # type: ignore[misc]  # gunicorn ships no types
    """Writes no query strings, and one line for each request, whatever its path."""

    def setup(self, cfg: object) -> None:
        """Write as the app does, without secrets: JSON on https, else plain lines."""
        super().setup(cfg)
        for log in (self.error_log, self.access_log):
            for handler in log.handlers:
                handler.setFormatter(_formatter())

    def atoms(self, *args: object) -> dict[str, Any]:
        atoms: dict[str, Any] = super().atoms(*args)
        # The path arrives decoded: %0A in it would begin a line of the visitor's own.
        atoms["U"] = quote(atoms["U"], safe="/:@!$&'()*+,;=~", encoding="latin-1")
        return atoms

    def warning(self, msg: str, *args: object, **kwargs: object) -> None:
        """Log an invalid request without quoting it: the damaged part may be a cookie."""
        super().warning(
            msg.partition(": ")[0] if "Invalid request" in msg else msg, *args, **kwargs
        )

    def exception(self, msg: str, *args: object, **kwargs: object) -> None:
        """Log an error in the worker itself, without the query of the URL that gunicorn names."""
        bare = [arg.partition("?")[0] if isinstance(arg, str) else arg for arg in args]
        super().exception(msg, *bare, **kwargs)


def _formatter() -> Any:  # noqa: ANN401 - its class has no name here
    try:
        config = Config.from_env()
    except ConfigError:  # `on_starting` says what is wrong
        return _Formatter(_Redactor(), as_json=False)
    return _Formatter.of(config, _Redactor.of(config))


logger_class = RedactingLogger


def on_starting(server: Arbiter) -> None:
    """Let `--threads` reach the app too; report wrong settings and a missing contact, once.

    Workers that cannot start are started again and again; the master stops at once. The port stays
    as it is until a restart: at a reload gunicorn would leave systemd's socket for another one.
    """
    os.environ["GUNICORN_THREADS"] = str(server.cfg.threads)
    os.environ["PORT"] = str(_port)
    try:
        config = Config.from_env()
    except ConfigError as error:
        sys.exit(str(error))
    if config.https and not config.contact_email:
        server.log.warning("CONTACT_EMAIL is not set: people cannot ask you about their data.")


def post_fork(server: Arbiter, worker: Worker) -> None:  # noqa: ARG001 - gunicorn counts the parameters
    """Make sure that the metrics' folder exists, and drop connections inherited under --preload.

    Two workers on one connection read each other's answers. `close=False` leaves the connection
    open for the parent, which owns it.
    """
    # It may lie where temporary files are cleaned up.
    Path(os.environ[MULTIPROC_DIR]).mkdir(exist_ok=True)
    app = server.app.callable  # None unless preloaded
    if app is None or "sqlalchemy" not in app.extensions:
        return
    if app.config["SQLALCHEMY_ENGINE_OPTIONS"].get("pool_size") != server.cfg.threads:
        server.log.warning("With --preload, set GUNICORN_THREADS instead of --threads.")
    with app.app_context():
        for engine in app.extensions["sqlalchemy"].engines.values():
            engine.dispose(close=False)


def post_worker_init(worker: Worker) -> None:  # noqa: ARG001 - gunicorn counts the parameters
    """Exempt the libraries and the app, which are there for good, from garbage collection.

    Walking through them again and again costs a twentieth of a page. A request leaves few cycles,
    so the rest is looked at less often than by default (every 700 objects).
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 10, 10)


def child_exit(server: Arbiter, worker: Worker) -> None:  # noqa: ARG001 - gunicorn counts the parameters
    """Delete an ended worker's gauges. Its counts stay."""
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415 - knows its folder by now

    mark_process_dead(worker.pid)
