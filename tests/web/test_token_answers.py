"""Token answers and profiles that do not sign in: each a calm page, nothing kept, one call.

The shapes and errors are in `tests/unit/test_oauth.py`; here is a row for each page.
"""

from datetime import timedelta

import pytest
import requests
from sqlalchemy.exc import OperationalError

from app.accounts.errors import Superseded
from app.accounts.models import Grant, Revocation, Session, User
from app.accounts.people import People
from tests.factories import ME_PATH, REVOKE_PATH, TOKEN_PATH, user_answer

pytestmark = pytest.mark.core

PROBLEM = {"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"}


@pytest.fixture
def refused(client, twitter, rows):
    """Sign in, expect a calm page and nothing kept; return the page."""

    def check():
        page = client.sign_in()
        assert len(twitter.calls) == len(twitter.calls_to(TOKEN_PATH)) == 1
        assert rows(Grant) == []
        assert rows(User) == []
        assert not client.is_signed_in()
        return page

    return check


@pytest.mark.parametrize(
    "answer, status, title",
    [
        ({"body": "<!doctype html>"}, 424, "Twitter said something odd"),
        ({"status": 302, "headers": {"Location": "/x"}}, 424, "Twitter said something odd"),
        ({"status": 400, "json": {"error": "invalid_grant"}}, 400, "This sign-in has expired"),
        (
            {"status": 401, "json": {"error": "invalid_client"}},
            424,
            "Twitter does not accept this site",
        ),
        ({"status": 400, "json": {"error": "something_new"}}, 424, "Twitter said no"),
        ({"status": 503}, 424, "Twitter is not answering"),
        ({"body": requests.ReadTimeout("too slow")}, 424, "Twitter is not answering"),
        ({"status": 429, "json": {}}, 429, "Twitter asks for a pause"),
    ],
)
def test_an_answer_without_a_token_refuses_the_sign_in(refused, twitter, answer, status, title):
    twitter.post(TOKEN_PATH, **answer)

    page = refused()

    assert page.status_code == status
    assert f"<h1>{title}</h1>" in page.text
    assert "Sign in with Twitter" in page.text or "start page" in page.text


def test_a_refused_client_is_explained_to_the_operator_alone(refused, twitter, caplog):
    description = "Missing valid authorization header"
    answer = {"error": "unauthorized_client", "error_description": description}
    twitter.post(TOKEN_PATH, json=answer, status=401)

    page = refused()

    assert description in caplog.text
    assert "TWITTER_CLIENT_SECRET" in caplog.text
    assert "TWITTER_CLIENT_SECRET" not in page.text


def test_an_error_description_cannot_carry_a_secret_into_the_log(client, twitter, caplog):
    secret = "c2VjcmV0LWNvZGUtdGhhdC1pcy1sb25n"
    answer = {"error": "invalid_client", "error_description": f"bad code {secret}\n\x1b[31m"}
    twitter.post(TOKEN_PATH, json=answer, status=400)

    client.sign_in()

    assert secret not in caplog.text
    assert "\x1b" not in caplog.text


@pytest.mark.parametrize(
    "status, body",
    [(503, {}), (200, {"data": {"id": "1/../2", "username": "wren", "name": "Wren"}})],
)
def test_without_a_profile_the_sign_in_leaves_nothing(
    client, twitter, rows, monkeypatch, status, body
):
    monkeypatch.setattr("app.auth.routes.PROFILE_PAUSES", (0.0,))
    twitter.post(TOKEN_PATH, json=twitter.token())
    twitter.get(ME_PATH, json=body, status=status)

    page = client.sign_in()

    assert page.status_code == 424
    assert rows(Grant) == rows(Session) == rows(User) == []
    assert not client.is_signed_in()
    hints = {row["token_type_hint"] for row in rows(Revocation)}
    assert hints == {"access_token", "refresh_token"}


