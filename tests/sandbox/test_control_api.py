"""`/sandbox/...`: what tests and scripts use to turn the sandbox's knobs."""

import pytest

from tests.sandbox.birds import NIGHTJAR, WREN
from tests.sandbox.steps import query_of

POSTS = ["reset", "clock", "settings", "faults", "limits", "clients", "tokens/expire"]


@pytest.fixture
def post(browser):
    return lambda path, body=None: browser.post(f"/sandbox/{path}", json=body or {})


def unexplained(post, path, wishes):
    """List the bad wishes that are not refused in the words beside them."""
    answers = [(wish, words, post(path, wish)) for wish, words in wishes]
    return [
        wish
        for wish, words, answer in answers
        if answer.status_code != 400 or words not in answer.json["error"]
    ]


@pytest.mark.parametrize("path", POSTS)
def test_a_foreign_page_cannot_press_a_button(browser, path):
    """These are the content types that a page may send across origins unasked (Fetch §2.2.5)."""
    kinds = ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data", ""]
    answers = [browser.post(f"/sandbox/{path}", data="{}", content_type=kind) for kind in kinds]

    assert [answer.status_code for answer in answers] == [415] * 4


def test_no_answer_has_cors_headers(browser):
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    answer = browser.options("/sandbox/reset", headers=headers)

    assert not [name for name, _ in answer.headers if name.lower().startswith("access-control")]


def test_reset_brings_the_beginning_back(steps, post, world):
    token = steps.sign_in()["access_token"]
    post("clock", {"advance_seconds": 100})
    post("settings", {"plan": "legacy-free"})
    post("faults", {"path": "/2/*", "status": 500})
    post("clients", {"client_id": "mine", "callbacks": ["https://me.example/"]})
    world.follows.remove(WREN, "x")

    assert post("reset").json == {"reset": True}
    assert steps.get("/2/users/me", token).status_code == 401
    assert world.clock.ahead() == 0
    assert world.settings.plan == "enterprise"
    assert world.faults.waiting() == []
    assert "mine" not in world.clients
    assert len(world.journal.entries()) == 1  # the 401 just now


def test_the_clock_moves_forward_and_refuses_nonsense(post, world):
    before = world.now()
    answer = post("clock", {"advance_seconds": 31})
    odd = [-1, "31", True, None, [], 1e300, float("nan"), float("inf")]

    assert 31 <= answer.json["unix"] - before < 32
    assert answer.json["now"].endswith("Z")
    assert [post("clock", {"advance_seconds": s}).status_code for s in odd] == [400] * len(odd)
    assert world.clock.ahead() == 31


def test_settings_change_together_and_are_told(post, browser):
    wish = {"access_token_seconds": 60, "plan": "pay-per-use", "dialect": "beta", "credits": 1.5}
    answer = post("settings", wish)

    others = {"latency_ms": 0, "enrollment": "complete", "limit_body": "plain", "posts_left": None}
    others |= {"grants": "one", "revoke": "app", "way_back": "redirect"}
    others |= {"revoke_events": "revocations", "webhook_signatures": "consumer"}
    assert answer.json == wish | others
    assert browser.get("/sandbox/settings").json == answer.json


def test_a_bad_setting_changes_nothing(post, world):
    before = world.settings
    wishes = [
        ({"colour": "blue"}, "There is no setting 'colour'"),
        ({"plan": "gold"}, "plan must be one of"),
        ({"dialect": ["live"]}, "dialect must be one of"),
        ({"grants": "two"}, "grants must be one of"),
        ({"revoke": "none"}, "revoke must be one of"),
        ({"way_back": "app"}, "way_back must be one of"),
        ({"revoke_events": "none"}, "revoke_events must be one of"),
        ({"webhook_signatures": "none"}, "webhook_signatures must be one of"),
        ({"latency_ms": -1}, "latency_ms must be a number"),
        ({"access_token_seconds": 0}, "access_token_seconds must be a number from 1"),
        ({"access_token_seconds": "60"}, "access_token_seconds must be a number"),
        ({"credits": True}, "credits must be a number"),
        ({"plan": "legacy-free", "latency_ms": 1.5}, "latency_ms"),
    ]

    assert unexplained(post, "settings", wishes) == []
    assert world.settings == before


def test_faults_can_be_listed_and_cleared(post, browser):
    wish = {"path": "/2/*", "hang": True, "times": None, "probability": 0.1}
    answer = post("faults", wish)

    assert wish.items() <= answer.json["faults"][0].items()
    assert browser.get("/sandbox/faults").json == answer.json
    assert browser.delete("/sandbox/faults").json == {"faults": []}


