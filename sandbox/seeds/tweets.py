"""The posts of a seed file, and what hangs on them: pictures, polls, earlier versions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sandbox.api.query import NUMERIC_ID
from sandbox.api.short_links import linked, shortened
from sandbox.api.tweet_text import SHORT
from sandbox.seeds.row import Row
from sandbox.seeds.seed_birds import at
from sandbox.world.model import Media, Poll, Tweet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sandbox.world.model import Link

OLDEST_DAYS = 4000  # the ids of posts go back no further
LONGEST = 25_000  # Twitter: "up to 25,000 characters"
_MOST_PICTURES = 4
MOST_EDITS = 5
_LONGEST_ANSWER = 25
_LONGEST_ALT_TEXT = 1000
_OFFSET = 1  # on top of what the age makes of an id, so that it is nobody else's
_SCENES = ("brook", "sea", "murmuration")
_REFERENCES = {"reposts_id": "retweeted", "quotes_id": "quoted", "replies_to_id": "replied_to"}


class Posts:
    """All posts that have been read so far. Later ones may refer to them."""

    def __init__(self, known: set[str]) -> None:
        """Begin with the ids of posts that are there already."""
        self.tweets: list[Tweet] = []
        self.media: list[Media] = []
        self.polls: list[Poll] = []
        self._known = known

    def read(self, row: Row, number: int, author_id: str, username: str) -> None:
        """Read one post."""
        minutes_ago = row.number("minutes_ago", number, OLDEST_DAYS * 24 * 60)
        tweet_id = row.text("id", _usual_id(minutes_ago, number), NUMERIC_ID)
        references = tuple(self._references(row))
        text, note, links = _texts(row)
        if (text or note) and "retweeted" in dict(references):
            raise row.wrong("reposts_id", "leaves no room for a text of one's own")
        pictures = _pictures(row, tweet_id)
        poll = _poll(row, tweet_id)
        if pictures and poll:
            raise row.wrong("poll", "cannot stand beside pictures")
        if pictures:
            shown = _links_to(pictures, username, tweet_id)
            text, note = _ending_with(shown[0].short, text, note)
            links = (*links, *shown)
        if not (text or note or {"retweeted", "quoted"} & dict(references).keys()):
            raise row.wrong("text", "is missing")
        tweet = Tweet(
            id=tweet_id,
            author_id=author_id,
            text=text,
            note=note,
            lang=row.text("lang", "en"),
            article=row.text("article"),
            sensitive=row.flag("sensitive"),
            minutes_ago=minutes_ago,
            links=links,
            media_keys=tuple(picture.media_key for picture in pictures),
            poll_id=poll.id if poll else "",
            references=references,
            metrics=(row.number("reposts", 0), 0, row.number("likes", 0), 0, 0, 0),
        )
        self.tweets += _versions(row, tweet, number)
        self.media += pictures
        self.polls += [poll] if poll else []
        self._known.add(tweet_id)

    def _references(self, row: Row) -> Iterator[tuple[str, str]]:
        """Read which posts this one refers to. They come earlier in the file, as in life."""
        for name, kind in _REFERENCES.items():
            if tweet_id := row.text(name):
                if tweet_id not in self._known:
                    raise row.wrong(name, f"is {tweet_id!r}, and no post above has that id")
                yield kind, tweet_id


def _usual_id(minutes_ago: int, number: int) -> str:
    return str(int(at(minutes_ago)) + _OFFSET + number)


def _texts(row: Row) -> tuple[str, str, tuple[Link, ...]]:
    """Read what a post says, its links made short; a note that is no longer than a text is one."""
    typed, long_typed = row.text("text"), row.text("note", longest=LONGEST)
    if typed and long_typed:
        raise row.wrong("note", "is the whole of a long post, so there can be no text beside it")
    said, links = linked(typed or long_typed)
    if len(said) <= SHORT:
        return said, "", links
    if typed:
        problem = f"is longer than {SHORT} characters; a longer post is a note"
        raise row.wrong("text", problem)
    return "", said, links


def _ending_with(link: str, text: str, note: str) -> tuple[str, str]:
    """Let the post end with the link to its pictures."""
    return ("", f"{note} {link}") if note else (f"{text} {link}".lstrip(), "")


def _pictures(row: Row, tweet_id: str) -> list[Media]:
    """Read the alt texts of pictures, which are drawn."""
    texts = row.texts("pictures")
    if len(texts) > _MOST_PICTURES or any(len(text) > _LONGEST_ALT_TEXT for text in texts):
        problem = f"must be at most {_MOST_PICTURES} texts of {_LONGEST_ALT_TEXT} characters"
        raise row.wrong("pictures", problem)
    return [
        Media(
            media_key=f"3_{tweet_id}{number}",
            alt_text=text,
            scene=_SCENES[number % len(_SCENES)],
        )
        for number, text in enumerate(texts)
    ]


def _links_to(pictures: list[Media], username: str, tweet_id: str) -> tuple[Link, ...]:
    """Make the link to each picture. They share one short link, as on Twitter."""
    post = f"https://x.com/{username}/status/{tweet_id}"
    first = shortened(f"{post}/photo/1")
    return tuple(
        replace(
            first,
            expanded=f"{post}/photo/1",
            display=f"pic.x.com/{first.short.rpartition('/')[2]}",
            media_key=picture.media_key,
        )
        for picture in pictures
    )


def _poll(row: Row, tweet_id: str) -> Poll | None:
    """Read a poll: its answers, how many chose each, and for how long one may."""
    given = row.take("poll", None)
    if given is None:
        return None
    poll = Row(f"{row.place}.poll", given)
    labels, votes = poll.texts("options"), poll.numbers("votes")
    minutes = poll.number("minutes", 1440, 7 * 24 * 60)
    poll.done()
    if not 2 <= len(labels) <= 4 or not all(1 <= len(one) <= _LONGEST_ANSWER for one in labels):
        raise poll.wrong("options", f"must be 2 to 4 texts of 1 to {_LONGEST_ANSWER} characters")
    if votes and len(votes) != len(labels):
        raise poll.wrong("votes", "must have a number for each of the options")
    options = zip(labels, votes or (0,) * len(labels), strict=True)
    return Poll(id=tweet_id, options=tuple(options), duration_minutes=minutes)


def _versions(row: Row, tweet: Tweet, number: int) -> Iterator[Tweet]:
    """Give the post, and what it said before it was edited, a minute apart."""
    texts = row.texts("earlier_texts")
    if len(texts) > MOST_EDITS or any(len(text) > SHORT for text in texts):
        problem = f"must be at most {MOST_EDITS} texts of {SHORT} characters"
        raise row.wrong("earlier_texts", problem)
    ages = [tweet.minutes_ago + len(texts) - position for position in range(len(texts))]
    ids = tuple(_usual_id(age, number) for age in ages)
    yield replace(tweet, earlier_versions=ids)
    for position, (age, said) in enumerate(zip(ages, texts, strict=True)):
        text, links = linked(said)
        yield Tweet(
            id=ids[position],
            author_id=tweet.author_id,
            text=text,
            lang=tweet.lang,
            minutes_ago=age,
            links=links,
            earlier_versions=ids[:position],
            later_versions=(*ids[position + 1 :], tweet.id),
        )
