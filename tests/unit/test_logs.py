"""The log handler redacts each line, ours or a library's, wherever the secret stands in it."""

import base64
import io
import json
import logging
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from app.observability import logs
from app.observability.audit_log import AuditLog, Event, known_as
from app.observability.logs import Formatter
from app.observability.redaction import Redactor
from tests.factories import build_config, build_environ, token_key

ROOT = Path(__file__).parent.parent.parent
OBSERVABILITY = ROOT / "app" / "observability"
SECRET = "s3cr3t-v4lu3_~+/=="
# Random, as a state, a verifier or a token is; no name stands beside it.
OPAQUE = "dk3Xb8vT0qGm1YwR5cZs7uLhPa2NfJe9oViQ4tKxWyE"


class Log:
    """A logger that writes through our formatter, and what it wrote."""

    def __init__(self, formatter):
        self.stream = io.StringIO()
        handler = logging.StreamHandler(self.stream)
        handler.setFormatter(formatter)
        self.logger = logging.Logger("library")  # noqa: LOG001 - it has no parent
        self.logger.addHandler(handler)

    @property
    def text(self):
        return self.stream.getvalue()


def formatter(*, as_json, secrets=()):
    return Formatter(Redactor(secrets), as_json=as_json)


def formatter_of(config):
    return Formatter.of(config, Redactor.of(config))


@pytest.fixture(params=[False, True], ids=["plain", "json"])
def as_json(request):
    return request.param


# Attacks on the handler


def fail(error, cause=None):
    raise error from cause


def in_an_exception(logger):
    try:
        fail(RuntimeError(f"bad answer: code={SECRET}\nand {OPAQUE}"))
    except RuntimeError:
        logger.exception("it broke")


def in_its_cause(logger):
    try:
        fail(RuntimeError(OPAQUE), KeyError({"client_secret": SECRET}))
    except RuntimeError:
        logger.exception("it broke")


def in_the_locals_of_a_traceback(logger):
    refresh_token = SECRET + OPAQUE
    try:
        refresh_token / 2
    except TypeError:
        logger.exception("it broke")


class Loud:
    """Raises when it is formatted, with secrets in the exception."""

    def __str__(self):
        raise ValueError(SECRET + OPAQUE)


# A message and its arguments.
LEAKS = {
    "message": [f"sending refresh_token={SECRET} {OPAQUE}"],
    "arguments": ["%s of %r", {"access_token": SECRET}, OPAQUE],
    "nested dict": [
        "%s",
        {"a": [{"b": {"headers": {"Authorization": SECRET}, "body": f'{{"x": "{OPAQUE}"}}'}}]},
    ],
    "JSON": ["%s", json.dumps({"token": SECRET, "x": OPAQUE})],
    "query": ['"GET %s HTTP/1.1"', f"/auth/callback?code={SECRET}&state={OPAQUE}"],
    "user of an address": ["at %s", f"rediss://perch:{SECRET[:10]}{OPAQUE}@cache/0"],
    "arguments that do not fit": ["%s and %s", SECRET + OPAQUE],
    "object that cannot be written": ["%s", Loud()],
    "behind a line break": ["%s", f"form:\ncode={SECRET}\n\ttoken={SECRET}"],
    "bytes": ["%s", f"refresh_token={SECRET}&x={OPAQUE}".encode()],
    "by its value": ["the sign says: an operator's own words"],
}


@pytest.mark.parametrize(
    "leak", [*LEAKS, in_an_exception, in_its_cause, in_the_locals_of_a_traceback]
)
def test_nothing_leaks(leak, capsys):
    for as_json in (False, True):
        log = Log(formatter(as_json=as_json, secrets=["an operator's own words"]))

        leak(log.logger) if callable(leak) else log.logger.debug(*LEAKS[leak])

        everything = log.text + capsys.readouterr().err
        assert log.text
        for secret in (SECRET, SECRET.rstrip("="), OPAQUE, "operator's own"):
            assert secret not in everything


