"""Everything that may come back instead of a good callback: calm pages, nothing half signed in."""

from urllib.parse import quote

import pytest

from app.accounts.models import Session, UsedState, User
from app.auth.pending_sign_ins import PendingSignIn
from tests.factories import ME_PATH, TOKEN_PATH
from tests.stores import age_used_states

pytestmark = pytest.mark.core


@pytest.fixture
def nothing_happened(kind_twitter, rows):
    """Check that Twitter was never asked, and no row was stored."""

    def check(client):
        assert kind_twitter.calls_to(TOKEN_PATH) == []
        assert rows(Session) == rows(User) == []
        assert not client.is_signed_in()

    return check


@pytest.fixture
def seal(app, clock):
    """Seal a pending sign-in into its cookie, as only the site itself can."""

    def seal(client, **changes):
        fields = {"state": "s", "code_verifier": "v" * 43, "next": "/", "scopes": ("tweet.read",)}
        pending = PendingSignIn(**fields | changes)
        cookies = app.extensions["flow_cookies"]
        sealed = cookies._ring.encrypt_at_time(pending.to_json(), int(clock().timestamp()))
        client.set_cookie(cookies._name(pending.state), sealed.decode(), domain="127.0.0.1")

    return seal


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"code": "c"},
        {"state": "", "code": "c"},
        {"state": "never-sent-by-us", "code": "c"},
        {"state": "s" * 10_000, "code": "c"},
        {"state": "a\x00b\r\nSet-Cookie: x=y\u202e", "code": "c"},
        {"error": "access_denied", "state": "forged"},
    ],
)
def test_callback_refuses_a_state_it_never_sent(client, nothing_happened, query):
    client.press_sign_in()

    page = client.come_back(**query)

    assert page.status_code == 400
    assert "This sign-in cannot be finished" in page.text
    assert "Sign in with Twitter" in page.text
    nothing_happened(client)


@pytest.mark.parametrize("length, status", [(500, 303), (501, 400)])
def test_a_state_longer_than_twitter_takes_is_refused(client, kind_twitter, seal, length, status):
    seal(client, state="s" * length)

    assert client.come_back(state="s" * length, code="c").status_code == status


def test_an_error_with_a_forged_state_does_not_cancel_the_real_sign_in(client, kind_twitter):
    started = client.press_sign_in()
    client.come_back(error="access_denied", state="forged")

    answer = client.come_back(state=started.state, code="c")

    assert answer.status_code == 303


def test_a_code_pasted_into_another_browser_is_refused(app, client, nothing_happened):
    attacker, victim = client, app.test_client()
    started = attacker.press_sign_in()
    victim.press_sign_in()

    page = victim.come_back(state=started.state, code="the-attackers-code")

    assert page.status_code == 400
    nothing_happened(victim)


def test_a_flow_cookie_under_another_name_is_refused(client, nothing_happened):
    one, other = client.press_sign_in(), client.press_sign_in()
    first, second = client.flow_cookies()
    client.set_cookie(first.key, second.value, domain="127.0.0.1")
    client.set_cookie(second.key, first.value, domain="127.0.0.1")

    pages = [client.come_back(state=started.state, code="c") for started in (one, other)]

    assert [page.status_code for page in pages] == [400, 400]
    nothing_happened(client)


def test_a_flow_cookie_that_was_changed_is_refused(client, nothing_happened):
    started = client.press_sign_in()
    [cookie] = client.flow_cookies()
    client.set_cookie(cookie.key, cookie.value[:-8] + "A" * 8, domain="127.0.0.1")

    page = client.come_back(state=started.state, code="c")

    assert page.status_code == 400
    nothing_happened(client)


def test_a_start_deletes_flow_cookies_that_are_not_ours(client):
    client.set_cookie("flow-8000-000000000000", "garbage", domain="127.0.0.1")

    client.press_sign_in()

    assert len(client.flow_cookies()) == 1
    assert "flow-8000-000000000000" not in {cookie.key for cookie in client.flow_cookies()}


# Ten minutes, and four by which the clocks of two machines may differ.
@pytest.mark.parametrize("seconds, status", [(840, 303), (841, 400), (-840, 303), (-841, 400)])
def test_a_flow_cookie_of_another_time_is_refused(client, clock, kind_twitter, seconds, status):
    clock.moment = clock.moment.replace(microsecond=0)
    started = client.press_sign_in()
    clock.advance(seconds=seconds)

    page = client.come_back(state=started.state, code="c")

    assert page.status_code == status
    assert client.is_signed_in() == (status == 303)


def test_replaying_callback_and_cookie_after_the_sign_in_is_refused(
    app, client, kind_twitter, rows
):
    started = client.press_sign_in()
    thief = client.twin()
    client.come_back(state=started.state, code="c")
    age_used_states(app, seconds=31)

    page = thief.come_back(state=started.state, code="c")

    assert page.status_code == 400
    assert "used already" in page.text
    assert not thief.is_signed_in()
    assert len(rows(Session)) == 1


def test_a_state_stays_used_as_long_as_its_cookie_lives(app, client, kind_twitter, rows, clock):
    started = client.press_sign_in()
    thief = client.twin()
    client.come_back(state=started.state, code="c")
    clock.advance(minutes=9, seconds=59)
    age_used_states(app, minutes=9, seconds=59)
    app.test_cli_runner().invoke(args=["prune"])

    page = thief.come_back(state=started.state, code="c")

    assert page.status_code == 400
    assert len(rows(Session)) == 1


