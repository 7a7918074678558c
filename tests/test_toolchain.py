"""make, bin/setup, bin/dev, gunicorn.conf.py and the locks do what the README promises."""

import contextlib
import datetime as dt
import gc
import http.client
import importlib.metadata
import json
import logging
import os
import re
import runpy
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from gunicorn.config import Config as GunicornConfig
from gunicorn.http.parser import RequestParser
from gunicorn.http.wsgi import create
from packaging.requirements import Requirement

from tests.factories import build_environ
from tests.test_architecture import OUR_FILES
from tests.waiting import until

pytestmark = pytest.mark.servers

ROOT = Path(__file__).parent.parent
LOCKS = ["requirements.txt", "requirements-dev.txt", "requirements-audit.txt"]


# make


def test_make_alone_explains_every_target():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    help_text = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True)

    explained = set(re.findall(r"^  make (\w+) +\S", help_text.stdout, re.MULTILINE))
    assert explained == targets - {"help", "tools"}
    assert help_text.stderr == ""


def test_all_that_make_runs_is_told_without_make():
    makefile = (ROOT / "Makefile").read_text()
    quick = re.search(r"^quick := (.+)$", makefile, re.MULTILINE)[1]
    recipes = re.findall(r"\$\(python\) (?:-m )?(.+)$", makefile, re.MULTILINE)
    told = (ROOT / "docs" / "without-make.md").read_text()

    wanted = [recipe.replace("$(quick)", quick) for recipe in recipes]

    assert len(wanted) > 5
    assert [recipe for recipe in wanted if recipe not in told] == []


# The locks


def test_every_locked_package_has_one_version_and_a_hash():
    pattern = r"[a-z0-9._-]+(\[[a-z,]+\])?==\S+ .*--hash=sha256:[0-9a-f]{64}"

    assert [pin for name in LOCKS for pin in pins(name) if not re.match(pattern, pin)] == []


def test_the_lock_pins_every_extra_that_a_package_asks_for():
    """Without it pip looks for `coverage[toml]` afresh, and refuses the newer one that it finds."""
    locked = [Requirement(re.split("[ ;]", pin)[0]) for pin in pins("requirements-dev.txt")]
    pinned = {(each.name, extra) for each in locked for extra in each.extras}

    wanted = {(it.name, extra) for each in locked for it in asked_by(each) for extra in it.extras}

    assert ("coverage", "toml") in wanted
    assert wanted - pinned == set()


def asked_by(package):
    """Return what an installed package asks for here, with the extras that are locked."""
    with contextlib.suppress(importlib.metadata.PackageNotFoundError):  # other machines' packages
        asked = map(Requirement, importlib.metadata.requires(package.name) or [])
        extras = package.extras or {""}
        return [
            it
            for it in asked
            if not it.marker or any(it.marker.evaluate({"extra": extra}) for extra in extras)
        ]
    return []


def test_no_lock_names_an_index():
    texts = [(ROOT / name).read_text() for name in LOCKS]

    assert not re.search(r"://|--(extra-)?index|--find-links", "".join(texts))


def test_the_tools_leave_the_site_its_versions():
    assert set(pins("requirements.txt")) <= set(pins("requirements-dev.txt"))


def test_every_lock_holds_all_that_was_asked_for():
    for name in LOCKS:
        asked = (ROOT / name).with_suffix(".in").read_text()
        wanted = {line.partition("[")[0] for line in asked.splitlines() if re.match(r"[a-z]", line)}

        assert wanted <= {re.split(r"[=[]", pin)[0] for pin in pins(name)}


def test_whatever_installs_a_package_compares_its_hash():
    files = [*(ROOT / "bin").iterdir(), ROOT / "Makefile", ROOT / "deploy" / "Dockerfile"]
    lines = [
        line.strip()
        for file in files
        for line in file.read_text().replace("\\\n", " ").splitlines()
        if re.search(r"\bpip\b.* install\b", line) and not line.startswith("#")
    ]

    assert len(lines) == 3
    assert [line for line in lines if "--require-hashes" not in line] == []


