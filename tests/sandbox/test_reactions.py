"""Likes, bookmarks and reposts. X: "Manage Likes", "Bookmarks", "Manage Reposts"."""

import pytest

from tests.sandbox.birds import EGG, JAY, NIGHTJAR, ROBIN, WREN, at
from tests.sandbox.steps import bearer

ROBINS = at(25)
KINDS = {
    "likes": ("liked", "like_count", "liked_tweets"),
    "bookmarks": ("bookmarked", "bookmark_count", "bookmarks"),
}


@pytest.fixture
def token(steps):
    return steps.sign_in()["access_token"]


@pytest.fixture
def add(steps, token):
    def added(kind, tweet_id, *, who=WREN, by=token, **more):
        body = {"tweet_id": tweet_id, **more}
        return steps.browser.post(f"/2/users/{who}/{kind}", json=body, headers=bearer(by))

    return added


@pytest.fixture
def remove(steps, token):
    def removed(kind, tweet_id, *, who=WREN, by=token):
        return steps.browser.delete(f"/2/users/{who}/{kind}/{tweet_id}", headers=bearer(by))

    return removed


def metric(steps, token, name, tweet_id=ROBINS):
    query = {"tweet.fields": "public_metrics"}
    body = steps.get(f"/2/tweets/{tweet_id}", token, **query).json
    return body["data"]["public_metrics"][name]


def ids(answer):
    return [one["id"] for one in answer.json.get("data", [])]


@pytest.mark.parametrize("kind", KINDS)
def test_a_reaction_counts_once_until_it_is_taken_back(steps, token, add, remove, kind):
    word, count, _ = KINDS[kind]
    before = metric(steps, token, count)
    answers = [add(kind, ROBINS), add(kind, ROBINS)]
    between = metric(steps, token, count)
    answers += [remove(kind, ROBINS), remove(kind, ROBINS)]

    assert [a.json for a in answers] == [{"data": {word: True}}] * 2 + [{"data": {word: False}}] * 2
    assert (between, metric(steps, token, count)) == (before + 1, before)


@pytest.mark.parametrize("kind", KINDS)
def test_the_list_is_newest_first_and_in_pages(steps, token, add, kind):
    path = f"/2/users/{WREN}/{KINDS[kind][2]}"
    chosen = [at(m) for m in (25, 12, 95, 240, 540, 420, 360)]
    for tweet_id in chosen:
        add(kind, tweet_id)
    first = steps.get(path, token, max_results=5)
    second = steps.get(
        path, token, max_results=5, pagination_token=first.json["meta"]["next_token"]
    )

    assert ids(first) + ids(second) == chosen[::-1]
    assert first.json["meta"].keys() == {"result_count", "next_token"}
    assert second.json["meta"].keys() == {"result_count", "previous_token"}


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_list_has_no_data(steps, token, kind):
    assert steps.get(f"/2/users/{WREN}/{KINDS[kind][2]}", token).json == {
        "meta": {"result_count": 0}
    }


@pytest.mark.parametrize("path", ["liked_tweets", "bookmarks"])
def test_lists_are_private(steps, token, path):
    answer = steps.get(f"/2/users/{ROBIN}/{path}", token)

    assert answer.status_code == 400
    assert "must be the same as the authenticating user" in answer.json["errors"][0]["message"]


@pytest.mark.parametrize("kind", ["likes", "bookmarks", "retweets"])
def test_one_acts_for_oneself_only(add, remove, kind):
    assert add(kind, ROBINS, who=ROBIN).status_code == 400
    assert remove(kind, ROBINS, who=ROBIN).status_code == 400


@pytest.mark.parametrize("kind", ["likes", "bookmarks", "retweets"])
def test_a_post_that_cannot_be_seen_cannot_be_found(world, add, kind):
    hidden = next(t.id for t in world.tweets.values() if t.author_id == NIGHTJAR)
    answers = [add(kind, hidden), add(kind, "42")]

    assert [answer.status_code for answer in answers] == [400, 400]
    assert answers[0].json == answers[1].json
    assert answers[0].json["errors"] == [{"message": "This tweet cannot be found."}]


@pytest.mark.parametrize("kind", ["likes", "bookmarks", "retweets"])
@pytest.mark.parametrize("body", [{}, {"tweet_id": 42}, {"tweet_id": ROBINS, "more": 1}])
def test_mistakes_in_the_body_are_told(steps, token, kind, body):
    path = f"/2/users/{WREN}/{kind}"
    answer = steps.browser.post(path, json=body, headers=bearer(token))

    assert answer.status_code == 400
    assert answer.json["errors"][0]["message"].startswith("$.")


