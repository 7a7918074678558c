"""Short links: what Twitter makes of every address that somebody writes."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from sandbox.model import Link

if TYPE_CHECKING:
    from sandbox.model import Account, Tweet

_ADDRESS = re.compile(r"https?://[^\s<>\"]*[^\s<>\".,;:!?'()\[\]]")
_SHOWN = 26


def linked(text: str) -> tuple[str, tuple[Link, ...]]:
    """Replace each address in a text by a short one, and say where those lead."""
    links = {address: shortened(address) for address in _ADDRESS.findall(text)}
    return _ADDRESS.sub(lambda found: links[found[0]].short, text), tuple(links.values())


def shortened(address: str) -> Link:
    """Make the short link to an address, always the same one."""
    word = hashlib.sha256(address.encode(errors="replace")).hexdigest()[:10]
    bare = re.sub(r"^https?://(www\.)?", "", address).removesuffix("/")
    shown = bare if len(bare) <= _SHOWN else f"{bare[: _SHOWN - 1]}…"
    return Link(short=f"https://t.co/{word}", expanded=address, display=shown)


def to_post(author: Account, tweet: Tweet) -> Link:
    """Make the short link to a post, which ends the text of whoever quotes it."""
    return shortened(f"https://x.com/{author.username}/status/{tweet.id}")
