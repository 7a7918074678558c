"""The pages of Tweets: a timeline in parts, one Tweet, and all that can be in a Tweet."""

import re
from html import unescape

import pytest
import responses

from tests.dialects import BETA, LIVE, in_the_beta
from tests.factories import user_answer

ME = "1001"
TIMELINE, TWEET = f"/users/{ME}/tweets", "/tweets/10"
PROFILE, FOLLOWING = f"/users/{ME}", f"/users/{ME}/following"
PICTURES = "https://pbs.twimg.com"
NO_TWEETS = {LIVE: "You have not tweeted yet.", BETA: "No Tweet is pinned to your profile."}
TOKEN, BACK = "7140dibdnow9c7btw480y5x0i4", "77qp89hwl5qy1a2b3c4d5e6f7g"

WREN = user_answer()["data"]
ROBIN = {"id": "1002", "username": "robin", "name": "Robin Redbreast"}
# As documented: the person who asked may not see it, the address is that of the problem's kind.
PROBLEMS = "https://api.twitter.com/2/problems"
BAD_TOKEN = {
    "errors": [{"parameters": {"pagination_token": [TOKEN]}, "message": "is not valid"}],
    "title": "Invalid Request",
    "detail": "One or more parameters to your request was invalid.",
    "type": f"{PROBLEMS}/invalid-request",
}


def tweet(**changes):
    said = {"id": "10", "text": "Good morning", "author_id": ME, "edit_history_tweet_ids": ["10"]}
    return said | {"created_at": "2020-05-01T04:35:55.000Z"} | changes


def timeline(*tweets, meta=None, **includes):
    users = [WREN, ROBIN]
    return {"data": list(tweets), "includes": {"users": users, **includes}, "meta": meta or {}}


def problem(kind, detail="", value="10"):
    title = {"value": value, "detail": detail, "resource_type": "tweet", "parameter": "id"}
    return {**title, "resource_id": value, "type": f"{PROBLEMS}/{kind}"}


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


def test_a_timeline_is_read_twenty_at_a_time(signed_in, twitter):
    twitter.get(TIMELINE, json=timeline(tweet()))

    page = signed_in.get("/tweets").text

    assert asked(twitter, TIMELINE)[0]["max_results"] == "20"
    assert 'class="paging"' not in page


def test_a_timeline_leads_to_its_next_part(signed_in, twitter):
    twitter.get(TIMELINE, json=timeline(tweet(), meta={"next_token": TOKEN}))

    page = signed_in.get("/tweets").text

    assert links(page, "next") == [f"/tweets?page=2&token={TOKEN}"]
    assert links(page, "prev") == []


def test_a_part_is_asked_for_with_its_token_and_leads_both_ways(signed_in, twitter):
    meta = {"next_token": TOKEN, "previous_token": BACK}
    twitter.get(TIMELINE, json=timeline(tweet(), meta=meta))

    page = signed_in.get("/tweets?page=3&token=here").text

    assert asked(twitter, TIMELINE)[0]["pagination_token"] == "here"
    assert links(page, "next") == [f"/tweets?page=4&token={TOKEN}"]
    assert links(page, "prev") == [f"/tweets?page=2&token={BACK}"]
    assert "Page 3" in page


def test_the_way_back_to_the_first_part_needs_no_token(signed_in, twitter):
    twitter.get(TIMELINE, json=timeline(tweet(), meta={"previous_token": BACK}))

    page = signed_in.get(f"/tweets?page=2&token={TOKEN}").text

    assert links(page, "prev") == ["/tweets"]
    assert ">Newer</a>" in page


def test_without_a_way_back_there_is_the_beginning(signed_in, twitter):
    twitter.get(TIMELINE, json=timeline(tweet()))

    page = signed_in.get(f"/tweets?page=5&token={TOKEN}").text

    assert links(page, "prev") == ["/tweets"]
    assert "Back to the beginning" in page


