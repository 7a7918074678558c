"""`oauth.revoke`: what ends a grant, what is sent, and all that can go wrong on the way."""

import json
import re
import threading
import time

import pytest

from sandbox.testing import Sandbox
from sandbox.webhooks import loopback, sender
from tests.sandbox.birds import JAY, WREN
from tests.sandbox.hooked import BEARER, CONSUMER_SECRET, Hook, sealed

pytestmark = pytest.mark.loopback


def test_a_person_who_revokes_is_told_of_as_x_writes_it(hook, hooked):
    hook.begin(tag="cleanup")
    hook.steps.sign_in()
    hook.revoke()
    hook.settle()
    (headers, body), (event,) = hooked.events[0], hooked.payloads()

    assert re.fullmatch(r"-?\d{1,19}", event.pop("event_uuid"))
    moment = event["payload"].pop("date_time")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", moment)
    assert event == {
        "filter": {},
        "event_type": "oauth.revoke",
        "tag": "cleanup",
        "payload": {"user_id": WREN, "app_id": hook.world.clients["sandbox-client"].app_id},
    }
    assert headers["x-twitter-webhooks-signature"] == sealed(body)
    assert headers["Content-Type"].startswith("application/json")
    assert hook.outcomes() == ["delivered"]


def ended_by(hook, how):
    """End Wren's grant in one of the ways that Twitter knows."""
    tokens = hook.steps.sign_in()
    if how == "person":
        hook.revoke()
    elif how == "app":
        hook.steps.revoke(tokens["access_token"])
    elif how == "sign-in":
        hook.steps.sign_in()
    elif how == "suspension":
        hook.world.change_account("wren", {"suspended": True})
    elif how == "refresh token used twice":
        hook.steps.refresh(tokens["refresh_token"])
        hook.steps.refresh(tokens["refresh_token"])


WAYS = ["person", "app", "sign-in", "suspension", "refresh token used twice"]
TELLING = {"person": WAYS[:1], "revocations": WAYS[:2], "all": WAYS}


@pytest.mark.parametrize("setting", TELLING)
@pytest.mark.parametrize("how", WAYS)
def test_the_setting_says_which_endings_are_told(hook, setting, how):
    hook.begin()
    hook.world.change({"revoke_events": setting})
    ended_by(hook, how)

    assert hook.outcomes() == ["delivered"] * (how in TELLING[setting])


def test_nothing_is_told_of_what_had_ended_or_never_began(hook):
    hook.begin()
    token = hook.steps.sign_in()["access_token"]
    hook.revoke()
    hook.revoke()
    hook.steps.revoke(token)
    hook.steps.code("jay")
    hook.revoke("jay")

    assert hook.outcomes() == ["delivered"]


def test_many_grants_of_one_person_are_one_event(hook):
    hook.world.change({"grants": "many"})
    hook.begin()
    for _ in range(3):
        hook.steps.sign_in()
    hook.revoke()

    assert hook.outcomes() == ["delivered"]


def test_another_app_of_the_person_is_not_told(hook, hooked):
    hook.begin()
    hook.steps.sign_in("jay", client_id="sandbox-public")
    form = {"account": "jay", "client_id": "sandbox-public"}
    hook.browser.post("/sandbox/disconnect", json=form)

    assert hook.outcomes() == []
    hook.steps.sign_in("jay")
    hook.browser.post("/sandbox/disconnect", json=form | {"client_id": "sandbox-client"})
    hook.settle()
    assert [event["payload"]["user_id"] for event in hooked.payloads()] == [JAY]


def test_a_subscription_without_a_webhook_sends_nothing(hook):
    """X delivers those to its stream only."""
    hook.register()
    hook.subscribe()
    hook.steps.sign_in()
    hook.revoke()

    assert hook.outcomes() == []


