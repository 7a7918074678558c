"""Parsing of pasted ids, usernames and links."""

import pytest

from app.pages import lookup, tweets
from app.pages.lookup import InvalidInput, PeopleLookup
from app.twitter.models import Profile
from app.twitter.page import Page
from app.twitter.problems import Problem

NO_LINKS_OF_OURS = [
    "https://example.com/wren/status/1",
    "https://x.com.evil.example/wren/status/1",
    "https://evilx.com/wren/status/1",
    "https://x.com@evil.example/wren/status/1",
    "https://user@x.com/wren/status/1",
    "https://x.com:444/wren/status/1",
    "ftp://x.com/wren/status/1",
    "//x.com/wren/status/1",
    "https:x.com/wren/status/1",
    "https://x.com\\wren\\status\\1",
    "https://[x.com/wren/status/1",
]


def named(read, words):
    """Return the words that `read` names as not understood, and what it says of them."""
    said = []
    for word in words:
        with pytest.raises(InvalidInput) as caught:
            read(word)
        said.append((caught.value.sentence, *caught.value.rejected))
    return said


# Tweets


def test_a_tweet_is_known_by_id_and_by_link():
    words = [
        "20",
        "https://twitter.com/wren/status/20",
        "http://twitter.com/wren/status/20",
        "HTTPS://Twitter.COM/Wren/status/20",
        "https://x.com/wren/status/20",
        "https://www.x.com/wren/status/20/",
        "https://x.com/i/web/status/20",
        "https://x.com/i/status/20",
        "https://twitter.com/wren/statuses/20",
        "https://x.com/wren/status/20/photo/1",
        "https://x.com/wren/status/20?s=20&t=abc",
        "https://mobile.twitter.com/wren/status/20?s=20#top",
        "https://m.twitter.com/wren/status/20",
        "x.com/wren/status/20",
        "mobile.twitter.com/wren/status/20?s=20",
    ]

    assert {word: tweets.ids_in(word) for word in words} == dict.fromkeys(words, ("20",))


def test_tweets_stand_in_the_order_asked_each_once():
    text = " 30,x.com/wren/status/10\r\n20 ;30\thttps://x.com/i/web/status/20,, "

    assert tweets.ids_in(text) == ("30", "10", "20")


def test_a_hundred_tweets_may_be_asked_for_and_repeated():
    hundred = [str(number) for number in range(100)]

    assert tweets.ids_in(" ".join(hundred + hundred)) == tuple(hundred)


def test_a_word_that_is_no_tweet_is_named():
    words = [
        "hello",
        "-5",
        "1.5",
        "12345678901234567890",
        "\u0661\u0662\u0663",  # digits, but not those of an id
        "20/../../users/me",
        "https://x.com/wren",
        "https://x.com/wren/status/",
        "https://x.com/wren/status/abc",
        "https://x.com/wren/status/12345678901234567890",
        "https://x.com/i/spaces/1DXxyRYNejbKM",
        "https://x.com/wren/likes?of=/wren/status/20",
        *NO_LINKS_OF_OURS,
    ]

    said = named(lambda word: tweets.ids_in(f"20 {word}"), words)

    assert said == [("Not the id or the link of a Tweet:", word) for word in words]


def test_only_the_first_few_rejected_are_named():
    with pytest.raises(InvalidInput) as caught:
        tweets.ids_in("one two 20 three four one five")

    assert caught.value.rejected == ("one", "two", "three")
    assert caught.value.more == 2


def test_a_long_culprit_is_cut_short():
    with pytest.raises(InvalidInput) as caught:
        tweets.ids_in("a" * 61)

    assert caught.value.rejected == ("a" * 59 + "…",)


@pytest.mark.parametrize(
    "read, text, sentence",
    [
        (tweets.ids_in, "", "Please paste the id or the link of at least one Tweet."),
        (lookup.people, "", "Please type the username, the id or the link of at least one person."),
    ],
)
def test_an_empty_field_is_answered_with_a_request(read, text, sentence):
    with pytest.raises(InvalidInput) as caught:
        read(text)

    assert (caught.value.sentence, caught.value.rejected) == (sentence, ())


