"""The Tweet pages: a paged timeline, one Tweet, and all content of Tweets."""

import re
from html import unescape

import pytest

from tests.dialects import LIVE, in_both_dialects, in_the_beta
from tests.factories import user_answer
from tests.web.answers import (
    FOLLOWING,
    ME,
    NOT_IN_PLAN,
    OUT_OF_CREDITS,
    PROBLEMS,
    ROBIN,
    gone,
    hidden,
    problem,
    reads,
    suspended,
)

TIMELINE, TWEET = LIVE.tweets, "/tweets/10"
PROFILE = f"/users/{ME}"
PICTURES = "https://pbs.twimg.com"
TOKEN, BACK = "7140dibdnow9c7btw480y5x0i4", "77qp89hwl5qy1a2b3c4d5e6f7g"
WREN = user_answer()["data"]
BAD_TOKEN = {
    "errors": [{"parameters": {"pagination_token": [TOKEN]}, "message": "is not valid"}],
    "title": "Invalid Request",
    "detail": "One or more parameters to your request was invalid.",
    "type": f"{PROBLEMS}/invalid-request",
}
EXPIRED = "This part of the list has expired."


def tweet(**changes):
    said = {"id": "10", "text": "Good morning", "author_id": ME, "edit_history_tweet_ids": ["10"]}
    return said | {"created_at": "2020-05-01T04:35:55.000Z"} | changes


def timeline(*tweets, meta=None, **includes):
    users = [WREN, ROBIN]
    return {"data": list(tweets), "includes": {"users": users, **includes}, "meta": meta or {}}


def asked(twitter, path):
    return [call.request.params for call in twitter.calls_to(path)]


def links(page, rel):
    return [unescape(href) for href in re.findall(rf'rel="{rel}" href="([^"]+)"', page)]


@pytest.fixture
def shown(signed_in, twitter):
    """Show a Tweet of this kind among others and return what the page says."""

    def show(changes, **includes):
        twitter.get("/tweets", json=timeline(tweet(**changes), **includes))
        return signed_in.get("/tweets/lookup?ids=10").text

    return show


# A timeline, part by part


@pytest.mark.parametrize(
    "path, meta, before, after",
    [
        ("/tweets", {}, [], []),
        ("/tweets", {"next_token": TOKEN}, [], [f"/tweets?page=2&token={TOKEN}"]),
        ("/tweets?page=7", {"next_token": TOKEN}, [], [f"/tweets?page=2&token={TOKEN}"]),
        ("/tweets?page=2&token=here", {"previous_token": BACK}, ["/tweets"], []),
        (
            "/tweets?page=3&token=here",
            {"next_token": TOKEN, "previous_token": BACK},
            [f"/tweets?page=2&token={BACK}"],
            [f"/tweets?page=4&token={TOKEN}"],
        ),
        ("/tweets?page=5&token=here", {}, ["/tweets"], []),
        ("/tweets?page=160&token=here", {"next_token": TOKEN}, ["/tweets"], []),
    ],
)
def test_a_part_leads_to_those_beside_it(signed_in, twitter, path, meta, before, after):
    twitter.get(TIMELINE, json=timeline(tweet(), meta=meta))

    page = signed_in.get(path).text

    assert (links(page, "prev"), links(page, "next")) == (before, after)
    assert asked(twitter, TIMELINE)[0]["max_results"] == "20"
    token = "here" if "token" in path else None
    assert asked(twitter, TIMELINE)[0].get("pagination_token") == token
    assert ('class="paging"' in page) == bool(before or after)


def test_the_way_back_is_named_for_where_it_leads(signed_in, twitter):
    twitter.get(TIMELINE, json=timeline(tweet()))

    second = signed_in.get("/tweets?page=2&token=here").text
    fifth = signed_in.get("/tweets?page=5&token=here").text

    assert ">Newer</a>" in second
    assert ">Back to the beginning</a>" in fifth
    assert "Page 5" in fifth


@pytest.mark.parametrize(
    "answer",
    [{"status": 400, "json": BAD_TOKEN}, {"status": 400, "body": "no"}],
)
def test_a_part_that_has_expired_leads_to_the_beginning(signed_in, twitter, answer):
    twitter.get(TIMELINE, **answer)

    pages = [signed_in.get(f"/tweets?page=3&token={TOKEN}") for _ in range(2)]

    for page in pages:
        assert page.status_code == 200
        assert EXPIRED in page.text
        assert 'href="/tweets">Back to the beginning</a>' in page.text


