"""How a revocation is asked for (RFC 7009, with the hint that Twitter demands), and by whom."""

import pytest


def state_of(steps, token):
    """Say what an access or refresh token is still good for."""
    if steps.get("/2/users/me", token).status_code == 200:
        return "living"
    return "living" if steps.refresh(token).status_code == 200 else "dead"


def test_a_wrong_hint_is_only_a_hint(steps):
    """RFC 7009 §2.1: the search goes on in the other kind."""
    token = steps.sign_in()["access_token"]
    steps.revoke(token, "refresh_token")

    assert state_of(steps, token) == "dead"


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_the_token_of_another_client_is_refused(steps, kind):
    """RFC 7009 §2.1."""
    tokens = steps.sign_in()
    answer = steps.revoke(tokens[kind], kind, headers={}, client_id="sandbox-public")

    assert answer.status_code == 400
    assert answer.json["error_description"] == "Value passed for the token was invalid."
    assert state_of(steps, tokens["access_token"]) == "living"
    assert state_of(steps, tokens["refresh_token"]) == "living"


def test_a_person_can_remove_an_app(steps):
    tokens = steps.sign_in()
    page = steps.browser.get("/settings/connected_apps").text
    form = {"account": "wren", "client_id": "sandbox-client"}
    answer = steps.browser.post("/settings/connected_apps", data=form)

    assert "Perch" in page
    assert answer.status_code == 303
    assert state_of(steps, tokens["access_token"]) == "dead"
    assert state_of(steps, tokens["refresh_token"]) == "dead"
    assert "No app has access" in steps.browser.get("/settings/connected_apps").text


def test_another_site_cannot_remove_an_app(steps):
    token = steps.sign_in()["access_token"]
    form = {"account": "wren", "client_id": "sandbox-client"}
    headers = {"Origin": "https://evil.example"}
    answer = steps.browser.post("/settings/connected_apps", data=form, headers=headers)

    assert answer.status_code == 403
    assert state_of(steps, token) == "living"
