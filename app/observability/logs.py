"""Logs that can be kept: a line per event, with the request's id and without any secret.

Everything that is logged, by us or by a library, ends in one formatter. It redacts twice: what it
is given, before that is written down, and the line that comes out. So a library's debug line or
the text of an exception cannot leak what our own lines never say. What it cannot format is not
written at all, for nobody knows what is in it.

gunicorn.conf.py loads this file by its path, before there is an app: it imports nothing of ours.
"""

from __future__ import annotations

import base64
import json
import logging
import re
import secrets
import sys
import threading
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click
import structlog
from flask import g, has_request_context
from structlog.typing import EventDict, Processor, WrappedLogger

if TYPE_CHECKING:
    from flask import Flask

    from config import Config

# Not by this file's name: gunicorn knows it by another.
log = logging.getLogger("app.observability.logs")

REDACTED = "[redacted]"
# How names end that are of secrets and nothing else, and names that are words of every day as well.
_SURE = (
    r"(?:(?<=[_-])token|csrftoken|(?<![a-z0-9])(?:password|secret)"
    r"|client_assertion|code_challenge|code_verifier|oauth_verifier)"
)
WORDS = "(?:code|state|token)"
HEADERS = "(?:authorization|cookie|proxy-authorization|set-cookie)"
# As a key, a name stands alone.
_BEFORE = r"[\w-]{0,40}?"
SECRET_KEY = re.compile(f"{_BEFORE}{_SURE}|{WORDS}|{HEADERS}", re.IGNORECASE)

# JSON inside JSON and reprs of reprs put a backslash before each quote, or several.
QUOTE = r"\\{0,31}['\"]"
IS = rf"\s*[:,]\s*[\[(]?\s*b?{QUOTE}"
_VALUE = r"(?!\[redacted)[^&\s'\"\\,;)}\]]+"
_QUOTED_VALUE = r"(?!\[redacted)[^'\"\\]+"
# What stands behind a name and its colon in source code and JSON, and is nobody's secret.
NOTHING = r"(?!(?:bool|bytes|false|float|int|none|null|str|true)\b)(?![\[({])"
# "error code: 400" and "token: invalid_request" are sentences; what has digits and letters is none.
_MIXED = r"(?=[a-z._~+/=-]*\d)(?=[\d._~+/=-]*[a-z])[\w.~+/=-]{6,}"
SECRETS = re.compile(
    rf"(?:(?P<quoted>{_SURE}\s*[:=]\s*b?{QUOTE}){_QUOTED_VALUE}"
    rf"|(?P<form>(?:{_SURE}|(?:\b|%[0-9A-F]{{2}}){WORDS})(?:=|%3D)(?:b?{QUOTE})?){_VALUE}"
    rf"|(?P<item>{QUOTE}(?:{_BEFORE}{_SURE}|{WORDS}|{HEADERS}){QUOTE}{IS}){_QUOTED_VALUE}"
    rf"|(?P<bare>{QUOTE}{_BEFORE}{_SURE}{QUOTE}\s*:\s*){NOTHING}{_VALUE}"
    rf"|(?P<number>{QUOTE}{WORDS}{QUOTE}\s*:\s*)\d{{6,}}"
    rf"|(?P<pair>{_SURE}\s*[:=]\s*){NOTHING}{_VALUE}"
    rf"|(?P<said>\b{WORDS}\s*[:=]\s*){_MIXED}"
    r"|(?P<header>(?-i:\b(?:Bearer|Basic)\s+))[A-Za-z0-9._~+/=-]+"
    r"|(?P<small>\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{16,}"
    r"|(?P<cookie>(?:__Host-)?(?:session|visit|flow)(?:-[0-9a-f]+)*=)(?!\[redacted)[^;\s'\"\\]+"
    r"|(?P<url>://[^\s/:@'\"]*:)(?!\[redacted)[^\s/@'\"]+(?=@))",
    re.IGNORECASE,
)
# Nothing of `SECRETS` is in a text without one of these: most lines need no closer look.
HINTS = re.compile(
    "token|code|state|secret|assertion|verifier|password|bearer|basic"
    "|session[-=]|visit[-=]|flow-|authorization|cookie|://"
)
# Nor is anything of the two below in a text without such a word.
LONG = re.compile(r"[A-Za-z0-9_=~-]{32}")
# A word like this is no word: states, verifiers, tokens and sealed cookies look so.
OPAQUE = re.compile(r"(?<![A-Za-z0-9_=~-])[A-Za-z0-9_=~-]{32,}")
# Nor is this a number: the id of a grant, which is as good as a session, and other random hex.
_HEX = re.compile(
    r"(?<![A-Za-z0-9])(?=[a-f]*[0-9])(?=[0-9]*[a-f])[0-9a-f]{32,}(?![A-Za-z0-9])"
    r"|(?<![A-Za-z0-9])(?=[A-F]*[0-9])(?=[0-9]*[A-F])[0-9A-F]{32,}(?![A-Za-z0-9])"
)
# Shorter than this, a setting of the operator's could be part of any word.
_SHORTEST_SETTING = 8
DEEPEST = 6