def pins(name):
    text = re.sub(r" *#.*", "", (ROOT / name).read_text()).replace("\\\n", " ")
    return [re.sub(r" +", " ", line).strip() for line in text.splitlines() if line.strip()]


# gunicorn.conf.py


@pytest.fixture(autouse=True)
def figures(monkeypatch, tmp_path):
    """Where gunicorn's workers would keep their figures."""
    folder = tmp_path / "figures"
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(folder))
    return folder


@pytest.fixture
def gunicorn_settings(monkeypatch, figures):
    for name in ("PORT", "WEB_CONCURRENCY", "GUNICORN_THREADS"):
        monkeypatch.setenv(name, "")  # so that it is gone after the test, whoever sets it
        monkeypatch.delenv(name)
    return runpy.run_path(str(ROOT / "gunicorn.conf.py"))


def test_gunicorn_understands_every_setting(gunicorn_settings):
    known = GunicornConfig().settings
    ours = {name for name in gunicorn_settings if name.islower() and name[0] != "_"}

    imported = {
        "atexit",
        "gc",
        "os",
        "quote",
        "runpy",
        "settings_of",
        "shutil",
        "sys",
        "tempfile",
    }
    assert ours - known.keys() == imported | {"number"}
    for name in ours & known.keys():
        known[name].set(gunicorn_settings[name])


def test_gunicorn_listens_on_loopback_with_threads(gunicorn_settings):
    assert gunicorn_settings["bind"] == "127.0.0.1:8000"
    assert gunicorn_settings["worker_class"] == "gthread"
    assert (gunicorn_settings["workers"], gunicorn_settings["threads"]) == (2, 32)


@pytest.mark.parametrize("here", [("127.0.0.1", 50_000), ""], ids=["loopback", "unix socket"])
def test_no_header_of_a_client_changes_what_gunicorn_says_of_a_request(gunicorn_settings, here):
    """Proxies are believed by the app alone, and only as many as TRUSTED_PROXIES says."""
    config = GunicornConfig()
    for name in ("secure_scheme_headers", "forwarder_headers", "forwarded_allow_ips"):
        config.set(name, gunicorn_settings.get(name, config.settings[name].default))
    forged = "SCRIPT_NAME: /a", "PATH_INFO: /b", "X-Forwarded-Proto: https", "X-Forwarded-Ssl: on"
    head = "\r\n".join(["GET /c HTTP/1.1", "Host: x", *forged, "", ""]).encode()

    request = next(RequestParser(config, iter([head]), here))
    _, environ = create(request, None, here, here, config)

    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("", "/c")
    assert environ["wsgi.url_scheme"] == "http"


def test_gunicorn_follows_its_environment(monkeypatch):
    monkeypatch.setenv("PORT", "8123")
    monkeypatch.setenv("WEB_CONCURRENCY", "4")
    monkeypatch.setenv("GUNICORN_THREADS", "8")

    settings = runpy.run_path(str(ROOT / "gunicorn.conf.py"))

    assert settings["bind"] == "127.0.0.1:8123"
    assert (settings["workers"], settings["threads"]) == (4, 8)


def test_a_reload_reads_the_file_of_settings_anew(gunicorn_settings, monkeypatch, tmp_path):
    (tmp_path / "app").symlink_to(ROOT / "app")
    monkeypatch.setattr("config.ROOT", tmp_path)

    found = []
    for workers in ("3", "5"):
        (tmp_path / ".env").write_text(f"WEB_CONCURRENCY={workers}\n")
        found.append(runpy.run_path(str(ROOT / "gunicorn.conf.py"))["workers"])

    assert found == [3, 5]
    assert "WEB_CONCURRENCY" not in os.environ


