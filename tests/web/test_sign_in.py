"""The round trip, with Twitter standing at its real addresses."""

import base64
import hashlib
from urllib.parse import parse_qs

import pytest
from flask_login import encode_cookie
from sqlalchemy import event
from sqlalchemy.engine.interfaces import CacheStats
from sqlalchemy.exc import OperationalError

from app.accounts.models import Grant, Session, UsedState, User
from app.web.current_person import SESSION_ID
from tests.dialects import LIVE, in_both_dialects
from tests.factories import ME_PATH, PUBLIC_URL, REVOKE_PATH, TOKEN_PATH, user_answer
from tests.stores import age_used_states, on_both_stores

pytestmark = pytest.mark.core


def sent_to(twitter, path):
    return [call.request for call in twitter.calls_to(path)]


def form(request):
    return {name: values[0] for name, values in parse_qs(request.body).items()}


def s256(verifier):
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


@in_both_dialects
def test_authorization_request_carries_all_that_twitter_documents(client, dialect):
    started = client.press_sign_in()

    assert started.url.startswith(f"{dialect.home}/i/oauth2/authorize?")
    assert f"scope={dialect.reads.replace(' ', '%20')}&" in started.url
    assert len(started.query.pop("code_challenge")) == 43
    assert len(started.query.pop("state")) == 43
    assert started.query == {
        "response_type": "code",
        "client_id": "birdhouse",
        "redirect_uri": f"{PUBLIC_URL}/auth/callback",
        "scope": dialect.reads,
        "code_challenge_method": "S256",
    }


def test_every_sign_in_has_a_state_and_verifier_of_its_own(client):
    first, second = client.press_sign_in(), client.press_sign_in()

    assert first.state != second.state
    assert first.query["code_challenge"] != second.query["code_challenge"]
    assert first.query["code_challenge"] != s256(first.state)


@on_both_stores
def test_a_person_signs_in_and_lands_where_they_wanted(client, kind_twitter, rows):
    answer = client.sign_in(next="/account")

    assert (answer.status_code, answer.location) == (303, "/account")
    assert "Wren" in client.get("/account").text
    [user] = rows(User)
    assert (user["twitter_id"], user["username"]) == ("1001", "wren")
    assert len(sent_to(kind_twitter, ME_PATH)) == 1


def test_confidential_client_proves_itself_with_basic_and_pkce(client, kind_twitter):
    started = client.press_sign_in()
    client.come_back(state=started.state, code="a-code-from-twitter")

    [request] = sent_to(kind_twitter, TOKEN_PATH)
    body = form(request)
    credentials = base64.b64encode(b"birdhouse:a-secret-nest-among-the-leaves").decode()
    assert request.headers["Authorization"] == f"Basic {credentials}"
    assert s256(body.pop("code_verifier")) == started.query["code_challenge"]
    assert body == {
        "grant_type": "authorization_code",
        "code": "a-code-from-twitter",
        "redirect_uri": f"{PUBLIC_URL}/auth/callback",
    }


def test_public_client_names_itself_in_the_body(build_app, kind_twitter):
    client = build_app(TWITTER_CLIENT_SECRET=None).test_client()

    client.sign_in()

    [request] = sent_to(kind_twitter, TOKEN_PATH)
    assert form(request)["client_id"] == "birdhouse"
    assert "Authorization" not in request.headers


def test_a_name_in_another_script_signs_in(build_app, kind_twitter):
    """Headers are ASCII: with the name as it is, no call to Twitter could even be sent."""
    browser = build_app(APP_NAME="Гнездо").test_client()

    browser.sign_in()

    assert browser.is_signed_in()
    assert all(call.request.headers["User-Agent"].isascii() for call in kind_twitter.calls)


def test_tokens_are_sealed_at_rest(client, kind_twitter, rows):
    client.sign_in()

    [grant] = rows(Grant)
    assert grant["access_token"].startswith("v1.")
    assert "access-token-of-wren" not in str(grant)
    assert "refresh-token-of-wren" not in str(grant)


def test_the_flow_cookie_is_gone_after_the_sign_in(client, kind_twitter):
    client.sign_in()

    assert client.flow_cookies() == []


def test_a_sign_in_replaces_the_session(client, kind_twitter):
    with client.session_transaction(base_url=PUBLIC_URL) as session:
        session["planted"] = "by an attacker"

    client.sign_in()

    with client.session_transaction(base_url=PUBLIC_URL) as session:
        assert "planted" not in session


def test_the_session_cookie_holds_no_hash_of_address_and_browser(signed_in, rows):
    [row] = rows(Session)

    with signed_in.session_transaction(base_url=PUBLIC_URL) as session:
        held = {name: value for name, value in session.items() if value not in (True, "")}

    assert held == {SESSION_ID: row["id"], "csrf_token": held["csrf_token"]}


def test_pages_do_not_renew_the_session(signed_in):
    page = signed_in.get("/account")

    assert "Set-Cookie" not in page.headers


def test_a_planted_remember_me_cookie_signs_in_no_browser(app, signed_in, rows):
    [session] = rows(Session)
    other = app.test_client()
    with app.app_context():
        remembered = encode_cookie(session["id"])

    other.set_cookie("remember_token", remembered, domain="127.0.0.1")

    assert not other.is_signed_in()


