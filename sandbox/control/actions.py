"""Everything that can be done to the sandbox while it runs, by the console and by the control API.

Each action takes the world and a JSON object of the control API.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.control.faults import fault_from
from sandbox.errors import InvalidInput
from sandbox.oauth.registration import client_from
from sandbox.world.model import Account, Client
from sandbox.world.state import World

Input = Mapping[str, Any]


def reset(world: World, _: Input) -> None:
    world.reset()


def advance_clock(world: World, given: Input) -> float:
    return world.clock.advance(given.get("advance_seconds", 0))


def change_settings(world: World, given: Input) -> None:
    world.change(given)


def add_fault(world: World, given: Input) -> None:
    world.faults.add(fault_from(given))


def clear_faults(world: World, _: Input) -> None:
    world.faults.clear()


def expire_tokens(world: World, _: Input) -> None:
    """End every access token, as if two hours had passed."""
    world.token_store.expire_access()


def exhaust_limits(world: World, given: Input) -> None:
    """Use up the windows of a person, or of a client; of all endpoints, or of one."""
    endpoint, window = given.get("endpoint"), str(given.get("window", "quarter"))
    if "client_id" in given:
        world.exhaust_client(str(given["client_id"]), endpoint, window)
    else:
        world.exhaust(_text(given, "account"), endpoint, window)


def disconnect(world: World, given: Input) -> None:
    """Remove an app from an account, as the person can."""
    account = world.named(_text(given, "account"))
    client = world.client(_text(given, "client_id"))
    world.token_store.disconnect(account.id, client.client_id)


def change_account(world: World, given: Input) -> Account:
    changes = {name: value for name, value in given.items() if name != "account"}
    return world.change_account(_text(given, "account"), changes)


def follow(world: World, given: Input) -> None:
    """Let one account follow another, even a protected one."""
    follower, followed = (world.named(_text(given, name)) for name in ("follower", "followed"))
    if follower.id == followed.id:
        raise InvalidInput("An account cannot follow itself.")
    with world.lock:
        world.follows.add(follower.id, followed.id)


def register_client(world: World, given: Input) -> Client:
    client = client_from(given)
    world.register(client)
    return client


def _text(given: Input, name: str) -> str:
    return str(given.get(name, ""))