def test_tokens_without_an_end_stop_at_the_last_page(signed_in, twitter):
    twitter.get(TIMELINE, json=timeline(tweet(), meta={"next_token": TOKEN}))

    last = signed_in.get("/tweets?page=160&token=here").text
    beyond = signed_in.get("/tweets?page=161&token=here").text

    assert links(last, "next") == []
    assert "This part of the list has expired." in beyond


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 400, "json": BAD_TOKEN},
        {"status": 400, "body": "no"},
        {"json": {"meta": {"result_count": 0}}},
    ],
)
def test_a_part_that_is_no_longer_there_leads_to_the_beginning(signed_in, twitter, answer):
    twitter.get(TIMELINE, **answer)

    pages = [signed_in.get(f"/tweets?page=3&token={TOKEN}") for _ in range(2)]

    for page in pages:
        assert page.status_code == 200
        assert "This part of the list has expired." in page.text
        assert 'href="/tweets">Back to the beginning</a>' in page.text


@pytest.mark.parametrize(
    "query",
    [
        "page=3&token=with%20space",
        "page=3&token=" + "a" * 401,
        "page=3&token=%0A",
        "page=0&token=here",
        "page=-1&token=here",
        "page=many&token=here",
        "token=here",
    ],
)
def test_a_made_up_part_is_not_asked_for(signed_in, twitter, query):
    page = signed_in.get(f"/tweets?{query}")

    assert page.status_code == 200
    assert "This part of the list has expired." in page.text
    assert asked(twitter, TIMELINE) == []


def test_a_page_without_a_token_is_the_first(signed_in, twitter):
    twitter.get(TIMELINE, json=timeline(tweet(), meta={"next_token": TOKEN}))

    page = signed_in.get("/tweets?page=7").text

    assert links(page, "next") == [f"/tweets?page=2&token={TOKEN}"]


def test_trouble_on_a_later_part_is_said_as_trouble(signed_in, twitter):
    twitter.get(TIMELINE, status=503)

    page = signed_in.get(f"/tweets?page=3&token={TOKEN}").text

    assert "Twitter is not answering." in page
    assert "expired" not in page


@pytest.mark.parametrize(
    "answer, sentence",
    [
        (
            {"status": 403, "json": {"type": f"{PROBLEMS}/client-forbidden"}},
            "This is not part of what this site may read at Twitter.",
        ),
        ({"status": 402, "json": {}}, "This site has used up what it may read at Twitter"),
    ],
)
def test_a_refusal_on_a_later_part_is_no_expired_token(signed_in, twitter, answer, sentence):
    twitter.get(TIMELINE, **answer)

    page = signed_in.get(f"/tweets?page=3&token={TOKEN}").text

    assert sentence in page
    assert "expired" not in page


def test_refreshing_a_part_stays_in_it(signed_in, twitter, clock):
    twitter.get(TIMELINE, json=timeline(tweet()))
    path = f"/tweets?page=3&token={TOKEN}"
    button = re.search(
        r'class="freshness" method="post" action="([^"]+)"', signed_in.get(path).text
    )
    form = {"csrf_token": signed_in.csrf_token("/account"), "refresh": "tweets"}
    clock.advance(minutes=1)

    answer = signed_in.post(path, data=form)

    assert unescape(button[1]) == path
    assert (answer.status_code, answer.location) == (303, path)
    assert [params["pagination_token"] for params in asked(twitter, TIMELINE)] == [TOKEN, TOKEN]


# Old data


def stand(twitter, *tweets):
    """Let Twitter tell of these Tweets; nobody whom Wren follows has pinned one."""
    dialect = twitter.dialect
    twitter.get(dialect.tweets_of(ME), json=dialect.their_tweets(*tweets))
    twitter.get(FOLLOWING, json={"meta": {"result_count": 0}})


def fall_silent(twitter):
    for path in (twitter.dialect.tweets_of(ME), FOLLOWING):
        twitter.upsert("GET", path, status=503)


def test_old_tweets_are_shown_with_the_reason(signed_in, twitter, clock):
    stand(twitter, tweet())
    signed_in.get("/tweets")
    clock.advance(minutes=2)
    fall_silent(twitter)

    page = signed_in.get("/tweets").text

    assert "Twitter is not answering." in page
    assert "Until then, here is what we read 2 minutes ago." in page
    assert "Good morning" in page
    assert ">2 minutes ago</time>" in page


