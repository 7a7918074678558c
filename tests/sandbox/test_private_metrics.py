"""What only an author may know. Twitter: "Metrics", and the notes of "Timelines"."""

import pytest

from sandbox.fields import PRIVATE_METRICS
from sandbox.seed_birds import DAY, HOUR, ROBIN, WREN, at

OWN, OWN_LINK, OWN_OLD, FOREIGN = at(12), at(3 * DAY), at(21 * DAY), at(25)
QUOTING, QUOTED = at(1 * DAY), at(1 * DAY + 3 * HOUR)
ALL = ",".join(PRIVATE_METRICS)


def post(steps, tweet_id, names=ALL, **query):
    return steps.get(f"/2/tweets/{tweet_id}", **{"tweet.fields": names}, **query).json


REACTIONS = (
    "impression_count like_count reply_count retweet_count url_link_clicks user_profile_clicks"
)


@pytest.mark.parametrize(
    "name, parts",
    [
        ("non_public_metrics", "impression_count url_link_clicks user_profile_clicks"),
        ("organic_metrics", REACTIONS),
        ("promoted_metrics", REACTIONS),
    ],
)
def test_the_post_of_another_is_an_error_for_each_number(steps, name, parts):
    """As several fixtures recorded it: no `data`, and each part of the field by itself."""
    body = post(steps, FOREIGN, name)

    assert set(body) == {"errors"}
    assert [error["field"] for error in body["errors"]] == [f"{name}.{p}" for p in parts.split()]
    assert body["errors"][0] == {
        "resource_type": "tweet",
        "field": f"{name}.impression_count",
        "parameter": "id",
        "resource_id": FOREIGN,
        "title": "Field Authorization Error",
        "section": "data",
        "detail": (
            f"Sorry, you are not authorized to access '{name}.impression_count' on the Tweet with "
            f"id : [{FOREIGN}]."
        ),
        "value": FOREIGN,
        "type": "https://api.twitter.com/2/problems/not-authorized-for-field",
    }


def test_ones_own_post_has_its_numbers(steps):
    data = post(steps, OWN_LINK, f"{ALL},public_metrics")["data"]
    public, hidden = data["public_metrics"], data["non_public_metrics"]

    assert set(hidden) == set(PRIVATE_METRICS["non_public_metrics"])
    assert hidden["impression_count"] == public["impression_count"] > 0
    assert data["organic_metrics"]["like_count"] == public["like_count"]
    assert "promoted_metrics" not in data  # nobody paid for it


def test_a_post_without_a_link_has_no_clicks_on_one(steps):
    assert "url_link_clicks" not in post(steps, OWN)["data"]["non_public_metrics"]


def test_after_thirty_days_nobody_knows_any_more(steps, world):
    world.advance(9 * 86400)
    body = post(steps, OWN_OLD, "non_public_metrics")

    assert set(body) == {"errors"}
    assert "data" in post(steps, OWN_LINK, "non_public_metrics")


def test_of_many_only_ones_own_are_shown(steps):
    body = steps.get(
        "/2/tweets", ids=f"{OWN},{FOREIGN}", **{"tweet.fields": "non_public_metrics"}
    ).json

    assert [tweet["id"] for tweet in body["data"]] == [OWN]
    assert {(e["parameter"], e["resource_id"]) for e in body["errors"]} == {("ids", FOREIGN)}


def test_the_timeline_of_another_is_nothing_but_errors(steps):
    body = steps.get(
        f"/2/users/{ROBIN}/tweets", max_results=5, **{"tweet.fields": "non_public_metrics"}
    ).json

    assert set(body) == {"errors", "meta"}
    assert body["meta"] == {"result_count": 0}
    assert len(body["errors"]) == 5 * 3


def test_what_an_expansion_brings_keeps_its_secrets_too(steps):
    body = post(steps, QUOTING, "non_public_metrics", expansions="referenced_tweets.id")

    assert body["data"]["id"] == QUOTING
    assert "includes" not in body
    assert {(e["section"], e["resource_id"]) for e in body["errors"]} == {("includes", QUOTED)}


def test_a_pinned_post_of_another_keeps_its_secrets(steps):
    query = {"expansions": "pinned_tweet_id", "tweet.fields": "organic_metrics"}
    token = steps.sign_in("robin")["access_token"]
    mine = steps.get(f"/2/users/{WREN}", **query).json
    theirs = steps.get(f"/2/users/{WREN}", token, **query).json

    assert "organic_metrics" in mine["includes"]["tweets"][0]
    assert set(theirs) == {"data", "errors"}


def test_who_asks_for_public_numbers_meets_no_error(steps):
    assert set(post(steps, FOREIGN, "public_metrics")) == {"data"}