@pytest.mark.parametrize(
    "read, things",
    [
        (tweets.ids_in, "Tweets"),
        (lookup.people, "people"),
    ],
)
def test_more_than_a_hundred_are_too_many(read, things):
    with pytest.raises(InvalidInput) as caught:
        read(" ".join(map(str, range(101))))

    assert str(caught.value) == f"That is 101 {things}. Twitter shows 100 of them at once."


def test_very_long_input_is_rejected():
    with pytest.raises(InvalidInput) as caught:
        tweets.ids_in("1 " * 20_000)

    assert caught.value.sentence == "That is too much text. Twitter shows 100 Tweets at once."


# People


def test_a_person_is_known_by_name_by_id_and_by_link():
    wanted = {
        "wren": PeopleLookup(usernames=("wren",)),
        "@Wren_1": PeopleLookup(usernames=("Wren_1",)),
        "https://x.com/wren": PeopleLookup(usernames=("wren",)),
        "https://twitter.com/wren/?lang=en": PeopleLookup(usernames=("wren",)),
        "mobile.twitter.com/wren": PeopleLookup(usernames=("wren",)),
        "1001": PeopleLookup(ids=("1001",)),
        "1234567890123456789": PeopleLookup(ids=("1234567890123456789",)),
        "@1001": PeopleLookup(usernames=("1001",)),
        "https://x.com/1001": PeopleLookup(usernames=("1001",)),
        "https://x.com/i/user/1001": PeopleLookup(ids=("1001",)),
    }

    assert {word: lookup.people(word) for word in wanted} == wanted


def test_people_stand_in_the_order_asked_each_once():
    wanted = lookup.people("@wren 1002, robin, WREN x.com/Wren 1001 1002")

    assert wanted == PeopleLookup(ids=("1002", "1001"), usernames=("wren", "robin"))


def test_a_word_that_is_no_person_is_named():
    words = [
        "-5",
        "wren-",
        "@",
        "@@wren",
        "a_name_that_is_long",
        "12345678901234567890",
        "https://x.com/",
        "https://x.com/home",
        "https://x.com/Settings",
        "https://x.com/i",
        "https://x.com/wren/status/20",
        "https://example.com/wren",
        "https://x.com@evil.example/wren",
    ]

    said = named(lookup.people, words)

    assert said == [("Not the username, the id or the link of a person:", one) for one in words]


def test_bare_words_side_by_side_are_no_usernames():
    said = named(lookup.people, ["Robin Redbreast", "@wren, robin 1003", "1003\t robin", "a b c"])

    assert said == [("A username has no spaces. Put @ before each, or commas between.",)] * 4


def test_usernames_need_more_than_a_space_between_them():
    texts = ["robin, wren", "robin;wren", "robin\nwren", "robin @wren", "@robin wren"]

    read = {lookup.people(text).usernames for text in [*texts, "robin x.com/wren"]}

    assert read == {("robin", "wren")}


def test_numbers_side_by_side_are_ids():
    assert lookup.people("1002 1003").ids == ("1002", "1003")


# Results


def test_found_items_stand_in_the_order_asked():
    page = Page(
        items=(
            Profile(id="c", username="third", name="C"),
            Profile(id="a", username="first", name="A"),
        ),
        problems=(Problem(missing="gone", asked="b"),),
    )

    found = lookup.in_order(["a", "b", "c", "d"], page)

    assert [one.asked for one in found] == ["a", "b", "c", "d"]
    assert [one.item and one.item.name for one in found] == ["A", None, "C", None]
    assert [found[1].missing, found[3].missing] == ["gone", "unknown"]


# As people paste