@pytest.mark.parametrize("path", ["clock", "settings", "faults", "clients"])
def test_bodies_that_are_no_objects_are_refused(browser, path):
    for body in ("[]", "{", "1", "[" * 100_000):
        answer = browser.post(f"/sandbox/{path}", data=body, content_type="application/json")

        assert answer.status_code == 400
        assert answer.json["error"]


def test_the_journal_shows_what_was_sent_and_answered(steps, browser):
    steps.sign_in()
    entries = browser.get("/sandbox/journal").json["entries"]
    token = next(e for e in entries if e["path"] == "/2/oauth2/token")

    assert [e["method"] for e in entries] == ["GET", "POST", "POST"]
    assert token["form"]["grant_type"] == ["authorization_code"]
    assert token["headers"]["Authorization"].startswith("Basic ")
    assert token["status"] == 200
    assert '"access_token"' in token["answer"]
    assert "code" in query_of(entries[1]["location"])


def test_the_journal_can_be_read_from_where_one_left_off(steps, browser):
    steps.sign_in()
    first = browser.get("/sandbox/journal").json["entries"]
    steps.sign_in()
    rest = browser.get(f"/sandbox/journal?after={first[-1]['number']}").json["entries"]

    assert len(rest) == 3


def test_tokens_tell_their_state(steps, browser, post, world):
    post("settings", {"revoke": "token"})
    first = steps.sign_in()
    second = steps.refresh(first["refresh_token"]).json
    steps.revoke(second["refresh_token"], "refresh_token")
    world.clock.advance(7000)
    before = browser.get("/sandbox/tokens").json["tokens"]
    world.clock.advance(200)
    after = browser.get("/sandbox/tokens").json["tokens"]

    assert [one["state"] for one in before] == ["living", "spent", "living", "revoked"]
    assert [one["state"] for one in after] == ["expired", "spent", "expired", "revoked"]
    assert (before[0]["token"], before[0]["kind"]) == (first["access_token"], "access_token")
    assert 190 <= before[0]["remaining_seconds"] <= 200
    assert (before[0]["account"], before[0]["client_id"]) == ("wren", "sandbox-client")
    six_months = 180 * 24 * 60 * 60
    assert six_months - 7100 <= before[1]["remaining_seconds"] <= six_months - 7000
    assert after[0]["remaining_seconds"] == 0


def test_all_access_tokens_can_be_expired_at_once(steps, post):
    tokens = steps.sign_in()
    post("tokens/expire")

    assert steps.get("/2/users/me", tokens["access_token"]).status_code == 401
    assert steps.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.parametrize("whose", [{"account": "wren"}, {"client_id": "sandbox-client"}])
def test_limits_can_be_used_up(steps, post, whose):
    token = steps.sign_in()["access_token"]
    post("limits", whose | {"endpoint": "me"})

    assert steps.get("/2/users/me", token).status_code == 429
    assert steps.get(f"/2/users/{WREN}", token).status_code == 200
    assert post("limits", whose).json == {"exhausted": True}
    assert steps.get(f"/2/users/{WREN}", token).status_code == 429


def test_limits_of_unknown_names_are_refused(post):
    wishes = [
        {},
        {"account": "x"},
        {"account": "wren", "endpoint": "x"},
        {"account": "wren", "endpoint": ["x"]},
        {"account": "wren", "endpoint": {}},
        {"account": "wren", "window": "month"},
        {"account": "wren", "window": None},
        {"client_id": "nobody"},
        {"client_id": "sandbox-client", "endpoint": 7},
    ]

    assert [post("limits", wish).status_code for wish in wishes] == [400] * len(wishes)
    assert post("limits", {"account": "wren", "window": "day"}).status_code == 200


@pytest.mark.parametrize("confidential", [True, False])
def test_a_client_can_be_registered_and_used(steps, post, browser, confidential):
    wish = {"callbacks": ["app://back"], "confidential": confidential, "name": "Mine"}
    made_up, chosen = post("clients", wish), post("clients", wish | {"client_id": "mine"})

    assert (made_up.status_code, chosen.json["client_id"]) == (201, "mine")
    assert bool(made_up.json["client_secret"]) is confidential
    assert wish.items() <= made_up.json.items()
    assert chosen.json in browser.get("/sandbox/clients").json["clients"]
    page = steps.ask(client_id=made_up.json["client_id"], redirect_uri="app://back")
    assert page.status_code == 200


