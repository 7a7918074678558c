"""Posts one by one. Twitter: "Posts lookup", "Counting characters", "Edit Posts", "Metrics".

Shapes are held to the specification in test_contract.py, entities in test_entities.py, and lists
are in test_timelines.py.
"""

import html

import pytest

from sandbox.api.fields import PRIVATE_METRICS
from tests.sandbox.birds import DAY, HOUR, KINGFISHER, ROBIN, WREN, at
from tests.sandbox.steps import bearer

LONG, EDITED, REPOST, EMOJI = at(4 * HOUR), at(9 * HOUR), at(1 * DAY + 40), at(95)
POLL, QUOTE, REPLY = at(50), at(1 * DAY), at(2 * DAY + 30)
PICTURE, PICTURES, VIDEO = at(14 * HOUR), at(3 * DAY + 2 * HOUR), at(26 * HOUR)
OWN, OWN_LINK, OWN_OLD, FOREIGN, QUOTED = at(12), at(3 * DAY), at(21 * DAY), at(25), at(27 * HOUR)


def post(steps, tweet_id, fields="id", **query):
    return steps.get(f"/2/tweets/{tweet_id}", **{"tweet.fields": fields}, **query).json


def test_a_post_has_three_fields_unasked(steps):
    assert set(post(steps, EMOJI)["data"]) == {"id", "text", "edit_history_tweet_ids"}


def test_a_long_post_is_cut_and_whole_in_note_tweet(steps):
    data = post(steps, LONG, "note_tweet")["data"]

    assert len(html.unescape(data["text"])) <= 280
    assert data["text"].endswith("…")
    assert data["note_tweet"]["text"].startswith(data["text"][:-1])
    assert data["note_tweet"]["entities"]["hashtags"][0]["tag"] == "DawnChorus"


def test_a_repost_is_cut_at_140_and_points_to_the_whole(steps):
    body = post(steps, REPOST, "referenced_tweets", expansions="referenced_tweets.id")
    data, original = body["data"], body["includes"]["tweets"][0]

    assert data["text"].startswith("RT @jay: Planted 4,000")
    assert len(data["text"]) == 140 < len(original["text"])
    assert data["referenced_tweets"] == [{"type": "retweeted", "id": original["id"]}]


def test_an_edited_post_lists_its_versions(steps):
    body = post(steps, EDITED, "edit_controls", expansions="edit_history_tweet_ids")
    data, versions = body["data"], {one["id"]: one for one in body["includes"]["tweets"]}

    assert data["edit_history_tweet_ids"] == list(versions) == [at(544), at(542), EDITED]
    assert data["edit_controls"]["edits_remaining"] == 3
    assert "Nest 4 of 5" in versions[at(544)]["text"]
    assert all(one["edit_history_tweet_ids"] == list(versions) for one in versions.values())


def test_a_reply_knows_whom_it_answers(steps):
    body = post(steps, REPLY, "conversation_id", expansions="in_reply_to_user_id")

    assert body["data"]["in_reply_to_user_id"] == KINGFISHER
    assert body["data"]["conversation_id"] == at(2 * DAY + 45)
    assert body["includes"]["users"][0]["username"] == "kingfisher"


def test_a_picture_has_its_alt_text_and_a_video_a_still(steps):
    wanted = "url,alt_text,preview_image_url,duration_ms"
    query = {"expansions": "attachments.media_keys", "media.fields": wanted}
    [picture], [video] = (post(steps, i, **query)["includes"]["media"] for i in (PICTURE, VIDEO))
    shown = [steps.browser.get(url) for url in (picture["url"], video["preview_image_url"])]

    assert picture["alt_text"].startswith("The sea")
    assert (video["type"], video["duration_ms"], "url" in video) == ("video", 21_000, False)
    assert [answer.mimetype for answer in shown] == ["image/svg+xml"] * 2


def test_several_pictures_share_one_link(steps):
    body = post(steps, PICTURES, "attachments,entities", expansions="attachments.media_keys")
    places = body["data"]["entities"]["urls"]

    assert [place["media_key"] for place in places] == body["data"]["attachments"]["media_keys"]
    assert len({(place["start"], place["end"], place["url"]) for place in places}) == 1
    assert len(body["includes"]["media"]) == len(places) == 3


def test_a_poll_closes_when_its_day_is_over(steps, world):
    query = {"expansions": "attachments.poll_ids", "poll.fields": "voting_status"}
    before = post(steps, POLL, **query)["includes"]["polls"][0]
    world.clock.advance(86400)
    after = post(steps, POLL, **query)["includes"]["polls"][0]

    assert (before["voting_status"], after["voting_status"]) == ("open", "closed")
    assert len(before["options"]) == 4


@pytest.mark.parametrize(
    "tweet_id, expansions, people, posts",
    [
        (QUOTE, "referenced_tweets.id,author_id", [WREN], 1),  # one step, and never two
        (QUOTE, "referenced_tweets.id.author_id", [ROBIN], 1),
        (EMOJI, "entities.mentions.username", [ROBIN], 0),
    ],
)
def test_expansions_bring_what_they_name(steps, tweet_id, expansions, people, posts):
    includes = post(steps, tweet_id, expansions=expansions)["includes"]

    assert [user["id"] for user in includes["users"]] == people
    assert len(includes.get("tweets", [])) == posts