class Redactor:
    """Takes secrets out of texts and of what is made of texts."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        """Know the operator's own secrets by their value, wherever they stand."""
        values = sorted({re.escape(v) for v in known if len(v) >= _SHORTEST_SETTING}, reverse=True)
        self._known = re.compile("|".join(values)) if values else None

    def text(self, text: str) -> str:
        """Return `text` with every secret in it taken out."""
        if self._known is not None:
            text = self._known.sub(REDACTED, text)
        return redacted(text)

    def value(self, value: object, *, depth: int = 0) -> Any:  # noqa: ANN401 - as it came
        """Return `value` as plain data without secrets, whatever it is made of."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, str):
            return self.text(value)
        if depth == DEEPEST:
            return "..."
        if isinstance(value, Mapping):
            return {self.text(str(k)): self._item(k, v, depth) for k, v in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(each, depth=depth + 1) for each in value]
        return self.text(repr(value))

    def _item(self, key: object, value: object, depth: int) -> Any:  # noqa: ANN401
        if value and SECRET_KEY.fullmatch(str(key)):
            return REDACTED
        return self.value(value, depth=depth + 1)


def redacted(text: str) -> str:
    """Return `text` without whatever is a secret by its name, its place or its looks."""
    if HINTS.search(text.lower()) is not None:  # ignoring case itself, it would be slow
        text = SECRETS.sub(lambda found: found[str(found.lastgroup)] + REDACTED, text)
    if LONG.search(text) is None:
        return text
    text = _HEX.sub(REDACTED, text)
    return OPAQUE.sub(lambda found: REDACTED if _is_opaque(found[0]) else found[0], text)


def _is_opaque(word: str) -> bool:
    kinds = (str.isdigit, str.islower, str.isupper)
    return all(any(map(is_of_kind, word)) for is_of_kind in kinds)


class Formatter(structlog.stdlib.ProcessorFormatter):
    """Writes every record as one line: JSON for machines, or plain for people."""

    def __init__(self, *, as_json: bool, known: Iterable[str] = ()) -> None:
        """Write JSON or plain text; `known` are secrets that are taken out by their value."""
        self._redactor = Redactor(known)
        render: Processor = _json if as_json else _plain
        super().__init__(processors=[_gathered, self._cleaned, render])

    @classmethod
    def of(cls, config: Config) -> Formatter:
        """Return the formatter of a site: JSON on https, unless a person reads it at a terminal."""
        return cls(as_json=config.https and not _a_person_reads(), known=secrets_of(config))

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; of a record that cannot be formatted only where it came from."""
        try:
            return self._redactor.text(super().format(record))
        except Exception:  # noqa: BLE001 - logging would print the message and its arguments
            bare = {"name": record.name, "levelname": record.levelname}
            bare["msg"] = f"a line that cannot be formatted, {record.filename}:{record.lineno}"
            return super().format(logging.makeLogRecord(bare))

    def _cleaned(self, _logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
        cleaned: EventDict = self._redactor.value(event)
        return cleaned


def _a_person_reads() -> bool:
    """Tell whether a `flask` command was typed at a terminal."""
    return click.get_current_context(silent=True) is not None and sys.stderr.isatty()


def request_id() -> str:
    """Return the id of the current request: on error pages and in the log, to find one by other."""
    if not has_request_context():
        return ""
    if "request_id" not in g:
        g.request_id = secrets.token_hex(6)
    return str(g.request_id)


def init_app(app: Flask, config: Config) -> None:
    """Log to standard error through one redacting handler."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Formatter.of(config))
    handler.set_name("perch")
    root = logging.getLogger()
    root.handlers = [kept for kept in root.handlers if kept.get_name() != "perch"] + [handler]
    logging.getLogger("app").setLevel(logging.INFO)
    app.logger.propagate = True


def hear_everything() -> None:
    """Write what nobody catches, and warnings, as any other line; for a process that is all ours.

    Python would print them by itself, with whatever secret is in the text of an exception.
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
    log.critical("nobody has caught this", exc_info=(kind, error, traceback))


def _uncaught_in_a_thread(given: threading.ExceptHookArgs) -> None:
    if issubclass(given.exc_type, SystemExit) or given.exc_value is None:
        return
    name = given.thread.name if given.thread else "that is gone"
    exc_info = (given.exc_type, given.exc_value, given.exc_traceback)
    log.critical("a thread has broken off: %s", name, exc_info=exc_info)


def _unraisable(given: sys.UnraisableHookArgs) -> None:
    if given.exc_value is None:
        return
    exc_info = (given.exc_type, given.exc_value, given.exc_traceback)
    log.critical("nobody could catch this", exc_info=exc_info)


def secrets_of(config: Config) -> list[str]:
    """Return the operator's secrets as they could stand in a line."""
    basic = f"{config.twitter_client_id}:{config.twitter_client_secret}".encode()
    texts = [
        config.twitter_client_secret,
        config.metrics_token,
        *config.secret_key,
        *(base64.urlsafe_b64encode(key).decode().rstrip("=") for key in config.token_keys),
        *config.store_secrets,
        *config.proxy_secrets,
        base64.b64encode(basic).decode(),
    ]
    return [text for text in texts if text]


# What a line is made of, in order


def _gathered(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Put what every line has in front of what only this one has."""
    record: logging.LogRecord = event.pop("_record")
    del event["_from_structlog"]
    exc_info = event.pop("exc_info", None)
    gathered = {
        "at": datetime.fromtimestamp(record.created, tz=UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname,
        "logger": record.name,
        "request": request_id(),
        "event": event.pop("event", ""),
        **event,
    }
    if exc_info:  # no locals: they are where secrets live
        gathered["exception"] = logging.Formatter().formatException(exc_info)
    return gathered


def _json(_logger: WrappedLogger, _name: str, event: EventDict) -> str:
    return json.dumps({key: value for key, value in event.items() if value != ""})


def _plain(_logger: WrappedLogger, _name: str, event: EventDict) -> str:
    told = [event.pop(key) for key in ("at", "level", "logger")]
    request = event.pop("request") or "-"
    exception = event.pop("exception", None)
    said = _one_line(str(event.pop("event")))
    details = (f"{key}={_one_line(str(value))}" for key, value in event.items() if value != "")
    line = " ".join([*told, f"[{request}]", said, *details])
    return "\n".join([line, *map(_one_line, exception.splitlines())]) if exception else line


def _one_line(text: str) -> str:
    """Return `text` so that it cannot begin a line of its own, nor command a terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
