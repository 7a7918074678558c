"""Where links to Twitter's own pages lead."""

from __future__ import annotations

from urllib.parse import urlsplit

from app.services import services


def origin() -> str:
    """Return the site where people say yes: Twitter's, or the sandbox's."""
    url = services().config.twitter_authorize_url or services().dialect.authorize_url
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def twitter_site() -> str:
    """Return where profiles and hashtags have pages; nothing for the sandbox, which has none."""
    return "" if services().config.sandbox else origin()


def connected_apps_url() -> str:
    """Return the page on which people take back what they allowed."""
    return origin() + urlsplit(services().dialect.connected_apps_url).path
