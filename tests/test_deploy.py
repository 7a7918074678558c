"""deploy/: units that start and are locked in, an image with everything in it, and no surprises."""

import contextlib
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import requests
import yaml  # type: ignore[import-untyped]
from click.testing import CliRunner
from flask.cli import FlaskGroup

from benchmarks.processes import ALLOCATOR
from tests.factories import build_environ
from tests.journey.sites import wait_until
from tests.needs import need
from tests.site import migrate
from tests.tree import files

pytestmark = pytest.mark.servers

ROOT = Path(__file__).parent.parent
DEPLOY = ROOT / "deploy"
UNITS = files(DEPLOY / "systemd")
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
HOME = "/srv/perch/.venv/bin/"
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())

# The worst rating of `systemd-analyze security` that we accept, in tenths: 100 may do anything.
EXPOSED = 30
# Linux's own switch for what MemoryDenyWriteExecute= asks of systemd: PR_SET_MDWE.
WITHOUT_WRITABLE_CODE = (
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(65, 1, 0, 0, 0);"
    "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1');"
    "os.execv(sys.argv[1], sys.argv[1:])"
)


# systemd


@pytest.fixture(scope="session")
def analyze():
    """Run `systemd-analyze`, which needs no running systemd for this."""
    program = need(
        shutil.which("systemd-analyze"), "systemd-analyze", "Try: apt-get install systemd"
    )

    def analyze(*arguments):
        command = [program, *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)

    return analyze


def section(unit, name):
    """Return the settings of one section; those given more than once as a list."""
    found = {}
    inside = False
    for line in unit.read_text().splitlines():
        if line.startswith("["):
            inside = line == f"[{name}]"
        elif inside and "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def command_of(unit, key="ExecStart"):
    """Return what a unit runs first, with our own programs in place of the installed ones."""
    line, *_ = section(unit, "Service")[key]
    assert line.startswith(HOME)
    program, *arguments = shlex.split(line.removeprefix(HOME))
    return [str(Path(sys.executable).parent / program), *arguments]


@pytest.fixture
def environ(tmp_path):
    """What a unit finds: the settings of an https site, and an upgraded database."""
    migrate(tmp_path)
    settings = build_environ(
        PUBLIC_URL="https://perch.example", DATABASE_URL=f"sqlite:///{tmp_path / 'perch.db'}"
    )
    return settings | {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "WEB_CONCURRENCY": "2"}


def test_systemd_understands_every_unit(analyze, tmp_path):
    for unit in UNITS:
        text = unit.read_text().replace(HOME, f"{Path(sys.executable).parent}/")
        (tmp_path / unit.name).write_text(text)

    answer = analyze("verify", *sorted(tmp_path.iterdir()))

    assert answer.stdout + answer.stderr == ""
    assert answer.returncode == 0


def test_services_are_locked_in(analyze):
    for unit in SERVICES:
        answer = analyze("security", "--offline=true", f"--threshold={EXPOSED}", unit)

        assert answer.returncode == 0, answer.stdout


def test_all_services_are_locked_in_alike():
    marker = "# What it needs"
    texts = [unit.read_text().partition(marker)[2].partition("\n[")[0] for unit in SERVICES]

    assert len({text.strip() for text in texts}) == 1
    assert "NoNewPrivileges=yes" in texts[0]


def test_the_site_ends_later_than_gunicorn_gives_up():
    [seconds] = section(DEPLOY / "systemd" / "perch.service", "Service")["TimeoutStopSec"]
    given = re.search(r"graceful_timeout = (\d+)", (ROOT / "gunicorn.conf.py").read_text())

    assert int(seconds) > int(given[1])


