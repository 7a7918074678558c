"""Consent forms that were shown and not answered yet, each good for one answer."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading

    from sandbox.model import Client

KEPT = 1000  # a sandbox left alone with a crawler must not fill the memory


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
class Tickets:
    """The forms in flight. A ticket cannot be guessed, and works once."""

    lock: threading.RLock
    waiting: OrderedDict[str, AuthorizationRequest] = field(default_factory=OrderedDict)

    def issue(self, asked: AuthorizationRequest) -> str:
        """Remember a request for as long as its form is open, and name it."""
        with self.lock:
            ticket = secrets.token_urlsafe(32)
            self.waiting[ticket] = asked
            if len(self.waiting) > KEPT:
                self.waiting.popitem(last=False)
            return ticket

    def claim(self, ticket: str) -> AuthorizationRequest | None:
        """Hand the request over to the first who asks; a replayed form gets nothing."""
        with self.lock:
            return self.waiting.pop(ticket, None)
