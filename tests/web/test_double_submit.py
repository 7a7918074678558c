"""Two identical callbacks: one exchange, and both land on the winner's page."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from app.accounts.models import Grant
from app.auth import round_trip
from tests.factories import ME_URL, REVOKE_URL, TOKEN_URL, token_answer, user_answer
from tests.stores import on_both_stores

pytestmark = on_both_stores


@pytest.fixture
def slow_twitter(twitter):
    """Twitter whose token endpoint answers only when it is let go."""
    let_go, asked = threading.Event(), threading.Event()

    def answer(_request):
        asked.set()
        assert let_go.wait(timeout=20)
        return 200, {}, requests.models.complexjson.dumps(token_answer())

    twitter.add_callback("POST", TOKEN_URL, callback=answer)
    twitter.get(ME_URL, json=user_answer())
    twitter.post(REVOKE_URL, json={"revoked": True})
    twitter.let_go, twitter.asked = let_go, asked
    return twitter


def exchanges(twitter):
    return len([call for call in twitter.calls if call.request.url == TOKEN_URL])


def twin_of(app, client):
    twin = app.test_client()
    twin._cookies.update(client._cookies)
    return twin


def test_the_loser_gets_the_winners_session(app, client, slow_twitter, rows):
    started = client.press_sign_in(next="/account")
    twin = twin_of(app, client)

    with ThreadPoolExecutor() as pool:
        first = pool.submit(client.come_back, state=started.state, code="c")
        assert slow_twitter.asked.wait(timeout=10)
        second = pool.submit(twin.come_back, state=started.state, code="c")
        slow_twitter.let_go.set()
        answers = [first.result(), second.result()]

    assert [(a.status_code, a.location) for a in answers] == [(303, "/account")] * 2
    assert exchanges(slow_twitter) == 1
    assert len(rows(Grant)) == 1
    assert twin.is_signed_in()


def test_a_loser_who_waited_in_vain_gets_a_page_that_reloads(
    app, client, slow_twitter, monkeypatch
):
    monkeypatch.setattr(round_trip, "TWIN_WAITS_SECONDS", 0.2)
    started = client.press_sign_in()
    twin = twin_of(app, client)

    with ThreadPoolExecutor() as pool:
        first = pool.submit(client.come_back, state=started.state, code="c")
        assert slow_twitter.asked.wait(timeout=10)
        page = twin.come_back(state=started.state, code="c")
        slow_twitter.let_go.set()
        first.result()
    reloaded = twin.come_back(state=started.state, code="c")

    assert (page.status_code, page.headers["Refresh"]) == (202, "1")
    assert "Signing you in" in page.text
    assert reloaded.status_code == 303
    assert exchanges(slow_twitter) == 1


def test_a_twin_whose_winner_died_is_told_so(app, client, clock, monkeypatch, rows):
    monkeypatch.setattr(round_trip, "TWIN_WAITS_SECONDS", 0.1)
    started = client.press_sign_in()
    app.extensions["perch"].claims.claim(started.state, "c", now=clock())
    at_first = client.come_back(state=started.state, code="c")
    clock.advance(seconds=18)

    later = client.come_back(state=started.state, code="c")

    assert (at_first.status_code, later.status_code) == (202, 400)
    assert "used already" in later.text


def test_a_twin_does_not_revive_a_grant_that_has_ended(app, client, kind_twitter):
    started = client.press_sign_in()
    twin = twin_of(app, client)
    client.come_back(state=started.state, code="c")
    client.press_log_out()

    page = twin.come_back(state=started.state, code="c")

    assert page.status_code == 400
    assert not twin.is_signed_in()


def test_a_grant_that_ends_while_its_twin_arrives_is_not_revived(app, client, kind_twitter):
    started = client.press_sign_in()
    twin = twin_of(app, client)
    client.come_back(state=started.state, code="c")
    app.extensions["perch"].people.find = lambda grant_id: None

    page = twin.come_back(state=started.state, code="c")

    assert page.status_code == 400


def test_a_twin_of_a_failed_sign_in_is_told_at_once(app, client, twitter):
    twitter.post(TOKEN_URL, json={"error": "invalid_grant"}, status=400)
    started = client.press_sign_in()
    twin = twin_of(app, client)
    client.come_back(state=started.state, code="c")

    page = twin.come_back(state=started.state, code="c")

    assert page.status_code == 400
    assert "used already" in page.text
    assert exchanges(twitter) == 1


def test_eight_identical_callbacks_send_the_code_once(app, client, kind_twitter, rows):
    started = client.press_sign_in()
    twins = [twin_of(app, client) for _ in range(8)]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda twin: twin.come_back(state=started.state, code="c"), twins))

    assert [answer.status_code for answer in answers] == [303] * 8
    assert exchanges(kind_twitter) == 1
    assert len(rows(Grant)) == 1


def test_two_first_sign_ins_at_once_make_one_person(app, kind_twitter, rows):
    from app.accounts.models import User

    browsers = [app.test_client() for _ in range(6)]

    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda browser: browser.sign_in(), browsers))

    assert [answer.status_code for answer in answers] == [303] * 6
    assert len(rows(User)) == 1
    assert len(rows(Grant)) == 6
