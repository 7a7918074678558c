"""Rate limits of the sign-in and of the webhook, for each address."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import IPv6Address, ip_address, ip_network
from typing import cast

from flask import Flask, current_app, request
from flask_limiter import Limiter

from app.storage.cache import REDIS_TIMEOUTS
from config import Config

EXTENSION = "rate_limits"
# For each address and route. A whole office may have one address.
LIMITS = {
    "auth.login": "30 per minute",
    "auth.callback": "60 per minute",
    "auth.logout": "60 per minute",
    # X delivers all events from a few addresses.
    "webhooks.challenge": "60 per minute",
    "webhooks.event": "600 per minute",
}
# Providers give a household a network of this size (RFC 6177); a device takes any address in it.
_HOUSEHOLD = 64
UNREADABLE = "no address"


def init_app(app: Flask, config: Config) -> None:
    """Limit these routes: counted in Redis for all workers, else in each process.

    Call this before `forms.init_app`: a request counts before its form is checked. Without an
    answer from Redis each process counts for itself. Each app has a limiter of its own, because a
    limiter remembers whether its Redis answers.
    """
    url = config.redis_url or "memory://"
    app.config.update(
        RATELIMIT_ENABLED=config.ratelimit_enabled,
        # The limits library wants the transport in the scheme.
        RATELIMIT_STORAGE_URI=f"redis+{url}" if url.startswith("unix://") else url,
        RATELIMIT_STORAGE_OPTIONS=REDIS_TIMEOUTS if config.redis_url else {},
        RATELIMIT_IN_MEMORY_FALLBACK_ENABLED=config.redis_url is not None,
        # Sites that share a Redis do not share counters.
        RATELIMIT_KEY_PREFIX=config.public_url,
    )
    limiter = Limiter(
        key_func=lambda: client_of(request.remote_addr or ""),
        default_limits=[lambda: LIMITS[request.endpoint or ""]],
    )
    limiter.request_filter(lambda: request.endpoint not in LIMITS)  # these have none
    limiter.init_app(app)
    app.extensions[EXTENSION] = limiter


def client_of(address: str) -> str:
    """Return the client that a request from `address` counts for, which it cannot vary at will.

    Some proxies add the port, which differs for each connection (`192.0.2.1:50001`,
    `[2001:db8::1]:50001`). Of IPv6 the network of a household counts. All texts that are no
    address count as one client.
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


def resets_at() -> datetime | None:
    """Return when the limit that refused this request resets (UTC)."""
    limit = cast("Limiter", current_app.extensions[EXTENSION]).current_limit
    return datetime.fromtimestamp(limit.reset_at, tz=UTC) if limit else None
