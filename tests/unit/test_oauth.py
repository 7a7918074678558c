"""The authorization server's answers: what is a token set, and what each refusal means."""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

import pytest
import requests
import responses

from app.twitter.errors import (
    ClientRefused,
    GrantRefused,
    InvalidAnswer,
    RateLimited,
    Refused,
    TwitterError,
    Unreachable,
)
from app.twitter.oauth import AuthorizationServer, Client
from app.twitter.transport.deadline import Deadline
from app.twitter.transport.transport import Transport
from tests.factories import API_URL, AUTHORIZE_URL, REVOKE_URL, TOKEN_URL, token_answer

NOW = datetime(2026, 1, 2, tzinfo=UTC)
ASKED = frozenset({"tweet.read", "users.read"})
PROBLEM = {"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"}


@pytest.fixture
def server():
    client = Client(client_id="birdhouse", client_secret="nest", redirect_uri="http://127.0.0.1/cb")
    transport = Transport(slots=2, user_agent="test", on_call=lambda _: None)
    return AuthorizationServer(transport, client, authorize_url=AUTHORIZE_URL, api_url=API_URL)


@pytest.fixture
def exchanged(server):
    """Let Twitter give an answer, and return the token set or error that comes of it."""

    def exchange(**answer):
        with responses.RequestsMock() as mock:
            mock.post(TOKEN_URL, **answer)
            try:
                return server.exchange(
                    "c", code_verifier="v", scopes=ASKED, now=NOW, deadline=Deadline()
                )
            except TwitterError as error:
                return error
            finally:
                assert len(mock.calls) == 1

    return exchange


def kinds(outcomes):
    return [type(outcome) for outcome in outcomes]


# Token sets


@responses.activate
def test_a_refresh_takes_the_answers_parts(server):
    responses.post(TOKEN_URL, json=token_answer(refresh_token="r2", scope="a b", expires_in=60))

    tokens = server.refresh("r1", scopes=ASKED, now=NOW, deadline=Deadline())

    assert tokens.access_token == "access-token-of-wren"
    assert tokens.refresh_token == "r2"
    assert tokens.scopes == {"a", "b"}
    assert tokens.expires_at == NOW + timedelta(seconds=60)


@responses.activate
def test_a_refresh_without_a_new_refresh_token_keeps_the_old_one(server):
    responses.post(TOKEN_URL, json=token_answer(refresh_token=None))

    tokens = server.refresh("r1", scopes=ASKED, now=NOW, deadline=Deadline())

    assert tokens.refresh_token == "r1"


def test_missing_and_empty_parts_mean_the_documented(exchanged):
    bare = {"access_token": "t", "token_type": "Bearer"}

    sets = [exchanged(json=bare), exchanged(json=bare | {"scope": "", "refresh_token": ""})]

    assert [tokens.scopes for tokens in sets] == [ASKED, ASKED]
    assert [tokens.refresh_token for tokens in sets] == [None, None]
    assert [tokens.expires_at - NOW for tokens in sets] == [timedelta(hours=2)] * 2


def test_an_answer_of_another_shape_is_unreadable(exchanged):
    bodies = [
        b"<!doctype html><title>Over capacity</title>",
        b"",
        b"null",
        b"[]",
        b"{}",
        b'"text"',
        b'{"access_token": "t"',
        b"\xff\xfe\x00",
        b"[" * 50_000,
        b'{"access_token": "t", "token_type": "bearer", "expires_in": NaN}',
        b'{"access_token": "t", "token_type": "bearer", "expires_in": Infinity}',
        b'{"access_token": "t", "token_type": "bearer", "expires_in": ' + b"9" * 5000 + b"}",
        json.dumps(PROBLEM).encode(),
        b"x" * (64 * 1024 + 1),
    ]

    outcomes = [exchanged(body=body) for body in bodies]

    assert kinds(outcomes) == [InvalidAnswer] * len(bodies)


def test_an_answer_with_a_wrong_part_is_refused_whole(exchanged):
    wrong = [
        {"access_token": None},
        {"access_token": ""},
        {"access_token": ["t"]},
        {"access_token": "t\r\nX-Evil: 1"},
        {"access_token": "tökén"},
        {"access_token": "t" * 8193},
        {"token_type": None},
        {"token_type": "mac"},
        {"expires_in": "7200"},
        {"expires_in": 0},
        {"expires_in": True},
        {"expires_in": 366 * 24 * 3600 + 1},
        {"refresh_token": 7},
        {"refresh_token": {"a": 1}},
        {"scope": ["tweet.read"]},
    ]

    outcomes = [exchanged(json=token_answer(**changes)) for changes in wrong]

    assert kinds(outcomes) == [InvalidAnswer] * len(wrong)


def test_the_largest_parts_are_taken(exchanged):
    tokens = exchanged(json=token_answer(access_token="t" * 8192, expires_in=366 * 24 * 3600))

    assert len(tokens.access_token) == 8192
    assert tokens.expires_at == NOW + timedelta(days=366)


# Refusals


