"""Every exception has its page: what happened, whose fault it is, one button, and no secret."""

import re
from datetime import timedelta

import pytest
from sqlalchemy.exc import OperationalError

from app import error_pages
from app.accounts import errors as account_errors
from app.auth import errors as auth_errors
from app.error_pages import page_of
from app.error_table import PAGES, SIGNED_IN_ALREADY, STILL_SIGNED_IN
from app.twitter import errors as twitter_errors
from app.twitter.dialect import Permission
from tests.factories import PUBLIC_URL

pytestmark = pytest.mark.core

ALL_PAGES = [*PAGES.values(), SIGNED_IN_ALREADY, STILL_SIGNED_IN]


def family(root):
    return [root, *(kind for child in root.__subclasses__() for kind in family(child))]


ALL = [
    *family(auth_errors.SignInError)[1:],
    *family(twitter_errors.TwitterError)[1:],
    *family(account_errors.AccountError)[1:],
]


@pytest.fixture
def page_after(app, client, monkeypatch):
    """Let the front page raise an error, and return what is shown instead."""

    def page_after(error):
        def fail():
            raise error

        monkeypatch.setitem(app.view_functions, "pages.home", fail)
        return client.get("/")

    return page_after


def away(*_args):
    raise OperationalError("SELECT", {}, Exception("gone\nDETAIL: Key (id)=(secret) exists"))


# The table


def test_every_error_of_ours_has_a_row():
    assert [kind for kind in ALL if page_of(kind("test")) is PAGES[Exception]] == []


def test_every_error_has_a_calm_page(page_after):
    pages = {kind: page_after(kind("test")) for kind in ALL}

    assert {kind: page.status_code for kind, page in pages.items()} == {
        kind: page_of(kind("test")).status for kind in ALL
    }
    named = {page.status_code: page.headers["X-Request-ID"] in page.text for page in pages.values()}
    # Where nothing went wrong, there is nothing to report.
    assert named == {status: status >= 400 for status in named}
    assert all("Traceback" not in page.text for page in pages.values())


def test_every_page_says_a_title_and_one_or_two_sentences():
    titles, texts = zip(*((p.message.title, p.message.text) for p in ALL_PAGES), strict=True)

    assert [title for title in titles if not re.fullmatch(r"[A-Z][^.!?;]+", title)] == []
    sentence = r"[A-Z][^.!?]+\."
    assert [text for text in texts if not re.fullmatch(f"{sentence}( {sentence})?", text)] == []


def test_every_page_has_one_button_or_looks_again_by_itself(app):
    with app.test_request_context("/follows"):
        app.preprocess_request()
        buttons = [error_pages._button(page, Exception()) for page in ALL_PAGES]

    assert [button is None for button in buttons] == [
        page.refresh_seconds is not None for page in ALL_PAGES
    ]


def test_only_our_own_trouble_is_a_5xx():
    ours = {twitter_errors.Busy.__name__, "SQLAlchemyError", "Exception"}

    assert {kind.__name__ for kind, page in PAGES.items() if page.status >= 500} == ours


# What a page says


def test_a_page_says_whose_fault_it_is(page_after):
    pages = [
        page_after(error("test")).text
        for error in (auth_errors.NotOurs, twitter_errors.Unreachable, twitter_errors.Busy)
    ]

    faults = [re.search(r'class="error" data-fault="(\w+)"', page)[1] for page in pages]
    drawings = {re.search(r'<svg class="drawing".*?</svg>', page, re.DOTALL)[0] for page in pages}
    assert faults == ["you", "twitter", "us"]
    assert len(drawings) == 3


@pytest.mark.parametrize(
    "permission, asks, label",
    [
        (Permission.READ_FOLLOWS, ["read_follows"], "Grant it at Twitter"),
        (None, [], "Sign in with Twitter"),
    ],
)
def test_a_missing_permission_is_asked_for_if_it_is_known(page_after, permission, asks, label):
    page = page_after(twitter_errors.PermissionMissing("about:blank", permission=permission)).text

    assert re.findall(r'name="ask" value="(\w+)"', page) == asks
    assert 'name="next" value="/"' in page
    assert re.search(rf"<button\b[^>]*>{label}</button>", page)


