"""Spaces in what people type: ids and links."""

import pytest

from app.pages.lookup import InvalidInput
from app.pages.spaces import ids_in


def test_a_space_is_known_by_id_and_by_link():
    words = [
        "1DXxyRYNejbKM",
        "https://x.com/i/spaces/1DXxyRYNejbKM",
        "https://twitter.com/i/spaces/1DXxyRYNejbKM?s=20",
        "https://x.com/i/spaces/1DXxyRYNejbKM/peek",
        "mobile.twitter.com/i/spaces/1DXxyRYNejbKM/",
    ]

    assert {ids_in(word) for word in words} == {("1DXxyRYNejbKM",)}


def test_ids_of_spaces_differ_by_case():
    assert ids_in("1dx 1DX 1dx") == ("1dx", "1DX")


@pytest.mark.parametrize(
    "word", ["dawn-chorus", "-5", "1DXxyRYNejbKMM", "https://x.com/wren/status/20"]
)
def test_a_word_that_is_no_space_is_named(word):
    with pytest.raises(InvalidInput) as caught:
        ids_in(word)

    assert caught.value.sentence == "Not the id or the link of a Space:"
    assert caught.value.rejected == (word,)


def test_a_pasted_space_is_found():
    assert ids_in("(https://x.com/i/spaces/1DXxyRYNejbKM?s=20).") == ("1DXxyRYNejbKM",)


@pytest.mark.parametrize(
    "text, sentence",
    [
        (" , ", "Please paste the id or the link of at least one Space."),
        (
            " ".join(map(str, range(101))),
            "That is 101 Spaces. Twitter shows 100 of them at once.",
        ),
    ],
)
def test_too_few_and_too_many_are_answered_with_a_sentence(text, sentence):
    with pytest.raises(InvalidInput) as caught:
        ids_in(text)

    assert (caught.value.sentence, caught.value.rejected) == (sentence, ())