# RFC 6749 §5.2, word for word, and what Twitter says instead of invalid_grant.
@pytest.mark.parametrize(
    "error, description, expected",
    [
        ("invalid_grant", "", GrantRefused),
        (
            "invalid_request",
            "Value passed for the authorization code was invalid.",
            GrantRefused,
        ),
        (
            "invalid_request",
            "Value passed for the code verifier did not match the code challenge.",
            GrantRefused,
        ),
        ("invalid_request", "Value passed for the token was invalid.", GrantRefused),
        (
            "invalid_request",
            "Value passed for the redirect uri did not match the uri of the authorization code.",
            ClientRefused,
        ),
        ("invalid_request", "Missing required parameter [code_verifier].", ClientRefused),
        ("invalid_client", "", ClientRefused),
        ("unauthorized_client", "Missing valid authorization header", ClientRefused),
        ("unsupported_grant_type", "", ClientRefused),
        ("invalid_scope", "", ClientRefused),
        ("server_error", "", Unreachable),
        ("temporarily_unavailable", "", Unreachable),
        ("something_new", "", Refused),
        ({"a": 1}, "", Refused),
    ],
)
def test_a_token_error_is_sorted_by_what_can_be_done(exchanged, error, description, expected):
    answer = {"error": error, "error_description": description}

    outcomes = [exchanged(json=answer, status=400), exchanged(json=token_answer(**answer))]

    assert kinds(outcomes) == [expected, expected]  # an error in a 200 is still one


def test_an_answer_without_an_error_is_sorted_by_its_status(exchanged):
    problem = [exchanged(json=PROBLEM, status=status) for status in (401, 403, 400)]
    firewall = [exchanged(body="<h1>Denied</h1>", status=status) for status in (401, 403)]

    assert kinds(problem) == [ClientRefused, ClientRefused, InvalidAnswer]
    assert kinds(firewall) == [InvalidAnswer, InvalidAnswer]


def test_tokens_with_another_status_than_2xx_are_not_taken(exchanged):
    elsewhere = {"Location": "https://evil.example/token"}

    outcomes = [
        exchanged(json=token_answer(), status=status, headers=elsewhere)
        for status in (500, 503, 404, 418, 302, 307)
    ]

    assert kinds(outcomes[:2]) == [Unreachable, Unreachable]
    assert all(isinstance(outcome, InvalidAnswer | Unreachable) for outcome in outcomes)


def test_no_answer_is_unreachable(exchanged):
    failures = [requests.ConnectionError("no route"), requests.ReadTimeout("too slow")]

    assert kinds([exchanged(body=failure) for failure in failures]) == [Unreachable, Unreachable]


def test_a_limit_says_when_it_lifts(exchanged):
    reset = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=10)
    headers = {"x-rate-limit-remaining": "0", "x-rate-limit-reset": str(int(reset.timestamp()))}

    outcome = exchanged(json={"title": "Too Many Requests"}, status=429, headers=headers)

    assert isinstance(outcome, RateLimited)
    assert outcome.until == reset


def test_a_description_is_told_without_what_looks_like_a_secret(exchanged):
    secret = "c2VjcmV0LWNvZGUtdGhhdC1pcy1sb25n"
    description = f"bad code {secret}\n\x1b[31m" + " and so on" * 30

    said = str(exchanged(json={"error": "invalid_client", "error_description": description}))

    assert "bad code" in said
    assert secret not in said
    assert said.isprintable()
    assert len(said) < 300


# Revocation


@responses.activate
def test_any_2xx_is_a_revoked_token(server):
    for body in ('{"revoked":true}', "", "anything", "[]"):
        responses.post(REVOKE_URL, body=body)

    assert [server.revoke("t", "access_token", deadline=Deadline()) for _ in range(4)] == [None] * 4


@pytest.mark.parametrize(
    "status, body, error",
    [
        (400, {"error": "unsupported_token_type"}, Refused),
        (401, {"error": "unauthorized_client"}, ClientRefused),
        (429, {}, RateLimited),
        (503, {"error": "temporarily_unavailable"}, Unreachable),
        (404, {}, InvalidAnswer),
    ],
)
@responses.activate
def test_a_refused_revocation_is_sorted_by_what_can_be_done(server, status, body, error):
    responses.post(REVOKE_URL, json=body, status=status)

    with pytest.raises(error):
        server.revoke("t", "access_token", deadline=Deadline())


def test_the_secret_does_not_show(server):
    assert "nest" not in repr(server._client)


def test_no_other_grant_type_is_ever_sent(server):
    tokens = {"access_token": "t", "token_type": "bearer"}
    with responses.RequestsMock() as mock:
        mock.post(TOKEN_URL, json=tokens)
        server.exchange("c", code_verifier="v", scopes=ASKED, now=NOW, deadline=Deadline())
        server.refresh("r", scopes=ASKED, now=NOW, deadline=Deadline())
        forms = [dict(parse_qsl(call.request.body)) for call in mock.calls]

    assert [form["grant_type"] for form in forms] == ["authorization_code", "refresh_token"]
    assert not any({"username", "password"} & form.keys() for form in forms)
