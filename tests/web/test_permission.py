"""The permission to follow: asked for when it is needed; the action is performed after it, once."""

import json
import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy.exc import OperationalError

from app.accounts.errors import GrantEnded
from app.accounts.models import Grant
from app.auth.pending_sign_ins import PendingSignIn
from app.twitter.errors import Unreachable
from tests.dialects import LIVE
from tests.factories import ME_PATH, REVOKE_PATH, TOKEN_PATH, user_answer

pytestmark = pytest.mark.core

ME, ROBIN = "1001", "1002"
FOLLOW, UNFOLLOW = f"/users/{ME}/following", f"/users/{ME}/following/{ROBIN}"
FORM = {"ask": "write_follows", "pending_action": f"follow:{ROBIN}", "next": "/account"}


def writing_token(twitter):
    return twitter.token(scope=LIVE.granted(LIVE.follow), access_token="a-writing-token")


@pytest.fixture
def twitter_asks(twitter):
    """Twitter, which grants what is asked for from the second sign-in on."""
    twitter.post(TOKEN_PATH, json=twitter.token())
    twitter.post(TOKEN_PATH, json=writing_token(twitter))
    twitter.get(ME_PATH, json=user_answer())
    twitter.post(REVOKE_PATH, json={"revoked": True})
    twitter.get(
        f"/users/{ROBIN}", json=user_answer(id=ROBIN, username="robin", name="Robin Redbreast")
    )
    twitter.post(FOLLOW, json={"data": {"following": True, "pending_follow": False}})
    twitter.delete(UNFOLLOW, json={"data": {"following": False}})
    return twitter


@pytest.fixture
def reader(client, twitter_asks):
    """A person who may only read so far."""
    client.sign_in()
    return client


def ask(client, **fields):
    """Start the sign-in that asks for the permission."""
    answer = client.press("/auth/login", **FORM | fields)
    assert answer.status_code == 303, answer.text
    return re.search(r"state=([\w-]+)", answer.location)[1]


def changes(twitter):
    """Name what was changed at Twitter."""
    urls = {twitter.at(FOLLOW), twitter.at(UNFOLLOW)}
    return [call.request for call in twitter.calls if call.request.url in urls]


# The page that explains


def test_follow_without_permission_explains_first(reader, twitter):
    page = reader.press("/follows", user_id=ROBIN, username="jay", next="/follows")

    assert page.status_code == 200
    assert "Twitter will ask you to let it follow and unfollow people for you." in page.text
    assert "Robin Redbreast" in page.text
    assert "@jay" not in page.text
    assert 'name="ask" value="write_follows"' in page.text
    assert f'name="pending_action" value="follow:{ROBIN}:jay"' in page.text
    assert 'name="next" value="/follows"' in page.text
    assert changes(twitter) == []


def test_the_page_needs_no_profile_from_twitter(reader, twitter):
    twitter.upsert("GET", f"/users/{ROBIN}", status=503)

    page = reader.press("/follows", user_id=ROBIN, username="robin", next="/follows").text

    assert "If you say yes, you will follow @robin at once." in page


def test_unfollow_without_permission_explains_first(reader, twitter):
    page = reader.press(f"/follows/{ROBIN}/delete", next="/follows").text

    assert f'name="pending_action" value="unfollow:{ROBIN}"' in page
    assert "If you say yes, you will unfollow this account at once:" in page
    assert changes(twitter) == []


def test_no_permission_is_asked_for_outside_the_plan(app, reader, twitter):
    refused = {"type": "https://api.x.com/2/problems/client-forbidden", "title": "x", "detail": "x"}
    twitter.upsert("POST", FOLLOW, status=403, json=refused)
    other = app.test_client()
    other.sign_in()
    other.press("/follows", user_id=ROBIN, next="/account")

    answer = reader.press("/follows", user_id=ROBIN, next="/account")

    assert answer.status_code == 303
    assert reader.flashed() == [
        "Not part of this site&#39;s plan. This site does not pay Twitter for this."
    ]
    assert len(changes(twitter)) == 1


# There and back


