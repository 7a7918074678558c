"""Parses the input of the lookup forms: ids, usernames and links, mixed, up to a hundred at once.

The parser ignores invisible characters, list markers, and the brackets, quotes and full stops
that surround a name or a link in a sentence.

Nothing here calls Twitter. Invalid input raises `InvalidInput`, which the page shows beside the
field, so only well-formed ids and usernames reach a URL of the API.
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
from app.twitter.models import USER_OR_TWEET_ID
from app.twitter.page import Page
from app.twitter.problems import Missing
from app.twitter.tweet_text import ASKABLE, is_invisible

# Longer text is rejected before it is split into words.
_MAX_LENGTH = 30_000
_MAX_REJECTED_SHOWN = 3
_MAX_REJECTED_LENGTH = 60

# Arabic, Chinese and Japanese commas; full-width ones have been made narrow before.
_COMMAS = ",;\u060c\u061b\u3001"
_SEPARATORS = re.compile(rf"[\s{_COMMAS}]+")
_COMMAS_OR_LINE_ENDS = re.compile(rf"[{_COMMAS}\r\n]+")
# Chinese, Japanese and Korean keyboards type full-width ASCII, which Twitter accepts as well.
_NARROW = {wide: wide - 0xFEE0 for wide in range(0xFF01, 0xFF5F)}
# fmt: off
_BULLET = re.compile(r"^[ \t]*[-*+\u2022\u2023\u2013\u2014][ \t]+", re.MULTILINE)
# fmt: on
_LINE_NUMBER = re.compile(r"^[ \t]*([0-9]{1,3})[.)][ \t]+", re.MULTILINE)
_LINK_LABEL = re.compile(r"\[[^\[\]\r\n]*\]\((?=https?://)", re.IGNORECASE)  # Markdown's
# Brackets and quotes of many languages; closing ones include sentence ends.
_OPENING = (
    "()[]{}<>\"'`\u00ab\u00bb\u2018\u2019\u201a\u201b\u201c\u201d\u201e\u201f\u2039\u203a\u2026"
    "\u3008\u3009\u300a\u300b\u300c\u300d\u300e\u300f\u3010\u3011\u3014\u3015"
)
_CLOSING = _OPENING + ".:!?\u3002\u061f"
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
# x.com and twitter.com, and their www, mobile and m hosts, which browsers copy.
_HOSTS = {
    prefix + str(urlsplit(home).hostname)
    for home in HOMES
    for prefix in ("", "www.", "mobile.", "m.")
}
_PERSON_PATH = re.compile(
    rf"/@?({ASKABLE.pattern})(?:/(?:with_replies|media|likes|highlights|articles|photo|"
    r"header_photo|followers|verified_followers|following))?/?"
)
# Follow buttons on other sites (X docs: "Web intents").
_INTENT_PATH = re.compile(r"/intent/(user|follow)/?")
_PERSON_ID_PATH = re.compile(r"/i/user/([0-9]{1,19})/?")
_NAME = re.compile(rf"@?({ASKABLE.pattern})")
# Pages of Twitter whose paths look like usernames.
# fmt: off
_RESERVED_PATHS = {
    "compose", "explore", "hashtag", "home", "i", "intent", "login", "logout", "messages",
    "notifications", "privacy", "search", "settings", "share", "signup", "tos",
}
# fmt: on

T_co = TypeVar("T_co", covariant=True)


class InvalidInput(ValueError):
    """The input cannot be looked up.

    `sentence` says why. `rejected` are the first few invalid words, shortened; there are `more`.
    They are untrusted text: the page isolates and escapes them.
    """

    def __init__(self, sentence: str, rejected: Sequence[str] = ()) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.rejected = tuple(map(_cut_short, rejected[:_MAX_REJECTED_SHOWN]))
        self.more = len(rejected) - len(self.rejected)


@dataclass(frozen=True, slots=True)
class PeopleLookup:
    """People to look up, each once, in the order of the input: some by id, some by username.

    `order` has both, the usernames with an @ before them.
    """

    ids: tuple[str, ...] = ()
    usernames: tuple[str, ...] = ()
    order: tuple[str, ...] = field(default=(), compare=False)


def people(text: str) -> PeopleLookup:
    """Return the people in `text`, given as ids, usernames or links to profiles: each once.

    A number is an id; a username of digits needs its @ ("@1234") or a link. Two bare words with
    only a space between them are refused: they are a display name ("Robin Redbreast"), and as
    usernames would find two strangers.
    """
    entries = parse(
        text,
        _person,
        nothing="Please type the username, the id or the link of at least one person.",
        unknown="Not the username, the id or the link of a person:",
        things="people",
    )
    if _has_adjacent_bare_words(text):
        raise InvalidInput("A username has no spaces. Put @ before each, or commas between.")
    each = {entry.lower(): entry for entry in reversed(entries)}  # usernames are case-insensitive
    order = tuple(dict.fromkeys(each[entry.lower()] for entry in entries))
    return PeopleLookup(
        ids=tuple(entry for entry in order if not entry.startswith("@")),
        usernames=tuple(entry[1:] for entry in order if entry.startswith("@")),
        order=order,
    )


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


_T_id = TypeVar("_T_id", bound=_HasId)


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupResult(Generic[T_co]):
    """The result for one requested id or username: the item, or why it is missing."""

    asked: str
    item: T_co | None = None
    missing: Missing = "unknown"


def in_order(asked: Iterable[str], page: Page[_T_id]) -> list[LookupResult[_T_id]]:
    """Return a result for each id, in the order of `asked`: Twitter's order may differ."""
    items = {item.id: item for item in page.items}
    reasons = {problem.asked: problem.missing for problem in page.problems}
    return [
        LookupResult(asked=id_, item=items.get(id_), missing=reasons.get(id_, "unknown"))
        for id_ in asked
    ]