def test_a_reload_keeps_the_port_that_systemd_listens_on(gunicorn_settings, monkeypatch, tmp_path):
    monkeypatch.setattr("config.ROOT", tmp_path)
    (tmp_path / "app").symlink_to(ROOT / "app")
    (tmp_path / ".env").write_text("PORT=8123\n")
    started = runpy.run_path(str(ROOT / "gunicorn.conf.py"))
    started["on_starting"](SimpleNamespace(cfg=SimpleNamespace(threads=5)))
    (tmp_path / ".env").write_text("PORT=8124\n")

    assert runpy.run_path(str(ROOT / "gunicorn.conf.py"))["bind"] == "127.0.0.1:8123"


def test_threads_from_the_command_line_reach_the_app(gunicorn_settings, monkeypatch):
    monkeypatch.setenv("GUNICORN_THREADS", "32")

    gunicorn_settings["on_starting"](SimpleNamespace(cfg=SimpleNamespace(threads=5)))

    assert os.environ["GUNICORN_THREADS"] == "5"


@pytest.mark.parametrize(
    "settings, warnings",
    [
        ({"PUBLIC_URL": "https://birds.example"}, 1),
        ({"PUBLIC_URL": "https://birds.example", "CONTACT_EMAIL": "wren@birds.example"}, 0),
        ({}, 0),
    ],
)
def test_a_public_site_without_a_contact_starts_with_one_warning(
    gunicorn_settings, monkeypatch, settings, warnings
):
    said = []
    log = SimpleNamespace(warning=said.append)
    monkeypatch.setattr(os, "environ", build_environ(**settings))

    gunicorn_settings["on_starting"](SimpleNamespace(cfg=SimpleNamespace(threads=5), log=log))

    assert len(said) == warnings
    assert all("CONTACT_EMAIL is not set" in line for line in said)


def test_the_access_log_shows_no_query(gunicorn_settings):
    line = access_line(
        gunicorn_settings,
        PATH_INFO="/auth/callback",
        QUERY_STRING="code=secret&state=secret",
        RAW_URI="/auth/callback?code=secret&state=secret",
        HTTP_REFERER="http://127.0.0.1:8000/auth/callback?code=secret",
    )

    assert '"GET /auth/callback HTTP/1.1" 303' in line
    assert "secret" not in line


def test_a_path_cannot_begin_a_line_of_its_own_in_the_log(gunicorn_settings):
    line = access_line(gunicorn_settings, PATH_INFO="/a\n127.0.0.1 \x1b[31m")

    assert '"GET /a%0A127.0.0.1%20%1B%5B31m HTTP/1.1"' in line


def test_gunicorn_names_no_query_when_a_request_breaks(gunicorn_settings, monkeypatch):
    logger = gunicorn_settings["RedactingLogger"](GunicornConfig())
    said = []
    monkeypatch.setattr(
        logger.error_log, "exception", lambda text, *words: said.append(text % words)
    )

    report = logger.exception
    report("Error handling request %s %s", "GET", "/auth/callback?code=secret")

    assert said == ["Error handling request GET /auth/callback"]


def test_gunicorn_writes_as_the_app_does(gunicorn_settings):
    config = GunicornConfig()
    config.set("accesslog", gunicorn_settings["accesslog"])
    logger = gunicorn_settings["RedactingLogger"](config)
    said = {
        "name": "gunicorn.error",
        "levelname": "ERROR",
        "msg": "code=secret {'token': 'secret'}",
    }

    for log in (logger.error_log, logger.access_log):
        handlers = [handler for handler in log.handlers if hasattr(handler, "_gunicorn")]
        assert handlers
        for handler in handlers:
            line = handler.format(logging.makeLogRecord(said))
            assert " ERROR gunicorn.error [-] code=" in line
            assert "secret" not in line


def test_gunicorn_logs_although_the_settings_are_wrong(gunicorn_settings, monkeypatch):
    monkeypatch.setenv("PUBLIC_URL", "nonsense")

    assert gunicorn_settings["_formatter"]() is not None


def test_each_start_has_a_new_folder_for_figures(gunicorn_settings, figures):
    first = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
    runpy.run_path(str(ROOT / "gunicorn.conf.py"))
    second = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
    runpy.run_path(str(ROOT / "gunicorn.conf.py"))
    third = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])

    assert first.parent == second.parent == third.parent == figures
    assert set(figures.iterdir()) == {second, third}  # workers of the last but one may still end


