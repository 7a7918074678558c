"""Strict about what must be there, lenient about the rest."""

import json
from datetime import UTC, datetime
from itertools import product

import pytest

from app.twitter.errors import InvalidAnswer
from app.twitter.models import Includes, Media, Option, Poll, Profile, Space, Tweet
from app.twitter.models.json_values import as_date

WREN = {"id": "2244994945", "username": "wren", "name": "Wren"}
ROBIN = {"id": "6253282", "username": "robin", "name": "Robin"}
FULL = {
    **WREN,
    "description": "Hedges &amp; ivy #birds",
    "entities": {
        "url": {
            "urls": [
                {
                    "start": 0,
                    "end": 23,
                    "url": "https://t.co/x",
                    "expanded_url": "https://example.com/wren",
                    "display_url": "example.com/wren",
                }
            ]
        },
        "description": {"hashtags": [{"start": 17, "end": 23, "tag": "birds"}]},
    },
    "url": "https://t.co/x",
    "location": "A hedge",
    "profile_image_url": "https://pbs.twimg.com/profile_images/1/wren_normal.jpg",
    "profile_banner_url": "https://pbs.twimg.com/profile_banners/1/1",
    "created_at": "2013-12-14T04:35:55.000Z",
    "verified": True,
    "protected": True,
    "public_metrics": {"followers_count": 3, "following_count": 2, "tweet_count": 1},
    "pinned_tweet_id": "10",
}
NONSENSE: list[object] = [
    None,
    [],
    {},
    "text",
    7,
    -1,
    1.5,
    True,
    10**400,
    [[]],
    [{}],
    {"a": {"b": []}},
]


NOT_IDS = [None, 7, 7.0, "", "a", "-1", "1/2", "../1", "1" * 20, "1\n", "١", ["1"], True]


def unreadable(read, values):
    """Return the values that `read` refuses."""
    refused = []
    for value in values:
        try:
            read(value)
        except InvalidAnswer:
            refused.append(value)
    return refused


# People


def test_a_user_is_read_whole():
    user = Profile.from_json(FULL)

    assert user.bio.plain == "Hedges & ivy #birds"
    assert (user.website, user.website_label) == ("https://t.co/x", "example.com/wren")
    assert user.created_at == datetime(2013, 12, 14, 4, 35, 55, tzinfo=UTC)
    assert (user.followers_count, user.following_count, user.tweet_count) == (3, 2, 1)
    assert user.verified
    assert user.protected
    assert user.pinned_tweet_id == "10"
    assert user.banner_url == "https://pbs.twimg.com/profile_banners/1/1"


def test_the_connection_to_a_user_is_read():
    statuses = [["following", "followed_by"], ["following", 7, None, []], [], None, "following", {}]

    read = [Profile.from_json({**WREN, "connection_status": one}).connections for one in statuses]

    assert read == [{"following", "followed_by"}, {"following"}, *[set()] * 4]


def test_a_stored_profile_leaves_its_connections_out():
    user = Profile.from_json({**WREN, "connection_status": ["following"]})

    assert "connection_status" not in user.to_json()


def test_a_user_needs_only_id_username_and_name():
    user = Profile.from_json(WREN)

    assert user == Profile(id="2244994945", username="wren", name="Wren")


@pytest.mark.parametrize("data", [FULL, WREN], ids=["full", "bare"])
def test_a_stored_user_comes_back_the_same(data):
    user = Profile.from_json(data)

    again = Profile.from_json(json.loads(json.dumps(user.to_json())))

    assert again == user


def test_a_user_stored_before_has_its_old_links():
    link = {"expanded_url": "https://example.com/wren", "display_url": "example.com/wren"}
    bio = {"urls": [{"start": 0, "end": 4, **link}]}
    stored = {**WREN, "description": "link", "entities": {"url": {"urls": [link]}}}
    stored["entities"]["description"] = bio

    user = Profile.from_json(stored)

    assert (user.website, user.website_label) == ("https://example.com/wren", "example.com/wren")
    assert user.bio.pieces[0].target == "https://example.com/wren"


def test_a_user_without_id_username_or_name_is_unreadable():
    less = [{key: WREN[key] for key in WREN if key != name} for name in WREN]
    odd = [{**WREN, "id": bad} for bad in NOT_IDS]
    blank = [{**WREN, "username": " "}, {**WREN, "name": 7}]

    assert unreadable(Profile.from_json, bad := [*NONSENSE, *less, *odd, *blank]) == bad