def test_missing_lifetime_and_scope_mean_two_hours_and_as_asked(client, twitter, rows, clock):
    twitter.post(TOKEN_PATH, json=twitter.token(expires_in=None, scope=None))
    twitter.get(ME_PATH, json=user_answer())

    client.sign_in()

    [grant] = rows(Grant)
    assert (grant["expires_at"] - clock()).total_seconds() == 7200
    assert grant["scopes"] == LIVE.reads


def test_signing_in_again_ends_the_older_session_of_this_browser(client, kind_twitter, rows):
    client.sign_in()
    [older] = rows(Session)
    client.sign_in()

    reasons = {row["id"]: row["end_reason"] for row in rows(Session)}
    assert reasons.pop(older["id"]) == "replaced"
    assert list(reasons.values()) == [None]
    assert [(row["generation"], row["ended_at"]) for row in rows(Grant)] == [(1, None)]
    assert sent_to(kind_twitter, REVOKE_PATH) == []


def test_a_renamed_account_stays_the_same_person(client, twitter, rows):
    twitter.post(TOKEN_PATH, json=twitter.token())
    twitter.get(ME_PATH, json=user_answer(username="wren"))
    twitter.get(ME_PATH, json=user_answer(username="jenny"))
    twitter.post(REVOKE_PATH, json={"revoked": True})

    client.sign_in()
    client.sign_in()

    assert [user["username"] for user in rows(User)] == ["jenny"]


def test_a_recycled_username_inherits_nothing(app, client, twitter, rows):
    twitter.post(TOKEN_PATH, json=twitter.token())
    twitter.get(ME_PATH, json=user_answer(id="1001"))
    twitter.get(ME_PATH, json=user_answer(id="2002"))

    client.sign_in()
    app.test_client().sign_in()

    assert sorted(user["twitter_id"] for user in rows(User)) == ["1001", "2002"]


def test_a_hundred_abandoned_sign_ins_do_not_block_the_next(client, kind_twitter):
    for _ in range(100):
        client.press_sign_in()
    pending = len(client.flow_cookies())

    answer = client.sign_in()

    assert (pending, answer.status_code) == (5, 303)


def test_the_oldest_pending_sign_ins_make_room(client, kind_twitter, clock):
    started = []
    for _ in range(7):
        started.append(client.press_sign_in())
        clock.advance(seconds=1)

    answers = [client.come_back(state=one.state, code=one.state) for one in started]

    assert [answer.status_code for answer in answers] == [400, 400, 303, 303, 303, 303, 303]


@pytest.mark.parametrize("first", [0, 1])
def test_two_tabs_finish_in_either_order(client, kind_twitter, first):
    tabs = [client.press_sign_in(next="/tweets"), client.press_sign_in(next="/people")]

    answers = [
        client.come_back(state=tab.state, code=f"code-{tab.state}")
        for tab in (tabs[first], tabs[1 - first])
    ]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert {answer.location for answer in answers} == {"/tweets", "/people"}


@on_both_stores
def test_statements_are_compiled_once(app, kind_twitter):
    """A statement without a cache key is compiled each time, which costs more than to run it."""
    engine, compiled = app.extensions["perch"].database._engine, []

    def note(_connection, _cursor, statement, _parameters, context, _many):
        if context.compiled is not None and context.cache_hit is not CacheStats.CACHE_HIT:
            compiled.append(statement)

    for time in ("the first", "again", "once more"):
        if time == "once more":
            event.listen(engine, "before_cursor_execute", note)
        browser = app.test_client()
        browser.sign_in()
        browser.get("/account")

    assert compiled == []


def test_the_button_works_while_the_database_is_away(app, client, monkeypatch):
    def away():
        raise OperationalError("SELECT", {}, Exception("away"))

    monkeypatch.setattr(app.extensions["perch"].people, "began", away)

    assert client.press_sign_in().query["response_type"] == "code"


def test_used_states_are_pruned_after_an_hour(app, client, kind_twitter, rows):
    client.sign_in()
    age_used_states(app, minutes=61)

    result = app.test_cli_runner().invoke(args=["prune"])

    assert "Deleted 1 used states, 0 ended sessions and grants" in result.output
    assert rows(UsedState) == []


@in_both_dialects
def test_asking_for_more_asks_for_the_usual_too(signed_in, dialect):
    started = signed_in.press_sign_in(ask="write_follows")

    assert {*started.query["scope"].split()} == {dialect.follow, *dialect.reads.split()}


def test_a_later_sign_in_asks_for_what_was_granted_before(client, twitter):
    twitter.post(
        TOKEN_PATH, json=twitter.token(scope=LIVE.granted(LIVE.follow, "no.scope.of.ours"))
    )
    twitter.get(ME_PATH, json=user_answer())
    client.sign_in()

    started = client.press_sign_in()

    assert {*started.query["scope"].split()} == {LIVE.follow, *LIVE.reads.split()}


def test_an_unknown_permission_is_not_asked_for(client):
    started = client.press_sign_in(ask="everything")

    assert started.query["scope"] == LIVE.reads