ODD_CALLBACKS = [
    "/relative",
    "javascript:alert(1)",
    " https://me.example/",
    "https://me.example/\n",
]
ODD_CALLBACKS += [f"https://me.example/{end}" for end in ("#fragment", "a b", "*", "☃", "<b>")]
ODD_CALLBACKS += ["https://*.me.example/"]


def test_a_bad_client_is_refused(post):
    good = {"callbacks": ["https://me.example/"]}
    wishes = [{"callbacks": [callback]} for callback in [*ODD_CALLBACKS, 1]]
    wishes += [{}, {"callbacks": []}, {"callbacks": "https://me.example/"}]
    wishes += [{"callbacks": good["callbacks"] * 11}, good | {"color": "blue"}]
    wishes += [good | {"name": 1}, good | {"name": "\ud800"}]
    wishes += [good | {"client_secret": "hush\n"}, good | {"client_id": "é"}]
    wishes += [good | {"confidential": "no"}, good | {"confidential": None}]

    assert unexplained(post, "clients", [(wish, "") for wish in wishes]) == []


def test_a_person_can_remove_an_app(steps, post):
    token = steps.sign_in()["access_token"]
    robins = steps.sign_in("robin")["access_token"]
    answer = post("disconnect", {"account": "wren", "client_id": "sandbox-client"})

    assert answer.json["tokens"][0]["state"] == "revoked by the person"
    assert steps.get("/2/users/me", token).status_code == 401
    assert steps.get("/2/users/me", robins).status_code == 200


def test_an_unknown_app_cannot_be_removed(post):
    wishes = [{"account": "wren"} | wish for wish in ({"client_id": "x"}, {}, {"client_id": ["x"]})]

    assert unexplained(post, "disconnect", [(w, "There is no client") for w in wishes]) == []


def test_an_account_can_be_renamed(steps, post):
    """The token is the person's, whatever the name; the old name leads nowhere."""
    token = steps.sign_in("jay")["access_token"]
    answer = post("accounts", {"account": "jay", "username": "bluejay", "name": "Blue Jay"})

    assert answer.json["former_usernames"] == ["jay"]
    assert steps.get("/2/users/me", token).json["data"]["username"] == "bluejay"
    assert "data" not in steps.get("/2/users/by/username/jay", token).json


@pytest.mark.parametrize("change", ["protected", "suspended"])
def test_an_account_can_close(steps, post, change):
    token = steps.sign_in("puffin")["access_token"]
    jay = steps.get("/2/users/by/username/jay", token).json["data"]["id"]
    post("accounts", {"account": "jay", change: True})

    assert set(steps.get(f"/2/users/{jay}/tweets", token).json) == {"errors"}


def test_accounts_are_listed_without_the_flock(browser):
    accounts = browser.get("/sandbox/accounts").json["accounts"]

    assert {"wren", "lapwing"} <= {account["username"] for account in accounts}
    assert len(accounts) == 15


def test_a_bad_change_of_an_account_is_explained(post, world):
    before = dict(world.accounts)
    changes = [
        ({"username": "wren"}, "There is already an account 'wren'"),
        ({"username": "two words"}, "username must be 1 to 15"),
        ({"username": 7}, "username must be text"),
        ({"name": "\ud800"}, "name must be text"),
        ({"name": ""}, "name must not be empty"),
        ({"name": "x" * 51}, "name must have at most 50 characters"),
        ({"description": "x" * 161}, "description must have at most 160 characters"),
        ({"location": "x" * 31}, "location must have at most 30 characters"),
        ({"protected": "yes"}, "protected must be true or false"),
        ({"id": "7"}, "'id' cannot be changed"),
    ]
    wishes = [({"account": "jay"} | change, words) for change, words in changes]

    assert unexplained(post, "accounts", [({}, "There is no account ''"), *wishes]) == []
    assert world.accounts == before


def test_an_account_cannot_follow_itself(post):
    wish = {"follower": "wren", "followed": "Wren"}

    assert unexplained(post, "follows", [(wish, "An account cannot follow itself")]) == []


def test_a_protected_account_can_say_yes(steps, post):
    token = steps.sign_in()["access_token"]
    headers, body = {"Authorization": f"Bearer {token}"}, {"target_user_id": NIGHTJAR}
    steps.browser.post(f"/2/users/{WREN}/following", json=body, headers=headers)
    post("follows", {"follower": "wren", "followed": "nightjar"})
    look = steps.get(f"/2/users/{NIGHTJAR}", token, **{"user.fields": "connection_status"})

    assert look.json["data"]["connection_status"] == ["following"]
    assert "data" in steps.get(f"/2/users/{NIGHTJAR}/tweets", token).json
