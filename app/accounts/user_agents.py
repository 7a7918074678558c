"""A browser in the words of the person who sits before it: "Firefox on Linux"."""

from __future__ import annotations

# The first that is found is said: many browsers name those that they descend from.
_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
)
_UNKNOWN_BROWSER = "A browser"


def described(user_agent: str) -> str:
    """Return a few words of ours for `user_agent`. Nothing of the header itself is kept."""
    browser = _first(_BROWSERS, user_agent) or _UNKNOWN_BROWSER
    system = _first(_SYSTEMS, user_agent)
    return f"{browser} on {system}" if system else browser


def _first(table: tuple[tuple[str, str], ...], user_agent: str) -> str | None:
    return next((words for sign, words in table if sign in user_agent), None)
