"""The account page: end one session, end all others, export, disconnect."""

import json
import re
from datetime import timedelta

import pytest

from app.accounts.models import Grant, Revocation, Session, UsedState, User
from tests.factories import ME_PATH, REVOKE_PATH, TOKEN_PATH, user_answer
from tests.stores import on_both_stores

pytestmark = pytest.mark.core

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"
)


@pytest.fixture
def laptop(app, kind_twitter):
    return signed_in_with(FIREFOX, app)


@pytest.fixture
def phone(app, kind_twitter):
    return signed_in_with(SAFARI, app)


def signed_in_with(user_agent, app):
    browser = app.test_client()
    browser.environ_base = browser.environ_base | {"HTTP_USER_AGENT": user_agent}
    browser.sign_in()
    return browser


def session_in(rows, browser):
    [session] = [row for row in rows(Session) if row["browser"] == browser]
    return session["id"]


def test_each_browser_is_listed_in_words_and_this_one_is_marked(laptop, phone):
    page = laptop.get("/account").text

    assert "Firefox on Linux <b>(this browser)</b>" in page
    assert "Safari on iPhone</span>" in page


def test_one_other_browser_can_be_logged_out(laptop, phone, rows):
    theirs = session_in(rows, "Safari on iPhone")

    answer = laptop.press("/account/browsers/end", session_id=theirs)

    assert (answer.status_code, answer.location) == (303, "/account")
    assert not phone.is_signed_in()
    assert laptop.is_signed_in()


def test_a_stranger_cannot_log_out_my_browser(app, laptop, rows, twitter):
    stranger = app.test_client()
    twitter.upsert("GET", ME_PATH, json=user_answer(id="2002", username="cuckoo"))
    stranger.sign_in()
    mine = session_in(rows, "Firefox on Linux")

    answer = stranger.press("/account/browsers/end", session_id=mine)

    assert answer.status_code == 303
    assert laptop.is_signed_in()


def test_ending_this_browser_is_logging_out(laptop, rows):
    mine = session_in(rows, "Firefox on Linux")

    answer = laptop.press("/account/browsers/end", session_id=mine)

    assert answer.location == "/"
    assert "access to your Twitter account has ended" in laptop.flashed("/")[0]
    assert not laptop.is_signed_in()


@on_both_stores
@pytest.mark.parametrize("odd", ["", "\0", "é" * 32, "0" * 33])
def test_an_id_that_is_none_logs_nobody_out(signed_in, odd):
    answer = signed_in.press("/account/browsers/end", session_id=odd)

    assert (answer.status_code, signed_in.is_signed_in()) == (303, True)


def test_no_address_on_a_page_holds_the_id_of_a_session_or_grant(laptop, phone, rows):
    """Proxies log addresses."""
    page = laptop.get("/account").text
    addresses = re.findall(r'(?:action|href|src|data-hx-\w+)="([^"]+)"', page)

    assert "/account/browsers/end" in addresses
    for row in (*rows(Session), *rows(Grant)):
        assert not any(row["id"] in address for address in addresses)


def test_log_out_everywhere_else_keeps_this_browser_only(laptop, phone, rows):
    laptop.press("/account/browsers/end-others")

    assert laptop.is_signed_in()
    assert not phone.is_signed_in()
    assert [row["ended_at"] for row in rows(Grant)] == [None]


def test_ending_takes_a_form_of_ours(laptop):
    paths = ["/account/browsers/end", "/account/browsers/end-others", "/account/disconnect"]

    assert [laptop.post(path).status_code for path in paths] == [400, 400, 400]
    assert laptop.is_signed_in()


def test_signed_out_people_are_asked_to_sign_in(client):
    paths = ["/account/export", "/account/disconnect"]

    assert [client.get(path).location for path in paths] == [f"/?next={path}" for path in paths]


