"""A callback without any cookie of ours: Twitter's app answered in a browser of its own."""

import pytest

from app.accounts.models import Session, UsedState, User
from tests.factories import PUBLIC_URL, TOKEN_PATH

pytestmark = pytest.mark.core

TITLE = "<h1>This sign-in cannot be finished here</h1>"


@pytest.fixture
def app_browser(app):
    """The browser inside Twitter's app: it has never been here."""
    return app.test_client()


def is_the_page(page):
    return page.status_code == 400 and TITLE in page.text


@pytest.mark.parametrize("answer", [{"code": "c"}, {"error": "access_denied"}], ids=str)
def test_the_page_names_the_cause_and_both_ways_out(client, app_browser, answer):
    started = client.press_sign_in(next="/follows")

    page = app_browser.come_back(state=started.state, **answer)

    assert is_the_page(page)
    assert "perhaps Twitter&#39;s app answered in a browser of its own" in page.text
    assert "or cookies are blocked here" in page.text
    assert '<input type="hidden" name="next" value="/">' in page.text
    assert "private window" in page.text
    assert f"{PUBLIC_URL}/</b>" in page.text


def test_the_browser_that_came_up_can_start_again(client, app_browser, kind_twitter):
    page = app_browser.come_back(state=client.press_sign_in().state, code="c")
    token = page.text.partition('name="csrf_token" value="')[2].partition('"')[0]

    answer = app_browser.post("/auth/login", data={"csrf_token": token, "next": "/"})

    assert answer.status_code == 303
    assert app_browser.sign_in().status_code == 303
    assert app_browser.is_signed_in()


def test_a_reload_still_names_the_other_way_out(client, app_browser):
    query = {"state": client.press_sign_in().state, "code": "c"}
    app_browser.come_back(**query)

    again = app_browser.come_back(**query)

    assert "If Twitter's app takes over, open this site" in again.text
    assert "private window" in again.text


def test_the_browser_that_began_can_still_finish(client, app_browser, kind_twitter, rows):
    started = client.press_sign_in(next="/follows")
    app_browser.come_back(state=started.state, code="c")

    assert rows(UsedState) == []
    answer = client.come_back(state=started.state, code="c")

    assert (answer.status_code, answer.location) == (303, "/follows")
    assert client.is_signed_in()
    assert not app_browser.is_signed_in()


def test_the_browser_that_began_can_start_anew(client, app_browser, kind_twitter):
    app_browser.come_back(state=client.press_sign_in().state, code="c")

    assert client.sign_in().status_code == 303
    assert client.is_signed_in()


def test_an_attackers_callback_does_nothing_in_a_browser_without_cookies(
    client, app_browser, kind_twitter, rows
):
    """Login CSRF: the victim would write into the attacker's account."""
    attacker, victim = client, app_browser
    started = attacker.press_sign_in()

    page = victim.come_back(state=started.state, code="the-attackers-code")
    again = victim.come_back(state=started.state, code="the-attackers-code")

    assert is_the_page(page)
    assert again.status_code == 400
    assert kind_twitter.calls_to(TOKEN_PATH) == []
    assert rows(Session) == rows(User) == rows(UsedState) == []
    assert not victim.is_signed_in()
    assert started.state not in page.text
    assert "the-attackers-code" not in page.text


# Which cookies say that this browser was here before


@pytest.mark.parametrize("name", ["session-8000", "visit-8000", "flow-8000-0123456789ab"])
def test_a_browser_with_any_cookie_of_ours_came_too_late(client, name):
    client.set_cookie(name, "of another key or time", domain="127.0.0.1")

    page = client.come_back(state="s", code="c")

    assert not is_the_page(page)
    assert "more than ten minutes ago" in page.text


@pytest.mark.parametrize("name", ["session", "session-8001", "flow-8001-0123456789ab", "flow-8000"])
def test_cookies_of_other_sites_on_the_host_do_not_count(client, name):
    client.set_cookie(name, "theirs", domain="127.0.0.1")

    assert is_the_page(client.come_back(state="s", code="c"))


def test_a_sign_in_that_waited_too_long_is_no_other_browser(client, clock):
    started = client.press_sign_in()
    [flow_cookie] = client.flow_cookies()
    client.delete_cookie(flow_cookie.key, domain="127.0.0.1")  # browsers do so after ten minutes

    page = client.come_back(state=started.state, code="c")

    assert not is_the_page(page)
    assert page.status_code == 400


def test_on_https_the_host_cookies_count(build_app):
    url = "https://perch.example"
    client = build_app(PUBLIC_URL=url).test_client()
    query = {"state": "s", "code": "c"}

    stranger = client.get("/auth/callback", base_url=url, query_string=query)
    client.get("/", base_url=url)
    known = client.get("/auth/callback", base_url=url, query_string=query)

    assert is_the_page(stranger)
    assert not is_the_page(known)


@pytest.mark.parametrize("query", [{}, {"code": "c"}, {"state": "", "code": "c"}])
def test_an_address_without_a_state_is_no_answer_of_the_app(client, query):
    assert not is_the_page(client.come_back(**query))
