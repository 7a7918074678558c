"""Two identical callbacks: one exchange, and both land on the page of the first."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pytest
from sqlalchemy.exc import OperationalError

from app.accounts.models import Grant, Session, UsedState, User
from app.accounts.used_states import Outcome
from app.auth import callback_rules
from tests.factories import ME_PATH, REVOKE_PATH, TOKEN_PATH, token_answer, user_answer
from tests.stores import age_used_states, on_both_stores


@pytest.fixture
def slow_twitter(twitter):
    """Twitter whose token endpoint answers only when it is let go."""
    let_go, asked = threading.Event(), threading.Event()

    def answer(_request):
        asked.set()
        assert let_go.wait(timeout=20)
        return 200, {}, json.dumps(token_answer())

    twitter.add_callback("POST", TOKEN_PATH, callback=answer)
    twitter.get(ME_PATH, json=user_answer())
    twitter.post(REVOKE_PATH, json={"revoked": True})
    twitter.let_go, twitter.asked = let_go, asked
    return twitter


@pytest.fixture
def used_states(app):
    return app.extensions["perch"].used_states


def doubled(client, duplicate, twitter, state):
    """Return the answers to two callbacks: the second comes while the first waits for Twitter."""
    with ThreadPoolExecutor() as pool:
        first = pool.submit(client.come_back, state=state, code="c")
        assert twitter.asked.wait(timeout=10)
        second = pool.submit(duplicate.come_back, state=state, code="c")
        twitter.let_go.set()
        return [first.result(), second.result()]


def exchanges(twitter):
    return len(twitter.calls_to(TOKEN_PATH))


@on_both_stores
def test_a_duplicate_gets_the_session_of_the_first(client, slow_twitter, rows):
    started = client.press_sign_in(next="/account")
    duplicate = client.twin()

    answers = doubled(client, duplicate, slow_twitter, started.state)

    assert [(a.status_code, a.location) for a in answers] == [(303, "/account")] * 2
    assert exchanges(slow_twitter) == 1
    assert len(rows(Session)) == 1
    assert duplicate.is_signed_in()
    assert duplicate.flow_cookies() == []


def test_a_duplicate_that_waited_in_vain_gets_a_reloading_page(client, slow_twitter, monkeypatch):
    monkeypatch.setattr(callback_rules, "DUPLICATE_WAITS_SECONDS", 0.2)
    started = client.press_sign_in()
    duplicate = client.twin()

    with ThreadPoolExecutor() as pool:
        first = pool.submit(client.come_back, state=started.state, code="c")
        assert slow_twitter.asked.wait(timeout=10)
        page = duplicate.come_back(state=started.state, code="c")
        slow_twitter.let_go.set()
        first.result()
    reloaded = duplicate.come_back(state=started.state, code="c")

    assert (page.status_code, page.headers["Refresh"]) == (202, "1")
    assert "Signing you in" in page.text
    assert reloaded.status_code == 303
    assert exchanges(slow_twitter) == 1


def test_a_duplicate_whose_first_worker_died_is_refused(app, client, used_states, monkeypatch):
    monkeypatch.setattr(callback_rules, "DUPLICATE_WAITS_SECONDS", 0.1)
    started = client.press_sign_in()
    used_states.consume(started.state, "c")
    at_first = client.come_back(state=started.state, code="c")
    age_used_states(app, seconds=18)

    later = client.come_back(state=started.state, code="c")

    assert (at_first.status_code, later.status_code) == (202, 400)
    assert "used already" in later.text


@pytest.mark.parametrize("seconds, status", [(29, 303), (30, 400)])
def test_a_duplicate_joins_for_thirty_seconds(app, client, kind_twitter, seconds, status):
    started = client.press_sign_in()
    duplicate = client.twin()
    client.come_back(state=started.state, code="c")
    age_used_states(app, seconds=seconds)

    assert duplicate.come_back(state=started.state, code="c").status_code == status


@on_both_stores
@pytest.mark.parametrize("seconds", [-45, 45])
def test_a_duplicate_joins_on_a_machine_with_another_clock(client, kind_twitter, clock, seconds):
    started = client.press_sign_in()
    duplicate = client.twin()
    client.come_back(state=started.state, code="c")
    clock.advance(seconds=seconds)

    assert duplicate.come_back(state=started.state, code="c").status_code == 303


@pytest.mark.parametrize("seconds", [-45, 45])
def test_a_duplicate_waits_on_a_machine_with_another_clock(
    client, used_states, clock, monkeypatch, seconds
):
    monkeypatch.setattr(callback_rules, "DUPLICATE_WAITS_SECONDS", 0.1)
    started = client.press_sign_in()
    used_states.consume(started.state, "c")
    clock.advance(seconds=seconds)

    assert client.come_back(state=started.state, code="c").status_code == 202


def test_a_duplicate_does_not_revive_a_session_that_has_ended(client, kind_twitter, used_states):
    started = client.press_sign_in()
    duplicate = client.twin()
    client.come_back(state=started.state, code="c")
    before = used_states.outcome_of(started.state).session_id
    client.press_log_out()

    page = duplicate.come_back(state=started.state, code="c")

    assert page.status_code == 400
    assert not duplicate.is_signed_in()
    assert before is not None
    assert used_states.outcome_of(started.state).session_id is None


def test_a_session_that_ends_while_its_duplicate_arrives_is_not_revived(app, client, kind_twitter):
    started = client.press_sign_in()
    duplicate = client.twin()
    client.come_back(state=started.state, code="c")
    app.extensions["perch"].people.find = lambda session_id: None

    page = duplicate.come_back(state=started.state, code="c")

    assert page.status_code == 400


def test_a_duplicate_of_a_failed_sign_in_is_refused_at_once(client, twitter, monkeypatch):
    monkeypatch.setattr(callback_rules.time, "sleep", lambda _: pytest.fail("it waited"))
    twitter.post(TOKEN_PATH, json={"error": "invalid_grant"}, status=400)
    started = client.press_sign_in()
    duplicate = client.twin()
    client.come_back(state=started.state, code="c")

    page = duplicate.come_back(state=started.state, code="c")

    assert page.status_code == 400
    assert "used already" in page.text
    assert exchanges(twitter) == 1


def test_a_failure_does_not_overwrite_a_sign_in(client, kind_twitter, used_states, clock):
    started = client.press_sign_in()
    client.come_back(state=started.state, code="c")
    before = used_states.outcome_of(started.state)
    clock.advance(seconds=5)

    with pytest.raises(RuntimeError), used_states.failing(started.state):
        raise RuntimeError("the commit's answer was lost")

    assert before.outcome is Outcome.SIGNED_IN
    assert used_states.outcome_of(started.state) == before


def test_the_person_is_told_the_first_failure(client, twitter, used_states, monkeypatch):
    def away(*_args, **_kwargs):
        raise OperationalError("UPDATE", {}, Exception("away"))

    twitter.post(TOKEN_PATH, json={"error": "invalid_grant"}, status=400)
    started = client.press_sign_in()
    monkeypatch.setattr(used_states, "record_outcome", away)

    page = client.come_back(state=started.state, code="c")

    assert "This sign-in has expired" in page.text


def test_used_states_hold_hashes_alone(client, kind_twitter, rows):
    started = client.press_sign_in()
    client.come_back(state=started.state, code="a-code-from-twitter")

    kept = str(rows(UsedState))
    assert sha256(started.state.encode()).hexdigest() in kept
    assert started.state not in kept
    assert "a-code-from-twitter" not in kept


@on_both_stores
def test_eight_identical_callbacks_send_the_code_once(client, kind_twitter, rows):
    started = client.press_sign_in()
    browsers = [client.twin() for _ in range(8)]

    def come_back(browser):
        return browser.come_back(state=started.state, code="c")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(come_back, browsers))

    assert [answer.status_code for answer in answers] == [303] * 8
    assert exchanges(kind_twitter) == 1
    assert len(rows(Session)) == 1


@on_both_stores
def test_two_first_sign_ins_at_once_make_one_person(app, kind_twitter, rows):
    browsers = [app.test_client() for _ in range(6)]

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda browser: browser.sign_in(), browsers))

    assert [answer.status_code for answer in answers] == [303] * 6
    assert [len(rows(model)) for model in (User, Grant, Session)] == [1, 1, 6]