def test_folders_of_masters_that_are_gone_are_swept_up(figures):
    gone = subprocess.run(["sh", "-c", "echo $$"], capture_output=True, text=True, check=True)
    # A set: the parent of a test run may be process 1 itself.
    for pid in {gone.stdout.strip(), "1", str(os.getppid())}:
        (figures / f"perch-metrics-{pid}-x").mkdir(parents=True)

    runpy.run_path(str(ROOT / "gunicorn.conf.py"))

    left = {path.name for path in figures.iterdir()}
    assert f"perch-metrics-{gone.stdout.strip()}-x" not in left
    assert {"perch-metrics-1-x", f"perch-metrics-{os.getppid()}-x"} < left


@pytest.mark.parametrize("name", ["perch-metrics-x", "perch-metrics-", f"perch-metrics-{10**30}-x"])
def test_a_folder_that_is_none_of_gunicorns_stops_no_start(figures, name):
    """Any user of the machine can make one in /dev/shm."""
    (figures / name).mkdir(parents=True)

    runpy.run_path(str(ROOT / "gunicorn.conf.py"))

    assert (figures / name).exists()


def test_a_worker_that_ends_leaves_the_folder_alone(gunicorn_settings):
    folder = os.environ["PROMETHEUS_MULTIPROC_DIR"]

    gunicorn_settings["_remove_folder"](folder, os.getpid() + 1)
    assert Path(folder).exists()
    gunicorn_settings["_remove_folder"](folder, os.getpid())

    assert not Path(folder).exists()


def test_a_worker_makes_sure_of_its_folder(gunicorn_settings):
    folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
    folder.rmdir()

    gunicorn_settings["post_fork"](arbiter(None), None)

    assert folder.is_dir()


def test_a_worker_collects_no_garbage_among_what_is_there_for_good(gunicorn_settings):
    before = gc.get_threshold()
    assert gc.get_freeze_count() == 0
    try:
        gunicorn_settings["post_worker_init"](None)

        assert gc.get_freeze_count() > len(sys.modules)
        assert gc.get_threshold() > before
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


def test_what_a_dead_worker_was_doing_is_forgotten(gunicorn_settings):
    folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
    for name in ("gauge_livesum_7.db", "counter_7.db", "gauge_livesum_8.db"):
        (folder / name).touch()

    gunicorn_settings["child_exit"](None, SimpleNamespace(pid=7))

    assert {path.name for path in folder.iterdir()} == {"counter_7.db", "gauge_livesum_8.db"}


def access_line(settings, **request):
    environ = {"REQUEST_METHOD": "GET", "SERVER_PROTOCOL": "HTTP/1.1", "RAW_URI": "/", **request}
    response = SimpleNamespace(status="303 SEE OTHER", sent=0, headers=[])
    logger = settings["RedactingLogger"](GunicornConfig())
    duration = dt.timedelta(milliseconds=5)
    atoms = logger.atoms(response, SimpleNamespace(headers=[]), environ, duration)
    return settings["access_log_format"] % logger.atoms_wrapper_class(atoms)


@pytest.mark.loopback
def test_wrong_settings_are_said_once_and_nothing_starts(environ):
    environ |= {"PUBLIC_URL": "https://perch.example", "SECRET_KEY": "short"}
    command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "wsgi:app"]

    result = subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=50, check=False
    )

    assert result.returncode == 1
    assert result.stderr.count("SECRET_KEY: a key has 5 characters") == 1
    assert "Booting worker" not in result.stderr


def test_a_worker_gives_up_the_connections_it_inherits(gunicorn_settings, tmp_path):
    app = Flask("preloaded")
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path / 'perch.db'}"
    database = SQLAlchemy(app)
    with app.app_context():
        inherited = database.engine.pool

    gunicorn_settings["post_fork"](arbiter(app), None)

    with app.app_context():
        assert database.engine.pool is not inherited