def test_a_follow_is_performed_after_the_permission(reader, twitter):
    answer = reader.come_back(state=ask(reader), code="c")

    [request] = changes(twitter)
    assert (answer.status_code, answer.location) == (303, "/account")
    assert (request.method, json.loads(request.body)) == ("POST", {"target_user_id": ROBIN})
    assert request.headers["Authorization"] == "Bearer a-writing-token"
    assert reader.flashed() == ["You follow this account now."]
    assert reader.press("/follows", user_id=ROBIN, next="/account").status_code == 303
    assert len(changes(twitter)) == 2


def test_an_unfollow_is_performed_after_the_permission(reader, twitter):
    state = ask(reader, pending_action=f"unfollow:{ROBIN}:robin")

    reader.come_back(state=state, code="c")

    assert [(r.method, r.url) for r in changes(twitter)] == [("DELETE", twitter.at(UNFOLLOW))]
    assert reader.flashed() == ["You no longer follow @robin."]


def test_a_protected_account_gets_a_request(reader, twitter):
    pending = {"data": {"following": False, "pending_follow": True}}
    twitter.upsert("POST", FOLLOW, json=pending)
    state = ask(reader, pending_action=f"follow:{ROBIN}:robin")

    reader.come_back(state=state, code="c")

    assert reader.flashed() == [
        "Your request to follow @robin is sent. They decide who may follow them."
    ]


# What is not performed


def test_an_action_is_not_performed_for_another_account(reader, twitter):
    state = ask(reader)
    twitter.upsert("GET", ME_PATH, json=user_answer(id="3003", username="cuckoo"))

    answer = reader.come_back(state=state, code="c")

    assert answer.status_code == 303
    assert changes(twitter) == []
    assert "another account" in reader.flashed()[0]


def test_an_action_without_the_scope_is_not_performed(reader, twitter):
    twitter.upsert("POST", TOKEN_PATH, json=twitter.token())

    reader.come_back(state=ask(reader), code="c")

    assert changes(twitter) == []
    assert reader.flashed() == [
        "Twitter did not pass on your permission, so you did not follow this account."
    ]


def test_an_action_is_not_performed_after_a_cancel(reader, twitter):
    page = reader.come_back(state=ask(reader), error="access_denied")

    assert "You cancelled" in page.text
    assert "Nothing has changed, and you are signed in as before." in page.text
    assert '<a class="button" href="/account">Go back</a>' in page.text
    assert changes(twitter) == []
    assert reader.is_signed_in()


def test_the_action_of_a_signed_out_person_is_not_kept(client, twitter_asks):
    answer = client.post("/auth/login", data={"csrf_token": client.csrf_token(), **FORM})
    state = re.search(r"state=([\w-]+)", answer.location)[1]
    twitter_asks.upsert("POST", TOKEN_PATH, json=writing_token(twitter_asks))

    client.come_back(state=state, code="c")

    assert client.flashed() == []  # before another page shows it
    assert client.is_signed_in()
    assert changes(twitter_asks) == []


def test_an_unknown_action_is_ignored(reader, twitter):
    answer = reader.come_back(state=ask(reader, pending_action=f"block:{ROBIN}"), code="c")

    assert answer.status_code == 303
    assert changes(twitter) == []
    assert reader.flashed() == []


def test_following_oneself_is_refused(reader, twitter):
    reader.come_back(state=ask(reader, pending_action=f"follow:{ME}"), code="c")

    assert changes(twitter) == []
    assert reader.flashed() == ["You cannot follow yourself."]


def test_an_action_without_our_form_is_never_performed(reader, twitter):
    forged = reader.post("/auth/login", data=FORM)
    fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', forged.text))

    assert forged.status_code == 400
    assert "pending_action" not in fields
    answer = reader.post("/auth/login", data=fields)
    state = re.search(r"state=([\w-]+)", answer.location)[1]
    reader.come_back(state=state, code="c")
    assert changes(twitter) == []


def test_an_action_cannot_come_with_the_callback(reader, twitter):
    state = ask(reader, pending_action="")

    reader.come_back(state=state, code="c", pending_action=f"follow:{ROBIN}", actor=ME)

    assert changes(twitter) == []


# Once


