"""`/2/webhooks` and `/2/activity/subscriptions`: X's pages "Webhooks" and "X Activity API"."""

import pytest

from tests.sandbox import seen
from tests.sandbox.contract import Contract, answer_schema, operation
from tests.sandbox.hooked import BEARER
from tests.sandbox.steps import bearer

pytestmark = pytest.mark.loopback


def message(answer):
    assert (answer.status_code, answer.json["title"]) == (400, "Invalid Request")
    return answer.json["errors"][0]["message"]


def test_a_webhook_is_registered_once_its_answer_is_right(hook, hooked):
    answer = hook.register()

    assert answer.status_code == 200
    assert answer.json["data"] | {"id": "", "created_at": ""} == {
        "id": "",
        "url": hooked.url,
        "valid": True,
        "created_at": "",
    }
    assert [path.split("=")[0] for path in hooked.asked] == ["/webhooks/x?crc_token"]
    assert hook.webhook() == answer.json["data"]


def test_another_secret_does_not_register(hook, hooked):
    hooked.secret = "another"

    assert message(hook.register()) == (
        "CrcValidationFailed: URL returned bad response during CRC with error: "
        "Invalid `response_token`"
    )
    assert hook.browser.get("/2/webhooks", headers=BEARER).json == {
        "data": [],
        "meta": {"result_count": 0},
    }


@pytest.mark.parametrize("status", [201, 302, 404, 500])
def test_only_a_200_answers_a_challenge_and_redirects_are_not_followed(hook, hooked, status):
    hooked.says = status

    assert "Non-200 response code" in message(hook.register())
    assert len(hooked.asked) == 1


BAD_ANSWERS = [b"", b"null", b"[]", b'"x"', b"{}", b'{"response_token": 1}', b"[" * 99999, b"\xff"]


@pytest.mark.parametrize("body", BAD_ANSWERS)
def test_an_odd_answer_to_a_challenge_is_a_wrong_one(hook, hooked, body):
    def odd(handler):
        handler.send_response(200)
        handler.end_headers()
        handler.wfile.write(body)

    hooked.says = odd

    assert "Invalid `response_token`" in message(hook.register())


def test_an_app_that_is_not_there_cannot_register(hook, hooked):
    hooked.stop()

    assert "no answer: ConnectionRefusedError" in message(hook.register())


WRONG_URLS = [
    "http://perch.example/webhooks/x",
    "https://perch.example:443/webhooks/x",
    "https://perch.example:/webhooks/x",
    "https://user@perch.example/",
    "https://perch.example/#part",
    "ftp://127.0.0.1/",
    "//127.0.0.1/",
    "https://",
    "http://127.0.0.1:99999/",
    "http://[::1/",
    "http://127.0.0.1/a b",
    "http://127.0.0.1/\r\nX: y",
    "https://perch.example/é",
    "nonsense",
]


@pytest.mark.parametrize("url", WRONG_URLS)
def test_a_url_that_x_would_not_take_is_refused_before_it_is_asked(hook, url):
    assert message(hook.register(url)).startswith("UrlValidationFailed: ")
    assert hook.world.sender.deliveries() == []


def test_https_is_taken_and_not_reached(hook):
    """X's rules allow it; nothing leaves this computer."""
    assert "http on loopback only" in message(hook.register("https://perch.example/webhooks/x"))


def test_a_webhook_is_registered_once_and_the_plan_bounds_them(hook, hooked):
    hook.register()
    assert message(hook.register()).startswith("DuplicateUrlFailed: ")

    hook.world.change({"plan": "pay-per-use"})
    assert message(hook.register(hooked.url + "/2")).startswith("WebhookLimitExceeded: ")

    hook.world.change({"plan": "enterprise"})
    answers = [hook.register(f"{hooked.url}/{number}").status_code for number in range(5)]
    assert answers == [200, 200, 200, 200, 400]