def test_old_emptiness_is_shown_too(signed_in, twitter, dialect, clock):
    stand(twitter)
    signed_in.get("/tweets")
    clock.advance(minutes=2)
    fall_silent(twitter)

    page = signed_in.get("/tweets").text

    assert "Twitter is not answering." in page
    assert NO_TWEETS[dialect] in page


# One Tweet


def test_the_time_of_a_tweet_leads_to_the_tweet(shown):
    page = shown({})

    assert re.search(r'<a class="when" href="/tweets/10"><time [^>]+>1 May 2020</time>', page)


def test_a_tweet_without_a_time_can_be_opened_too(shown):
    page = shown({"created_at": None})

    assert '<a class="when" href="/tweets/10">Open</a>' in page


def test_one_tweet_says_its_exact_time_and_leads_to_twitter(signed_in, twitter, dialect):
    twitter.get(TWEET, json={"data": tweet(), "includes": {"users": [WREN]}})

    page = signed_in.get("/tweets/10").text

    assert ">1 May 2020, 04:35 UTC</time>" in page
    assert f'href="{dialect.home}/i/web/status/10"' in page
    assert page.count("<h1") == 1


@pytest.mark.parametrize("tweet_id", ["abc", "-5", "1" * 20, "1.0", "10%20", "%0A10", "١٢"])
def test_what_is_no_id_is_no_page(signed_in, twitter, tweet_id):
    before = len(twitter.calls)

    answer = signed_in.get(f"/tweets/{tweet_id}")

    assert answer.status_code == 404
    assert len(twitter.calls) == before


@pytest.mark.parametrize(
    "error, sentence",
    [
        (problem("resource-not-found"), "This Tweet is gone: deleted, or never written."),
        (
            problem("not-authorized-for-resource"),
            "This Tweet is protected: only people its author approved can read it.",
        ),
        (
            problem("resource-not-found", "User has been suspended: [10]."),
            "The account that wrote this Tweet is suspended.",
        ),
        (problem("something-new"), "Twitter does not show this Tweet to us."),
    ],
)
def test_a_missing_tweet_says_why_and_no_more(signed_in, twitter, error, sentence):
    twitter.get(TWEET, json={"errors": [error]})

    answer = signed_in.get("/tweets/10")

    assert answer.status_code == 200
    assert sentence in answer.text
    assert "Tweet 10" in answer.text


def test_one_tweet_can_be_in_trouble(signed_in, twitter):
    twitter.get(TWEET, status=503)

    page = signed_in.get("/tweets/10")

    assert page.status_code == 200
    assert "Twitter is not answering." in page.text


@pytest.mark.parametrize("path", ["/tweets/10", "/tweets/lookup?ids=10"])
def test_strangers_are_sent_to_the_front_door_and_back(client, path):
    answer = client.get(path)

    assert answer.status_code == 303
    assert answer.location.startswith("/?next=/tweets/")


# What is in a Tweet


def test_entities_are_links(shown, dialect):
    text = "🐛 @robin https://t.co/a #ivy $TWIG &lt;3"
    entities = {
        "mentions": [{"start": 2, "end": 8, "username": "robin", "id": "1002"}],
        "urls": [
            {
                "start": 9,
                "end": 23,
                "url": "https://t.co/a",
                "expanded_url": "https://wren.example/?a=1&b=2",
                "display_url": "wren.example/?a=1&b=2",
            }
        ],
        "hashtags": [{"start": 24, "end": 28, "tag": "ivy"}],
        "cashtags": [{"start": 29, "end": 34, "tag": "TWIG"}],
    }

    page = shown({"text": text, "entities": entities})

    assert '<a href="/people/robin"><bdi>@robin</bdi></a>' in page
    assert '<a href="https://wren.example/?a=1&amp;b=2"' in page
    assert "<bdi>wren.example/?a=1&amp;b=2</bdi>" in page
    assert f'href="{dialect.home}/hashtag/ivy"' in page
    assert f'href="{dialect.home}/search?q=%24TWIG"' in page
    assert "</a> &lt;3</p>" in page


