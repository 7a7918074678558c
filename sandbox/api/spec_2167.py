"""Renames the keys of answers to those of X's specification of August 2026."""

from __future__ import annotations

from typing import Any

from sandbox.api.fields import RENAMED

_NEW = {old: new for new, old in RENAMED.items()} | {"tweets": "posts"}
_COUNTED_TWICE = frozenset({"tweet_count", "retweet_count"})


def renamed(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a value with all keys renamed."""
    if isinstance(value, list):
        return [renamed(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {_NEW.get(name, name): renamed(inner) for name, inner in value.items()}


def published(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a value as in the specification: renamed, and one count each."""
    if isinstance(value, list):
        return [published(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        _NEW.get(name, name): published(inner)
        for name, inner in value.items()
        if name not in _COUNTED_TWICE
    }