def test_a_field_is_redacted_by_its_name(as_json):
    fields = {"event": "x", "token": 51966, "list": [b"code=short", ("a", None)], "n": 3}
    fields["nested"] = {"headers": {"Cookie": ["short"], "Accept": "birds"}, "password": ""}
    record = logging.makeLogRecord({"name": "app", "levelname": "INFO", "audited": fields})

    line = formatter(as_json=as_json).format(record)

    assert "short" not in line
    assert "51966" not in line
    assert "birds" in line
    assert ('"n": 3' if as_json else "n=3") in line


def test_nesting_that_is_too_deep_is_cut_off():
    deep = {"secret_of": OPAQUE}
    for _ in range(20):
        deep = [deep]
    fields = {"event": "x", "deep": deep}
    record = logging.makeLogRecord({"name": "app", "levelname": "INFO", "audited": fields})

    assert '"..."' in formatter(as_json=True).format(record)


def test_the_operators_secrets_are_known_by_value(tmp_path):
    words = "feathers+on+a+garden+wall+for+the+{}"
    names = ["TWITTER_CLIENT_SECRET", "SECRET_KEY", "METRICS_TOKEN"]
    names += ["TWITTER_BEARER_TOKEN", "TWITTER_CONSUMER_SECRET"]
    settings = {name: words.format(name.lower()) for name in names} | {"TOKEN_KEYS": token_key("z")}
    basic = f"birdhouse:{settings['TWITTER_CLIENT_SECRET']}".encode()
    settings["DATABASE_URL"] = (
        "postgresql://perch:quiet+as+an+owl@db/perch?sslpassword=a%20dusky%20jay"
    )
    settings["REDIS_URL"] = "redis://cache/0?password=early+as+a+lark"
    settings["TWITTER_PROXY"] = "http://wren:shy%20as%20a%20rail@proxy.example:3128"
    log = Log(formatter_of(build_config(tmp_path, **settings)))
    passwords = ["quiet+as+an+owl", "early+as+a+lark", "a%20dusky%20jay", "a dusky jay"]
    passwords += ["shy as a rail", "shy%20as%20a%20rail"]
    passwords.append(base64.b64encode(b"wren:shy as a rail").decode())

    for value in [*settings.values(), *passwords, base64.b64encode(basic).decode()]:
        log.logger.warning("the sign says %s aloud", value)

    said = [line.partition("says ")[2] for line in log.text.splitlines()]
    assert [line.partition(" aloud")[0].rstrip("=") for line in said] == (
        ["[redacted]"] * 6
        + ["postgresql://perch:[redacted]@db/perch?sslpassword=[redacted]"]
        + ["redis://cache/0?password=[redacted]"]
        + ["http://wren:[redacted]@proxy.example:3128"]
        + ["[redacted]"] * 8
    )


def test_a_short_setting_does_not_hide_half_of_the_log(tmp_path):
    log = Log(formatter_of(build_config(tmp_path, TWITTER_CLIENT_SECRET="a")))

    log.logger.warning("a bird in the hand")

    assert "a bird in the hand" in log.text


# Lines


def test_json_has_one_line_for_an_event_with_its_traceback():
    log = Log(formatter(as_json=True))
    try:
        fail(ValueError("several\nlines"))
    except ValueError:
        log.logger.exception("it broke")

    (line,) = log.text.splitlines()
    said = json.loads(line)

    assert said["event"] == "it broke"
    assert (said["level"], said["logger"]) == ("ERROR", "library")
    assert said["at"].endswith("+00:00")
    assert "ValueError: several\nlines" in said["exception"]


def test_a_visitor_cannot_begin_a_line_nor_command_a_terminal():
    log = Log(formatter(as_json=False))

    log.logger.warning("%s", "a\n2026-01-01 INFO app [-] all is well\x1b[2J")

    assert log.text.count("\n") == 1
    assert "\x1b" not in log.text