def test_an_action_is_performed_once_however_often_the_callback_comes(reader, twitter):
    state = ask(reader)
    thief = reader.twin()
    reader.come_back(state=state, code="c")

    answers = [
        browser.come_back(state=state, code=code)
        for browser, code in [(thief, "c"), (reader, "c"), (thief, "d")]
    ]

    # The first is a twin and gets the session; there is no second follow.
    assert [answer.status_code for answer in answers] == [303, 400, 400]
    assert len(changes(twitter)) == 1


def test_eight_identical_callbacks_follow_once(reader, twitter):
    state = ask(reader)
    twins = [reader.twin() for _ in range(8)]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda twin: twin.come_back(state=state, code="c"), twins))

    assert {answer.status_code for answer in answers} <= {303, 202}
    assert len(changes(twitter)) == 1


# It never makes the sign-in fail


@pytest.mark.parametrize(
    "answer, sentence",
    [
        ({"status": 503}, "Twitter gave no clear answer. Please check whether it was done."),
        (
            {"status": 403, "json": {"type": "about:blank", "status": 403}},
            "Twitter said no. The account may be gone, or it may have blocked you.",
        ),
        (
            {"json": {"data": {"following": False}}},
            "Twitter did not let you follow this account.",
        ),
    ],
)
def test_a_failed_action_is_told_and_the_sign_in_stays(reader, twitter, rows, answer, sentence):
    twitter.upsert("POST", FOLLOW, **answer)

    came = reader.come_back(state=ask(reader), code="c")

    assert (came.status_code, came.location) == (303, "/account")
    assert reader.flashed() == [sentence]
    assert LIVE.follow in next(g["scopes"] for g in rows(Grant) if g["ended_at"] is None)


@pytest.mark.parametrize(
    "error", [GrantEnded("ended"), OperationalError("x", {}, Exception())], ids=["grant", "store"]
)
def test_our_own_failure_is_told_and_the_sign_in_stays(app, reader, twitter, monkeypatch, error):
    def fail(*_, **__):
        raise error

    state = ask(reader)
    monkeypatch.setattr(app.extensions["perch"].actions, "perform", fail)

    came = reader.come_back(state=state, code="c")

    assert came.status_code == 303
    assert reader.flashed() == ["We could not finish that. Please check whether it was done."]


def test_exchange_and_action_share_one_deadline(app, reader, monkeypatch):
    deadlines = []

    def perform(_pending, _person, *, deadline):
        deadlines.append(deadline)
        return Unreachable("no time left")

    server = app.extensions["perch"].server
    exchange = server.exchange

    def exchanged(*args, deadline, **kwargs):
        deadlines.append(deadline)
        return exchange(*args, deadline=deadline, **kwargs)

    state = ask(reader)
    monkeypatch.setattr(app.extensions["perch"].actions, "perform", perform)
    monkeypatch.setattr(server, "exchange", exchanged)

    reader.come_back(state=state, code="c")

    assert len(deadlines) == 2
    assert deadlines[0] is deadlines[1]


# Two versions side by side


def test_a_pending_sign_in_of_the_previous_version_still_opens(app, client, kind_twitter, clock):
    cookies = app.extensions["flow_cookies"]
    started = client.press_sign_in(next="/people")
    [cookie] = client.flow_cookies()
    opened = json.loads(cookies._ring.decrypt(cookie.value))
    old = {name: opened[name] for name in ("state", "code_verifier", "next", "scopes")}
    old |= {"wish": f"follow:{ROBIN}", "wisher": ME}  # a name of that version, now ignored
    sealed = cookies._ring.encrypt_at_time(json.dumps(old).encode(), int(clock().timestamp()))
    client.set_cookie(cookie.key, sealed.decode(), domain="127.0.0.1")

    answer = client.come_back(state=started.state, code="c")

    assert (answer.status_code, answer.location) == (303, "/people")


def test_a_sign_in_without_an_action_writes_no_empty_fields():
    pending = PendingSignIn(state="s", code_verifier="v", next="/", scopes=("a",))

    assert json.loads(pending.to_json()).keys() == {"state", "code_verifier", "next", "scopes"}


def test_fields_of_a_later_version_are_left_alone():
    said = {"state": "s", "code_verifier": "v", "next": "/", "scopes": ["a"], "mood": "sunny"}

    pending = PendingSignIn.from_json(json.dumps(said).encode())

    assert pending == PendingSignIn(state="s", code_verifier="v", next="/", scopes=("a",))
