"""The chart of reactions: true to the counts, drawn without a read, and with a table behind it."""

import re

import pytest

from app.pages.charts import HEIGHT, MIN_BAR_HEIGHT, reactions
from app.twitter.models import Includes, Tweet
from tests.dialects import LIVE


def answer(number, likes=0, reposts=0, replies=0, **changes):
    counts = {"like_count": likes, "retweet_count": reposts, "reply_count": replies}
    said = {"id": str(number), "text": f"Tweet number {number}", "author_id": "1001"}
    return said | {"public_metrics": counts} | changes


def build(*tweets):
    return [Tweet.from_json(tweet, Includes.from_json({})) for tweet in tweets]


def bars(chart, kind):
    return [(bar.x, bar.y, bar.height) for bar in chart.bars if bar.kind == kind]


# The drawing


def test_columns_stand_in_the_order_of_time_and_are_true_to_the_counts():
    chart = reactions(build(answer(2, likes=10), answer(1, likes=20)))

    assert bars(chart, "likes") == [(1, 0.0, 60.0), (11, 30.0, 30.0)]
    assert [row.tweet.id for row in chart.rows] == ["1", "2"]


def test_reactions_are_piled_up_within_the_height():
    chart = reactions(build(answer(2, likes=3, reposts=2, replies=1), answer(1)))

    assert bars(chart, "likes") == [(11, 30.0, 30.0)]
    assert bars(chart, "reposts") == [(11, 10.0, 20.0)]
    assert bars(chart, "replies") == [(11, 0.0, 10.0)]


def test_one_reaction_beside_a_million_is_seen_within_the_drawing():
    chart = reactions(build(answer(2, likes=10**6, reposts=1, replies=1), answer(1, replies=1)))

    assert bars(chart, "replies")[0] == (1, HEIGHT - MIN_BAR_HEIGHT, MIN_BAR_HEIGHT)
    assert all(0 <= bar.y <= HEIGHT - bar.height for bar in chart.bars)


def test_totals_and_the_best_are_counted():
    chart = reactions(
        build(answer(3, likes=1), answer(2, likes=2, replies=2), answer(1, reposts=4))
    )

    assert chart.totals == {"likes": 3, "reposts": 4, "replies": 2}
    assert chart.top.tweet.id == "2"


def test_a_repost_is_left_out_even_without_its_original():
    repost = answer(3, reposts=54321, referenced_tweets=[{"type": "retweeted", "id": "9"}])

    chart = reactions(build(repost, answer(2, likes=1), answer(1)))

    assert [row.tweet.id for row in chart.rows] == ["1", "2"]
    assert chart.totals["reposts"] == 0


def test_a_few_columns_are_not_as_wide_as_the_page():
    few = reactions(build(answer(2, likes=1), answer(1)))
    many = reactions(build(*[answer(n, likes=1) for n in range(20, 0, -1)]))

    assert (few.width, many.width) == (100, 200)


@pytest.mark.parametrize(
    "tweets",
    [
        [],
        [answer(1, likes=9)],
        [answer(2, public_metrics=None), answer(1, public_metrics={})],
    ],
    ids=["none", "one", "no counts"],
)
def test_a_chart_takes_two_tweets_and_a_reaction(tweets):
    assert reactions(build(*tweets)) is None


def test_reposts_are_left_out_as_their_counts_are_those_of_the_original():
    original = answer(9, likes=10**6, author_id="1002")
    includes = Includes.from_json({"tweets": [original]})
    repost = answer(3, referenced_tweets=[{"type": "retweeted", "id": "9"}])
    tweets = [
        Tweet.from_json(tweet, includes)
        for tweet in (repost, answer(2, likes=1), answer(1, likes=1))
    ]

    assert tweets[0].original is not None
    assert reactions(tweets).totals["likes"] == 2


def test_a_row_is_labelled_with_the_first_words_of_its_tweet():
    texts = ["Short", "two\n\n lines", "a" * 40, "word " * 20, ""]

    chart = reactions(build(*[answer(n, likes=1, text=text) for n, text in enumerate(texts)]))

    assert [row.label for row in reversed(chart.rows)] == [
        "Short",
        "two lines",
        "a" * 40,
        "word word word word word word word word…",
        "",
    ]


# On the page


@pytest.fixture
def timeline(signed_in, twitter):
    """Show these Tweets."""

    def show(*tweets):
        twitter.get(LIVE.tweets, json=LIVE.their_tweets(*tweets))
        return signed_in.get("/tweets").text

    return show


def test_the_chart_is_a_sentence_a_drawing_and_a_table(timeline, twitter):
    page = timeline(answer(2, likes=1200, replies=3, text="&lt;b&gt;"), answer(1, likes=1))

    assert 'role="img" aria-label="1,201 likes, 0 retweets and 3 replies' in page
    assert "Reactions to these 2 Tweets" in page
    assert "<rect" in page
    row = re.search(r"<bdi>&lt;b&gt;</bdi></a></th><td>(.+?)</td><td>(.+?)</td><td>(.+?)<", page)
    assert row.groups() == ("1,200", "0", "3")
    assert len(twitter.calls_to(LIVE.tweets)) == 1


def test_a_timeline_without_reactions_has_no_chart(timeline):
    assert "Reactions to" not in timeline(answer(2), answer(1))