def test_a_preloaded_app_with_other_threads_is_told(gunicorn_settings, tmp_path):
    app = Flask("preloaded")
    app.config["SQLALCHEMY_DATABASE_URI"] = f"sqlite:///{tmp_path / 'perch.db'}"
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"pool_size": 4}
    SQLAlchemy(app)
    warnings = []

    for threads in (4, 8):
        gunicorn_settings["post_fork"](arbiter(app, threads, warnings), None)

    assert warnings == ["With --preload, set GUNICORN_THREADS instead of --threads."]


def arbiter(app, threads=32, warnings=None):
    log = SimpleNamespace(warning=[].append if warnings is None else warnings.append)
    return SimpleNamespace(
        app=SimpleNamespace(callable=app), cfg=SimpleNamespace(threads=threads), log=log
    )


# bin/setup, with a Python that only pretends to install

PRETENDED_PYTHON = """#!/bin/sh
case "$*" in
*version_info*) exit ${TOO_OLD:-0} ;;
*ensurepip*) exit ${NO_VENV:-0} ;;
"-m venv"*) mkdir -p "$3/bin" && cp "$0" "$3/bin/python" ;;
"-m pip"*) echo "$*" >>pip.log && exit ${PIP_FAILS:-0} ;;
esac
"""


class Checkout:
    """A fresh clone on a machine with no programs but those that every Unix has, and `python3`."""

    def __init__(self, folder):
        self.folder = folder / "clone"
        self.programs = folder / "programs"
        self.programs.mkdir()
        for name in ("sh", "dirname", "cksum", "grep", "rm", "mv", "mkdir", "cp"):
            (self.programs / name).symlink_to(shutil.which(name))
        (self.folder / "bin").mkdir(parents=True)
        shutil.copy(ROOT / "bin" / "setup", self.folder / "bin")
        for name in LOCKS:
            (self.folder / name).write_text("flask==3\n")
        self.add_program("python3", PRETENDED_PYTHON)

    def add_program(self, name, text):
        (self.programs / name).write_text(text)
        (self.programs / name).chmod(0o755)

    def setup(self, *arguments, **environ):
        return subprocess.run(
            [self.folder / "bin" / "setup", *arguments],
            cwd="/",
            env={"PATH": str(self.programs), **environ},
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def installs(self):
        log = self.folder / "pip.log"
        return log.read_text().splitlines() if log.exists() else []


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


def test_setup_installs_the_lock_with_its_hashes(checkout):
    done = checkout.setup()

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "Installing (once, about a minute) ...\n"
    assert len(checkout.installs) == 1
    assert "--require-hashes --requirement requirements.txt" in checkout.installs[0]


def test_setup_installs_once(checkout):
    checkout.setup()

    again = checkout.setup()

    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert len(checkout.installs) == 1


def test_setup_with_the_tools_is_enough_for_the_site(checkout):
    checkout.setup("--dev")
    checkout.setup()

    assert len(checkout.installs) == 1
    assert "requirements-dev.txt" in checkout.installs[0]


def test_setup_adds_the_tools_to_the_site(checkout):
    checkout.setup()
    checkout.setup("--dev")

    assert "requirements-dev.txt" in checkout.installs[1]


def test_setup_mends_what_was_interrupted(checkout):
    interrupted = checkout.setup(PIP_FAILS="1")
    leftover = checkout.folder / ".venv" / "half-a-package"
    leftover.touch()

    mended = checkout.setup()

    assert interrupted.returncode == 1
    assert mended.returncode == 0
    assert len(checkout.installs) == 2
    assert not leftover.exists()


def test_setup_follows_a_changed_lock(checkout):
    checkout.setup()
    (checkout.folder / "requirements.txt").write_text("flask==4\n")

    changed = checkout.setup()

    assert changed.stdout == "Installing what changed ...\n"
    assert len(checkout.installs) == 2


def test_setup_starts_over_in_a_folder_that_moved(checkout):
    checkout.setup()
    checkout.folder = checkout.folder.rename(checkout.folder.with_name("moved"))

    moved = checkout.setup()

    assert moved.stdout == "Installing (once, about a minute) ...\n"
    assert len(checkout.installs) == 2


def test_setup_sees_through_a_shim_with_nothing_behind_it(checkout):
    checkout.add_program(
        "python3.13", "#!/bin/sh\necho 'python3.13: command not found' >&2\nexit 127"
    )

    done = checkout.setup("--find")

    assert (done.stdout, done.stderr) == ("python3\n", "")


def test_setup_says_in_one_line_what_python_lacks(checkout):
    lacks = [
        ({"TOO_OLD": "1"}, "Perch needs Python 3.11 or newer."),
        ({"TOO_OLD": "1", "PYTHON": "python3"}, "PYTHON=python3 does not run, or is older"),
        ({"PYTHON": "/no such/python3"}, "PYTHON=/no such/python3 does not run, or is older"),
        ({"NO_VENV": "1"}, "sudo apt install python3-venv"),
    ]
    for environ, words in lacks:
        refused = checkout.setup(**environ)

        assert refused.returncode == 1
        assert words in refused.stderr
        assert refused.stderr.count("\n") == 1
        assert not (checkout.folder / ".venv").exists()


# bin/dev


@pytest.fixture
def environ(tmp_path):
    """Return an environment that no `.env` and no setting of the developer's can change."""
    keep = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {
        **keep,
        "DATABASE_URL": f"sqlite:///{tmp_path / 'perch.db'}",
        "SECRET_KEY": "a-secret-for-tests-only-" * 2,
        "TOKEN_KEYS": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
        "PORT": str(free_port()),
        "SANDBOX_PORT": str(free_port()),
        **dict.fromkeys(("PUBLIC_URL", "REDIS_URL", "TWITTER_API_URL", "TWITTER_CLIENT_ID"), ""),
    }


@pytest.mark.loopback
@pytest.mark.parametrize("name", ["PORT", "SANDBOX_PORT"])
def test_a_busy_port_is_one_clear_line(name, environ):
    with socket.create_server(("127.0.0.1", 0)) as squatter:
        environ[name] = str(squatter.getsockname()[1])
        refused = dev(environ)

    assert refused.returncode == 1
    assert f"Port {environ[name]} " in refused.stderr
    assert refused.stderr.endswith(f" {name}={int(environ[name]) + 1} make run\n")
    assert refused.stderr.count("\n") == 1
    assert refused.stdout == ""


@pytest.mark.loopback
def test_a_port_that_is_none_is_one_clear_line(environ):
    said = {port: dev({**environ, "PORT": port}).stderr for port in ("0", "65536", "http", "-1")}

    words = "  - PORT: must be a whole number from 1 to 65535.\n"
    assert [port for port in said if not said[port].endswith(words)] == []


@pytest.mark.loopback
def test_a_site_that_cannot_start_takes_the_sandbox_with_it(environ):
    refused = dev({**environ, "GUNICORN_CMD_ARGS": "--no-such-option"})

    assert refused.returncode == 1
    assert "The site ended by itself (status 2). Stopped the sandbox too." in refused.stderr
    assert not is_listening(environ["SANDBOX_PORT"])


@pytest.mark.loopback
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGHUP])  # SIGINT: below
def test_dev_starts_both_and_stops_both(how, environ):
    with started(environ) as (process, welcome):
        site, sandbox = re.findall(r"http://127\.0\.0\.1:\d+", welcome)
        answers = [status(environ["PORT"], "/"), status(environ["SANDBOX_PORT"], "/")]
        tells = until(lambda: tells_of_revocations(environ["SANDBOX_PORT"]), seconds=20)
        process.send_signal(how)
        _, errors = process.communicate(timeout=20)

    assert site.endswith(environ["PORT"])
    assert sandbox.endswith(environ["SANDBOX_PORT"])
    assert "press Sign in with Twitter, pick Wren, press Authorize app" in welcome
    assert answers == [200, 200]
    assert tells
    assert (process.returncode, errors) == (0, "")
    assert not is_listening(environ["PORT"])
    assert not is_listening(environ["SANDBOX_PORT"])


