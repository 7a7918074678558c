"""Reads the Tweets of a seed, with their pictures, polls and earlier versions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from sandbox.api.query import NUMERIC_ID
from sandbox.api.short_links import linked, shortened
from sandbox.seeds.row import Row
from sandbox.world.model import LONGEST_TEXT, MOST_EDITS, Link, Media, Poll, Tweet

OLDEST_DAYS = 4000  # the ids of Tweets go back no further
OLDEST_MINUTES = OLDEST_DAYS * 24 * 60
_LONGEST_NOTE = 25_000  # Twitter: "up to 25,000 characters"
_MOST_PICTURES = 4
_LONGEST_OPTION = 25
_LONGEST_ALT_TEXT = 1000
_SCENES = ("brook", "sea", "murmuration", "pond-dawn", "pond-noon", "pond-dusk")
_USUAL_SCENES = 3
_MEDIA_KEY = re.compile("[0-9]{1,2}_[0-9]{1,20}")
_SHORT_LINK = re.compile("https://t[.]co/[A-Za-z0-9]{1,20}")
_REFERENCES = {"reposts_id": "retweeted", "quotes_id": "quoted", "replies_to_id": "replied_to"}


class Tweets:
    """All Tweets that have been read so far. Later ones may refer to them."""

    def __init__(self, known: set[str]) -> None:
        """Begin with the ids of Tweets that are there already."""
        self.tweets: list[Tweet] = []
        self.media: list[Media] = []
        self.polls: list[Poll] = []
        self._known = known

    def read(self, row: Row, number: int, author_id: str, username: str) -> None:
        """Read one Tweet."""
        minutes_ago = row.number("minutes_ago", number, OLDEST_MINUTES)
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
            shown = _links_to(pictures, row, f"https://x.com/{username}/status/{tweet_id}")
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
            metrics=_metrics(row),
        )
        self.tweets += _versions(row, tweet, number)
        self.media += pictures
        self.polls += [poll] if poll else []
        self._known.add(tweet_id)

    def _references(self, row: Row) -> Iterator[tuple[str, str]]:
        """Yield the Tweets that this one refers to. They come earlier in the file."""
        for name, kind in _REFERENCES.items():
            if tweet_id := row.text(name):
                if tweet_id not in self._known:
                    raise row.wrong(name, f"is {tweet_id!r}, and no post above has that id")
                yield kind, tweet_id


def _usual_id(minutes_ago: int, number: int) -> str:
    """Return an id that grows with time, as Twitter's do; the number keeps it unique."""
    return str(1_990_000_000_000_000_001 - minutes_ago * (60_000 << 22) + number)


def _metrics(row: Row) -> tuple[int, int, int, int, int, int]:
    return (
        row.number("reposts", 0),
        row.number("replies", 0),
        row.number("likes", 0),
        row.number("quotes", 0),
        row.number("bookmarks", 0),
        row.number("impressions", 0),
    )


def _texts(row: Row) -> tuple[str, str, tuple[Link, ...]]:
    """Return text, note and links; a note that fits into a text is one."""
    typed, long_typed = row.text("text"), row.text("note", longest=_LONGEST_NOTE)
    if typed and long_typed:
        raise row.wrong("note", "is the whole of a long post, so there can be no text beside it")
    said, links = linked(typed or long_typed, dict(map(_link, row.rows("links"))))
    if len(said) <= LONGEST_TEXT:
        return said, "", links
    if typed:
        problem = f"is longer than {LONGEST_TEXT} characters; a longer post is a note"
        raise row.wrong("text", problem)
    return "", said, links


def _link(row: Row) -> tuple[str, Link]:
    """Return an address of the text, and the short link that replaces it."""
    link = shortened(row.required("address"))
    short = row.text("short", link.short, _SHORT_LINK)
    return link.expanded, replace(link, short=short, title=row.text("title"))


def _ending_with(link: str, text: str, note: str) -> tuple[str, str]:
    """Return text and note; the one that is there ends with the link to the pictures."""
    return ("", f"{note} {link}") if note else (f"{text} {link}".lstrip(), "")


def _pictures(row: Row, tweet_id: str) -> list[Media]:
    """Return the pictures, which are drawn. An alt text is enough for one."""
    pictures = [
        Media(
            media_key=one.text("media_key", f"3_{tweet_id}{number}", _MEDIA_KEY),
            alt_text=one.text("alt_text", longest=_LONGEST_ALT_TEXT),
            scene=one.choice("scene", _SCENES, _SCENES[number % _USUAL_SCENES]),
            type=one.choice("type", ("photo", "video"), "photo"),
            duration_ms=one.number("duration_ms", 0),
        )
        for number, one in enumerate(row.rows("pictures", text="alt_text"))
    ]
    if len(pictures) > _MOST_PICTURES:
        raise row.wrong("pictures", f"must be at most {_MOST_PICTURES} texts or objects")
    return pictures


def _links_to(pictures: list[Media], row: Row, tweet: str) -> tuple[Link, ...]:
    """Return a link for each picture. They share one address, as on Twitter."""
    link = shortened(f"{tweet}/{pictures[0].type}/1")
    short = row.text("pictures_link", link.short, _SHORT_LINK)
    link = replace(link, short=short, display=f"pic.x.com/{short.rpartition('/')[2]}")
    return tuple(replace(link, media_key=picture.media_key) for picture in pictures)


def _poll(row: Row, tweet_id: str) -> Poll | None:
    """Return the poll: its options with their votes, and for how long one may vote."""
    given = row.take("poll", None)
    if given is None:
        return None
    poll = row.row("poll", given)
    poll_id = poll.text("id", tweet_id, NUMERIC_ID)
    labels, votes = poll.texts("options"), poll.numbers("votes")
    minutes = poll.number("minutes", 1440, 7 * 24 * 60)
    poll.done()
    if not 2 <= len(labels) <= 4 or not all(1 <= len(one) <= _LONGEST_OPTION for one in labels):
        raise poll.wrong("options", f"must be 2 to 4 texts of 1 to {_LONGEST_OPTION} characters")
    if votes and len(votes) != len(labels):
        raise poll.wrong("votes", "must have a number for each of the options")
    options = zip(labels, votes or (0,) * len(labels), strict=True)
    return Poll(id=poll_id, options=tuple(options), duration_minutes=minutes)


def _versions(row: Row, tweet: Tweet, number: int) -> Iterator[Tweet]:
    """Yield the Tweet, and what it said before it was edited, usually a minute apart."""
    earlier = row.rows("earlier_texts", text="text")
    if len(earlier) > MOST_EDITS:
        raise row.wrong("earlier_texts", f"must be at most {MOST_EDITS} texts or objects")
    ages = [
        one.number("minutes_ago", int(tweet.minutes_ago) + before, OLDEST_MINUTES + MOST_EDITS)
        for before, one in zip(range(len(earlier), 0, -1), earlier, strict=True)
    ]
    ids = tuple(
        one.text("id", _usual_id(age, number), NUMERIC_ID)
        for one, age in zip(earlier, ages, strict=True)
    )
    yield replace(tweet, earlier_versions=ids)
    for position, one in enumerate(earlier):
        text, links = linked(one.text("text", longest=LONGEST_TEXT))
        yield Tweet(
            id=ids[position],
            author_id=tweet.author_id,
            text=text,
            lang=tweet.lang,
            minutes_ago=ages[position],
            links=links,
            earlier_versions=ids[:position],
            later_versions=(*ids[position + 1 :], tweet.id),
        )
