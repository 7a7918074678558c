"""Log out: local, immediate, and it cannot fail; Twitter is told behind it."""

import sqlite3
from contextlib import closing

import pytest
import requests
from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from app.accounts import background_worker
from app.accounts.kept_endings import KeptEndings
from app.accounts.models import Grant, Revocation, Session
from app.storage import database
from tests.factories import PUBLIC_URL, REVOKE_PATH, token_key
from tests.stores import age_used_states, on_both_stores
from tests.waiting import until

pytestmark = pytest.mark.core


@pytest.fixture
def impatient(monkeypatch):
    """Wait for a locked database for a moment only, and try again soon."""
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)
    monkeypatch.setattr(background_worker, "PAUSE_SECONDS", 0.05)


@pytest.fixture
def lost_key(build_app, kind_twitter):
    """A signed-in browser at an app that no longer has the key of its tokens."""
    before = build_app().test_client()
    before.sign_in()
    return build_app(TOKEN_KEYS=token_key("n")).test_client().with_cookies_of(before)


@on_both_stores
def test_logging_out_ends_the_grant_and_the_session(signed_in, rows):
    with signed_in.session_transaction(base_url=PUBLIC_URL) as session:
        session["mood"] = "sunny"

    answer = signed_in.press_log_out()

    assert (answer.status_code, answer.location) == (303, "/")
    assert "access to your Twitter account has ended" in signed_in.flashed("/")[0]
    assert not signed_in.is_signed_in()
    with signed_in.session_transaction(base_url=PUBLIC_URL) as session:
        assert session.keys() <= {"csrf_token"}
    [grant], [ended] = rows(Grant), rows(Session)
    assert (grant["end_reason"], ended["end_reason"]) == ("logged_out", "logged_out")
    assert (grant["access_token"], grant["refresh_token"]) == (None, None)


def test_logging_out_revokes_both_tokens_with_their_hint(app, signed_in, kind_twitter, rows):
    signed_in.press_log_out()
    app.extensions["perch"].outbox.wait(seconds=5)

    revoked = [call.request for call in kind_twitter.calls_to(REVOKE_PATH)]
    assert {request.body for request in revoked} == {
        "token=access-token-of-wren&token_type_hint=access_token",
        "token=refresh-token-of-wren&token_type_hint=refresh_token",
    }
    assert all("Basic " in request.headers["Authorization"] for request in revoked)
    assert rows(Revocation) == []


def test_logging_out_works_while_twitter_is_down(app, signed_in, twitter, rows):
    twitter.upsert("POST", REVOKE_PATH, body=requests.ConnectionError("no route"))

    answer = signed_in.press_log_out()
    app.extensions["perch"].outbox.wait(seconds=5)

    assert answer.status_code == 303
    assert not signed_in.is_signed_in()
    waiting = rows(Revocation)
    assert [row["attempts"] for row in waiting] == [1, 1]
    assert "token-of-wren" not in str(waiting)


def test_logging_out_works_while_the_database_is_away(app, signed_in, monkeypatch):
    def away(*_args):
        raise OperationalError("SELECT", {}, Exception("gone"))

    token = signed_in.csrf_token("/account")
    services = app.extensions["perch"]
    with monkeypatch.context() as patch:
        patch.setattr(services.people, "find", away)
        patch.setattr(services.sessions, "_owner_of", away)
        answer = signed_in.post("/auth/logout", data={"csrf_token": token})

    assert (answer.status_code, answer.location) == (303, "/")
    assert "You are logged out in this browser." in signed_in.flashed("/")[0]
    assert not signed_in.is_signed_in()