@pytest.mark.loopback
def test_dev_with_a_client_of_your_own_starts_only_the_site(environ):
    with started({**environ, "TWITTER_CLIENT_ID": "a-client"}) as (process, welcome):
        sandbox_runs = is_listening(environ["SANDBOX_PORT"])
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)

    assert not sandbox_runs
    assert f"http://127.0.0.1:{environ['PORT']}/auth/callback" in welcome


@pytest.mark.loopback
def test_commands_in_another_terminal_find_what_make_run_chose(environ, tmp_path):
    folder, elsewhere = copied_to(tmp_path / "clone"), environ.copy()
    for name in ("PORT", "SANDBOX_PORT"):
        del elsewhere[name]

    with started({**environ, "TWITTER_DIALECT": "beta"}, folder):
        during = settings_seen(folder, elsewhere)
    after = settings_seen(folder, elsewhere)

    here = f"http://127.0.0.1:{environ['PORT']}"
    assert during == [here, f"http://127.0.0.1:{environ['SANDBOX_PORT']}/2", "beta"]
    assert after == ["http://127.0.0.1:8000", "http://127.0.0.1:9000/2", "live"]


@pytest.mark.loopback
@pytest.mark.parametrize("command", [["bin/dev"], ["-m", "gunicorn", "wsgi:app"], ["wsgi.py"]])
def test_a_file_of_settings_in_another_encoding_is_said_in_words(command, environ, tmp_path):
    folder = copied_to(tmp_path / "clone")
    (folder / ".env").write_bytes("APP_NAME=Vögel\n".encode("latin-1"))

    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("Cannot start: 1 setting needs attention")
    assert done.stderr.endswith("  - .env: line 1 is not UTF-8. Save the file as UTF-8.\n")