def test_bookmark_folders_are_not_played(add):
    assert add("bookmarks", ROBINS, folder_id="1").status_code == 400


def test_likers_are_for_the_author(steps, token, add):
    robin = steps.sign_in("robin")["access_token"]
    add("likes", ROBINS)
    path = f"/2/tweets/{ROBINS}/liking_users"
    others, missing = steps.get(path, token), steps.get("/2/tweets/42/liking_users", token)

    assert ids(steps.get(path, robin)) == [WREN]
    assert others.json["errors"][0]["title"] == "Authorization Error"
    assert missing.json["errors"][0]["title"] == "Not Found Error"


def test_a_repost_is_in_the_timeline_and_counts(steps, token, add, remove):
    before = metric(steps, token, "retweet_count")
    answer = add("retweets", ROBINS)
    path, query = f"/2/users/{WREN}/tweets", {"tweet.fields": "referenced_tweets"}
    newest = steps.get(path, token, **query).json["data"][0]
    between = metric(steps, token, "retweet_count")
    undone = remove("retweets", ROBINS)

    assert answer.json == {"data": {"retweeted": True, "rest_id": ROBINS}}
    assert newest["text"].startswith("RT @robin: ")
    assert newest["referenced_tweets"] == [{"type": "retweeted", "id": ROBINS}]
    assert between == before + 1
    assert undone.json == {"data": {"retweeted": False}}
    assert metric(steps, token, "retweet_count") == before
    assert ids(steps.get(path, token))[0] == at(12)


def test_a_second_repost_is_refused(add, remove):
    add("retweets", ROBINS)
    again = add("retweets", ROBINS)
    remove("retweets", ROBINS)

    assert again.status_code == 400
    assert again.json["errors"] == [
        {"message": "You cannot retweet a Tweet that you have already retweeted."}
    ]
    assert add("retweets", ROBINS).status_code == 200


def test_of_a_repost_the_original_is_reposted(steps, world, add):
    repost = next(t for t in world.timeline(WREN) if dict(t.references).get("retweeted"))
    egg = steps.sign_in("egg")["access_token"]
    answer = add("retweets", repost.id, who=EGG, by=egg)

    assert answer.json["data"]["rest_id"] == dict(repost.references)["retweeted"]
    assert world.timeline(EGG)[0].references == repost.references


def test_protected_posts_are_not_reposted(steps, world, add):
    hidden = next(t.id for t in world.tweets.values() if t.author_id == NIGHTJAR)
    robin = steps.sign_in("robin")["access_token"]

    assert add("retweets", hidden, who=ROBIN, by=robin).status_code == 403


def test_reactions_to_deleted_posts_are_gone(steps, token, add):
    jay = steps.sign_in("jay")["access_token"]
    made = steps.browser.post("/2/tweets", json={"text": "Soon gone"}, headers=bearer(jay))
    tweet_id = made.json["data"]["id"]
    for kind in ("likes", "bookmarks", "retweets"):
        assert add(kind, tweet_id).status_code == 200
    steps.browser.delete(f"/2/tweets/{tweet_id}", headers=bearer(jay))

    assert ids(steps.get(f"/2/users/{WREN}/liked_tweets", token)) == []
    assert ids(steps.get(f"/2/users/{WREN}/bookmarks", token)) == []
    assert ids(steps.get(f"/2/users/{WREN}/tweets", token))[0] == at(12)
    assert ids(steps.get(f"/2/users/{JAY}/tweets", token))[0] != tweet_id


@pytest.mark.parametrize(
    "kind, scope",
    [("likes", "like.write"), ("bookmarks", "bookmark.write"), ("retweets", "tweet.write")],
)
def test_each_needs_its_scope(steps, add, remove, kind, scope):
    enough = steps.sign_in(scope=f"tweet.read users.read {scope}")["access_token"]
    done = [add(kind, ROBINS, by=enough), remove(kind, ROBINS, by=enough)]
    reader = steps.sign_in(scope="tweet.read users.read")["access_token"]
    refused = [add(kind, ROBINS, by=reader), remove(kind, ROBINS, by=reader)]

    assert [answer.status_code for answer in (*done, *refused)] == [200, 200, 403, 403]


@pytest.mark.parametrize("plan", ["pay-per-use", "legacy-free"])
def test_likes_are_in_no_self_serve_plan(world, add, plan):
    world.change({"plan": plan})
    answer = add("likes", ROBINS)

    assert answer.status_code == 403
    assert answer.json["reason"] == "client-not-enrolled"
