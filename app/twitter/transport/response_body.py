"""Reads the JSON of a response in bounded memory.

There are three bounds. A body is capped, before and after it is decompressed. Only a few long ones
are read at once. And JSON with more values than Twitter ever sends is not parsed: a megabyte of
`{},{},{},` would become a hundred megabytes of dictionaries.
"""

from __future__ import annotations

import contextlib
import json
import re
import threading
import zlib
from collections.abc import Iterable, Iterator
from typing import Final, Never

import requests

from app.twitter.errors import InvalidAnswer, Unreachable
from app.twitter.transport.deadline import Deadline

# The largest answers that we ask for, made in the sandbox. A hundred Tweets that quote a hundred:
# 0.6 MB, 8,000 objects and lists, 25,000 commas. The same, all long posts of 4,000 characters with
# twenty mentions: 1.7 MB, 12,000 and 41,000. A page of twenty, all of 25,000 characters: 1.2 MB.
MOST_BYTES = 2 * 1024 * 1024
MOST_CONTAINERS = 25_000
MOST_COMMAS = 100_000
DEEPEST = 32

CHUNK_BYTES = 64 * 1024
# An ordinary page of Tweets has 100 KB, and never waits for others.
LONG_BYTES = 256 * 1024
MOST_LONG_AT_ONCE = 4

NOT_JSON: Final = object()

_STRING = re.compile(r'"[^"\\]*+(?:\\.?[^"\\]*+)*+"?', re.DOTALL)
_INNERMOST = re.compile(r"[\[{][^\[\]{}]*[\]}]")


class Bodies:
    """Reads the bodies of responses. Made once per app, used by every thread."""

    def __init__(self) -> None:
        self._long = threading.BoundedSemaphore(MOST_LONG_AT_ONCE)
        self._reading = threading.Lock()

    def document(
        self, response: requests.Response, *, most_bytes: int, deadline: Deadline
    ) -> object:
        """Return the JSON in the body of `response`, or `NOT_JSON`.

        Raises `InvalidAnswer` for a body above `most_bytes` or in an encoding that we did not ask
        for, and `Unreachable` if too many long ones are read until the deadline.
        """
        body = bytearray()
        with contextlib.ExitStack() as turn:
            try:
                for piece in _pieces(response, most_bytes):
                    if len(body) <= LONG_BYTES < len(body) + len(piece):
                        turn.enter_context(self._turn(deadline))
                    body += piece
                with self._reading:
                    return document(body)
            finally:
                body.clear()  # the traceback of an exception would keep it alive

    @contextlib.contextmanager
    def _turn(self, deadline: Deadline) -> Iterator[None]:
        if not self._long.acquire(timeout=deadline.remaining()):
            raise Unreachable("too many long answers at once")
        try:
            yield
        finally:
            self._long.release()


def document(body: bytes | bytearray) -> object:
    """Return the JSON in `body` (RFC 8259: UTF-8, no NaN), or `NOT_JSON`; raise nothing.

    More values than Twitter sends count as `NOT_JSON`, and are not parsed.
    """
    try:
        text = body.decode("utf-8-sig", "surrogatepass")
        return json.loads(text, parse_constant=_not_json) if _is_modest(text) else NOT_JSON
    except ValueError:
        return NOT_JSON


def _not_json(word: str) -> Never:
    raise ValueError(word)


def _is_modest(text: str) -> bool:
    """Return whether there are few enough values, and none nested too deeply.

    Strings do not count, whatever commas and brackets people write in them.
    """
    bare = _STRING.sub("", text)
    return (
        bare.count("{") + bare.count("[") <= MOST_CONTAINERS
        and bare.count(",") <= MOST_COMMAS
        and _is_shallow(bare)
    )


def _is_shallow(bare: str) -> bool:
    """Remove the innermost objects and lists, layer by layer."""
    layers = 0
    while (found := _INNERMOST.subn("", bare))[1] and layers < DEEPEST:
        bare = found[0]
        layers += 1
    return "{" not in bare and "[" not in bare


def _pieces(response: requests.Response, most_bytes: int) -> Iterator[bytes]:
    """Yield the body in pieces, decompressed: a small gzip can hold gigabytes."""
    raw = response.raw
    if (raw.length_remaining or 0) > most_bytes:
        raise _too_long(most_bytes)
    sent = _at_most(most_bytes, raw.stream(CHUNK_BYTES, decode_content=False))
    encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding == "identity":
        yield from sent
    elif encoding == "gzip":
        yield from _at_most(most_bytes, _inflated(sent))
    else:
        raise InvalidAnswer("a body in an encoding that we did not ask for")


def _at_most(most_bytes: int, pieces: Iterable[bytes]) -> Iterator[bytes]:
    read = 0
    for piece in pieces:
        read += len(piece)
        if read > most_bytes:
            raise _too_long(most_bytes)
        yield piece


def _too_long(most_bytes: int) -> InvalidAnswer:
    return InvalidAnswer(f"a body of more than {most_bytes} bytes")


def _inflated(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Decompress, never more than a chunk at a time, and ignore data after the end."""
    inflating = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    for piece in pieces:
        packed = b"" if inflating.eof else piece
        while packed:
            try:
                yield inflating.decompress(packed, CHUNK_BYTES)
            except zlib.error:
                raise InvalidAnswer("a body that cannot be taken apart") from None
            packed = inflating.unconsumed_tail