def test_text_is_escaped_once(shown):
    page = shown({"text": "a &lt;b&gt; &amp; <i>c</i>"})

    assert ">a &lt;b&gt; &amp; &lt;i&gt;c&lt;/i&gt;</p>" in page


def test_a_long_post_is_shown_whole(shown):
    page = shown({"text": "It begins…", "note_tweet": {"text": "It begins and has an end."}})

    assert "It begins and has an end." in page
    assert "It begins…" not in page


def test_an_edited_tweet_says_so(shown):
    page = shown({"edit_history_tweet_ids": ["9", "10"]})

    assert ">edited</span>" in page


def test_a_reply_says_so(shown):
    page = shown({"referenced_tweets": [{"type": "replied_to", "id": "9"}]})

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
    assert re.search(r'"name">Wren</bdi>\s+</span>\s+reposted', page)
    assert 'href="/tweets/9"' in page


def test_a_quoted_tweet_is_a_card_and_no_link(shown):
    link = {"start": 6, "end": 20, "url": "https://t.co/b", "display_url": "x.com/robin/status/9"}
    quote = {
        "text": "This. https://t.co/b",
        "entities": {"urls": [link | {"expanded_url": "https://x.com/robin/status/9"}]},
        "referenced_tweets": [{"type": "quoted", "id": "9"}],
    }

    page = shown(quote, tweets=[tweet(id="9", author_id="1002", text="My solo")])

    card = page[page.index('class="quoted"') :]
    assert "Robin Redbreast" in card
    assert "My solo" in card
    assert 'href="/tweets/9"' in card
    assert "x.com/robin/status/9" not in page


def test_a_quoted_tweet_that_is_missing_stays_a_link_and_is_said_to_be_hidden(shown):
    link = {"start": 6, "end": 20, "url": "https://t.co/b", "display_url": "x.com/robin/status/9"}
    quote = {
        "text": "This. https://t.co/b",
        "entities": {"urls": [link | {"expanded_url": "https://x.com/robin/status/9"}]},
        "referenced_tweets": [{"type": "quoted", "id": "9"}],
    }

    page = shown(quote)

    assert 'class="quoted"' not in page
    assert "<bdi>x.com/robin/status/9</bdi>" in page
    assert "The quoted Tweet is not shown to us." in page


