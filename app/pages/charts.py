"""A small chart of the reactions to some Tweets, and the table behind it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from app.twitter.models import Tweet

# SVG units; the page stretches the chart to its width.
HEIGHT = 60
_COLUMN_WIDTH, _BAR_WIDTH = 10, 8
# With fewer Tweets, the chart has empty columns instead of wider ones.
_MIN_COLUMNS = 10
# Keeps a small count visible beside a very large one.
MIN_BAR_HEIGHT = 2.0
_MAX_LABEL_LENGTH = 40


@dataclass(frozen=True, slots=True)
class Bar:
    """One rectangle; `kind` is likes, reposts or replies."""

    kind: str
    x: int
    y: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartRow:
    """One Tweet as a row of the table."""

    tweet: Tweet
    label: str
    likes: int
    reposts: int
    replies: int

    @property
    def total(self) -> int:
        """The sum of all reactions."""
        return self.likes + self.reposts + self.replies


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """The reactions to some Tweets, the oldest first."""

    rows: tuple[ChartRow, ...]

    @property
    def width(self) -> int:
        """The width of the drawing."""
        return _COLUMN_WIDTH * max(len(self.rows), _MIN_COLUMNS)

    @property
    def top(self) -> ChartRow:
        """The Tweet with the most reactions; of several the newest."""
        return max(reversed(self.rows), key=lambda row: row.total)

    @property
    def totals(self) -> dict[str, int]:
        """The sums of likes, reposts and replies."""
        return {
            "likes": sum(row.likes for row in self.rows),
            "reposts": sum(row.reposts for row in self.rows),
            "replies": sum(row.replies for row in self.rows),
        }

    @property
    def bars(self) -> list[Bar]:
        """The rectangles, stacked in one column per Tweet with likes at the bottom."""
        return [bar for index, row in enumerate(self.rows) for bar in self._column(index, row)]

    def _column(self, index: int, row: ChartRow) -> Iterable[Bar]:
        top = float(HEIGHT)
        for kind, count in (
            ("likes", row.likes),
            ("reposts", row.reposts),
            ("replies", row.replies),
        ):
            if count:
                height = max(MIN_BAR_HEIGHT, round(HEIGHT * count / self.top.total, 1))
                top = max(0.0, round(top - height, 1))
                yield Bar(
                    kind, index * _COLUMN_WIDTH + (_COLUMN_WIDTH - _BAR_WIDTH) // 2, top, height
                )


def reactions(tweets: Iterable[Tweet]) -> Chart | None:
    """Return the chart of `tweets`, which come newest first; None if it would be empty.

    Reposts are left out: their counts belong to another author's Tweet. A template filter.
    """
    rows = tuple(_row(tweet) for tweet in reversed(list(tweets)) if not tweet.is_repost)
    return Chart(rows=rows) if len(rows) > 1 and any(row.total for row in rows) else None


def _row(tweet: Tweet) -> ChartRow:
    return ChartRow(
        tweet=tweet,
        label=beginning(tweet),
        likes=tweet.like_count or 0,
        reposts=tweet.repost_count or 0,
        replies=tweet.reply_count or 0,
    )


def beginning(tweet: Tweet) -> str:
    """Return the first words of a Tweet, without its links. A template filter."""
    plain = "".join(piece.text for piece in tweet.text.pieces if piece.kind == "plain")
    words = " ".join(plain.split())
    return (
        words if len(words) <= _MAX_LABEL_LENGTH else words[: _MAX_LABEL_LENGTH - 1].rstrip() + "…"
    )
