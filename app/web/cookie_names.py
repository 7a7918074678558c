"""The names of our cookies. Browsers keep no ports apart (RFC 6265 §8.5), so the names do."""

from __future__ import annotations

from urllib.parse import urlsplit

from config import Config

_HTTPS_PORT = 443


def cookie_name(config: Config, kind: str) -> str:
    """Return the name of a cookie: `session-8000` on http, `__Host-session` on https.

    Another app on another port of the same host gets our cookies and may set its own `session`;
    so may another site of ours. The port tells them apart, on https where it is not the usual one.
    """
    address = urlsplit(config.public_url)
    if not config.https:
        return f"{kind}-{address.port or 80}"
    return f"__Host-{kind}" + (
        f"-{address.port}" if address.port not in {None, _HTTPS_PORT} else ""
    )
