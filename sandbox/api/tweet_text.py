"""The text of a post as the API shows it: cut, escaped, and with its entities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.api.entities import entities, escaped, in_escaped
from sandbox.api.short_links import linked, shortened, to_post
from sandbox.world.model import LONGEST_TEXT, Account, Link, Tweet
from sandbox.world.state import World

REPOST = 140


@dataclass(frozen=True, slots=True)
class Texted:
    """Text, entities and, for a long post, the whole of it."""

    text: str
    entities: dict[str, Any]
    note: dict[str, Any]


def of(tweet: Tweet, world: World) -> Texted:
    """Return the text of a post, and its `note_tweet` if it is longer."""
    original = world.tweets.get(dict(tweet.references).get("retweeted", ""))
    links = _links(original or tweet, world)
    note: dict[str, Any] = {}
    if tweet.note:
        whole, found = _escaped(_whole(tweet, world), links, world)
        note = {"text": whole} | ({"entities": found} if found else {})
    return Texted(*_escaped(_shown(tweet, world), links, world), note)


def _escaped(typed: str, links: tuple[Link, ...], world: World) -> tuple[str, dict[str, Any]]:
    """Return a text escaped, and its entities with the indices in that."""
    found = entities(typed, links, world.known_names)
    return escaped(typed), in_escaped(found, typed)


def of_profile(account: Account, world: World) -> dict[str, Any]:
    """Return the texts of a profile, with short links, and their entities.

    Unlike the text of a post, a bio is not escaped.
    """
    about, links = linked(account.description)
    website = shortened(account.url).short if account.url else ""
    found = {
        "url": entities(website, [shortened(account.url)], {}) if website else {},
        "description": entities(about, links, world.known_names),
    }
    kept = {name: value for name, value in found.items() if value}
    return {"description": about, "url": website, "entities": kept}


def _shown(tweet: Tweet, world: World) -> str:
    """Return the text, cut where Twitter cuts: a repost at 140 characters, a long post near 280."""
    original = world.tweets.get(dict(tweet.references).get("retweeted", ""))
    if original is not None:
        author = world.accounts[original.author_id]
        whole = f"RT @{author.username}: {_whole(original, world)}"
        return whole if len(whole) <= REPOST else whole[: REPOST - 1] + "…"
    if tweet.note:
        return tweet.note[: LONGEST_TEXT - 2].rsplit(" ", 1)[0] + "…"
    return _whole(tweet, world)


def _whole(tweet: Tweet, world: World) -> str:
    """Return the whole text. A quote ends with a link to the quoted post."""
    typed = tweet.note or tweet.text
    quoted = _quoted(tweet, world)
    return typed if quoted is None else f"{typed} {quoted.short}".lstrip()


def _links(tweet: Tweet, world: World) -> tuple[Link, ...]:
    quoted = _quoted(tweet, world)
    return tweet.links if quoted is None else (*tweet.links, quoted)


def _quoted(tweet: Tweet, world: World) -> Link | None:
    quoted = world.tweets.get(dict(tweet.references).get("quoted", ""))
    return None if quoted is None else to_post(world.accounts[quoted.author_id], quoted)
