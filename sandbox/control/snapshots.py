"""The state as JSON: for the console, and for the control API."""

from __future__ import annotations

from typing import Any

from sandbox.world.model import Account, Client
from sandbox.world.state import World


def tokens(world: World) -> list[dict[str, Any]]:
    """Return all tokens, the oldest first, with their state."""
    with world.lock:
        now = world.now()
        return [
            {
                "kind": token.kind,
                "token": token.value,
                "state": token.state(now),
                "remaining_seconds": max(0, round(token.expires_at - now)),
                "grant": token.grant.id,
                "account": world.accounts[token.grant.account_id].username,
                "client_id": token.grant.client_id,
                "scopes": sorted(token.grant.scopes),
            }
            for token in world.token_store.tokens.values()
        ]


def account(one: Account) -> dict[str, Any]:
    """Return an account, as far as the control API can change it."""
    return {
        "id": one.id,
        "username": one.username,
        "former_usernames": list(one.former_usernames),
        "name": one.name,
        "description": one.description,
        "location": one.location,
        "protected": one.protected,
        "suspended": one.suspended,
    }


def client(one: Client) -> dict[str, Any]:
    """Return a client as it was registered, secret included."""
    return {
        "client_id": one.client_id,
        "client_secret": one.client_secret or None,
        "name": one.name,
        "confidential": one.confidential,
        "callbacks": list(one.callbacks),
    }
