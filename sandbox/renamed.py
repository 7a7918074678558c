"""Say an answer again with the names of X's specification of August 2026."""

from __future__ import annotations

from typing import Any

from sandbox.fields import RENAMED

_NEW = {old: new for new, old in RENAMED.items()} | {"tweets": "posts"}
# Clients generated from that specification insist on the new counts; the old ones do no harm.
_BESIDE = {"tweet_count": "post_count", "retweet_count": "repost_count"}


def renamed(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Rename keys all the way down."""
    if isinstance(value, list):
        return [renamed(item) for item in value]
    if not isinstance(value, dict):
        return value
    new = {_NEW.get(name, name): renamed(inner) for name, inner in value.items()}
    return new | {_BESIDE[name]: value[name] for name in _BESIDE if name in value}
