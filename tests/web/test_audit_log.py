"""The audit log: the events of a sign-in and of an account, their fields, and no names."""

import ast
import contextlib
import json
import logging
import re
from dataclasses import replace
from pathlib import Path

import pytest

from app.accounts.errors import GrantEnded
from app.accounts.grants import EndReason
from app.accounts.models import Grant, Session
from app.gateway.actions import FOLLOW, UNFOLLOW, PendingAction
from app.observability.audit_log import FIELDS, AuditLog, Event, known_as
from app.twitter.errors import PermissionMissing
from app.twitter.transport.deadline import Deadline
from app.web import rate_limits
from tests.factories import LIVE_SCOPES, ME_PATH, TOKEN_PATH, token_answer, user_answer
from tests.tree import files

ROOT = Path(__file__).parent.parent.parent
OBSERVING = ROOT / "docs" / "observing.md"
EVERY_CALL = [
    (path.relative_to(ROOT).as_posix(), node)
    for path in files(ROOT / "app", "*.py")
    for node in ast.walk(ast.parse(path.read_text()))
    if isinstance(node, ast.Call)
    and (getattr(node.func, "attr", "") or getattr(node.func, "id", "")) == "record"
]
# Instead of an id an event carries a hash of it.
NAMED_AFTER = {"grant_id": "grant", "session_id": "browser"}


class Recorded(logging.Handler):
    """Collects what the audit log hands to the log: a name and fields for each event."""

    def __init__(self):
        super().__init__()
        self.events = []

    def emit(self, record):
        self.events.append(dict(record.audited))

    def names(self):
        return [event["event"] for event in self.events]

    def one(self, name):
        (found,) = [event for event in self.events if event["event"] == name]
        return {key: value for key, value in found.items() if key != "event"}


@pytest.fixture
def recorded():
    handler = Recorded()
    logger = logging.getLogger("app.observability.audit_log")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


# The story of a sign-in


def test_a_sign_in_is_two_events(client, kind_twitter, rows, recorded):
    client.sign_in()

    (session,) = rows(Session)
    assert recorded.names() == ["sign_in.started", "sign_in.completed"]
    assert recorded.one("sign_in.started") == {"scopes": LIVE_SCOPES}
    assert recorded.one("sign_in.completed") == {
        "browser": known_as(session["id"]),
        "duplicate": False,
    }


def test_a_double_click_is_told_apart(client, kind_twitter, recorded):
    started = client.press_sign_in()
    twin = client.twin()
    for browser in (client, twin):
        browser.come_back(state=started.state, code="c")

    completed = [event for event in recorded.events if event["event"] == "sign_in.completed"]
    assert [event["duplicate"] for event in completed] == [False, True]
    assert len({event["browser"] for event in completed}) == 1


def test_a_denial_is_recorded_as_one(client, recorded):
    client.come_back(state=client.press_sign_in().state, error="access_denied")

    assert recorded.names() == ["sign_in.started", "sign_in.denied"]


def test_a_stranger_at_the_callback_is_refused(client, recorded):
    client.get("/")
    client.come_back(state="never-sent", code="c")

    said = recorded.one("sign_in.refused")
    assert (said["error"], said["fault"]) == ("NotOurs", "you")


def test_a_browser_without_any_cookie_of_ours_is_told_apart(client, recorded):
    client.come_back(state="of-another-browser", code="c")

    said = recorded.one("sign_in.refused")
    assert (said["error"], said["fault"]) == ("NoCookie", "you")


def test_a_refusal_has_its_error_and_whose_fault_it_is(client, twitter, recorded):
    twitter.post(TOKEN_PATH, status=401, json={"error": "invalid_client"})
    twitter.post(TOKEN_PATH, status=503)
    twitter.post(TOKEN_PATH, status=400, json={"error": "invalid_grant"})

    for _ in range(3):
        client.sign_in()

    refusals = [event for event in recorded.events if event["event"] == "sign_in.refused"]
    assert [(said["error"], said["fault"]) for said in refusals] == [
        ("ClientRefused", "us"),
        ("Unreachable", "twitter"),
        ("GrantRefused", "you"),
    ]


def test_a_bug_is_refused_without_its_words(client, recorded, monkeypatch):
    started = client.press_sign_in()

    def broken(*_, **__):
        raise RuntimeError(f"cannot cope with {started.state}")

    monkeypatch.setattr("app.auth.callback_rules.code_of", broken)
    client.come_back(state=started.state, code="c")

    assert recorded.one("sign_in.refused") == {"error": "Exception", "fault": "us", "detail": ""}


