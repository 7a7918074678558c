"""The names of our cookies. Cookies ignore the port (RFC 6265 §8.5), so their names carry it."""

from __future__ import annotations

from urllib.parse import urlsplit

from config import Config

_HTTPS_PORT = 443


def cookie_name(config: Config, kind: str) -> str:
    """Return the name of a cookie: `session-8000` on http, `__Host-session` on https.

    Another app on another port of the same host receives our cookies and may set its own `session`.
    The port keeps them apart; on https it is left out if it is 443.
    """
    address = urlsplit(config.public_url)
    if not config.https:
        return f"{kind}-{address.port or 80}"
    return f"__Host-{kind}" + (
        f"-{address.port}" if address.port not in {None, _HTTPS_PORT} else ""
    )