def test_put_challenges_again_and_brings_a_webhook_back(hook, hooked):
    path = f"/2/webhooks/{hook.begin()}"
    hooked.secret = "rotated"

    assert "Invalid `response_token`" in message(hook.browser.put(path, headers=BEARER))
    assert hook.webhook()["valid"] is False

    hooked.secret = "sandbox-client-consumer-secret"
    assert hook.browser.put(path, headers=BEARER).json == {"data": {"valid": True}}
    assert hook.webhook()["valid"] is True


def test_delete_removes_a_webhook_and_its_thread_ends(hook):
    path, thread = f"/2/webhooks/{hook.begin()}", hook.world.sender._thread

    assert hook.browser.delete(path, headers=BEARER).json == {"data": {"deleted": True}}
    assert message(hook.browser.delete(path, headers=BEARER)).startswith("WebhookIdInvalid: ")
    thread.join(5)
    assert not thread.is_alive()


def test_subscriptions_are_listed_and_removed(hook):
    webhook_id = hook.register().json["data"]["id"]
    made = hook.subscribe(webhook_id=webhook_id, tag="t").json["data"]["subscription"]
    other = hook.subscribe().json["data"]["subscription"]["subscription_id"]

    assert made["webhook_id"] == webhook_id
    assert (made["tag"], made["filter"], made["event_type"]) == ("t", {}, "oauth.revoke")
    path = "/2/activity/subscriptions"
    listed = hook.browser.get(path, headers=BEARER).json["data"]
    assert [one["subscription_id"] for one in listed] == [made["subscription_id"], other]

    one = hook.browser.delete(f"{path}/{other}", headers=BEARER)
    assert one.json == {"data": {"deleted": True}}
    many = hook.browser.delete(f"{path}?ids={made['subscription_id']},{other}", headers=BEARER)
    assert many.json["data"] == [{"deleted": True, "subscription_id": made["subscription_id"]}]
    assert [error["subscription_id"] for error in many.json["errors"]] == [other]
    assert many.json["meta"] == {"total_subscriptions": 0}
    assert "not found" in message(hook.browser.delete(f"{path}/{other}", headers=BEARER))


WRONG_SUBSCRIPTIONS = [
    ({"event_type": "like.create"}, "enumeration"),
    ({"filter": {"user_id": "1"}}, "no filter"),
    ({"filter": []}, "not an object"),
    ({"webhook_id": "42"}, "WebhookIdInvalid"),
    ({"tag": "x" * 201}, "1 to 200"),
    ({"tag": "\ud800"}, "1 to 200"),
    ({"event_type": 7}, "not a text"),
    ({"direction": "inbound"}, "not defined"),
]


@pytest.mark.parametrize("changes, words", WRONG_SUBSCRIPTIONS)
def test_a_wrong_subscription_is_explained(hook, changes, words):
    assert words in message(hook.subscribe(**changes))


def test_bodies_that_are_none_are_explained(hook):
    paths = ("/2/webhooks", "/2/activity/subscriptions")
    answers = [
        hook.browser.post(path, headers=BEARER, **body)
        for path in paths
        for body in ({"data": "{}"}, {"json": []}, {"json": {}}, {"data": {"url": "x"}})
    ]

    assert ["is missing but it is required" in message(answer) for answer in answers] == [True] * 8


def test_a_second_subscription_for_the_same_webhook_is_refused(hook):
    webhook_id = hook.begin()

    assert message(hook.subscribe(webhook_id=webhook_id)) == "Subscription already exists."


CALLS = [
    ("POST", "/2/webhooks"),
    ("GET", "/2/webhooks"),
    ("PUT", "/2/webhooks/1"),
    ("DELETE", "/2/webhooks/1"),
    ("POST", "/2/activity/subscriptions"),
    ("GET", "/2/activity/subscriptions"),
    ("DELETE", "/2/activity/subscriptions"),
    ("DELETE", "/2/activity/subscriptions/1"),
]


