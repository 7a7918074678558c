"""A permission that a fork adds, in one row: left out in the beta, which lacks it."""

from dataclasses import replace
from types import MappingProxyType, SimpleNamespace

import pytest

from app.doctor import storage
from app.doctor import twitter as doctor
from app.doctor.context import Context
from app.gateway import actions
from app.gateway.actions import ActionResult, PendingAction
from app.pages import queries
from app.pages.actions import perform
from app.pages.panels import PanelLoader
from app.twitter.dialect import Permission
from app.twitter.endpoints import FOLLOW
from app.twitter.errors import NotInPlan, PermissionMissing
from app.web import messages
from app.web.current_person import for_signed_in
from tests.dialects import in_both_dialects
from tests.factories import ME_PATH, REVOKE_PATH, TOKEN_PATH, user_answer

pytestmark = in_both_dialects


def add(monkeypatch, *, at_sign_in=False):
    """Add a row to the table, as a line of source would."""
    row = "write_tweets", "tweet.write", None, at_sign_in
    added = Permission.__new_member__(Permission, *row)
    added._name_ = "WRITE_TWEETS"
    monkeypatch.setattr(Permission, "_member_names_", [*Permission._member_names_, added._name_])
    monkeypatch.setitem(Permission._member_map_, added._name_, added)
    monkeypatch.setitem(Permission._value2member_map_, added.value, added)
    sentences = {**messages._PERMISSIONS, added: ("Post for you", "For drafts.")}
    monkeypatch.setattr(messages, "_PERMISSIONS", MappingProxyType(sentences))
    return added


@pytest.fixture
def posting(monkeypatch):
    """The permission to post, asked for when it is needed."""
    return add(monkeypatch)


@pytest.fixture
def post(monkeypatch, posting):
    """An action that needs it."""
    needs = (posting, Permission.READ_TWEETS, Permission.READ_USERS)
    endpoint = replace(FOLLOW, path="/tweets", needs=needs)  # both dialects have it
    monkeypatch.setattr(actions, "_REGISTRY", dict(actions._REGISTRY))
    return actions.register(
        actions.Action(
            name="post",
            endpoint=endpoint,
            send=lambda *_: ActionResult.DONE,
            deed="post {target}",
            done="Posted.",
            refused="Perhaps it is too long.",
        )
    )


@pytest.fixture
def browser(app, post, twitter):
    """A browser of a person without it, on a site with a page that posts."""

    @for_signed_in
    def pressed(person):
        return perform(person, post, "1")

    app.add_url_rule("/post", "post", pressed, methods=["POST"])
    twitter.post(TOKEN_PATH, json=twitter.token())
    twitter.get(ME_PATH, json=user_answer())
    twitter.post(REVOKE_PATH, json={"revoked": True})
    client = app.test_client()
    client.sign_in()
    return client


def test_a_sign_in_that_asks_for_it(browser, dialect):
    asked = browser.press_sign_in(ask="write_tweets").query["scope"].split()

    assert set(dialect.reads.split()) <= set(asked)
    assert ("tweet.write" in asked) == (dialect.name == "live")


def test_a_usual_sign_in_does_not_ask_for_it(browser, dialect):
    assert set(browser.press_sign_in().query["scope"].split()) == set(dialect.reads.split())


def test_every_page_of_an_account_without_it(browser):
    for path in ("/account", "/account/sign-in", "/account/export", "/how-it-works", "/"):
        page = browser.get(path)

        assert page.status_code == 200
        assert "Post for you" not in page.text


def test_every_page_of_an_account_with_it(browser, twitter, dialect):
    twitter.upsert("POST", TOKEN_PATH, json=twitter.token(scope=dialect.granted("tweet.write")))
    browser.sign_in(ask="write_tweets")

    is_live = dialect.name == "live"  # elsewhere it is a scope that this site does not know
    assert ("<li>Post for you" in browser.get("/account").text) == is_live
    assert ("Post for you" in browser.get("/account/sign-in").text) == is_live
    assert "tweet.write" in browser.get("/account/export").text


@pytest.fixture
def asked_at_sign_in(monkeypatch):
    """The permission to post, asked for by every sign-in. Named before `app`, which reads it."""
    add(monkeypatch, at_sign_in=True)


def test_one_that_every_sign_in_asks_for(asked_at_sign_in, app, kind_twitter, dialect):
    browser, is_live = app.test_client(), dialect.name == "live"

    assert ("Post for you" in browser.get("/").text) == is_live
    assert ("tweet.write" in browser.get("/how-it-works").text) == is_live
    assert ("tweet.write" in browser.press_sign_in().query["scope"]) == is_live
    browser.sign_in()
    # Twitter did not grant it, and the account page offers to ask again.
    assert ("Post for you" in browser.get("/account").text) == is_live
    context = Context(app)
    with app.app_context():
        assert ("tweet.write" in doctor._scopes(context)) == is_live
        assert storage.scopes(context).status == ("failed" if is_live else "ok")


def test_an_action_asks_for_it_only_where_that_helps(browser, dialect):
    page = browser.press("/post", next="/account")

    if dialect.name == "live":
        assert 'name="ask" value="write_tweets"' in page.text
        assert "let it post for you" in page.text
    else:
        assert page.status_code == 303
        assert browser.flashed() == [
            "Not part of this site&#39;s plan. This site does not pay Twitter for this."
        ]


def test_a_call_without_it_is_not_made(app, browser, post, rows, dialect):
    services = app.extensions["perch"]
    caller = services.calls.for_user(1)

    assert not services.calls.may(caller, post.endpoint)
    expected = PermissionMissing if dialect.name == "live" else NotInPlan
    with pytest.raises(expected):
        services.calls.call(caller, post.endpoint, lambda _: pytest.fail("it was called"))


def test_a_panel_that_needs_it(app, browser, post, dialect):
    person = SimpleNamespace(scopes=frozenset(dialect.reads.split()), profile=None)
    query = queries.Query(endpoints=(post.endpoint,), fetch=lambda _: pytest.fail("it was read"))
    with app.test_request_context("/"):
        panel = PanelLoader.of(person)._ungranted(query)

    if dialect.name == "live":
        assert panel.trouble.ask == "write_tweets"
    else:
        assert (panel.trouble, panel.unavailable) == (None, "plan")


def test_a_pending_action_of_it_comes_through_the_sign_in(browser, post, twitter, dialect):
    pending = PendingAction(action=post, target_id="1")
    twitter.upsert("POST", TOKEN_PATH, json=twitter.token(scope=dialect.granted("tweet.write")))
    state = browser.press_sign_in(ask="write_tweets", pending_action=str(pending)).state

    assert browser.come_back(state=state, code="c").status_code == 303
    sentence = "Posted." if dialect.name == "live" else "you did not post"
    assert sentence in browser.flashed()[0]
