"""The query language of Tweet search: a part of X's operators, and X's words for the others.

https://docs.x.com/x-api/posts/search/integrate/operators
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import unescape
from typing import Any

from sandbox.api import objects, tweet_text
from sandbox.world.model import Tweet
from sandbox.world.state import World

_TOKEN = re.compile(r'\s*(?:(-?)(\()|(\))|(-?)((?:\w+:)?"[^"]*"|[^\s()"]+))', re.ASCII)
_WORD = re.compile(r"\w+")
_STOPWORDS = frozenset({"a", "the", "you"})  # X has a list, and publishes none
_DEEPEST = 20  # groups inside groups
_PREFIX = "There were errors processing your request: "
_UNKNOWN = (
    "Reference to invalid operator '{}'. Operator is not available in current product or product "
    "packaging. Please refer to complete available operator list at http://t.co/operators. "
    "(at position {})"
)
_AMBIGUOUS = (
    'Ambiguous use of and as a keyword. Use a space to logically join two clauses, or "and" to '
    "find occurrences of and in text (at position {})"
)
_UNREADABLE = "no viable alternative at input '{}' (at position {})"
_NO_CLAUSE = "Rules must contain at least one positive, non-stopword clause (at position 1)"
_STANDALONE = "is/has/lang cannot be used as a standalone operator (at position 1)"
_CONJUNCTIONS = ("is:", "has:", "lang:")


class InvalidQuery(ValueError):
    """A query that X would refuse, with its message."""

    def __init__(self, problem: str) -> None:
        super().__init__(_PREFIX + problem)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A Tweet, and what is searched in it."""

    world: World
    tweet: Tweet
    words: tuple[str, ...]
    text: str
    entities: dict[str, list[dict[str, Any]]]

    @classmethod
    def of(cls, world: World, tweet: Tweet) -> Candidate:
        """Return a Tweet with its whole text, of a long one too."""
        texted = tweet_text.of(tweet, world)
        text = unescape(texted.note.get("text", texted.text)).casefold()
        entities = texted.note.get("entities", texted.entities)
        return cls(world, tweet, tuple(_WORD.findall(text)), text, entities)


_Matcher = Callable[[Candidate], bool]


@dataclass(frozen=True, slots=True)
class Clause:
    """A part of a query. `stands`: it may be all of one."""

    matches: _Matcher
    stands: bool


def parsed(query: str) -> Clause:
    """Return a query that can be asked; raise InvalidQuery for one that X would refuse."""
    clause = _Parser(query).all()
    if not clause.stands:
        only = all(word.startswith(_CONJUNCTIONS) for word in query.split())
        raise InvalidQuery(_STANDALONE if only else _NO_CLAUSE)
    return clause


class _Parser:
    """Reads `a b OR -c (d OR "e f")`: a space is AND, which binds tighter than OR."""

    def __init__(self, query: str) -> None:
        self._query = query
        self._at = 0

    def all(self) -> Clause:
        clause = self._either(0)
        if self._at < len(self._query.rstrip()):
            raise self._unreadable()
        return clause

    def _either(self, depth: int) -> Clause:
        clauses = [self._both(depth)]
        while self._takes("OR"):
            clauses.append(self._both(depth))
        return Clause(
            lambda one: any(clause.matches(one) for clause in clauses),
            all(clause.stands for clause in clauses),
        )

    def _both(self, depth: int) -> Clause:
        clauses = list(self._terms(depth))
        if not clauses:
            raise self._unreadable()
        return Clause(
            lambda one: all(clause.matches(one) for clause in clauses),
            any(clause.stands for clause in clauses),
        )

    def _terms(self, depth: int) -> Iterator[Clause]:
        while (found := _TOKEN.match(self._query, self._at)) and found[5] != "OR" and not found[3]:
            if found[1] or depth > _DEEPEST:  # X: do not negate a group
                raise self._unreadable()
            if found[5] == "AND":
                raise InvalidQuery(_AMBIGUOUS.format(found.start(5) + 1))
            self._at = found.end()
            yield self._group(depth + 1) if found[2] else self._atom(found)

    def _group(self, depth: int) -> Clause:
        clause = self._either(depth)
        if not self._takes(")"):
            raise self._unreadable()
        return clause

    def _atom(self, found: re.Match[str]) -> Clause:
        negated, atom = bool(found[4]), found[5]
        matcher = _matcher(atom)
        if matcher is None:
            name = atom.partition(":")[0]
            shown = atom if name in {"is", "has"} else name  # as it was seen
            raise InvalidQuery(_UNKNOWN.format(shown, found.start(5) + 1))
        if negated:
            return Clause(lambda one: not matcher(one), stands=False)
        stands = not atom.startswith(_CONJUNCTIONS) and atom.casefold() not in _STOPWORDS
        return Clause(matcher, stands)

    def _takes(self, word: str) -> bool:
        found = _TOKEN.match(self._query, self._at)
        if found is None or word not in {found[3], found[5]}:
            return False
        self._at = found.end()
        return True

    def _unreadable(self) -> InvalidQuery:
        rest = self._query[self._at :].strip()[:1]
        return InvalidQuery(_UNREADABLE.format(rest or "<EOF>", self._at + 1))


