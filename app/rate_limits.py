"""How often one address may start or finish a sign-in, and where that is counted."""

from __future__ import annotations

from typing import Any

from config import Config


def settings(config: Config) -> dict[str, Any]:
    """Return Flask-Limiter's settings: counted in Redis for all workers, else in each process.

    A Redis that is away signs nobody out and locks nobody out: each process counts by itself.
    """
    url = config.redis_url or "memory://"
    return {
        "RATELIMIT_ENABLED": config.ratelimit_enabled,
        # The counting library wants the transport named as well.
        "RATELIMIT_STORAGE_URI": f"redis+{url}" if url.startswith("unix://") else url,
        "RATELIMIT_IN_MEMORY_FALLBACK_ENABLED": config.redis_url is not None,
    }
