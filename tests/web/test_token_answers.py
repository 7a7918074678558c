"""Token answers that are none: each a calm page, nothing stored, one call at most."""

import json
from datetime import timedelta

import pytest
import requests

from app.accounts.models import Grant, Revocation, User
from tests.factories import ME_URL, REVOKE_URL, TOKEN_URL, token_answer, user_answer

PROBLEM = {"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"}


def calls(twitter, url):
    return [call for call in twitter.calls if call.request.url.startswith(url)]


@pytest.fixture
def refused(client, twitter, rows):
    """Sign in, expect a calm page and nothing kept; return the page."""
    twitter.get(ME_URL, json=user_answer())
    twitter.post(REVOKE_URL, json={"revoked": True})

    def check():
        page = client.sign_in()
        assert page.status_code < 500
        assert page.status_code != 303
        assert "Sign in with Twitter" in page.text or "start page" in page.text
        assert len(calls(twitter, TOKEN_URL)) == 1
        assert calls(twitter, ME_URL) == []
        assert rows(Grant) == []
        assert rows(User) == []
        assert not client.is_signed_in()
        return page

    return check


@pytest.mark.parametrize(
    "body",
    [
        b"<!doctype html><title>Over capacity</title>",
        b"",
        b"null",
        b"[]",
        b"{}",
        b'"text"',
        b"7",
        b'{"access_token": "t"',
        b"\xff\xfe\x00",
        b"[" * 50_000,
        b'{"a":' * 50_000,
        b'{"access_token": "t", "token_type": "bearer", "expires_in": NaN}',
        b'{"access_token": "t", "token_type": "bearer", "expires_in": Infinity}',
        b'{"access_token": "t", "token_type": "bearer", "expires_in": ' + b"9" * 5000 + b"}",
        json.dumps(PROBLEM).encode(),
        b"x" * (64 * 1024 + 1),
    ],
    ids=lambda body: f"{body[:20]!r}...{body[-20:]!r} of {len(body)}",
)
def test_an_answer_that_is_no_token_signs_nobody_in(refused, twitter, body):
    twitter.post(TOKEN_URL, body=body)

    page = refused()

    assert page.status_code == 424


@pytest.mark.parametrize(
    "changes",
    [
        {"access_token": None},
        {"access_token": ""},
        {"access_token": 7},
        {"access_token": ["t"]},
        {"access_token": "t\r\nX-Evil: 1"},
        {"access_token": "tökén"},
        {"access_token": "t" * 9000},
        {"token_type": None},
        {"token_type": "mac"},
        {"token_type": 7},
        {"expires_in": "soon"},
        {"expires_in": "7200"},
        {"expires_in": -1},
        {"expires_in": 0},
        {"expires_in": True},
        {"expires_in": [7200]},
        {"expires_in": 10**12},
        {"refresh_token": 7},
        {"refresh_token": {"a": 1}},
        {"scope": ["tweet.read"]},
        {"scope": 7},
    ],
    ids=str,
)
def test_a_token_answer_with_a_wrong_part_is_refused_whole(refused, twitter, changes):
    twitter.post(TOKEN_URL, json=token_answer(**changes))

    assert refused().status_code == 424


# RFC 6749 §5.2, word for word, and what Twitter says instead of invalid_grant.
@pytest.mark.parametrize(
    "error, description, expected",
    [
        ("invalid_grant", "", (400, "has expired")),
        (
            "invalid_request",
            "Value passed for the authorization code was invalid.",
            (400, "expired"),
        ),
        (
            "invalid_request",
            "Value passed for the code verifier did not match the code challenge.",
            (400, "expired"),
        ),
        ("invalid_client", "", (424, "does not accept this site")),
        ("unauthorized_client", "Missing valid authorization header", (424, "does not accept")),
        ("unsupported_grant_type", "", (424, "does not accept this site")),
        ("invalid_scope", "", (424, "does not accept this site")),
        (
            "invalid_request",
            "Value passed for the redirect uri did not match the uri of the authorization code.",
            (424, "does not accept this site"),
        ),
        (
            "invalid_request",
            "Missing required parameter [code_verifier].",
            (424, "does not accept"),
        ),
        ("server_error", "", (424, "not answering")),
        ("something_new", "", (424, "said no")),
        ({"a": 1}, "", (424, "said no")),
    ],
)
def test_callback_survives_every_token_error(refused, twitter, error, description, expected):
    answer = {"error": error, "error_description": description}
    twitter.post(TOKEN_URL, json=answer, status=401 if error == "unauthorized_client" else 400)

    page = refused()

    status, title = expected
    assert page.status_code == status
    assert title in page.text


@pytest.mark.parametrize("status", [401, 403])
def test_a_firewalls_page_says_nothing_about_our_client(refused, twitter, status):
    twitter.post(TOKEN_URL, body="<h1>Access denied</h1>", status=status)

    assert "Twitter said something odd" in refused().text


@pytest.mark.parametrize("changes", [{"scope": ""}, {"refresh_token": ""}], ids=str)
def test_an_empty_optional_part_counts_as_missing(client, twitter, changes):
    twitter.post(TOKEN_URL, json=token_answer(**changes))
    twitter.get(ME_URL, json=user_answer())

    assert client.sign_in().status_code == 303


def test_an_error_in_a_200_is_still_an_error(refused, twitter):
    twitter.post(TOKEN_URL, json=token_answer(error="invalid_grant"))

    assert refused().status_code == 400


def test_a_code_older_than_30_seconds_gets_a_calm_page(refused, twitter):
    description = "Value passed for the authorization code was invalid."
    answer = {"error": "invalid_request", "error_description": description}
    twitter.post(TOKEN_URL, json=answer, status=400)

    assert "30 seconds" in refused().text


