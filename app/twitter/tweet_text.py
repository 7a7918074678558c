"""Text with X's entities: links, mentions, hashtags and cashtags. X docs, "Entities".

Indices count Unicode code points and `end` is exclusive, so Python's slices fit. The text itself
is HTML-escaped (`&amp; &lt; &gt;`). So it is cut first, each piece is unescaped once, and the
template escapes it for the page.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, Literal
from urllib.parse import urlsplit

# "media" links to a picture of the Tweet itself, "quote" to the Tweet it quotes. Pages that show
# these need no link.
Kind = Literal["plain", "url", "media", "quote", "mention", "hashtag", "cashtag"]

# Longer than anything Twitter lets people write (a long post has 25,000 characters).
LONGEST = 30_000
_LONGEST_ADDRESS = 2_000
USERNAME = re.compile(r"[A-Za-z0-9_]{1,50}")  # 15 today; some old accounts have more
ASKABLE = re.compile(r"[A-Za-z0-9_]{1,15}")  # the longest that Twitter accepts, even for those
_LONGEST_TAG = 280
# Besides letters, digits and marks: the characters that twitter-text allows inside hashtags.
_JOINERS = frozenset(
    "_\u00b7\u05be\u05f3\u05f4\u0f0b\u0f0c\u200c\u200d\u3003\u301c\u309b\u309c\u30a0\u30fb\ua67e\uff5e"
)
_CASHTAG = re.compile(r"[A-Za-z0-9]{1,20}(?:[._][A-Za-z0-9]{1,10})?")
# The paths of Twitter's own pictures and Tweets, on any host name.
_SHORT_PICTURE = re.compile(r"pic\.[a-z]+\.com/\w+")
PICTURE = re.compile(r"/status/[0-9]{1,19}/(?:photo|video)/[0-9]+")
STATUS = re.compile(r"/status/([0-9]{1,19})/?\Z")
USER_ID = re.compile(r"[0-9]{1,19}")

# UTF-8 has no lone surrogates, and PostgreSQL stores no NUL.
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")

# Invisible characters: Unicode's Default_Ignorable_Code_Point outside the categories below, and two
# that are drawn as an empty space.
_NO_SHAPE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u2800\u3164\ufe00-\ufe0f\uffa0"
    "\ufff0-\ufff8\U000e0000-\U000e0fff]"
)
_DIRECTION = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_INVISIBLE = frozenset({"Cc", "Cf", "Cs"})
_STRONG = frozenset({"L", "R", "AL"})  # the letters that decide a direction


def is_blank(text: str) -> bool:
    """Return whether a reader would see nothing: spaces, marks of direction, Hangul fillers."""
    if text[:1].isascii() and text[:1].isalnum():  # as most begin: no closer look
        return False
    return all(character.isspace() or is_invisible(character) for character in text)


def is_invisible(character: str) -> bool:
    """Return whether `character` takes no room, or is a letter without a shape."""
    return bool(_NO_SHAPE.match(character)) or unicodedata.category(character) in _INVISIBLE


def isolated(text: str) -> str:
    """Return foreign text in a bidi isolate, for places without elements such as a page's title.

    Its own marks of direction are removed: one of them could end the isolate.
    """
    return text if text.isascii() else f"\u2068{_DIRECTION.sub('', text)}\u2069"


def clean(text: str, longest: int = LONGEST) -> str:
    """Return `text` without control characters and lone surrogates, to be stored and sent.

    Each is replaced, not dropped, so that indices stay valid.
    """
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text[:longest])


def web_address(value: object) -> str:
    """Return `value` if it is an http or https address fit for a link, else an empty text."""
    if not isinstance(value, str) or len(value) > _LONGEST_ADDRESS:
        return ""
    # Not printable: spaces, line ends, bidi marks. Browsers alone read a backslash as a slash.
    if not value.isprintable() or any(sign in value for sign in ' \\"<>'):
        return ""
    try:
        parts = urlsplit(value)
    except ValueError:
        return ""
    return value if parts.scheme in {"http", "https"} and parts.hostname else ""


@dataclass(frozen=True, slots=True)
class Span:
    """A link in the raw text."""

    start: int
    end: int
    kind: Kind
    target: str
    label: str = ""
    user_id: str = ""
    expanded: str = ""  # where a short link leads; pages link to the short one


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text to show, unescaped. `target` is an address, a username or a tag.

    `user_id` is the mentioned account: its username may be another account's today.
    """

    text: str
    kind: Kind = "plain"
    target: str = ""
    user_id: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """The raw text of a Tweet or bio, and the links in it."""

    raw: str = ""
    spans: tuple[Span, ...] = ()

    @classmethod
    def from_json(cls, text: str, entities: object) -> Text:
        """Read a text and its entities; invalid entities are ignored."""
        raw = clean(text)
        spans = sorted(_spans(entities, len(raw)), key=attrgetter("start"))
        return cls(raw, tuple(_side_by_side(spans)))

    def entities_json(self) -> dict[str, Any]:
        """Return the entities in the shape that `from_json` reads."""
        entities: dict[str, list[dict[str, Any]]] = {}
        for span in self.spans:
            group, names = _WRITTEN[span.kind]
            values = {name: getattr(span, ours) for name, ours in names.items()}
            entities.setdefault(group, []).append({"start": span.start, "end": span.end, **values})
        return entities

    def quoting(self, tweet_id: str) -> Text:
        """Return the text with its last link marked as a quote, if it leads to this Tweet."""
        end = len(self.raw)
        for index, span in reversed(list(enumerate(self.spans))):
            if span.kind not in {"url", "media"} or self.raw[span.end : end].strip():
                break
            if span.kind == "url" and _status(span.expanded) == tweet_id:
                marked = replace(span, kind="quote")
                return replace(self, spans=(*self.spans[:index], marked, *self.spans[index + 1 :]))
            end = span.start
        return self

    @property
    def plain(self) -> str:
        """The whole text without links, unescaped."""
        return unescape(self.raw)

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """The text cut into runs, in order, nothing lost or repeated."""
        return tuple(self._cut())

    @property
    def is_right_to_left(self) -> bool:
        """Whether the first letter outside links is a right-to-left one, as for `dir="auto"`."""
        if self.raw.isascii():
            return False
        plain = "".join(piece.text for piece in self.pieces if piece.kind == "plain")
        letters = (unicodedata.bidirectional(character) for character in plain)
        return next((kind for kind in letters if kind in _STRONG), "L") != "L"

    def _cut(self) -> Iterator[Piece]:
        position = 0
        for span in self.spans:
            if span.start > position:
                yield Piece(unescape(self.raw[position : span.start]))
            label = span.label or unescape(self.raw[span.start : span.end])
            yield Piece(label, span.kind, span.target, span.user_id)
            position = span.end
        if position < len(self.raw):
            yield Piece(unescape(self.raw[position:]))

    def __bool__(self) -> bool:
        return not is_blank(self.raw)


