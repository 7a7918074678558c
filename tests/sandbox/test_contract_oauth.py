"""The bodies of the token and revoke endpoints, which X's specification does not have.

Judged by RFC 6749, RFC 7009 and what was seen; the sources are in `seen.py`.
"""

import pytest

from tests.sandbox import seen
from tests.sandbox.contract import operation
from tests.sandbox.steps import basic

PUBLIC = {"headers": {}, "client_id": "sandbox-public"}
SPENT = "Value passed for the authorization code was invalid."

# What is wrong: the call, what differs from a good one, status, error and Twitter's words.
REFUSALS = {
    "bad code": ("exchange", {"code": "nonsense"}, 400, "invalid_request", SPENT),
    "no code": ("exchange", {"code": None}, 400, "invalid_request", "parameter [code]."),
    "no verifier": ("exchange", {"code_verifier": None}, 400, "invalid_request", "[code_verifier]"),
    "wrong verifier": (
        ("exchange", {"code_verifier": "x" * 43}, 400, "invalid_request", "the code challenge.")
    ),
    "other redirect": (
        ("exchange", {"redirect_uri": "https://x.example/"}, 400, "invalid_request", "redirect uri")
    ),
    "no redirect": ("exchange", {"redirect_uri": None}, 400, "invalid_request", "[redirect_uri]"),
    "no grant type": ("exchange", {"grant_type": None}, 400, "invalid_request", "[grant_type]"),
    "other grant type": (
        ("exchange", {"grant_type": "password"}, 400, "unsupported_grant_type", "grant type")
    ),
    "twice": ("exchange", {"code": ["a", "b"]}, 400, "invalid_request", "more than once"),
    "bad refresh token": (
        ("refresh", {"refresh_token": "nonsense"}, 400, "invalid_request", "the token was invalid.")
    ),
    "no refresh token": (
        ("refresh", {"refresh_token": None}, 400, "invalid_request", "[refresh_token]")
    ),
    "no token": ("revoke", {"token": None}, 400, "invalid_request", "parameter [token]."),
    "no hint": ("revoke", {"token_type_hint": None}, 400, "invalid_request", "[token_type_hint]"),
    "bad hint": ("revoke", {"token_type_hint": "x"}, 400, "invalid_request", "token type hint"),
}
CALLS = ("exchange", "refresh", "revoke")
# Who asks, in the three calls alike.
STRANGERS = {
    "no header": (
        ({"headers": {}, "client_id": "sandbox-client"}, 401, "unauthorized_client", "authoriz")
    ),
    "wrong secret": (
        ({"headers": basic(secret="wrong")}, 401, "unauthorized_client", "authorization header")
    ),
    "unknown client": (
        ({"headers": {}, "client_id": "nobody"}, 401, "invalid_client", "client id was invalid")
    ),
    "no client": ({"headers": {}}, 400, "invalid_request", "[client_id]"),
    "two clients": ({"client_id": "sandbox-public"}, 400, "invalid_request", "did not match"),
}


def call(steps, name, **changes):
    if name == "exchange":
        return steps.exchange(steps.code(), **changes)
    return getattr(steps, name)(steps.sign_in()["refresh_token"], **changes)


def said(answer):
    return answer.status_code, answer.json["error"]


def test_the_specification_has_no_place_for_them():
    assert operation("POST", "/2/oauth2/token") is None
    assert operation("POST", "/2/oauth2/revoke") is None


@pytest.mark.parametrize("scope", ["tweet.read users.read", "tweet.read users.read offline.access"])
@pytest.mark.parametrize("client", [{}, {"client_id": "sandbox-public"}])
def test_a_token_set_is_as_documented(steps, scope, client):
    tokens = steps.sign_in(scope=scope, **client)

    assert seen.complaints(seen.TOKEN_SET, tokens) == []
    assert ("refresh_token" in tokens) is ("offline.access" in scope)


def test_a_refreshed_token_set_is_as_documented(steps):
    assert seen.complaints(seen.TOKEN_SET, call(steps, "refresh").json) == []


@pytest.mark.parametrize("token", ["living", "unknown"])
def test_a_revocation_is_as_seen(steps, token):
    value = steps.sign_in()["access_token"] if token == "living" else "nonsense"

    assert seen.complaints(seen.REVOKED, steps.revoke(value).json) == []


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_is_as_seen(steps, name):
    what, changes, status, error, words = REFUSALS[name]
    answer = call(steps, what, **changes)

    assert seen.complaints(seen.OAUTH_ERROR, answer.json) == []
    assert said(answer) == (status, error)
    assert words in answer.json["error_description"]


@pytest.mark.parametrize("what", CALLS)
@pytest.mark.parametrize("name", STRANGERS)
def test_a_stranger_is_refused_as_seen(steps, what, name):
    changes, status, error, words = STRANGERS[name]
    answer = call(steps, what, **changes)

    assert seen.complaints(seen.OAUTH_ERROR, answer.json) == []
    assert said(answer) == (status, error)
    assert words in answer.json["error_description"]


def test_every_error_of_the_schema_is_brought_about():
    errors = {row[3] for row in REFUSALS.values()} | {row[2] for row in STRANGERS.values()}

    assert errors == set(seen.OAUTH_ERROR["properties"]["error"]["enum"])


@pytest.mark.parametrize(
    "schema, body",
    [
        (seen.TOKEN_SET, {"token_type": "Bearer"}),
        (seen.TOKEN_SET, {"token_type": "bearer", "expires_in": "7200"}),
        (seen.REVOKED, {"revoked": False}),
        (seen.OAUTH_ERROR, {"error": "invalid_grant", "error_description": "No."}),
        (seen.OAUTH_ERROR, {"error": "invalid_request"}),
        (seen.OAUTH_ERROR, {"error": "invalid_request", "error_description": 'Not "that".'}),
        (seen.PROBLEMS["credits"], {"title": "CreditsDepleted", "status": 402}),
        (seen.CODE_88, {"errors": []}),
    ],
)
def test_the_judge_is_strict(schema, body):
    assert seen.complaints(schema, body) != []
