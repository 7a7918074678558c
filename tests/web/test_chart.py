"""The chart of reactions: true to the counts, drawn without a read, and a table for everybody."""

import re

import pytest

from app.pages.charts import HEIGHT, LEAST, reactions
from app.twitter.entities import Includes, Tweet
from tests.factories import API_URL, user_answer

TWEETS_URL = f"{API_URL}/users/1001/tweets"


def answer(number, likes=0, reposts=0, replies=0, **changes):
    return {
        "id": str(number),
        "text": f"Tweet number {number}",
        "author_id": "1001",
        "created_at": "2026-11-20T04:35:55.000Z",
        "public_metrics": {
            "like_count": likes,
            "retweet_count": reposts,
            "reply_count": replies,
            "quote_count": 0,
        },
    } | changes


def build(*tweets):
    return [Tweet.from_json(tweet, Includes.from_json({})) for tweet in tweets]


def bars(chart, kind):
    return [(bar.x, bar.y, bar.height) for bar in chart.bars if bar.kind == kind]


# What is drawn


def test_columns_stand_in_the_order_of_time_and_are_true_to_the_counts():
    chart = reactions(build(answer(2, likes=10), answer(1, likes=20)))

    assert bars(chart, "likes") == [(1, 0.0, 60.0), (11, 30.0, 30.0)]
    assert [row.tweet.id for row in chart.rows] == ["1", "2"]


def test_reactions_are_piled_up_within_the_height():
    chart = reactions(build(answer(2, likes=3, reposts=2, replies=1), answer(1)))

    assert bars(chart, "likes") == [(11, 30.0, 30.0)]
    assert bars(chart, "reposts") == [(11, 10.0, 20.0)]
    assert bars(chart, "replies") == [(11, 0.0, 10.0)]


def test_one_reaction_beside_a_million_is_still_seen():
    chart = reactions(build(answer(2, likes=10**6), answer(1, replies=1)))

    assert bars(chart, "replies") == [(1, HEIGHT - LEAST, LEAST)]


def test_no_bar_leaves_the_drawing():
    chart = reactions(build(answer(2, likes=10**6, reposts=1, replies=1), answer(1)))

    assert all(0 <= bar.y <= HEIGHT - bar.height for bar in chart.bars)


def test_totals_and_the_best_are_counted():
    chart = reactions(
        build(answer(3, likes=1), answer(2, likes=2, replies=2), answer(1, reposts=4))
    )

    assert chart.totals == {"likes": 3, "reposts": 4, "replies": 2}
    assert chart.most.tweet.id == "2"


def test_a_few_columns_are_not_as_wide_as_the_page():
    few = reactions(build(answer(2, likes=1), answer(1)))
    many = reactions(build(*[answer(n, likes=1) for n in range(20, 0, -1)]))

    assert (few.width, many.width) == (100, 200)


@pytest.mark.parametrize(
    "tweets",
    [
        [],
        [answer(1, likes=9)],
        [answer(2), answer(1)],
        [answer(2, public_metrics=None), answer(1, public_metrics={})],
    ],
    ids=["none", "one", "no reactions", "no counts"],
)
def test_nothing_is_drawn_where_there_is_nothing_to_see(tweets):
    assert reactions(build(*tweets)) is None


def test_reposts_are_left_out_as_their_counts_are_somebody_elses():
    original = answer(9, likes=10**6, author_id="1002")
    includes = Includes.from_json({"tweets": [original]})
    repost = answer(3, referenced_tweets=[{"type": "retweeted", "id": "9"}])
    tweets = [
        Tweet.from_json(tweet, includes)
        for tweet in (repost, answer(2, likes=1), answer(1, likes=1))
    ]

    assert tweets[0].original is not None
    assert reactions(tweets).totals["likes"] == 2


@pytest.mark.parametrize(
    "text, expected",
    [
        ("Short", "Short"),
        ("two\n\n lines", "two lines"),
        ("a" * 40, "a" * 40),
        ("word " * 20, "word word word word word word word word…"),
        ("", ""),
    ],
)
def test_a_row_is_called_by_how_its_tweet_begins(text, expected):
    chart = reactions(build(answer(2, likes=1, text=text), answer(1)))

    assert chart.rows[-1].words == expected


# On the page


@pytest.fixture
def timeline(client, kind_twitter):
    """Sign in and show these Tweets."""
    client.sign_in()

    def show(*tweets):
        document = {"data": list(tweets), "includes": {"users": [user_answer()["data"]]}}
        kind_twitter.get(TWEETS_URL, json=document)
        return client.get("/tweets")

    return show


def test_the_chart_costs_no_read(timeline, kind_twitter):
    timeline(answer(2, likes=2), answer(1, likes=1))

    reads = [call for call in kind_twitter.calls if call.request.url.startswith(TWEETS_URL)]
    assert len(reads) == 1


def test_it_is_said_in_a_sentence_and_stands_in_a_table(timeline):
    page = timeline(answer(2, likes=1200, replies=3), answer(1, likes=1)).text

    assert 'role="img" aria-label="1,201 likes, 0 reposts and 3 replies' in page
    assert "Reactions to these 2 Tweets" in page
    row = re.search(
        r"<bdi>Tweet number 2</bdi></a></th><td>(.+?)</td><td>(.+?)</td><td>(.+?)<", page
    )
    assert row.groups() == ("1,200", "0", "3")


def test_it_is_drawn_by_attributes_alone(timeline):
    page = timeline(answer(2, likes=2), answer(1, likes=1)).text

    assert "<rect" in page
    assert not re.search(r"\sstyle=|<style", page)


def test_without_reactions_there_is_no_chart(timeline):
    assert "Reactions to" not in timeline(answer(2), answer(1)).text


def test_hostile_words_are_only_text(timeline):
    page = timeline(answer(2, likes=1, text="&lt;script&gt;alert(1)"), answer(1)).text

    assert "<script>alert" not in page
    assert "<bdi>&lt;script&gt;alert(1)</bdi>" in page