def unescape(text: str) -> str:
    """Undo Twitter's escaping once. Only these three: `html.unescape` would turn `&copy` into ©."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


# The list of each kind in the entities, and the names of its fields there and in `Span`.
_LINK = ("urls", {"url": "target", "expanded_url": "expanded", "display_url": "label"})
_WRITTEN: Mapping[Kind, tuple[str, Mapping[str, str]]] = {
    "url": _LINK,
    "media": _LINK,
    "quote": _LINK,
    "mention": ("mentions", {"username": "target", "id": "user_id"}),
    "hashtag": ("hashtags", {"tag": "target"}),
    "cashtag": ("cashtags", {"tag": "target"}),
}


_Found = tuple[Kind, str, str, str, str] | None  # the fields of a Span, in this order
_Reader = Callable[[Mapping[str, Any]], _Found]


def _spans(entities: object, length: int) -> Iterator[Span]:
    if not isinstance(entities, dict):
        return
    for group, read in _READERS.items():
        items = entities.get(group)
        for item in items if isinstance(items, list) else ():
            if isinstance(item, dict) and (span := _span(item, length, read)):
                yield span


def _span(item: Mapping[str, Any], length: int, read: _Reader) -> Span | None:
    start, end = item.get("start"), item.get("end")
    if type(start) is not int or type(end) is not int or not 0 <= start < end <= length:
        return None
    found = read(item)
    return Span(start, end, *found) if found else None


def _side_by_side(spans: list[Span]) -> Iterator[Span]:
    """Drop overlapping spans. Duplicates are normal: several pictures share one range."""
    position = 0
    for span in spans:
        if span.start >= position:
            yield span
            position = span.end


def _link(item: Mapping[str, Any]) -> _Found:
    """Read a link as X's display requirements want it: to `url`, shown as `display_url`."""
    expanded = web_address(item.get("expanded_url"))
    target = web_address(item.get("url")) or expanded
    if not target:
        return None
    display = item.get("display_url")
    is_shown = isinstance(display, str) and not is_blank(display)
    label = clean(str(display), _LONGEST_ADDRESS) if is_shown else expanded or target
    return "media" if _is_picture(item, expanded) else "url", target, label, "", expanded


def _is_picture(item: Mapping[str, Any], expanded: str) -> bool:
    # The beta has no media keys, but only attached pictures have the short address.
    display = item.get("display_url")
    short = isinstance(display, str) and _SHORT_PICTURE.fullmatch(display)
    return bool(item.get("media_key") or (short and PICTURE.search(expanded)))


def _status(address: str) -> str:
    found = STATUS.search(urlsplit(address).path)
    return found[1] if found else ""


def _mention(item: Mapping[str, Any]) -> _Found:
    username = item.get("username")
    known = isinstance(username, str) and USERNAME.fullmatch(username)
    user_id = item.get("id")
    has_id = isinstance(user_id, str) and USER_ID.fullmatch(user_id)
    return ("mention", str(username), "", str(user_id) if has_id else "", "") if known else None


def _hashtag(item: Mapping[str, Any]) -> _Found:
    tag = item.get("tag")
    known = isinstance(tag, str) and 0 < len(tag) <= _LONGEST_TAG and all(map(_fits_a_tag, tag))
    return ("hashtag", str(tag), "", "", "") if known else None


def _fits_a_tag(character: str) -> bool:
    # Not \w, which has no marks: Hindi, Thai and other scripts write vowels with them.
    return character in _JOINERS or unicodedata.category(character)[0] in "LMN"


def _cashtag(item: Mapping[str, Any]) -> _Found:
    tag = item.get("tag")
    known = isinstance(tag, str) and _CASHTAG.fullmatch(tag)
    return ("cashtag", str(tag), "", "", "") if known else None


_READERS: Mapping[str, _Reader] = {
    "urls": _link,
    "mentions": _mention,
    "hashtags": _hashtag,
    "cashtags": _cashtag,
}
