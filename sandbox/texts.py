"""The text of a post as the API shows it: cut, escaped, and with its entities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sandbox.entities import entities, escaped

if TYPE_CHECKING:
    from sandbox.model import Account, Link, Tweet
    from sandbox.world import World

SHORT = 280
REPOST = 140


@dataclass(frozen=True, slots=True)
class Texted:
    """Text, entities and, for a long post, the whole of it."""

    text: str
    entities: dict[str, Any]
    note: dict[str, Any]


def of(tweet: Tweet, world: World) -> Texted:
    """Give what a post says, as far as `text` goes, and `note_tweet` if it goes further."""
    shown = _shown(tweet, world)
    # The indices point into the escaped text: that is what clients cut.
    text = escaped(shown)
    note = {}
    if tweet.note:
        whole = escaped(tweet.note)
        note = {"text": whole} | _named(entities(whole, tweet.links, world.known_names))
    return Texted(text, entities(text, _links(tweet, world), world.known_names), note)


def user_entities(account: Account, world: World) -> dict[str, Any]:
    """Describe the links and mentions of a profile."""
    url = {"start": 0, "end": len(account.url), "url": account.url, "expanded_url": account.url}
    # Unlike the text of a post, a bio is sent as it was written, so that is what is counted.
    about = entities(account.description, (), world.known_names)
    display = account.url.removeprefix("https://")
    return {
        "url": {"urls": [url | {"display_url": display}]} if account.url else {},
        "description": about,
    }


def _shown(tweet: Tweet, world: World) -> str:
    """Cut where Twitter cuts: a repost at 140 characters, a long post near 280."""
    references = dict(tweet.references)
    if "retweeted" in references:
        original = world.tweets[references["retweeted"]]
        author = world.accounts[original.author_id]
        whole = f"RT @{author.username}: {original.note or original.text}"
        return whole if len(whole) <= REPOST else whole[: REPOST - 1] + "…"
    if tweet.note:
        return tweet.note[: SHORT - 2].rsplit(" ", 1)[0] + "…"
    return tweet.text


def _links(tweet: Tweet, world: World) -> tuple[Link, ...]:
    original = world.tweets.get(dict(tweet.references).get("retweeted", ""))
    return tweet.links if original is None else original.links


def _named(found: dict[str, Any]) -> dict[str, Any]:
    return {"entities": found} if found else {}
