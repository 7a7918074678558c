"""What is recorded of a sign-in and of an account, and what is not."""

import ast
import contextlib
import json
import logging
import re
from dataclasses import replace
from pathlib import Path

import pytest

from app import rate_limits
from app.accounts.errors import GrantEnded
from app.accounts.grants import EndReason
from app.accounts.models import Grant
from app.events import FIELDS, Event, Events, known_as
from app.twitter.budget import Budget
from app.twitter.errors import PermissionMissing
from tests.factories import API_URL, LIVE_SCOPES, ME_URL, TOKEN_URL, token_answer, user_answer

ROOT = Path(__file__).parent.parent.parent
OBSERVING = ROOT / "docs" / "observing.md"
EVERY_CALL = [
    (path.relative_to(ROOT).as_posix(), node)
    for path in sorted((ROOT / "app").rglob("*.py"))
    for node in ast.walk(ast.parse(path.read_text()))
    if isinstance(node, ast.Call)
    and (getattr(node.func, "attr", "") or getattr(node.func, "id", "")) == "record"
]


class Recorded(logging.Handler):
    """Collects what `app.events` hands to the log: a name and fields for each event."""

    def __init__(self):
        super().__init__()
        self.events = []

    def emit(self, record):
        self.events.append(dict(record.msg))

    def names(self):
        return [event["event"] for event in self.events]

    def one(self, name):
        (found,) = [event for event in self.events if event["event"] == name]
        return {key: value for key, value in found.items() if key != "event"}


@pytest.fixture
def recorded():
    handler = Recorded()
    logger = logging.getLogger("app.events")
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)


# The story of a sign-in


def test_a_sign_in_is_two_events(client, kind_twitter, rows, recorded):
    client.sign_in()

    (grant,) = rows(Grant)
    assert recorded.names() == ["sign_in.started", "sign_in.completed"]
    assert "tweet.read" in recorded.one("sign_in.started")["scopes"]
    assert recorded.one("sign_in.completed") == {"grant": known_as(grant["id"]), "twin": False}


def test_a_double_click_is_told_apart(client, kind_twitter, recorded):
    started = client.press_sign_in()
    flow = next(c for c in client._cookies.values() if c.key.startswith("flow-"))
    client.come_back(state=started.state, code="c")
    client.set_cookie(flow.key, flow.value, domain="127.0.0.1")
    client.come_back(state=started.state, code="c")

    twins = [event["twin"] for event in recorded.events if event["event"] == "sign_in.completed"]
    assert twins == [False, True]


def test_a_no_is_recorded_as_one(client, recorded):
    client.come_back(state=client.press_sign_in().state, error="access_denied")

    assert recorded.names() == ["sign_in.started", "sign_in.denied"]


def test_a_stranger_at_the_callback_is_refused(client, recorded):
    client.come_back(state="never-sent", code="c")

    said = recorded.one("sign_in.refused")
    assert (said["why"], said["whose"]) == ("NotOurs", "you")


@pytest.mark.parametrize(
    "status, answer, why, whose",
    [
        (401, {"error": "invalid_client"}, "ClientRefused", "us"),
        (503, {}, "Unreachable", "twitter"),
        (400, {"error": "invalid_grant"}, "GrantRefused", "you"),
    ],
)
def test_a_refusal_says_why_and_whose_matter_it_is(
    client, twitter, recorded, status, answer, why, whose
):
    twitter.post(TOKEN_URL, status=status, json=answer)

    client.sign_in()

    said = recorded.one("sign_in.refused")
    assert (said["why"], said["whose"]) == (why, whose)


def test_a_bug_is_refused_without_its_words(app, client, recorded, monkeypatch):
    started = client.press_sign_in()

    def broken(*_, **__):
        raise RuntimeError(f"cannot cope with {started.state}")

    monkeypatch.setattr("app.auth.round_trip.code_of", broken)
    client.come_back(state=started.state, code="c")

    assert recorded.one("sign_in.refused") == {"why": "Exception", "whose": "us", "said": ""}


def test_a_sign_in_that_is_still_under_way_is_not_refused(client, monkeypatch, recorded):
    monkeypatch.setattr("app.auth.round_trip.TWIN_WAITS_SECONDS", 0)
    started = client.press_sign_in()
    flow = next(c for c in client._cookies.values() if c.key.startswith("flow-"))
    services = client.application.extensions["perch"]
    services.claims.claim(started.state, "c", now=services.now())
    client.set_cookie(flow.key, flow.value, domain="127.0.0.1")

    assert client.come_back(state=started.state, code="c").status_code == 202
    assert recorded.names() == ["sign_in.started"]


