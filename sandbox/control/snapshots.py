"""The state as JSON: for the console, and for the control API."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sandbox.world.clock import timestamp
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
        "app_id": one.app_id,
        "bearer_token": one.bearer_token,
        "consumer_secret": one.consumer_secret,
        "name": one.name,
        "confidential": one.confidential,
        "callbacks": list(one.callbacks),
    }


def webhooks(world: World) -> dict[str, list[dict[str, Any]]]:
    """Return the webhooks, the subscriptions and the newest deliveries, the oldest first."""
    with world.lock:
        found = list(world.webhooks.webhooks.values())
        subscriptions = [asdict(one) for one in world.webhooks.subscriptions.values()]
    return {
        "webhooks": [
            {
                "id": one.id,
                "client_id": one.client.client_id,
                "url": one.url,
                "valid": one.valid,
                "created_at": timestamp(one.created_at),
                "passed_at": timestamp(one.passed_at),
            }
            for one in found
        ],
        "subscriptions": [
            one | {"created_at": timestamp(one["created_at"])} for one in subscriptions
        ],
        "deliveries": [asdict(one) for one in world.sender.deliveries()],
    }