def test_a_sign_in_that_is_still_under_way_is_not_refused(client, monkeypatch, recorded):
    monkeypatch.setattr("app.auth.callback_rules.DUPLICATE_WAITS_SECONDS", 0)
    started = client.press_sign_in()
    client.application.extensions["perch"].used_states.consume(started.state, "c")

    assert client.come_back(state=started.state, code="c").status_code == 202
    assert recorded.names() == ["sign_in.started"]


def test_a_sign_in_that_another_superseded_is_not_refused(client, twitter, recorded):
    twitter.post(TOKEN_PATH, json=token_answer())
    twitter.get(ME_PATH, status=401, json={})

    assert client.sign_in().status_code == 202
    assert recorded.names() == ["sign_in.started"]


def test_an_error_elsewhere_is_no_sign_in(client, recorded):
    client.get("/nowhere")
    client.head("/auth/callback")

    assert recorded.events == []


# Endings


def test_a_logout_is_recorded_and_so_are_its_revocations(client, kind_twitter, rows, recorded):
    client.sign_in()
    (session,) = rows(Session)
    client.press_log_out()
    client.application.extensions["perch"].outbox.wait(seconds=5)

    browser = known_as(session["id"])
    assert recorded.one("logged_out") == {"browser": browser, "grant_ended": True}
    revoked = [event for event in recorded.events if event["event"] == "token.revoked"]
    assert {event["kind"] for event in revoked} == {"access_token", "refresh_token"}
    assert [len(event["row"]) for event in revoked] == [12, 12]
    assert "session.ended" not in recorded.names()


def test_a_newer_sign_in_replaces_the_older_one(client, kind_twitter, rows, recorded):
    client.sign_in()
    (older,) = rows(Session)
    client.sign_in()

    ended = recorded.one("session.ended")
    assert ended == {"browser": known_as(older["id"]), "reason": "replaced"}


@pytest.mark.parametrize("button", ["end", "end-others"])
def test_a_session_that_is_ended_from_another_browser_is_recorded(
    app, kind_twitter, rows, recorded, button
):
    here, there = app.test_client(), app.test_client()
    there.sign_in()
    (session,) = rows(Session)
    here.sign_in()

    here.press(f"/account/browsers/{button}", session_id=session["id"])

    ended = recorded.one("session.ended")
    assert ended == {"browser": known_as(session["id"]), "reason": "logged_out"}
    assert "logged_out" not in recorded.names()


def test_a_session_expires(client, kind_twitter, clock, recorded):
    client.sign_in()
    clock.advance(days=31)
    client.get("/account")

    assert recorded.one("session.ended")["reason"] == "expired"


def test_disconnecting_is_recorded(client, kind_twitter, recorded):
    client.sign_in()
    client.press("/account/disconnect", sure="yes")

    assert recorded.one("disconnected") == {"sessions": 1}


# Tokens


def refresh(client, grant_id, clock):
    clock.advance(hours=1, minutes=59)
    with contextlib.suppress(GrantEnded):
        client.application.extensions["perch"].tokens.valid_token(grant_id, deadline=Deadline())


@pytest.mark.parametrize(
    "status, answer, name, more, ended",
    [
        (200, token_answer(access_token="a", refresh_token="b"), "token.refreshed", {}, []),
        (400, {"error": "invalid_grant"}, "token.refresh_rejected", {}, ["refused"]),
        (503, {}, "token.refresh_failed", {"error": "Unreachable"}, []),
    ],
)
def test_a_refresh_is_recorded_however_it_goes(
    client, twitter, clock, rows, recorded, status, answer, name, more, ended
):
    twitter.post(TOKEN_PATH, json=token_answer())
    twitter.post(TOKEN_PATH, status=status, json=answer)
    twitter.get(ME_PATH, json=user_answer())
    client.sign_in()

    (grant,) = rows(Grant)
    refresh(client, grant["id"], clock)

    ends = [event for event in recorded.events if event["event"] == "session.ended"]
    assert recorded.one(name) == {"grant": known_as(grant["id"]), **more}
    assert [event["reason"] for event in ends] == ended


# Follows


FOLLOWING = "/users/1001/following"
ROBIN = "1002"


@pytest.fixture
def perform(client):
    """Perform an action on Robin."""
    actions = client.application.extensions["perch"].actions

    def perform(action, person):
        pending = PendingAction(action=action, target_id=ROBIN)
        return actions.perform(pending, person, deadline=Deadline())

    return perform


@pytest.fixture
def person(client, twitter, rows):
    """A person who has allowed us to follow for them."""
    twitter.post(TOKEN_PATH, json=token_answer(scope=f"{LIVE_SCOPES} follows.write"))
    twitter.get(ME_PATH, json=user_answer())
    client.sign_in()
    (session,) = rows(Session)
    return client.application.extensions["perch"].people.find(session["id"])


