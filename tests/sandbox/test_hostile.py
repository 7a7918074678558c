"""Odd input gets one of Twitter's answers, never a 500."""

import re

import pytest

from sandbox.api.endpoints import ENDPOINTS
from tests.sandbox.birds import WREN
from tests.sandbox.steps import basic, bearer

ODD = ["", " ", ",", ",,,", "0", "-1", "1.5", "1e9", "9" * 19, "9" * 400, "١٢٣", "a" * 5000]
ODD += ["\0", "\r\nX-Odd: 1", "💥", "\u202e", "%00", "../../etc/passwd", "{{ 7 * 7 }}"]
ODD += ["'; DROP TABLE birds; --", "<script>alert(1)</script>", "9999-12-31T23:59:59Z"]
ODD += ["0001-01-01T00:00:00Z", "2010-11-06T00:00:00Z"]
PARAMETERS = ["ids", "usernames", "user_ids", "query", "state", "max_results", "exclude"]
PARAMETERS += ["pagination_token", "since_id", "until_id", "start_time", "end_time", "nonsense"]
PARAMETERS += ["tweet.fields", "post.fields", "user.fields", "expansions"]
READS = [row for row in ENDPOINTS if row.method == "GET" and row.scopes is not None]


@pytest.fixture
def token(steps):
    return steps.sign_in()["access_token"]


@pytest.mark.parametrize("dialect", ["live", "renamed"])
def test_odd_parameters_get_an_answer(steps, token, world, dialect):
    world.change({"dialect": dialect})
    odd = []
    for endpoint in READS:
        path = re.sub("<account_id>", WREN, endpoint.rule)
        path = re.sub("<username>", "wren", re.sub(r"<(tweet|space)_id>", "1", path))
        for number, value in enumerate(ODD):
            # Every value meets every parameter somewhere among the endpoints.
            query = {PARAMETERS[(number + shift) % len(PARAMETERS)]: value for shift in range(6)}
            answer = steps.browser.get(path, query_string=query, headers=bearer(token))
            well = answer.status_code in {200, 400} and answer.is_json
            odd += [] if well and "X-Odd" not in answer.headers else [(path, query)]

    assert odd == []


def test_odd_paths_get_an_answer(steps, token):
    odd = []
    for endpoint in READS:
        for value in filter(None, ODD):
            path = re.sub(r"<\w+>", lambda _, odd=value: odd.replace("%", "%25"), endpoint.rule)
            status = steps.browser.get(path, headers=bearer(token)).status_code
            odd += [] if status in {200, 400, 404} else [(path, status)]

    assert odd == []


def test_odd_changes_get_an_answer(steps, token):
    """Odd parts of the path, odd values in the body, and odd queries."""
    odd = []
    for endpoint in (row for row in ENDPOINTS if row.method != "GET"):
        for value in filter(None, ODD):
            path = re.sub(r"<\w+>", lambda _, odd=value: odd.replace("%", "%25"), endpoint.rule)
            for rule in (path, re.sub(r"<\w+>", WREN, endpoint.rule)):
                for given in (value, [value], {value: value}, len(value)):
                    names = (
                        "text",
                        "tweet_id",
                        "target_user_id",
                        "quote_tweet_id",
                        "reply",
                        "poll",
                    )
                    answer = steps.browser.open(
                        rule,
                        method=endpoint.method,
                        headers=bearer(token),
                        json=dict.fromkeys(names, given),
                    )
                    well = answer.status_code in {200, 400, 403, 404} and answer.is_json
                    odd += [] if well else [(endpoint.name, rule, given, answer.status_code)]

    assert odd == []


@pytest.mark.parametrize("text", ODD)
def test_odd_texts_are_posted_or_refused(steps, token, text):
    answer = steps.browser.post("/2/tweets", json={"text": text}, headers=bearer(token))
    page = steps.browser.get("/wren").text

    assert answer.status_code in {201, 400}
    assert "<script" not in page


@pytest.mark.parametrize("path", ["/2/oauth2/token", "/2/oauth2/revoke", "/i/oauth2/authorize"])
def test_odd_forms_are_refused(browser, path):
    names = ["grant_type", "code", "redirect_uri", "code_verifier", "client_id", "refresh_token"]
    names += ["token", "token_type_hint", "consent_request", "account", "decision"]
    odd = []
    for value in ODD:
        code = {"grant_type": "authorization_code", "code": value}
        for given in (dict.fromkeys(names, value), code):
            for proof in ({}, basic(), basic(value, value), {"Authorization": "Basic " + "A" * 9}):
                status = browser.post(path, data=given, headers=proof).status_code
                odd += [] if status in {400, 401} else [(value, given, proof, status)]

    assert odd == []


def test_odd_authorization_requests_get_an_answer(steps):
    odd = []
    for name in ("client_id", "redirect_uri", "scope", "state", "code_challenge"):
        for value in ODD:
            answer = steps.ask(**{name: value})
            well = answer.status_code in {200, 302, 400} and "X-Odd" not in answer.headers
            odd += [] if well and "<script>alert" not in answer.text else [(name, value)]

    assert odd == []
