"""What people paste to look things up: ids, names and links, mixed, up to a hundred at once.

Texts are read as people see them: without invisible characters, marks of lists, and the brackets,
quotes and full stops that sentences put around a name or a link.

Nothing here asks Twitter. What cannot be looked up raises `NotUnderstood`, which a page shows
beside the field; so nothing that is no id ever gets into an address of the API.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count, pairwise
from typing import Generic, Protocol, TypeVar
from urllib.parse import SplitResult, parse_qs, urlsplit

from app.twitter.api import MOST_ASKED
from app.twitter.dialect import HOMES
from app.twitter.models import SPACE_ID, USER_OR_TWEET_ID
from app.twitter.page import Page
from app.twitter.problems import Missing
from app.twitter.tweet_text import ASKABLE, is_invisible

# Text that is longer is not cut into words to find out what is wrong with it.
LONGEST = 30_000
_MOST_NAMED = 3
_LONGEST_NAMED = 60

# Commas as Arabic, Chinese and Japanese write them; full-width ones are made narrow before.
_COMMAS = ",;\u060c\u061b\u3001"
_BETWEEN = re.compile(rf"[\s{_COMMAS}]+")
_APART = re.compile(rf"[{_COMMAS}\r\n]+")  # where one thing ends for certain
# Keyboards of Chinese, Japanese and Korean write these for those of ASCII, and so does Twitter.
_NARROW = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}
# fmt: off
_BULLET = re.compile(r"^[ \t]*[-*+\u2022\u2023\u2013\u2014][ \t]+", re.MULTILINE)
# fmt: on
_NUMBER_OF_LINE = re.compile(r"^[ \t]*([0-9]{1,3})[.)][ \t]+", re.MULTILINE)
_LABEL_OF_LINK = re.compile(r"\[[^\[\]\r\n]*\]\((?=https?://)", re.IGNORECASE)  # Markdown's
# Brackets and quotes of many languages, and what ends a sentence.
_OPENING = (
    "()[]{}<>\"'`\u00ab\u00bb\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u2039\u203a\u2026"
    "\u3008\u3009\u300a\u300b\u300c\u300d\u300e\u300f\u3010\u3011\u3014\u3015"
)
_CLOSING = _OPENING + ".:!?\u3002\u061f"
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
# x.com, and www.x.com, mobile.twitter.com, m.twitter.com, which browsers and telephones copy.
_HOSTS = {
    prefix + str(urlsplit(home).hostname)
    for home in HOMES
    for prefix in ("", "www.", "mobile.", "m.")
}
# A Tweet that is an Article has its own id there; "/i/article/" goes with another one.
_TWEET_PATH = re.compile(
    r"/(?:(?:[A-Za-z0-9_]{1,50}|i/web|i)/status(?:es)?|(?!i/)[A-Za-z0-9_]{1,50}/article)"
    r"/([0-9]{1,19})(?:/.*)?"
)
_SPACE_PATH = re.compile(r"/i/spaces/([A-Za-z0-9]{1,13})(?:/.*)?")
_PERSON_PATH = re.compile(
    rf"/@?({ASKABLE.pattern})(?:/(?:with_replies|media|likes|highlights|articles|photo|"
    r"header_photo|followers|verified_followers|following))?/?"
)
# Links of buttons to follow (X docs: "Web intents").
_INTENT_PATH = re.compile(r"/intent/(user|follow)/?")
_PERSON_ID_PATH = re.compile(r"/i/user/([0-9]{1,19})/?")
_NAME = re.compile(rf"@?({ASKABLE.pattern})")
# Twitter's own pages, which look like profiles.
# fmt: off
_NO_NAMES = {
    "compose", "explore", "hashtag", "home", "i", "intent", "login", "logout", "messages",
    "notifications", "privacy", "search", "settings", "share", "signup", "tos",
}
# fmt: on

T_co = TypeVar("T_co", covariant=True)


class NotUnderstood(ValueError):
    """What was typed cannot be looked up.

    `sentence` says why. `culprits` are the first few parts that are to blame, cut short, and there
    are `more` of them. They are foreign text: a page isolates and escapes them.
    """

    def __init__(self, sentence: str, culprits: Sequence[str] = ()) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.culprits = tuple(map(_cut_short, culprits[:_MOST_NAMED]))
        self.more = len(culprits) - len(self.culprits)


@dataclass(frozen=True, slots=True)
class Wanted:
    """People to look up, each once, in the order asked: some by id, some by name.

    `order` is both together, the names with an @ before them.
    """

    ids: tuple[str, ...] = ()
    usernames: tuple[str, ...] = ()
    order: tuple[str, ...] = field(default=(), compare=False)


def tweets(text: str) -> tuple[str, ...]:
    """Return the ids of the Tweets in `text`: ids and links, each once, in the order asked."""
    return _each(
        text,
        _tweet,
        nothing="Please paste the id or the link of at least one Tweet.",
        unknown="Not the id or the link of a Tweet:",
        things="Tweets",
    )


def spaces(text: str) -> tuple[str, ...]:
    """Return the ids of the Spaces in `text`: ids and links, each once, in the order asked."""
    return _each(
        text,
        _space,
        nothing="Please paste the id or the link of at least one Space.",
        unknown="Not the id or the link of a Space:",
        things="Spaces",
    )


def people(text: str) -> Wanted:
    """Return the people in `text`: ids, names and links to profiles, each once.

    A number is an id. A name that is made of digits needs its @ ("@1234"), or stands in a link.
    Two bare words with nothing but a space between them are what people are called ("Robin
    Redbreast"), and would be two strangers.
    """
    entries = _each(
        text,
        _person,
        nothing="Please type the username, the id or the link of at least one person.",
        unknown="Not the username, the id or the link of a person:",
        things="people",
    )
    if _has_bare_words_side_by_side(text):
        raise NotUnderstood("A username has no spaces. Put @ before each, or commas between.")
    each = {entry.lower(): entry for entry in reversed(entries)}  # names know no large letters
    order = tuple(dict.fromkeys(each[entry.lower()] for entry in entries))
    return Wanted(
        ids=tuple(entry for entry in order if not entry.startswith("@")),
        usernames=tuple(entry[1:] for entry in order if entry.startswith("@")),
        order=order,
    )


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


_T_id = TypeVar("_T_id", bound=_HasId)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found(Generic[T_co]):
    """What became of one thing that was asked for: it is there, or why it is missing."""

    asked: str
    item: T_co | None = None
    missing: Missing = "unknown"


def in_order(asked: Iterable[str], page: Page[_T_id]) -> list[Found[_T_id]]:
    """Return one `Found` for each id asked for: Twitter promises no order."""
    items = {item.id: item for item in page.items}
    reasons = {problem.asked: problem.missing for problem in page.problems}
    return [
        Found(asked=id_, item=items.get(id_), missing=reasons.get(id_, "unknown")) for id_ in asked
    ]


_Entry = Callable[[str], str | None]


def _each(text: str, entry: _Entry, *, nothing: str, unknown: str, things: str) -> tuple[str, ...]:
    """Read every word of `text` with `entry`; all must be understood, and not be too many."""
    if len(text) > LONGEST:
        raise NotUnderstood(f"That is too much text. Twitter shows {MOST_ASKED} {things} at once.")
    words = {word: bare for word in _BETWEEN.split(_readable(text)) if (bare := _bare(word))}
    if not words:
        raise NotUnderstood(nothing)
    read = {word: entry(bare) for word, bare in words.items()}
    if culprits := [word for word, found in read.items() if found is None]:
        raise NotUnderstood(unknown, culprits)
    wanted = tuple(dict.fromkeys(found for found in read.values() if found))
    if len(wanted) > MOST_ASKED:
        raise NotUnderstood(
            f"That is {len(wanted)} {things}. Twitter shows {MOST_ASKED} of them at once."
        )
    return wanted


def _readable(text: str) -> str:
    """Return `text` as people see it, without what only arranges it."""
    seen = "".join(one for one in text if one.isspace() or not is_invisible(one))
    unmarked = _BULLET.sub("", seen.replace("&amp;", "&").translate(_NARROW))
    lines = count(1)
    # Only numbers that count the lines: Tweet 20 may stand first in a line, too.
    numbered = _NUMBER_OF_LINE.sub(
        lambda found: "" if int(found[1]) == next(lines) else found[0], unmarked
    )
    return _LABEL_OF_LINK.sub("", numbered)


def _bare(word: str) -> str:
    """Return a word without what a sentence puts around it."""
    return word.lstrip(_OPENING).rstrip(_CLOSING)


def _tweet(word: str) -> str | None:
    return _user_id(word) or _in_link(_TWEET_PATH, word)


def _space(word: str) -> str | None:
    return word if SPACE_ID.fullmatch(word) else _in_link(_SPACE_PATH, word)


def _user_id(word: str) -> str | None:
    return word if USER_OR_TWEET_ID.fullmatch(word) else None


def _person(word: str) -> str | None:
    """Return an id as it is and a name with an @ before it."""
    if found := _user_id(word) or _in_link(_PERSON_ID_PATH, word):
        return found
    if _in_link(_INTENT_PATH, word) is not None:
        return _in_intent(word)
    if name := _NAME.fullmatch(word):
        return f"@{name[1]}"
    name_in_link = _in_link(_PERSON_PATH, word)
    return f"@{name_in_link}" if name_in_link and name_in_link.lower() not in _NO_NAMES else None


def _has_bare_words_side_by_side(text: str) -> bool:
    parts = _APART.split(_readable(text))
    pairs = (pair for part in parts for pair in pairwise(map(_bare, part.split())))
    return any(all(map(ASKABLE.fullmatch, pair)) and not all(map(_user_id, pair)) for pair in pairs)


def _in_link(path: re.Pattern[str], word: str) -> str | None:
    """Return what stands in a link to Twitter, whose path has this shape."""
    parts = _link(word)
    # "#!" is how Twitter wrote its own links until 2012.
    is_old = parts is not None and parts.fragment.startswith("!/")
    found = path.fullmatch(parts.fragment[1:] if is_old else parts.path) if parts else None
    return found[1] if found else None


def _in_intent(word: str) -> str | None:
    """Return the person in the query of a link to a button, by id if it has one."""
    parts = _link(word)
    query = parse_qs(parts.query) if parts else {}
    user_id, name = (query.get(key, [""])[0] for key in ("user_id", "screen_name"))
    known = _NAME.fullmatch(name)
    return _user_id(user_id) or (f"@{known[1]}" if known else None)


def _link(word: str) -> SplitResult | None:
    """Return the parts of a link to Twitter, with or without https; of any other, nothing."""
    try:
        parts = urlsplit(word if _SCHEME.match(word) else f"https://{word}")
    except ValueError:
        return None
    return parts if parts.netloc.lower() in _HOSTS else None


def _cut_short(word: str) -> str:
    return word if len(word) <= _LONGEST_NAMED else f"{word[: _LONGEST_NAMED - 1]}…"
