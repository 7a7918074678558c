"""What a thief would try, eight hands at once where it matters."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from tests.sandbox.steps import CALLBACK, VERIFIER, basic, bearer

HANDS = 8


def at_once(app, requests):
    """Send the requests at the same moment, each from a thread of its own."""
    barrier = Barrier(len(requests))

    def send(request):
        barrier.wait()
        return app.test_client().post("/2/oauth2/token", data=request, headers=basic())

    with ThreadPoolExecutor(len(requests)) as hands:
        return list(hands.map(send, requests))


@pytest.mark.parametrize("round_number", range(5))
def test_of_eight_exchanges_of_one_code_one_wins(app, steps, round_number):
    form = {
        "grant_type": "authorization_code",
        "code": steps.code(),
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }
    answers = at_once(app, [form] * HANDS)
    won = [answer for answer in answers if answer.status_code == 200]

    assert len(won) == 1
    # RFC 6749 §4.1.2: the code was used twice, so even the winner has nothing left.
    assert steps.get("/2/users/me", won[0].json["access_token"]).status_code == 401


@pytest.mark.parametrize("round_number", range(5))
def test_of_eight_refreshes_with_one_token_one_wins(app, steps, round_number):
    form = {"grant_type": "refresh_token", "refresh_token": steps.sign_in()["refresh_token"]}
    answers = at_once(app, [form] * HANDS)
    won = [answer for answer in answers if answer.status_code == 200]

    assert len(won) == 1
    assert steps.refresh(won[0].json["refresh_token"]).status_code == 400


def test_eight_different_codes_all_win(app, steps):
    form = {
        "grant_type": "authorization_code",
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }
    answers = at_once(app, [form | {"code": steps.code()} for _ in range(HANDS)])

    assert [answer.status_code for answer in answers] == [200] * HANDS


def test_pkce_cannot_be_skipped(steps):
    """RFC 9700 §2.1.1: not at the start, and not at the end."""
    assert steps.ask(code_challenge=None, code_challenge_method=None).status_code == 400
    assert steps.exchange(steps.code(), code_verifier=None).status_code == 400


def test_the_challenge_is_no_verifier(steps):
    from tests.sandbox.steps import CHALLENGE

    assert steps.exchange(steps.code(), code_verifier=CHALLENGE).status_code == 400


def test_the_verifier_of_another_sign_in_does_not_fit(steps):
    mine = steps.code()
    theirs = steps.code(code_challenge="b" * 43)

    assert steps.exchange(theirs).status_code == 400
    assert steps.exchange(mine).status_code == 200


def test_a_scope_that_was_not_granted_opens_nothing(steps):
    token = steps.sign_in(scope="tweet.read users.read")["access_token"]
    wren = steps.get("/2/users/me", token).json["data"]["id"]
    answer = steps.get(f"/2/users/{wren}/following", token)

    assert answer.status_code == 403
    assert answer.json["title"] == "Forbidden"


def test_a_refresh_cannot_ask_for_more(steps):
    token = steps.sign_in(scope="tweet.read users.read offline.access")["refresh_token"]
    answer = steps.refresh(token, scope="tweet.read users.read follows.write")

    assert "follows.write" not in answer.json["scope"]


@pytest.mark.parametrize("kind", ["refresh_token", "code"])
def test_nothing_but_an_access_token_opens_the_api(steps, kind):
    value = steps.code() if kind == "code" else steps.sign_in()["refresh_token"]

    assert steps.browser.get("/2/users/me", headers=bearer(value)).status_code == 401


@pytest.mark.parametrize("account", ["robin", "barn_owl"])
def test_nobody_follows_in_the_name_of_another(steps, account):
    other = steps.get(f"/2/users/by/username/{account}").json["data"]["id"]
    token = steps.sign_in()["access_token"]
    answer = steps.browser.post(
        f"/2/users/{other}/following", json={"target_user_id": "1"}, headers=bearer(token)
    )

    assert answer.status_code == 400