_WordParser = Callable[[str], str | None]


def parse(
    text: str, parse_word: _WordParser, *, nothing: str, unknown: str, things: str
) -> tuple[str, ...]:
    """Return the results of `parse_word` for the words of `text`, each once.

    Raises `InvalidInput` if a word is invalid, or if there are none or too many.
    """
    if len(text) > _MAX_LENGTH:
        raise InvalidInput(f"That is too much text. Twitter shows {MOST_ASKED} {things} at once.")
    words = {
        word: bare for word in _SEPARATORS.split(_without_markup(text)) if (bare := _bare(word))
    }
    if not words:
        raise InvalidInput(nothing)
    parsed = {word: parse_word(bare) for word, bare in words.items()}
    if rejected := [word for word, found in parsed.items() if found is None]:
        raise InvalidInput(unknown, rejected)
    wanted = tuple(dict.fromkeys(found for found in parsed.values() if found))
    if len(wanted) > MOST_ASKED:
        raise InvalidInput(
            f"That is {len(wanted)} {things}. Twitter shows {MOST_ASKED} of them at once."
        )
    return wanted


def _without_markup(text: str) -> str:
    """Return `text` without invisible characters, list markers and link labels."""
    visible = "".join(one for one in text if one.isspace() or not is_invisible(one))
    unmarked = _BULLET.sub("", visible.replace("&amp;", "&").translate(_NARROW))
    lines = count(1)
    # Only numbers that count the lines: a line may also begin with the id of Tweet 20.
    numbered = _LINE_NUMBER.sub(
        lambda found: "" if int(found[1]) == next(lines) else found[0], unmarked
    )
    return _LINK_LABEL.sub("", numbered)


def _bare(word: str) -> str:
    """Return a word without the quotes, brackets and full stops around it."""
    return word.lstrip(_OPENING).rstrip(_CLOSING)


def user_or_tweet_id(word: str) -> str | None:
    """Return `word` if it is the id of a user or Tweet."""
    return word if USER_OR_TWEET_ID.fullmatch(word) else None


def _person(word: str) -> str | None:
    """Return an id as it is, and a username with an @ before it."""
    if found := user_or_tweet_id(word) or in_link(_PERSON_ID_PATH, word):
        return found
    if in_link(_INTENT_PATH, word) is not None:
        return _in_intent(word)
    if name := _NAME.fullmatch(word):
        return f"@{name[1]}"
    name_in_link = in_link(_PERSON_PATH, word)
    return (
        f"@{name_in_link}" if name_in_link and name_in_link.lower() not in _RESERVED_PATHS else None
    )


def _has_adjacent_bare_words(text: str) -> bool:
    parts = _COMMAS_OR_LINE_ENDS.split(_without_markup(text))
    pairs = (pair for part in parts for pair in pairwise(map(_bare, part.split())))
    return any(
        all(map(ASKABLE.fullmatch, pair)) and not all(map(user_or_tweet_id, pair)) for pair in pairs
    )


def in_link(path: re.Pattern[str], word: str) -> str | None:
    """Return the first group of `path` in a link to Twitter; None for anything else."""
    parts = _link(word)
    # Until 2012, Twitter's own links had "#!" before the path.
    is_old = parts is not None and parts.fragment.startswith("!/")
    found = path.fullmatch(parts.fragment[1:] if is_old else parts.path) if parts else None
    return found[1] if found else None


def _in_intent(word: str) -> str | None:
    """Return the person in the query of a follow button's link, by id if it has one."""
    parts = _link(word)
    query = parse_qs(parts.query) if parts else {}
    user_id, name = (query.get(key, [""])[0] for key in ("user_id", "screen_name"))
    known = _NAME.fullmatch(name)
    return user_or_tweet_id(user_id) or (f"@{known[1]}" if known else None)


def _link(word: str) -> SplitResult | None:
    """Return the parts of a link to Twitter, with or without https; None for other links."""
    try:
        parts = urlsplit(word if _SCHEME.match(word) else f"https://{word}")
    except ValueError:
        return None
    return parts if parts.netloc.lower() in _HOSTS else None


def _cut_short(word: str) -> str:
    return word if len(word) <= _MAX_REJECTED_LENGTH else f"{word[: _MAX_REJECTED_LENGTH - 1]}…"
