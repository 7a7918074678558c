"""Accounts. Twitter: "Users lookup", "Fields", "Expansions"."""

import pytest

from sandbox.seed_birds import CUCKOO, EGG, KINGFISHER, MOCKINGBIRD, NIGHTJAR, ROBIN, WREN


@pytest.fixture
def post(browser):
    return lambda path, body: browser.post(f"/sandbox/{path}", json=body)


def test_me_has_three_fields_unasked(steps):
    answer = steps.get("/2/users/me")

    assert answer.json == {"data": {"id": WREN, "name": "Wren", "username": "wren"}}
    assert answer.content_type == "application/json; charset=utf-8"


def test_only_fields_that_were_asked_for_come(steps):
    fields = "created_at,public_metrics,verified,protected,profile_image_url"
    data = steps.get("/2/users/me", **{"user.fields": fields}).json["data"]

    assert set(data) == {"id", "name", "username", *fields.split(",")}


def test_what_is_empty_is_left_out(steps):
    """Twitter: "a field that is null or empty is not returned"."""
    fields = "description,location,url,entities,pinned_tweet_id"
    data = steps.get(f"/2/users/{EGG}", **{"user.fields": fields}).json["data"]

    assert set(data) == {"id", "name", "username"}


def test_false_and_zero_are_not_empty(steps):
    fields = "verified,public_metrics"
    data = steps.get(f"/2/users/{EGG}", **{"user.fields": fields}).json["data"]

    assert data["verified"] is False
    assert data["public_metrics"]["tweet_count"] == 0


def test_usernames_ignore_case(steps):
    found = [steps.get(f"/2/users/by/username/{name}").json for name in ("wren", "WREN")]

    assert [body["data"]["id"] for body in found] == [WREN] * 2


def test_many_come_in_the_order_asked(steps):
    by_id = steps.get("/2/users", ids=f"{ROBIN},{WREN}").json["data"]
    by_name = steps.get("/2/users/by", usernames="robin,wren").json["data"]

    assert [user["id"] for user in (*by_id, *by_name)] == [ROBIN, WREN] * 2


def test_missing_ones_are_partial_errors(steps):
    answer = steps.get("/2/users", ids=f"{WREN},42")

    assert answer.status_code == 200
    assert len(answer.json["data"]) == 1
    assert answer.json["errors"] == [
        {
            "value": "42",
            "detail": "Could not find user with ids: [42].",
            "title": "Not Found Error",
            "resource_type": "user",
            "parameter": "ids",
            "resource_id": "42",
            "type": "https://api.twitter.com/2/problems/resource-not-found",
        }
    ]


def test_a_single_missing_one_is_200_with_errors_only(steps):
    answer = steps.get("/2/users/42")

    assert answer.status_code == 200
    assert set(answer.json) == {"errors"}


def test_a_suspended_account_is_named_as_such(steps):
    answer = steps.get(f"/2/users/{CUCKOO}")

    assert answer.json["errors"][0]["detail"] == f"User has been suspended: [{CUCKOO}]."


def test_a_protected_account_shows_its_profile(steps):
    data = steps.get(f"/2/users/{NIGHTJAR}", **{"user.fields": "protected"}).json["data"]

    assert data["protected"] is True


def test_a_website_comes_as_a_short_link_and_where_it_leads(steps):
    data = steps.get(f"/2/users/{ROBIN}", **{"user.fields": "url,entities"}).json["data"]
    [place] = data["entities"]["url"]["urls"]

    assert data["url"].startswith("https://t.co/")
    assert place == {
        "start": 0,
        "end": len(data["url"]),
        "url": data["url"],
        "expanded_url": "https://robin.example/garden",
        "display_url": "robin.example/garden",
    }


def test_links_in_a_bio_are_short_and_say_where_they_lead(steps, post):
    bio = "🪱 & (https://www.robin.example/a/very/long/way?to=1&the=worm). https://robin.example/"
    post("accounts", {"account": "robin", "description": f"{bio} @wren"})
    data = steps.get(f"/2/users/{ROBIN}", **{"user.fields": "description,entities"}).json["data"]
    found = data["entities"]["description"]
    text, places = data["description"], found["urls"]

    assert [text[place["start"] : place["end"]] for place in places] == [p["url"] for p in places]
    assert text == f"🪱 & ({places[0]['url']}). {places[1]['url']} @wren"
    assert [(place["expanded_url"], place["display_url"]) for place in places] == [
        ("https://www.robin.example/a/very/long/way?to=1&the=worm", "robin.example/a/very/long…"),
        ("https://robin.example/", "robin.example"),
    ]
    assert text[found["mentions"][0]["start"] :] == "@wren"


def test_connection_status_says_how_two_stand_to_each_other(steps):
    query = {"ids": f"{ROBIN},{KINGFISHER},{EGG}", "user.fields": "connection_status"}
    data = steps.get("/2/users", **query).json["data"]

    assert data[0]["connection_status"] == ["following", "followed_by"]
    assert "connection_status" not in data[2]


def test_pinned_post_comes_along(steps):
    body = steps.get("/2/users/me", expansions="pinned_tweet_id").json

    assert body["includes"]["tweets"][0]["id"] == body["data"]["pinned_tweet_id"]


def test_email_needs_its_scope(steps):
    scope = "tweet.read users.read users.email"
    token = steps.sign_in(scope=scope)["access_token"]
    fields = {"user.fields": "confirmed_email"}

    assert steps.get("/2/users/me", token, **fields).json["data"]["confirmed_email"]
    assert "confirmed_email" not in steps.get(f"/2/users/{ROBIN}", token, **fields).json["data"]
    assert "confirmed_email" not in steps.get("/2/users/me", **fields).json["data"]


def test_hostile_names_arrive_as_they_are(steps):
    """Names are data: Twitter does not escape them, so whoever shows them must."""
    data = steps.get(f"/2/users/{MOCKINGBIRD}").json["data"]

    assert data["name"] == '<script>alert("tweet")</script>'


def test_pictures_are_our_own(steps):
    fields = {"user.fields": "profile_image_url,profile_banner_url"}
    data = steps.get("/2/users/me", **fields).json["data"]
    avatar = steps.browser.get(data["profile_image_url"])
    banner = steps.browser.get(data["profile_banner_url"])

    assert data["profile_image_url"].startswith("http://localhost/")
    assert data["profile_image_url"].endswith("_normal.svg")
    assert (avatar.status_code, avatar.mimetype) == (200, "image/svg+xml")
    assert (banner.status_code, banner.mimetype) == (200, "image/svg+xml")


def test_who_has_no_picture_gets_the_default_one(steps):
    data = steps.get(f"/2/users/{EGG}", **{"user.fields": "profile_image_url"}).json["data"]

    assert "default_profile_images/default_profile_normal" in data["profile_image_url"]
    assert steps.browser.get(data["profile_image_url"]).status_code == 200


def test_avatars_come_in_the_usual_sizes(steps):
    sizes = ["_normal", "_bigger", "_mini", "", "_400x400"]
    paths = [f"/profile_images/{WREN}/wren{size}.svg" for size in sizes]

    assert [steps.browser.get(path).status_code for path in paths] == [200] * 5


def test_unknown_pictures_are_404(steps):
    paths = ["/profile_images/42/x.svg", f"/profile_banners/{EGG}.svg", "/media/nope.svg"]

    assert [steps.browser.get(path).status_code for path in paths] == [404] * 3