def test_an_event_that_is_not_answered_with_200_is_sent_twice_more(hook, hooked):
    hook.begin()
    hook.steps.sign_in()
    hooked.says = 204
    hook.revoke()
    hook.settle()
    hook.advance(9)
    assert len(hooked.events) == 1
    hook.advance(1)
    hook.advance(60)
    hook.advance(3000)

    assert len(hooked.events) == len(hook.outcomes()) == 3
    assert len({body for _, body in hooked.events}) == 1
    assert hook.outcomes()[-1] == "refused: only a 200 counts"


def test_a_webhook_that_hangs_holds_no_request_up(hook, hooked, monkeypatch):
    monkeypatch.setattr(loopback, "ANSWER_SECONDS", 0.5)
    hook.begin()
    hook.steps.sign_in()
    released = threading.Event()
    hooked.says = lambda _: released.wait(5)
    began = time.monotonic()
    hook.revoke()
    hook.steps.sign_in()

    assert time.monotonic() - began < 0.4
    assert hook.outcomes()[0].startswith("no answer: ")
    released.set()


@pytest.mark.parametrize("version", ["HTTP/1.0", "HTTP/1.1"])
def test_an_answer_that_drips_is_cut_off(hook, hooked, monkeypatch, version):
    """A timeout for each read would never fire."""
    monkeypatch.setattr(loopback, "ANSWER_SECONDS", 0.3)

    def drip(handler):
        handler.wfile.write(f"{version} 200 OK\r\nContent-Length: 9999\r\n\r\n".encode())
        for _ in range(60):
            handler.wfile.write(b" ")
            time.sleep(0.05)

    hooked.says = drip
    began = time.monotonic()
    hook.register()

    assert time.monotonic() - began < 2