END, GOES_ON = "This is the end of the list.", "This part of the list is empty. More may follow."


@pytest.mark.parametrize(
    "path, meta, said, before, after",
    [
        ("/tweets?page=2&token=here", {"previous_token": BACK}, END, ["/tweets"], []),
        ("/tweets?page=2&token=here", {}, END, ["/tweets"], []),
        ("/tweets", {"next_token": TOKEN}, GOES_ON, [], [f"/tweets?page=2&token={TOKEN}"]),
        (
            "/tweets?page=2&token=here",
            {"next_token": TOKEN},
            GOES_ON,
            ["/tweets"],
            [f"/tweets?page=3&token={TOKEN}"],
        ),
        ("/tweets", {}, "You have not tweeted yet.", [], []),
    ],
)
def test_a_part_without_tweets_is_still_a_part(signed_in, twitter, path, meta, said, before, after):
    twitter.get(TIMELINE, json={"meta": {"result_count": 0, **meta}})

    page = signed_in.get(path).text

    assert said in page
    assert EXPIRED not in page
    assert (links(page, "prev"), links(page, "next")) == (before, after)
    # Scripts put the next part into it, or this one into the list of the part before.
    assert ('id="tweets-list"' in page) == (said != "You have not tweeted yet.")


def test_an_empty_first_part_claims_nothing_at_home(signed_in, twitter):
    twitter.get(TIMELINE, json={"meta": {"result_count": 0, "next_token": TOKEN}})

    page = signed_in.get("/").text

    assert GOES_ON in page
    assert "You have not tweeted yet." not in page


def test_a_made_up_part_is_not_asked_for(signed_in, twitter):
    made_up = [
        "page=3&token=with%20space",
        "page=3&token=" + "a" * 401,
        "page=3&token=%0A",
        "page=1&token=here",
        "page=-1&token=here",
        "page=many&token=here",
        "page=161&token=here",
        "token=here",
    ]

    pages = {query: signed_in.get(f"/tweets?{query}") for query in made_up}

    assert [query for query, page in pages.items() if EXPIRED not in page.text] == []
    assert {page.status_code for page in pages.values()} == {200}
    assert asked(twitter, TIMELINE) == []


@pytest.mark.parametrize(
    "answer, sentence",
    [
        ({"status": 503}, "Twitter is not answering."),
        (NOT_IN_PLAN, "This site does not pay Twitter for this."),
        (OUT_OF_CREDITS, "This site has used up what it may ask of Twitter"),
    ],
)
def test_trouble_on_a_later_part_is_no_expired_token(signed_in, twitter, answer, sentence):
    twitter.get(TIMELINE, **answer)

    page = signed_in.get(f"/tweets?page=3&token={TOKEN}").text

    assert sentence in page
    assert EXPIRED not in page


def test_refreshing_a_part_stays_in_it(signed_in, twitter, clock):
    twitter.get(TIMELINE, json=timeline(tweet()))
    path = f"/tweets?page=3&token={TOKEN}"
    form = r'class="freshness" method="post" action="([^"]+)"'
    action = re.search(form, signed_in.get(path).text)[1]
    clock.advance(minutes=1)

    answer = signed_in.press(path, refresh="tweets")

    assert unescape(action) == path
    assert (answer.status_code, answer.location) == (303, path)
    assert [params["pagination_token"] for params in asked(twitter, TIMELINE)] == [TOKEN, TOKEN]


# One Tweet


@in_both_dialects
def test_one_tweet_says_its_exact_time_and_leads_to_twitter(signed_in, twitter, dialect):
    twitter.get(TWEET, json={"data": tweet(), "includes": {"users": [WREN]}})

    page = signed_in.get("/tweets/10").text

    assert ">1 May 2020, 04:35 UTC</time>" in page
    assert f'href="{dialect.home}/i/web/status/10"' in page


def test_an_impossible_id_is_not_found(signed_in, twitter):
    ids = ["abc", "-5", "1" * 20, "1.0", "10%20", "%0A10", "١٢"]

    found = {tweet_id: signed_in.get(f"/tweets/{tweet_id}").status_code for tweet_id in ids}

    assert found == dict.fromkeys(ids, 404)
    assert reads(twitter) == []


