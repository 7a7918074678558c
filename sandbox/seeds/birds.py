"""The world without a seed file: the birds of the JSON files beside this module, and a flock.

They are always the same: tests rely on their ids and texts.
"""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

from sandbox.seeds.reader import world_of
from sandbox.seeds.row import Row
from sandbox.world.model import Account, Client, Seed

CALLBACK = "http://127.0.0.1:8000/auth/callback"
CLIENTS = (
    Client(
        client_id="sandbox-client",
        client_secret="sandbox-secret",  # noqa: S106 - printed in the documentation
        name="Perch",
        callbacks=(CALLBACK,),
    ),
    Client(client_id="sandbox-public", name="Perch (public)", callbacks=(CALLBACK,)),
)

_FILES = ("birds", "tweets", "spaces", "follows")
_FLOCK_IDS = 1_550_000_000_000_000_000
_FLOCK = 2400  # the starlings of one murmuration: a list that takes several pages


@cache
def birds() -> Seed:
    """Return the birds. They are frozen, so all worlds share them."""
    content: dict[str, object] = {}
    for name in _FILES:
        path = Path(__file__).with_name(f"{name}.json")
        content |= json.loads(path.read_text(encoding="utf-8"))
    return _with_flock(world_of(Row("the birds", content, inside=""), Seed(clients=CLIENTS)))


def is_flock(account: Account) -> bool:
    """Return whether an account is one of the many in the murmuration."""
    return 0 < int(account.id) - _FLOCK_IDS < 2 * _FLOCK


def _with_flock(world: Seed) -> Seed:
    """Let the flock follow the starling, and the gannet follow the flock."""
    ids = {account.username: account.id for account in world.accounts}
    flock = tuple(_starling(number) for number in range(1, _FLOCK + 1))
    return replace(
        world,
        accounts=(*world.accounts, *flock),
        follows=(
            *((bird.id, ids["starling"]) for bird in flock),
            *((ids["gannet"], bird.id) for bird in flock),
            *world.follows,
        ),
    )


def _starling(number: int) -> Account:
    return Account(
        id=str(_FLOCK_IDS + 2 * number - 1),  # odd: no floating-point number holds it
        username=f"starling_{number:04d}",
        name=f"Starling {number}",
        days_old=30 + number % 300,
    )
