"""Lists of posts: by author, and by the account that they mention."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sandbox.api.entities import entities
from sandbox.world.model import Account, Tweet


def timelines(tweets: Iterable[Tweet]) -> dict[str, list[str]]:
    """Return the ids of posts by author, the newest first, without superseded versions."""
    found: dict[str, list[str]] = {}
    for tweet in _newest_first(tweets):
        found.setdefault(tweet.author_id, []).append(tweet.id)
    return found


def mentions(tweets: Iterable[Tweet], known_names: Mapping[str, Account]) -> dict[str, list[str]]:
    """Return the ids of posts by mentioned account, the newest first; a repost mentions none."""
    found: dict[str, list[str]] = {}
    for tweet in _newest_first(tweets):
        text = tweet.note or tweet.text
        for account_id in {m["id"] for m in entities(text, (), known_names).get("mentions", ())}:
            found.setdefault(account_id, []).append(tweet.id)
    return found


def _newest_first(tweets: Iterable[Tweet]) -> list[Tweet]:
    current = (tweet for tweet in tweets if not tweet.later_versions)
    return sorted(current, key=lambda tweet: int(tweet.id), reverse=True)
