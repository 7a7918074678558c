"""Reads the query string of an API request, strictly, and reports all mistakes at once."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from flask import request

from sandbox.api import fields
from sandbox.api.paging import Pages
from sandbox.api.problems import Complaints

NUMERIC_ID = re.compile(r"[0-9]{1,19}")
SPACE_ID = re.compile(r"[A-Za-z0-9]{1,13}")
USERNAME = re.compile(r"[A-Za-z0-9_]{1,15}")
_NUMBER = re.compile(r"0|[1-9][0-9]{0,8}")
_MOST_IDS = 100
_EARLIEST = datetime(2010, 11, 6, tzinfo=UTC)  # Twitter: "must be on or after 2010-11-06"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The selected fields of each kind of object, and the expansions."""

    fields: dict[str, frozenset[str]]
    expansions: frozenset[str]
    renamed: bool = False  # it spoke with the names of the renamed specification


class Query:
    """The parameters of one request. Call `done()` when all have been read."""

    def __init__(self, *, published: bool = False) -> None:
        """Begin with everything unread. `published`: only the renamed specification's words."""
        self._published = published
        self._unread = request.args.to_dict(flat=False)
        self._known: list[str] = []
        self.complaints = Complaints()

    def text(self, name: str) -> str | None:
        """Read a parameter that may be there once."""
        self._known.append(name)
        values = self._unread.pop(name, None)
        if values is None:
            return None
        if len(values) > 1:
            self._complain(name, values, "is there more than once")
        return values[0]

    def path(self, name: str, value: str, shape: re.Pattern[str] = NUMERIC_ID) -> str:
        """Check a part of the path."""
        self._known.append(name)
        if not shape.fullmatch(value):
            self._invalid(name, value, f"does not match ^{shape.pattern}$")
        return value

    def many(self, name: str, shape: re.Pattern[str]) -> list[str]:
        """Read a required list of 1 to 100 ids or usernames."""
        text = self.text(name)
        if not text:
            self._complain(name, [], "can not be empty")
            return []
        sent = text.split(",")
        values = list(dict.fromkeys(sent))
        if len(sent) > _MOST_IDS:
            self._complain(name, values, f"size is not between 1 and {_MOST_IDS}")
        for value in values:
            if not shape.fullmatch(value):
                self._invalid(name, value, f"does not match ^{shape.pattern}$")
        return values

    def words(self, name: str, allowed: Collection[str]) -> frozenset[str]:
        """Read an optional list of words out of a fixed vocabulary."""
        text = self.text(name)
        if text is None:
            return frozenset()
        chosen = text.split(",")
        if bad := [word for word in chosen if word not in allowed]:
            known = ",".join(sorted(allowed))
            self._invalid(name, ",".join(bad), f"is not one of [{known}]")
        return frozenset(chosen)

    def number(self, name: str, low: int, high: int, default: int) -> int:
        """Read an optional number between two bounds."""
        text = self.text(name)
        if text is None:
            return default
        if not (_NUMBER.fullmatch(text) and low <= int(text) <= high):
            self._invalid(name, text, f"is not between {low} and {high}")
            return default
        return int(text)

    def sentence(self, name: str, longest: int) -> str:
        """Read a required text of 1 to so many characters."""
        text = self.text(name) or ""
        if not 1 <= len(text) <= longest:
            self._complain(name, [text], f"size is not between 1 and {longest}")
        return text

    def choice(self, name: str, words: Collection[str], default: str) -> str:
        """Read an optional word out of a few."""
        text = self.text(name)
        if text is not None and text not in words:
            self._invalid(name, text, f"is not one of [{','.join(words)}]")
        return default if text is None else text

    def moment(self, name: str) -> float | None:
        """Read an optional time, `YYYY-MM-DDTHH:mm:ssZ`."""
        text = self.text(name)
        if text is None:
            return None
        try:
            moment = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        except ValueError:
            self._invalid(name, text, "is not a valid RFC3339 date-time")
            return None
        if moment < _EARLIEST:
            self._invalid(name, text, f"must be on or after {_EARLIEST:%Y-%m-%d}")
        return moment.timestamp()

    def span(self, first: str, last: str) -> tuple[float | None, float | None]:
        """Read two optional times, of which the first must come first."""
        since, until = self.moment(first), self.moment(last)
        if since is not None and until is not None and since >= until:
            text = request.args[first]
            self._invalid(first, text, f"must be before `{last}` [{request.args[last]}]")
        return since, until

    def tweet_id(self, name: str) -> int | None:
        """Read an optional Tweet id as a number."""
        text = self.text(name)
        if text is None:
            return None
        return int(text) if NUMERIC_ID.fullmatch(self.path(name, text)) else None

    def start(self, pages: Pages, name: str = "pagination_token") -> int:
        """Read the pagination token, and return where in its list this page begins."""
        text = self.text(name)
        if text is None:
            return 0
        offset = pages.open(text)
        if offset is None:
            self._invalid(name, text, "is not valid")
            return 0
        return offset

    def at_most_one(self, *pairs: tuple[str, str]) -> None:
        """Report parameters that exclude each other."""
        for first, second in pairs:
            if first in request.args and second in request.args:
                self._complain(first, [request.args[first]], f"excludes `{second}`")

    def sent(self, name: str) -> str:
        """Return a parameter as it was sent, or an empty text."""
        return request.args.get(name, "")

    def wanted(self, kind: str) -> Wanted:
        """Read `*.fields` and `expansions` for an endpoint that returns this kind of object."""
        renamed = self._published or self._speaks_new_names()
        chosen = {
            of: frozenset(fields.DEFAULTS[of]) | self._fields(of, renamed=renamed)
            for of in fields.PARAMETERS[kind]
        }
        return Wanted(
            fields=chosen, expansions=self._expansions(kind, renamed=renamed), renamed=renamed
        )

    def _speaks_new_names(self) -> bool:
        """Return whether a client uses a name that only the renamed specification has."""
        chosen = {
            word
            for name, values in self._unread.items()
            if name == "expansions" or name.endswith(".fields")
            for word in ",".join(values).split(",")
        }
        return "post.fields" in self._unread or not chosen.isdisjoint(fields.ONLY_NEW)

    def done(self) -> None:
        """Raise 400 for unknown parameters, and all other mistakes."""
        known = ",".join(sorted(set(self._known)))
        for name, values in self._unread.items():
            message = f"The query parameter [{name}] is not one of [{known}]"
            self.complaints.add(name, values, message)
        self.complaints.raise_if_any()

    def _fields(self, of: str, *, renamed: bool) -> frozenset[str]:
        if self._published:
            chosen = self.words(f"{'post' if of == 'tweet' else of}.fields", fields.PUBLISHED[of])
            return frozenset(fields.RENAMED.get(word, word) for word in chosen)
        if of == "tweet" and renamed and "post.fields" in self._unread:
            self._known.append("tweet.fields")
            return self._translated("post.fields", fields.SELECTABLE[of], renamed=True)
        return self._translated(f"{of}.fields", fields.SELECTABLE[of], renamed=renamed)

    def _expansions(self, kind: str, *, renamed: bool) -> frozenset[str]:
        if self._published:
            chosen = self.words("expansions", fields.PUBLISHED_EXPANSIONS[kind])
            return frozenset(fields.RENAMED_EXPANSIONS.get(word, word) for word in chosen)
        known = fields.EXPANSIONS[kind] | (fields.PUBLISHED_EXPANSIONS[kind] if renamed else set())
        return self._translated("expansions", known, renamed=renamed)

    def _translated(self, name: str, classic: Collection[str], *, renamed: bool) -> frozenset[str]:
        if not renamed:
            return self.words(name, classic)
        names = fields.RENAMED_EXPANSIONS if name == "expansions" else fields.RENAMED
        new = {word for word, old in names.items() if old in classic}
        chosen = self.words(name, {*classic, *new})
        return frozenset(names.get(word, word) for word in chosen)

    def _invalid(self, name: str, value: str, problem: str) -> None:
        message = f"The `{name}` query parameter value [{value}] {problem}"
        self.complaints.add(name, [value], message)

    def _complain(self, name: str, values: list[str], problem: str) -> None:
        self.complaints.add(name, values, f"The `{name}` query parameter {problem}")
