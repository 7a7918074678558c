"""Figures, the demands on them, and the tables that show them."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

# Limits in seconds and milliseconds are from a machine whose bare limit took this. A faster or
# slower one keeps the ratio to it.
SECONDS_TO_START_BARE = 0.35
MS_TO_SIGN_IN_TO_BARE = 3.65


@dataclass(frozen=True)
class Spread:
    """The same figure, measured several times."""

    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Return the spread of some values, one at least."""
        return cls(tuple(values))

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def text(self, digits: int = 2) -> str:
        """Return the median, and the lowest and highest value."""
        if len(self.values) == 1:
            return f"{self.median:.{digits}f}"
        low, high = min(self.values), max(self.values)
        return f"{self.median:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def ratio(above: Sequence[float], below: Sequence[float]) -> Spread:
    """Divide round by round: a disturbance of a round affects both sides of it."""
    return Spread.of([one / other for one, other in zip(above, below, strict=True)])


def difference(above: Sequence[float], below: Sequence[float]) -> Spread:
    """Subtract round by round."""
    return Spread.of([one - other for one, other in zip(above, below, strict=True)])


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the value that `percent` of all do not exceed."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, len(ranked) * percent // 100)]


JUDGEMENTS = {True: "yes", False: "**no**", None: "not measured"}


@dataclass(frozen=True)
class Demand:
    """The limit of a figure, and whether it holds."""

    figure: str
    measured: str
    demanded: str
    holds: bool | None  # None: it was not measured


@dataclass(frozen=True)
class Table:
    """Figures, with a sentence on how they were taken."""

    title: str
    says: str
    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]


@dataclass
class Report:
    """The results of one run."""

    tables: list[Table] = field(default_factory=list)
    demands: list[Demand] = field(default_factory=list)
    # Measurements left out of this run, and why.
    left_out: list[str] = field(default_factory=list)
    # Figures that others need to explain theirs, in milliseconds.
    known: dict[str, float] = field(default_factory=dict)

    def at_most(self, figure: str, measured: Spread | None, limit: float, unit: str = "") -> None:
        """Add a figure that should not be above `limit`; None if it was not measured."""
        said = f"at most {limit:g}{unit}"
        self._judge(
            figure, measured, said, unit, holds=measured.median <= limit if measured else None
        )

    def at_least(self, figure: str, measured: Spread | None, limit: float, unit: str = "") -> None:
        """Add a figure that should not be below `limit`; None if it was not measured."""
        said = f"at least {limit:g}{unit}"
        self._judge(
            figure, measured, said, unit, holds=measured.median >= limit if measured else None
        )

    def _judge(
        self, figure: str, measured: Spread | None, said: str, unit: str, *, holds: bool | None
    ) -> None:
        median, _, spread = measured.text().partition(" ") if measured else ("", "", "")
        words = f"{median}{unit} {spread}".strip() if measured else ""
        self.demands.append(Demand(figure, words, said, holds))

    def demand_table(self) -> Table:
        """Return all demands as a table."""
        rows = [
            (each.figure, each.measured, each.demanded, JUDGEMENTS[each.holds])
            for each in self.demands
        ]
        says = (
            "Ratios are computed round by round; the table shows the median, the lowest and the"
            " highest."
        )
        return Table("Demands", says, ("figure", "measured", "demanded", "holds"), rows)


def markdown(table: Table, *, level: int = 2) -> str:
    """Return a table as Markdown with aligned columns."""
    lines = [table.header, *table.rows]
    widths = [max(len(row[column]) for row in lines) for column in range(len(table.header))]
    rule = tuple("-" * width for width in widths)
    ranked = [table.header, rule, *table.rows]
    body = "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in ranked
    )
    return f"{'#' * level} {table.title}\n\n{table.says}\n\n{body}\n"
