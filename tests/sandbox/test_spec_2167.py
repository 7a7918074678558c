"""The names of X's specification of August 2026, in `live` on demand and in `renamed` only those.

The form of answers is held to the specification in test_contract.py.
"""

import re

import pytest

from tests.sandbox.birds import WREN, at

QUOTE = f"/2/tweets/{at(1440)}"


@pytest.mark.parametrize("dialect", ["live", "renamed"])
def test_a_request_in_new_names_is_answered_in_them(steps, world, dialect):
    world.change({"dialect": dialect})
    query = {
        "post.fields": "public_metrics",
        "expansions": "referenced_posts,author_id,edit_history_post_ids",
    }
    answer = steps.get(QUOTE, **query)
    data, metrics = answer.json["data"], answer.json["data"]["public_metrics"]

    assert (data["author_id"], data["edit_history_post_ids"]) == (WREN, [at(1440)])
    assert data["referenced_posts"][0]["type"] == "quoted"
    assert set(answer.json["includes"]) == {"posts", "users"}
    assert metrics["repost_count"] == 1
    assert ("retweet_count" in metrics) is (dialect == "live")
    assert answer.headers["api-version"] == ("2.167" if dialect == "renamed" else "2.166")


@pytest.mark.parametrize(
    "path, query",
    [
        ("/2/users/me", {"expansions": "pinned_post_id"}),
        ("/2/users/me", {"user.fields": "pinned_post_id"}),
        (QUOTE, {"post.fields": "created_at"}),
    ],
)
def test_one_new_name_brings_all_new_names(steps, path, query):
    body = steps.get(path, **query).json

    assert "data" in body
    assert not re.search("tweet_id|'tweets'", str(body))


def test_classic_requests_get_classic_names_and_both_counts(steps):
    """Published clients insist on one count or the other, and cannot say which they are."""
    query = {"expansions": "referenced_tweets.id", "tweet.fields": "public_metrics"}
    body = steps.get(QUOTE, **query).json
    user = steps.get("/2/users/me", **{"user.fields": "public_metrics"}).json["data"]

    assert "referenced_tweets" in body["data"]
    assert "tweets" in body["includes"]
    assert {"repost_count", "retweet_count"} <= set(body["data"]["public_metrics"])
    assert user["public_metrics"]["post_count"] == user["public_metrics"]["tweet_count"]


def test_renamed_refuses_unlisted_names(steps, world):
    """Ids are reached through expansions; classic names are gone."""
    world.change({"dialect": "renamed"})
    unlisted = [
        (QUOTE, {"tweet.fields": "created_at"}),
        (QUOTE, {"post.fields": "author_id"}),
        (QUOTE, {"post.fields": "note_tweet"}),
        (QUOTE, {"expansions": "referenced_tweets.id"}),
        ("/2/users/me", {"user.fields": "pinned_tweet_id"}),
        ("/2/users/me", {"user.fields": "pinned_post_id"}),
        ("/2/users/me", {"expansions": "pinned_tweet_id"}),
        ("/2/spaces/1DawnChorus1a", {"space.fields": "creator_id"}),
    ]

    assert [steps.get(path, **query).status_code for path, query in unlisted] == [400] * 8
