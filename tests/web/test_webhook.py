"""X's webhook: believed by its signature, stored before the answer, and only a hint."""

import io
import time
from datetime import UTC, datetime, timedelta

import pytest
import requests
from sqlalchemy import delete, update
from sqlalchemy.exc import OperationalError
from werkzeug.test import EnvironBuilder, run_wsgi_app

from app.accounts.models import Grant, Revocation, RevocationEvent, Session, User
from app.storage.database import STORE_CLOCK
from app.twitter.transport.transport import Transport
from tests.factories import PUBLIC_URL, REVOKE_PATH, TOKEN_PATH, token_answer
from tests.stores import on_both_stores
from tests.unit.test_webhook_events import BY_CLIENT_SECRET, SIGNATURE, event, signed
from tests.web.test_metrics import Scraped

CONSUMER_SECRET = "a-consumer-secret-for-hmac"
WEBHOOK = {
    "TWITTER_BEARER_TOKEN": "AAAA%2Fbearer",
    "TWITTER_CONSUMER_SECRET": CONSUMER_SECRET,
}
REFUSED = {"error": "invalid_request", "error_description": "Value passed for the token was bad"}


@pytest.fixture
def app(build_app):
    return build_app(**WEBHOOK)


@pytest.fixture
def x(app):
    """X, which delivers events: X has no cookies."""
    here = app.extensions["perch"]

    def deliver(body=None, secret=CONSUMER_SECRET, **headers):
        body = revoke() if body is None else body
        signature = {SIGNATURE: signed(body, secret)} if secret else {}
        answer = app.test_client().post(
            "/webhooks/x",
            data=body,
            content_type="application/json",
            headers=signature | headers,
        )
        assert here.revocation_checks.wait(seconds=5)
        return answer

    yield deliver
    here.revocation_checks.stop()


def revoke(person="1001", ago=0, **changes):
    at = datetime.now(UTC) - timedelta(seconds=ago)
    payload = {"user_id": person, "date_time": at.isoformat(timespec="seconds")}
    return event(payload=payload, **changes)


@pytest.fixture
def result(app, client):
    """Count the events with a result."""
    return lambda name: Scraped(client.get("/metrics").text)(
        "revocation_reports_total", result=name
    )


@pytest.fixture
def person(client, kind_twitter):
    """Wren, signed in, whose grant X refuses from now on."""
    client.sign_in()
    kind_twitter.replace("POST", TOKEN_PATH, json=REFUSED, status=400)
    return client


def refreshes(twitter):
    return [
        call
        for call in twitter.calls_to(TOKEN_PATH)
        if "grant_type=refresh_token" in str(call.request.body)
    ]


# The challenge


def test_the_challenge_is_answered(app):
    answer = app.test_client().get("/webhooks/x?crc_token=a-challenge%2B%3D")

    assert answer.json == {"response_token": signed(b"a-challenge+=", CONSUMER_SECRET)}
    assert answer.mimetype == "application/json"
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("query", ["", "crc_token=", "crc_token=a&crc_token=b", "token=a"])
def test_a_challenge_that_is_none_gets_400(app, query):
    assert app.test_client().get(f"/webhooks/x?{query}").status_code == 400


def test_a_stranger_cannot_have_an_event_signed_by_the_challenge(app, person, x, rows):
    forged = revoke()

    asked = app.test_client().get("/webhooks/x", query_string={"crc_token": forged.decode()})

    assert asked.status_code == 400
    assert "sha256" not in asked.text
    assert person.is_signed_in()


# An event


@on_both_stores
def test_a_revocation_at_x_signs_the_person_out(app, person, x, rows, twitter):
    answer = x()

    assert (answer.status_code, answer.data) == (200, b"")
    assert not person.is_signed_in()
    [grant], [session] = rows(Grant), rows(Session)
    assert (grant["end_reason"], session["end_reason"]) == ("refused", "refused")
    # Its tokens are dead at X; the person's rows stay.
    assert rows(Revocation) == []
    assert len(rows(User)) == 1
    assert twitter.calls_to(REVOKE_PATH) == []
    assert len(refreshes(twitter)) == 1


def test_the_newer_signature_is_believed_too(person, x):
    body = revoke()
    by_client_secret = {BY_CLIENT_SECRET: signed(body, "a-secret-nest-among-the-leaves")}

    assert x(body, secret=None, **by_client_secret).status_code == 200
    assert not person.is_signed_in()


@pytest.mark.parametrize("secret", [None, "another-secret", "", "AAAA%2Fbearer"])
def test_an_event_that_x_did_not_sign_does_nothing(person, x, rows, twitter, result, secret):
    answer = x(secret=secret)

    assert answer.status_code == 403
    assert rows(RevocationEvent) == []
    assert refreshes(twitter) == []
    assert person.is_signed_in()
    assert result("forged") == 1


