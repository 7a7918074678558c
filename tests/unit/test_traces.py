"""The trace of a proxy in the log lines: W3C's syntax, from trusted proxies only."""

import json
import logging
import runpy
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from gunicorn.config import Config as GunicornConfig

from app.observability.logs import Formatter
from app.observability.redaction import Redactor
from tests.factories import build_config

ROOT = Path(__file__).parent.parent.parent
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"  # W3C Trace Context, section 3.2, its example
GOOD = f"00-{TRACE}-00f067aa0ba902b7-01"
# The same shape; ids of our rows have it too.
HEX = "0123456789abcdef0123456789abcdef"

HOSTILE = {
    "none": "",
    "another version": GOOD.replace("00-4", "01-4"),
    "no version": GOOD[3:],
    "the forbidden version": "ff" + GOOD[2:],
    "capitals": GOOD.upper(),
    "all zeros": f"00-{'0' * 32}-00f067aa0ba902b7-01",
    "a parent of zeros": f"00-{TRACE}-{'0' * 16}-01",
    "too short": f"00-{TRACE[1:]}-00f067aa0ba902b7-01",
    "too long": f"00-{TRACE}0-00f067aa0ba902b7-01",
    "a part more": f"{GOOD}-00",
    "not hex": GOOD.replace("4bf9", "4bg9"),
    "other digits": GOOD.replace("4", "\u0664"),
    "a line break": f"{GOOD}\n",
    "another line": f"{GOOD}\n2026-01-01 INFO app [-] all is well",
    "two of them": f"{GOOD},{GOOD}",
    "JSON": f'00-{TRACE[:20]}", "level":"CRIT-00f067aa0ba902b7-01',
    "spaces": f" {GOOD} ",
    "very long": "0" * 8000,
}


@pytest.fixture
def formatter_of(tmp_path):
    def formatter_of(proxies, **settings):
        config = build_config(tmp_path, TRUSTED_PROXIES=proxies, **settings)
        return Formatter.of(config, Redactor.of(config))

    return formatter_of


@pytest.fixture(params=["http://127.0.0.1:8000", "https://birds.example"], ids=["plain", "json"])
def public_url(request):
    return request.param


def line_of(formatter, message="hello", **attributes):
    record = {"name": "library", "levelname": "INFO", "msg": message, **attributes}
    return formatter.format(logging.makeLogRecord(record))


def in_request(app, traceparent):
    return app.test_request_context("/", environ_overrides={"HTTP_TRACEPARENT": traceparent})


def test_lines_of_a_request_carry_the_trace_of_the_proxy(app, formatter_of, public_url):
    formatter = formatter_of("1", PUBLIC_URL=public_url)

    with in_request(app, GOOD):
        line = line_of(formatter)

    if line.startswith("{"):
        assert json.loads(line)["trace"] == TRACE
    else:
        assert line.endswith(f" trace={TRACE}] hello")
    assert "trace" not in line_of(formatter)


def test_without_a_trusted_proxy_the_header_is_a_strangers(app, formatter_of, public_url):
    formatter = formatter_of("0", PUBLIC_URL=public_url)

    with in_request(app, GOOD):
        line = line_of(formatter)

    assert "trace" not in line
    assert TRACE not in line


@pytest.mark.parametrize("name", HOSTILE)
def test_only_the_syntax_of_w3c_is_taken(app, formatter_of, public_url, name):
    formatter = formatter_of("1", PUBLIC_URL=public_url)

    with in_request(app, HOSTILE[name]):
        line = line_of(formatter)

    assert "trace" not in line
    assert len(line.splitlines()) == 1


def test_the_trace_is_the_one_word_that_is_not_redacted(app, formatter_of, public_url):
    """Neither an id of the same looks nor the trace in a visitor's words is let through with it."""
    formatter = formatter_of("1", PUBLIC_URL=public_url)
    words = f"/x?trace={HEX} <trace> trace={TRACE} {HEX}"

    with in_request(app, GOOD):
        line = line_of(formatter, words)

    assert line.count(TRACE) == 1
    assert HEX not in line
    assert "/x?trace=[redacted] <trace> trace=[redacted] [redacted]" in line


def test_a_line_that_cannot_be_formatted_has_its_trace(app, formatter_of, public_url):
    formatter = formatter_of("1", PUBLIC_URL=public_url)

    with in_request(app, GOOD):
        line = line_of(formatter, "%s and %s", args=("one",))

    assert "cannot be formatted" in line
    assert TRACE in line


def test_a_traceback_keeps_its_place_below_the_line(app, formatter_of):
    formatter = formatter_of("1")
    error = ValueError("a worm")

    with in_request(app, GOOD):
        line = line_of(formatter, exc_info=(ValueError, error, None))

    first, *rest = line.splitlines()
    assert first.endswith(f"trace={TRACE}] hello")
    assert rest == ["ValueError: a worm"]


# gunicorn's access log


@pytest.fixture
def access_line(formatter_of, monkeypatch, tmp_path):
    """Return gunicorn's line for a request, as its own logger makes and our formatter writes it."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path / "metrics"))
    settings = runpy.run_path(str(ROOT / "gunicorn.conf.py"))

    def access_line(proxies, public_url, **environ):
        config = GunicornConfig()
        config.set("accesslog", settings["accesslog"])
        config.set("access_log_format", settings["access_log_format"])
        logger = settings["RedactingLogger"](config)
        formatter, written = formatter_of(proxies, PUBLIC_URL=public_url), []
        monkeypatch.setattr(
            logger.access_log, "handle", lambda record: written.append(formatter.format(record))
        )
        environ = {"REQUEST_METHOD": "GET", "RAW_URI": "/", "PATH_INFO": "/", **environ}
        environ["SERVER_PROTOCOL"] = "HTTP/1.1"
        response = SimpleNamespace(status="200 OK", sent=0, headers=[])
        logger.access(response, SimpleNamespace(headers=[]), environ, timedelta(milliseconds=5))
        [line] = written
        return line

    return access_line


def test_the_access_line_carries_the_trace_too(access_line, public_url):
    assert TRACE in access_line("1", public_url, HTTP_TRACEPARENT=GOOD)
    assert TRACE not in access_line("0", public_url, HTTP_TRACEPARENT=GOOD)
    assert "trace" not in access_line("1", public_url)


@pytest.mark.parametrize("name", HOSTILE)
def test_the_access_line_takes_only_the_syntax_of_w3c(access_line, public_url, name):
    line = access_line("1", public_url, HTTP_TRACEPARENT=HOSTILE[name])

    assert "trace" not in line
    assert len(line.splitlines()) == 1
