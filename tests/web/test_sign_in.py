"""The round trip, with Twitter standing at its real addresses."""

import base64
import hashlib
from urllib.parse import parse_qs

import pytest

from app.accounts.models import Grant, UsedState, User
from tests.factories import ME_PATH, PUBLIC_URL, REVOKE_PATH, TOKEN_PATH, user_answer
from tests.stores import on_both_stores

pytestmark = on_both_stores


def sent_to(twitter, path):
    return [call.request for call in twitter.calls_to(path)]


def form(request):
    return {name: values[0] for name, values in parse_qs(request.body).items()}


def test_authorization_request_carries_all_that_twitter_documents(client, dialect):
    started = client.press_sign_in()

    assert started.url.startswith(f"{dialect.home}/i/oauth2/authorize?")
    assert started.query["response_type"] == "code"
    assert started.query["client_id"] == "birdhouse"
    assert started.query["redirect_uri"] == f"{PUBLIC_URL}/auth/callback"
    assert started.query["scope"] == dialect.reads
    assert started.query["code_challenge_method"] == "S256"
    assert len(started.query["code_challenge"]) == 43
    assert len(started.state) == 43


def test_scopes_are_parted_by_percent_20(client, dialect):
    started = client.press_sign_in()

    assert f"scope={dialect.read_follows}%20offline.access%20" in started.url


def test_every_sign_in_has_a_state_and_verifier_of_its_own(client):
    first, second = client.press_sign_in(), client.press_sign_in()

    assert first.state != second.state
    assert first.query["code_challenge"] != second.query["code_challenge"]


def test_a_person_signs_in_and_lands_where_they_wanted(client, kind_twitter):
    answer = client.sign_in(next="/account")

    assert (answer.status_code, answer.location) == (303, "/account")
    assert "Wren" in client.get("/account").text


def test_confidential_client_proves_itself_with_basic_and_pkce(client, kind_twitter):
    started = client.press_sign_in()
    client.come_back(state=started.state, code="a-code-from-twitter")

    [request] = sent_to(kind_twitter, TOKEN_PATH)
    body = form(request)
    challenge = hashlib.sha256(body["code_verifier"].encode()).digest()
    credentials = base64.b64encode(b"birdhouse:a-secret-nest-among-the-leaves").decode()
    assert request.headers["Authorization"] == f"Basic {credentials}"
    assert body["grant_type"] == "authorization_code"
    assert body["code"] == "a-code-from-twitter"
    assert body["redirect_uri"] == f"{PUBLIC_URL}/auth/callback"
    assert (
        base64.urlsafe_b64encode(challenge).decode().rstrip("=") == started.query["code_challenge"]
    )
    assert "client_secret" not in body


def test_public_client_names_itself_in_the_body(build_app, kind_twitter):
    client = build_app(TWITTER_CLIENT_SECRET=None).test_client()

    client.sign_in()

    [request] = sent_to(kind_twitter, TOKEN_PATH)
    assert form(request)["client_id"] == "birdhouse"
    assert "Authorization" not in request.headers


def test_signing_in_reads_the_profile_once_and_stores_it(client, kind_twitter, rows):
    client.sign_in()

    [user] = rows(User)
    assert (user["twitter_id"], user["username"]) == ("1001", "wren")
    assert len(sent_to(kind_twitter, ME_PATH)) == 1


def test_tokens_are_sealed_at_rest(client, kind_twitter, rows):
    client.sign_in()

    [grant] = rows(Grant)
    assert grant["access_token"].startswith("v1.")
    assert "access-token-of-wren" not in str(grant)
    assert "refresh-token-of-wren" not in str(grant)


def test_the_flow_cookie_is_gone_after_the_sign_in(client, kind_twitter):
    client.sign_in()

    assert not [c for c in client._cookies.values() if c.key.startswith("flow-")]


def test_the_session_is_replaced_when_somebody_signs_in(client, kind_twitter):
    with client.session_transaction(base_url=PUBLIC_URL) as session:
        session["planted"] = "by somebody else"

    client.sign_in()

    with client.session_transaction(base_url=PUBLIC_URL) as session:
        assert "planted" not in session