def test_what_breaks_elsewhere_is_no_sign_in(client, recorded):
    client.get("/nowhere")
    client.head("/auth/callback")

    assert recorded.events == []


# Leaving


def test_a_logout_is_recorded_and_so_are_its_revocations(client, kind_twitter, rows, recorded):
    client.sign_in()
    (grant,) = rows(Grant)
    client.press_log_out()
    client.application.extensions["perch"].outbox.wait(seconds=5)

    assert recorded.one("logged_out") == {"grant": known_as(grant["id"])}
    revoked = [event for event in recorded.events if event["event"] == "token.revoked"]
    assert {event["kind"] for event in revoked} == {"access_token", "refresh_token"}
    assert [len(event["row"]) for event in revoked] == [12, 12]
    assert "browser.ended" not in recorded.names()


def test_a_newer_sign_in_replaces_the_older_one(client, kind_twitter, rows, recorded):
    client.sign_in()
    (older,) = rows(Grant)
    client.sign_in()

    ended = recorded.one("browser.ended")
    assert ended == {"grant": known_as(older["id"]), "because": "replaced"}


def test_a_browser_that_is_logged_out_from_another_has_ended(app, kind_twitter, rows, recorded):
    here, there = app.test_client(), app.test_client()
    there.sign_in()
    (grant,) = rows(Grant)
    here.sign_in()
    token = here.csrf_token("/account")

    here.post(f"/account/browsers/{grant['id']}/end", data={"csrf_token": token})

    ended = recorded.one("browser.ended")
    assert ended == {"grant": known_as(grant["id"]), "because": "logged_out"}
    assert "logged_out" not in recorded.names()


def test_old_age_ends_a_browser(client, kind_twitter, clock, recorded):
    client.sign_in()
    clock.advance(days=31)
    client.get("/account")

    assert recorded.one("browser.ended")["because"] == "expired"


def test_leaving_for_good_is_recorded(client, kind_twitter, recorded):
    client.sign_in()
    data = {"csrf_token": client.csrf_token("/account/disconnect"), "sure": "yes"}
    client.post("/account/disconnect", data=data)

    assert recorded.one("disconnected") == {"grants": 1}


# Tokens


def refresh(client, grant_id, clock):
    clock.advance(hours=1, minutes=59)
    with contextlib.suppress(GrantEnded):
        client.application.extensions["perch"].freshness.usable_token(grant_id, budget=Budget())


@pytest.mark.parametrize(
    "status, answer, name, more",
    [
        (200, token_answer(access_token="a", refresh_token="b"), "token.refreshed", {}),
        (400, {"error": "invalid_grant"}, "token.refused", {}),
        (503, {}, "token.not_refreshed", {"why": "Unreachable"}),
    ],
)
def test_a_refresh_is_recorded_however_it_goes(
    client, twitter, clock, rows, recorded, status, answer, name, more
):
    twitter.post(TOKEN_URL, json=token_answer())
    twitter.get(ME_URL, json=user_answer())
    client.sign_in()
    twitter.remove("POST", TOKEN_URL)
    twitter.post(TOKEN_URL, status=status, json=answer)

    (grant,) = rows(Grant)
    refresh(client, grant["id"], clock)

    assert recorded.one(name) == {"grant": known_as(grant["id"]), **more}


# Follows


@pytest.fixture
def person(client, twitter, rows):
    """Somebody who has allowed us to follow for them, and whoever else Twitter asks for."""
    twitter.post(TOKEN_URL, json=token_answer(scope=f"{LIVE_SCOPES} follows.write"))
    twitter.get(ME_URL, json=user_answer())
    client.sign_in()
    (grant,) = rows(Grant)
    return client.application.extensions["perch"].people.find(grant["id"])


FOLLOWING_URL = f"{API_URL}/users/1001/following"


@pytest.mark.parametrize("following", [True, False])
def test_a_follow_is_recorded_without_saying_whom(client, twitter, person, recorded, following):
    answer = {"data": {"following": following, "pending_follow": not following}}
    twitter.post(FOLLOWING_URL, json=answer)

    follows = client.application.extensions["perch"].follows
    follows.follow(person, "2244994945", budget=Budget())

    assert recorded.one("followed") == {"grant": known_as(person.grant_id), "done": following}


