"""Find links, mentions, hashtags and cashtags in a text, by code point as Twitter counts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sandbox.model import Account, Link

_MENTION = re.compile(r"(?<![\w@&/])@(\w{1,15})\b", re.ASCII)
_HASHTAG = re.compile(r"(?<![\w#&/])#(\w*[^\W\d]\w*)")
_CASHTAG = re.compile(r"(?<![\w$&/])\$([A-Za-z]{1,6})\b")


def escaped(text: str) -> str:
    """Escape the three characters that Twitter escapes, and no other."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def entities(
    text: str, links: Iterable[Link], accounts: Mapping[str, Account]
) -> dict[str, list[dict[str, Any]]]:
    """Describe what is in an escaped text. Kinds that do not occur are left out.

    Python counts in code points, and so does Twitter; JavaScript does not.
    """
    found = {
        "urls": [place for link in links for place in _places_of(link, text)],
        "mentions": [
            _span(m) | {"username": _as_known(m[1], known), "id": known.id}
            for m in _MENTION.finditer(text)
            if (known := accounts.get(m[1].lower())) is not None
        ],
        "hashtags": [_span(m) | {"tag": m[1]} for m in _HASHTAG.finditer(text)],
        "cashtags": [_span(m) | {"tag": m[1]} for m in _CASHTAG.finditer(text)],
    }
    return {kind: places for kind, places in found.items() if places}


def _as_known(written: str, account: Account) -> str:
    """Spell a username as its owner does; a former one stays as it was written."""
    return account.username if written.lower() == account.username.lower() else written


def _span(match: re.Match[str]) -> dict[str, Any]:
    return {"start": match.start(), "end": match.end()}


def _places_of(link: Link, text: str) -> list[dict[str, Any]]:
    where = {"url": link.short, "expanded_url": link.expanded, "display_url": link.display}
    extra = {"title": link.title, "media_key": link.media_key}
    where |= {name: value for name, value in extra.items() if value}
    return [_span(found) | where for found in re.finditer(re.escape(link.short), text)]
