"""Pasted settings: what came along is named by its place. Keys that can be guessed are known."""

import base64
import hashlib
import secrets

import pytest

from config import ConfigError
from settings_text import GENERATE, as_meant, is_guessable


@pytest.mark.parametrize(
    "text, words",
    [
        ("secret\u200b", "holds U+200B at its end, which cannot be seen"),
        ("\ufeffsecret", "holds U+FEFF at its start, which cannot be seen"),
        ("sec\u00a0ret", "holds U+00A0 as character 4, which cannot be seen"),
        ("sec\nret", "holds U+000A as character 4, which cannot be seen"),
        ("secr\udce9t", "holds bytes that are not UTF-8"),
        ('"secret"', "stands in quotes"),
        ("‘secret’", "stands in quotes"),
        ("„secret“", "stands in quotes"),
        ("<the Client ID from the portal>", "holds a placeholder or a command"),
        ("{{ twitter_secret }}", "holds a placeholder or a command"),
        ("${TWITTER_SECRET}", "holds a placeholder or a command"),
        ("$(openssl rand -base64 48)", "holds a placeholder or a command"),
        *((command, "holds a placeholder or a command") for command in GENERATE.values()),
    ],
)
def test_what_was_pasted_along_is_named_without_the_rest(text, words):
    with pytest.raises(ValueError, match=words.replace("+", r"\+")) as refused:
        as_meant(text)

    assert "secret" not in str(refused.value)


def test_what_is_meant_stays_as_it_is():
    texts = ["x", '"', "Nest & Sons", "鳥の巣 🐦", 'a"b', "5 < 6", "$100", "postgresql://u:$(@h/n"]

    assert [as_meant(text) for text in texts] == texts


GUESSABLE = [
    "k" * 32,
    "abab" * 10,
    "a-word-that-I-like-" * 2,
    "0123456789" * 4,
    "abcdefghijklmnopqrstuvwxyz0123456789",
    "zyxwvutsrqponmlkjihgfedcba987654",
    bytes(32),
    b"\xff" * 32,
    bytes(range(32)),
    bytes(range(64, 0, -2)),
    base64.urlsafe_b64decode("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ="),
]


@pytest.mark.parametrize("key", GUESSABLE, ids=repr)
def test_a_key_that_repeats_or_counts_can_be_guessed(key):
    assert is_guessable(key)


def test_random_keys_cannot():
    digests = [hashlib.sha256(bytes([number])) for number in range(200)]
    keys = [each.digest() for each in digests] + [each.hexdigest() for each in digests]
    keys += [secrets.token_urlsafe(48), "forty-two feathers, lined up on a wall"]

    assert [key for key in keys if is_guessable(key)] == []


def test_one_message_counts_what_it_names():
    assert "1 setting needs attention" in str(ConfigError(["A: b"]))
    assert "2 settings need attention" in str(ConfigError(["A: b", "C: d"]))
