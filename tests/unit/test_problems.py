"""Twitter's noes, as the documents and people's logs have them, and what a caller can do."""

import json
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from app.twitter.dialect import Permission
from app.twitter.errors import (
    NotInOwnPlan,
    NotInPlan,
    OutOfCredits,
    PermissionMissing,
    RateLimited,
    Refused,
    TokenRefused,
    WrongTokenType,
)
from app.twitter.problems import Problem, problems, refusal
from app.twitter.transport.response_body import document
from app.twitter.transport.transport import Response

# Old and new hosts both answer.
HOSTS = ["https://api.twitter.com/2/problems", "https://api.x.com/2/problems"]
SECRET = "a-token-that-nobody-may-see"

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
SOON = NOW + timedelta(minutes=7)

UNAUTHORIZED = {
    "title": "Unauthorized",
    "type": "about:blank",
    "status": 401,
    "detail": "Unauthorized",
}
FORBIDDEN = {"title": "Forbidden", "type": "about:blank", "status": 403, "detail": "Forbidden"}
CREDITS = {
    "title": "CreditsDepleted",
    "detail": "Your enrolled account [1990000000000000001] does not have any credits to fulfill "
    "this request.",
}
NOT_ENROLLED = {
    "client_id": "12345678",
    "detail": "When authenticating requests to the Twitter API v2 endpoints, you must use keys and "
    "tokens from a Twitter developer App that is attached to a Project.",
    "registration_url": "https://developer.twitter.com/en/docs/projects/overview",
    "title": "Client Forbidden",
    "required_enrollment": "Appropriate Level of API Access",
    "reason": "client-not-enrolled",
}
UNSUPPORTED = {
    "title": "Unsupported Authentication",
    "detail": "Authenticating with OAuth 2.0 Application-Only is forbidden for this endpoint. "
    "Supported authentication types are [OAuth 2.0 User Context].",
}
USAGE_CAP = {
    "title": "UsageCapExceeded",
    "detail": "Usage cap exceeded: Monthly product cap",
    "period": "Monthly",
    "scope": "Product",
}
INVALID = {
    "errors": [{"parameters": {"tweet.fields": ["bad"]}, "message": "bad"}],
    "title": "Invalid Request",
    "detail": "One or more parameters to your request was invalid.",
}


def answer(status, body, **headers):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, named, document(raw))


def said(error):
    return type(error), error.error


def problem(kind, body, host=HOSTS[1]):
    return body | {"type": f"{host}/{kind}"}


# A whole answer that is a no


@pytest.mark.parametrize(
    "status, body, kind, word",
    [
        (400, problem("invalid-request", INVALID), Refused, "invalid-request"),
        (401, UNAUTHORIZED, TokenRefused, "about:blank"),
        (402, problem("credits", CREDITS), OutOfCredits, "credits"),
        (403, problem("client-forbidden", NOT_ENROLLED), NotInPlan, "client-forbidden"),
        (403, FORBIDDEN, PermissionMissing, "about:blank"),
        (
            403,
            problem("unsupported-authentication", UNSUPPORTED),
            WrongTokenType,
            "unsupported-authentication",
        ),
        # About money, not about waiting.
        (429, problem("usage-capped", USAGE_CAP), OutOfCredits, "usage-capped"),
    ],
)
def test_a_refusal_is_sorted_by_status_and_kind(status, body, kind, word):
    assert said(refusal(answer(status, body))) == (kind, word)


@pytest.mark.parametrize("host", HOSTS)
def test_a_problem_is_known_bare_and_in_errors_at_either_host(host):
    body = problem("client-forbidden", NOT_ENROLLED | {"reason": "user-not-enrolled"}, host)

    found = [refusal(answer(403, document)) for document in (body, {"errors": [body]})]

    assert [said(error) for error in found] == [(NotInOwnPlan, "client-forbidden")] * 2


def test_a_plan_without_a_clear_reason_is_the_sites():
    reasons = ["client-not-enrolled", None, 7, "", ["user-not-enrolled"], "something-new"]
    bodies = [problem("client-forbidden", NOT_ENROLLED | {"reason": one}) for one in reasons]

    assert {type(refusal(answer(403, body))) for body in bodies} == {NotInPlan}


def test_a_missing_scope_names_its_permission():
    error = refusal(answer(403, FORBIDDEN), needs=Permission.READ_SPACES)

    assert error.permission == Permission.READ_SPACES


