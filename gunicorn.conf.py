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

# The environment wins. `.env` is not put into it: there it would outlive a reload, and what was
# changed in the file would be read by nobody.
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
bind = f"127.0.0.1:{number('PORT', '8000', PORT)}"

# Only waiting for Twitter takes long: threads do that as well as gevent, and need no patching.
worker_class = "gthread"
workers = number("WEB_CONCURRENCY", "2", WORKERS)
# The app reads the same variable to keep two threads of each worker free of Twitter.
threads = number("GUNICORN_THREADS", "32", THREADS)

# With threads this is no limit on a request: a worker that has not stirred for so long is stuck.
timeout = 60
# Longer than the 34 seconds that a refresh and its storing may take (app/gateway/token_refresh.py):
# a worker that is cut off between the two loses the new tokens.
graceful_timeout = 40
# nginx keeps its connections to us; a browser asks for page, styles and pictures on one.
keepalive = 5

# gunicorn would believe each client on this machine, nginx among them, that it came by https, and
# under another SCRIPT_NAME. The app believes proxies by itself, as many as TRUSTED_PROXIES says.
secure_scheme_headers: dict[str, str] = {}
forwarder_headers = ""
forwarded_allow_ips = ""

# Workers show they live by touching a file. On a disk that can stall; in memory it cannot.
worker_tmp_dir = next((path for path in ["/dev/shm"] if os.access(path, os.W_OK)), None)  # noqa: S108

# Workers keep their figures (app/observability/metrics.py) in files of a folder, and add up each
# other's. Each start and reload makes a new folder: the files of workers that are gone would pile
# up, and each look reads all of them. Counters then begin at zero, as Prometheus expects.
MULTIPROC_DIR = "PROMETHEUS_MULTIPROC_DIR"
FOLDER = "perch-metrics-"


def _make_folder() -> None:
    """Make the folder under what the environment names, and sweep up behind masters long gone."""
    before = Path(os.environ.get(MULTIPROC_DIR) or worker_tmp_dir or tempfile.gettempdir())
    # After a reload, or started by an older master (USR2): that one's workers still use theirs.
    parent = before.parent if before.name.startswith(FOLDER) else before
    parent.mkdir(parents=True, exist_ok=True)
    for folder in parent.glob(f"{FOLDER}*"):
        if folder != before and _is_ownerless(folder):
            shutil.rmtree(folder, ignore_errors=True)
    os.environ[MULTIPROC_DIR] = tempfile.mkdtemp(prefix=f"{FOLDER}{os.getpid()}-", dir=parent)
    atexit.register(_remove_folder, os.environ[MULTIPROC_DIR], os.getpid())


def _is_ownerless(folder: Path) -> bool:
    """Tell whether its master is gone, or is this one, two reloads ago."""
    master = int(folder.name.removeprefix(FOLDER).partition("-")[0])
    try:
        os.kill(master, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return master == os.getpid()


def _remove_folder(folder: str, master: int) -> None:
    if os.getpid() == master:  # workers inherit this, and end earlier
        shutil.rmtree(folder, ignore_errors=True)


_make_folder()

# By default gunicorn opens a socket in the home folder that commands it. Nothing here uses it.
control_socket_disable = True

# No request line (r), query (q) or Referer (f): the callback's hold Twitter's code and our state.
accesslog = "-"
access_log_format = '%(h)s "%(m)s %(U)s %(H)s" %(s)s %(b)s %(M)sms "%(a)s"'


# By path: importing `app` here would hand each worker today's code, even after a reload.
_OBSERVABILITY = ROOT / "app" / "observability"
_Redactor: Any = runpy.run_path(str(_OBSERVABILITY / "redaction.py"))["Redactor"]
_Formatter: Any = runpy.run_path(str(_OBSERVABILITY / "logs.py"))["Formatter"]


class RedactingLogger(Logger):  # type: ignore[misc]  # gunicorn ships no types
    """Writes no query strings, and one line for each request, whatever was asked for."""

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
        """Log that a request was no HTTP without quoting it: what is damaged may be a cookie."""
        super().warning(
            msg.partition(": ")[0] if "Invalid request" in msg else msg, *args, **kwargs
        )

    def exception(self, msg: str, *args: object, **kwargs: object) -> None:
        """Log what went wrong in the worker itself; gunicorn names the whole address there."""
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
    """Let `--threads` reach the app too, and say once what is wrong with the settings.

    Workers that cannot start are started again and again; the master stops at once.
    """
    os.environ["GUNICORN_THREADS"] = str(server.cfg.threads)
    try:
        Config.from_env()
    except ConfigError as error:
        sys.exit(str(error))


def post_fork(server: Arbiter, worker: Worker) -> None:  # noqa: ARG001 - gunicorn counts the parameters
    """Make sure of the folder for figures, and give up connections inherited under --preload.

    Two workers on one connection read each other's answers. `close=False` leaves the connection
    open for the parent, to whom it belongs.
    """
    Path(os.environ[MULTIPROC_DIR]).mkdir(exist_ok=True)  # somebody may have tidied up
    app = server.app.callable  # None unless preloaded
    if app is None or "sqlalchemy" not in app.extensions:
        return
    if app.config["SQLALCHEMY_ENGINE_OPTIONS"].get("pool_size") != server.cfg.threads:
        server.log.warning("With --preload, set GUNICORN_THREADS instead of --threads.")
    with app.app_context():
        for engine in app.extensions["sqlalchemy"].engines.values():
            engine.dispose(close=False)


def post_worker_init(worker: Worker) -> None:  # noqa: ARG001 - gunicorn counts the parameters
    """Let the garbage collector pass over what is there for good: the libraries and the app.

    It would walk through all that again and again, for a twentieth of what a page costs.
    """
    gc.collect()
    gc.freeze()


def child_exit(server: Arbiter, worker: Worker) -> None:  # noqa: ARG001 - gunicorn counts the parameters
    """Forget what a worker that is gone was doing. What it has done still counts."""
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415 - knows its folder by now

    mark_process_dead(worker.pid)