def test_follows_are_recorded_without_the_target(perform, twitter, person, recorded):
    twitter.post(FOLLOWING, json={"data": {"following": True, "pending_follow": False}})
    twitter.post(FOLLOWING, json={"data": {"following": False, "pending_follow": True}})
    twitter.delete(f"{FOLLOWING}/{ROBIN}", json={"data": {"following": False}})

    perform(FOLLOW, person)
    perform(FOLLOW, person)
    perform(UNFOLLOW, person)

    browser = known_as(person.session_id)
    assert recorded.events[-3:] == [
        {"event": "action.performed", "browser": browser, "action": action, "result": result}
        for action, result in [("follow", "done"), ("follow", "requested"), ("unfollow", "done")]
    ]


def test_a_follow_with_a_refused_token_is_tried_with_another(perform, twitter, person, recorded):
    twitter.post(FOLLOWING, status=401, json={})
    twitter.post(FOLLOWING, json={"data": {"following": True, "pending_follow": False}})

    perform(FOLLOW, person)

    assert recorded.names()[-2:] == ["token.refreshed", "action.performed"]


def test_a_follow_that_was_never_allowed_did_not_happen(perform, person, recorded):
    lacking = replace(person, scopes=frozenset({"tweet.read"}))

    result = perform(FOLLOW, lacking)

    assert isinstance(result, PermissionMissing)
    assert "action.performed" not in recorded.names()


# Refused requests


def test_a_form_without_its_token_is_recorded(client, recorded):
    client.post("/auth/login")

    said = recorded.one("csrf.refused")
    assert said == {"endpoint": "auth.login", "error": "The CSRF token is missing."}


def test_too_many_tries_are_recorded(build_app, monkeypatch, recorded):
    monkeypatch.setitem(rate_limits.LIMITS, "auth.callback", "1 per minute")
    client = build_app(RATELIMIT_ENABLED="on").test_client()
    client.come_back(state="s")
    client.come_back(state="s")

    assert recorded.one("rate.limited") == {"endpoint": "auth.callback", "limit": "1 per 1 minute"}


# No names


def test_no_event_names_a_person_or_a_token(client, kind_twitter, rows, recorded):
    client.sign_in()
    (session,) = rows(Session)
    client.press_log_out()
    client.application.extensions["perch"].outbox.wait(seconds=5)

    everything = json.dumps(recorded.events)
    for private in (session["id"], "1001", "wren", "access-token-of", "refresh-token-of", "a-code"):
        assert private not in everything.replace("refresh_token", "").replace("access_token", "")


def test_rows_are_shown_by_a_short_hash():
    assert known_as("a" * 32) != known_as("b" * 32)
    assert re.fullmatch(r"[0-9a-f]{12}", known_as("a" * 32))


def test_listeners_get_each_event():
    heard = []

    AuditLog(lambda *event: heard.append(event)).record(Event.TOKEN_REFRESHED, grant_id="g")
    AuditLog(lambda *event: heard.append(event)).record(Event.LOGGED_OUT, session_id="s")

    assert heard == [
        (Event.TOKEN_REFRESHED, {"grant": known_as("g")}),
        (Event.LOGGED_OUT, {"browser": known_as("s")}),
    ]


# The list


def test_every_event_has_its_fields():
    assert FIELDS.keys() == set(Event)


def test_every_event_is_recorded_somewhere():
    assert len(EVERY_CALL) > 10
    assert {event_of(call) for _, call in EVERY_CALL} == {event.name for event in Event}


def test_every_event_is_recorded_with_just_its_fields():
    wrong = [
        (path, call.lineno)
        for path, call in EVERY_CALL
        if {NAMED_AFTER.get(keyword.arg, keyword.arg) for keyword in call.keywords}
        != set(FIELDS[Event[event_of(call)]])
    ]

    assert wrong == []


def test_every_event_is_documented_with_its_fields():
    rows = re.findall(r"^\| `([a-z_.]+)` \|([^|]*)\| \S", OBSERVING.read_text(), re.MULTILINE)
    told = {name: tuple(re.findall(r"`(\w+)`", fields)) for name, fields in rows}

    known = {event.value: fields for event, fields in FIELDS.items()}
    assert {name: told.get(name) for name in known} == known
    assert {name for name in told if "." in name} <= known.keys()


def test_reasons_for_an_end_are_documented():
    told = OBSERVING.read_text()
    elsewhere = {EndReason.DISCONNECTED}  # an event of its own
    assert [each for each in set(EndReason) - elsewhere if f"`{each}`" not in told] == []


def event_of(call):
    return call.args[0].attr
