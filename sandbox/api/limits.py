"""Rate limits, plans and credits."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.api import problems
from sandbox.api.endpoints import DAY, ENTERPRISE, PLENTY, QUARTER, SECOND, Endpoint, Limit
from sandbox.oauth.token_store import Token
from sandbox.world.dialects import BETA
from sandbox.world.meter import Key, Window
from sandbox.world.state import World

_USER, _APP = "user", "app"


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """One window after a call was counted in it."""

    whose: str
    length: int
    most: int
    window: Window

    def is_over(self) -> bool:
        """Return whether this call was one too many."""
        return self.window.used > self.most

    def headers(self, prefix: str) -> dict[str, str]:
        """Return Twitter's three headers."""
        return {
            f"{prefix}-limit": str(self.most),
            f"{prefix}-remaining": str(max(0, self.most - self.window.used)),
            f"{prefix}-reset": str(math.ceil(self.window.opened + self.length)),
        }


def count(world: World, endpoint: Endpoint, token: Token) -> list[Count]:
    """Count a call in every window, and return those.

    Twitter counts a person's call against the person alone; counting it against the client as well
    is the stricter reading of its table.
    """
    return list(_counts(world, endpoint, token))


def glance(world: World, endpoint: Endpoint, token: Token | None, *, over: bool) -> dict[str, str]:
    """Return the headers of the person's window without counting; `over`: as if it were used up.

    For answers that a fault makes up. Without a living token, a window begins now.
    """
    most = _limit(world, endpoint).user
    window = Window(math.floor(world.now()))
    if token is not None:
        window = world.meter.window(_key(endpoint, token, _USER, QUARTER), world.now())
    if over:
        window = Window(window.opened, most)
    return Count(whose=_USER, length=QUARTER, most=most, window=window).headers("x-rate-limit")


def told(counts: list[Count]) -> dict[str, str]:
    """Return the headers of the person's window, or of one that is over, and of the daily ones."""
    short = [count for count in counts if count.length != DAY]
    headers = next(filter(Count.is_over, short), short[0]).headers("x-rate-limit")
    for count in counts:
        if count.length == DAY:
            headers |= count.headers(f"x-{count.whose}-limit-24hour")
    return headers


def check(world: World, endpoint: Endpoint, token: Token, counts: list[Count]) -> None:
    """Raise 403, 402 or 429 for a call that the plan, the credits or a window does not allow."""
    settings, client_id = world.settings, token.grant.client_id
    if settings.enrollment != "complete":
        raise problems.not_enrolled(client_id, settings.enrollment)
    if endpoint.limits[settings.plan] is None:
        raise problems.not_enrolled(client_id, "client-not-enrolled")
    if settings.plan == "pay-per-use" and settings.credits == 0 and not endpoint.free_when_broke:
        # Seen in 2026: an account without money could still sign people in, and nothing else.
        raise problems.credits_depleted()
    if settings.posts_left == 0 and endpoint.reads_posts:
        raise problems.usage_capped()
    if any(count.is_over() for count in counts):
        raise problems.too_many_requests(settings.limit_body)


def charge(world: World, endpoint: Endpoint, resources: int, price: float) -> None:
    """Charge for the returned resources, as pay-per-use does."""
    if world.settings.plan == "pay-per-use":
        world.spend_credits(price * resources)
    if endpoint.reads_posts:
        world.spend_posts(resources)


def _limit(world: World, endpoint: Endpoint) -> Limit:
    """Return the limit of the plan. What the plan lacks is refused, but not for its limit."""
    limit = endpoint.limits[world.settings.plan]
    if limit is None:
        return ENTERPRISE
    beta = endpoint.beta_limit if world.settings.dialect == BETA else None
    return beta or limit


def _key(endpoint: Endpoint, token: Token, whose: str, length: int) -> Key:
    account = token.grant.account_id if whose == _USER else ""
    return endpoint.name, account, token.grant.client_id, length


def _counts(world: World, endpoint: Endpoint, token: Token) -> Iterator[Count]:
    limit = _limit(world, endpoint)
    for whose, length, most in (
        (_USER, QUARTER, limit.user),
        (_APP, QUARTER, limit.app),
        (_USER, DAY, limit.day or limit.user_day),
        (_APP, DAY, limit.day or limit.app_day),
        (_APP, SECOND, limit.second),
    ):
        key = _key(endpoint, token, whose, length)
        # A window that a tester used up counts even where the plan has none.
        if most is not None or key in world.meter.windows:
            window = world.meter.window(key, world.now())
            window.used += 1
            yield Count(whose=whose, length=length, most=most or PLENTY, window=window)
