"""Cutting, unescaping and linking what people write."""

import pytest

from app.twitter.tweet_text import (
    LONGEST,
    Piece,
    Text,
    clean,
    is_blank,
    isolated,
    unescape,
    web_address,
)


def url(start, end, **more):
    link = {"expanded_url": "https://example.com/ivy", "display_url": "example.com/ivy"}
    return {"start": start, "end": end, "url": "https://t.co/a", **link, **more}


def test_text_without_entities_is_one_plain_piece():
    assert Text.from_json("Good morning", None).pieces == (Piece("Good morning"),)
    assert Text.from_json("", None).pieces == ()
    assert not Text.from_json("", None)


def test_indices_count_code_points_not_utf16_units():
    text = Text.from_json("🌿🌿 #ivy", {"hashtags": [{"start": 3, "end": 7, "tag": "ivy"}]})

    assert text.pieces == (Piece("🌿🌿 "), Piece("#ivy", "hashtag", "ivy"))


def test_text_is_cut_before_it_is_unescaped():
    entities = {"mentions": [{"start": 6, "end": 12, "username": "robin"}]}

    text = Text.from_json("&amp; @robin &lt;3", {"mentions": entities["mentions"]})

    assert text.pieces == (Piece("& "), Piece("@robin", "mention", "robin"), Piece(" <3"))


def test_only_the_escapes_of_twitter_are_unescaped_and_once():
    assert unescape("&amp;lt;b&amp;gt; &copy &quot; &#39;") == "&lt;b&gt; &copy &quot; &#39;"


@pytest.mark.parametrize(
    "more, label, target",
    [
        ({}, "example.com/ivy", "https://t.co/a"),
        ({"display_url": None}, "https://example.com/ivy", "https://t.co/a"),
        ({"display_url": None, "expanded_url": None}, "https://t.co/a", "https://t.co/a"),
        ({"url": "javascript:alert(1)"}, "example.com/ivy", "https://example.com/ivy"),
    ],
    ids=["documented", "without a label", "short alone", "hostile"],
)
def test_a_link_shows_its_display_url_and_leads_to_the_short_one(more, label, target):
    text = Text.from_json("see https://t.co/a", {"urls": [url(4, 18, **more)]})

    assert text.pieces[1] == Piece(label, "url", target)


PHOTO = "https://x.com/wren/status/10/photo/1"
VIDEO = "https://twitter.com/wren/status/10/video/1"


@pytest.mark.parametrize(
    "kind, links",
    [
        (
            "media",
            [
                {"media_key": "3_1"},
                {"expanded_url": PHOTO, "display_url": "pic.x.com/abcDEF"},
                {"expanded_url": VIDEO, "display_url": "pic.twitter.com/abcDEF"},
            ],
        ),
        (  # somebody else's picture, and addresses that only look like one
            "url",
            [
                {"expanded_url": PHOTO, "display_url": "x.com/wren/status/10…"},
                {"display_url": "pic.x.com/abcDEF"},
                {
                    "expanded_url": "https://topic.x.com/status/1/photo/1",
                    "display_url": "topic.x.com/a",
                },
                {"expanded_url": PHOTO, "display_url": 7},
            ],
        ),
    ],
)
def test_the_link_of_a_picture_is_known_as_such(kind, links):
    texts = [Text.from_json("https://t.co/a", {"urls": [url(0, 14, **more)]}) for more in links]

    assert {text.pieces[0].kind for text in texts} == {kind}


def tagged(sign, kind, tag):
    place = {"start": 0, "end": len(tag) + 1, "tag": tag}
    return Text.from_json(f"{sign}{tag}", {f"{kind}s": [place]}).pieces


def test_cashtags_are_found():
    tags = ["SEED", "BRK.A", "RDS_B", "0700"]

    found = [tagged("$", "cashtag", tag) for tag in tags]

    assert found == [(Piece(f"${tag}", "cashtag", tag),) for tag in tags]


def test_hashtags_are_found_in_every_script():
    tags = ["ivy", "élan", "鳥", "हिन्दी", "ไทย", "می‌خواهم", "col·lecció", "a_1"]
    tags += ["メ\u301cテレ", "メ\uff5eテレ", "עַל־יְדֵי", "བོད་སྐད", "各〃"]

    found = [tagged("#", "hashtag", tag) for tag in tags]

    assert found == [(Piece(f"#{tag}", "hashtag", tag),) for tag in tags]


def test_an_impossible_tag_is_left_plain():
    tags = ["", "a b", "a/b", "a?b", "a#b", "a\n", "a\u202eb", "a" * 281]

    found = [tagged("#", kind, tag) for tag in tags for kind in ("hashtag", "cashtag")]

    assert {piece.kind for pieces in found for piece in pieces} == {"plain"}


