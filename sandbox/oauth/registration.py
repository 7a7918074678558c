"""Register a client, as the developer portal does."""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Mapping
from typing import Any

from sandbox.errors import InvalidInput
from sandbox.oauth.text_checks import is_sendable
from sandbox.world.model import Client

_MOST_CALLBACKS = 10  # Twitter's documentation: "up to 10 callback URLs"


# RFC 3986 §2, but for `*`: callbacks are compared letter by letter.
_ADDRESS = re.compile(r"[A-Za-z0-9\-._~:/?\[\]@!$&'()+,;=%]+")
_PRINTABLE = re.compile(r"[\x20-\x7e]*")


def client_from(given: Mapping[str, Any]) -> Client:
    """Return a client made of JSON; InvalidInput says what is wrong with it."""
    known = {"client_id", "client_secret", "name", "confidential", "callbacks"}
    if unknown := sorted(set(given) - known):
        raise InvalidInput(f"There is no {unknown[0]!r}. There are: {', '.join(sorted(known))}.")
    callbacks = given.get("callbacks")
    if not isinstance(callbacks, list) or not 1 <= len(callbacks) <= _MOST_CALLBACKS:
        raise InvalidInput("callbacks must be a list of 1 to 10 URLs.")
    texts = [*callbacks, *(given.get(k) or "" for k in ("client_id", "client_secret", "name"))]
    if not all(isinstance(text, str) and is_sendable(text) for text in texts):
        raise InvalidInput("callbacks, client_id, client_secret and name must be texts.")
    for name in ("client_id", "client_secret"):
        if not _PRINTABLE.fullmatch(given.get(name) or ""):
            raise InvalidInput(f"{name} must be printable ASCII (RFC 6749 appendix A).")
    for callback in callbacks:
        check_callback(callback)
    confidential = given.get("confidential", True)
    if not isinstance(confidential, bool):
        raise InvalidInput("confidential must be true or false.")
    secret = given.get("client_secret") or secrets.token_urlsafe(37)
    return Client(
        client_id=given.get("client_id") or _client_id(),
        client_secret=secret if confidential else "",
        name=given.get("name") or "An app",
        callbacks=tuple(callbacks),
    )


def check_callback(callback: str) -> None:
    """Refuse a callback that no browser can be sent to; RFC 6749 §3.1.2 forbids fragments."""
    scheme, colon, rest = callback.partition(":")
    if not colon or not rest or "#" in callback or scheme.lower() in ("javascript", "data"):
        raise InvalidInput(f"{callback!r} is not an absolute URL without a fragment.")
    if not _ADDRESS.fullmatch(callback):
        said = "contains a character that no URL has, or a wildcard, which Twitter does not accept"
        raise InvalidInput(f"{callback!r} {said}.")


def _client_id() -> str:
    """Return an id of the form of Twitter's: base64 of `<20 random>:1:ci`."""
    inside = f"{secrets.token_urlsafe(15)}:1:ci"
    return base64.urlsafe_b64encode(inside.encode()).decode().rstrip("=")