@pytest.mark.parametrize("days, code", [("30", 0), ("many", 1)])
def test_a_reload_with_a_wrong_setting_leaves_the_old_workers_alone(environ, days, code):
    """gunicorn itself would end the site: workers that cannot start take their master with them."""
    check = command_of(DEPLOY / "systemd" / "perch.service", "ExecReload")

    done = subprocess.run(
        check,
        cwd=ROOT,
        env=environ | {"SESSION_DAYS": days},
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert done.returncode == code
    assert ("SESSION_DAYS: must be" in done.stderr) == bool(code)


def test_flask_reads_no_file_of_settings_before_the_site_does():
    for name in ("perch-outbox.service", "perch-prune.service"):
        assert "FLASK_SKIP_DOTENV=1" in section(DEPLOY / "systemd" / name, "Service")["Environment"]


def test_a_worker_that_is_told_to_end_may_store_what_it_has_refreshed():
    from app.gateway.refresh_times import Times

    given = re.search(r"graceful_timeout = (\d+)", (ROOT / "gunicorn.conf.py").read_text())

    assert int(given[1]) > Times().lease


def test_the_door_is_where_nginx_knocks():
    [door] = section(DEPLOY / "systemd" / "perch.socket", "Socket")["ListenStream"]

    assert f"server {door} " in (DEPLOY / "nginx.conf").read_text()


@pytest.mark.loopback
def test_the_site_starts_as_its_unit_says(environ, tmp_path):
    """Behind a door that systemd holds, telling it when it is ready, and without writable code."""
    with contextlib.ExitStack() as stack:
        door = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        told = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        told.bind(str(tmp_path / "notify"))
        told.settimeout(30)
        before = os.dup(3) if Path("/proc/self/fd/3").exists() else None
        os.dup2(door.fileno(), 3)
        command = [sys.executable, "-c", WITHOUT_WRITABLE_CODE]
        process = subprocess.Popen(
            [*command, *command_of(DEPLOY / "systemd" / "perch.service")],
            cwd=ROOT,
            env=environ | {"NOTIFY_SOCKET": str(tmp_path / "notify")},
            pass_fds=(3,),
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        stack.callback(put_away, process)
        os.close(3)
        if before is not None:
            os.dup2(before, 3)
            os.close(before)

        assert told.recv(1000).startswith(b"READY=1")
        address = f"http://127.0.0.1:{door.getsockname()[1]}"
        assert requests.get(f"{address}/readyz", timeout=30).status_code == 200
        process.terminate()
        assert process.wait(30) == 0


def put_away(process):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


def test_the_outbox_watcher_starts_and_stops_as_its_unit_says(environ, tmp_path):
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            command_of(DEPLOY / "systemd" / "perch-outbox.service"),
            cwd=ROOT,
            env=environ,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        wait_until(lambda: handles(process, signal.SIGTERM), 30)
        process.terminate()

        assert process.wait(20) == 0
        assert "Waiting: 0. Dead letters: 0." in (tmp_path / "log").read_text()
    finally:
        put_away(process)


def handles(process, number):
    """Tell whether the process has a handler for the signal yet."""
    found = re.search(
        r"^SigCgt:\t(\w+)", Path(f"/proc/{process.pid}/status").read_text(), re.MULTILINE
    )
    return bool(int(found[1], 16) & 1 << number - 1)


def test_pruning_works_as_its_unit_says(environ):
    done = subprocess.run(
        command_of(DEPLOY / "systemd" / "perch-prune.service"),
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "Deleted 0 used states" in done.stdout


# nginx


def seconds(name):
    found = re.findall(rf"^ *{name} (\d+)s;", (DEPLOY / "nginx.conf").read_text(), re.MULTILINE)
    assert found
    return max(map(int, found))


def test_nginx_waits_longer_than_a_request_may_take():
    from app.storage.database import BUSY_SECONDS
    from app.twitter.transport.deadline import SECONDS

    assert seconds("proxy_read_timeout") > SECONDS + BUSY_SECONDS + 2


def test_nginx_takes_the_forms_that_the_site_takes():
    from app.web.security import MAX_FORM_BYTES

    assert f"client_max_body_size {MAX_FORM_BYTES // 1024}k;" in (DEPLOY / "nginx.conf").read_text()


# Containers: none can be started where these tests run, so what is written is read.


def instructions():
    """Return the Dockerfile's instructions, continued lines joined."""
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [tuple(line.split(maxsplit=1)) for line in lines]


def test_the_image_is_built_in_two_stages_and_runs_unprivileged():
    names = [name for name, _ in instructions()]
    last = dict(instructions()[len(names) - names[::-1].index("FROM") - 1 :])

    assert names.count("FROM") == 2
    assert "ADD" not in names
    assert int(last["USER"].split(":")[0]) >= 10000
    for name, value in instructions():
        if name == "FROM":
            assert re.match(r"[a-z]+:[0-9][\w.-]+( AS |$)", value), value


def test_memory_goes_back_to_the_system():
    wanted = " ".join(f"{name}={value}" for name, value in ALLOCATOR.items())

    assert wanted in section(DEPLOY / "systemd" / "perch.service", "Service")["Environment"]
    assert f"ENV {wanted}\n" in (DEPLOY / "Dockerfile").read_text()


def test_the_image_takes_locked_packages_only():
    [install] = [value for name, value in instructions() if name == "RUN" and "install" in value]

    assert "--require-hashes -r requirements.txt" in install


def copied():
    for name, value in instructions():
        if name == "COPY" and "--from" not in value:
            *sources, _ = value.split()
            yield from sources


def test_nothing_else_goes_into_the_image():
    lines = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()

    assert lines[1] == "*"
    assert {line[1:] for line in lines if line.startswith("!")} == set(copied())


def test_what_goes_into_the_image_is_enough_to_start(environ, tmp_path):
    image = tmp_path / "image"
    image.mkdir()
    for source in copied():
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, image / source)
        else:
            shutil.copy(ROOT / source, image / source)

    done = subprocess.run(
        [sys.executable, "-m", "gunicorn", "--check-config", "wsgi:app"],
        cwd=image,
        env=environ,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def test_containers_run_commands_that_exist(app):
    group = FlaskGroup(create_app=lambda: app)
    commands = [str(service.get("command", "")) for service in COMPOSE["services"].values()]
    named = re.findall(r"flask --app wsgi ([a-z ]+)", "\n".join(commands))

    assert len(named) == 3
    for command in named:
        assert CliRunner().invoke(group, [*command.split(), "--help"]).exit_code == 0


def test_containers_are_locked_in():
    assert len(COMPOSE["services"]) == 6
    for service in COMPOSE["services"].values():
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]


def test_containers_of_others_do_not_begin_as_root():
    """They could not become another user, without capabilities. Ours is in the Dockerfile."""
    users = {name: each.get("user") for name, each in COMPOSE["services"].items()}

    assert (users["database"], users["cache"]) == ("postgres", "redis")


def test_nothing_but_the_site_can_be_reached_from_outside_its_network():
    ports = {name: each["ports"] for name, each in COMPOSE["services"].items() if "ports" in each}

    assert ports == {"site": ["127.0.0.1:8000:8000"]}


def test_no_password_is_written_down():
    for file in files(DEPLOY):
        assert not re.search(r"(?i)password: *[a-z0-9]", file.read_text()), file