def test_nothing_unsigned_is_parsed(app, person, x, monkeypatch):
    def parse(body):
        raise AssertionError("parsed")

    monkeypatch.setattr("app.auth.webhooks.revoked_in", parse)

    assert x(secret="another-secret").status_code == 403
    assert x(b"a=b&c=d", secret="another").status_code == 403


def test_an_event_of_ten_megabytes_is_refused_before_it_is_read(app):
    body = io.BytesIO(b" " * 10_000_000)
    came = {"CONTENT_LENGTH": "10000000", "wsgi.input": body}

    answer = app.test_client().post("/webhooks/x", environ_overrides=came)

    assert (answer.status_code, answer.mimetype, body.tell()) == (413, "text/plain", 0)


def test_an_endless_event_is_read_to_its_bound_only(app):
    """In chunks, without a length: no signature fits a body that was cut off."""
    body = io.BytesIO(b" " * 10_000_000)
    environ = EnvironBuilder("/webhooks/x", PUBLIC_URL, method="POST").get_environ()
    environ |= {"wsgi.input": body, "wsgi.input_terminated": True}
    environ.pop("CONTENT_LENGTH", None)

    _, status, _ = run_wsgi_app(app, environ)

    assert status.startswith("403")
    assert body.tell() < 100_000


@pytest.mark.parametrize("body", [b"", b"[]", b"{" * 60_000, event(event_uuid=None)])
def test_what_x_signed_and_cannot_be_read_gets_400(x, rows, body):
    assert x(body).status_code == 400
    assert rows(RevocationEvent) == []


def test_events_of_other_types_and_of_strangers_are_received_and_dropped(x, person, rows, result):
    answers = [x(revoke(event_type="post.create")), x(revoke("4711")), x(revoke("0"))]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert rows(RevocationEvent) == []
    assert (result("other_event"), result("no_grant")) == (1, 2)
    assert person.is_signed_in()


@on_both_stores
def test_an_event_that_comes_twice_is_done_once(person, x, rows, twitter, kind_twitter, result):
    kind_twitter.replace("POST", TOKEN_PATH, json=token_answer(access_token="another"))
    body = revoke()

    answers = [x(body), x(body), x(body)]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert len(rows(RevocationEvent)) == 1
    assert len(refreshes(twitter)) == 1
    assert (result("stored"), result("repeated"), result("still_valid")) == (1, 2, 1)


def test_another_apps_event_is_harmless(person, x, twitter, kind_twitter):
    """`app_id` cannot be compared: X tells no app its own. A grant that lives stays."""
    kind_twitter.replace("POST", TOKEN_PATH, json=token_answer(access_token="another"))
    payload = {"user_id": "1001", "app_id": "1"}

    assert x(event(payload=payload)).status_code == 200
    assert person.is_signed_in()


def test_an_event_about_a_replaced_grant_ends_nothing(person, x, kind_twitter, rows):
    """A hint only: the newer grant is tried, and X accepts it."""
    kind_twitter.replace("POST", TOKEN_PATH, json=token_answer(access_token="another"))

    x(revoke(ago=2))

    assert person.is_signed_in()
    [grant] = rows(Grant)
    assert grant["generation"] == 1


def test_a_grant_that_is_newer_than_the_event_is_not_tried(person, x, twitter, result):
    x(revoke(ago=400))  # out of order: the sign-in came in between

    assert refreshes(twitter) == []
    assert result("newer_grant") == 1
    assert person.is_signed_in()


@pytest.mark.parametrize("ago", [240, -240])
def test_clocks_may_differ_by_minutes(person, x, twitter, ago):
    x(revoke(ago=ago))

    assert not person.is_signed_in()


def test_an_event_after_our_own_revocation_does_nothing(signed_in, x, twitter, rows):
    signed_in.press_log_out()

    assert x().status_code == 200
    assert rows(RevocationEvent) == []
    assert refreshes(twitter) == []


@pytest.mark.parametrize(
    "trouble",
    [
        {"status": 500},
        {"status": 429, "json": {}},
        {"json": {"error": "invalid_client"}, "status": 401},
        {"body": "<html>", "status": 403},
        {"body": requests.ConnectionError("away")},
    ],
)
def test_only_a_definite_refusal_ends_the_grant(signed_in, x, kind_twitter, rows, trouble):
    kind_twitter.replace("POST", TOKEN_PATH, **trouble)

    assert x().status_code == 200

    assert signed_in.is_signed_in()
    [stored] = rows(RevocationEvent)
    assert stored["attempts"] == 1
    assert stored["due_at"] is not None


def test_a_grant_without_a_refresh_token_is_left_to_its_next_read(client, twitter, x, kind_twitter):
    kind_twitter.replace("POST", TOKEN_PATH, json=token_answer(refresh_token=None))
    client.sign_in()

    x()

    assert refreshes(twitter) == []
    assert client.is_signed_in()


