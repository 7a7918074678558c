"""Perch itself; each answer says in a header where the time of its thread went.

The clock of a thread is looked at wherever another part begins or ends. A part that calls another
one is charged only for what it does itself.
"""

from __future__ import annotations

import functools
import json
import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import flask.templating
from cryptography.fernet import MultiFernet
from flask_wtf.csrf import CSRFProtect
from itsdangerous import Serializer

from app import create_app
from app.accounts.people import People
from app.accounts.sessions import Sessions
from app.accounts.token_cipher import TokenCipher
from app.accounts.used_states import UsedStates
from app.gateway.quota import Quota
from app.gateway.usage import Usages
from app.observability.metrics import Metrics
from app.pages.panels import PanelLoader
from app.twitter.oauth import AuthorizationServer
from app.twitter.transport.transport import Transport
from app.web.browser_session import BrowserSessions
from benchmarks.parts import (
    CALLS,
    DATABASE,
    FIGURES,
    LOG,
    MEMORY,
    PROTOCOL,
    REST,
    SECRETS,
    TEMPLATES,
)
from benchmarks.sites import SPENT_HEADER
from config import Config

WATCHED: list[tuple[Any, str, str]] = [
    (Transport, "send", CALLS),
    (AuthorizationServer, "authorization_url", PROTOCOL),
    (AuthorizationServer, "exchange", PROTOCOL),
    (People, "find", DATABASE),
    (People, "sign_in", DATABASE),
    (UsedStates, "consume", DATABASE),
    (Sessions, "of", DATABASE),
    (Usages, "since", DATABASE),
    (flask.templating, "_render", TEMPLATES),
    (BrowserSessions, "open_session", SECRETS),
    (BrowserSessions, "save_session", SECRETS),
    (CSRFProtect, "protect", SECRETS),
    (Serializer, "dumps", SECRETS),
    (MultiFernet, "encrypt_at_time", SECRETS),
    (MultiFernet, "decrypt_at_time", SECRETS),
    (TokenCipher, "seal", SECRETS),
    (logging.StreamHandler, "emit", LOG),
    (Metrics, "on_event", FIGURES),
    (Metrics, "on_call", FIGURES),
    (Metrics, "begin_request", FIGURES),
    (Metrics, "end_request", FIGURES),
    (Quota, "all_windows", MEMORY),
    (Quota, "unavailable", MEMORY),
    (PanelLoader, "load", MEMORY),
]


class Stopwatch(threading.local):
    """The part that a thread is working on, and the time spent on each part so far."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.spent: Counter[str] = Counter()
        self.since = 0.0

    def turn_to(self, part: str | None) -> None:
        """Charge the current part; begin `part`, or go back to the one before."""
        now = time.thread_time()
        if self.parts:
            self.spent[self.parts[-1]] += now - self.since
        if part is None:
            self.parts.pop()
        else:
            self.parts.append(part)
        self.since = now


watch = Stopwatch()


def watched(part: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function`, charged to `part`."""

    @functools.wraps(function)
    def charged(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - whatever it takes and gives
        watch.turn_to(part)
        try:
            return function(*args, **kwargs)
        finally:
            watch.turn_to(None)

    return charged


for where, name, part in WATCHED:
    setattr(where, name, watched(part, getattr(where, name)))

app = create_app(Config.from_env())
plain = app.wsgi_app


def begin(environ: Any, start_response: Any) -> Any:  # noqa: ANN401 - WSGI
    """Watch a request, and say what was spent when its answer begins."""

    def told(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:  # noqa: ANN401
        watch.turn_to(REST)
        watch.turn_to(None)
        return start_response(status, [*headers, (SPENT_HEADER, json.dumps(watch.spent))], *rest)

    watch.parts.clear()
    watch.spent.clear()
    watch.turn_to(REST)
    try:
        return plain(environ, told)
    finally:
        watch.turn_to(None)


app.wsgi_app = begin  # type: ignore[method-assign] # Flask's own recipe
