"""Everything that may come back instead of a good callback: calm pages, nothing half signed in."""

import pytest

from app.accounts.models import Grant, UsedState, User
from tests.factories import TOKEN_URL


@pytest.fixture
def nothing_happened(kind_twitter, rows):
    """Check that Twitter was never asked and nobody was stored."""

    def check(client):
        assert [call for call in kind_twitter.calls if call.request.url == TOKEN_URL] == []
        assert rows(Grant) == []
        assert rows(User) == []
        assert not client.is_signed_in()

    return check


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"code": "c"},
        {"state": "", "code": "c"},
        {"state": "never-sent-by-us", "code": "c"},
        {"state": "s" * 501, "code": "c"},
        {"state": "s" * 10_000, "code": "c"},
        {"state": "\u202estate", "code": "c"},
        {"state": "a\x00b\r\nSet-Cookie: x=y", "code": "c"},
        {"error": "access_denied", "state": "forged"},
        {"error": "access_denied"},
    ],
)
def test_callback_refuses_a_state_it_never_sent(client, nothing_happened, query):
    client.press_sign_in()

    page = client.come_back(**query)

    assert page.status_code == 400
    assert "This sign-in cannot be finished" in page.text
    assert "Sign in with Twitter" in page.text
    nothing_happened(client)


def test_an_error_with_a_forged_state_does_not_cancel_the_real_sign_in(client, kind_twitter):
    started = client.press_sign_in()
    client.come_back(error="access_denied", state="forged")

    answer = client.come_back(state=started.state, code="c")

    assert answer.status_code == 303


def test_a_state_of_another_browser_is_refused(app, client, nothing_happened):
    victim, attacker = client, app.test_client()
    started = attacker.press_sign_in()
    victim.press_sign_in()

    page = victim.come_back(state=started.state, code="the-attackers-code")

    assert page.status_code == 400
    nothing_happened(victim)


def test_a_code_pasted_into_another_browser_is_refused(app, client, nothing_happened):
    started = client.press_sign_in()

    page = app.test_client().come_back(state=started.state, code="c")

    assert page.status_code == 400
    nothing_happened(client)


def test_a_flow_cookie_under_another_name_is_refused(client, nothing_happened):
    one, other = client.press_sign_in(), client.press_sign_in()
    names = [cookie.key for cookie in client._cookies.values() if cookie.key.startswith("flow-")]
    values = [client.get_cookie(name, domain="127.0.0.1").value for name in names]
    for name, value in zip(names, reversed(values), strict=True):
        client.set_cookie(name, value, domain="127.0.0.1")

    pages = [client.come_back(state=started.state, code="c") for started in (one, other)]

    assert [page.status_code for page in pages] == [400, 400]
    nothing_happened(client)


def test_a_flow_cookie_that_was_changed_is_refused(client, nothing_happened):
    started = client.press_sign_in()
    [cookie] = [c for c in client._cookies.values() if c.key.startswith("flow-")]
    changed = cookie.value[:-8] + ("A" * 8)
    client.set_cookie(cookie.key, changed, domain="127.0.0.1")

    page = client.come_back(state=started.state, code="c")

    assert page.status_code == 400
    nothing_happened(client)


def test_flow_cookies_that_are_none_of_ours_are_swept_away(client):
    client.set_cookie("flow-000000000000", "garbage", domain="127.0.0.1")

    client.press_sign_in()

    names = [cookie.key for cookie in client._cookies.values() if cookie.key.startswith("flow-")]
    assert len(names) == 1
    assert "flow-000000000000" not in names


def test_a_sign_in_older_than_ten_minutes_is_refused(client, clock, nothing_happened):
    started = client.press_sign_in()
    clock.advance(minutes=10, seconds=1)

    page = client.come_back(state=started.state, code="c")

    assert page.status_code == 400
    nothing_happened(client)


def test_replaying_callback_and_cookie_after_the_sign_in_is_refused(app, kind_twitter, rows, clock):
    thief, person = app.test_client(), app.test_client()
    started = person.press_sign_in()
    thief._cookies.update(person._cookies)
    person.come_back(state=started.state, code="c")
    clock.advance(seconds=31)

    page = thief.come_back(state=started.state, code="c")

    assert page.status_code == 400
    assert "used already" in page.text
    assert not thief.is_signed_in()
    assert len(rows(Grant)) == 1


def test_an_old_callback_opened_again_by_a_signed_in_person_leads_home(client, kind_twitter):
    started = client.press_sign_in()
    client.come_back(state=started.state, code="c")

    page = client.come_back(state=started.state, code="c")

    assert page.status_code == 400
    assert "Go to the start page" in page.text
    assert client.is_signed_in()


