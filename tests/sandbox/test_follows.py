"""Who follows whom. Twitter: "Follows lookup", "Manage follows"."""

import pytest

from tests.sandbox.birds import CUCKOO, EGG, NIGHTJAR, ROBIN, STARLING, WREN
from tests.sandbox.steps import bearer


def follow(steps, target, who=WREN, token=None, **more):
    return steps.browser.post(
        f"/2/users/{who}/following",
        headers=bearer(token or steps.sign_in()["access_token"]),
        **({"json": {"target_user_id": target}} | more),
    )


def unfollow(steps, target):
    headers = bearer(steps.sign_in()["access_token"])
    return steps.browser.delete(f"/2/users/{WREN}/following/{target}", headers=headers)


def following(steps, who=WREN, kind="following", **query):
    return steps.get(f"/2/users/{who}/{kind}", **query)


def ids(answer):
    return [user["id"] for user in answer.json.get("data", [])]


def test_lists_are_newest_first_and_skip_the_suspended(steps):
    answer = following(steps)

    assert ids(answer)[-1] == ROBIN
    assert CUCKOO not in ids(answer)
    assert answer.json["meta"] == {"result_count": 9}
    assert following(steps, EGG).json == {"meta": {"result_count": 0}}


def test_thousands_of_followers_take_several_pages(steps):
    query, seen = {"max_results": 1000}, []
    while True:
        answer = following(steps, STARLING, "followers", **query)
        seen += ids(answer)
        if "next_token" not in answer.json["meta"]:
            break
        query["pagination_token"] = answer.json["meta"]["next_token"]

    assert len(seen) == len(set(seen)) > 2400
    assert len(query["pagination_token"]) == 16  # as in the specification


@pytest.mark.parametrize("account", ["robin", "wren"])
def test_a_token_opens_only_its_own_list(steps, account):
    token = following(steps, max_results=1).json["meta"]["next_token"]
    other = steps.sign_in(account)["access_token"]
    path = f"/2/users/{WREN}/{'followers' if account == 'wren' else 'following'}"
    answer = steps.get(path, other, pagination_token=token)

    assert answer.status_code == 400
    assert "pagination_token" in answer.json["errors"][0]["message"]


def test_made_up_page_tokens_are_refused(steps):
    tokens = ["", "x", "AAAAAAAAAAAAAAAA", "====", "ü" * 16]
    statuses = [following(steps, pagination_token=token).status_code for token in tokens]

    assert statuses == [400] * 5


def test_following_shows_at_once_and_twice_is_no_error(steps):
    answers = [follow(steps, EGG) for _ in range(2)]

    assert [a.json for a in answers] == [{"data": {"following": True, "pending_follow": False}}] * 2
    assert ids(following(steps))[0] == EGG
    assert ids(following(steps)).count(EGG) == 1


def test_a_protected_account_is_asked_first(steps):
    answer = follow(steps, NIGHTJAR)
    look = steps.get(f"/2/users/{NIGHTJAR}", **{"user.fields": "connection_status"})

    assert answer.json == {"data": {"following": False, "pending_follow": True}}
    assert look.json["data"]["connection_status"] == ["follow_request_sent"]
    assert NIGHTJAR not in ids(following(steps))


@pytest.mark.parametrize("target", [ROBIN, EGG, "42"])
def test_unfollowing_always_ends_in_not_following(steps, target):
    assert unfollow(steps, target).json == {"data": {"following": False}}
    assert target not in ids(following(steps))


def test_a_bad_follow_is_400(steps):
    bodies = [
        {"json": {}},
        {"json": []},
        {"json": {"target_user_id": 42}},
        {"json": {"target_user_id": "not-an-id"}},
        {"json": {"target_user_id": "42"}},
        {"json": {"target_user_id": WREN}},
        {"json": {"target_user_id": CUCKOO}},
        {"json": {"target_user_id": EGG, "more": 1}},
        {"json": None, "data": "{"},
    ]
    answers = [follow(steps, EGG, **more) for more in bodies]

    assert {(a.status_code, a.json["title"]) for a in answers} == {(400, "Invalid Request")}


def test_only_oneself_is_told_that_one_cannot_follow_oneself(steps):
    said = {target: follow(steps, target).json["errors"][0]["message"] for target in (WREN, CUCKOO)}

    assert said[WREN] == "You cannot follow yourself."
    assert "yourself" not in said[CUCKOO]


def test_a_person_follows_only_for_themselves(steps):
    answer = follow(steps, EGG, who=ROBIN)

    assert answer.status_code == 400
    assert "must be the same as the authenticating user" in answer.json["errors"][0]["message"]


@pytest.mark.parametrize("kind", ["following", "followers"])
def test_a_protected_account_hides_its_lists(steps, kind):
    assert following(steps, NIGHTJAR, kind).json["errors"][0]["title"] == "Authorization Error"
