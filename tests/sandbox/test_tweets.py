"""Posts. Twitter: "Posts lookup", "Timelines", "Counting characters", "Edit Posts"."""

import html

import pytest

from sandbox.seed_birds import (
    CUCKOO,
    DAY,
    EGG,
    HOUR,
    JAY,
    KINGFISHER,
    MOCKINGBIRD,
    NIGHTJAR,
    PUFFIN,
    ROBIN,
    WREN,
    at,
)

LONG, EDITED, REPOST, EMOJI = at(4 * HOUR), at(9 * HOUR), at(1 * DAY + 40), at(95)
POLL, QUOTE, REPLY, PICTURE = at(50), at(1 * DAY), at(2 * DAY + 30), at(14 * HOUR)
PICTURES, VIDEO = at(3 * DAY + 2 * HOUR), at(26 * HOUR)


def timeline(steps, who=WREN, token=None, **query):
    return steps.get(f"/2/users/{who}/tweets", token, **query)


def post(steps, tweet_id, fields, **query):
    return steps.get(f"/2/tweets/{tweet_id}", **{"tweet.fields": fields}, **query).json


def test_a_post_has_three_fields_unasked(steps):
    data = steps.get(f"/2/tweets/{EMOJI}").json["data"]

    assert set(data) == {"id", "text", "edit_history_tweet_ids"}


def test_a_timeline_is_newest_first_ten_at_a_time(steps):
    body = timeline(steps).json
    ids = [int(tweet["id"]) for tweet in body["data"]]

    assert ids == sorted(ids, reverse=True)
    assert body["meta"]["result_count"] == len(ids) == 10
    assert body["meta"]["newest_id"] == str(ids[0])
    assert body["meta"]["oldest_id"] == str(ids[-1])


def test_pages_join_without_gap_or_overlap(steps):
    token = steps.sign_in()["access_token"]
    first = timeline(steps, token=token, max_results=5).json
    second = timeline(
        steps, token=token, max_results=5, pagination_token=first["meta"]["next_token"]
    ).json
    back = timeline(
        steps, token=token, max_results=5, pagination_token=second["meta"]["previous_token"]
    ).json
    whole = timeline(steps, token=token, max_results=100).json

    assert [*first["data"], *second["data"]] == whole["data"][:10]
    assert back["data"] == first["data"]
    assert "previous_token" not in first["meta"]
    assert "next_token" not in whole["meta"]


def test_an_empty_timeline_has_no_data_key(steps):
    """Clients guard for this: only `meta.result_count` is there."""
    assert timeline(steps, EGG).json == {"meta": {"result_count": 0}}


def test_text_is_escaped_once(steps):
    text = post(steps, EDITED, "created_at")["data"]["text"]

    assert "Moss &amp; lichen" in text
    assert "&lt;3" in text
    assert "&amp;amp;" not in text


def test_indices_count_code_points_after_an_emoji(steps):
    """Checked on a real answer of Twitter: code points give `#mufc`, UTF-16 units do not."""
    data = post(steps, EMOJI, "entities")["data"]
    mention, tag = data["entities"]["mentions"][0], data["entities"]["hashtags"][0]

    assert data["text"][mention["start"] : mention["end"]] == "@robin"
    assert data["text"][tag["start"] : tag["end"]] == "#hedgelife"
    assert mention["id"] == ROBIN


def test_every_entity_cuts_what_it_names(steps):
    query = {"max_results": 100, "tweet.fields": "entities,note_tweet"}
    cut, named = [], []
    for who in (WREN, ROBIN, JAY, KINGFISHER, PUFFIN, MOCKINGBIRD):
        for tweet in timeline(steps, who, **query).json["data"]:
            for part in (tweet, tweet.get("note_tweet", {})):
                found = part.get("entities", {})
                for kind, mark, name in (("urls", "", "url"), ("hashtags", "#", "tag")):
                    places = found.get(kind, [])
                    cut += [part["text"][place["start"] : place["end"]] for place in places]
                    named += [mark + place[name] for place in places]

    assert cut == named
    assert len(cut) == 9


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
    assert len(data["text"]) == 140
    assert data["referenced_tweets"] == [{"type": "retweeted", "id": original["id"]}]
    assert len(original["text"]) > 140


def test_an_edited_post_lists_its_versions(steps):
    data = post(steps, EDITED, "edit_controls")["data"]

    assert data["edit_history_tweet_ids"][-1] == EDITED
    assert len(data["edit_history_tweet_ids"]) == 3
    assert data["edit_controls"]["edits_remaining"] == 3


def test_a_reply_knows_whom_it_answers(steps):
    body = post(steps, REPLY, "conversation_id", expansions="in_reply_to_user_id")

    assert body["data"]["in_reply_to_user_id"] == KINGFISHER
    assert body["data"]["conversation_id"] == at(2 * DAY + 45)
    assert body["includes"]["users"][0]["username"] == "kingfisher"


def test_pictures_come_with_their_alt_text(steps):
    query = {"expansions": "attachments.media_keys", "media.fields": "url,alt_text,width,height"}
    media = post(steps, PICTURE, "entities", **query)["includes"]["media"][0]

    assert media["alt_text"].startswith("The sea")
    assert steps.browser.get(media["url"]).mimetype == "image/svg+xml"