def _matcher(atom: str) -> _Matcher | None:
    """Return what an operator or a word matches; None for an operator that is not known."""
    if atom.startswith('"'):
        return _words(atom)
    if atom[0] in _ENTITIES:
        kind, field = _ENTITIES[atom[0]]
        return lambda one: atom[1:].casefold() in _values(one, kind, field)
    name, colon, value = atom.partition(":")
    if not colon or "/" in value:
        return _words(atom)
    known = _FLAGS.get(atom)
    if known is not None:
        return known
    make = _OPERATORS.get(name)
    return make(value.strip('"').casefold()) if make and value else None


def _words(atom: str) -> _Matcher:
    """Match words one after another; an emoji, which is none, anywhere in the text."""
    wanted = tuple(_WORD.findall(atom.casefold()))
    if not wanted:
        return lambda one: atom.strip('"').casefold() in one.text
    size = len(wanted)
    return lambda one: any(
        one.words[at : at + size] == wanted for at in range(len(one.words) - size + 1)
    )


def _values(one: Candidate, kind: str, field: str) -> set[str]:
    return {entity[field].casefold() for entity in one.entities.get(kind, ())}


def _is(one: Candidate, account_id: str, value: str) -> bool:
    account = one.world.accounts.get(account_id)
    return account is not None and value in {account.id, account.username.casefold()}


def _refers(kind: str) -> _Matcher:
    return lambda one: any(one_kind == kind for one_kind, _ in one.tweet.references)


def _has(kind: str) -> _Matcher:
    return lambda one: kind in one.entities


def _has_media(*types: str) -> _Matcher:
    return lambda one: any(one.world.media[k].type in types for k in one.tweet.media_keys)


_ENTITIES = {
    "#": ("hashtags", "tag"),
    "$": ("cashtags", "tag"),
    "@": ("mentions", "username"),
}
_OPERATORS: dict[str, Callable[[str], _Matcher]] = {
    "from": lambda value: lambda one: _is(one, one.tweet.author_id, value),
    "to": lambda value: lambda one: _is(one, objects.replied_to(one.world, one.tweet), value),
    "lang": lambda value: lambda one: one.tweet.lang.casefold() == value,
    "conversation_id": lambda value: (
        lambda one: objects.conversation(one.world, one.tweet) == value
    ),
}
_FLAGS: dict[str, _Matcher] = {
    "is:retweet": _refers("retweeted"),
    "is:reply": _refers("replied_to"),
    "is:quote": _refers("quoted"),
    "is:verified": lambda one: one.world.accounts[one.tweet.author_id].verified_type != "none",
    "has:links": _has("urls"),
    "has:hashtags": _has("hashtags"),
    "has:cashtags": _has("cashtags"),
    "has:mentions": _has("mentions"),
    "has:media": _has_media("photo", "video"),
    "has:images": _has_media("photo"),
    "has:video_link": _has_media("video"),
}
