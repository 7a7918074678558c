"""Log out: local, immediate, and it cannot fail; Twitter is told behind it."""

import pytest
import requests

from app.accounts.models import Grant, Revocation
from tests.factories import (
    ME_URL,
    REVOKE_URL,
    TOKEN_URL,
    token_answer,
    token_key,
    user_answer,
)
from tests.stores import on_both_stores

pytestmark = on_both_stores


def revoked(twitter):
    return [call.request for call in twitter.calls if call.request.url == REVOKE_URL]


def test_logging_out_ends_the_grant_and_the_session(client, kind_twitter, rows):
    client.sign_in()

    answer = client.press_log_out()

    assert (answer.status_code, answer.location) == (303, "/")
    assert not client.is_signed_in()
    assert rows(Grant)[0]["ended_because"] == "logged_out"


def test_logging_out_revokes_both_tokens_with_their_hint(app, client, kind_twitter, rows):
    client.sign_in()

    client.press_log_out()
    app.extensions["perch"].outbox.wait(seconds=5)

    assert {request.body for request in revoked(kind_twitter)} == {
        "token=access-token-of-wren&token_type_hint=access_token",
        "token=refresh-token-of-wren&token_type_hint=refresh_token",
    }
    assert all("Basic " in request.headers["Authorization"] for request in revoked(kind_twitter))
    assert rows(Revocation) == []


def test_an_ended_grant_holds_no_tokens(client, kind_twitter, rows):
    client.sign_in()

    client.press_log_out()

    [grant] = rows(Grant)
    assert (grant["access_token"], grant["refresh_token"]) == (None, None)


def test_logging_out_works_while_twitter_is_down(app, client, twitter, rows):
    twitter.post(TOKEN_URL, json=token_answer())
    twitter.get(ME_URL, json=user_answer())
    twitter.post(REVOKE_URL, body=requests.ConnectionError("nobody there"))
    client.sign_in()

    answer = client.press_log_out()
    app.extensions["perch"].outbox.wait(seconds=5)

    assert answer.status_code == 303
    assert not client.is_signed_in()
    waiting = rows(Revocation)
    assert [row["attempts"] for row in waiting] == [1, 1]
    assert "token-of-wren" not in str(waiting)


def test_a_stolen_session_cookie_is_worthless_after_logout(app, client, kind_twitter):
    client.sign_in()
    thief = app.test_client()
    thief._cookies.update(client._cookies)

    client.press_log_out()

    assert not thief.is_signed_in()


def test_logging_out_ends_this_browser_only(app, client, kind_twitter):
    other = app.test_client()
    client.sign_in()
    other.sign_in()

    client.press_log_out()

    assert other.is_signed_in()


def test_logging_out_twice_is_harmless(client, kind_twitter):
    client.sign_in()
    token = client.csrf_token("/account")
    client.post("/auth/logout", data={"csrf_token": token})

    answer = client.post("/auth/logout", data={"csrf_token": client.csrf_token()})

    assert answer.status_code == 303


@pytest.mark.parametrize("method", ["get", "head", "put"])
def test_only_a_post_logs_out(client, kind_twitter, method):
    client.sign_in()

    answer = getattr(client, method)("/auth/logout")

    assert answer.status_code in {400, 405}
    assert client.is_signed_in()


def test_logging_out_works_after_a_token_key_was_lost(build_app, kind_twitter, rows, caplog):
    before = build_app().test_client()
    before.sign_in()
    after = build_app(TOKEN_KEYS=token_key("n")).test_client()
    after._cookies.update(before._cookies)

    answer = after.press_log_out()

    assert answer.status_code == 303
    assert not after.is_signed_in()
    assert rows(Revocation) == []
    assert "cannot revoke the access_token" in caplog.text


def test_a_page_whose_token_key_was_lost_asks_to_sign_in_again(build_app, kind_twitter):
    before = build_app().test_client()
    before.sign_in()
    after = build_app(TOKEN_KEYS=token_key("n")).test_client()
    after._cookies.update(before._cookies)

    page = after.get("/tweets")

    assert page.status_code == 401
    assert "Please sign in again" in page.text
    assert 'value="/tweets"' in page.text


def test_two_tabs_that_log_out_at_once_are_both_answered(app, client, kind_twitter, rows):
    client.sign_in()
    other_tab = app.test_client()
    other_tab._cookies.update(client._cookies)
    browsers = app.extensions["perch"].browsers
    grant_id = rows(Grant)[0]["id"]
    browsers.log_out(grant_id)

    browsers.log_out(grant_id)

    assert rows(Grant)[0]["ended_because"] == "logged_out"
    assert not other_tab.is_signed_in()