def test_an_old_callback_leads_a_signed_in_person_home(client, kind_twitter):
    started = client.press_sign_in()
    client.come_back(state=started.state, code="c")

    page = client.come_back(state=started.state, code="c")

    assert page.status_code == 400
    assert "Go to the start page" in page.text
    assert client.is_signed_in()


def test_an_old_cookie_with_another_code_is_refused_at_once(client, kind_twitter, rows):
    started = client.press_sign_in()
    thief = client.twin()
    client.come_back(state=started.state, code="c")

    page = thief.come_back(state=started.state, code="another")

    assert page.status_code == 400
    assert not thief.is_signed_in()
    assert len(rows(Session)) == 1


@pytest.mark.parametrize(
    "query",
    [
        "state={0}&state={0}&code=c",
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


@pytest.mark.parametrize("code", [None, "", "c" * 2049, "c\r\nd", "códe"])
def test_a_missing_or_impossible_code_is_refused(client, nothing_happened, code):
    started = client.press_sign_in()

    page = client.come_back(state=started.state, **({} if code is None else {"code": code}))

    assert page.status_code == 400
    assert "That is not an answer from Twitter" in page.text
    nothing_happened(client)


def test_denial_is_an_ordinary_ending_and_spends_the_state(client, nothing_happened):
    started = client.press_sign_in(next="/follows")

    page = client.come_back(state=started.state, code="c", error="access_denied")
    later = client.come_back(state=started.state, code="c")

    assert page.status_code == 200
    assert "Nothing was shared." in page.text
    assert 'value="/follows"' in page.text
    assert later.status_code == 400
    nothing_happened(client)


@pytest.mark.parametrize(
    "error, title",
    [
        ("invalid_scope", "Twitter did not let you through"),
        ("temporarily_unavailable", "Twitter is not answering"),
        ("<script>alert(1)</script>" + "e" * 5000, "Twitter did not let you through"),
        ("", "Twitter did not let you through"),
    ],
    ids=lambda text: text[:30],
)
def test_callback_survives_every_authorization_error(
    client, nothing_happened, caplog, error, title
):
    started = client.press_sign_in()

    page = client.come_back(state=started.state, error=error)

    assert page.status_code == 424
    assert f"<h1>{title}</h1>" in page.text
    assert "<script>" not in page.text + caplog.text
    assert "e" * 100 not in caplog.text
    nothing_happened(client)


@pytest.mark.parametrize(
    "iss", ["https://evil.example", "https://x.com.evil.example", "", "http://x.com"]
)
@pytest.mark.parametrize("answer", [{"code": "c"}, {"error": "access_denied"}], ids=str)
def test_an_iss_of_another_server_is_refused(client, nothing_happened, iss, answer):
    started = client.press_sign_in()

    page = client.come_back(state=started.state, iss=iss, **answer)

    assert page.status_code == 400
    assert "That is not an answer from Twitter" in page.text
    nothing_happened(client)


@pytest.mark.parametrize("iss", ["https://x.com", "https://api.x.com/"])
def test_the_right_iss_is_accepted(client, kind_twitter, iss):
    started = client.press_sign_in()

    answer = client.come_back(state=started.state, code="c", iss=iss)

    assert answer.status_code == 303


@pytest.mark.parametrize("method", ["head", "post"])
def test_other_methods_on_the_callback_spend_nothing(client, kind_twitter, rows, method):
    started = client.press_sign_in()
    query = {"state": started.state, "code": "c"}

    page = getattr(client, method)("/auth/callback", query_string=query)

    assert page.status_code in {400, 405}
    assert rows(UsedState) == []
    assert client.come_back(**query).status_code == 303


@pytest.mark.parametrize(
    "path, lands_on",
    [
        ("/f/é?q=ü", f"/f/{quote('é')}?q={quote('ü')}"),
        ("/\\evil.example", "/"),
        ("/auth/logout", "/"),
        ("https://evil.example/", "/"),
    ],
)
def test_next_leads_to_this_site_only(client, kind_twitter, path, lands_on):
    answer = client.sign_in(next=path)

    assert (answer.status_code, answer.location) == (303, lands_on)


def test_next_is_checked_at_the_start(client):
    started = client.press_sign_in(next="//evil.example")

    page = client.come_back(state=started.state, error="access_denied")

    assert "You cancelled" in page.text
    assert "evil.example" not in page.text


def test_next_is_checked_at_the_end(client, kind_twitter, seal):
    seal(client, state="s", next="//evil.example")

    answer = client.come_back(state="s", code="c")

    assert (answer.status_code, answer.location) == (303, "/")


def test_next_is_checked_at_the_end_of_a_superseded_sign_in(signed_in, kind_twitter, seal):
    seal(signed_in, state="s", next="//evil.example")
    kind_twitter.upsert("GET", ME_PATH, json={}, status=401)  # a newer sign-in ended its tokens

    superseded = signed_in.come_back(state="s", code="c")
    answer = signed_in.come_back(state="s", code="c")

    assert superseded.status_code == 202
    assert (answer.status_code, answer.location) == (303, "/")