def test_nonsense_in_the_rest_of_a_user_does_no_harm():
    for field, bad in product(FULL.keys() - WREN.keys(), NONSENSE):
        user = Profile.from_json({**FULL, field: bad})

        assert Profile.from_json(user.to_json()) == user


def test_nonsense_inside_the_entities_of_a_user_does_no_harm():
    for bad in NONSENSE:
        user = Profile.from_json({**FULL, "entities": {"url": {"urls": bad}, "description": bad}})

        assert user.website == "https://t.co/x"


def test_a_blank_name_gives_way_to_the_username():
    assert Profile.from_json({**WREN, "name": ""}).name == "wren"


def test_a_name_with_half_a_character_can_be_sent():
    user = Profile.from_json({**WREN, "name": "Wren\ud83d"})

    assert user.name.encode() == "Wren\N{REPLACEMENT CHARACTER}".encode()


def test_a_stored_profile_stays_small():
    huge = dict.fromkeys(("name", "description", "location", "username"), "x" * 10**6)

    user = Profile.from_json({**WREN, **huge})

    assert len(json.dumps(user.to_json())) < 3_000


def test_an_impossible_count_is_missing():
    metrics = [{"followers_count": bad} for bad in (-1, True, 1.0, "1", 10**16, 10**15)]

    counts = [Profile.from_json({**WREN, "public_metrics": one}).followers_count for one in metrics]

    assert counts == [None] * 5 + [10**15]


def test_the_bigger_avatar_has_its_own_address():
    small = {**WREN, "profile_image_url": "https://pbs.twimg.com/profile_images/1/wren_normal.jpg"}
    only = {**WREN, "profile_image_url": "https://pbs.twimg.com/a.png"}

    bigger = [Profile.from_json(data).avatar_bigger for data in (small, only)]

    assert bigger == [
        "https://pbs.twimg.com/profile_images/1/wren_bigger.jpg",
        "https://pbs.twimg.com/a.png",
    ]


# Tweets


def test_a_tweet_is_joined_with_what_came_along():
    includes = Includes.from_json(
        {
            "users": [WREN],
            "media": [
                {"media_key": "3_1", "type": "photo", "url": "https://pbs.twimg.com/1.jpg"},
                {
                    "media_key": "7_1",
                    "type": "video",
                    "preview_image_url": "https://pbs.twimg.com/2.jpg",
                    "alt_text": "A hedge",
                    "width": 1200,
                    "height": 675,
                },
            ],
        }
    )
    data = {
        "id": "10",
        "text": "Hello",
        "author_id": WREN["id"],
        "attachments": {"media_keys": ["7_1", "3_1", "lost", 7, []]},
        "edit_history_tweet_ids": ["9", "10"],
        "public_metrics": {"like_count": 5, "retweet_count": 2, "reply_count": 0},
    }

    tweet = Tweet.from_json(data, includes)

    assert tweet.author == Profile.from_json(WREN)
    assert [media.media_key for media in tweet.media] == ["7_1", "3_1"]
    assert tweet.edited
    assert (tweet.like_count, tweet.repost_count, tweet.reply_count) == (5, 2, 0)


def test_a_tweet_needs_only_id_and_text():
    tweet = Tweet.from_json({"id": "10", "text": ""}, Includes())

    assert (tweet.id, tweet.text.raw, tweet.author) == ("10", "", None)


def test_a_tweet_without_id_or_text_is_unreadable():
    bad = [*NONSENSE, {"id": "10"}, {"text": "a"}, {"id": "1/2", "text": "a"}]
    bad.append({"id": "1", "text": 7})

    assert unreadable(lambda data: Tweet.from_json(data, Includes()), bad) == bad


def test_a_long_post_is_read_whole_with_its_own_entities():
    note = {"text": "a #b", "entities": {"hashtags": [{"start": 2, "end": 4, "tag": "b"}]}}

    tweet = Tweet.from_json({"id": "1", "text": "a…", "note_tweet": note}, Includes())

    assert [piece.text for piece in tweet.text.pieces] == ["a ", "#b"]


def test_a_repost_carries_its_original():
    original = {"id": "9", "text": "whole", "author_id": ROBIN["id"]}
    includes = Includes.from_json({"tweets": [original], "users": [ROBIN]})
    data = {"id": "10", "text": "RT @robin: wh…", "referenced_tweets": [REPOSTS]}

    tweet = Tweet.from_json(data, includes)

    assert tweet.original.text.raw == "whole"
    assert tweet.original.author.username == "robin"


