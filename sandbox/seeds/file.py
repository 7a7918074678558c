"""A world of one's own, out of a seed file."""

from __future__ import annotations

import json
from pathlib import Path

from sandbox.errors import InvalidInput
from sandbox.seeds.birds import CLIENTS, birds
from sandbox.seeds.reader import world_of
from sandbox.seeds.row import Row
from sandbox.world.model import Seed


def read(path: str | Path) -> Seed:
    """Return the world of a seed file; without clients of its own it has the usual two."""
    path = Path(path)
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as problem:
        raise InvalidInput(f"Cannot read {path}: {problem.strerror}.") from problem
    except (ValueError, RecursionError) as problem:
        raise InvalidInput(f"{path} is not JSON: {problem}") from problem
    try:
        return _world(Row("the file", content, inside=""))
    except InvalidInput as problem:
        raise InvalidInput(f"{path}: {problem}") from None


def _world(content: Row) -> Seed:
    return world_of(content, birds() if content.flag("birds") else Seed(clients=CLIENTS))