def test_x_is_answered_while_twitter_hangs(app, signed_in, monkeypatch):
    def hang(*args, **kwargs):
        time.sleep(2)
        raise AssertionError("given up")

    monkeypatch.setattr(Transport, "send", hang)
    body = revoke()
    began = time.monotonic()

    answer = app.test_client().post(
        "/webhooks/x", data=body, headers={SIGNATURE: signed(body, CONSUMER_SECRET)}
    )

    assert answer.status_code == 200
    assert time.monotonic() - began < 1


def test_without_a_database_x_is_not_told_that_all_is_well(app, x, monkeypatch):
    def away(event):
        raise OperationalError("INSERT", {}, Exception("away"))

    monkeypatch.setattr(app.extensions["perch"].revocation_events, "store", away)

    answer = x()

    assert (answer.status_code, answer.mimetype) == (503, "text/plain")
    assert "Set-Cookie" not in answer.headers


def test_the_event_is_committed_before_any_call(app, person, x, rows, monkeypatch):
    seen = []
    checks = app.extensions["perch"].revocation_checks
    monkeypatch.setattr(checks, "check_soon", lambda _: seen.append(rows(RevocationEvent)))

    x()

    assert [len(stored) for stored in seen] == [1]


# The door


@pytest.mark.parametrize("ask", ["get", "post"])
def test_without_its_secrets_there_is_no_webhook(build_app, ask):
    answer = getattr(build_app().test_client(), ask)("/webhooks/x?crc_token=a")

    assert (answer.status_code, answer.mimetype) == (404, "text/plain")


def test_x_needs_no_form_and_gets_no_session(person, x):
    answer = x(Origin="https://elsewhere.example")

    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers


def test_the_webhook_is_limited(build_app):
    client = build_app(**WEBHOOK, RATELIMIT_ENABLED="on").test_client()

    challenges = [client.get("/webhooks/x").status_code for _ in range(61)]
    events = [client.post("/webhooks/x").status_code for _ in range(601)]
    refused = client.post("/webhooks/x")

    assert challenges == [400] * 60 + [429]
    assert events == [403] * 600 + [429]
    assert (refused.status_code, refused.mimetype) == (429, "text/plain")
    assert int(refused.headers["Retry-After"]) > 0


def test_no_answer_is_a_page(app):
    client = app.test_client()
    answers = [client.get("/webhooks/x"), client.post("/webhooks/x")]

    assert [answer.mimetype for answer in answers] == ["text/plain"] * 2


# What is kept


def test_an_export_has_the_events_and_a_disconnect_takes_them_along(signed_in, x, app, rows):
    x(revoke(ago=400))

    exported = signed_in.get("/account/export").json["revocation_events"]
    signed_in.press("/account/disconnect", sure="yes")

    assert [each["event_uuid"] for each in exported] == ["5934540941047412905"]
    assert rows(RevocationEvent) == []


@on_both_stores
def test_old_events_are_pruned(app, signed_in, x, rows):
    x(revoke(ago=400, event_uuid="1"))
    x(revoke(ago=400, event_uuid="2"))
    week = 7 * 24 * 3600
    with app.extensions["perch"].database.writing() as connection:
        one = update(RevocationEvent).where(RevocationEvent.event_uuid == "1")
        connection.execute(one.values(received_at=STORE_CLOCK - week - 5))

    app.test_cli_runner().invoke(args=["prune"])

    assert [each["event_uuid"] for each in rows(RevocationEvent)] == ["2"]


# The fallback


@on_both_stores
def test_deliver_checks_what_a_dead_worker_left(app, person, x, rows, monkeypatch):
    monkeypatch.setattr(app.extensions["perch"].revocation_checks, "check_soon", lambda _: None)
    x()
    still = person.is_signed_in()

    result = app.test_cli_runner().invoke(args=["revocations", "deliver"])

    assert still
    assert "Checked 1 revocations that X reported." in result.output
    assert not person.is_signed_in()


def test_deliver_stops_when_twitter_is_away(app, signed_in, x, kind_twitter):
    kind_twitter.replace("POST", TOKEN_PATH, status=500)
    x()
    with app.extensions["perch"].database.writing() as connection:
        connection.execute(update(RevocationEvent).values(due_at=0))

    result = app.test_cli_runner().invoke(args=["revocations", "deliver"])

    assert result.exit_code == 0
    assert "Checked" not in result.output


def test_an_event_of_a_person_who_has_just_gone_is_dropped(app, signed_in, x, monkeypatch):
    here = app.extensions["perch"]
    body = revoke()
    monkeypatch.setattr(here.revocation_checks, "check_soon", lambda _: None)
    x(body)
    with here.database.writing() as connection:
        connection.execute(delete(User))

    assert not here.revocation_checks.check_next()