def test_several_entities_of_one_range_are_shown_once():
    # Four pictures share one short address.
    links = [url(5, 19, media_key=f"3_{number}") for number in range(4)]

    text = Text.from_json("look https://t.co/a", {"urls": links})

    assert [piece.kind for piece in text.pieces] == ["plain", "media"]


def test_characters_before_an_entity_count_as_they_are_sent():
    for sign in ["🌿", "👩\u200d🚀", "e\u0301", "🇮🇸", "𝒲", "&amp;"]:
        start = len(sign) + 1
        mention = {"start": start, "end": start + 5, "username": "wren"}

        text = Text.from_json(f"{sign} @wren!", {"mentions": [mention]})

        assert text.pieces[1:] == (Piece("@wren", "mention", "wren"), Piece("!"))


# The link to a quoted Tweet

QUOTE = {"expanded_url": "https://x.com/robin/status/9", "display_url": "x.com/robin/status/9"}


def kinds(raw, *links, quoting="9"):
    text = Text.from_json(raw, {"urls": list(links)}).quoting(quoting)
    return [piece.kind for piece in text.pieces]


def test_the_link_to_the_quoted_tweet_is_known_as_such():
    addresses = [
        "https://x.com/robin/status/9",
        "https://twitter.com/robin/status/9?s=20",
        "https://twitter.com/i/web/status/9/",
    ]

    read = [kinds("This https://t.co/a", url(5, 19, expanded_url=one)) for one in addresses]

    assert read == [["plain", "quote"]] * 3


def test_a_quote_may_be_followed_by_pictures_and_blanks():
    links = [url(0, 14, **QUOTE), url(15, 29, media_key="3_1")]

    assert kinds("https://t.co/a https://t.co/b \n", *links) == ["quote", "plain", "media", "plain"]


@pytest.mark.parametrize(
    "raw, links, expected",
    [
        ("https://t.co/a says it", [url(0, 14, **QUOTE)], ["url", "plain"]),
        ("https://t.co/a", [url(0, 14)], ["url"]),
        ("https://t.co/a", [url(0, 14, **QUOTE | {"media_key": "3_1"})], ["media"]),
        (
            "a https://t.co/a",
            [url(2, 16, **QUOTE | {"expanded_url": "https://x.com/status/99"})],
            ["plain", "url"],
        ),
        ("https://t.co/a", [url(0, 14, expanded_url="https://x.com/9?q=/status/9")], ["url"]),
        ("no link", [], ["plain"]),
        ("", [], []),
    ],
)
def test_other_links_stay_what_they_are(raw, links, expected):
    assert kinds(raw, *links) == expected


def test_a_mention_at_the_end_hides_no_quote():
    entities = {
        "urls": [url(0, 14, **QUOTE)],
        "mentions": [{"start": 15, "end": 20, "username": "wren"}],
    }

    text = Text.from_json("https://t.co/a @wren", entities).quoting("9")

    assert [piece.kind for piece in text.pieces] == ["url", "plain", "mention"]


def test_only_the_last_link_to_the_quoted_tweet_is_marked():
    links = [url(0, 14, **QUOTE), url(15, 29, **QUOTE)]

    assert kinds("https://t.co/a https://t.co/a", *links) == ["url", "plain", "quote"]


def test_entities_are_read_in_the_order_of_the_text():
    entities = {
        "urls": [url(3, 17)],
        "mentions": [{"start": 0, "end": 2, "username": "a"}],
    }

    text = Text.from_json("@a https://t.co/a", entities)

    assert [piece.kind for piece in text.pieces] == ["mention", "plain", "url"]


def test_an_impossible_range_is_ignored():
    ranges = [(-1, 2), (2, 2), (3, 1), (0, 99), ("0", 2), (0.0, 2), (True, 2), (None, 2)]

    for start, end in [*ranges, (0, 10**400)]:
        mention = {"start": start, "end": end, "username": "w"}

        assert Text.from_json("@wren", {"mentions": [mention]}).pieces == (Piece("@wren"),)


def test_entities_that_make_no_sense_leave_the_text_plain():
    nonsense = [
        [],
        "text",
        7,
        {"urls": None},
        {"urls": "text"},
        {"urls": [None, 1, "a", []]},
        {"urls": [{"start": 0, "end": 2}]},
        {"urls": [{"start": 0, "end": 2, "url": ["https://t.co"], "expanded_url": {}}]},
        {"mentions": [{"start": 0, "end": 2}]},
        {"mentions": [{"start": 0, "end": 2, "username": "../../settings"}]},
        {"hashtags": [{"start": 0, "end": 2, "tag": "a/b"}]},
        {"hashtags": [{"start": 0, "end": 2, "tag": ["a"]}]},
        {"cashtags": [{"start": 0, "end": 2, "tag": None}]},
        # Their ends are inclusive, and they lead nowhere.
        {"annotations": [{"start": 0, "end": 3, "type": "Person", "normalized_text": "Wren"}]},
    ]

    read = {Text.from_json("hello", entities).pieces for entities in nonsense}

    assert read == {(Piece("hello"),)}


