"""How often one address may start or finish a sign-in, and where that is counted."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import cast

from flask import Flask, Response, current_app
from flask.typing import RouteCallable
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

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


def init_app(app: Flask, config: Config) -> None:
    """Limit the routes of the round trip: counted in Redis for all workers, else in each process.

    A Redis that is away signs nobody out and locks nobody out: each process counts by itself. The
    limiter belongs to this app alone, for it remembers whether its Redis is away.
    """
    url = config.redis_url or "memory://"
    app.config.update(
        RATELIMIT_ENABLED=config.ratelimit_enabled,
        # The counting library wants the transport named as well.
        RATELIMIT_STORAGE_URI=f"redis+{url}" if url.startswith("unix://") else url,
        RATELIMIT_STORAGE_OPTIONS=REDIS_TIMEOUTS if config.redis_url else {},
        RATELIMIT_IN_MEMORY_FALLBACK_ENABLED=config.redis_url is not None,
    )
    limiter = Limiter(key_func=get_remote_address)
    limiter.init_app(app)
    app.extensions[EXTENSION] = limiter
    for endpoint, limit in LIMITS.items():
        view = cast("Callable[..., Response]", app.view_functions[endpoint])
        app.view_functions[endpoint] = cast("RouteCallable", limiter.limit(limit)(view))


def lifts_at() -> datetime | None:
    """Return when the limit that this request ran into lifts (UTC)."""
    limit = cast("Limiter", current_app.extensions[EXTENSION]).current_limit
    return datetime.fromtimestamp(limit.reset_at, tz=UTC) if limit else None