def test_the_copy_holds_everything_stored_and_no_token(laptop, phone):
    answer = laptop.get("/account/export")

    copy = json.loads(answer.text)
    assert copy["user"]["twitter_id"] == "1001"
    assert {session["browser"] for session in copy["sessions"]} == {
        "Firefox on Linux",
        "Safari on iPhone",
    }
    assert [grant["refresh_token"] for grant in copy["grants"]] == [True]
    parts = {User: copy["user"], Grant: copy["grants"][0], Session: copy["sessions"][0]}
    for model, part in parts.items():
        assert set(part) == set(model.__table__.c.keys())
    assert "v1." not in answer.text
    assert "token-of-wren" not in answer.text
    assert answer.headers["Content-Disposition"].startswith("attachment")


def test_the_disconnect_page_says_what_it_deletes(laptop):
    page = laptop.get("/account/disconnect")

    assert page.status_code == 200
    assert "deletes your profile and your sign-ins here" in page.text
    assert "expires within a day" in page.text


def test_disconnecting_needs_a_yes(laptop, rows):
    page = laptop.press("/account/disconnect")

    assert page.status_code == 400
    assert "Nothing was deleted" in page.text
    assert len(rows(User)) == 1


@on_both_stores
def test_disconnecting_deletes_every_row_and_revokes_every_token(app, laptop, phone, rows, twitter):
    answer = laptop.press("/account/disconnect", sure="yes")
    app.extensions["perch"].outbox.wait(seconds=5)

    revoked = [call.request.body for call in twitter.calls_to(REVOKE_PATH)]
    assert answer.location == "/"
    assert [rows(each) for each in (User, Session, Grant, Revocation)] == [[]] * 4
    assert {row["session_id"] for row in rows(UsedState)} == {None}  # still used, by nobody
    assert len(revoked) == 2
    assert not laptop.is_signed_in()
    assert not phone.is_signed_in()
    assert "your sign-ins and your usage counts are deleted," in laptop.get("/").text


def test_a_disconnected_person_can_come_back_as_new(laptop, rows):
    laptop.press("/account/disconnect", sure="yes")

    laptop.sign_in()

    assert len(rows(User)) == 1
    assert laptop.is_signed_in()


def test_last_seen_is_written_every_five_minutes(laptop, rows, clock):
    first = rows(Session)[0]["seen_at"]
    clock.advance(minutes=4)
    laptop.get("/account")
    early = rows(Session)[0]["seen_at"]
    clock.advance(minutes=2)

    laptop.get("/account")

    assert early == first
    assert rows(Session)[0]["seen_at"] == clock()


def test_an_unused_sign_in_ends(laptop, rows, clock):
    clock.advance(days=29)
    after_29_days = laptop.is_signed_in()
    clock.advance(days=30, seconds=1)

    assert (after_29_days, laptop.is_signed_in()) == (True, False)
    assert rows(Session)[0]["end_reason"] == rows(Grant)[0]["end_reason"] == "expired"


def test_every_sign_in_has_an_absolute_lifetime(build_app, kind_twitter, rows, clock):
    client = build_app(SESSION_DAYS="2", SESSION_IDLE_DAYS="1").test_client()
    client.sign_in()
    for _ in range(3):
        clock.advance(hours=15)
        assert client.is_signed_in()

    clock.advance(hours=15)

    assert not client.is_signed_in()
    assert rows(Session)[0]["end_reason"] == rows(Grant)[0]["end_reason"] == "expired"


def test_a_grant_that_twitter_ended_asks_to_sign_in_and_comes_back(signed_in, twitter):
    gone = {
        "error": "invalid_request",
        "error_description": "Value passed for the token was invalid.",
    }
    twitter.upsert("POST", TOKEN_PATH, json=gone, status=400)
    twitter.get("/users/1001/tweets", json={"title": "Unauthorized"}, status=401)

    page = signed_in.get("/tweets")

    assert page.status_code == 401
    assert "Please sign in again" in page.text
    assert 'value="/tweets"' in page.text
    assert not signed_in.is_signed_in()


def test_ended_sessions_and_grants_are_pruned_after_a_month(app, signed_in, rows, clock):
    signed_in.press_log_out()
    clock.advance(days=31)

    app.test_cli_runner().invoke(args=["prune"])

    assert rows(Session) == rows(Grant) == []


def test_seen_times_of_the_future_do_no_harm(laptop, clock):
    clock.moment -= timedelta(hours=1)

    assert laptop.is_signed_in()
