"""Links to Twitter's own pages."""

from __future__ import annotations

from urllib.parse import urlsplit

from app.services import services
from app.twitter.dialect import origin


def _consent_origin() -> str:
    return origin(services().dialect.authorize_url)


def twitter_site() -> str:
    """Return the origin of profile and hashtag pages; empty for the sandbox, which has none."""
    return "" if services().config.sandbox else _consent_origin()


def account_pages() -> dict[str, str]:
    """Return the addresses where people switch accounts and make one; none for the sandbox.

    X documents neither. They are the targets of its own "Manage accounts" and "Sign up" links.
    """
    if services().config.sandbox:
        return {}
    site = _consent_origin()
    return {"switch": f"{site}/account/switch", "sign_up": f"{site}/i/flow/signup"}


def connected_apps_url() -> str:
    """Return the URL of the page on which people revoke access."""
    return _consent_origin() + urlsplit(services().dialect.connected_apps_url).path
