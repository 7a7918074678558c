"""Links to Twitter's own pages."""

from __future__ import annotations

from urllib.parse import urlsplit

from app.services import services
from app.twitter.dialect import origin
from app.twitter.models import Profile
from app.twitter.tweet_text import USERNAME

_SHORT_LINKS = "https://t.co/"


def twitter_site() -> str:
    """Return the origin of Twitter's pages, on which profiles, Tweets and hashtags are as well."""
    return origin(services().dialect.authorize_url)


def profile_at_twitter(user: Profile) -> str:
    """Return the URL of an account's profile at Twitter. A template filter.

    It has the username, as X's display requirements want it, or else the id: a username from an
    answer could be anything, even a path to elsewhere.
    """
    path = user.username if USERNAME.fullmatch(user.username) else f"i/user/{user.id}"
    return f"{twitter_site()}/{path}"


def link_target(address: str) -> str:
    """Return where a link that Twitter sent leads. A template filter.

    In the sandbox, which answers X's short links itself, they lead there: every link works offline.
    """
    if not services().config.sandbox or not address.startswith(_SHORT_LINKS):
        return address
    return f"{twitter_site()}/t.co/{address.removeprefix(_SHORT_LINKS)}"


def account_pages() -> dict[str, str]:
    """Return the addresses where people switch accounts and make one; none for the sandbox.

    X documents neither. They are the targets of its own "Manage accounts" and "Sign up" links.
    """
    if services().config.sandbox:
        return {}
    site = twitter_site()
    return {"switch": f"{site}/account/switch", "sign_up": f"{site}/i/flow/signup"}


def connected_apps_url() -> str:
    """Return the URL of the page on which people revoke access."""
    return twitter_site() + urlsplit(services().dialect.connected_apps_url).path
