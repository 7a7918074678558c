"""How often one address may start or finish a sign-in, and where that is counted."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import IPv6Address, ip_address, ip_network
from typing import cast

from flask import Flask, current_app, request
from flask_limiter import Limiter

from config import Config

EXTENSION = "rate_limits"
# By address, and each by itself. An office of people has one address.
LIMITS = {
    "auth.login": "30 per minute",
    "auth.callback": "60 per minute",
    "auth.logout": "60 per minute",
}
# A Redis that accepts and never answers must not hold a sign-in (seconds).
REDIS_TIMEOUTS = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}
# Providers give a household this much of IPv6 (RFC 6177), and a device takes any address in it.
_HOUSEHOLD = 64
UNREADABLE = "no address"


def init_app(app: Flask, config: Config) -> None:
    """Limit the routes of the round trip: counted in Redis for all workers, else in each process.

    A request counts before anything is asked of it, so one whose form is refused counts as well:
    call this before forms are checked. A Redis that is away signs nobody out and locks nobody out:
    each process counts by itself. The limiter belongs to this app alone, for it remembers whether
    its Redis is away.
    """
    url = config.redis_url or "memory://"
    app.config.update(
        RATELIMIT_ENABLED=config.ratelimit_enabled,
        # The counting library wants the transport named as well.
        RATELIMIT_STORAGE_URI=f"redis+{url}" if url.startswith("unix://") else url,
        RATELIMIT_STORAGE_OPTIONS=REDIS_TIMEOUTS if config.redis_url else {},
        RATELIMIT_IN_MEMORY_FALLBACK_ENABLED=config.redis_url is not None,
        # Sites may share a Redis and no counters.
        RATELIMIT_KEY_PREFIX=config.public_url,
    )
    limiter = Limiter(
        key_func=lambda: visitor(request.remote_addr or ""),
        default_limits=[lambda: LIMITS[request.endpoint or ""]],
    )
    limiter.request_filter(lambda: request.endpoint not in LIMITS)  # these have none
    limiter.init_app(app)
    app.extensions[EXTENSION] = limiter


def visitor(address: str) -> str:
    """Return whom a request from `address` counts for: nothing that one visitor changes at will.

    Some proxies add the port, which is another one for each connection (`192.0.2.1:50001`,
    `[2001:db8::1]:50001`). Of IPv6 the network of a household counts. What is no address at all
    counts as one visitor.
    """
    if address.startswith("["):
        address = address[1:].partition("]")[0]
    elif address.count(":") == 1:
        address = address.partition(":")[0]
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return UNREADABLE
    if not isinstance(found, IPv6Address):
        return str(found)
    return str(found.ipv4_mapped or ip_network((found, _HOUSEHOLD), strict=False))


def lifts_at() -> datetime | None:
    """Return when the limit that this request ran into lifts (UTC)."""
    limit = cast("Limiter", current_app.extensions[EXTENSION]).current_limit
    return datetime.fromtimestamp(limit.reset_at, tz=UTC) if limit else None
