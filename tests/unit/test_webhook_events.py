"""What X delivers: challenges that get an answer, signatures that fit, events that can be read."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest

from app.twitter.errors import InvalidAnswer
from app.twitter.webhook_events import Revoked, Signatures, revoked_in

SIGNATURE = "X-Twitter-Webhooks-Signature"
BY_CLIENT_SECRET = "X-Twitter-Webhooks-Signature-OAuth2"
SIGNATURES = Signatures(consumer_secret="consumer", client_secret="client")


def signed(body, secret="consumer"):
    digest = hmac.new(secret.encode(), body, hashlib.sha256).digest()
    return "sha256=" + base64.b64encode(digest).decode()


def event(**changes):
    """The example of X's documents."""
    payload = {"date_time": "2026-07-23T21:44:05+00:00", "user_id": "1111111111111111111"}
    data = {
        "event_uuid": "5934540941047412905",
        "filter": {},
        "event_type": "oauth.revoke",
        "payload": payload | {"app_id": "29820954"} | changes.pop("payload", {}),
    }
    return json.dumps({"data": data | changes}).encode()


def test_a_challenge_is_answered_with_its_hmac():
    assert SIGNATURES.answer("challenge_string") == signed(b"challenge_string")


@pytest.mark.parametrize("body", [event(), b"{}", b'  {"data": {}}', event()[:500].ljust(500)])
def test_no_challenge_signs_an_event(body):
    assert SIGNATURES.answer(body.decode()) is None


@pytest.mark.parametrize("challenge", ["", "x" * 513])
def test_a_challenge_is_bounded(challenge):
    assert SIGNATURES.answer(challenge) is None


@pytest.mark.parametrize(
    "name, secret, fits",
    [
        (SIGNATURE, "consumer", True),
        (BY_CLIENT_SECRET, "client", True),
        (SIGNATURE, "client", False),
        (BY_CLIENT_SECRET, "consumer", False),
        (SIGNATURE, "another", False),
        ("X-Signature", "consumer", False),
    ],
)
def test_each_header_is_signed_with_its_own_secret(name, secret, fits):
    assert SIGNATURES.fit({name: signed(event(), secret)}, event()) is fits


def test_one_changed_byte_does_not_fit():
    assert not SIGNATURES.fit({SIGNATURE: signed(event())}, event() + b" ")


@pytest.mark.parametrize("value", ["", "sha256=", "café", signed(event())[7:], "sha1=abc"])
def test_a_header_that_is_no_signature_does_not_fit(value):
    assert not SIGNATURES.fit({SIGNATURE: value}, event())


def test_a_public_client_has_no_second_secret():
    public = Signatures(consumer_secret="consumer", client_secret=None)

    assert not public.fit({BY_CLIENT_SECRET: signed(event(), "")}, event())


def test_no_secret_shows_in_the_repr():
    assert repr(SIGNATURES) == "Signatures()"


def test_the_example_of_x_is_read():
    assert revoked_in(event()) == Revoked(
        event_uuid="5934540941047412905",
        twitter_id="1111111111111111111",
        at=datetime(2026, 7, 23, 21, 44, 5, tzinfo=UTC),
    )


def test_negative_numbers_are_events_too():
    assert revoked_in(event(event_uuid="-2781149976877970683")).event_uuid[0] == "-"


@pytest.mark.parametrize("when", [None, "", "yesterday", 12, "2026-13-41T00:00:00Z"])
def test_an_event_without_a_time_is_still_a_hint(when):
    assert revoked_in(event(payload={"date_time": when})).at is None


def test_events_of_other_types_are_none_of_ours():
    assert revoked_in(event(event_type="post.create")) is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"[" * 60_000,
        b"[]",
        b"null",
        b'{"data": []}',
        b'{"data": {}}',
        event(event_uuid=None),
        event(event_uuid=5),
        event(event_uuid="x" * 65),
        event(event_uuid="' OR 1=1"),
        event(event_type=["oauth.revoke"]),
        event(event_type=None),
        event(payload={"user_id": 1001}),
        event(payload={"user_id": "1" * 20}),
        event(payload={"user_id": "../1"}),
    ],
)
def test_what_is_no_event_is_refused(body):
    with pytest.raises(InvalidAnswer):
        revoked_in(body)
