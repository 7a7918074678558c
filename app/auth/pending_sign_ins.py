"""Pending sign-ins, each in a sealed session cookie of its own.

Flask's session is signed but readable, so the code verifier would show; and a list of pending
sign-ins inside one cookie loses one when two tabs start at once. The name holds a hash of the
state, so each callback finds its own cookie. A cookie can be replayed: only `accounts.used_states`
makes a state single-use.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Self

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from flask import Request, after_this_request
from werkzeug.wrappers import Response

from app.accounts.people import Person
from app.auth.errors import NoCookie, NotOurs
from app.gateway.actions import PendingAction
from app.web.derive_key import derived
from app.web.safe_redirects import local

_LIFETIME = timedelta(minutes=10)
# The browser deletes the cookie after its lifetime, so only a replayed one comes later. This is for
# the clocks of two machines, one of which sealed the cookie. Endings are kept for longer than both.
_CLOCKS_DIFFER = timedelta(minutes=4)
# Five tabs at once are plenty; the oldest beyond them are deleted when another one starts.
_AT_MOST = 5
NAME_CHARACTERS = 12
# 256 bits each, in the URL-safe alphabet; 43 characters is also RFC 7636 §4.1's minimum.
_SECRET_BYTES = 32
PURPOSE = "flow cookies"


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingSignIn:
    """A sign-in between its authorization request and its callback, as the flow cookie keeps it."""

    state: str = field(repr=False)
    code_verifier: str = field(repr=False)
    next: str
    scopes: tuple[str, ...]
    # The action to perform after the sign-in (`gateway.actions`), and its person's id at Twitter.
    action: str = ""
    actor: str = ""
    # When it began, by the store's clock, in seconds since 1970: a later ending stops it. 0 if the
    # database was away, so any ending does.
    began: float = 0.0

    def to_json(self) -> bytes:
        """Return the fields that are not empty: short, and readable by the previous version."""
        said = {one.name: value for one in fields(self) if (value := getattr(self, one.name))}
        return json.dumps(said, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """Read JSON of this version or a neighbour: two run side by side during a deployment."""
        data = json.loads(text)
        known = {each.name: data[each.name] for each in fields(cls) if each.name in data}
        return cls(**known | {"scopes": tuple(data["scopes"])})


def begin(
    next_path: str | None,
    scopes: Iterable[str],
    *,
    began: float,
    person: Person | None = None,
    action: PendingAction | None = None,
) -> PendingSignIn:
    """Return a new pending sign-in with a fresh state and code verifier.

    It `began` now, by the store's clock. `person` is signed in already. `action` is performed
    afterwards, if the same person comes back.
    """
    return PendingSignIn(
        state=secrets.token_urlsafe(_SECRET_BYTES),
        code_verifier=secrets.token_urlsafe(_SECRET_BYTES),
        next=local(next_path),
        scopes=tuple(sorted(scopes)),
        action=str(action) if action and person else "",
        actor=person.twitter_id if action and person else "",
        began=began,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedFlow:
    """A pending sign-in whose browser came back, and the states of those in its other tabs."""

    pending: PendingSignIn
    away: timedelta  # at Twitter. The cookie knows its start to the second.
    beside: tuple[str, ...] = field(repr=False)


class FlowCookies:
    """Seals pending sign-ins into cookies and finds them again."""

    def __init__(
        self, secret_key: tuple[str, ...], *, prefix: str, others: frozenset[str], https: bool
    ) -> None:
        """Derive the ring from `SECRET_KEY`: the first key seals, all open.

        Names begin with `prefix`. `others` are the names of this site's other cookies.
        """
        self._ring = MultiFernet(
            [Fernet(base64.urlsafe_b64encode(derived(secret, PURPOSE))) for secret in secret_key]
        )
        self._https = https
        self._others = others
        self._prefix = f"{prefix}-"
        self._named = re.compile(rf"{re.escape(self._prefix)}[0-9a-f]{{{NAME_CHARACTERS}}}")

    def remember(
        self, request: Request, response: Response, pending: PendingSignIn, *, now: datetime
    ) -> None:
        """Add the cookie of `pending`; delete the oldest beyond `_AT_MOST`, and any not ours."""
        for name in self._surplus(request, now=now):
            self._delete(response, name)
        sealed = self._ring.encrypt_at_time(pending.to_json(), int(now.timestamp()))
        response.set_cookie(
            self._name(pending.state),
            sealed.decode(),
            max_age=_LIFETIME,
            secure=self._https,
            httponly=True,
            samesite="Lax",
        )

    def open(self, request: Request, state: str, *, now: datetime) -> OpenedFlow:
        """Return the pending sign-in of `state`; raise `NotOurs` unless this browser started it.

        It is `NoCookie` if the browser has no cookie of this site, whatever is in it.
        """
        if not any(name in self._others or self._named.fullmatch(name) for name in request.cookies):
            raise NoCookie("the browser sent no cookie of this site")
        opened = self._opened(request, now=now)
        if self._name(state) not in opened:
            raise NotOurs("no pending sign-in of this browser fits the state")
        sealed_at, pending = opened[self._name(state)]
        if pending.state != state:
            raise NotOurs("a flow cookie under another one's name")
        return OpenedFlow(
            pending=pending,
            away=now - datetime.fromtimestamp(sealed_at, tz=UTC),
            beside=tuple(one.state for _, one in opened.values() if one.state != state),
        )

    def states(self, request: Request, *, now: datetime) -> tuple[str, ...]:
        """Return the states of all pending sign-ins of this browser."""
        return tuple(pending.state for _, pending in self._opened(request, now=now).values())

    def forget(self, state: str) -> None:
        """Delete the cookie of `state` with the response to this request, whatever that will be."""

        @after_this_request
        def _(response: Response) -> Response:
            self._delete(response, self._name(state))
            return response

    def _name(self, state: str) -> str:
        return self._prefix + hashlib.sha256(state.encode()).hexdigest()[:NAME_CHARACTERS]

    def _surplus(self, request: Request, *, now: datetime) -> list[str]:
        ages = {
            name: self._sealed_at(value, now=now)
            for name, value in request.cookies.items()
            if self._named.fullmatch(name)
        }
        newest_first = sorted(ages, key=lambda name: ages[name], reverse=True)
        kept = [name for name in newest_first if ages[name] > 0][: _AT_MOST - 1]
        return [name for name in newest_first if name not in kept]

    def _opened(self, request: Request, *, now: datetime) -> dict[str, tuple[int, PendingSignIn]]:
        """Return when each flow cookie of this browser was sealed, and what is in it, by name."""
        return {
            name: (sealed_at, PendingSignIn.from_json(self._ring.decrypt(value)))
            for name, value in request.cookies.items()
            if self._named.fullmatch(name) and (sealed_at := self._sealed_at(value, now=now))
        }

    def _sealed_at(self, value: str, *, now: datetime) -> int:
        """Return when a cookie was sealed (seconds since 1970); 0 if it is invalid or too old."""
        try:
            sealed_at = self._ring.extract_timestamp(value)
        except (InvalidToken, ValueError):  # ValueError: not even ASCII
            return 0
        age = timedelta(seconds=now.timestamp() - sealed_at)
        return sealed_at if abs(age) <= _LIFETIME + _CLOCKS_DIFFER else 0

    def _delete(self, response: Response, name: str) -> None:
        response.delete_cookie(name, secure=self._https, httponly=True, samesite="Lax")
