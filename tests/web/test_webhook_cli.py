"""`flask webhook`, and the doctor's look at it: what X is asked, and each failure in words."""

import json

import pytest
import requests

from app.doctor import webhook as look
from app.doctor.context import Context
from app.doctor.report import Status

URL = "https://perch.example/webhooks/x"
WEBHOOK = {"TWITTER_BEARER_TOKEN": "AAAA%2Fbearer", "TWITTER_CONSUMER_SECRET": "for-hmac-only"}
HOOKS, SUBSCRIPTIONS = "/webhooks", "/activity/subscriptions"
PROBLEM = {"type": "https://api.x.com/2/problems/client-forbidden", "reason": "client-not-enrolled"}


class X:
    """The webhooks and subscriptions of one app at X."""

    def __init__(self, twitter):
        self.twitter = twitter
        self.webhooks, self.subscriptions = [], []
        self.valid = True
        self.refuses = {}
        for method, path in [
            *(("GET", HOOKS), ("POST", HOOKS), ("PUT", f"{HOOKS}/21"), ("DELETE", f"{HOOKS}/21")),
            *(("GET", SUBSCRIPTIONS), ("POST", SUBSCRIPTIONS), ("DELETE", f"{SUBSCRIPTIONS}/31")),
        ]:
            twitter.add_callback(method, path, self.answer)

    def answer(self, request):
        assert request.headers["Authorization"] == "Bearer AAAA%2Fbearer"
        path = request.url.removeprefix(self.twitter.dialect.api_url)
        if refusal := self.refuses.get((request.method, path)):
            if isinstance(refusal, Exception):
                raise refusal
            status, body = refusal
            return status, {}, body if isinstance(body, str) else json.dumps(body)
        sent = json.loads(request.body) if request.body else None
        return 200, {}, json.dumps(self.do(request.method, path, sent))

    def do(self, method, path, sent):
        match method, path:
            case "GET", "/webhooks":
                return {"data": self.webhooks, "meta": {"result_count": len(self.webhooks)}}
            case "POST", "/webhooks":
                self.webhooks.append({"id": "21", "valid": self.valid} | sent)
                return {"data": self.webhooks[-1]}
            case "PUT", _:
                self.webhooks[0]["valid"] = self.valid
                return {"data": {"valid": self.valid}}
            case "GET", _:
                return {"data": self.subscriptions}
            case "POST", _:
                self.subscriptions.append({"subscription_id": "31"} | sent)
                return {"data": {"subscription": self.subscriptions[-1]}}
            case "DELETE", "/webhooks/21":
                self.webhooks = [each for each in self.webhooks if each["id"] != "21"]
            case "DELETE", _:
                self.subscriptions = []
        return {"data": {"deleted": True}}

    def changes(self):
        return [
            (call.request.method, call.request.url.removeprefix(self.twitter.dialect.api_url))
            for call in self.twitter.calls
            if call.request.method != "GET"
        ]


@pytest.fixture
def x(twitter):
    return X(twitter)


@pytest.fixture
def app(build_app):
    return build_app(PUBLIC_URL="https://perch.example", **WEBHOOK)


@pytest.fixture
def run(app):
    return lambda *args, on=app: on.test_cli_runner().invoke(args=["webhook", *args])


@pytest.fixture
def looked(app):
    return lambda on=app: look.webhook(Context(on))


def test_register_makes_the_webhook_and_its_subscription(run, x):
    result = run("register")

    assert (result.exit_code, result.output) == (0, f"X tells {URL} of revocations.\n")
    assert x.webhooks == [{"id": "21", "valid": True, "url": URL}]
    [subscription] = x.subscriptions
    assert subscription | {"event_type": "oauth.revoke", "filter": {}, "webhook_id": "21"} == (
        subscription
    )


def test_register_may_be_repeated(run, x):
    first, second = run("register"), run("register")

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert x.changes() == [("POST", HOOKS), ("POST", SUBSCRIPTIONS)]


def test_register_adds_only_what_is_missing(run, x):
    x.webhooks = [{"id": "21", "url": URL, "valid": False}]
    x.subscriptions = [
        {"subscription_id": "1", "event_type": "oauth.revoke", "webhook_id": "20"},
        {"subscription_id": "2", "event_type": "post.create", "webhook_id": "21"},
    ]

    assert run("register").exit_code == 0
    assert x.changes() == [("PUT", f"{HOOKS}/21"), ("POST", SUBSCRIPTIONS)]


def test_a_webhook_that_x_does_not_list_is_no_success(run, x):
    x.twitter.upsert("POST", HOOKS, json={"data": {"id": "21", "url": URL, "valid": True}})

    result = run("register")

    assert result.exit_code == 1
    assert "X gave no usable answer (a webhook that was registered is not listed)" in result.output


def test_a_webhook_that_x_still_does_not_accept_is_no_success(run, x):
    x.valid = False

    result = run("register")

    assert result.exit_code == 1
    assert "does not work: switched off by X" in result.output


@pytest.mark.parametrize("url", ["https://perch.example:8443", "http://127.0.0.1:8000"])
def test_x_delivers_to_https_without_a_port_only(run, looked, build_app, x, url):
    site = build_app(PUBLIC_URL=url, **WEBHOOK)

    result = run("register", on=site)

    assert (result.exit_code, x.changes()) == (1, [])
    assert "https without a port" in result.output
    assert looked(on=site).status is Status.WARNING