def test_a_missing_lifetime_means_two_hours(client, twitter, rows, clock):
    twitter.post(TOKEN_PATH, json=twitter.token(expires_in=None))
    twitter.get(ME_PATH, json=user_answer())

    client.sign_in()

    [grant] = rows(Grant)
    assert (grant["expires_at"] - clock()).total_seconds() == 7200


def test_missing_scope_means_granted_as_asked(client, twitter, rows, dialect):
    twitter.post(TOKEN_PATH, json=twitter.token(scope=None, token_type="Bearer"))
    twitter.get(ME_PATH, json=user_answer())

    client.sign_in()

    assert rows(Grant)[0]["scopes"] == dialect.reads


def test_signing_in_again_ends_the_older_grant_of_this_browser(client, kind_twitter, rows):
    client.sign_in()
    client.sign_in()

    ended, living = sorted(rows(Grant), key=lambda grant: grant["ended_at"] is None)
    assert ended["ended_because"] == "replaced"
    assert ended["access_token"] is None
    assert living["ended_at"] is None
    assert len(rows(User)) == 1


def test_a_renamed_account_stays_the_same_person(client, twitter, rows):
    twitter.post(TOKEN_PATH, json=twitter.token())
    twitter.get(ME_PATH, json=user_answer(username="wren"))
    twitter.get(ME_PATH, json=user_answer(username="jenny"))
    twitter.post(REVOKE_PATH, json={"revoked": True})

    client.sign_in()
    client.sign_in()

    assert [user["username"] for user in rows(User)] == ["jenny"]


def test_a_recycled_username_inherits_nothing(build_app, app, client, twitter, rows):
    twitter.post(TOKEN_PATH, json=twitter.token())
    twitter.get(ME_PATH, json=user_answer(id="1001"))
    twitter.get(ME_PATH, json=user_answer(id="2002"))

    client.sign_in()
    app.test_client().sign_in()

    assert sorted(user["twitter_id"] for user in rows(User)) == ["1001", "2002"]


def test_a_hundred_abandoned_sign_ins_do_not_lock_anybody_out(client, kind_twitter):
    for _ in range(100):
        client.press_sign_in()

    answer = client.sign_in()

    assert answer.status_code == 303
    assert len([c for c in client._cookies.values() if c.key.startswith("flow-")]) <= 4


@pytest.mark.parametrize("first", [0, 1])
def test_two_tabs_finish_in_either_order(client, kind_twitter, first):
    tabs = [client.press_sign_in(next="/tweets"), client.press_sign_in(next="/spaces")]

    answers = [
        client.come_back(state=tab.state, code=f"code-{tab.state}")
        for tab in (tabs[first], tabs[1 - first])
    ]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert {answer.location for answer in answers} == {"/tweets", "/spaces"}


def test_start_and_callback_may_fall_on_different_workers(build_app, kind_twitter):
    one, other = build_app(), build_app()
    browser = one.test_client()
    started = browser.press_sign_in()

    elsewhere = other.test_client()
    elsewhere._cookies.update(browser._cookies)
    answer = elsewhere.come_back(state=started.state, code="a-code-from-twitter")

    assert answer.status_code == 303
    assert elsewhere.is_signed_in()


def test_used_states_can_be_pruned_after_an_hour(app, client, kind_twitter, rows, clock):
    client.sign_in()
    clock.advance(minutes=61)

    result = app.test_cli_runner().invoke(args=["prune"])

    assert "Deleted 1 used states, 0 ended grants" in result.output
    assert rows(UsedState) == []


def test_asking_for_more_keeps_what_was_granted(client, kind_twitter, dialect):
    client.sign_in()

    started = client.press_sign_in(ask="write_follows")

    assert dialect.follow in started.query["scope"].split()
    assert set(dialect.reads.split()) < set(started.query["scope"].split())


def test_nonsense_asked_for_is_ignored(client, dialect):
    started = client.press_sign_in(ask="everything")

    assert started.query["scope"] == dialect.reads
