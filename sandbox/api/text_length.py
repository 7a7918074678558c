"""The length of a Tweet as X counts it: version 3 of twitter-text's configuration.

https://docs.x.com/fundamentals/counting-characters
"""

from __future__ import annotations

import re
import unicodedata

from sandbox.api.short_links import ADDRESS

LONGEST = 280
_LINK = 23
_WIDE = 2  # an emoji however long, and every character that is not listed
_NARROW = "\u0000-\u10ff\u2000-\u200d\u2010-\u201f\u2032-\u2037"

# An address without `https://` is a link to X if its ending is a real one. Of those without a
# country, these are the usual ones; a country's needs a path or two dots before it.
_GENERIC = "app|biz|blog|cloud|com|dev|edu|gov|info|int|mil|net|online|org|page|shop|site|tech|xyz"
_BARE = re.compile(
    rf"(?<![\w@#$./-])(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+"
    rf"(?:(?:{_GENERIC})(?![\w-]|\.\w)(?:/\S*)?|[a-z]{{2}}/\S*|(?<=\w\.\w\w\.)[a-z]{{2}}(?!\w))",
    re.IGNORECASE,
)

# An emoji is one picture with what changes it, and in the usual combinations a few that are joined:
# one more thing (a job, a sign, a flag), or a family of people.
_PICTURE = (
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u27bf"
    "\u2934\u2935\u2b00-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]"
)
_CHANGED = "(?:[\U0001f3fb-\U0001f3ff]|\ufe0f)?"
_PERSON = f"[\U0001f466-\U0001f469\U0001f9d1\U0001f9d2]{_CHANGED}"
_BETWEEN = "(?:\u2764\ufe0f?\u200d(?:\U0001f48b\u200d)?|\U0001f91d\u200d)?"  # heart, kiss, hands
_EMOJI = re.compile(
    "[\U0001f1e6-\U0001f1ff]{2}"
    "|[0-9#*]\ufe0f?\u20e3"
    f"|{_PERSON}(?:\u200d{_BETWEEN}{_PERSON}){{1,3}}"
    f"|{_PICTURE}{_CHANGED}(?:[\U000e0020-\U000e007e]+\U000e007f)?(?:\u200d{_PICTURE}{_CHANGED})?"
)
_ONE_WIDE = "\u4e00"


def weighted_length(text: str) -> int:
    """Return the length of a text in X's units; at most `LONGEST` fit into a Tweet."""
    composed = unicodedata.normalize("NFC", text)
    for link in (ADDRESS, _BARE):
        composed = link.sub("x" * _LINK, composed)
    composed = _EMOJI.sub(_ONE_WIDE, composed)
    return sum(1 if re.match(f"[{_NARROW}]", one) else _WIDE for one in composed)