def test_a_logout_is_made_up_for_once_the_database_is_no_longer_locked(
    impatient, build_app, kind_twitter, tmp_path, rows
):
    app, other_process = build_app(), build_app()
    browser = app.test_client()
    browser.sign_in()
    thief = browser.twin()
    elsewhere = other_process.test_client().with_cookies_of(browser)
    token = browser.csrf_token("/account")
    with closing(sqlite3.connect(tmp_path / "perch.db", isolation_level=None)) as locking:
        locking.execute("BEGIN IMMEDIATE")
        browser.post("/auth/logout", data={"csrf_token": token})
        told = browser.flashed("/")
        while_locked = [each.is_signed_in() for each in (browser, thief, elsewhere)]

    ended = until(lambda: rows(Session)[0]["end_reason"] == "logged_out")
    # The rows are handed to the background only once the ending is committed.
    revoked = until(lambda: len(kind_twitter.calls_to(REVOKE_PATH)) == 2)

    assert "this site keeps trying to end the session" in told[0]
    assert while_locked == [False, False, True]
    assert ended
    assert not elsewhere.is_signed_in()
    assert revoked


def test_a_sign_in_that_comes_back_after_a_logout_that_is_kept_stays(
    app, kind_twitter, monkeypatch
):
    browser = app.test_client()
    browser.sign_in()
    other_tab = browser.press_sign_in()
    kept, later = app.extensions["perch"].sessions._kept, []
    monkeypatch.setattr(kept._worker, "take", later.append)

    def away():
        raise OperationalError("BEGIN", {}, Exception("away"))

    with monkeypatch.context() as outage:
        outage.setattr(app.extensions["perch"].database, "writing", away)
        browser.press_log_out()
    browser.come_back(state=other_tab.state, code="c")
    age_used_states(app, seconds=-1)
    [end] = later
    end()

    assert browser.is_signed_in()


def test_the_end_of_a_session_is_tried_for_longer_than_a_minute(impatient, monkeypatch):
    monkeypatch.setattr(background_worker, "GIVES_UP_AFTER_SECONDS", 0.0)
    answers = iter([OperationalError("UPDATE", {}, Exception("locked"))] * 4)
    kept = KeptEndings()

    def end():
        for error in answers:
            raise error

    kept.at_once("a session", end)

    assert kept.holds("a session")
    assert until(lambda: not kept.holds("a session"))
    kept.stop()


def test_an_ending_without_a_session_is_tried_again_as_well(impatient):
    ends, kept = [], KeptEndings()

    def end():
        ends.append(1)
        if len(ends) == 1:
            raise OperationalError("UPDATE", {}, Exception("locked"))

    assert kept.at_once(None, end) is None

    assert until(lambda: len(ends) == 2)
    kept.stop()


def test_a_stolen_session_cookie_is_worthless_after_logout(app, signed_in):
    thief, other = signed_in.twin(), app.test_client()
    other.sign_in()

    signed_in.press_log_out()

    assert (thief.is_signed_in(), other.is_signed_in()) == (False, True)


def test_logging_out_twice_is_harmless(signed_in):
    signed_in.press_log_out()

    answer = signed_in.press("/auth/logout", page="/")

    assert answer.status_code == 303


@pytest.mark.parametrize("method", ["get", "head", "put"])
def test_only_a_post_logs_out(signed_in, method):
    answer = getattr(signed_in, method)("/auth/logout")

    assert answer.status_code in {400, 405}
    assert signed_in.is_signed_in()


def test_a_lost_token_key_asks_to_sign_in_again_and_logs_out(lost_key, rows, caplog):
    page = lost_key.get("/tweets")
    answer = lost_key.press_log_out()

    assert page.status_code == 401
    assert "Please sign in again" in page.text
    assert 'value="/tweets"' in page.text
    assert answer.status_code == 303
    assert not lost_key.is_signed_in()
    lost_key.application.extensions["perch"].outbox.wait(seconds=5)
    assert len(rows(Revocation)) == 2
    assert "a revocation waits for its key" in caplog.text


def test_a_revocation_outlives_a_token_key_that_is_missing_for_a_moment(
    lost_key, build_app, kind_twitter, rows
):
    lost_key.press_log_out()
    lost_key.application.extensions["perch"].outbox.wait(seconds=5)
    assert len(rows(Revocation)) == 2

    again = build_app().extensions["perch"]
    with again.database.writing() as connection:
        connection.execute(update(Revocation).values(due_at=0))
    while again.outbox.deliver_next() is not None:
        pass

    told = [call.request.body for call in kind_twitter.calls_to(REVOKE_PATH)]
    assert [len(rows(Revocation)), len(told)] == [0, 2]
