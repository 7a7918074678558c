"""What is read of an answer: everything that Twitter sends, and never much more."""

import gzip
import json
import threading
import zlib
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from app.twitter.errors import InvalidAnswer, Unreachable
from app.twitter.transport.deadline import Deadline
from app.twitter.transport.response_body import (
    CHUNK_BYTES,
    DEEPEST,
    LONG_BYTES,
    MOST_BYTES,
    MOST_COMMAS,
    MOST_CONTAINERS,
    MOST_LONG_AT_ONCE,
    NOT_JSON,
    Bodies,
    _inflated,
    document,
)

SECONDS_FOR_A_THREAD = 10


class Raw:
    """The bytes of an answer as they come in."""

    def __init__(self, pieces, length):
        self.pieces = pieces
        self.length_remaining = length
        self.read = 0

    def stream(self, size, *, decode_content):
        assert not decode_content
        for piece in self.pieces:
            for start in range(0, len(piece), size):
                self.read += 1
                yield piece[start : start + size]


def response(*pieces, length=None, encoding=None):
    answer = requests.Response()
    answer.raw = Raw(pieces, length)
    if encoding is not None:
        answer.headers["Content-Encoding"] = encoding
    return answer


@pytest.fixture
def bodies():
    return Bodies()


def read(bodies, *pieces, deadline=5.0, **kind):
    return bodies.document(
        response(*pieces, **kind), most_bytes=MOST_BYTES, deadline=Deadline(deadline)
    )


# What becomes of a body


def test_json_becomes_values():
    documents = {
        b'{"a": [1, null]}': {"a": [1, None]},
        b"\xef\xbb\xbf[]": [],
        b'"\\ud83d"': "\ud83d",
        b'"\xed\xa0\xbd"': "\ud83d",
        b"null": None,
    }

    assert {body: document(body) for body in documents} == documents


def test_anything_else_is_no_json():
    bodies = [
        b"",
        b"<html>",
        b"{",
        b"]" * 100,
        b'{"a": NaN}',
        b'"' + b'\\"' * 500_000,
        b'"\\',
        b"9" * 5000,
        b"\xff",
        '{"a": 1}'.encode("utf-16"),
    ]

    assert [body[:8] for body in bodies if document(body) is not NOT_JSON] == []


@pytest.mark.parametrize(
    "body, most",
    [
        (lambda n: [{}] * (n - 1), MOST_CONTAINERS),
        (lambda n: [[]] * (n - 1), MOST_CONTAINERS),
        (lambda n: [7] * (n + 1), MOST_COMMAS),
        (lambda n: dict.fromkeys(map(str, range(n + 1))), MOST_COMMAS),
    ],
    ids=["objects", "lists", "items", "members"],
)
def test_more_values_than_twitter_sends_are_not_made(body, most):
    assert document(json.dumps(body(most)).encode()) == body(most)
    assert document(json.dumps(body(most + 1)).encode()) is NOT_JSON


def test_characters_of_a_text_do_not_count():
    for text in [",", "[", "{", '"', "\\", "[]{},"]:
        tweets = {"data": [{"text": text * 25_000}, {"text": text * 25_000}]}

        assert document(json.dumps(tweets).encode()) == tweets


def nested(depth):
    return b"[" * depth + b"]" * depth