@pytest.mark.parametrize(
    "error, sentence",
    [
        (gone("10"), "This Tweet is gone: deleted, or never written."),
        (
            hidden("10"),
            "This Tweet is protected: only people its author approved can read it.",
        ),
        (suspended("10"), "The account that wrote this Tweet is suspended."),
        (problem("something-new"), "Twitter does not show this Tweet to us."),
    ],
)
def test_a_missing_tweet_says_why_and_no_more(signed_in, twitter, error, sentence):
    twitter.get(TWEET, json={"errors": [error]})

    answer = signed_in.get("/tweets/10")

    assert answer.status_code == 200
    assert sentence in answer.text
    assert "Tweet 10" in answer.text


@pytest.mark.parametrize(
    "path, title",
    [
        ("/tweets", "Tweets"),
        ("/tweets?page=2&token=here", "Tweets, page 2"),
        ("/tweets/10", "Tweet by @wren: Good morning"),
    ],
)
def test_each_page_title_is_distinct(signed_in, twitter, path, title):
    twitter.get(TIMELINE, json=timeline(tweet()))
    twitter.get(TWEET, json={"data": tweet(), "includes": {"users": [WREN]}})

    page = signed_in.get(path).text

    assert f"<title>{title} · " in page


# The content of a Tweet


def test_text_is_escaped_once(shown):
    page = shown({"text": "a &lt;b&gt; &amp; <i>c</i>"})

    assert ">a &lt;b&gt; &amp; &lt;i&gt;c&lt;/i&gt;</p>" in page


def test_a_long_tweet_shows_its_whole_text(shown):
    page = shown({"text": "It begins…", "note_tweet": {"text": "It begins and has an end."}})

    assert "It begins and has an end." in page
    assert "It begins…" not in page


def test_an_edited_reply_says_so(shown):
    replied = [{"type": "replied_to", "id": "9"}]
    page = shown({"edit_history_tweet_ids": ["9", "10"], "referenced_tweets": replied})

    assert ", edited</a>" in page
    assert ">Reply</p>" in page


def test_a_repost_is_shown_by_its_original(shown):
    original = tweet(id="9", author_id="1002", text="The whole of what Robin said")
    repost = {
        "text": "RT @robin: The whole of…",
        "referenced_tweets": [{"type": "retweeted", "id": "9"}],
    }

    page = shown(repost, tweets=[original])

    assert "The whole of what Robin said" in page
    assert "RT @robin" not in page
    assert 'href="/tweets/9"' in page


def test_a_repost_without_its_original_is_still_a_repost(shown):
    repost = {
        "text": "RT @robin: The whole of…",
        "referenced_tweets": [{"type": "retweeted", "id": "9"}],
    }

    page = shown(repost)

    assert "RT @robin: The whole of…" in page
    found = page[page.index('class="body"') :]
    assert '<a class="who"' not in found  # these are not Wren's words


@pytest.mark.parametrize("sent, attribute", [("ja", ' lang="ja"'), ("und", ""), ("qme", "")])
def test_a_text_says_its_language(shown, sent, attribute):
    page = shown({"text": "鳥", "lang": sent})

    assert f'<p class="text" dir="auto"{attribute}>鳥</p>' in page


ARTICLE = {"article": {"title": "On <standing> still", "plain_text": "All of it"}}
LINK_TO_IT = {
    "start": 0,
    "end": 14,
    "url": "https://t.co/a",
    "expanded_url": "https://x.com/i/article/77",
    "display_url": "x.com/i/article/77",
}


@pytest.mark.parametrize(
    "said", [{"text": "https://t.co/a", "entities": {"urls": [LINK_TO_IT]}}, {"text": ""}]
)
def test_an_article_shows_its_title_below_its_text(shown, said):
    page = shown(ARTICLE | said)

    label = "<bdi>On &lt;standing&gt; still</bdi>"
    links = re.findall(rf'<a href="([^"]+)"[^>]*>{re.escape(label)}', page)
    assert links == [f"{LIVE.home}/i/web/status/10"]
    assert ">Article</span>" in page
    assert ("<bdi>x.com/i/article/77</bdi>" in page) == bool(said["text"])


