"""Every exception has its page: what happened, whose matter it is, one button, and no secret."""

import re

import pytest
from sqlalchemy.exc import OperationalError

from app import error_pages
from app.accounts import errors as account_errors
from app.auth import errors as auth_errors
from app.error_pages import (
    NOT_IN_OWN_PLAN,
    PAGES,
    SIGNED_IN_ALREADY,
    STILL_SIGNED_IN,
    page_of,
)
from app.twitter import errors as twitter_errors
from app.twitter.dialect import Permission

ALL_PAGES = [*PAGES.values(), NOT_IN_OWN_PLAN, SIGNED_IN_ALREADY, STILL_SIGNED_IN]


def family(root):
    return [root, *(kind for child in root.__subclasses__() for kind in family(child))]


ALL = [
    *family(auth_errors.SignInError)[1:],
    *family(twitter_errors.TwitterError)[1:],
    *family(account_errors.AccountError)[1:],
]


def raised(kind):
    return kind("test") if kind is not twitter_errors.Limited else kind("test", until=None)


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_every_error_of_ours_has_a_row(kind):
    assert page_of(raised(kind)) is not PAGES[Exception]


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_every_error_renders_a_calm_page(app, client, kind):
    def fail():
        raise raised(kind)

    app.view_functions["pages.home"] = fail

    page = client.get("/")

    assert page.status_code == PAGES[next(k for k in kind.__mro__ if k in PAGES)].status
    assert page.status_code != 500
    assert "Traceback" not in page.text
    assert page.headers["X-Request-ID"] in page.text


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: page.text[:40])
def test_every_page_says_one_sentence(page):
    assert re.fullmatch(r"[A-Z][^.!?;]+\.", page.text)


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: page.text[:40])
def test_every_page_has_one_button_or_looks_again_by_itself(app, page):
    with app.test_request_context("/spaces"):
        app.preprocess_request()
        button = error_pages._button(page, Exception())

    assert (button is None) == (page.refresh_seconds is not None)


def test_the_drawing_tells_whose_matter_it_is(app, client):
    drawings = {}
    for kind in (auth_errors.NotOurs, twitter_errors.Unreachable, twitter_errors.Busy):

        def fail(kind=kind):
            raise raised(kind)

        app.view_functions["pages.home"] = fail
        page = client.get("/").text
        whose = re.search(r'class="error" data-whose="(\w+)"', page)[1]
        drawings[whose] = re.search(r'<svg class="drawing".+?</svg>', page, re.DOTALL)[0]

    assert drawings.keys() == {"you", "twitter", "us"}
    assert len(set(drawings.values())) == 3


@pytest.mark.parametrize(
    "permission, field, label",
    [
        (Permission.READ_SPACES, 'name="ask" value="read_spaces"', "Grant it at Twitter"),
        (None, 'name="next" value="/"', "Sign in with Twitter"),
    ],
)
def test_a_missing_permission_is_asked_for_if_it_is_known(app, client, permission, field, label):
    def fail():
        raise twitter_errors.PermissionMissing("about:blank", permission=permission)

    app.view_functions["pages.home"] = fail

    page = client.get("/").text

    assert field in page
    assert f'<button class="button">{label}</button>' in page
    assert ('name="ask"' in page) == (permission is not None)


def test_only_our_own_trouble_is_a_5xx():
    ours = {twitter_errors.Busy.__name__, "SQLAlchemyError", "Exception"}

    assert {kind.__name__ for kind, page in PAGES.items() if page.status >= 500} == ours


def test_a_bug_shows_no_details_and_is_logged_with_its_number(app, client, caplog):
    def fail():
        raise RuntimeError("the cat is in the hedge")

    app.view_functions["pages.home"] = fail

    page = client.get("/")

    assert page.status_code == 500
    assert "the cat" not in page.text
    assert "the cat" in caplog.text


def test_a_database_that_is_away_gets_503_and_a_time(app, client, kind_twitter):
    client.sign_in()

    def fail(*_args):
        raise OperationalError("SELECT", {}, Exception("gone"))

    app.extensions["perch"].people.find = fail

    page = client.get("/account")

    assert page.status_code == 503
    assert page.headers["Retry-After"] == "5"
    assert "nothing was changed" in page.text


def test_a_page_that_cannot_be_drawn_still_says_something(app, client, monkeypatch):
    def fail(*_args, **_kwargs):
        raise RuntimeError("no templates")

    monkeypatch.setattr(error_pages, "render_template", fail)

    page = client.get("/nowhere")

    assert page.status_code == 404
    assert "There is nothing here" in page.text
    assert page.headers["X-Request-ID"] in page.text


def test_the_page_of_a_limit_says_when_it_lifts(app, client, clock):
    from datetime import timedelta

    def fail():
        raise twitter_errors.Limited("limited", until=clock() + timedelta(minutes=9))

    app.view_functions["pages.home"] = fail

    page = client.get("/")

    assert page.status_code == 429
    assert page.headers["Retry-After"] == "540"
    assert "too much of Twitter for now, and you can try again from <time" in page.text


@pytest.mark.parametrize("path", ["/nowhere", "/static/none.css"])
def test_an_unknown_address_gets_a_calm_404(client, path):
    page = client.get(path)

    assert page.status_code == 404
    assert "There is nothing here" in page.text


def away(*_args):
    raise OperationalError("SELECT", {}, Exception("gone\nDETAIL: Key (id)=(secret) exists"))


@pytest.mark.parametrize("path", ["/", "/account", "/nowhere"])
def test_signed_in_people_get_a_whole_page_while_the_database_is_away(
    app, client, kind_twitter, path, caplog
):
    client.sign_in()
    app.extensions["perch"].people.find = away

    page = client.get(path)

    assert page.status_code in {404, 503}
    assert "independent software" in page.text
    assert "cannot be drawn" not in caplog.text
    assert "secret" not in caplog.text


def test_logging_out_cannot_fail(app, client, kind_twitter):
    client.sign_in()
    token = client.csrf_token("/account")
    services = app.extensions["perch"]
    find, services.people.find, services.browsers.log_out = services.people.find, away, away

    answer = client.post("/auth/logout", data={"csrf_token": token})
    services.people.find = find

    assert (answer.status_code, answer.location) == (303, "/")
    assert "You are logged out in this browser." in client.get("/").text
    assert not client.is_signed_in()


def test_a_limit_that_has_lifted_names_no_time(app, client, clock):
    from datetime import timedelta

    def fail():
        raise twitter_errors.Limited("limited", until=clock() - timedelta(days=9))

    app.view_functions["pages.home"] = fail

    page = client.get("/")

    assert page.status_code == 429
    assert "you can try again from" not in page.text


def test_who_declines_a_further_permission_goes_back_to_the_page(client, kind_twitter):
    client.sign_in()
    started = client.press_sign_in(ask="write_follows", next="/follows")

    page = client.come_back(state=started.state, error="access_denied")

    assert 'href="/follows">Go back</a>' in page.text
    assert client.is_signed_in()