def test_a_quote_ends_with_a_link_to_what_it_quotes(steps):
    """As live answers do; whoever draws the quoted post has to take the link away."""
    data = post(steps, QUOTE, "entities,referenced_tweets")["data"]
    [place] = data["entities"]["urls"]
    [quoted] = data["referenced_tweets"]

    assert data["text"].endswith(f" {place['url']}")
    assert (place["start"], place["end"]) == (data["text"].index("https"), len(data["text"]))
    assert place["expanded_url"] == f"https://x.com/robin/status/{quoted['id']}"
    assert place["display_url"] == "x.com/robin/status/198959…"


def test_a_quote_of_a_protected_post_is_a_partial_error(steps):
    body = post(steps, at(4 * DAY + 20), expansions="referenced_tweets.id")

    assert "includes" not in body
    assert body["errors"][0]["title"] == "Authorization Error"
    assert body["errors"][0]["section"] == "includes"


def test_a_suspended_account_that_is_mentioned_goes_by_its_name(steps):
    """As X's partial errors for mentions name it."""
    token = steps.sign_in()["access_token"]
    written = steps.browser.post(
        "/2/tweets", json={"text": "Where is @cuckoo?"}, headers=bearer(token)
    )
    body = post(steps, written.json["data"]["id"], expansions="entities.mentions.username")

    [error] = body["errors"]
    assert {error[key] for key in ("value", "resource_id")} == {"cuckoo"}
    assert error["detail"] == "User has been suspended: [cuckoo]."


@pytest.mark.parametrize("tweet_id", [at(10 * HOUR), at(30 * DAY)])
def test_protected_and_suspended_posts_are_not_shown(steps, tweet_id):
    body = steps.get("/2/tweets", ids=f"{EMOJI},{tweet_id},42").json
    titles = [error["title"] for error in body["errors"]]

    assert [tweet["id"] for tweet in body["data"]] == [EMOJI]
    assert titles == ["Authorization Error", "Not Found Error"]


def test_the_post_of_another_is_an_error_for_each_private_number(steps):
    """As several fixtures recorded it: no `data`, and each part of the field by itself."""
    body = post(steps, FOREIGN, ",".join(PRIVATE_METRICS))
    named = [f"{name}.{part}" for name in sorted(PRIVATE_METRICS) for part in PRIVATE_METRICS[name]]

    assert set(body) == {"errors"}
    assert [error["field"] for error in body["errors"]] == named
    assert body["errors"][0] == {
        "resource_type": "tweet",
        "field": "non_public_metrics.impression_count",
        "parameter": "id",
        "resource_id": FOREIGN,
        "title": "Field Authorization Error",
        "section": "data",
        "detail": (
            "Sorry, you are not authorized to access 'non_public_metrics.impression_count' on the "
            f"Tweet with id : [{FOREIGN}]."
        ),
        "value": FOREIGN,
        "type": "https://api.x.com/2/problems/not-authorized-for-field",
    }


def test_ones_own_post_has_its_private_numbers(steps):
    data = post(steps, OWN_LINK, f"{','.join(PRIVATE_METRICS)},public_metrics")["data"]
    public, hidden = data["public_metrics"], data["non_public_metrics"]

    assert set(hidden) == {"impression_count", "url_link_clicks", "user_profile_clicks"}
    assert hidden["impression_count"] == public["impression_count"] > 0
    assert data["organic_metrics"]["like_count"] == public["like_count"]
    assert "promoted_metrics" not in data  # nobody paid for it
    without_link = post(steps, OWN, "non_public_metrics")["data"]["non_public_metrics"]
    assert "url_link_clicks" not in without_link


def test_private_metrics_end_after_thirty_days(steps, world):
    world.clock.advance(9 * 86400)

    assert set(post(steps, OWN_OLD, "non_public_metrics")) == {"errors"}
    assert "data" in post(steps, OWN_LINK, "non_public_metrics")


def test_of_many_only_ones_own_are_shown(steps):
    """By id, in a timeline, and brought by an expansion."""
    fields = {"tweet.fields": "non_public_metrics"}
    many = steps.get("/2/tweets", ids=f"{OWN},{FOREIGN}", **fields).json
    timeline = steps.get(f"/2/users/{ROBIN}/tweets", max_results=5, **fields).json
    quote = post(steps, QUOTE, "non_public_metrics", expansions="referenced_tweets.id")
    robin = steps.sign_in("robin")["access_token"]
    pinned = steps.get(f"/2/users/{WREN}", robin, expansions="pinned_tweet_id", **fields).json

    assert [tweet["id"] for tweet in many["data"]] == [OWN]
    assert {(e["parameter"], e["resource_id"]) for e in many["errors"]} == {("ids", FOREIGN)}
    assert (set(timeline), timeline["meta"]) == ({"errors", "meta"}, {"result_count": 0})
    assert len(timeline["errors"]) == 5 * 3
    assert set(quote) == set(pinned) == {"data", "errors"}
    assert {(e["section"], e["resource_id"]) for e in quote["errors"]} == {("includes", QUOTED)}