@pytest.mark.parametrize(
    "typed",
    [
        "@robin\u200b",
        "\ufeff@robin",
        "\u200e@robin\u200f",
        "\u2066@robin\u2069",
        "@ro\u00adbin",
        "@robin\ufe0f",
        "\uff20robin",  # as keyboards of Japanese and Chinese write it
        "\uff20\uff52\uff4f\uff42\uff49\uff4e",
        "(@robin)",
        "\u201c@robin\u201d",
        "\u00ab@robin\u00bb,",
        "\u300c@robin\u300d\u3002",
        "@robin.",
        "@robin:",
        "@robin.)",
        "<https://x.com/robin>",
        "https://x.com/robin.",
        "(https://x.com/robin?s=21&t=abc).",
        "\u201ehttps://mobile.twitter.com/robin?lang=de\u201c",
        "https://x.com/@robin",
        "[Robin](https://x.com/robin)",
        "[Robin Redbreast](https://x.com/robin).",
        "https://x.com/robin/with_replies",
        "https://x.com/robin/media/",
        "https://twitter.com/#!/robin",
        "https://twitter.com/intent/user?screen_name=robin",
        "https://x.com/intent/follow?original_referer=x&amp;screen_name=%40robin",
    ],
)
def test_a_pasted_person_is_found(typed):
    assert lookup.people(typed) == PeopleLookup(usernames=("robin",))


@pytest.mark.parametrize(
    "typed",
    [
        "20.",
        "\uff12\uff10",
        "\u200e20",
        '"20"',
        "'20",  # a number that a spreadsheet must not round
        "\u201chttps://x.com/wren/status/20\u201d",
        "https://x.com/wren/status/20).",
        "https://x.com/wren/status/20?s=20&amp;t=abc",
        "[a Tweet](https://twitter.com/wren/status/20?s=20)",
        "https://twitter.com/#!/wren/status/20",
        "https://x.com/wren/article/20",
    ],
)
def test_a_pasted_tweet_is_found(typed):
    assert tweets.ids_in(typed) == ("20",)


@pytest.mark.parametrize(
    "typed",
    [
        "- @robin\n- @wren",
        "* robin\r\n* wren",
        "\u2022 robin\n\u2022 wren",
        "1. @robin\n2. @wren",
        "1) robin\n2) wren",
        "robin\u3001wren",
        "robin\u060c wren",
        "robin\uff0cwren",
    ],
)
def test_a_pasted_list_is_its_entries(typed):
    assert lookup.people(typed) == PeopleLookup(usernames=("robin", "wren"))


def test_a_number_that_counts_nothing_is_an_id():
    assert tweets.ids_in("20. 30") == ("20", "30")


def test_ids_of_articles_are_not_those_of_tweets():
    assert named(tweets.ids_in, ["https://x.com/i/article/20"]) == [
        ("Not the id or the link of a Tweet:", "https://x.com/i/article/20")
    ]


def test_rejected_words_are_shown_as_typed():
    words = ["\u201cRobin Redbreast\u201d", "(Robin) \u200eRedbreast"]

    assert named(lookup.people, words) == [
        ("A username has no spaces. Put @ before each, or commas between.",)
    ] * len(words)
    assert named(lookup.people, ["(hedge-row)."]) == [
        ("Not the username, the id or the link of a person:", "(hedge-row).")
    ]


@pytest.mark.parametrize("typed", ["()", "\u200b", "...", "\u2026", " \u201c\u201d "])
def test_marks_alone_are_an_empty_field(typed):
    with pytest.raises(InvalidInput) as caught:
        lookup.people(typed)

    assert caught.value.sentence.startswith("Please type the username")


@pytest.mark.parametrize(
    "typed",
    [
        "https://x.com/intent/user",
        "https://x.com/intent/user?screen_name=hedge-row",
        "https://x.com/intent/tweet?screen_name=robin",
        "https://evil.example/intent/user?screen_name=robin",
        "https://x.com/robin/status/20",
        "https://x.com/robin/lists",
        "robin@example.com",
    ],
)
def test_a_link_without_a_profile_is_rejected(typed):
    assert named(lookup.people, [typed])[0][1] == typed


def test_a_link_of_a_button_goes_by_its_id():
    text = "https://twitter.com/intent/user?user_id=1002&screen_name=somebody_else"

    assert lookup.people(text) == PeopleLookup(ids=("1002",))