def test_a_token_that_is_dead_at_once_is_no_failure_and_is_not_revoked(app, client, twitter, rows):
    """A newer sign-in of the person took its place at Twitter: a revocation would end that one."""
    twitter.post(TOKEN_PATH, json=twitter.token())
    twitter.get(ME_PATH, json=PROBLEM, status=401)

    page = client.sign_in()
    app.extensions["perch"].outbox.wait(seconds=5)

    assert (page.status_code, page.headers["Refresh"]) == (202, "1")
    assert "<h1>Signing you in</h1>" in page.text
    assert len(client.flow_cookies()) == 1  # with it the page looks again
    assert rows(Grant) == rows(Session) == rows(User) == rows(Revocation) == []
    assert twitter.calls_to(REVOKE_PATH) == []


def test_tokens_that_a_newer_sign_in_replaced_are_not_revoked(
    app, client, kind_twitter, rows, monkeypatch
):
    def superseded(_people, _came):
        kind_twitter.upsert("GET", ME_PATH, json=PROBLEM, status=401)
        raise Superseded("a newer sign-in of this person is over already")

    monkeypatch.setattr(People, "sign_in", superseded)

    page = client.sign_in()
    app.extensions["perch"].outbox.wait(seconds=5)

    assert page.status_code == 202
    assert rows(Revocation) == []
    assert kind_twitter.calls_to(REVOKE_PATH) == []


def test_a_sign_in_that_met_a_limit_does_not_block_later_ones(client, kind_twitter, clock):
    tomorrow = str(int((clock() + timedelta(hours=24)).timestamp()))
    headers = {
        f"{window}-{name}": value
        for window in ("x-user-limit-24hour", "x-app-limit-24hour")
        for name, value in {"limit": "25", "remaining": "0", "reset": tomorrow}.items()
    }
    met = kind_twitter.upsert("GET", ME_PATH, status=429, json=PROBLEM, headers=headers)
    client.application.extensions["perch"].outbox.stop()  # it would ask whose the tokens are
    client.sign_in()
    was_signed_in = client.is_signed_in()
    kind_twitter.upsert("GET", ME_PATH, json=user_answer())

    answer = client.sign_in()

    assert (len(met.calls), was_signed_in) == (1, False)
    assert answer.status_code == 303
    assert client.is_signed_in()


def test_unused_tokens_are_revoked_at_twitter(app, client, kind_twitter, rows, monkeypatch):
    def away(_people, _came):
        raise OperationalError("INSERT", {}, Exception("away"))

    monkeypatch.setattr(People, "sign_in", away)

    page = client.sign_in()
    app.extensions["perch"].outbox.wait(seconds=5)

    assert page.status_code == 503
    assert len(kind_twitter.calls_to(ME_PATH)) == 1  # whose they are is known already
    assert {call.request.body for call in kind_twitter.calls_to(REVOKE_PATH)} == {
        "token=access-token-of-wren&token_type_hint=access_token",
        "token=refresh-token-of-wren&token_type_hint=refresh_token",
    }
    assert rows(Revocation) == []


@pytest.mark.parametrize(
    "reason, words, levels",
    [
        ("client-not-enrolled", "This site does not pay Twitter", {"ERROR"}),
        ("user-not-enrolled", "Your account at Twitter needs another plan", set()),
    ],
)
def test_a_plan_without_the_profile_is_named(client, twitter, rows, caplog, reason, words, levels):
    problem = "https://api.x.com/2/problems/client-forbidden"
    twitter.post(TOKEN_PATH, json=twitter.token())
    twitter.get(ME_PATH, status=403, json={"type": problem, "reason": reason})
    twitter.post(REVOKE_PATH, json={"revoked": True})

    page = client.sign_in()

    assert page.status_code == 424
    assert words in page.text
    assert rows(Grant) == []
    assert {record.levelname for record in caplog.records} - {"INFO", "DEBUG"} == levels
