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
    """The requests whose forms are open. Their names cannot be guessed, and work once."""

    lock: threading.RLock
    waiting: OrderedDict[str, tuple[AuthorizationRequest, float]] = field(
        default_factory=OrderedDict
    )

    def issue(self, asked: AuthorizationRequest, now: float) -> str:
        """Keep a request while its form is open, and return its name."""
        with self.lock:
            consent_request = secrets.token_urlsafe(32)
            self.waiting[consent_request] = asked, now + _OPEN_SECONDS
            if len(self.waiting) > KEPT:
                self.waiting.popitem(last=False)
            return consent_request

    def claim(self, consent_request: str, now: float) -> AuthorizationRequest:
        """Return the request, once: a replayed form gets nothing."""
        with self.lock:
            asked, end = self.waiting.pop(consent_request, (None, 0.0))
        if asked is None:
            raise DeadEnd("This form was answered already, or was never shown.")
        if now >= end:
            minutes = _OPEN_SECONDS // 60
            raise DeadEnd(f"This form was left open for longer than {minutes} minutes.")
        return asked