def test_a_tweet_that_reposts_itself_ends():
    itself = {"id": "9", "text": "again", "referenced_tweets": [{"type": "retweeted", "id": "9"}]}

    tweet = Tweet.from_json(itself, Includes.from_json({"tweets": [itself]}))

    assert tweet.original.original is None


def test_a_reply_is_no_repost():
    includes = Includes.from_json({"tweets": [{"id": "9", "text": "asked"}]})
    data = {"id": "10", "text": "yes", "referenced_tweets": [{"type": "replied_to", "id": "9"}]}

    tweet = Tweet.from_json(data, includes)

    assert (tweet.is_reply, tweet.original, tweet.quoted) == (True, None, None)


def test_includes_that_did_not_come_along_are_missing():
    data = {"id": "10", "text": "RT @robin: wh…", "author_id": "1", "referenced_tweets": [REPOSTS]}

    tweet = Tweet.from_json(data | {"attachments": {"poll_ids": ["5"]}}, Includes())

    assert (tweet.author, tweet.original, tweet.poll) == (None, None, None)
    assert tweet.text.raw == "RT @robin: wh…"


def test_a_repost_is_known_by_what_it_says_of_itself():
    reposts = {"id": "10", "text": "RT @robin: wh…", "referenced_tweets": [REPOSTS]}
    original = {"id": "9", "text": "whole"}

    alone = Tweet.from_json(reposts, Includes())
    together = Tweet.from_json(reposts, Includes.from_json({"tweets": [original]}))

    assert (alone.is_repost, alone.original) == (True, None)
    assert (together.is_repost, together.original.is_repost) == (True, False)


@pytest.mark.parametrize(
    "attachments, hides",
    [
        ({"media_keys": ["3_1"]}, False),
        ({"media_keys": ["3_1", "3_2"]}, True),
        ({"media_keys": ["3_1"] * 5}, False),  # of which a page shows four
        ({"poll_ids": ["5"]}, True),
        ({"media_keys": "nonsense"}, False),
        ({}, False),
    ],
)
def test_attachments_that_did_not_come_along_are_hidden(attachments, hides):
    picture = {"media_key": "3_1", "type": "photo", "url": "https://pbs.twimg.com/1.jpg"}
    data = {"id": "10", "text": "Look", "attachments": attachments}

    tweet = Tweet.from_json(data, Includes.from_json({"media": [picture]}))

    assert tweet.hides_attachment is hides


@pytest.mark.parametrize(
    "sent, read",
    [
        ("ja", "ja"),
        ("zh-CN", "zh-CN"),
        ("hi-Latn", "hi-Latn"),
        ("ckb", "ckb"),
        # Withdrawn names
        ("in", "id"),
        ("iw", "he"),
        ("ji", "yi"),
        # Twitter could not tell, or means something of its own: links, mentions, hashtags only
        *[(code, "") for code in ("und", "zxx", "art", "qam", "qct", "qht", "qme", "qst", "qaa")],
        ("que", "que"),
        # No language at all
        *[(bad, "") for bad in ("", "e", "english", "en_GB", 'en" onload', "EN", None, 7, ["en"])],
    ],
)
def test_a_language_is_one_that_a_browser_knows(sent, read):
    tweet = Tweet.from_json({"id": "10", "text": "a", "lang": sent}, Includes())
    space = Space.from_json({"id": "1D", "state": "live", "lang": sent}, Includes())

    assert (tweet.lang, space.lang) == (read, read)


def test_a_name_that_nobody_sees_gives_way_to_the_username():
    for blank in ("\u3164", " \u200b ", "\u3164" * 300 + "Wren"):
        assert Profile.from_json({"id": "1", "username": "wren", "name": blank}).name == "wren"


def test_blank_texts_are_no_texts():
    user = Profile.from_json(
        {"id": "1", "username": "wren", "name": "W", "location": "\u3164", "description": "\u2800"}
    )
    space = Space.from_json({"id": "1D", "state": "live", "title": "\u200b"}, Includes())

    assert (user.location, bool(user.bio), space.title) == ("", False, "")


@pytest.mark.parametrize("username", ["\u3164", "", " "])
def test_a_blank_username_is_unreadable(username):
    assert unreadable(Profile.from_json, [{"id": "1", "username": username, "name": "W"}])


