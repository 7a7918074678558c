"""How often one address may start or finish a sign-in, and where that is counted."""

from __future__ import annotations

from typing import Any

from config import Config

# A Redis that accepts and never answers must not hold a sign-in (seconds).
REDIS_TIMEOUTS = {"socket_timeout": 0.5, "socket_connect_timeout": 0.5}


def settings(config: Config) -> dict[str, Any]:
    """Return Flask-Limiter's settings: counted in Redis for all workers, else in each process.

    A Redis that is away signs nobody out and locks nobody out: each process counts by itself.
    """
    url = config.redis_url or "memory://"
    return {
        "RATELIMIT_ENABLED": config.ratelimit_enabled,
        # The counting library wants the transport named as well.
        "RATELIMIT_STORAGE_URI": f"redis+{url}" if url.startswith("unix://") else url,
        "RATELIMIT_STORAGE_OPTIONS": REDIS_TIMEOUTS if config.redis_url else {},
        "RATELIMIT_IN_MEMORY_FALLBACK_ENABLED": config.redis_url is not None,
    }