@pytest.mark.parametrize(
    "changes, sentence",
    [
        ({"voting_status": "closed"}, "4 votes · final result"),
        ({"voting_status": "open"}, "4 votes · still open"),
        (
            {"voting_status": "open", "end_datetime": "2030-01-01T12:00:00.000Z"},
            "4 votes · open until 1 Jan 2030, 12:00 UTC",
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
    assert sentence in re.sub(r"</?time[^>]*>", "", page)


def test_the_end_of_a_poll_is_a_time_that_scripts_can_put_into_the_readers_zone(shown):
    poll = {"id": "3", "options": [{"position": 1, "label": "Oak"}], "voting_status": "open"}
    poll |= {"end_datetime": "2030-01-01T12:00:00.000Z"}

    page = shown({"attachments": {"poll_ids": ["3"]}}, polls=[poll])

    assert 'open until <time datetime="2030-01-01T12:00:00+00:00">' in page


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


def test_hostile_polls_and_quotes_are_only_text(shown):
    bad = '"><script>alert(1)</script>'
    quoted = tweet(id="9", author_id="1002", text=bad)
    poll = {"id": "3", "options": [{"position": 1, "label": bad, "votes": bad}]}
    changes = {
        "attachments": {"poll_ids": ["3"]},
        "referenced_tweets": [{"type": "quoted", "id": "9"}],
    }

    page = shown(changes, tweets=[quoted], polls=[poll])

    assert "<script>" not in page
    assert page.count("&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;") == 2


# Where there is no timeline


def pinned(*users, tweets=()):
    return {"data": list(users), "includes": {"tweets": list(tweets)}}


@in_the_beta
def test_the_beta_shows_pinned_tweets_of_two_kinds(signed_in, twitter):
    mine = user_answer(pinned_tweet_id="10") | {"includes": {"tweets": [tweet()]}}
    theirs = pinned(
        ROBIN | {"pinned_tweet_id": "9"}, tweets=[tweet(id="9", author_id="1002", text="My solo")]
    )
    twitter.get(PROFILE, json=mine)
    twitter.get(FOLLOWING, json=theirs)

    page = signed_in.get("/tweets").text

    by_me, by_them = page.split("Pinned by people you follow")
    assert "Good morning" in by_me
    assert "My solo" in by_them
    assert "Robin Redbreast" in by_them


@in_the_beta
def test_the_beta_says_when_nobody_has_pinned_anything(signed_in, twitter):
    twitter.get(PROFILE, json=user_answer())
    twitter.get(FOLLOWING, json=pinned(ROBIN))

    page = signed_in.get("/tweets").text

    assert "No Tweet is pinned to your profile." in page
    assert "Nobody you follow has pinned a Tweet." in page


@in_the_beta
def test_what_is_pinned_by_others_is_read_part_by_part_in_the_beta(signed_in, twitter):
    twitter.get(PROFILE, json=user_answer())
    goes_on = pinned(ROBIN) | {"meta": {"next_token": TOKEN}}
    twitter.get(FOLLOWING, json=goes_on)
    theirs = ROBIN | {"pinned_tweet_id": "9"}
    last = pinned(theirs, tweets=[tweet(id="9", text="My solo")])
    last |= {"meta": {"previous_token": BACK}}
    twitter.get(FOLLOWING, json=last)

    first = signed_in.get("/tweets").text
    second = signed_in.get(links(first, "next")[0]).text

    assert "Nobody in this part of the list has pinned a Tweet." in first
    assert "Nobody you follow" not in first
    assert 'id="followed-list"' in first  # where scripts put the next part
    assert "My solo" in second
    assert (links(second, "prev"), links(second, "next")) == (["/tweets"], [])
    assert "Pinned by you" not in second
    assert [params.get("pagination_token") for params in asked(twitter, FOLLOWING)] == [None, TOKEN]


@in_the_beta
def test_a_later_part_without_anything_pinned_has_not_expired_in_the_beta(signed_in, twitter):
    meta = {"meta": {"previous_token": BACK}}
    twitter.get(FOLLOWING, json=pinned(ROBIN) | meta)

    page = signed_in.get(f"/tweets?page=2&token={TOKEN}").text

    assert "Nobody in this part of the list has pinned a Tweet." in page
    assert "expired" not in page


@in_the_beta
def test_a_part_of_the_pinned_that_is_gone_leads_to_the_beginning_in_the_beta(signed_in, twitter):
    twitter.get(FOLLOWING, status=400, json=BAD_TOKEN)

    page = signed_in.get(f"/tweets?page=2&token={TOKEN}").text

    assert "This part of the list has expired." in page
    assert "Nobody" not in page


@in_the_beta
def test_one_pinned_panel_fails_alone_in_the_beta(signed_in, twitter):
    mine = user_answer(pinned_tweet_id="10") | {"includes": {"tweets": [tweet()]}}
    twitter.get(PROFILE, json=mine)
    twitter.get(FOLLOWING, status=503)

    page = signed_in.get("/tweets").text

    assert "Good morning" in page
    assert "Twitter is not answering." in page


@in_the_beta
def test_the_beta_opens_one_tweet_with_the_fields_it_knows(signed_in, twitter):
    known = "attachments,author_id,created_at,entities,public_metrics,referenced_tweets"
    knows = responses.matchers.query_param_matcher({"tweet.fields": known}, strict_match=False)
    twitter.get(TWEET, json={"data": tweet()}, match=[knows])

    page = signed_in.get("/tweets/10").text

    assert "Good morning" in page
    assert 'href="https://twitter.com/i/web/status/10"' in page