@pytest.mark.parametrize(
    "changes, said",
    [
        ({"text": ""}, "This kind of Tweet cannot be shown here."),
        ({"text": "\u3164"}, "This kind of Tweet cannot be shown here."),
        (
            {"text": "", "attachments": {"poll_ids": ["3"]}},
            "Twitter does not show us an attachment of this Tweet.",
        ),
        (
            {"text": "Look", "attachments": {"media_keys": ["3_1"]}},
            "Twitter does not show us an attachment of this Tweet.",
        ),
    ],
)
def test_a_tweet_without_content_shows_a_sentence(shown, changes, said):
    assert said in shown(changes)


def test_other_pictures_are_shown_at_once(shown):
    picture = {"media_key": "3_1", "type": "photo", "url": f"{PICTURES}/1.jpg"}
    data = {"attachments": {"media_keys": ["3_1"]}, "possibly_sensitive": False}

    page = shown(data, media=[picture])

    assert 'class="sensitive"' not in page
    assert f'src="{PICTURES}/1.jpg"' in page


@pytest.mark.parametrize(
    "count, words",
    [(1, "Show 1 picture that may be sensitive"), (2, "Show 2 pictures that may be sensitive")],
)
def test_sensitive_pictures_take_a_press(shown, count, words):
    keys = [f"3_{number}" for number in range(count)]
    pictures = [{"media_key": key, "type": "photo", "url": f"{PICTURES}/{key}.jpg"} for key in keys]
    data = {"attachments": {"media_keys": keys}}

    hidden = shown(data | {"possibly_sensitive": True}, media=pictures)

    folded = re.search(r"<details class=\"sensitive\">(.*?)</details>", hidden, re.DOTALL)[1]
    assert f"<summary>{words}</summary>" in folded
    assert folded.count("<img") == hidden.count(f'src="{PICTURES}') == count


QUOTE = {
    "text": "This. https://t.co/b",
    "entities": {
        "urls": [
            {
                "start": 6,
                "end": 20,
                "url": "https://t.co/b",
                "expanded_url": "https://x.com/robin/status/9",
                "display_url": "x.com/robin/status/9",
            }
        ]
    },
    "referenced_tweets": [{"type": "quoted", "id": "9"}],
}


def test_a_quoted_tweet_is_a_card_and_no_link(shown):
    page = shown(QUOTE, tweets=[tweet(id="9", author_id="1002", text="My solo")])

    card = page[page.index('class="quoted"') :]
    assert "Robin Redbreast" in card
    assert "My solo" in card
    assert 'href="/tweets/9"' in card
    assert "x.com/robin/status/9" not in page


def test_a_missing_quoted_tweet_is_a_link_and_a_sentence(shown):
    page = shown(QUOTE)

    assert 'class="quoted"' not in page
    assert "<bdi>x.com/robin/status/9</bdi>" in page
    assert "Twitter does not show us the quoted Tweet." in page


@pytest.mark.parametrize(
    "changes, sentence",
    [
        ({"voting_status": "closed"}, "4 votes · final result"),
        ({"voting_status": "open"}, "4 votes · still open"),
        ({"voting_status": "paused"}, "4 votes · so far"),
        (
            {"voting_status": "open", "end_datetime": "2020-01-01T12:00:00.000Z"},
            '4 votes · ended <time datetime="2020-01-01T12:00:00+00:00">1 Jan 2020, 12:00 UTC',
        ),
        (
            {"voting_status": "open", "end_datetime": "2030-01-01T12:00:00.000Z"},
            '4 votes · open until <time datetime="2030-01-01T12:00:00+00:00">1 Jan 2030, 12:00 UTC',
        ),
    ],
)
def test_a_poll_has_bars_and_counts(shown, changes, sentence):
    options = [{"position": 1, "label": "Under <oak>", "votes": 3}, {"label": "Pot", "votes": 1}]
    poll = {"id": "3", "options": options, **changes}

    page = shown({"attachments": {"poll_ids": ["3"]}}, polls=[poll])

    assert "<bdi>Under &lt;oak&gt;</bdi>" in page
    assert '<meter max="4" value="3">' in page
    assert "<b>75%</b>" in page
    assert "<b>25%</b>" in page
    assert sentence in page


def test_a_poll_without_votes_is_no_trouble(shown):
    poll = {"id": "3", "options": [{"position": 1, "label": "Oak"}], "voting_status": "open"}

    page = shown({"attachments": {"poll_ids": ["3"]}}, polls=[poll])

    assert '<meter max="1" value="0">' in page
    assert "<b>0%</b>" in page
    assert "0 votes" in page


