"""The bodies of the token and revoke endpoints, which X's specification does not have.

Judged by RFC 6749, RFC 7009 and what was seen; the sources are in `seen.py`.
"""

import pytest

from tests.sandbox import seen
from tests.sandbox.contract import operation
from tests.sandbox.steps import basic

SPENT = "Value passed for the authorization code was invalid."

# Each mistake: the call, the difference from a good one, and Twitter's words.
REFUSALS = [
    ("exchange", {"code": "nonsense"}, SPENT),
    ("exchange", {"code": None}, "parameter [code]."),
    ("exchange", {"code": ""}, "parameter [code]."),
    ("exchange", {"code": ["a", "b"]}, "more than once"),
    ("exchange", {"code_verifier": None}, "[code_verifier]"),
    ("exchange", {"code_verifier": "x" * 43}, "the code challenge."),
    ("exchange", {"code_verifier": "ü" * 43}, "the code challenge."),
    ("exchange", {"redirect_uri": "https://x.example/"}, "redirect uri"),
    ("exchange", {"redirect_uri": None}, "[redirect_uri]"),
    ("exchange", {"grant_type": None}, "[grant_type]"),
    ("exchange", {"grant_type": "password"}, "the grant type"),
    ("exchange", {"grant_type": "client_credentials"}, "the grant type"),
    ("refresh", {"refresh_token": "nonsense"}, "the token was invalid."),
    ("refresh", {"refresh_token": None}, "[refresh_token]"),
    ("revoke", {"token": None}, "parameter [token]."),
    ("revoke", {"token_type_hint": None}, "[token_type_hint]"),
    ("revoke", {"token_type_hint": "x"}, "token type hint"),
]
CALLS = ("exchange", "refresh", "revoke")
# Who asks, in the three calls alike.
STRANGERS = [
    ({"headers": {}, "client_id": "sandbox-client"}, 401, "unauthorized_client", "authorization h"),
    ({"headers": basic(secret="wrong")}, 401, "unauthorized_client", "authorization header"),
    ({"headers": {}, "client_id": "nobody"}, 401, "invalid_client", "client id was invalid"),
    ({"headers": {}}, 400, "invalid_request", "[client_id]"),
    ({"client_id": "sandbox-public"}, 400, "invalid_request", "did not match"),
]


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
    for what, changes, words in REFUSALS:
        error = "unsupported_grant_type" if words == "the grant type" else "invalid_request"
        answer = call(steps, what, **changes)

        assert (changes, wrong_with(answer, 400, error, words)) == (changes, [])


@pytest.mark.parametrize("what", CALLS)
def test_other_clients_are_refused_as_seen(steps, what):
    for changes, *expected in STRANGERS:
        assert (changes, wrong_with(call(steps, what, **changes), *expected)) == (changes, [])


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