def test_the_sandbox_delivers_to_loopback(run, build_app, twitter):
    twitter.dialect = type("Sandbox", (), {"api_url": "http://127.0.0.1:9000/2"})
    x = X(twitter)
    site = build_app(TWITTER_API_URL="http://127.0.0.1:9000/2", **WEBHOOK)

    result = run("register", on=site)

    assert result.exit_code == 0, result.output
    assert x.webhooks[0]["url"] == "http://127.0.0.1:8000/webhooks/x"


def test_status_shows_every_webhook(run, x):
    before = run("status")
    x.webhooks = [{"id": "5", "url": "https://staging.example/webhooks/x", "valid": True}]
    run("register")
    x.webhooks[0]["valid"] = False
    after = run("status")

    assert before.exit_code == 1
    assert before.output.endswith("Run: flask --app wsgi webhook register\n")
    assert after.exit_code == 0
    other, ours = after.output.splitlines()
    assert other.startswith("https://staging.example/webhooks/x (another site): switched off by X")
    assert ours == f"{URL} (this site): valid, subscribed to revocations."


def test_remove_takes_both_away_and_may_be_repeated(run, x):
    run("register")
    other = {"id": "5", "url": "https://staging.example/webhooks/x", "valid": True}
    x.webhooks.append(other)

    first, second = run("remove"), run("remove")

    assert (x.webhooks, x.subscriptions) == ([other], [])
    assert first.output == f"X has removed the webhook at {URL}.\n"
    assert (second.exit_code, second.output) == (0, f"X has no webhook at {URL}.\n")


@pytest.mark.parametrize("command", ["register", "status", "remove"])
def test_without_its_secrets_each_command_says_what_is_missing(run, build_app, command):
    result = run(command, on=build_app(PUBLIC_URL="https://perch.example"))

    assert result.exit_code == 1
    assert "Set TWITTER_BEARER_TOKEN and TWITTER_CONSUMER_SECRET first." in result.output


REFUSALS = [
    ((401, {"title": "Unauthorized"}), "does not accept TWITTER_BEARER_TOKEN", "Copy the Bearer"),
    ((403, PROBLEM), "plan at X does not include", "Pay-per-use"),
    (
        (403, {"type": "https://api.x.com/2/problems/unsupported-authentication"}),
        "is not an app-only token",
        "Copy the Bearer Token",
    ),
    ((402, {"title": "CreditsDepleted"}), "credits at X are used up", "Buy credits"),
    ((429, {}), "rate limit", "quarter of an hour"),
    ((400, {"errors": [{"message": "CrcValidationFailed"}]}), URL, "TWITTER_CONSUMER_SECRET"),
    ((400, {"title": "UrlValidationFailed"}), "does not accept the address", "PUBLIC_URL"),
    ((403, {"detail": "WebhookLimitExceeded: 1"}), "as many webhooks", "webhook status"),
    ((400, "<html>"), "X refuses (http-400", "developer portal"),
    ((500, "down"), "no usable answer", "Try again in a minute"),
    ((200, "[]"), "no usable answer", "Try again in a minute"),
    ((302, ""), "no usable answer", "Try again in a minute"),
    (requests.ConnectionError("away"), "no usable answer", "Try again in a minute"),
]


@pytest.mark.parametrize("refusal, cause, fix", REFUSALS)
def test_each_refusal_is_told_in_words(run, x, refusal, cause, fix):
    x.refuses = {("POST", HOOKS): refusal}

    result = run("register")

    assert result.exit_code == 1
    assert cause in result.output
    assert fix in result.output
    assert "Traceback" not in result.output
    assert "AAAA" not in result.output


@pytest.mark.parametrize(
    "webhooks",
    [[{"id": "../1", "url": URL}], [{"id": "21"}], ["21"], [None]],
)
def test_a_list_that_makes_no_sense_leads_to_no_call(run, x, webhooks):
    x.webhooks = webhooks

    result = run("remove")

    assert (result.exit_code, x.changes()) == (1, [])
    assert "no usable answer" in result.output


# The doctor


def test_the_doctor_finds_each_thing_that_is_missing(run, looked, x):
    nothing = looked()
    run("register")
    works = looked()
    x.webhooks[0]["valid"] = False
    switched_off = looked()
    x.webhooks[0]["valid"] = True
    x.subscriptions = []
    not_subscribed = looked()

    results = [nothing, works, switched_off, not_subscribed]
    assert [each.status for each in results] == ["failed", "ok", "failed", "failed"]
    assert "has no webhook" in nothing.message
    assert "a challenge failed" in switched_off.message
    assert "not subscribed" in not_subscribed.message
    assert x.changes() == [("POST", HOOKS), ("POST", SUBSCRIPTIONS)]


def test_the_doctor_says_why_x_refuses(looked, x):
    x.refuses = {("GET", HOOKS): (401, {})}

    found = looked()

    assert found.status is Status.FAILED
    assert "TWITTER_BEARER_TOKEN" in found.message


def test_no_webhook_is_no_trouble(looked, build_app):
    assert looked(on=build_app()).status is Status.OK