def test_entities_written_are_entities_read():
    entities = {
        "urls": [url(0, 2)],
        "mentions": [{"start": 3, "end": 5, "username": "wren"}],
        "hashtags": [{"start": 6, "end": 8, "tag": "ivy"}, {"start": 9, "end": 11, "tag": "é"}],
    }
    text = Text.from_json("aa bb cc dd", entities)

    again = Text.from_json(text.raw, text.entities_json())

    assert again == text


def test_characters_that_cannot_be_stored_or_sent_are_replaced():
    cleaned = {clean(f"a{bad}b") for bad in ["\x00", "\x1b", "\x7f", "\ud83d"]}

    assert cleaned == {"a\N{REPLACEMENT CHARACTER}b"}


def test_line_ends_and_tabs_stay():
    assert clean("a\r\n\tb") == "a\r\n\tb"


def test_endless_text_is_cut():
    assert len(clean("a" * 10**6)) == LONGEST


def test_web_addresses_are_kept():
    kept = ["https://example.com", "http://127.0.0.1:9000/a_normal.svg", "https://ä.example/ü?q"]

    assert [web_address(address) for address in kept] == kept


def test_other_addresses_are_dropped():
    others = [
        None,
        7,
        ["https://example.com"],
        "",
        "/local",
        "//example.com",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,hello",
        "https:",
        "https:///path",
        "https://example.com\\@evil.example",
        "https://example.com/\n",
        " https://example.com",
        "java\tscript:alert(1)",
        "https://example.com/\u202egnp.exe",
        'https://example.com/"onerror="alert(1)',
        "https://example.com/<script>",
        "https://[::1",
        "https://example.com/" + "a" * 2000,
        "https://\ud800.example",
    ]

    assert [address for address in others if web_address(address) != ""] == []


# What can be seen


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \t\n",
        "\u3164",  # a letter to Unicode, an empty space to everybody
        "\u115f\u1160\uffa0",
        "\u200b\u200d\ufeff\u2060",
        "\u202e\u2067\u061c",
        "\u034f\u180e\ufe0f\u00ad",
        "\u2800",
        "\U000e0041",
        " \u3164 \u200b",
    ],
)
def test_a_text_without_a_shape_is_blank(text):
    assert is_blank(text)
    assert not Text(text)


@pytest.mark.parametrize(
    "text", ["a", "\u3164a", "\u0939\u093f", "🪶", "👨\u200d👩\u200d👧", "\ufffd", "."]
)
def test_a_text_with_one_shape_is_not_blank(text):
    assert not is_blank(text)
    assert Text(text)


def test_a_blank_label_gives_way_to_the_address():
    link = {"start": 0, "end": 1, "url": "https://t.co/a", "display_url": "\u3164"}

    assert Text.from_json("a", {"urls": [link]}).pieces[0].text == "https://t.co/a"


def test_text_for_a_title_stays_within_its_isolate():
    assert isolated("@robin") == "@robin"
    assert isolated("\u202ePinguïn\u2069 \u200f") == "\u2068Pinguïn \u2069"


# Who is mentioned


def test_a_mention_says_who_by_id():
    mention = {"start": 0, "end": 7, "username": "peewit", "id": "1014"}

    text = Text.from_json("@peewit", {"mentions": [mention]})

    assert text.pieces == (Piece("@peewit", "mention", "peewit", "1014"),)
    assert Text.from_json("@peewit", text.entities_json()) == text


@pytest.mark.parametrize("bad", [None, 1014, "", "abc", "1/2", "-1", "1" * 20, "\u0661"])
def test_a_mention_without_a_proper_id_is_one_by_name(bad):
    mention = {"start": 0, "end": 7, "username": "peewit", "id": bad}

    assert Text.from_json("@peewit", {"mentions": [mention]}).pieces[0].user_id == ""


# Direction


@pytest.mark.parametrize(
    "raw, is_right_to_left",
    [
        ("", False),
        ("Good morning", False),
        ("123 …", False),
        ("שלום wren", True),
        ("🐦 2 صباح الخير", True),
        ("Wren says שלום", False),
        ("@robin שלום", True),
        ("@שלום good morning", False),
    ],
)
def test_the_first_letter_outside_links_decides_the_direction(raw, is_right_to_left):
    place = {"start": 0, "end": len(raw.split(" ")[0]), "username": "robin"}
    entities = {"mentions": [place]} if raw.startswith("@") else None

    assert Text.from_json(raw, entities).is_right_to_left is is_right_to_left
