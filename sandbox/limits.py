"""Rate limits, plans and money: how often, and whether at all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sandbox import problems
from sandbox.endpoints import DAY, QUARTER

if TYPE_CHECKING:
    from sandbox.endpoints import Endpoint, Limit
    from sandbox.ledger import Token
    from sandbox.world import World


@dataclass(slots=True)
class Window:
    """One person's calls of one endpoint through one client, since the window opened."""

    opened: float
    used: int = 0


@dataclass(slots=True)
class Meter:
    """Counts calls. It has no lock of its own: the world's is held around it."""

    windows: dict[tuple[str, str, str, int], Window] = field(default_factory=dict)

    def window(self, key: tuple[str, str, str, int], now: float) -> Window:
        """Give the open window, or open the next one."""
        length = key[3]
        window = self.windows.get(key)
        if window is None or now >= window.opened + length:
            window = self.windows[key] = Window(now)
        return window

    def exhaust(self, endpoint: str, account_id: str, client_id: str, now: float) -> None:
        """Let the next call be one too many."""
        self.window((endpoint, account_id, client_id, QUARTER), now).used = 10**9


def spend(world: World, endpoint: Endpoint, token: Token) -> dict[str, str]:
    """Count a call and give the headers that say how many are left, or answer 403, 402 or 429."""
    plan = world.settings.plan
    limit = endpoint.limits[plan]
    if limit is None:
        raise problems.not_in_plan(token.grant.client_id)
    if plan == "pay-per-use" and world.settings.credits == 0 and not endpoint.free_when_broke:
        # Seen in 2026: an account without money could still sign people in, and nothing else.
        raise problems.credits_depleted()
    return _counted(world, endpoint, token, limit)


def _counted(world: World, endpoint: Endpoint, token: Token, limit: Limit) -> dict[str, str]:
    headers: dict[str, str] = {}
    over = False
    for prefix, length, most in (
        ("x-rate-limit", QUARTER, limit.quarter),
        ("x-user-limit-24hour", DAY, limit.day),
    ):
        if most is None:
            continue
        key = (endpoint.name, token.grant.account_id, token.grant.client_id, length)
        window = world.meter.window(key, world.now())
        over = over or window.used >= most
        window.used += 1
        headers[f"{prefix}-limit"] = str(most)
        headers[f"{prefix}-remaining"] = str(max(0, most - window.used))
        headers[f"{prefix}-reset"] = str(int(window.opened + length))
    if over:
        problem = problems.too_many_requests()
        problem.headers = headers
        raise problem
    return headers


def charge(world: World, endpoint: Endpoint, resources: int) -> None:
    """Take the price of what was returned, which is how pay-per-use counts."""
    if world.settings.plan == "pay-per-use":
        world.spend_credits(endpoint.price * resources)
