"""Read the mutants, and apply them to a copy of the project."""

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.tree import ROOT

HERE = Path(__file__).parent


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One breakage: `old` becomes `new` in `file`, and one of `tests` fails."""

    room: str
    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def occurrences(self, root: Path = ROOT) -> int:
        """Return how often the old text stands in the file: once, unless the mutant is stale."""
        path = root / self.file
        return path.read_text().count(self.old) if path.exists() else 0

    @contextmanager
    def applied(self, root: Path) -> Iterator[None]:
        """Break the copy under `root`, and mend it again."""
        path = root / self.file
        text = path.read_text()
        path.write_text(text.replace(self.old, self.new))
        try:
            yield
        finally:
            path.write_text(text)


def catalogue() -> list[Mutant]:
    """Return every mutant, room by room."""
    return [
        Mutant(room=path.stem, **row | {"tests": tuple(row["tests"])})
        for path in sorted(HERE.glob("*.toml"))
        for row in tomllib.loads(path.read_text())["mutant"]
    ]