@pytest.mark.parametrize("status", [500, 502, 503, 504, 301, 302, 307, 308, 404, 418])
def test_a_token_answer_with_an_odd_status_signs_nobody_in(refused, twitter, status):
    headers = {"Location": "https://evil.example/token"}
    twitter.post(TOKEN_URL, json=token_answer(), status=status, headers=headers)

    refused()

    assert [call.request.url for call in twitter.calls] == [TOKEN_URL]


def test_a_limited_token_endpoint_says_when_it_lifts(refused, twitter, clock):
    reset = int(clock().timestamp()) + 600
    headers = {"x-rate-limit-remaining": "0", "x-rate-limit-reset": str(reset)}
    twitter.post(TOKEN_URL, json={"title": "Too Many Requests"}, status=429, headers=headers)

    page = refused()

    assert page.status_code == 429
    assert 590 <= int(page.headers["Retry-After"]) <= 600


@pytest.mark.parametrize(
    "error", [requests.ConnectionError("nobody there"), requests.ReadTimeout("too slow")]
)
def test_no_answer_signs_nobody_in(refused, twitter, error):
    twitter.post(TOKEN_URL, body=error)

    page = refused()

    assert "Twitter is not answering" in page.text


def test_a_client_that_is_refused_is_the_operators_matter(refused, twitter, caplog):
    answer = {
        "error": "unauthorized_client",
        "error_description": "Missing valid authorization header",
    }
    twitter.post(TOKEN_URL, json=answer, status=401)

    page = refused()

    assert "Missing valid authorization header" in caplog.text
    assert "TWITTER_CLIENT_SECRET" in caplog.text
    assert "TWITTER_CLIENT_SECRET" not in page.text


def test_an_error_description_cannot_carry_a_secret_into_the_log(client, twitter, caplog):
    secret = "c2VjcmV0LWNvZGUtdGhhdC1pcy1sb25n"
    answer = {"error": "invalid_client", "error_description": f"bad code {secret}\n\x1b[31m"}
    twitter.post(TOKEN_URL, json=answer, status=400)

    client.sign_in()

    assert secret not in caplog.text
    assert "\x1b" not in caplog.text


@pytest.mark.parametrize(
    "status, body",
    [
        (401, PROBLEM),
        (403, {"title": "Forbidden", "type": "about:blank", "status": 403}),
        (402, {"title": "CreditsDepleted", "type": "https://api.twitter.com/2/problems/credits"}),
        (429, {"title": "Too Many Requests", "type": "about:blank", "status": 429}),
        (503, {}),
        (200, {}),
        (200, {"data": {"id": "1/../2", "username": "wren", "name": "Wren"}}),
        (200, {"data": {"id": 7, "username": "wren", "name": "Wren"}}),
        (200, {"data": []}),
    ],
)
def test_without_a_profile_nobody_is_half_signed_in(client, twitter, rows, status, body):
    twitter.post(TOKEN_URL, json=token_answer())
    twitter.get(ME_URL, json=body, status=status)
    twitter.post(REVOKE_URL, body=requests.ConnectionError("not now"))

    page = client.sign_in()

    assert page.status_code < 500
    assert rows(Grant) == []
    assert rows(User) == []
    assert not client.is_signed_in()
    hints = {row["token_type_hint"] for row in rows(Revocation)}
    assert hints == {"access_token", "refresh_token"}


def test_a_sign_in_that_met_a_limit_keeps_no_later_one_from_asking(client, kind_twitter, clock):
    tomorrow = str(int((clock() + timedelta(hours=24)).timestamp()))
    headers = {
        f"{window}-{name}": value
        for window in ("x-user-limit-24hour", "x-app-limit-24hour")
        for name, value in {"limit": "25", "remaining": "0", "reset": tomorrow}.items()
    }
    met = kind_twitter.upsert("GET", ME_URL, status=429, json=PROBLEM, headers=headers)
    client.sign_in()
    was_signed_in = client.is_signed_in()
    kind_twitter.upsert("GET", ME_URL, json=user_answer())

    answer = client.sign_in()

    assert (len(met.calls), was_signed_in) == (1, False)
    assert answer.status_code == 303
    assert client.is_signed_in()


def test_tokens_nobody_will_use_are_revoked_at_twitter(app, client, twitter, rows):
    twitter.post(TOKEN_URL, json=token_answer())
    twitter.get(ME_URL, json={}, status=500)
    twitter.post(REVOKE_URL, json={"revoked": True})

    client.sign_in()
    app.extensions["perch"].outbox.wait(seconds=5)

    bodies = {call.request.body for call in calls(twitter, REVOKE_URL)}
    assert bodies == {
        "token=access-token-of-wren&token_type_hint=access_token",
        "token=refresh-token-of-wren&token_type_hint=refresh_token",
    }
    assert rows(Revocation) == []


@pytest.mark.parametrize(
    "reason, words, levels",
    [
        ("client-not-enrolled", "What this site pays Twitter for", {"ERROR"}),
        ("user-not-enrolled", "Your own account&#39;s plan at Twitter", set()),
    ],
)
def test_whose_plan_lacks_the_profile_is_said(client, twitter, rows, caplog, reason, words, levels):
    problem = "https://api.x.com/2/problems/client-forbidden"
    twitter.post(TOKEN_URL, json=token_answer())
    twitter.get(ME_URL, status=403, json={"type": problem, "reason": reason})
    twitter.post(REVOKE_URL, json={"revoked": True})

    page = client.sign_in()

    assert page.status_code == 424
    assert words in page.text
    assert rows(Grant) == []
    assert {record.levelname for record in caplog.records} - {"INFO", "DEBUG"} == levels