@pytest.mark.parametrize("method, path", CALLS)
def test_only_the_apps_own_bearer_token_opens_them(steps, method, path):
    person = bearer(steps.sign_in()["access_token"])
    basic = {"Authorization": "Basic sandbox-client-bearer"}
    strangers = [None, bearer(""), bearer("sandbox-client"), basic]

    def ask(headers):
        return steps.browser.open(path, method=method, headers=headers)

    assert [ask(headers).status_code for headers in strangers] == [401] * 4
    refused = ask(person)
    assert (refused.status_code, refused.json["title"]) == (403, "Unsupported Authentication")
    assert "[OAuth 2.0 Application-Only]" in refused.json["detail"]


def test_the_app_only_token_opens_no_page_of_a_person(steps):
    refused = steps.get("/2/users/me", "sandbox-client-bearer")

    assert (refused.status_code, refused.json["title"]) == (403, "Unsupported Authentication")
    assert "Authenticating with OAuth 2.0 Application-Only is forbidden" in refused.json["detail"]
    assert seen.complaints(seen.PROBLEMS["unsupported-authentication"], refused.json) == []


@pytest.mark.parametrize(
    "settings, status",
    [({"dialect": "beta"}, 404), ({"plan": "legacy-free"}, 403), ({"dialect": "renamed"}, 200)],
)
def test_plan_and_dialect_decide_whether_they_are_there(hook, settings, status):
    hook.world.change(settings)

    assert hook.register().status_code == status


def test_apps_do_not_see_each_other(hook, hooked):
    other = bearer("sandbox-public-bearer")
    webhook_id = hook.begin()

    assert hook.browser.get("/2/webhooks", headers=other).json["data"] == []
    assert hook.browser.get("/2/activity/subscriptions", headers=other).json["data"] == []
    stranger = hook.browser.delete(f"/2/webhooks/{webhook_id}", headers=other)
    assert message(stranger).startswith("WebhookIdInvalid")
    assert message(hook.subscribe(headers=other, webhook_id=webhook_id)).startswith("WebhookIdInv")


@pytest.mark.parametrize("dialect", ["live", "renamed"])
def test_answers_are_as_the_specification_says(hook, hooked, dialect):
    hook.world.change({"dialect": dialect})
    contract, complaints = Contract(dialect), []

    def judged(method, path, rule, **body):
        answer = hook.browser.open(path, method=method, headers=BEARER, **body)
        assert answer.status_code == 200, answer.text
        complaints.extend(contract.complaints(answer_schema(operation(method, rule)), answer.json))
        return answer.json["data"]

    hooks, subscriptions = "/2/webhooks", "/2/activity/subscriptions"
    webhook_id = judged("POST", hooks, hooks, json={"url": hooked.url})["id"]
    judged("GET", hooks, hooks)
    judged("GET", f"{hooks}?webhook_config.fields=id,valid", hooks)
    judged("PUT", f"{hooks}/{webhook_id}", f"{hooks}/<id>")
    body = {"event_type": "oauth.revoke", "filter": {}, "tag": "t", "webhook_id": webhook_id}
    made = judged("POST", subscriptions, subscriptions, json=body)["subscription"]
    judged("GET", subscriptions, subscriptions)
    judged("DELETE", f"{subscriptions}?ids={made['subscription_id']},1", subscriptions)
    made = judged("POST", subscriptions, subscriptions, json=body)["subscription"]
    path = f"{subscriptions}/{made['subscription_id']}"
    judged("DELETE", path, f"{subscriptions}/<id>")
    judged("DELETE", f"{hooks}/{webhook_id}", f"{hooks}/<id>")

    assert complaints == []


def test_refusals_have_the_shapes_that_were_seen(hook, steps):
    body = hook.register("nonsense").json
    person = hook.browser.get("/2/webhooks", headers=bearer(steps.sign_in()["access_token"]))

    assert seen.complaints(seen.WRONG_PARAMETERS, body["errors"]) == []
    assert seen.complaints(seen.PROBLEMS["unsupported-authentication"], person.json) == []


def test_the_specification_does_not_list_the_event_yet():
    """`oauth.revoke` is in X's prose since 2026-07-24. When this fails, the excuse is over."""
    known = Contract("live").root["components"]["schemas"]["CreateActivitySubscriptionRequest"]

    assert "oauth.revoke" not in known["properties"]["event_type"]["enum"]
