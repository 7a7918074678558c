"""A small chart of the reactions to some Tweets: what is drawn, and the table behind it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from app.twitter.models import Tweet

# In the chart's own units; it is stretched to the width of the page.
HEIGHT = 60
COLUMN, BAR = 10, 8
# Fewer Tweets than this leave room beside them: two columns are not as wide as a page.
_ROOM_FOR = 10
# A count that is not nothing is seen beside one that is enormous.
LEAST = 2.0
_LONGEST_WORDS = 40


@dataclass(frozen=True, slots=True)
class Bar:
    """A rectangle, and whether it stands for likes, reposts or replies."""

    kind: str
    x: int
    y: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """One Tweet as a row of the table."""

    tweet: Tweet
    words: str
    likes: int
    reposts: int
    replies: int

    @property
    def total(self) -> int:
        """All reactions."""
        return self.likes + self.reposts + self.replies


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """The reactions to some Tweets, the oldest first."""

    rows: tuple[Counted, ...]

    @property
    def width(self) -> int:
        """How wide the drawing is."""
        return COLUMN * max(len(self.rows), _ROOM_FOR)

    @property
    def most(self) -> Counted:
        """The Tweet with the most reactions; of several the newest."""
        return max(reversed(self.rows), key=lambda row: row.total)

    @property
    def totals(self) -> dict[str, int]:
        """All likes, reposts and replies."""
        return {
            "likes": sum(row.likes for row in self.rows),
            "reposts": sum(row.reposts for row in self.rows),
            "replies": sum(row.replies for row in self.rows),
        }

    @property
    def bars(self) -> list[Bar]:
        """The rectangles: a column for each Tweet, likes at its foot, nothing for nothing."""
        return [bar for place, row in enumerate(self.rows) for bar in self._column(place, row)]

    def _column(self, place: int, row: Counted) -> Iterable[Bar]:
        top = float(HEIGHT)
        for kind, count in (
            ("likes", row.likes),
            ("reposts", row.reposts),
            ("replies", row.replies),
        ):
            if count:
                height = max(LEAST, round(HEIGHT * count / self.most.total, 1))
                top = max(0.0, round(top - height, 1))
                yield Bar(kind, place * COLUMN + (COLUMN - BAR) // 2, top, height)


def reactions(tweets: Iterable[Tweet]) -> Chart | None:
    """Return the chart of `tweets`, which come newest first; None if it would show nothing.

    Reposts are left out: their counts are those of somebody else's Tweet.
    """
    rows = tuple(_counted(tweet) for tweet in reversed(list(tweets)) if not tweet.is_repost)
    return Chart(rows=rows) if len(rows) > 1 and any(row.total for row in rows) else None


def _counted(tweet: Tweet) -> Counted:
    return Counted(
        tweet=tweet,
        words=beginning(tweet),
        likes=tweet.like_count or 0,
        reposts=tweet.repost_count or 0,
        replies=tweet.reply_count or 0,
    )


def beginning(tweet: Tweet) -> str:
    """Return how the Tweet begins, without its links. A template filter."""
    plain = "".join(piece.text for piece in tweet.text.pieces if piece.kind == "plain")
    words = " ".join(plain.split())
    return words if len(words) <= _LONGEST_WORDS else words[: _LONGEST_WORDS - 1].rstrip() + "…"
