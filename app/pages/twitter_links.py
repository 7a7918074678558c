"""Where links to Twitter's own pages lead."""

from __future__ import annotations

from urllib.parse import urlsplit

from app.services import services
from app.twitter.dialect import origin


def _where_people_say_yes() -> str:
    return origin(services().dialect.authorize_url)


def twitter_site() -> str:
    """Return where profiles and hashtags have pages; nothing for the sandbox, which has none."""
    return "" if services().config.sandbox else _where_people_say_yes()


def connected_apps_url() -> str:
    """Return the page on which people take back what they allowed."""
    return _where_people_say_yes() + urlsplit(services().dialect.connected_apps_url).path
