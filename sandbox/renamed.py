"""Say an answer again with the names of X's specification of August 2026."""

from __future__ import annotations

from typing import Any

from sandbox.fields import RENAMED

_NEW = {old: new for new, old in RENAMED.items()} | {"tweets": "posts"}


def renamed(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Rename keys all the way down."""
    if isinstance(value, list):
        return [renamed(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {_NEW.get(name, name): renamed(inner) for name, inner in value.items()}
