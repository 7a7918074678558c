"""The dialect of X's specification since August 2026: its names, and no others."""

import pytest

from sandbox.seed_birds import HOUR, ROBIN, WREN, at


@pytest.fixture
def token(steps, world):
    world.change({"dialect": "renamed"})
    return steps.sign_in()["access_token"]


def test_scopes_and_paths_are_those_of_live(steps, token):
    assert steps.get("/2/users/me", token).json["data"]["username"] == "wren"


def test_posts_come_under_their_new_names(steps, token):
    query = {
        "post.fields": "public_metrics,note_post",
        "expansions": "referenced_posts,author_id,edit_history_post_ids",
    }
    body = steps.get(f"/2/tweets/{at(1440)}", token, **query).json

    assert body["data"]["referenced_posts"][0]["type"] == "quoted"
    assert body["data"]["author_id"] == WREN
    assert "repost_count" in body["data"]["public_metrics"]
    assert "retweet_count" not in body["data"]["public_metrics"]
    assert {"posts", "users"} == set(body["includes"])


def test_a_long_post_is_a_note_post(steps, token):
    data = steps.get(f"/2/tweets/{at(4 * HOUR)}", token, **{"post.fields": "note_post"}).json[
        "data"
    ]

    assert data["note_post"]["text"].startswith("People ask")


def test_users_count_posts(steps, token):
    query = {"user.fields": "public_metrics", "expansions": "pinned_post_id"}
    data = steps.get("/2/users/me", token, **query).json["data"]

    assert data["public_metrics"]["post_count"] == 12
    assert "tweet_count" not in data["public_metrics"]
    assert data["pinned_post_id"] == at(4 * HOUR)


def test_unlisted_names_are_refused(steps, token):
    """Ids are reached through expansions; classic names are gone."""
    unlisted = [
        (f"/2/tweets/{at(12)}", {"tweet.fields": "created_at"}),
        (f"/2/tweets/{at(12)}", {"post.fields": "author_id"}),
        (f"/2/tweets/{at(12)}", {"post.fields": "note_tweet"}),
        (f"/2/tweets/{at(12)}", {"expansions": "referenced_tweets.id"}),
        ("/2/users/me", {"user.fields": "pinned_tweet_id"}),
        ("/2/users/me", {"user.fields": "pinned_post_id"}),
        ("/2/users/me", {"expansions": "pinned_tweet_id"}),
        ("/2/spaces/1DawnChorus1a", {"space.fields": "creator_id"}),
    ]
    statuses = [steps.get(path, token, **query).status_code for path, query in unlisted]

    assert statuses == [400] * len(unlisted)


def test_problems_live_at_x(steps, token):
    body = steps.get("/2/users", token, ids=f"{ROBIN},42").json

    assert body["errors"][0]["type"] == "https://api.x.com/2/problems/resource-not-found"
    assert steps.get("/2/users/x", token).json["type"].startswith("https://api.x.com/2/problems/")


def test_the_version_is_the_first_with_these_names(steps, token):
    assert steps.get("/2/users/me", token).headers["api-version"] == "2.167"
