"""Signatures of events, and the answers to challenges: HMAC-SHA256 with a secret of the client."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

from sandbox.world.model import Client

_CONSUMER = "x-twitter-webhooks-signature"
_CLIENT = "x-twitter-webhooks-signature-oauth2"


def signed(client: Client, body: bytes, which: str, *, forged: bool = False) -> dict[str, str]:
    """Return the headers that sign a body; a forged one with a secret that no client has."""
    return {
        name: _sealed("forged" if forged else secret, body)
        for name, secret in _secrets(client, which).items()
    }


def answers(client: Client, challenge: str, body: bytes, which: str) -> bool:
    """Return whether a body is `{"response_token": ...}` with the right answer to a challenge."""
    try:
        given = json.loads(body)["response_token"]
    except (ValueError, RecursionError, TypeError, KeyError):
        return False
    right = [_sealed(secret, challenge.encode()) for secret in _secrets(client, which).values()]
    return isinstance(given, str) and any(
        hmac.compare_digest(given.encode(errors="replace"), one.encode()) for one in right
    )


def _secrets(client: Client, which: str) -> dict[str, str]:
    """Return the secrets that sign, by header. A public client has its consumer secret only."""
    secrets = {}
    if which != "client" or not client.confidential:
        secrets[_CONSUMER] = client.consumer_secret
    if which != "consumer" and client.confidential:
        secrets[_CLIENT] = client.client_secret
    return secrets


def _sealed(secret: str, message: bytes) -> str:
    digest = hmac.new(secret.encode(), message, hashlib.sha256).digest()
    return f"sha256={base64.b64encode(digest).decode()}"