def test_an_old_cookie_with_another_code_is_refused_at_once(app, kind_twitter, rows):
    thief, person = app.test_client(), app.test_client()
    started = person.press_sign_in()
    thief._cookies.update(person._cookies)
    person.come_back(state=started.state, code="c")

    page = thief.come_back(state=started.state, code="another")

    assert page.status_code == 400
    assert not thief.is_signed_in()
    assert len(rows(Grant)) == 1


@pytest.mark.parametrize(
    "query",
    [
        "state={0}&state={0}&code=c",
        "state={0}&state=other&code=c",
        "state={0}&code=c&code=d",
        "state={0}&error=access_denied&error=server_error",
        "state={0}&code=c&iss=https://x.com&iss=https://x.com",
    ],
)
def test_a_parameter_that_comes_twice_is_refused(client, nothing_happened, query):
    started = client.press_sign_in()

    page = client.get(f"/auth/callback?{query.format(started.state)}")

    assert page.status_code == 400
    nothing_happened(client)


@pytest.mark.parametrize("code", [None, "", "c" * 2049, "c\x00", "c\r\nd", "códe", "\u202ec"])
def test_a_missing_or_impossible_code_is_refused(client, nothing_happened, code):
    started = client.press_sign_in()

    page = client.come_back(state=started.state, **({} if code is None else {"code": code}))

    assert page.status_code == 400
    assert "That is not an answer from Twitter" in page.text
    nothing_happened(client)


def test_code_and_error_together_count_as_an_error(client, nothing_happened):
    started = client.press_sign_in()

    page = client.come_back(state=started.state, code="c", error="access_denied")

    assert "You cancelled" in page.text
    nothing_happened(client)


def test_denial_is_an_ordinary_ending(client, nothing_happened):
    started = client.press_sign_in(next="/spaces")

    page = client.come_back(state=started.state, error="access_denied")

    assert page.status_code == 200
    assert "Nothing was shared." in page.text
    assert 'value="/spaces"' in page.text
    nothing_happened(client)


def test_a_state_that_came_back_denied_is_spent(client, nothing_happened):
    started = client.press_sign_in()
    client.come_back(state=started.state, error="access_denied")

    page = client.come_back(state=started.state, code="c")

    assert page.status_code == 400
    nothing_happened(client)


# RFC 6749 §4.1.2.1, word for word (access_denied is a denial), and what nobody ever specified.
AUTHORIZATION_ERRORS = [
    "invalid_request",
    "unauthorized_client",
    "unsupported_response_type",
    "invalid_scope",
    "server_error",
    "temporarily_unavailable",
    "<script>alert(1)</script>",
    "",
    "e" * 5000,
]


@pytest.mark.parametrize("error", AUTHORIZATION_ERRORS)
def test_callback_survives_every_authorization_error(client, nothing_happened, error, caplog):
    started = client.press_sign_in()

    page = client.come_back(state=started.state, error=error)

    assert page.status_code == 424
    assert "<script>" not in page.text
    assert "<script>" not in caplog.text
    assert "e" * 100 not in caplog.text
    nothing_happened(client)


@pytest.mark.parametrize(
    "iss", ["https://evil.example", "https://x.com.evil.example", "", "x.com", "http://x.com"]
)
def test_an_iss_of_somebody_else_is_refused(client, nothing_happened, iss):
    started = client.press_sign_in()

    page = client.come_back(state=started.state, code="c", iss=iss)

    assert page.status_code == 400
    nothing_happened(client)


@pytest.mark.parametrize("iss", ["https://x.com", "https://api.x.com", "https://x.com/"])
def test_the_right_iss_is_accepted(client, kind_twitter, iss):
    started = client.press_sign_in()

    answer = client.come_back(state=started.state, code="c", iss=iss)

    assert answer.status_code == 303


@pytest.mark.parametrize("method", ["head", "post", "put", "delete", "patch"])
def test_other_methods_on_the_callback_spend_nothing(client, kind_twitter, rows, method):
    started = client.press_sign_in()
    query = {"state": started.state, "code": "c"}

    page = getattr(client, method)("/auth/callback", query_string=query)

    assert page.status_code in {400, 405}
    assert rows(UsedState) == []
    assert client.come_back(**query).status_code == 303


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https:evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "/\tevil",
        "/\n/evil.example",
        "/a\x00b",
        "/\u202e",
        "///evil.example",
        " //evil.example",
        "evil",
        "/" + "a" * 513,
        "/auth/logout",
        "/auth/callback?state=x",
        "//[",
        "",
    ],
)
def test_next_leads_to_this_site_only(client, kind_twitter, path):
    answer = client.sign_in(next=path)

    assert (answer.status_code, answer.location) == (303, "/")


@pytest.mark.parametrize("path", ["/", "/tweets", "/spaces/lookup?ids=1,2&x=%2F%2Fy", "/f/é"])
def test_next_keeps_a_path_of_ours(client, kind_twitter, path):
    answer = client.sign_in(next=path)

    assert answer.location.replace("%C3%A9", "é") == path