@pytest.mark.parametrize(
    "body",
    [
        {"title": "Too Many Requests", "type": "about:blank", "status": 429},
        {"errors": [{"code": 88, "message": "Rate limit exceeded"}]},
        {"title": "Rate limit exceeded", "type": f"{HOSTS[1]}/rate-limit-exceeded"},
        b"<h1>Too many requests</h1>",
    ],
)
def test_every_body_of_a_limit_says_when_it_lifts(body):
    reset = str(int(SOON.timestamp()))

    error = refusal(answer(429, body, x_rate_limit_remaining="0", x_rate_limit_reset=reset))

    assert type(error) is RateLimited
    assert error.until == SOON


def test_a_limit_that_lifts_absurdly_late_is_believed_for_a_quarter_of_an_hour():
    error = refusal(answer(429, {}, x_rate_limit_reset="99999999999"), now=NOW)

    assert error.until == NOW + timedelta(minutes=15)


def test_a_body_that_tells_nothing_leaves_the_status():
    kinds = {401: TokenRefused, 402: OutOfCredits, 403: Refused, 404: Refused}
    bodies = [
        b"<html><h1>404 page not found</h1>",
        b"null",
        [],
        {},
        {"type": None},
        {"type": {}},
        {"type": "Not A Kind"},
        {"type": f"{HOSTS[0]}/Not A Kind"},
        {"type": f"{HOSTS[0]}/{SECRET}9"},
        {"type": f"{HOSTS[0]}/"},
        {"errors": []},
        {"errors": [7]},
        {"errors": {"type": "about:blank"}},
    ]

    for body, (status, kind) in product(bodies, kinds.items()):
        assert said(refusal(answer(status, body))) == (kind, f"http-{status}"), body


def test_no_exception_repeats_the_words_of_twitter():
    body = dict.fromkeys(["title", "detail", "reason", "client_id", "error"], SECRET)
    body["type"] = f"{HOSTS[0]}/{SECRET}9"

    errors = [refusal(answer(status, body)) for status in (400, 401, 402, 403, 404, 429)]

    assert not any(SECRET in repr(error) for error in errors)


# Lines inside an answer that is fine


@pytest.mark.parametrize(
    "kind, more, missing",
    [
        ("resource-not-found", {"detail": "Could not find user with ids: [10]."}, "gone"),
        ("not-authorized-for-resource", {"section": "data"}, "protected"),
        ("resource-not-found", {"detail": "User has been suspended: [10]."}, "suspended"),
        ("resource-not-found", {"detail": ["User has been suspended"]}, "gone"),
        ("resource-not-found", {"detail": 7}, "gone"),
        ("disallowed-resource", {"detail": "no"}, "unknown"),
    ],
)
def test_a_line_says_why_something_is_missing(kind, more, missing):
    item = problem(kind, {"value": "10", "parameter": "ids"} | more)

    assert problems({"errors": [item]}) == (Problem(missing=missing, asked="10"),)


def test_a_line_says_which_one_is_missing():
    lines = [
        ({"value": "10", "resource_id": "11"}, "10"),
        ({"resource_id": "11"}, "11"),
        ({"value": ["10"], "resource_id": "11"}, "11"),
        ({"value": "old_account_with_a_long_name"}, "old_account_with_a_long_name"),
        ({}, ""),
        ({"value": 10}, ""),
        ({"value": ""}, ""),
    ]

    found = [problems({"errors": [item]}) for item, _ in lines]

    assert found == [(Problem(missing="unknown", asked=asked),) for _, asked in lines]


def test_hostile_words_are_never_repeated():
    names = ("value", "resource_id", "detail", "title", "type", "parameter", "resource_type")
    hostile = ["<script>alert(1)</script>", "../../account", "a b", "x" * 51, "1\n", "١"]

    found = [problems({"errors": [dict.fromkeys(names, one)]}) for one in hostile]

    assert found == [(Problem(missing="unknown", asked=""),)] * len(hostile)


def test_an_item_without_one_of_its_fields_is_not_missing():
    kinds = ["not-authorized-for-field", "field-unauthorized", "field-hydration-failure"]
    items = [problem(kind, {"value": "10", "field": "connection_status"}) for kind in kinds]

    assert problems({"errors": items}) == ()


def test_the_same_problem_is_told_once():
    # As when a page of reposts has lost its original.
    item = {"value": "10", "type": "a/resource-not-found"}

    assert len(problems({"errors": [item, item, item | {"value": "11"}]})) == 2


def test_malformed_errors_are_no_problems():
    malformed = [None, 7, "text", {}, [], [None, 7, "text", []]]

    assert [problems({"errors": errors}) for errors in malformed] == [()] * len(malformed)


def test_problems_are_never_endless():
    items = [{"value": str(number)} for number in range(1_000)]

    assert len(problems({"errors": items})) == 200
