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


def connected_apps_url() -> str:
    """Return the URL of the page on which people revoke access."""
    return _consent_origin() + urlsplit(services().dialect.connected_apps_url).path
