"""The cookies that say who a browser is: other clocks, other keys, other sites on the host."""

import re
import time

import pytest
from itsdangerous import TimestampSigner

from tests.factories import PUBLIC_URL, build_config

pytestmark = pytest.mark.core

DAY = 24 * 3600


@pytest.fixture
def signing_clock(monkeypatch):
    """Let cookies be signed and read by a clock that is so many seconds off."""

    def off_by(seconds):
        moment = int(time.time()) + seconds
        monkeypatch.setattr(TimestampSigner, "get_timestamp", lambda _self: moment)

    return off_by


def names_set(answer):
    return {cookie.partition("=")[0] for cookie in answer.headers.getlist("Set-Cookie")}


def other_machine(build_app, browser, **settings):
    """Return the same browser as the next machine sees it, on the same database."""
    return build_app(**settings).test_client().with_cookies_of(browser)


# Clocks


@pytest.mark.parametrize("seconds", [-1, -7200, 7200], ids=["a-second-behind", "behind", "ahead"])
def test_a_machine_with_another_clock_knows_the_browser(
    build_app, signed_in, signing_clock, seconds
):
    signing_clock(seconds)
    browser = other_machine(build_app, signed_in)

    assert browser.get("/account").status_code == 200
    assert browser.press("/account/browsers/end-others").status_code == 303
    assert browser.press_log_out().status_code == 303


def test_the_row_says_how_old_a_sign_in_may_be(signed_in, clock, signing_clock):
    signing_clock(400 * DAY)
    first = signed_in.is_signed_in()

    clock.advance(days=31)

    assert (first, signed_in.is_signed_in()) == (True, False)


@pytest.mark.parametrize("seconds", [-1, 1])
def test_a_form_is_taken_by_a_machine_with_another_clock(build_app, client, signing_clock, seconds):
    token = client.csrf_token()
    signing_clock(seconds)

    answer = other_machine(build_app, client).post("/auth/login", data={"csrf_token": token})

    assert answer.status_code == 303


# A cookie that this machine cannot read


@pytest.fixture
def elsewhere(build_app, signed_in):
    """Wren's browser at a machine that does not have the key of its session yet."""
    return other_machine(build_app, signed_in, SECRET_KEY="another-key-that-has-not-arrived-there")


@pytest.mark.parametrize("path", ["/", "/account", "/nowhere", "/auth/callback?state=x&code=y"])
def test_a_page_leaves_a_session_cookie_alone_that_it_cannot_read(elsewhere, path):
    page = elsewhere.get(path)

    assert names_set(page) <= {"visit-8000"}


def test_a_visitor_whose_session_cannot_be_read_can_sign_in(elsewhere, kind_twitter):
    elsewhere.sign_in()

    assert elsewhere.is_signed_in()


def test_logging_out_deletes_a_session_cookie_that_cannot_be_read(elsewhere):
    elsewhere.press("/auth/logout", page="/")

    assert elsewhere.session_cookie() is None


def test_a_foreign_form_leaves_the_session_alone(app, signed_in):
    """A browser sends no Lax cookie with a form of another site, and keeps those of the answer."""
    answers = [app.test_client().post(path) for path in ("/auth/login", "/auth/logout", "/follows")]

    assert {answer.status_code for answer in answers} == {400}
    assert {name for answer in answers for name in names_set(answer)} <= {"visit-8000"}


def test_the_visit_cookie_signs_in_no_browser(app, signed_in):
    browser = app.test_client()
    browser.set_cookie("visit-8000", signed_in.session_cookie(), domain="127.0.0.1")

    assert not browser.is_signed_in()


# Late answers


def test_only_a_sign_in_and_a_logout_write_the_session_cookie(signed_in, kind_twitter):
    presses = [
        signed_in.press("/follows", user_id="1002", next="/"),
        signed_in.press("/account/browsers/end-others"),
        signed_in.press("/", refresh="tweets"),
        signed_in.get("/account"),  # tells what is to be told once
    ]
    written = [names_set(answer) & {"session-8000"} for answer in presses]

    assert written == [set()] * 4
    assert "session-8000" in names_set(signed_in.sign_in())
    assert "session-8000" in names_set(signed_in.press_log_out())


# Names


def test_cookies_of_other_apps_on_the_host_are_not_ours(signed_in):
    for name in ("session", "flow-8001-000000000000", "session-8001", "visit-8001", "flow-8000-x"):
        signed_in.set_cookie(name, "theirs", domain="127.0.0.1")

    answers = [signed_in.get("/account"), signed_in.sign_in(), signed_in.press_log_out()]

    assert answers[0].status_code == 200
    names = set().union(*map(names_set, answers))
    assert all(re.fullmatch(r"(session|visit)-8000|flow-8000-[0-9a-f]{12}", name) for name in names)


def test_two_sites_on_two_ports_share_no_cookie(build_app, signed_in, kind_twitter):
    other = "http://127.0.0.1:8001"
    app = build_app(PUBLIC_URL=other)
    pages = app.test_client().with_cookies_of(signed_in)
    home = pages.open("/", base_url=other)
    signed_in.with_cookies_of(pages)

    assert "Sign in with" in home.text
    assert names_set(home) == {"visit-8001"}
    assert signed_in.is_signed_in()


@pytest.mark.parametrize(
    "url, prefix, suffix",
    [
        ("https://birds.example", "__Host-", ""),
        ("https://birds.example:8443", "__Host-", "-8443"),
        ("http://127.0.0.1", "", "-80"),
        (PUBLIC_URL, "", "-8000"),
    ],
)
def test_names_carry_the_port(tmp_path, url, prefix, suffix):
    from app.web.cookie_names import cookie_name

    config = build_config(tmp_path, PUBLIC_URL=url)

    assert cookie_name(config, "session") == f"{prefix}session{suffix}"