def test_an_unfollow_is_recorded(client, twitter, person, recorded):
    twitter.delete(f"{FOLLOWING_URL}/2244994945", json={"data": {"following": False}})

    follows = client.application.extensions["perch"].follows
    follows.unfollow(person, "2244994945", budget=Budget())

    assert recorded.one("unfollowed") == {"grant": known_as(person.grant_id), "done": True}


def test_a_follow_with_a_refused_token_is_tried_with_another(client, twitter, person, recorded):
    twitter.post(FOLLOWING_URL, status=401, json={})
    twitter.post(FOLLOWING_URL, json={"data": {"following": True, "pending_follow": False}})

    follows = client.application.extensions["perch"].follows
    follows.follow(person, "2244994945", budget=Budget())

    assert recorded.names()[-2:] == ["token.refreshed", "followed"]


def test_a_follow_that_was_never_allowed_did_not_happen(client, person, recorded):
    lacking = replace(person, scopes=frozenset({"tweet.read"}))
    follows = client.application.extensions["perch"].follows

    with pytest.raises(PermissionMissing):
        follows.follow(lacking, "2244994945", budget=Budget())

    assert "followed" not in recorded.names()


# At the door


def test_a_form_without_its_token_is_recorded(client, recorded):
    client.post("/auth/login")

    said = recorded.one("csrf.refused")
    assert said == {"endpoint": "auth.login", "why": "The CSRF token is missing."}


def test_too_many_tries_are_recorded(build_app, monkeypatch, recorded):
    monkeypatch.setitem(rate_limits.LIMITS, "auth.callback", "1 per minute")
    client = build_app(RATELIMIT_ENABLED="on").test_client()
    client.come_back(state="s")
    client.come_back(state="s")

    assert recorded.one("rate.limited") == {"endpoint": "auth.callback", "limit": "1 per 1 minute"}


# What an event may say


def test_no_event_names_a_person_or_a_token(client, kind_twitter, rows, recorded):
    client.sign_in()
    (grant,) = rows(Grant)
    client.press_log_out()
    client.application.extensions["perch"].outbox.wait(seconds=5)

    everything = json.dumps(recorded.events)
    for private in (grant["id"], "1001", "wren", "access-token-of", "refresh-token-of", "a-code"):
        assert private not in everything.replace("refresh_token", "").replace("access_token", "")


def test_a_grant_cannot_be_told_from_its_name():
    assert known_as("a" * 32) != known_as("b" * 32)
    assert re.fullmatch(r"[0-9a-f]{12}", known_as("a" * 32))


def test_listeners_hear_what_is_recorded():
    heard = []

    Events(lambda *event: heard.append(event)).record(Event.LOGGED_OUT, grant_id="g")

    assert heard == [(Event.LOGGED_OUT, {"grant": known_as("g")})]


# The list


def test_every_event_has_its_fields():
    assert FIELDS.keys() == set(Event)


def test_every_event_is_recorded_somewhere():
    assert len(EVERY_CALL) > 10
    assert {event_of(call) for _, call in EVERY_CALL} == {event.name for event in Event}


@pytest.mark.parametrize("path, call", EVERY_CALL, ids=lambda part: getattr(part, "lineno", part))
def test_every_event_is_recorded_with_just_its_fields(path, call):
    given = {keyword.arg for keyword in call.keywords}
    given = {"grant" if name == "grant_id" else name for name in given}

    assert given == set(FIELDS[Event[event_of(call)]])


def test_every_event_is_documented_with_its_fields():
    rows = re.findall(r"^\| `([a-z_.]+)` \|([^|]*)\| \S", OBSERVING.read_text(), re.MULTILINE)
    told = {name: tuple(re.findall(r"`(\w+)`", fields)) for name, fields in rows}

    known = {event.value: fields for event, fields in FIELDS.items()}
    assert {name: told.get(name) for name in known} == known
    assert {name for name in told if "." in name} <= known.keys()


def test_reasons_for_an_end_are_documented():
    told = OBSERVING.read_text()
    elsewhere = {EndReason.REFUSED, EndReason.DISCONNECTED}  # events of their own
    for because in set(EndReason) - elsewhere:
        assert f"`{because}`" in told


def event_of(call):
    return call.args[0].attr
