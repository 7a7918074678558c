"""Log lines: one for each event, with the request's id and without secrets.

Every record, of ours or of a library, ends in one formatter. It redacts twice, first the data and
then the finished line, so that a library's debug line or the text of an exception leaks nothing.
A record that cannot be formatted is not written, because it cannot be redacted either.

gunicorn.conf.py loads this file by its path: it imports nothing of ours.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click
from flask import has_request_context, request

if TYPE_CHECKING:
    from flask import Flask

    from app.observability.redaction import Redactor
    from config import Config

_Line = dict[str, Any]

# Loaded by its path, the file has another `__name__`.
_log = logging.getLogger("app.observability.logs")

# W3C Trace Context, section 3.2, version 00: the trace's id, the parent's id, flags. An id of zeros
# is invalid.
_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
# A trace's id looks like a secret: this stands in its place while the line is redacted.
_TRACE_PLACE = "<trace>"


class Formatter(logging.Formatter):
    """Writes each record as one line without secrets: JSON for machines, else plain text."""

    def __init__(self, redactor: Redactor, *, as_json: bool, behind_proxy: bool = False) -> None:
        """Take the trace of a request from its `traceparent` header if it is `behind_proxy`."""
        super().__init__()
        self._redactor = redactor
        self._render = _json if as_json else _plain
        self._behind_proxy = behind_proxy

    @classmethod
    def of(cls, config: Config, redactor: Redactor) -> Formatter:
        """Return the formatter of a site: JSON on https, unless a person reads at a terminal."""
        return cls(
            redactor,
            as_json=config.https and not _is_typed_at_a_terminal(),
            behind_proxy=config.trusted_proxies > 0,
        )

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; if the record cannot be formatted, only where it came from."""
        trace = _trace_id(record) if self._behind_proxy else ""
        place = _TRACE_PLACE if trace else ""
        try:
            line = self._redactor.text(self._render(self._gathered(record, place)))
        except Exception:  # noqa: BLE001 - logging would print the message and its arguments
            bare = {"name": record.name, "levelname": record.levelname}
            bare["msg"] = f"a line that cannot be formatted, {record.filename}:{record.lineno}"
            line = self._render(self._gathered(logging.makeLogRecord(bare), place))
        return line.replace(_TRACE_PLACE, trace, 1) if trace else line

    def _gathered(self, record: logging.LogRecord, trace: str) -> _Line:
        """Return the fields of every line, then those of the event without secrets."""
        fields = getattr(record, "audited", None) or {"event": record.getMessage()}
        if record.exc_info:  # without local variables: they hold secrets
            fields = {**fields, "exception": self.formatException(record.exc_info)}
        cleaned: _Line = self._redactor.value(fields)
        return {
            "at": datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "request": request_id(),
            "trace": trace,
            **cleaned,
        }


def _is_typed_at_a_terminal() -> bool:
    """Return whether this is a `flask` command at a terminal."""
    return click.get_current_context(silent=True) is not None and sys.stderr.isatty()


def request_id() -> str:
    """Return the id of the current request, which its error page and its log lines share.

    It is the same in every app context within the request: receivers of signals have their own.
    """
    if not has_request_context():
        return ""
    return str(request.environ.setdefault("perch.request_id", secrets.token_hex(6)))


def _trace_id(record: logging.LogRecord) -> str:
    """Return the trace that the proxy names for the request of `record`; empty if it names none."""
    if has_request_context():
        header = request.environ.get("HTTP_TRACEPARENT", "")
    else:  # gunicorn's access line: its arguments hold the request's environment
        given = record.args if isinstance(record.args, Mapping) else {}
        header = given.get("{http_traceparent}e", "")
    found = _TRACEPARENT.fullmatch(str(header))
    return found[1] if found else ""


def init_app(app: Flask, config: Config, redactor: Redactor) -> None:
    """Log to standard error through one redacting handler."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Formatter.of(config, redactor))
    handler.set_name("perch")
    root = logging.getLogger()
    root.handlers = [kept for kept in root.handlers if kept.get_name() != "perch"] + [handler]
    logging.getLogger("app").setLevel(logging.INFO)
    app.logger.propagate = True


def log_uncaught() -> None:
    """Log warnings and uncaught exceptions of this process, which must be all ours.

    Python would print them, with any secret in an exception's text.
    """
    sys.excepthook = _uncaught
    sys.unraisablehook = _unraisable
    threading.excepthook = _uncaught_in_a_thread
    logging.captureWarnings(capture=True)


def _uncaught(
    kind: type[BaseException], error: BaseException, traceback: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, traceback)
        return
    _log.critical("uncaught exception", exc_info=(kind, error, traceback))


def _uncaught_in_a_thread(given: threading.ExceptHookArgs) -> None:
    if issubclass(given.exc_type, SystemExit) or given.exc_value is None:
        return
    name = given.thread.name if given.thread else "unknown"
    exc_info = (given.exc_type, given.exc_value, given.exc_traceback)
    _log.critical("uncaught exception in thread %s", name, exc_info=exc_info)


def _unraisable(given: sys.UnraisableHookArgs) -> None:
    if given.exc_value is None:
        return
    exc_info = (given.exc_type, given.exc_value, given.exc_traceback)
    _log.critical("exception that could not be raised", exc_info=exc_info)


# A line of each kind


def _json(fields: _Line) -> str:
    return json.dumps({key: value for key, value in fields.items() if value != ""})


def _plain(fields: _Line) -> str:
    shared = [fields.pop(key) for key in ("at", "level", "logger")]
    ids = fields.pop("request") or "-"
    if trace := fields.pop("trace"):
        ids += f" trace={trace}"
    exception = fields.pop("exception", None)
    message = _one_line(str(fields.pop("event")))
    details = (f"{key}={_one_line(str(value))}" for key, value in fields.items() if value != "")
    line = " ".join([*shared, f"[{ids}]", message, *details])
    return "\n".join([line, *map(_one_line, exception.splitlines())]) if exception else line


def _one_line(text: str) -> str:
    """Return `text` escaped, so that it can neither begin a line nor command a terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