def test_pictures_have_their_description_and_videos_a_word(shown):
    pictures = [
        {"media_key": "3_1", "type": "photo", "url": f"{PICTURES}/1.jpg", "alt_text": "A brook"},
        {"media_key": "7_2", "type": "video", "preview_image_url": f"{PICTURES}/2.jpg"},
        {"media_key": "16_3", "type": "animated_gif", "preview_image_url": f"{PICTURES}/3.jpg"},
    ]

    page = shown({"attachments": {"media_keys": ["3_1", "7_2", "16_3"]}}, media=pictures)

    assert 'data-count="3"' in page
    assert 'src="https://pbs.twimg.com/1.jpg" alt="A brook"' in page
    assert 'src="https://pbs.twimg.com/2.jpg" alt="Picture without a description"' in page
    assert "Still of a video" in page
    assert "Still of a GIF" in page


@pytest.mark.parametrize("count, words", [(1, "<b>1</b> quote<"), (1200, "<b>1,200</b> quotes<")])
def test_quotes_are_counted_too(shown, count, words):
    page = shown({"public_metrics": {"quote_count": count}})

    assert words in page


# Without a timeline


def pinned(*users, tweets=(), **meta):
    return {"data": list(users), "includes": {"tweets": list(tweets)}, "meta": meta}


MINE = user_answer(pinned_tweet_id="10") | {"includes": {"tweets": [tweet()]}}
ROBIN_PINS = ROBIN | {"pinned_tweet_id": "9"}
SOLO = tweet(id="9", author_id="1002", text="My solo")


@in_the_beta
def test_the_beta_shows_pinned_tweets_of_two_kinds(signed_in, twitter):
    twitter.get(PROFILE, json=MINE)
    twitter.get(FOLLOWING, json=pinned(ROBIN_PINS, tweets=[SOLO]))

    page = signed_in.get("/tweets").text

    by_me, by_them = page.split("Pinned by people you follow")
    assert "The beta of Twitter's API has no timeline" in by_me
    assert "Good morning" in by_me
    assert "My solo" in by_them
    assert "Robin Redbreast" in by_them


@in_the_beta
def test_the_beta_says_that_nothing_is_pinned(signed_in, twitter):
    twitter.get(PROFILE, json=user_answer())
    twitter.get(FOLLOWING, json=pinned(ROBIN))

    page = signed_in.get("/tweets").text

    assert "No Tweet is pinned to your profile." in page
    assert "None of the people you follow has pinned a Tweet." in page


@in_the_beta
def test_the_beta_reads_pinned_tweets_part_by_part(signed_in, twitter):
    twitter.get(PROFILE, json=user_answer())
    twitter.get(FOLLOWING, json=pinned(ROBIN, next_token=TOKEN))
    twitter.get(FOLLOWING, json=pinned(ROBIN_PINS, tweets=[SOLO], previous_token=BACK))

    first = signed_in.get("/tweets").text
    second = signed_in.get(links(first, "next")[0]).text

    assert "None of the people in this part of the list has pinned a Tweet." in first
    assert "None of the people you follow" not in first
    assert 'id="followed-list"' in first  # where scripts put the next part
    assert "My solo" in second
    assert (links(second, "prev"), links(second, "next")) == (["/tweets"], [])
    assert "Pinned by you" not in second
    assert [params.get("pagination_token") for params in asked(twitter, FOLLOWING)] == [None, TOKEN]


@in_the_beta
@pytest.mark.parametrize(
    "answer, said, not_said",
    [
        (
            {"json": pinned(ROBIN, previous_token=BACK)},
            "None of the people in this part of the list has pinned a Tweet.",
            EXPIRED,
        ),
        ({"status": 400, "json": BAD_TOKEN}, EXPIRED, "None of the people"),
    ],
)
def test_the_beta_tells_a_part_without_pins_from_an_expired_one(
    signed_in, twitter, answer, said, not_said
):
    twitter.get(FOLLOWING, **answer)

    page = signed_in.get(f"/tweets?page=2&token={TOKEN}").text

    assert said in page
    assert not_said not in page


@in_the_beta
def test_a_panel_of_the_beta_fails_alone(signed_in, twitter):
    twitter.get(PROFILE, json=MINE)
    twitter.get(FOLLOWING, status=503)

    page = signed_in.get("/tweets").text

    assert "Good morning" in page
    assert "Twitter is not answering." in page