def test_lines_of_a_request_carry_its_id(app, as_json):
    log = Log(formatter(as_json=as_json))
    with app.test_request_context("/"):
        log.logger.warning("one")
        log.logger.warning("two")
    log.logger.warning("three")

    ids = [
        json.loads(line).get("request") if as_json else line.partition("[")[2].partition("]")[0]
        for line in log.text.splitlines()
    ]
    assert ids[0] == ids[1]
    assert len(ids[0]) == 12
    assert ids[2] in {None, "-"}


def test_events_are_lines_with_fields(app, capsys):
    handler = our_handler()
    stream, handler.stream = handler.stream, io.StringIO()
    AuditLog().record(Event.LOGGED_OUT, grant_id="0123456789abcdef")
    written, handler.stream = handler.stream.getvalue(), stream

    assert (
        f"INFO app.observability.audit_log [-] logged_out grant={known_as('0123456789abcdef')}"
        in written
    )
    assert "0123456789abcdef" not in written


@pytest.mark.parametrize(
    "public_url, begins", [("https://birds.example", "{"), ("http://127.0.0.1:8000", "20")]
)
def test_https_sites_write_json(tmp_path, public_url, begins):
    log = Log(formatter_of(build_config(tmp_path, PUBLIC_URL=public_url)))

    log.logger.warning("hello")

    assert log.text.startswith(begins)


def test_a_second_app_does_not_log_twice(build_app):
    build_app()
    build_app()

    handlers = [h for h in logging.getLogger().handlers if h.get_name() == "perch"]
    assert len(handlers) == 1


def test_both_files_can_be_loaded_without_the_app():
    program = f"""
import runpy, sys
redactor = runpy.run_path("{OBSERVABILITY}/redaction.py")["Redactor"]()
formatter = runpy.run_path("{OBSERVABILITY}/logs.py")["Formatter"](redactor, as_json=False)
print(redactor.text("code=abc"), [name for name in sys.modules if name.startswith("app")])
"""

    assert run(program, env={}).stdout == "code=[redacted] []\n"


# Uncaught exceptions

# A warning, a thread that breaks off, one that ends itself, a destructor, and the end of it all.
PROGRAM = f"""
import sys, threading, warnings
import wsgi

def fail():
    raise RuntimeError("refresh_token={SECRET} {OPAQUE}")

def run(target):
    thread = threading.Thread(name="finch", target=target)
    thread.start()
    thread.join()

warnings.warn("refresh_token={SECRET} {OPAQUE}")
run(fail)
run(sys.exit)
type("Nest", (), {{"__del__": lambda _: fail()}})()
fail()
"""


def test_uncaught_errors_are_redacted_lines_in_a_process_of_ours(tmp_path):
    told = errors_of(tmp_path, PROGRAM, "https://birds.example")

    lines = [json.loads(line) for line in told.splitlines()]
    assert [(line["level"], line["event"]) for line in lines][1:] == [
        ("CRITICAL", "uncaught exception in thread finch"),
        ("CRITICAL", "exception that could not be raised"),
        ("CRITICAL", "uncaught exception"),
    ]
    assert lines[0]["level"] == "WARNING"
    assert told.count("refresh_token=[redacted] [redacted]") == 4
    assert SECRET not in told
    assert OPAQUE not in told


def test_control_c_writes_no_critical_line(capsys, caplog):
    logs._uncaught(KeyboardInterrupt, KeyboardInterrupt(), None)

    assert capsys.readouterr().err == "KeyboardInterrupt\n"
    assert caplog.records == []


def test_making_an_app_changes_no_hook(app):
    assert sys.excepthook.__module__ != "app.observability.logs"
    assert threading.excepthook.__module__ != "app.observability.logs"


def errors_of(folder, program, public_url):
    """Return what a process of the site writes to standard error."""
    database = f"sqlite:///{folder / 'perch.db'}"
    return run(program, build_environ(PUBLIC_URL=public_url, DATABASE_URL=database)).stderr


def run(program, env):
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )


def our_handler():
    return next(h for h in logging.getLogger().handlers if h.get_name() == "perch")