def test_deep_nesting_is_not_made():
    levels = DEEPEST + 1
    too_deep = [
        nested(levels),
        b"[[],{}," * levels + b"7" + b"]" * levels,
        b'{"a":' * levels + b"7" + b"}" * levels,
        nested(MOST_CONTAINERS // 2),
        b"[" * MOST_CONTAINERS,
    ]

    assert document(nested(DEEPEST)) is not NOT_JSON
    assert [body[:8] for body in too_deep if document(body) is not NOT_JSON] == []


# How it is read


def test_a_body_in_pieces_is_read_whole(bodies):
    assert read(bodies, b'{"a":', b" 1}") == {"a": 1}


def test_a_gzip_is_unpacked(bodies):
    packed = gzip.compress(b'{"a": "' + b"x" * (2 * CHUNK_BYTES) + b'"}')

    assert read(bodies, packed, encoding=" GZIP ") == {"a": "x" * (2 * CHUNK_BYTES)}


def test_bytes_after_the_end_of_a_gzip_are_left_out(bodies):
    packed = gzip.compress(b"[1]")

    assert read(bodies, packed + b"more", b"and more", encoding="gzip") == [1]


def test_no_piece_of_a_gzip_is_larger_than_a_chunk():
    packed = gzip.compress(b"\0" * (50 * CHUNK_BYTES))

    assert max(map(len, _inflated([packed]))) == CHUNK_BYTES


@pytest.mark.parametrize("encoding", ["deflate", "gzip, gzip"])
def test_an_encoding_we_did_not_ask_for_is_unreadable(bodies, encoding):
    with pytest.raises(InvalidAnswer):
        read(bodies, zlib.compress(b"{}"), encoding=encoding)


def test_a_malformed_gzip_is_unreadable(bodies):
    with pytest.raises(InvalidAnswer):
        read(bodies, b"plain", encoding="gzip")


def test_a_length_above_the_cap_is_enough(bodies):
    answer = response(b"{}", length=MOST_BYTES + 1)

    with pytest.raises(InvalidAnswer, match="more than"):
        bodies.document(answer, most_bytes=MOST_BYTES, deadline=Deadline())

    assert answer.raw.read == 0


@pytest.mark.parametrize(
    "body, encoding",
    [
        (b" " * (4 * MOST_BYTES), None),
        (gzip.compress(b" " * (4 * MOST_BYTES)), "gzip"),
        # Blocks of nothing: they are unpacked for ever and nothing comes out.
        (
            zlib.compressobj(wbits=31).flush(zlib.Z_SYNC_FLUSH) + b"\0\0\0\xff\xff" * MOST_BYTES,
            "gzip",
        ),
    ],
    ids=["plain", "a bomb", "a gzip of nothing"],
)
def test_a_body_is_cut_at_the_cap(bodies, body, encoding):
    answer = response(body, encoding=encoding)

    with pytest.raises(InvalidAnswer, match="more than"):
        bodies.document(answer, most_bytes=MOST_BYTES, deadline=Deadline())

    assert answer.raw.read <= MOST_BYTES // CHUNK_BYTES + 1


# Many at once


class Stuck:
    """A long body that stops in the middle until it is let go."""

    def __init__(self):
        self.is_read = threading.Semaphore(0)
        self.go_on = threading.Event()

    def __iter__(self):
        yield b"[" + b" " * LONG_BYTES
        yield b" "
        self.is_read.release()
        self.go_on.wait(SECONDS_FOR_A_THREAD)
        yield b"]"


@pytest.fixture
def stuck(bodies):
    """As many long bodies as may be read at once, all of them stuck."""
    body = Stuck()

    def one():
        answer = response(length=None)
        answer.raw = Raw(body, None)
        return bodies.document(answer, most_bytes=MOST_BYTES, deadline=Deadline())

    with ThreadPoolExecutor(MOST_LONG_AT_ONCE) as threads:
        reading = [threads.submit(one) for _ in range(MOST_LONG_AT_ONCE)]
        for _ in reading:
            assert body.is_read.acquire(timeout=SECONDS_FOR_A_THREAD)
        yield body
        body.go_on.set()
        assert [each.result() for each in reading] == [[]] * MOST_LONG_AT_ONCE


LONG = b"[" + b" " * LONG_BYTES + b"]"


def test_a_long_body_waits_for_its_turn_within_the_budget(bodies, stuck):
    with pytest.raises(Unreachable):
        read(bodies, LONG, deadline=0.1)


def test_a_long_body_is_read_when_its_turn_comes(bodies, stuck):
    threading.Timer(0.1, stuck.go_on.set).start()

    assert read(bodies, LONG) == []


def test_an_ordinary_body_needs_no_turn(bodies, stuck):
    assert read(bodies, b" " * (LONG_BYTES - 2) + b"[]", deadline=0.0) == []


@pytest.mark.parametrize("body", [LONG, LONG + b"x", LONG * 10], ids=["fine", "garbage", "no end"])
def test_a_turn_ends_with_the_body(bodies, body):
    for _ in range(2 * MOST_LONG_AT_ONCE):
        try:
            read(bodies, body, deadline=0.1)
        except InvalidAnswer:
            continue


def test_an_error_holds_nothing_of_the_body(bodies):
    with pytest.raises(InvalidAnswer) as caught:
        read(bodies, b"x" * (4 * MOST_BYTES))

    frame = next(f.frame for f in caught.traceback if f.name == "document").f_locals
    assert frame["body"] == b""