def test_a_huge_answer_is_not_read_to_its_end(hook, hooked):
    sent = []

    def flood(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(1024):
            handler.wfile.write(b"x" * 64 * 1024)
            sent.append(1)

    hooked.says = flood

    assert hook.register().status_code == 400
    assert len(sent) < 1024


def test_what_waits_is_bounded(hook, monkeypatch):
    monkeypatch.setattr(sender, "_MOST_WAITING", 2)
    hook.begin()
    hook.fault(webhook="late", delay_seconds=60, times=9)
    for account in ("wren", "robin", "jay"):
        hook.steps.sign_in(account)
        hook.revoke(account)

    assert hook.outcomes() == ["not sent: the queue is full"] * 2  # one challenge waits as well


def test_a_lost_event_is_never_sent(hook, hooked):
    hook.begin()
    hook.fault(webhook="lost")
    hook.steps.sign_in()
    hook.revoke()

    assert hook.outcomes() == ["fault: lost"]
    assert hooked.events == []


def test_a_late_event_comes_by_the_sandboxs_clock(hook, hooked):
    hook.begin()
    hook.fault(webhook="late", delay_seconds=3000)
    hook.steps.sign_in()
    hook.revoke()
    hook.advance(2990)
    assert hooked.events == []

    hook.advance(10)
    assert hook.outcomes() == ["delivered"]


def test_a_doubled_event_has_one_id(hook, hooked):
    hook.begin()
    hook.fault(webhook="doubled")
    hook.steps.sign_in()
    hook.revoke()

    assert hook.outcomes() == ["delivered"] * 2
    assert len({event["event_uuid"] for event in hooked.payloads()}) == 1


@pytest.mark.parametrize("status, said", [(200, "accepted"), (403, "refused: only a 200 counts")])
def test_a_forged_event_has_another_signature_and_is_not_sent_again(hook, hooked, status, said):
    hook.begin()
    hook.fault(webhook="forged")
    hook.steps.sign_in()
    hooked.says = status
    hook.revoke()
    hook.advance(1000)
    ((headers, body),) = hooked.events

    assert headers["x-twitter-webhooks-signature"] != sealed(body)
    assert hook.outcomes() == [f"fault: forged; {said}"]


def test_a_fault_can_fail_a_challenge(hook):
    hook.fault(webhook="crc")

    assert "CrcValidationFailed" in hook.register().text
    assert hook.register().status_code == 200


def test_faults_of_requests_and_of_webhooks_do_not_take_each_other(hook, hooked):
    hook.begin()
    hook.fault(status=503)
    hook.fault(webhook="lost")
    hook.steps.world.token_store.disconnect(WREN, "sandbox-client")

    assert hook.browser.get("/2/webhooks", headers=BEARER).status_code == 503
    assert [fault.webhook for fault in hook.world.faults.waiting()] == ["lost"]
    hook.steps.sign_in()
    hook.revoke()
    assert hook.outcomes() == ["fault: lost"]
    assert hook.world.faults.waiting() == []


def test_a_fault_is_for_one_path_if_it_says_so(hook):
    hook.begin()
    hook.browser.post("/sandbox/faults", json={"path": "/elsewhere", "webhook": "lost"})
    hook.steps.sign_in()
    hook.revoke()

    assert hook.outcomes() == ["delivered"]


@pytest.mark.parametrize("more", [{"webhook": "eaten"}, {"webhook": "lost", "status": 500}])
def test_a_fault_that_cannot_be_is_explained(hook, more):
    assert hook.fault(**more).status_code == 400


def test_every_hour_a_challenge_comes_and_one_that_fails_ends_the_events(hook, hooked):
    hook.begin()
    hook.steps.sign_in()
    hook.advance(3599)
    assert hook.outcomes("challenge") == ["passed"]
    hook.advance(1)
    assert hook.outcomes("challenge") == ["passed"] * 2

    hooked.secret = "rotated"
    hook.advance(3600)
    hook.revoke()
    assert hook.webhook()["valid"] is False
    assert hook.outcomes() == ["not sent: the webhook is invalid"]
    hook.advance(3600)
    assert len(hook.outcomes("challenge")) == 3  # PUT is the way back


def test_an_app_that_is_down_is_forgiven_for_28_hours(hook, hooked):
    hook.begin()
    hooked.says = 503
    hook.advance(28 * 3600 - 10)
    assert hook.webhook()["valid"] is True

    hook.advance(3600)
    assert hook.webhook()["valid"] is False


SIGNATURES = {
    "consumer": {"x-twitter-webhooks-signature": CONSUMER_SECRET},
    "client": {"x-twitter-webhooks-signature-oauth2": "sandbox-secret"},
}
SIGNATURES["both"] = SIGNATURES["consumer"] | SIGNATURES["client"]


@pytest.mark.parametrize("setting, expected", SIGNATURES.items())
def test_the_setting_says_which_secrets_sign(hook, hooked, setting, expected):
    """X's page "Webhooks": apps with an OAuth 2.0 client secret may get both headers."""
    hook.world.change({"webhook_signatures": setting})
    wanted = set(expected.values())
    registered = set()
    for secret in (CONSUMER_SECRET, "sandbox-secret"):
        hooked.secret = secret
        if hook.register(f"{hooked.url}/{secret}").status_code == 200:
            registered.add(secret)
    hook.begin() if hooked.secret in wanted else _begin_with(hook, CONSUMER_SECRET)
    hook.steps.sign_in()
    hook.revoke()
    hook.settle()
    headers, body = hooked.events[0]
    signed = {name: value for name, value in headers.items() if "signature" in name}

    assert registered == wanted
    assert signed == {name: sealed(body, secret) for name, secret in expected.items()}


def _begin_with(hook, secret):
    hook.app.secret = secret
    hook.begin()


HOSTS_ELSEWHERE = [
    "10.0.0.1",
    "169.254.169.254",
    "0.0.0.0",
    "example.com",
    "127.0.0.1.example.com",
    "127.0.0.1@example.com",
    "2130706433",
    "127.1",
    "0177.0.0.1",
    "[::ffff:10.0.0.1]",
    "[fe80::1]",
    "localhost.example.com",
]


@pytest.mark.parametrize("host", HOSTS_ELSEWHERE)
def test_nothing_but_loopback_is_ever_reached(hook, monkeypatch, host):
    """Not even if such a URL came past the check."""
    connected = []
    monkeypatch.setattr("socket.create_connection", lambda *where, **_: connected.append(where))

    assert hook.register(f"http://{host}/").status_code == 400
    for scheme in ("http", "https"):
        assert "not sent" in loopback.call("GET", f"{scheme}://{host}/").problem
    assert connected == []


def test_a_proxy_of_the_environment_is_not_used(hook, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    assert hook.register().status_code == 200


def test_no_secret_is_in_the_record_of_what_was_sent(hook, hooked):
    hook.begin()
    hook.steps.sign_in()
    hook.revoke()
    hook.settle()
    text = hook.browser.get("/sandbox/webhooks").text
    headers, _ = hooked.events[0]

    for secret in (CONSUMER_SECRET, "sandbox-secret", "bearer", "crc_token", "sha256="):
        assert secret not in text
    assert headers["x-twitter-webhooks-signature"] not in text


def test_the_control_api_and_the_console_show_them(hook, hooked):
    webhook_id = hook.begin()
    hook.steps.sign_in()
    hook.revoke()
    hook.settle()
    shown = hook.browser.get("/sandbox/webhooks").json
    page = hook.browser.get("/").text

    assert [one["id"] for one in shown["webhooks"]] == [webhook_id]
    assert [one["webhook_id"] for one in shown["subscriptions"]] == [webhook_id]
    assert [one["outcome"] for one in shown["deliveries"]] == ["passed", "delivered"]
    assert shown["deliveries"][1]["status"] == 200
    for text in (hooked.url, webhook_id, "delivered", "sandbox-client-bearer", CONSUMER_SECRET):
        assert text in page


def test_a_reset_forgets_webhooks_and_all_that_waits(hook, hooked):
    hook.begin()
    hook.fault(webhook="late", delay_seconds=60)
    hook.steps.sign_in()
    hook.revoke()
    thread = hook.world.sender._thread
    hook.world.reset()
    hook.advance(3700)
    nothing = {"webhooks": [], "subscriptions": [], "deliveries": []}

    assert hook.browser.get("/sandbox/webhooks").json == nothing
    assert hooked.events == []
    thread.join(5)
    assert not thread.is_alive()


def test_a_webhook_removed_under_way_gets_nothing_more(hook, hooked):
    webhook_id = hook.begin()
    hook.steps.sign_in()
    hooked.says = 500
    hook.revoke()
    hook.settle()
    hook.browser.delete(f"/2/webhooks/{webhook_id}", headers=BEARER)
    hook.advance(3700)

    assert len(hooked.events) == 1


def test_an_app_that_calls_back_while_it_is_challenged_is_answered(hooked):
    """A lock that is held during the challenge would stop both."""
    with Sandbox() as twitter:
        hook = Hook(_Steps(twitter), hooked)

        def calls_back(handler):
            assert twitter.app.test_client().get("/2/users/me").status_code == 401
            hooked.says = None
            handler.do_GET()

        hooked.says = calls_back
        assert hook.register().status_code == 200
        assert [one["outcome"] for one in twitter.deliveries()] == ["passed"]


class _Steps:
    def __init__(self, twitter):
        self.world, self.browser = twitter.world, twitter.app.test_client()


def test_waiting_for_deliveries_ends(hook, hooked, monkeypatch):
    monkeypatch.setattr(loopback, "ANSWER_SECONDS", 1)
    with Sandbox() as twitter:
        hook = Hook(_Steps(twitter), hooked)
        webhook_id = hook.begin()
        released = threading.Event()
        hooked.says = lambda _: released.wait(3)
        twitter.advance(3600)

        with pytest.raises(TimeoutError):
            twitter.deliveries(timeout=0.1)
        released.set()
        assert {one["webhook_id"] for one in twitter.deliveries()} == {"", webhook_id}


def test_events_are_bytes_that_are_json(hook, hooked):
    hook.begin(tag="\U0001f426 <tag>")
    hook.steps.sign_in()
    hook.revoke()
    hook.settle()

    assert json.loads(hooked.events[0][1])["data"]["tag"] == "\U0001f426 <tag>"
