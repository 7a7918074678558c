"""Consent forms that were shown and not answered yet, each good for one answer."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, field

from sandbox.world.model import Client

_OPEN_SECONDS = 600  # a form that was left open for longer is not answered any more
KEPT = 1000  # a sandbox left alone with a crawler must not fill the memory


class DeadEnd(Exception):
    """A request or an answer so wrong that the browser is not sent back. The text says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationRequest:
    """An authorization request in which every parameter has been checked."""

    client: Client
    redirect_uri: str
    scopes: tuple[str, ...]
    state: str = field(repr=False)
    challenge: str = field(repr=False)
    method: str


@dataclass(slots=True)
class ConsentRequests:
    """The forms in flight. A consent_request cannot be guessed, and works once."""

    lock: threading.RLock
    waiting: OrderedDict[str, tuple[AuthorizationRequest, float]] = field(
        default_factory=OrderedDict
    )

    def issue(self, asked: AuthorizationRequest, now: float) -> str:
        """Remember a request for as long as its form is open, and name it."""
        with self.lock:
            consent_request = secrets.token_urlsafe(32)
            self.waiting[consent_request] = asked, now + _OPEN_SECONDS
            if len(self.waiting) > KEPT:
                self.waiting.popitem(last=False)
            return consent_request

    def claim(self, consent_request: str, now: float) -> AuthorizationRequest:
        """Hand the request over to the first who asks; a replayed form gets nothing."""
        with self.lock:
            asked, end = self.waiting.pop(consent_request, (None, 0.0))
        if asked is None:
            raise DeadEnd("This form has been answered already, or was never shown.")
        if now >= end:
            minutes = _OPEN_SECONDS // 60
            raise DeadEnd(f"This form was left open for longer than {minutes} minutes.")
        return asked
