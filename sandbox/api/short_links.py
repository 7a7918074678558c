"""Short links: Twitter replaces every address in a text by one."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping

from sandbox.api.entities import AT, HASH, LATIN
from sandbox.world.model import Account, Link, Tweet

# As in twitter-text, but for its list of top-level domains. A path may have parentheses in pairs.
# Not \w, which knows no marks: a domain may be in Hindi.
_LETTER = r"[^\s!-/:-@\[-`{-~]"
_LABEL = rf"{_LETTER}(?:(?:{_LETTER}|[_-])*{_LETTER})?"
_TOP = r"(?:xn--[a-z0-9]+|[a-z]{2,}|[^\x00-\x7f\s]{2,})"
_IN_PATH = rf"[a-z0-9{LATIN}\u0400-\u04ff!*';:=+,.$/%#\[\]\u2013_~@|&-]"
_IN_PAIRS = rf"\((?:{_IN_PATH}|\({_IN_PATH}+\))+\)"
_END = rf"[a-z0-9{LATIN}\u0400-\u04ff+=_#/-]"
ADDRESS = re.compile(
    rf"(?<![A-Za-z0-9$\u202a-\u202e{AT}{HASH}])https?://(?:{_LABEL}\.)+{_TOP}(?::[0-9]+)?"
    rf"(?:/(?:(?:{_IN_PATH}|{_IN_PAIRS})*(?:{_END}|{_IN_PAIRS}))?)?"
    r"(?:\?[a-z0-9!?*'@();:&=+$/%#\[\]_.,~|-]*[a-z0-9_&=#/-])?",
    re.IGNORECASE,
)
_SHOWN = 26


def linked(text: str, known: Mapping[str, Link] | None = None) -> tuple[str, tuple[Link, ...]]:
    """Return a text with short links for its addresses, and where those lead."""
    found = ADDRESS.findall(text)
    links = {address: (known or {}).get(address) or shortened(address) for address in found}
    return ADDRESS.sub(lambda found: links[found[0]].short, text), tuple(links.values())


def shortened(address: str) -> Link:
    """Return the short link to an address, always the same one."""
    word = hashlib.sha256(address.encode(errors="replace")).hexdigest()[:10]
    bare = re.sub(r"^https?://(www\.)?", "", address).removesuffix("/")
    shown = bare if len(bare) <= _SHOWN else f"{bare[: _SHOWN - 1]}…"
    return Link(short=f"https://t.co/{word}", expanded=address, display=shown)


def to_post(author: Account, tweet: Tweet) -> Link:
    """Return the short link to a post, which ends the text of a quote."""
    return shortened(f"https://x.com/{author.username}/status/{tweet.id}")
