"""Who follows whom. Twitter: "Follows lookup", "Manage follows"."""

import pytest

from sandbox.seed_birds import CUCKOO, EGG, NIGHTJAR, ROBIN, STARLING, WREN
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


def test_an_empty_list_has_no_data_key(steps):
    assert following(steps, EGG).json == {"meta": {"result_count": 0}}


def test_thousands_of_followers_take_several_pages(steps):
    token, seen = None, []
    while True:
        query = {} if token is None else {"pagination_token": token}
        answer = following(steps, STARLING, "followers", max_results=1000, **query)
        seen += ids(answer)
        token = answer.json["meta"].get("next_token")
        if token is None:
            break

    assert len(seen) == len(set(seen)) > 2400


def test_tokens_have_the_sixteen_characters_of_the_specification(steps):
    meta = following(steps, max_results=1).json["meta"]

    assert len(meta["next_token"]) == 16


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


def test_following_somebody_shows_at_once(steps):
    answer = follow(steps, EGG)

    assert answer.json == {"data": {"following": True, "pending_follow": False}}
    assert ids(following(steps))[0] == EGG


def test_following_twice_is_no_error(steps):
    follow(steps, EGG)

    assert follow(steps, EGG).json["data"]["following"] is True
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


def test_a_person_follows_only_for_themselves(steps):
    answer = follow(steps, EGG, who=ROBIN)

    assert answer.status_code == 400
    assert "must be the same as the authenticating user" in answer.json["errors"][0]["message"]


@pytest.mark.parametrize("kind", ["following", "followers"])
def test_a_protected_account_hides_its_lists(steps, kind):
    assert following(steps, NIGHTJAR, kind).json["errors"][0]["title"] == "Authorization Error"
