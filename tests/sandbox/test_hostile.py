"""Whatever is sent, the answer is one of Twitter's: nobody here falls over."""

import re

import pytest

from sandbox.endpoints import ENDPOINTS
from sandbox.seed_birds import WREN
from tests.sandbox.steps import basic, bearer

ODD = [
    "",
    " ",
    ",",
    ",,,",
    "0",
    "-1",
    "1.5",
    "1e9",
    "9" * 19,
    "9" * 400,
    "١٢٣",
    "a" * 5000,
    "\0",
    "\r\nX-Odd: 1",
    "💥",
    "\u202e",
    "%00",
    "../../etc/passwd",
    "'; DROP TABLE birds; --",
    "<script>alert(1)</script>",
    "{{ 7 * 7 }}",
    "9999-12-31T23:59:59Z",
    "0001-01-01T00:00:00Z",
    "2010-11-06T00:00:00Z",
]
PARAMETERS = [
    "ids",
    "usernames",
    "user_ids",
    "query",
    "state",
    "max_results",
    "pagination_token",
    "exclude",
    "since_id",
    "until_id",
    "start_time",
    "end_time",
    "tweet.fields",
    "post.fields",
    "user.fields",
    "expansions",
    "nonsense",
]
READS = [row for row in ENDPOINTS if row.method == "GET" and row.scopes is not None]


@pytest.fixture
def token(steps):
    return steps.sign_in()["access_token"]


@pytest.mark.parametrize("endpoint", READS, ids=lambda row: row.name)
@pytest.mark.parametrize("dialect", ["live", "renamed"])
def test_odd_parameters_are_answered(steps, token, world, endpoint, dialect):
    world.change({"dialect": dialect})
    path = re.sub("<account_id>", WREN, endpoint.rule)
    path = re.sub("<username>", "wren", re.sub(r"<(tweet|space)_id>", "1", path))
    for number, value in enumerate(ODD):
        # Every value meets every parameter somewhere among the endpoints.
        query = {PARAMETERS[(number + shift) % len(PARAMETERS)]: value for shift in range(6)}
        answer = steps.browser.get(path, query_string=query, headers=bearer(token))

        assert answer.status_code in {200, 400}
        assert answer.is_json
        assert "X-Odd" not in answer.headers


@pytest.mark.parametrize("endpoint", READS, ids=lambda row: row.name)
def test_odd_paths_are_answered(steps, token, endpoint):
    for value in filter(None, ODD):
        path = re.sub(r"<\w+>", lambda _, odd=value: odd.replace("%", "%25"), endpoint.rule)
        answer = steps.browser.get(path, headers=bearer(token))

        assert answer.status_code in {200, 400, 404}


@pytest.mark.parametrize("path", ["/2/oauth2/token", "/2/oauth2/revoke", "/i/oauth2/authorize"])
@pytest.mark.parametrize("value", ODD)
def test_odd_forms_are_answered(browser, path, value):
    names = ["grant_type", "code", "redirect_uri", "code_verifier", "client_id", "refresh_token"]
    names += ["token", "token_type_hint", "ticket", "account", "decision"]
    for given in (dict.fromkeys(names, value), {"grant_type": "authorization_code", "code": value}):
        for headers in ({}, basic(), basic(value, value), {"Authorization": "Basic " + "A" * 999}):
            answer = browser.post(path, data=given, headers=headers)

            assert answer.status_code in {400, 401}


@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "scope", "state", "code_challenge"])
@pytest.mark.parametrize("value", ODD)
def test_odd_requests_for_permission_are_answered(steps, name, value):
    answer = steps.ask(**{name: value})

    assert answer.status_code in {200, 302, 400}
    assert "X-Odd" not in answer.headers
    assert "<script>alert" not in answer.text
