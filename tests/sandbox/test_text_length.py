"""X's weighted counting. Examples of docs.x.com and of twitter-text's own conformance suite."""

import pytest

from sandbox.api.text_length import weighted_length

FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"


@pytest.mark.parametrize(
    "text, length",
    [
        ("", 0),
        ("This is a test.", 15),
        ("Hello, world! \U0001f44b", 16),
        ("http://test.com", 23),
        ("https://example.com/very/long/path?and=more#than-that", 23),
        ("test.com", 23),
        ("Test https://test.com test https://test.com test.com test", 86),
        ("foo.co.jp", 23),
        ("t.co/abc", 23),
        ("no.Link here, e.g. nor 1.5", 26),
        ("caf\u00e9", 4),
        ("cafe\u0301", 4),  # composed first
        ("저찀쯿쿿", 8),
        ("の" * 140, 280),
        ("\U00010000\U0010ffff", 4),
        ("\u1100\u10ff", 3),
        ("\u2018\u2019\u2014\u2026", 5),  # quotes and dash are narrow, the ellipsis is not
        ("\u200b\u200e", 3),
        ("\U0001f47e", 2),
        ("\U0001f64b\U0001f3fd", 2),
        ("\U0001f468\u200d\U0001f3a4", 2),
        (FAMILY, 2),
        (FAMILY * 2, 4),
        ("H\U0001f431\u263a" + FAMILY, 7),
        ("\u263a\ufe0f", 2),
        ("\u2764\ufe0f\u200d\U0001f525", 2),
        ("\U0001f468\u200d\u2764\ufe0f\u200d\U0001f48b\u200d\U0001f468", 2),
        ("\U0001f1eb\U0001f1f7", 2),
        ("\U0001f1eb\U0001f1f7\U0001f1eb\U0001f1f7", 4),
        ("1\ufe0f\u20e3", 2),
        ("\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f", 2),
        ("\U0001f3f3\ufe0f\u200d\U0001f308", 2),
        ("\u200d".join(["\U0001f426"] * 20), 29),  # no such emoji: pairs, and the joiners between
        ("#hedge @wren", 12),
    ],
)
def test_the_length_is_that_of_twitter_text(text, length):
    assert weighted_length(text) == length


def test_a_long_text_is_counted_at_once():
    assert weighted_length("a." * 50_000) == 100_000
    assert weighted_length("\u200d" * 100_000) == 100_000
