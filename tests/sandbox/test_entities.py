"""Entities as twitter-text finds them: the cases of its own conformance suite, and a few more."""

import pytest

from sandbox.api.entities import entities
from sandbox.api.short_links import linked
from sandbox.api.tweet_text import of
from sandbox.world.model import Account, Tweet

MARKS = {"mentions": ("@", "username"), "hashtags": ("#", "tag"), "cashtags": ("$", "tag")}


def found(text, kind, world):
    """Cut out of the text what its entities point at, and check that they say the same."""
    mark, name = MARKS[kind]
    places = entities(text, (), world.usernames).get(kind, [])
    cut = [text[place["start"] : place["end"]] for place in places]
    assert [one[1:] for one in cut] == [place[name] for place in places]
    assert {one[0] for one in cut} <= {mark, "＃", "＠"}
    return " ".join(one[1:] for one in cut)


@pytest.mark.parametrize(
    "text, tags",
    [
        ("#one #2 #three3 a#four #_ #1_2 #〃 🐦#after", "one three3 after"),
        ("#हिन्दी #ไทย #bе́la #ශ්‍රීලංකා #\U00016f04\U00016f51", None),
        ("#عَلَم #می‌خواهم #עַל־יְדֵי #וכו׳ #col·lecció #メ〜テレ #メ～テレ #བོད་སྐད", None),
        ("(#a )#b ’#c。＃ｄ #e#f ##g &#h #i://j", "a b c ｄ g"),
        ("twitter.com/#no x.y/z#no and/#yes #️⃣ #⃣a \ufe0f#after", "yes after"),
        ("#m² #a½ #x-y #A\U000104a0", "m a x A\U000104a0"),
    ],
)
def test_hashtags_of_all_scripts_are_whole(world, text, tags):
    assert found(text, "hashtags", world) == (text.replace("#", "") if tags is None else tags)


@pytest.mark.parametrize(
    "text, names",
    [
        ("@wren! @nobody me@wren @@wren #@wren @wren@robin ＠wren", "wren wren"),
        ("の@wrenに RT@wren rt:@wren art@wren /@wren example.com/@wren", "wren wren wren wren"),
        ("@wrenè @wren://x @wren/list @wren/7 &@wren @wren_", "wren"),
    ],
)
def test_mentions_of_accounts_are_found(world, text, names):
    assert found(text, "mentions", world) == names


def test_cashtags_are_letters_with_one_short_ending(world):
    text = "$SHINY $5 US$AB $BRK.A $AB_cd, $TEST. $TEST_ $test12 $TooLong $OK$NG $株 $a\u3000$b"

    assert found(text, "cashtags", world) == "SHINY BRK.A AB_cd TEST TEST OK a b"


def test_indices_point_into_the_escaped_text(world):
    """twitter-text reads what was typed, where `&#no` has no hashtag; clients cut what is sent."""
    tweet = Tweet(id="1", author_id="1", text="<3 &#no 🐦🐦 & #yes @wren", minutes_ago=0)
    texted = of(tweet, world)
    [tag], [mention] = texted.entities["hashtags"], texted.entities["mentions"]

    assert texted.text == "&lt;3 &amp;#no 🐦🐦 &amp; #yes @wren"
    assert texted.text[tag["start"] : tag["end"]] == "#yes"
    assert texted.text[mention["start"] : mention["end"]] == "@wren"


def test_a_mention_by_a_former_name_keeps_it():
    account = Account(id="1", username="lapwing", name="Lapwing")
    [place] = entities("@Peewit", (), {"peewit": account})["mentions"]

    assert (place["username"], place["id"]) == ("Peewit", "1")


@pytest.mark.parametrize(
    "text, address",
    [
        ("(see https://en.example/wiki/Primer_(film)).", "https://en.example/wiki/Primer_(film)"),
        ("https://a.example/これは", "https://a.example/"),
        ("https://a.example/Русские_слова。", "https://a.example/Русские_слова"),
        ("日本http://пример.example:80/a?b=c&d=(e)#f, x", "http://пример.example:80/a?b=c&d=(e)#f"),
        ('"https://a.example?x=1" ', "https://a.example?x=1"),
        ("https://a.example/a- #https://b.example", "https://a.example/a-"),
        ("https://a.exampleこれ xhttps://b.example", "https://a.example"),
        ("https://हिन्दी.भारत/", "https://हिन्दी.भारत/"),
        ("https://-a.example http://nowhere https:// http://a_.example/", None),
    ],
)
def test_addresses_end_where_twitter_ends_them(text, address):
    assert [link.expanded for link in linked(text)[1]] == ([address] if address else [])
