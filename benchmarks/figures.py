"""Figures, what is demanded of them, and the tables they stand in."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field


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
        """Return the median, and between which values it lies."""
        if len(self.values) == 1:
            return f"{self.median:.{digits}f}"
        low, high = min(self.values), max(self.values)
        return f"{self.median:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def ratio(above: Sequence[float], below: Sequence[float]) -> Spread:
    """Divide round by round: what disturbs a round disturbs both sides of it."""
    return Spread.of([one / other for one, other in zip(above, below, strict=True)])


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the value that `percent` of all do not exceed."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, len(ranked) * percent // 100)]


JUDGEMENTS = {True: "yes", False: "**no**", None: "not measured"}


@dataclass(frozen=True)
class Demand:
    """What a figure should be, and whether it is."""

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
    """What one run has found."""

    tables: list[Table] = field(default_factory=list)
    demands: list[Demand] = field(default_factory=list)
    # What was left out of this run, and why.
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
        says = "Ratios are taken round by round; shown is the median, and the lowest and highest."
        return Table("Demands", says, ("figure", "measured", "demanded", "holds"), rows)


def markdown(table: Table, *, level: int = 2) -> str:
    """Return a table as Markdown whose columns stand below each other."""
    lines = [table.header, *table.rows]
    widths = [max(len(row[column]) for row in lines) for column in range(len(table.header))]
    rule = tuple("-" * width for width in widths)
    ranked = [table.header, rule, *table.rows]
    body = "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in ranked
    )
    return f"{'#' * level} {table.title}\n\n{table.says}\n\n{body}\n"
