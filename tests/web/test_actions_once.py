"""An action is performed once for each press, whatever becomes of the answer."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from threading import Event

import pytest
from requests import ReadTimeout
from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from app.accounts.errors import GrantEnded
from app.accounts.models import Grant, PerformedAction
from app.gateway.actions import FOLLOW, Action, ActionResult, PendingAction, register
from app.twitter.dialect import Permission
from app.twitter.source import ApiRequest
from app.twitter.transport.deadline import Deadline
from tests.factories import ME_PATH, REVOKE_PATH, TOKEN_PATH, user_answer
from tests.stores import on_both_stores
from tests.web.answers import FOLLOWING, LIMITED
from tests.web.test_follow import FOLLOWED, LOOK, ROBIN, UNFOLLOWED
from tests.web.test_follow import wren as wren  # noqa: PLC0414 - a fixture

REFUSED = "Twitter said no. The account may be gone, or it may have blocked you."


def press(browser, once, action="follow", next_path="/account"):
    fields = {"once": once, "username": "robin", "next": next_path}
    if action == "follow":
        return browser.press("/follows", user_id=ROBIN, **fields)
    return browser.press(f"/follows/{ROBIN}/delete", **fields)


@on_both_stores
def test_a_second_press_of_a_form_gets_the_result_of_the_first(wren, twitter, rows):
    twitter.post(FOLLOWING, **FOLLOWED)

    press(wren, "a1")
    press(wren, "a1")

    assert len(twitter.calls_to(FOLLOWING, "POST")) == 1
    assert wren.flashed() == ["You follow @robin now."]
    [row] = rows(PerformedAction)
    assert (row["action"], row["target_id"], row["once"]) == ("follow", ROBIN, "a1")
    assert row["result"] == "done"


def double_click(browser, twitter, status, body):
    """Press Follow again while Twitter is still at the first press; return the second browser."""
    arrived, go_on = Event(), Event()

    def slowly(_request):
        arrived.set()
        go_on.wait(5)
        return status, {}, body

    twitter.add_callback("POST", FOLLOWING, slowly)
    twin = browser.twin()
    with ThreadPoolExecutor() as pool:
        first = pool.submit(press, browser, "a1")
        assert arrived.wait(5)
        second = pool.submit(press, twin, "a1")
        pool.submit(go_on.wait, 0.3).result()
        go_on.set()
        assert (first.result().status_code, second.result().status_code) == (303, 303)
    return twin


@on_both_stores
def test_a_double_click_is_one_press(wren, twitter):
    done = '{"data": {"following": true, "pending_follow": false}}'

    twin = double_click(wren, twitter, 200, done)

    assert len(twitter.calls_to(FOLLOWING, "POST")) == 1
    assert twin.flashed() == ["You follow @robin now."]


@on_both_stores
def test_a_double_click_that_twitter_refuses_is_told_so_twice(wren, twitter, rows):
    twin = double_click(wren, twitter, 403, '{"title": "Forbidden"}')

    assert twin.flashed() == wren.flashed() == [REFUSED]
    assert rows(PerformedAction) == []


def test_follow_unfollow_follow_works(wren, twitter):
    twitter.post(FOLLOWING, **FOLLOWED)
    twitter.delete(f"{FOLLOWING}/{ROBIN}", **UNFOLLOWED)

    press(wren, "page-1")
    press(wren, "page-2", "unfollow")
    press(wren, "page-3")

    assert len(twitter.calls_to(FOLLOWING, "POST")) == 2
    assert len(twitter.calls_to(f"{FOLLOWING}/{ROBIN}", "DELETE")) == 1


def test_two_pages_have_different_ids(wren, twitter):
    twitter.get("/users/by", json={"data": [{"id": ROBIN, "username": "robin", "name": "Robin"}]})

    pages = [wren.get("/people?who=robin").text for _ in range(2)]

    ids = {page.split('name="once" value="')[1].split('"')[0] for page in pages}
    assert len(ids) == 2


@pytest.mark.parametrize("answer", [{"body": ReadTimeout()}, {"status": 502}, {"json": {"x": 1}}])
def test_a_lost_answer_is_never_sent_again(wren, twitter, rows, answer):
    twitter.post(FOLLOWING, **answer)
    press(wren, "a1")
    twitter.upsert("POST", FOLLOWING, **FOLLOWED)

    press(wren, "a1")

    assert len(twitter.calls_to(FOLLOWING, "POST")) == 1
    assert wren.flashed() == [LOOK]
    assert [row["result"] for row in rows(PerformedAction)] == [None]


def test_a_press_that_was_not_sent_for_want_of_a_token_may_be_repeated(wren, twitter, app, clock):
    twitter.post(FOLLOWING, **FOLLOWED)
    clock.advance(hours=3)
    twitter.upsert("POST", TOKEN_PATH, status=503)
    press(wren, "a1")
    sent = len(twitter.calls_to(FOLLOWING, "POST"))
    twitter.upsert("POST", TOKEN_PATH, json=twitter.token())
    with app.extensions["perch"].database.writing() as connection:
        connection.execute(update(Grant).values(lease_until=0.0))  # the cool-down is over

    press(wren, "a1")

    assert sent == 0
    assert wren.flashed()[-1] == "You follow @robin now."


@pytest.mark.parametrize("refused", [LIMITED, {"status": 403, "json": {"title": "Forbidden"}}])
def test_a_refused_press_may_be_repeated(wren, twitter, rows, refused, app, clock):
    twitter.post(FOLLOWING, **refused)
    press(wren, "a1")
    assert rows(PerformedAction) == []
    clock.advance(minutes=16)
    twitter.upsert("POST", FOLLOWING, **FOLLOWED)

    press(wren, "a1")

    assert wren.flashed()[-1] == "You follow @robin now."


@pytest.mark.parametrize(
    "service, method",
    [("tokens", "valid_token"), ("usages", "add")],
    ids=["before", "after"],
)
def test_a_press_is_sent_once_whether_the_database_fails_before_or_after_it(
    wren, twitter, app, monkeypatch, service, method
):
    twitter.post(FOLLOWING, **FOLLOWED)

    def away(*_args, **_more):
        raise OperationalError("SELECT", None, ConnectionError("away"))

    with monkeypatch.context() as outage:
        outage.setattr(getattr(app.extensions["perch"], service), method, away)
        answer = press(wren, "a1")
    press(wren, "a1")

    assert answer.status_code == 503
    assert len(twitter.calls_to(FOLLOWING, "POST")) == 1


@pytest.mark.parametrize("hours", [0, 3])
def test_a_press_that_no_token_could_be_refreshed_for_may_be_repeated(
    wren, twitter, rows, clock, hours
):
    """With 0 hours Twitter refuses the token on the write, with 3 it has expired before."""
    clock.advance(hours=hours)
    twitter.post(FOLLOWING, status=401, json={"title": "Unauthorized"})
    twitter.upsert("POST", TOKEN_PATH, status=503)

    press(wren, "a1")

    assert wren.flashed() == ["Twitter is not answering. Please try again in a minute."]
    assert rows(PerformedAction) == []


def test_a_form_that_asks_for_the_permission_twice_acts_once(client, twitter, dialect, rows):
    twitter.post(TOKEN_PATH, json=twitter.token())
    twitter.get(ME_PATH, json=user_answer())
    twitter.post(REVOKE_PATH, json={"revoked": True})
    client.sign_in()
    twitter.upsert("POST", TOKEN_PATH, json=twitter.token(scope=dialect.granted(dialect.follow)))
    twitter.post(FOLLOWING, **FOLLOWED)
    page = press(client, "a1").text
    assert f'name="pending_action" value="follow:{ROBIN}:robin~a1"' in page
    asks = {"ask": "write_follows", "pending_action": f"follow:{ROBIN}:robin~a1"}
    states = [client.press_sign_in(**asks).state for _ in range(2)]

    for state in states:
        client.come_back(state=state, code="c")

    assert len(twitter.calls_to(FOLLOWING, "POST")) == 1
    assert client.flashed() == ["You follow @robin now."]


def test_presses_of_two_people_are_two(wren, twitter, app, rows):
    twitter.post(FOLLOWING, **FOLLOWED)
    press(wren, "a1")
    twitter.upsert("GET", ME_PATH, json=user_answer(id="1003", username="jay"))
    twitter.post("/users/1003/following", **FOLLOWED)
    jay = app.test_client()
    jay.sign_in()

    press(jay, "a1")

    assert len(twitter.calls_to("/users/1003/following", "POST")) == 1


def test_an_impossible_form_id_is_no_id(wren, twitter, rows):
    twitter.post(FOLLOWING, **FOLLOWED)

    press(wren, "a" * 41)
    press(wren, "a" * 41)

    assert len(twitter.calls_to(FOLLOWING, "POST")) == 2


def test_nothing_is_sent_that_cannot_be_claimed(wren, twitter, app, monkeypatch):
    def away(press):
        raise OperationalError("INSERT", None, ConnectionError("away"))

    twitter.post(FOLLOWING, **FOLLOWED)
    monkeypatch.setattr(app.extensions["perch"].performed, "claim", away)

    answer = press(wren, "a1")

    assert answer.status_code == 503
    assert twitter.calls_to(FOLLOWING, "POST") == []


@pytest.fixture
def goes_away(app, twitter, monkeypatch):
    """Let the database go away while Twitter is at the press, whose answer is `status`, `body`."""

    def set_up(status, body):
        def away():
            raise OperationalError("BEGIN", None, ConnectionError("away"))

        def answer(_request):
            monkeypatch.setattr(app.extensions["perch"].database, "writing", away)
            return status, {}, body

        twitter.add_callback("POST", FOLLOWING, answer)

    return set_up


def test_a_result_that_cannot_be_recorded_is_told_all_the_same(
    wren, twitter, goes_away, monkeypatch, caplog
):
    goes_away(200, '{"data": {"following": true, "pending_follow": false}}')

    press(wren, "a1")

    monkeypatch.undo()
    assert wren.flashed() == ["You follow @robin now."]
    assert "the result of an action is not recorded: OperationalError" in caplog.messages
    press(wren, "a1")
    assert wren.flashed()[-1] == LOOK
    assert len(twitter.calls_to(FOLLOWING, "POST")) == 1


def test_a_refusal_is_told_though_its_claim_cannot_be_given_up(
    wren, twitter, goes_away, monkeypatch, caplog
):
    goes_away(403, '{"title": "Forbidden"}')

    press(wren, "a1")

    monkeypatch.undo()
    assert wren.flashed() == [REFUSED]
    assert "an action that was refused cannot be repeated: OperationalError" in caplog.messages
    press(wren, "a1")
    assert wren.flashed()[-1] == LOOK
    assert len(twitter.calls_to(FOLLOWING, "POST")) == 1


@on_both_stores
def test_an_action_of_a_person_who_has_just_gone_is_not_sent(wren, twitter, app):
    here = app.extensions["perch"]
    job = here.calls.for_user(1)
    here.departures.delete(1, "1001")

    with pytest.raises(GrantEnded):
        here.actions.perform(
            PendingAction(action=FOLLOW, target_id=ROBIN), job, deadline=Deadline()
        )

    assert twitter.calls_to(FOLLOWING, "POST") == []


def test_presses_are_pruned_when_their_form_works_no_more(wren, twitter, app, rows):
    twitter.post(FOLLOWING, **FOLLOWED)
    press(wren, "a1")
    performed = app.extensions["perch"].performed
    assert performed.prune() == 0

    with app.extensions["perch"].database.writing() as connection:
        [row] = rows(PerformedAction)
        connection.execute(
            update(PerformedAction).values(performed_at=row["performed_at"] - timedelta(days=181))
        )

    assert performed.prune() == 1
    assert rows(PerformedAction) == []


def test_an_action_of_a_product_goes_the_same_way(wren, twitter, app, monkeypatch):
    """A name that is registered, a target of its own shape, and what a background job passes."""
    monkeypatch.setattr("app.gateway.actions._REGISTRY", {})
    sent = []

    def send(api, caller, target):
        sent.append((caller.twitter_id, target))
        return ActionResult.DONE

    wave = register(
        Action(
            name="wave",
            endpoint=FOLLOW.endpoint,
            send=send,
            deed="wave to {target}",
            done="You waved.",
            refused="It did not see you.",
            target="the flock",
            targets="[a-z]+",
        )
    )
    here = app.extensions["perch"]
    pending = PendingAction.from_text("wave:flock~draft-7")
    job = here.calls.for_user(1)

    results = [here.actions.perform(pending, job, deadline=Deadline()) for _ in range(2)]

    assert (pending.action, pending.target, results) == (wave, "the flock", [ActionResult.DONE] * 2)
    assert sent == [("1001", "flock")]
    assert PendingAction.from_text("wave:1002") is None
    with pytest.raises(ValueError, match="'wave-2' is no name"):
        register(replace(wave, name="wave-2"))
    with pytest.raises(ValueError, match="two actions are called wave"):
        register(Action(**{name: getattr(wave, name) for name in wave.__slots__}))


def test_a_request_of_a_products_own_is_made_and_counted(signed_in, app, twitter, monkeypatch):
    """Its endpoint is in no table of ours: the account page knows it by its action."""
    monkeypatch.setattr("app.gateway.actions._REGISTRY", {})
    nods = replace(
        FOLLOW.endpoint, path="/nods", label="Nodding", needs=(Permission.READ_USERS,), changes=()
    )

    def send(api, caller, target):
        api.answer(ApiRequest(endpoint=nods, path="/nods", json={"to": target}))
        return ActionResult.DONE

    words = {"deed": "nod", "done": "You nodded.", "refused": "No."}
    nod = register(Action(name="nod", endpoint=nods, send=send, **words))
    twitter.post("/nods", status=201, json={"data": {}})
    here = app.extensions["perch"]
    pending = PendingAction(action=nod, target_id="1002", once="f")

    here.actions.perform(pending, here.calls.for_user(1), deadline=Deadline())

    [call] = twitter.calls_to("/nods", "POST")
    assert json.loads(call.request.body) == {"to": "1002"}
    assert ">Nodding<" in signed_in.get("/account").text
