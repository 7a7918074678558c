"""Accounts. Twitter: "Users lookup", "Fields", "Expansions". Shapes: test_contract.py."""

import pytest

from tests.sandbox.birds import CUCKOO, EGG, KINGFISHER, ROBIN, WREN


def test_only_fields_that_were_asked_for_come(steps):
    unasked = steps.get("/2/users/me")
    fields = "created_at,public_metrics,verified,protected,profile_image_url"
    asked = steps.get("/2/users/me", **{"user.fields": fields}).json["data"]

    assert unasked.json == {"data": {"id": WREN, "name": "Wren", "username": "wren"}}
    assert unasked.content_type == "application/json; charset=utf-8"
    assert set(asked) == {"id", "name", "username", *fields.split(",")}


def test_what_is_empty_is_left_out_and_false_and_zero_are_not(steps):
    """Twitter: "a field that is null or empty is not returned"."""
    fields = "description,location,url,entities,pinned_tweet_id,verified,public_metrics"
    data = steps.get(f"/2/users/{EGG}", **{"user.fields": fields}).json["data"]

    assert set(data) == {"id", "name", "username", "verified", "public_metrics"}
    assert (data["verified"], data["public_metrics"]["tweet_count"]) == (False, 0)


def test_many_come_in_the_order_asked_whatever_the_case(steps):
    by_id = steps.get("/2/users", ids=f"{ROBIN},{WREN}").json["data"]
    by_name = steps.get("/2/users/by", usernames="ROBIN,wren").json["data"]
    one = steps.get("/2/users/by/username/WREN").json["data"]

    assert [user["id"] for user in (*by_id, *by_name)] == [ROBIN, WREN] * 2
    assert one["id"] == WREN


def test_missing_ones_are_partial_errors(steps):
    answer = steps.get("/2/users", ids=f"{WREN},42,{CUCKOO}")
    one = steps.get("/2/users/42")

    assert (answer.status_code, one.status_code) == (200, 200)
    assert (len(answer.json["data"]), set(one.json)) == (1, {"errors"})
    assert answer.json["errors"][0] == {
        "value": "42",
        "detail": "Could not find user with ids: [42].",
        "title": "Not Found Error",
        "resource_type": "user",
        "parameter": "ids",
        "resource_id": "42",
        "type": "https://api.x.com/2/problems/resource-not-found",
    }
    assert answer.json["errors"][1]["detail"] == f"User has been suspended: [{CUCKOO}]."


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


def test_a_bio_comes_as_it_was_written_but_for_its_links(steps, world):
    """Twitter escapes the text of posts, not names and bios; indices count in what is sent."""
    bio = "> 🪱 & <3 (https://www.robin.example/a/very/long/way?to=1&the=worm) #हिन्दी @wren"
    world.change_account("robin", {"description": bio, "name": "<b>&"})
    data = steps.get(f"/2/users/{ROBIN}", **{"user.fields": "description,entities"}).json["data"]
    text, found = data["description"], data["entities"]["description"]
    cut = {kind: text[p["start"] : p["end"]] for kind, [p] in found.items()}

    assert data["name"] == "<b>&"
    assert text == f"> 🪱 & <3 ({cut['urls']}) #हिन्दी @wren"
    assert (cut["hashtags"], cut["mentions"]) == ("#हिन्दी", "@wren")
    assert found["urls"][0]["expanded_url"].endswith("?to=1&the=worm")
    assert found["urls"][0]["display_url"] == "robin.example/a/very/long…"


def test_connection_status_says_how_two_stand_to_each_other(steps):
    query = {"ids": f"{ROBIN},{KINGFISHER},{EGG}", "user.fields": "connection_status"}
    data = steps.get("/2/users", **query).json["data"]

    assert data[0]["connection_status"] == ["following", "followed_by"]
    assert "connection_status" not in data[2]


def test_email_needs_its_scope(steps):
    token = steps.sign_in(scope="tweet.read users.read users.email")["access_token"]
    fields = {"user.fields": "confirmed_email"}

    assert steps.get("/2/users/me", token, **fields).json["data"]["confirmed_email"]
    assert "confirmed_email" not in steps.get(f"/2/users/{ROBIN}", token, **fields).json["data"]
    assert "confirmed_email" not in steps.get("/2/users/me", **fields).json["data"]


@pytest.mark.parametrize("account_id", [WREN, EGG])
def test_pictures_are_our_own(steps, account_id):
    fields = {"user.fields": "profile_image_url,profile_banner_url"}
    data = steps.get(f"/2/users/{account_id}", **fields).json["data"]
    pictures = [data[name] for name in fields["user.fields"].split(",") if name in data]
    answers = [steps.browser.get(picture) for picture in pictures]

    assert len(pictures) == (1 if account_id == EGG else 2)
    assert all(picture.startswith("http://localhost/") for picture in pictures)
    assert ("default_profile_normal" in pictures[0]) is (account_id == EGG)
    assert {(a.status_code, a.mimetype) for a in answers} == {(200, "image/svg+xml")}


def test_avatars_come_in_the_usual_sizes_and_others_are_404(steps):
    sizes = ["_normal", "_bigger", "_mini", "", "_400x400"]
    paths = [f"/profile_images/{WREN}/wren{size}.svg" for size in sizes]
    paths += ["/profile_images/42/x.svg", f"/profile_banners/{EGG}.svg", "/media/nope.svg"]

    assert [steps.browser.get(path).status_code for path in paths] == [200] * 5 + [404] * 3
