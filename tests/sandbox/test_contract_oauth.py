"""The bodies of the token and revoke endpoints, which X's specification does not have.

Judged by RFC 6749, RFC 7009 and what was seen; the sources are in `seen.py`.
"""

import pytest

from tests.sandbox import seen
from tests.sandbox.contract import operation
from tests.sandbox.steps import basic

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
    "app-only grant": (
        ("exchange", {"grant_type": "client_credentials"}, 400, "unsupported_grant_type", "grant t")
    ),
    "empty code": ("exchange", {"code": ""}, 400, "invalid_request", "parameter [code]."),
    "odd verifier": (
        ("exchange", {"code_verifier": "ü" * 43}, 400, "invalid_request", "the code challenge.")
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


def wrong_with(answer, status, error, words):
    """List where a refusal differs from what is expected, and from what was seen."""
    body = answer.json
    found = seen.complaints(seen.OAUTH_ERROR, body)
    found += [] if (answer.status_code, body["error"]) == (status, error) else [body["error"]]
    return found + ([] if words in body["error_description"] else [body["error_description"]])


def test_the_specification_has_no_place_for_them():
    assert operation("POST", "/2/oauth2/token") is None
    assert operation("POST", "/2/oauth2/revoke") is None


@pytest.mark.parametrize("client", [{}, {"client_id": "sandbox-public"}])
def test_a_token_set_is_as_documented(steps, client):
    """Only `offline.access` brings a refresh token."""
    short = steps.sign_in(scope="tweet.read users.read", **client)
    long = steps.sign_in(scope="tweet.read users.read offline.access", **client)

    assert seen.complaints(seen.TOKEN_SET, short) == seen.complaints(seen.TOKEN_SET, long) == []
    assert [("refresh_token" in tokens) for tokens in (short, long)] == [False, True]


def test_a_refreshed_token_set_is_as_documented(steps):
    assert seen.complaints(seen.TOKEN_SET, call(steps, "refresh").json) == []


def test_a_revocation_is_as_seen(steps):
    """An unknown token, or one that was revoked before, is no error (RFC 7009 §2.2)."""
    token = steps.sign_in()["access_token"]
    answers = [steps.revoke(value).json for value in (token, token, "nonsense", "x" * 5000)]

    assert [seen.complaints(seen.REVOKED, answer) for answer in answers] == [[]] * 4


def test_refusals_are_as_seen(steps):
    complaints = {
        name: wrong_with(call(steps, what, **changes), *expected)
        for name, (what, changes, *expected) in REFUSALS.items()
    }

    assert complaints == {name: [] for name in REFUSALS}


@pytest.mark.parametrize("what", CALLS)
def test_other_clients_are_refused_as_seen(steps, what):
    complaints = {
        name: wrong_with(call(steps, what, **changes), *expected)
        for name, (changes, *expected) in STRANGERS.items()
    }

    assert complaints == {name: [] for name in STRANGERS}


def test_every_error_of_the_schema_is_brought_about():
    errors = {row[3] for row in REFUSALS.values()} | {row[2] for row in STRANGERS.values()}

    assert errors == set(seen.OAUTH_ERROR["properties"]["error"]["enum"])


def test_the_judge_is_strict():
    bodies = [
        (seen.TOKEN_SET, {"token_type": "Bearer"}),
        (seen.TOKEN_SET, {"token_type": "bearer", "expires_in": "7200"}),
        (seen.REVOKED, {"revoked": False}),
        (seen.OAUTH_ERROR, {"error": "invalid_grant", "error_description": "No."}),
        (seen.OAUTH_ERROR, {"error": "invalid_request"}),
        (seen.OAUTH_ERROR, {"error": "invalid_request", "error_description": 'Not "that".'}),
        (seen.PROBLEMS["credits"], {"title": "CreditsDepleted", "status": 402}),
        (seen.CODE_88, {"errors": []}),
    ]

    assert [body for schema, body in bodies if not seen.complaints(schema, body)] == []
