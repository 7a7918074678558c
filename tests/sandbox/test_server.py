"""The sandbox as a program, and as a server that speaks HTTP/1.1."""

import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import requests
from werkzeug import Response

from sandbox.__main__ import main
from sandbox.testing import Sandbox

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.loopback


@pytest.fixture
def program():
    """Yield a way to start `python -m sandbox`; whatever runs at the end is stopped."""
    started = []

    def start(*arguments):
        command = [sys.executable, "-m", "sandbox", *arguments]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        started.append(subprocess.Popen(command, cwd=ROOT, **pipes))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def url_of(process):
    return re.search(r"http://\S+", process.stdout.readline())[0]


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_its_address_and_stops_cleanly(program, how):
    """The log shows paths and never a query, for codes and states travel there."""
    process = program("--port", "0")
    query = "state=a-secret-state&client_id=x"
    answer = requests.get(f"{url_of(process)}/i/oauth2/authorize?{query}", timeout=5)
    process.send_signal(how)
    _, errors = process.communicate(timeout=10)

    assert answer.status_code == 400
    assert process.returncode == 0
    assert "Traceback" not in errors
    assert "/i/oauth2/authorize" in errors
    assert "secret" not in errors


def test_a_port_that_cannot_be_had_is_one_clear_line(program):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = program("--port", str(port))
        _, errors = process.communicate(timeout=10)

    assert process.returncode == 1
    assert errors == f"Cannot listen on 127.0.0.1:{port}: Address already in use.\n"


@pytest.mark.parametrize(
    "wish, words",
    [
        ({"port": 99999}, "port must be a number from 0 to 65535"),
        ({"port": -1}, "port must be"),
        ({"port": "80"}, "port must be"),
        ({"port": True}, "port must be"),
        ({"host": ""}, "host must be"),
        ({"host": "a\0"}, "host cannot be"),
        ({"host": 7}, "host must be"),
        ({"host": "é" * 70}, "host cannot be"),
        ({"now": 7}, "now must be a time"),
        ({"seed": {}}, "seed must be the path"),
        ({"latency_ms": "1"}, "latency_ms must be a number"),
    ],
)
def test_a_sandbox_that_cannot_be_says_why(wish, words):
    """A socket left open would be a warning, and so an error."""
    with pytest.raises(ValueError, match=words):
        Sandbox(**wish)


def test_it_can_begin_with_another_world_at_another_time(program, tmp_path):
    (tmp_path / "world.json").write_text('{"accounts": [{"username": "ada"}]}')
    begin = ("--seed", str(tmp_path / "world.json"), "--now", "2026-01-01T12:00:00Z")
    url = url_of(program("--port", "0", *begin))
    accounts = requests.get(f"{url}/sandbox/accounts", timeout=5).json()["accounts"]
    clock = requests.post(f"{url}/sandbox/clock", json={}, timeout=5).json()

    assert [account["username"] for account in accounts] == ["ada"]
    assert clock["now"].startswith("2026-01-01T12:0")


def test_a_bad_start_is_one_clear_line(capsys):
    starts = [
        (("--dialect", "esperanto"), "dialect must be one of live, beta"),
        (("--plan", "gold"), "plan must be one of enterprise"),
        (("--port", "99999"), "port must be a number from 0 to 65535"),
        (("--callback", "javascript:alert(1)"), "'javascript:alert(1)' is not an absolute URL"),
        (("--now", "yesterday"), "now must be a time like 2026-01-01T12:00:00Z"),
        (("--seed", "nowhere.json"), "Cannot read nowhere.json: No such file or directory."),
        (("--seed", "pyproject.toml"), "pyproject.toml is not JSON"),
    ]
    codes = [main(["--port", "0", *arguments]) for arguments, _ in starts]
    errors = capsys.readouterr().err.splitlines()

    assert codes == [1] * len(starts)
    assert [e for e, (_, words) in zip(errors, starts, strict=True) if words not in e] == []


def test_one_connection_serves_many_requests(running):
    with requests.Session() as session:
        for _ in range(20):
            session.get(running.url + "/2/users/me", timeout=5)
        pools = session.get_adapter(running.url).poolmanager.pools
        pool = pools[next(iter(pools.keys()))]

    assert (pool.num_connections, pool.num_requests) == (1, 20)


def test_an_unread_body_does_not_confuse_the_next_request(running):
    with requests.Session() as session:
        for path in ("/2/nothing", "/sandbox/clock", "/2/oauth2/token", "/static/x"):
            session.post(running.url + path, data=b"GET / HTTP/1.1\r\n\r\n" * 1000, timeout=5)

            assert session.get(running.url + "/2/users/me", timeout=5).status_code == 401


def test_a_chunked_body_is_read(running):
    pieces = iter([b'{"advance_', b'seconds": 1}'])
    headers = {"Content-Type": "application/json"}
    answer = requests.post(running.url + "/sandbox/clock", data=pieces, headers=headers, timeout=5)

    assert answer.status_code == 200


def test_an_oversized_body_is_refused(running):
    answer = requests.post(running.url + "/2/oauth2/token", data=b"x" * 5_000_000, timeout=5)

    assert answer.status_code == 413


def test_a_file_is_closed_when_the_browser_hangs_up(running, monkeypatch):
    closed = threading.Event()

    class File:
        def __iter__(self):
            yield b"the beginning"
            raise BrokenPipeError

        def close(self):
            closed.set()

    monkeypatch.setattr(running._server, "app", Response(File()))

    requests.get(running.url + "/static/sandbox.css", timeout=5)

    assert closed.wait(5)


def test_head_has_no_body(running):
    answer = requests.head(running.url + "/", timeout=5)

    assert (answer.status_code, answer.content) == (200, b"")


def test_a_stopped_sandbox_lets_go_of_its_port():
    with Sandbox() as sandbox, requests.Session() as session:
        session.get(sandbox.url, timeout=5)
        sandbox.stop()
        sandbox.stop()
        port = int(sandbox.url.rpartition(":")[2])
        with Sandbox(port=port) as again:
            assert again.url == sandbox.url


def test_a_world_and_settings_given_at_the_start_survive_a_reset(tmp_path):
    (tmp_path / "world.json").write_text('{"accounts": [{"username": "ada"}]}')
    with Sandbox(seed=tmp_path / "world.json", plan="legacy-free") as sandbox:
        sandbox.settings(plan="enterprise")
        sandbox.reset()

        assert sandbox.settings().plan == "legacy-free"
        assert sandbox.world.named("ada")