@pytest.mark.parametrize("minutes, retry_after", [(9, "540"), (-9, None)])
def test_a_limit_says_when_it_lifts_until_it_has(page_after, clock, minutes, retry_after):
    until = clock() + timedelta(minutes=minutes)

    page = page_after(twitter_errors.RateLimited("limited", until=until))

    assert page.status_code == 429
    assert page.headers.get("Retry-After") == retry_after
    assert ("You can try again from <time" in page.text) == (minutes > 0)


def test_a_bug_shows_no_details_and_is_logged_with_its_number(page_after, caplog):
    page = page_after(RuntimeError("the cat is in the hedge"))

    assert page.status_code == 500
    assert page.headers["X-Request-ID"] in page.text
    assert "the cat" not in page.text
    assert "the cat" in caplog.text


def test_a_page_that_cannot_be_drawn_still_says_something(client, monkeypatch):
    def fail(*_args, **_kwargs):
        raise RuntimeError("no templates")

    monkeypatch.setattr(error_pages, "render_template", fail)

    page = client.get("/nowhere")

    assert page.status_code == 404
    assert "There is nothing here" in page.text
    assert page.headers["X-Request-ID"] in page.text


def test_an_unknown_address_gets_a_calm_404(client):
    pages = [client.get(path) for path in ("/nowhere", "/static/none.css")]

    assert [page.status_code for page in pages] == [404, 404]
    assert all("There is nothing here" in page.text for page in pages)


# While the database is away


def test_a_database_that_is_away_gets_503_and_a_time(app, signed_in, caplog):
    app.extensions["perch"].people.find = away

    pages = [signed_in.get(path) for path in ("/", "/account")]
    elsewhere = signed_in.get("/nowhere")

    assert [page.status_code for page in (*pages, elsewhere)] == [503, 503, 404]
    assert [page.headers["Retry-After"] for page in pages] == ["5", "5"]
    assert all("nothing was changed" in page.text for page in pages)
    assert all("</footer>" in page.text for page in (*pages, elsewhere))
    assert "cannot be drawn" not in caplog.text
    assert "secret" not in caplog.text


# At the door


def test_a_refused_form_is_offered_again_without_its_values(client, kind_twitter):
    sent = {
        "next": "/people",
        "ask": "write_follows",
        "pending_action": "follow:1002",
        "csrf_token": "old",
    }
    page = client.post("/auth/login", data=sent)
    fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', page.text))

    answer = client.post("/auth/login", data=fields)

    assert page.status_code == 400
    assert {name for name, value in fields.items() if value} == {"csrf_token"}
    assert answer.status_code == 303
    assert "follows.write" not in answer.location


def test_a_refused_form_of_a_page_of_ours_keeps_where_it_led(client):
    sent = {
        "next": "/people",
        "ask": "write_follows",
        "pending_action": "follow:1002",
        "csrf_token": "old",
    }
    page = client.post("/auth/login", data=sent, headers={"Origin": PUBLIC_URL})
    fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', page.text))

    assert fields.keys() == {"csrf_token", "next", "ask"}
    assert (fields["next"], fields["ask"]) == ("/people", "write_follows")


@pytest.mark.parametrize("path", ["/auth/login", "/auth/logout", "/follows", "/account/disconnect"])
@pytest.mark.parametrize("refused_for", [400, 413])
def test_the_page_of_a_refused_form_holds_nothing_of_it(signed_in, path, refused_for):
    chosen = {
        "next": "/people/stranger",
        "ask": "write_follows",
        "pending_action": "follow:666:stranger",
    }
    chosen |= {"csrf_token": "a-strangers", "user_id": "stranger", "sure": "stranger"}
    if refused_for == 413:
        chosen["filling"] = "x" * 70_000

    page = signed_in.post(path, data=chosen, headers={"Origin": "https://evil.example"})

    assert page.status_code == refused_for
    assert [value for value in ("stranger", "write_follows") if value in page.text] == []


def test_a_declined_permission_leads_back_to_the_page(signed_in):
    started = signed_in.press_sign_in(ask="write_follows", next="/follows")

    page = signed_in.come_back(state=started.state, error="access_denied")

    assert "Nothing has changed, and you are signed in as before." in page.text
    assert re.search(r'<a\b[^>]*href="/follows">Go back</a>', page.text)
    assert signed_in.is_signed_in()