@pytest.mark.parametrize("article, title", [({"title": "On standing still"}, "On standing still")])
def test_an_article_has_a_title(article, title):
    tweet = Tweet.from_json({"id": "1", "text": "", "article": article}, Includes())

    assert tweet.article_title == title


def test_nonsense_for_an_article_is_none():
    for bad in [*NONSENSE, {"title": 7}, {"title": "\u3164"}]:
        assert (
            Tweet.from_json({"id": "1", "text": "", "article": bad}, Includes()).article_title == ""
        )


def test_only_true_is_sensitive():
    read = [
        Tweet.from_json(
            {"id": "1", "text": "", "possibly_sensitive": value}, Includes()
        ).is_sensitive
        for value in (True, False, None, "true", 1)
    ]

    assert read == [True, False, False, False, False]


QUOTES = {"type": "quoted", "id": "9"}
REPOSTS = {"type": "retweeted", "id": "9"}
QUOTING = {
    "id": "10",
    "text": "This. https://t.co/q",
    "entities": {
        "urls": [
            {
                "start": 6,
                "end": 20,
                "url": "https://t.co/q",
                "expanded_url": "https://x.com/robin/status/9",
                "display_url": "x.com/robin/status/9",
            }
        ]
    },
    "referenced_tweets": [QUOTES],
}


def test_a_quoted_tweet_comes_along_with_its_author_and_pictures():
    picture = {"media_key": "3_1", "type": "photo", "url": "https://pbs.twimg.com/1.jpg"}
    quoted = {
        "id": "9",
        "text": "what",
        "author_id": ROBIN["id"],
        "attachments": {"media_keys": ["3_1"]},
    }
    includes = Includes.from_json({"tweets": [quoted], "users": [ROBIN], "media": [picture]})

    tweet = Tweet.from_json(QUOTING, includes)

    assert (tweet.quoted.text.raw, tweet.quoted.author.username) == ("what", "robin")
    assert [media.media_key for media in tweet.quoted.media] == ["3_1"]
    assert not tweet.is_reply


def test_the_link_to_a_quoted_tweet_that_is_shown_is_known():
    includes = Includes.from_json({"tweets": [{"id": "9", "text": "what"}]})

    tweet = Tweet.from_json(QUOTING, includes)

    assert [piece.kind for piece in tweet.text.pieces] == ["plain", "quote"]
    assert not tweet.hides_quote


def test_the_link_to_a_quoted_tweet_that_is_gone_stays_a_link():
    tweet = Tweet.from_json(QUOTING, Includes())

    assert (tweet.quoted, tweet.hides_quote) == (None, True)
    assert [piece.kind for piece in tweet.text.pieces] == ["plain", "url"]


def test_an_included_tweet_hides_no_quote_as_its_quotes_never_come_along():
    repost = {"id": "11", "text": "RT", "referenced_tweets": [{"type": "retweeted", "id": "10"}]}

    tweet = Tweet.from_json(repost, Includes.from_json({"tweets": [QUOTING]}))

    assert (tweet.hides_quote, tweet.original.hides_quote) == (False, False)


def test_a_tweet_with_more_than_one_version_is_edited():
    tweets = [
        Tweet.from_json({"id": "10", "text": "a", "edit_history_tweet_ids": versions}, Includes())
        for versions in ([], ["10"], ["9", "10"], ["10", "11"], ["10", "../11"])
    ]

    assert [tweet.edited for tweet in tweets] == [False, False, True, True, True]
    assert [tweet.live_id for tweet in tweets] == ["10", "10", "10", "11", "10"]


def test_a_tweet_shows_four_pictures_at_most():
    picture = {"media_key": "3_1", "url": "https://pbs.twimg.com/1.jpg", "alt_text": "A wren"}
    data = {"id": "10", "text": "a", "attachments": {"media_keys": ["3_1"] * 5}}

    tweet = Tweet.from_json(data, Includes.from_json({"media": [picture]}))

    assert [media.alt_text for media in tweet.media] == ["A wren"] * 4


# Polls

POLL = {
    "id": "5",
    "options": [
        {"position": 1, "label": "Ivy", "votes": 3},
        {"position": 2, "label": "Hedge", "votes": 1},
    ],
    "end_datetime": "2026-09-01T04:00:00.000Z",
    "voting_status": "open",
}


