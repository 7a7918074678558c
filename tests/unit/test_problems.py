"""Twitter's noes, as the documents and people's logs have them, and what a caller can do."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from app.twitter.bodies import document
from app.twitter.dialect import Permission
from app.twitter.errors import (
    Limited,
    OutOfCredits,
    PermissionMissing,
    PlanLacksIt,
    Refused,
    TokenKindRefused,
    TokenRefused,
    TwitterError,
)
from app.twitter.problems import Problem, problems, refusal
from app.twitter.transport import Answer

# Old and new hosts both answer.
HOSTS = ["https://api.twitter.com/2/problems", "https://api.x.com/2/problems"]
either_host = pytest.mark.parametrize("host", HOSTS)
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
    return Answer(status, named, document(raw))


def said(error):
    return type(error), error.error


# A whole answer that is a no


def test_an_expired_token_is_refused():
    assert said(refusal(answer(401, UNAUTHORIZED))) == (TokenRefused, "about:blank")


@either_host
def test_an_empty_account_is_out_of_credits(host):
    body = CREDITS | {"type": f"{host}/credits"}

    assert said(refusal(answer(402, body))) == (OutOfCredits, "credits")


@either_host
def test_what_the_plan_lacks_is_lacking_for_everyone(host):
    error = refusal(answer(403, NOT_ENROLLED | {"type": f"{host}/client-forbidden"}))

    assert said(error) == (PlanLacksIt, "client-forbidden")
    assert error.for_everyone


@either_host
@pytest.mark.parametrize("nested", [False, True])
def test_a_person_without_a_plan_is_alone_with_it(host, nested):
    body = NOT_ENROLLED | {
        "type": f"{host}/client-forbidden",
        "reason": "user-not-enrolled",
        "registration_url": "https://console.x.com",
    }

    error = refusal(answer(403, {"errors": [body]} if nested else body))

    assert said(error) == (PlanLacksIt, "client-forbidden")
    assert not error.for_everyone


@pytest.mark.parametrize("reason", [None, 7, "", ["user-not-enrolled"], "something-new"])
def test_a_plan_without_a_clear_reason_is_the_sites(reason):
    body = NOT_ENROLLED | {"type": f"{HOSTS[0]}/client-forbidden", "reason": reason}

    assert refusal(answer(403, body)).for_everyone


def test_a_missing_scope_is_a_missing_permission():
    error = refusal(answer(403, FORBIDDEN), needs=Permission.READ_SPACES)

    assert said(error) == (PermissionMissing, "about:blank")
    assert error.permission == Permission.READ_SPACES


@either_host
@pytest.mark.parametrize("nested", [False, True])
def test_the_wrong_kind_of_token_is_known_bare_and_in_errors(host, nested):
    body = UNSUPPORTED | {"type": f"{host}/unsupported-authentication"}

    error = refusal(answer(403, {"errors": [body]} if nested else body))

    assert said(error) == (TokenKindRefused, "unsupported-authentication")


@pytest.mark.parametrize(
    "body",
    [
        {"title": "Too Many Requests", "type": "about:blank", "status": 429},
        {"errors": [{"code": 88, "message": "Rate limit exceeded"}]},
        {"title": "Rate limit exceeded", "type": f"{HOSTS[1]}/rate-limit-exceeded"},
        "text",
        None,
        b"<h1>Too many requests</h1>",
        b"",
    ],
)
def test_every_body_of_a_limit_says_when_it_lifts(body):
    reset = str(int(SOON.timestamp()))

    error = refusal(answer(429, body, x_rate_limit_remaining="0", x_rate_limit_reset=reset))

    assert type(error) is Limited
    assert error.until == SOON


def test_a_limit_that_lifts_absurdly_late_is_believed_for_a_quarter_of_an_hour():
    error = refusal(answer(429, {}, x_rate_limit_reset="99999999999"), now=NOW)

    assert error.until == NOW + timedelta(minutes=15)


@either_host
def test_a_monthly_cap_is_about_money_and_not_about_waiting(host):
    body = USAGE_CAP | {"type": f"{host}/usage-capped"}

    assert said(refusal(answer(429, body))) == (OutOfCredits, "usage-capped")


@either_host
def test_what_we_asked_wrongly_is_just_refused(host):
    body = INVALID | {"type": f"{host}/invalid-request"}

    assert said(refusal(answer(400, body))) == (Refused, "invalid-request")


@pytest.mark.parametrize(
    "status, kind",
    [
        (400, Refused),
        (401, TokenRefused),
        (402, OutOfCredits),
        (403, Refused),
        (404, Refused),
        (410, Refused),
        (451, Refused),
    ],
)
@pytest.mark.parametrize(
    "body",
    [
        b"<html><h1>404 page not found</h1>",
        b"",
        b"\xff",
        b"[" * 50_000,
        b"null",
        {},
        [],
        7,
        {"type": None},
        {"type": {}},
        {"type": "Not A Kind"},
        {"type": f"{HOSTS[0]}/Not A Kind"},
        {"type": f"{HOSTS[0]}/{SECRET}9"},
        {"type": "https://api.x.com/2/problems/"},
        {"errors": []},
        {"errors": [7]},
        {"errors": {"type": "about:blank"}},
    ],
)
def test_a_body_that_tells_nothing_leaves_the_status(status, kind, body):
    assert said(refusal(answer(status, body))) == (kind, f"http-{status}")


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 429])
def test_no_exception_repeats_what_twitter_said(status):
    body = dict.fromkeys(["title", "detail", "reason", "client_id", "error"], SECRET)

    error = refusal(answer(status, body | {"type": f"{HOSTS[0]}/{SECRET}9"}))

    assert isinstance(error, TwitterError)
    assert SECRET not in repr(error)


# Lines inside an answer that is fine


@either_host
@pytest.mark.parametrize(
    "kind, more, missing",
    [
        (
            "resource-not-found",
            {"title": "Not Found Error", "detail": "Could not find user with ids: [10]."},
            "gone",
        ),
        (
            "not-authorized-for-resource",
            {
                "title": "Authorization Error",
                "section": "data",
                "detail": "Sorry, you are not authorized to see the user with id: [10].",
            },
            "protected",
        ),
        (
            "resource-not-found",
            {"title": "Forbidden", "detail": "User has been suspended: [10]."},
            "suspended",
        ),
        ("disallowed-resource", {"detail": "no"}, "unknown"),
        ("resource-unavailable", {}, "unknown"),
    ],
)
def test_why_something_is_missing(host, kind, more, missing):
    item = {"value": "10", "parameter": "ids", "type": f"{host}/{kind}", **more}

    assert problems({"errors": [item]}) == (Problem(missing=missing, asked="10"),)


@pytest.mark.parametrize(
    "item, asked",
    [
        ({"value": "10", "resource_id": "11"}, "10"),
        ({"resource_id": "11"}, "11"),
        ({"value": ["10"], "resource_id": "11"}, "11"),
        ({"value": "old_account_with_a_long_name"}, "old_account_with_a_long_name"),
        ({}, ""),
        ({"value": 10}, ""),
        ({"value": ""}, ""),
    ],
)
def test_which_one_is_missing(item, asked):
    assert problems({"errors": [item]}) == (Problem(missing="unknown", asked=asked),)


@pytest.mark.parametrize(
    "hostile",
    ["<script>alert(1)</script>", "../../account", "a b", "x" * 51, "1\n", "javascript:1", "١"],
)
def test_hostile_words_are_never_repeated(hostile):
    names = ("value", "resource_id", "detail", "title", "type", "parameter", "resource_type")

    found = problems({"errors": [dict.fromkeys(names, hostile)]})

    assert found == (Problem(missing="unknown", asked=""),)


@pytest.mark.parametrize("detail", [None, 7, [], ["User has been suspended"], {}, [[[[]]]]])
def test_a_detail_that_is_no_text_says_nothing(detail):
    item = {"value": "10", "detail": detail, "type": "a/resource-not-found"}

    assert problems({"errors": [item]}) == (Problem(missing="gone", asked="10"),)


def test_a_detail_too_deep_to_be_read_out_does_no_harm():
    detail = []
    for _ in range(10_000):
        detail = [detail]

    assert problems({"errors": [{"detail": detail}]}) == (Problem(missing="unknown", asked=""),)


@pytest.mark.parametrize(
    "kind", ["not-authorized-for-field", "field-unauthorized", "field-hydration-failure"]
)
def test_who_came_without_a_field_is_not_missing(kind):
    item = {"value": "10", "field": "connection_status", "type": f"{HOSTS[1]}/{kind}"}

    assert problems({"errors": [item]}) == ()


def test_the_same_problem_is_told_once():
    # As when a page of reposts has lost its original.
    item = {"value": "10", "type": "a/resource-not-found"}

    assert len(problems({"errors": [item, item, item | {"value": "11"}]})) == 2


@pytest.mark.parametrize("errors", [None, 7, "text", {}, [], [None, 7, "text", []]])
def test_errors_that_are_none_are_no_problems(errors):
    assert problems({"errors": errors}) == ()


def test_problems_are_never_endless():
    items = [{"value": str(number)} for number in range(1_000)]

    assert len(problems({"errors": items})) == 200
