"""Finds links, mentions, hashtags and cashtags in a text, by code point as Twitter counts.

The rules are those of twitter-text, Twitter's own library. Of addresses without `https://` it is
only known here that what looks like a tag or a mention in them is none.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from sandbox.world.model import Account, Link

AT, HASH = "@\uff20", "#\uff03"  # the second of each is as wide as a Chinese character
LATIN = "À-ÖØ-öø-ɏɓɔɖɗəɛɣɨɯɲʉʋʻ\u0300-\u036f\u1e00-\u1eff"  # with accents
_MENTION = re.compile(
    rf"(?:^|[^\w!#$%&*{AT}]|(?:^|[^\w+~.-])[Rr][Tt]:?)"
    rf"(?P<whole>[{AT}](?P<name>\w{{1,20}}+))(?P<list>/[A-Za-z][\w-]{{0,24}}+)?+"
    rf"(?![{AT}{LATIN}]|://)",
    re.ASCII,
)
_HASH = re.compile(rf"[{HASH}](?![\ufe0f\u20e3])")  # with those two it is an emoji
_CASHTAG = re.compile(r"(?<!\S)\$([A-Za-z]{1,6}(?:[._][A-Za-z]{1,2})?)(?=[\s!#-/:-@\[-_{-~]|\Z)")
_BARE_ADDRESS = re.compile(r"(?<!\S)[^\s/@#]+\.[A-Za-z]{2,}/\S*")
# Characters of words other than letters, marks and digits.
_JOINERS = frozenset(
    "_\u00b7\u05be\u05f3\u05f4\u0f0b\u0f0c\u200c\u200d\u3003\u301c\u309b\u309c\u30a0\u30fb\ua67e\uff5e"
)


def escaped(text: str) -> str:
    """Return a text with the three characters escaped that Twitter escapes."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def entities(
    text: str, links: Iterable[Link], accounts: Mapping[str, Account]
) -> dict[str, list[dict[str, Any]]]:
    """Return the entities of a text as it was typed. Kinds that do not occur are left out.

    Python counts in code points, and so does Twitter; JavaScript does not.
    """
    bare = [found.span() for found in _BARE_ADDRESS.finditer(text)]
    found = {
        "urls": [place for link in links for place in _places_of(link, text)],
        "mentions": list(_mentions(text, accounts)),
        "hashtags": list(_hashtags(text)),
        "cashtags": [_span(*m.span()) | {"tag": m[1]} for m in _CASHTAG.finditer(text)],
    }
    for kind in ("mentions", "hashtags"):
        found[kind] = [one for one in found[kind] if not _is_inside(one["start"], bare)]
    return {kind: places for kind, places in found.items() if places}


def in_escaped(
    found: dict[str, list[dict[str, Any]]], text: str
) -> dict[str, list[dict[str, Any]]]:
    """Return the entities of a text with their indices in the escaped text."""
    moved = {end: len(escaped(text[:end])) for end in _ends(found)}
    return {
        kind: [one | {end: moved[one[end]] for end in ("start", "end")} for one in places]
        for kind, places in found.items()
    }


def _ends(found: dict[str, list[dict[str, Any]]]) -> set[int]:
    return {one[end] for places in found.values() for one in places for end in ("start", "end")}


def _mentions(text: str, accounts: Mapping[str, Account]) -> Iterator[dict[str, Any]]:
    for found in _MENTION.finditer(text):
        known = accounts.get(found["name"].lower())
        if known is not None and not found["list"]:
            said = _as_known(found["name"], known)
            yield _span(*found.span("whole")) | {"username": said, "id": known.id}


def _as_known(written: str, account: Account) -> str:
    """Return a username as its owner spells it; a former one stays as it was written."""
    return account.username if written.lower() == account.username.lower() else written


def _hashtags(text: str) -> Iterator[dict[str, Any]]:
    """Yield the hashtags: a hash sign that does not follow a word or `&`, and the word after it."""
    for found in _HASH.finditer(text):
        start, end = found.span()
        before = text[start - 1 : start]
        if before == "&" or (_fits_a_tag(before) and before not in "\ufe0e\ufe0f"):
            continue
        while _fits_a_tag(text[end : end + 1]):
            end += 1
        tag = text[start + 1 : end]
        is_word = any(unicodedata.category(one)[0] in "LM" for one in tag)
        if is_word and not text.startswith((*HASH, "://"), end):
            yield _span(start, end) | {"tag": tag}


def _fits_a_tag(character: str) -> bool:
    """Return whether a hashtag may contain this. `re` has no class for marks (Hindi's vowels)."""
    kind = unicodedata.category(character) if character else ""
    return character in _JOINERS or kind == "Nd" or kind.startswith(("L", "M"))


def _is_inside(position: int, spans: Iterable[tuple[int, int]]) -> bool:
    return any(start <= position < end for start, end in spans)


def _span(start: int, end: int) -> dict[str, Any]:
    return {"start": start, "end": end}


def _places_of(link: Link, text: str) -> list[dict[str, Any]]:
    where = {"url": link.short, "expanded_url": link.expanded, "display_url": link.display}
    extra = {"title": link.title, "media_key": link.media_key}
    where |= {name: value for name, value in extra.items() if value}
    return [_span(*found.span()) | where for found in re.finditer(re.escape(link.short), text)]