def test_a_poll_comes_with_its_tweet():
    data = {"id": "10", "text": "Where?", "attachments": {"poll_ids": ["5"]}}

    poll = Tweet.from_json(data, Includes.from_json({"polls": [POLL]})).poll

    assert poll.options == (Option(label="Ivy", votes=3), Option(label="Hedge", votes=1))
    assert (poll.votes, poll.status) == (4, "open")
    assert poll.ends_at == datetime(2026, 9, 1, 4, tzinfo=UTC)


def test_a_poll_without_options_is_unreadable():
    bad = [*NONSENSE, {"options": []}, {"options": "text"}]

    assert unreadable(Poll.from_json, bad) == bad


def test_nonsense_in_the_rest_of_a_poll_does_no_harm():
    for bad in NONSENSE:
        options = [{"label": bad, "votes": bad}, bad]

        poll = Poll.from_json({"options": options, "end_datetime": bad, "voting_status": bad})

        assert (len(poll.options), poll.status in {"open", "closed"}) == (2, False)


def test_a_poll_is_never_endless():
    assert len(Poll.from_json({"options": [{"label": "a"}] * 1_000}).options) == 4


def test_nonsense_in_the_rest_of_a_tweet_does_no_harm():
    fields = ["attachments", "author_id", "created_at", "edit_history_tweet_ids", "entities"]
    fields += ["note_tweet", "public_metrics", "referenced_tweets"]

    for field, bad in product(fields, [*NONSENSE, [{"type": "retweeted", "id": []}]]):
        tweet = Tweet.from_json({"id": "10", "text": "Hello", field: bad}, Includes())

        assert tweet.text.raw == "Hello"


def test_includes_that_make_no_sense_are_left_out():
    for bad in [*NONSENSE, {"users": [{"id": []}, {"id": "1"}], "media": [[]]}]:
        assert Includes.from_json(bad).user("1") is None


def test_a_picture_without_an_address_is_unreadable():
    with pytest.raises(InvalidAnswer):
        Media.from_json({"media_key": "3_1", "type": "photo", "url": "javascript:alert(1)"})


# Spaces


def test_a_space_is_joined_with_its_people():
    includes = Includes.from_json({"users": [WREN, ROBIN]})
    data = {
        "id": "1DXxyRYNejbKM",
        "state": "scheduled",
        "title": "Dawn chorus",
        "creator_id": WREN["id"],
        "host_ids": [ROBIN["id"], WREN["id"], "404"],
        "speaker_ids": [WREN["id"], "404"],
        "scheduled_start": "2026-09-01T04:00:00.000Z",
        "ended_at": "2026-09-01T05:00:00.000Z",
    }

    space = Space.from_json(data, includes)

    assert space.creator.username == "wren"
    assert [host.username for host in space.hosts] == ["robin", "wren"]
    assert [speaker.username for speaker in space.speakers] == ["wren"]
    assert space.scheduled_start == datetime(2026, 9, 1, 4, tzinfo=UTC)
    assert space.ended_at == datetime(2026, 9, 1, 5, tzinfo=UTC)


def test_a_space_without_id_or_state_is_unreadable():
    bad = [*NONSENSE, {"id": "1a"}, {"id": "1/a", "state": "live"}, {"id": "1" * 14, "state": "x"}]

    assert unreadable(lambda data: Space.from_json(data, Includes()), bad) == bad


def test_nonsense_in_the_rest_of_a_space_does_no_harm():
    fields = ["title", "creator_id", "host_ids", "speaker_ids", "participant_count", "ended_at"]

    for field, bad in product(fields, NONSENSE):
        space = Space.from_json({"id": "1a", "state": "live", field: bad}, Includes())

        assert space.state == "live"


def test_a_space_names_ten_hosts_at_most():
    includes = Includes.from_json({"users": [WREN]})

    space = Space.from_json({"id": "1a", "state": "live", "host_ids": [WREN["id"]] * 11}, includes)

    assert len(space.hosts) == 10


# Dates


def test_dates_are_read_leniently():
    texts = [
        "2013-12-14T04:35:55.000Z",
        "2013-12-14T04:35:55Z",
        "2013-12-14T4:35:55Z",
        "2013-12-14T04:35:55+00:00",
    ]

    assert set(map(as_date, texts)) == {datetime(2013, 12, 14, 4, 35, 55, tzinfo=UTC)}


def test_an_impossible_date_is_missing():
    impossible = ["2013-13-14T04:35:55Z", "2013-02-30T00:00:00Z", "0000-01-01T00:00:00Z", "now"]

    assert [as_date(bad) for bad in [*NONSENSE, *impossible] if as_date(bad) is not None] == []