def copied_to(folder):
    """Return a clone of what starts a site, with a `.env` and an `instance/` of its own."""
    (folder / "bin").mkdir(parents=True)
    for name in (*OUR_FILES, "gunicorn.conf.py", "bin/dev"):
        shutil.copy(ROOT / name, folder / name)
    for name in ("app", "sandbox", "migrations", "static", "templates"):
        (folder / name).symlink_to(ROOT / name)
    return folder


def settings_seen(folder, environ):
    """Say what a `flask` command in the folder takes for the site, the API and the dialect."""
    code = (
        "from app.services import services; c = services().config;"
        "print(c.public_url, c.twitter_api_url, c.twitter_dialect)"
    )
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "shell"]
    done = subprocess.run(
        command,
        cwd=folder,
        env=environ | {"PYTHONSTARTUP": "", "PYTHONWARNINGS": "ignore"},
        input=code,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    return done.stdout.replace(">>> ", "").split()


DEV = [sys.executable, ROOT / "bin" / "dev"]


def dev(environ):
    return subprocess.run(DEV, env=environ, capture_output=True, text=True, check=False, timeout=50)


@contextlib.contextmanager
def started(environ, folder=ROOT):
    """Yield bin/dev and what it said once both answered."""
    process = subprocess.Popen(
        [sys.executable, folder / "bin" / "dev"],
        env=environ,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    with process:
        try:
            lines = iter(process.stdout.readline, "")
            yield process, "".join(take_until("Ctrl-C", lines))
        finally:
            process.terminate()  # nothing, once it has ended


def take_until(words, lines):
    for line in lines:
        yield line
        if words in line:
            return


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def is_listening(port):
    with contextlib.suppress(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(port)), timeout=5).close()
        return True
    return False


def tells_of_revocations(port):
    """Return whether the site is subscribed at the sandbox."""
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=10)
    with contextlib.closing(connection):
        connection.request("GET", "/sandbox/webhooks")
        return bool(json.load(connection.getresponse())["subscriptions"])


def status(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=10)
    with contextlib.closing(connection):
        connection.request("GET", path)
        return connection.getresponse().status