def test_several_pictures_share_one_link(steps):
    body = post(steps, PICTURES, "attachments,entities", expansions="attachments.media_keys")

    places = body["data"]["entities"]["urls"]
    assert [place["media_key"] for place in places] == body["data"]["attachments"]["media_keys"]
    assert len({(place["start"], place["end"], place["url"]) for place in places}) == 1
    assert len(body["includes"]["media"]) == len(places) == 3


def test_a_video_comes_with_a_still(steps):
    query = {
        "expansions": "attachments.media_keys",
        "media.fields": "url,preview_image_url,duration_ms",
    }
    media = post(steps, VIDEO, "entities", **query)["includes"]["media"][0]

    assert (media["type"], media["duration_ms"]) == ("video", 21_000)
    assert "url" not in media
    assert steps.browser.get(media["preview_image_url"]).mimetype == "image/svg+xml"


def test_a_poll_closes_when_its_day_is_over(steps, world):
    query = {"expansions": "attachments.poll_ids", "poll.fields": "voting_status"}
    before = post(steps, POLL, "id", **query)["includes"]["polls"][0]
    world.advance(86400)
    after = post(steps, POLL, "id", **query)["includes"]["polls"][0]

    assert (before["voting_status"], after["voting_status"]) == ("open", "closed")
    assert len(before["options"]) == 4


def test_expansions_go_one_step(steps):
    body = post(steps, QUOTE, "referenced_tweets", expansions="referenced_tweets.id,author_id")

    assert [user["id"] for user in body["includes"]["users"]] == [WREN]
    assert len(body["includes"]["tweets"]) == 1


def test_the_author_of_a_quote_comes_with_its_own_expansion(steps):
    body = post(steps, QUOTE, "id", expansions="referenced_tweets.id.author_id")

    assert [user["id"] for user in body["includes"]["users"]] == [ROBIN]


def test_a_quote_ends_with_a_link_to_what_it_quotes(steps):
    """As live answers do; whoever draws the quoted post has to take the link away."""
    data = post(steps, QUOTE, "entities,referenced_tweets")["data"]
    [place] = data["entities"]["urls"]
    [quoted] = data["referenced_tweets"]

    assert data["text"].endswith(f" {place['url']}")
    assert place["url"].startswith("https://t.co/")
    assert (place["start"], place["end"]) == (data["text"].index("https"), len(data["text"]))
    assert place["expanded_url"] == f"https://x.com/robin/status/{quoted['id']}"
    assert place["display_url"] == "x.com/robin/status/198959…"


def test_mentions_can_be_expanded(steps):
    body = post(steps, EMOJI, "id", expansions="entities.mentions.username")

    assert [user["username"] for user in body["includes"]["users"]] == ["robin"]


def test_a_quote_of_a_protected_post_is_a_partial_error(steps):
    body = post(steps, at(4 * DAY + 20), "id", expansions="referenced_tweets.id")

    assert "includes" not in body
    assert body["errors"][0]["title"] == "Authorization Error"


def test_closed_timelines_say_why(steps):
    answers = [timeline(steps, who) for who in (NIGHTJAR, CUCKOO, "42")]

    assert {answer.status_code for answer in answers} == {200}
    assert {tuple(answer.json) for answer in answers} == {("errors",)}
    assert [answer.json["errors"][0]["detail"] for answer in answers] == [
        f"Sorry, you are not authorized to see the user with id: [{NIGHTJAR}].",
        f"User has been suspended: [{CUCKOO}].",
        "Could not find user with id: [42].",
    ]


def test_a_follower_may_read_a_protected_timeline(steps):
    token = steps.sign_in("robin")["access_token"]

    assert timeline(steps, NIGHTJAR, token).json["meta"]["result_count"] == 2


@pytest.mark.parametrize("tweet_id", [at(10 * HOUR), at(30 * DAY)])
def test_protected_and_suspended_posts_are_not_shown(steps, tweet_id):
    body = steps.get("/2/tweets", ids=f"{EMOJI},{tweet_id},42").json

    assert [tweet["id"] for tweet in body["data"]] == [EMOJI]
    assert [error["title"] for error in body["errors"]] == [
        "Authorization Error",
        "Not Found Error",
    ]


def test_a_timeline_can_be_filtered(steps):
    filters = [
        ({"exclude": "replies"}, 11),
        ({"exclude": "retweets"}, 11),
        ({"exclude": "replies,retweets"}, 10),
        ({"since_id": at(5 * HOUR)}, 3),
        ({"until_id": at(5 * HOUR)}, 9),
        ({"start_time": "2999-01-01T00:00:00Z"}, 0),
        ({"end_time": "2999-01-01T00:00:00Z"}, 12),
        ({"start_time": "2011-01-01T00:00:00Z", "end_time": "2999-01-01T00:00:00Z"}, 12),
    ]
    answers = [timeline(steps, max_results=100, **query) for query, _ in filters]

    assert [answer.json["meta"]["result_count"] for answer in answers] == [n for _, n in filters]
