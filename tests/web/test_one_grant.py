"""Twitter keeps one living grant of each person; here are several browsers that share it.

The sandbox at its strictest stands for Twitter: an exchange ends the earlier grant at once, and a
revocation ends all that the person allowed. At the end of each test the right browsers are signed
in, and no token lives that no row holds.
"""

import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import update

from app.accounts import sign_in as sign_in_module
from app.accounts.models import Ending, Grant, Revocation, Session, User
from app.accounts.people import People
from app.accounts.people_by_name import people_named
from app.accounts.sessions import Sessions
from app.accounts.used_states import UsedStates
from app.auth import routes
from app.twitter.errors import Unreachable
from app.twitter.oauth import AuthorizationServer
from sandbox.testing import Sandbox
from tests.factories import PUBLIC_URL
from tests.stores import age_used_states, on_both_stores
from tests.waiting import until

pytestmark = pytest.mark.loopback


@pytest.fixture(scope="module")
def running():
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def x(running):
    running.reset()
    running.register_client(
        f"{PUBLIC_URL}/auth/callback",
        client_id="birdhouse",
        client_secret="a-secret-nest-among-the-leaves",
    )
    return running


@pytest.fixture
def build_site(build_app, x, apps):
    def build(**settings):
        at_x = {"TWITTER_AUTHORIZE_URL": x.authorize_url, "TWITTER_API_URL": x.api_url}
        return build_app(**at_x | {"CACHE_SECONDS": "0"} | settings)

    yield build
    for app in apps:
        app.extensions["perch"].outbox.wait(seconds=5)


@pytest.fixture
def app(build_site):
    return build_site()


@pytest.fixture
def sign_in(x):
    """Sign in with a browser, from the button to the session."""

    def go(browser, account="wren", **fields):
        return browser.get(way_back(x, browser, account, **fields))

    return go


@pytest.fixture
def phone(app):
    return app.test_client()


@pytest.fixture
def laptop(app):
    return app.test_client()


def way_back(x, browser, account="wren", **fields):
    """Press the button and say yes; return the callback that is still to come."""
    asked = browser.press_sign_in(**fields).url
    return x.say_yes(asked, account=account).removeprefix(PUBLIC_URL)


def reads(*browsers):
    """Tell of each browser whether it can read at Twitter; CACHE_SECONDS is 0."""
    pages = [browser.get("/tweets") for browser in browsers]
    return [page.status_code == 200 and "<article" in page.text for page in pages]


def living(x):
    """Count the tokens that Twitter still accepts."""
    return len([token for token in x.tokens() if token["state"] == "living"])


def delivered(app):
    app.extensions["perch"].outbox.wait(seconds=5)


def seconds_pass(clock, seconds):
    """Let time pass here; the clock of the store goes on by itself."""
    clock.advance(seconds=seconds)


class Hold:
    """Stops the first call (of `People.sign_in`, unless told otherwise) until `go` is set."""

    def __init__(self, monkeypatch, holder=People, name="sign_in"):
        self.reached, self.go = threading.Event(), threading.Event()
        self._once = threading.Lock()
        real = getattr(holder, name)

        def held(*args, **kwargs):
            if self._once.acquire(blocking=False):
                self.reached.set()
                assert self.go.wait(20)
            return real(*args, **kwargs)

        monkeypatch.setattr(holder, name, held)


class After:
    """Lets a call be done, and its caller wait until `go` is set. Only the first one."""

    def __init__(self, monkeypatch, holder, name):
        self.reached, self.go = threading.Event(), threading.Event()
        self._once = threading.Lock()
        real = getattr(holder, name)

        def done(*args, **kwargs):
            result = real(*args, **kwargs)
            if self._once.acquire(blocking=False):
                self.reached.set()
                assert self.go.wait(20)
            return result

        monkeypatch.setattr(holder, name, done)


# Signing in


def test_two_browsers_of_one_person_both_read(phone, laptop, sign_in, x, rows):
    sign_in(phone)
    sign_in(laptop)

    assert reads(phone, laptop) == [True, True]
    assert living(x) == 2
    assert len(rows(Grant)) == 1


def test_signing_in_again_in_one_browser_keeps_it_reading(phone, sign_in, x, rows):
    sign_in(phone)
    sign_in(phone)

    assert reads(phone) == [True]
    assert living(x) == 2
    assert [row["end_reason"] for row in rows(Session)].count("replaced") == 1


def test_a_permission_asked_for_in_one_browser_counts_in_all(phone, laptop, sign_in, x, rows):
    sign_in(phone)
    sign_in(laptop)

    sign_in(phone, ask="write_follows")

    assert reads(phone, laptop) == [True, True]
    assert ["follows.write" in row["scopes"] for row in rows(Grant)] == [True]


def test_an_action_is_performed_once_its_permission_is_granted(phone, laptop, sign_in, x):
    sign_in(laptop)
    sign_in(phone)
    heron = x.world.named("heron").id

    sign_in(phone, ask="write_follows", pending_action=f"unfollow:{heron}:heron")

    assert not x.world.follows.has(x.world.named("wren").id, heron)
    assert reads(phone, laptop) == [True, True]


def test_browsers_that_sign_in_at_the_same_instant_share_the_grant(app, x, rows):
    browsers = [app.test_client() for _ in range(6)]
    callbacks = [way_back(x, browser) for browser in browsers]

    with ThreadPoolExecutor(6) as pool:
        answers = list(
            pool.map(lambda pair: pair[0].get(pair[1]), zip(browsers, callbacks, strict=True))
        )

    signed_in = [
        b for b, answer in zip(browsers, answers, strict=True) if answer.status_code == 303
    ]
    assert {answer.status_code for answer in answers} <= {202, 303}
    assert signed_in
    assert all(reads(*signed_in))
    assert len([row for row in rows(Grant) if row["ended_at"] is None]) == 1
    assert living(x) == 2


@on_both_stores
def test_an_older_answer_never_overwrites_a_newer_one(phone, laptop, app, sign_in, x, monkeypatch):
    hold = Hold(monkeypatch)
    late = way_back(x, phone)

    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(phone.get, late)
        assert hold.reached.wait(10)
        sign_in(laptop)
        hold.go.set()
        answer = waiting.result()

    assert answer.status_code == 303
    assert reads(phone, laptop) == [True, True]
    assert living(x) == 2


@on_both_stores
def test_a_sign_in_that_waits_to_be_stored_is_no_older_for_it(
    phone, laptop, sign_in, x, monkeypatch
):
    sign_in(laptop)
    find, monotonic = sign_in_module.find, time.monotonic

    def a_minute_before(*args):
        found = find(*args)
        patched.setattr(time, "monotonic", lambda: monotonic() + 60)
        return found

    with monkeypatch.context() as patched:
        patched.setattr(sign_in_module, "find", a_minute_before)
        sign_in(phone)

    assert reads(phone, laptop) == [True, True]


def test_a_tab_that_was_overtaken_leads_on_to_where_the_browser_is_signed_in(phone, x, clock):
    first, second = way_back(x, phone, next="/follows"), way_back(x, phone)
    x.fault(path="/2/users/me", delay_seconds=1)

    with ThreadPoolExecutor() as pool:
        overtaken = pool.submit(phone.get, first)
        assert until(lambda: "/2/users/me" in [e["path"] for e in x.journal()])
        phone.get(second)
        answer = overtaken.result()

    assert answer.status_code == 202
    assert answer.headers["Refresh"] == "1"
    again = phone.get(first)
    assert (again.status_code, again.location) == (303, "/follows")
    assert "Another sign-in came first. You are signed in as @wren." in phone.get("/").text
    assert reads(phone) == [True]
    assert living(x) == 2


def test_a_tab_that_was_overtaken_says_that_its_action_was_not_performed(phone, sign_in, x):
    sign_in(phone)
    heron = x.world.named("heron").id
    first = way_back(x, phone, ask="write_follows", pending_action=f"unfollow:{heron}:heron")
    second = way_back(x, phone)
    x.fault(path="/2/users/me", delay_seconds=1)

    with ThreadPoolExecutor() as pool:
        overtaken = pool.submit(phone.get, first)
        assert until(lambda: [e["path"] for e in x.journal()].count("/2/users/me") > 1)
        phone.get(second)
        overtaken.result()
    phone.get(first)

    assert "so you did not unfollow @heron" in phone.get("/").text
    assert x.world.follows.has(x.world.named("wren").id, heron)


def test_a_tab_that_was_overtaken_from_elsewhere_offers_the_sign_in(app, phone, laptop, sign_in, x):
    first = way_back(x, phone)
    x.fault(path="/2/users/me", delay_seconds=1)

    with ThreadPoolExecutor() as pool:
        overtaken = pool.submit(phone.get, first)
        assert until(lambda: "/2/users/me" in [e["path"] for e in x.journal()])
        sign_in(laptop)
        answer = overtaken.result()
    waiting = phone.get(first)
    age_used_states(app, seconds=16)
    late = phone.get(first)

    assert [answer.status_code, waiting.status_code, late.status_code] == [202, 202, 400]
    assert "Sign in with Twitter" in late.text
    assert reads(laptop) == [True]


def test_another_account_in_one_browser_ends_that_browsers_session_only(
    phone, laptop, sign_in, rows
):
    sign_in(phone, "wren")
    sign_in(laptop, "wren")
    sign_in(phone, "robin")

    assert reads(phone, laptop) == [True, True]
    living_sessions = [row for row in rows(Session) if row["ended_at"] is None]
    assert len(living_sessions) == 2


# Refreshes beside sign-ins


def test_a_read_between_exchange_and_commit_ends_no_session(phone, laptop, sign_in, x, monkeypatch):
    sign_in(laptop)
    hold = Hold(monkeypatch)
    late = way_back(x, phone, ask="write_follows")

    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(phone.get, late)
        assert hold.reached.wait(10)
        between = laptop.get("/tweets")  # its token is dead, and so is its refresh token
        hold.go.set()
        waiting.result()

    assert between.status_code == 401
    assert reads(phone, laptop) == [True, True]
    assert living(x) == 2


def test_a_cancelled_permission_changes_nothing(phone, laptop, sign_in, x):
    sign_in(phone)
    sign_in(laptop)
    back = x.say_no(phone.press_sign_in(ask="write_follows").url).removeprefix(PUBLIC_URL)

    answer = phone.get(back)

    assert answer.status_code == 200
    assert reads(phone, laptop) == [True, True]
    assert living(x) == 2


def test_one_refresh_serves_all_browsers(phone, laptop, sign_in, x, clock, rows):
    sign_in(phone)
    sign_in(laptop)
    x.advance(7201)
    seconds_pass(clock, 7201)

    assert reads(phone, laptop) == [True, True]
    assert [row["generation"] for row in rows(Grant)] == [2]


def test_a_sign_in_is_no_refresh_for_the_guard_against_storms(phone, laptop, sign_in, x):
    sign_in(phone)
    sign_in(laptop)
    x.world.token_store.expire_access()

    assert reads(laptop) == [True]


def test_a_revocation_at_twitter_ends_every_browser(app, sign_in, x, rows):
    browsers = [app.test_client() for _ in range(3)]
    for browser in browsers:
        sign_in(browser)
    x.world.token_store.disconnect(x.world.named("wren").id, "birdhouse")

    pages = [browser.get("/tweets") for browser in browsers]

    assert [page.status_code for page in pages] == [401, 303, 303]
    assert {row["end_reason"] for row in rows(Session)} == {"refused"}
    assert rows(Revocation) == []


# Leaving


def test_a_logout_leaves_other_browsers_alone(phone, laptop, sign_in, x):
    sign_in(phone)
    sign_in(laptop)

    phone.press_log_out()

    assert "still signed in in another browser" in phone.get("/").text
    assert reads(laptop) == [True]
    assert living(x) == 2


def test_the_last_logout_leaves_no_living_token(phone, laptop, app, sign_in, x, rows):
    sign_in(phone)
    sign_in(laptop)
    phone.press_log_out()

    laptop.press_log_out()

    delivered(app)
    assert "access to your Twitter account has ended" in laptop.get("/").text
    assert living(x) == 0
    assert rows(Revocation) == []


def test_the_last_two_logouts_at_once_leave_no_living_token(phone, laptop, app, sign_in, x):
    sign_in(phone)
    sign_in(laptop)
    tokens = [browser.csrf_token("/account") for browser in (phone, laptop)]

    with ThreadPoolExecutor(2) as pool:
        pool.submit(phone.post, "/auth/logout", data={"csrf_token": tokens[0]})
        pool.submit(laptop.post, "/auth/logout", data={"csrf_token": tokens[1]})

    delivered(app)
    assert living(x) == 0


def test_a_sign_in_drops_what_waited_to_be_revoked(phone, app, sign_in, x, rows):
    sign_in(phone)
    x.fault(path="/2/oauth2/revoke", status=503, times=None)
    phone.press_log_out()
    delivered(app)
    waiting = len(rows(Revocation))

    sign_in(phone)
    x.clear_faults()

    assert waiting == 2
    assert rows(Revocation) == []
    assert app.extensions["perch"].outbox.deliver_next() is None
    assert reads(phone) == [True]


def test_a_logout_during_a_refresh_leaves_no_living_token(phone, app, sign_in, x, clock):
    sign_in(phone)
    token = phone.csrf_token("/account")
    x.advance(7201)
    seconds_pass(clock, 7201)
    x.fault(path="/2/oauth2/token", delay_seconds=1)

    with ThreadPoolExecutor() as pool:
        reading = pool.submit(phone.get, "/tweets")
        assert until(lambda: len([e for e in x.journal() if e["path"] == "/2/oauth2/token"]) > 1)
        phone.post("/auth/logout", data={"csrf_token": token})
        reading.result()

    delivered(app)
    assert living(x) == 0


def test_a_logout_in_one_browser_while_the_other_refreshes(phone, laptop, app, sign_in, x, clock):
    sign_in(phone)
    sign_in(laptop)
    token = phone.csrf_token("/account")
    x.advance(7201)
    seconds_pass(clock, 7201)
    x.fault(path="/2/oauth2/token", delay_seconds=0.5)

    with ThreadPoolExecutor() as pool:
        reading = pool.submit(laptop.get, "/tweets")
        phone.post("/auth/logout", data={"csrf_token": token})
        page = reading.result()

    delivered(app)
    assert page.status_code == 200
    assert reads(laptop) == [True]


def test_without_revoking_a_logout_keeps_the_grant_for_jobs(build_site, sign_in, x, rows):
    app = build_site(LOGOUT_REVOKES="off")
    browser = app.test_client()
    sign_in(browser)

    browser.press_log_out()

    delivered(app)
    assert "until you disconnect" in browser.get("/").text
    assert living(x) == 2
    assert [row["ended_at"] for row in rows(Grant)] == [None]


# Nothing that no browser reaches


def sessions_left(rows):
    return [row["end_reason"] for row in rows(Session) if row["ended_at"] is None]


@pytest.mark.parametrize("last_cookie", [0, 1], ids=["first", "second"])
def test_two_tabs_that_finish_at_once_leave_no_token_behind(phone, app, x, rows, last_cookie):
    callbacks = [way_back(x, phone), way_back(x, phone)]
    tabs = [phone, phone.twin()]  # the second leaves before the first one's cookie arrives
    for tab, callback in zip(tabs, callbacks, strict=True):
        tab.get(callback)

    kept = tabs[last_cookie]
    alone, read = len(sessions_left(rows)), reads(kept)
    kept.press_log_out()

    delivered(app)
    assert (alone, read) == (1, [True])
    assert living(x) == 0


def test_a_tab_that_is_stored_last_joins_the_other_one(phone, app, x, rows, monkeypatch):
    callbacks = [way_back(x, phone), way_back(x, phone)]
    tab, hold = phone.twin(), Hold(monkeypatch)
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(phone.get, callbacks[0])
        assert hold.reached.wait(10)
        tab.get(callbacks[1])
        hold.go.set()
        waiting.result()

    assert len(sessions_left(rows)) == 1
    assert reads(phone, tab) == [True, True]


def test_two_tabs_with_two_accounts_leave_the_later_one(phone, app, x, rows):
    callbacks = [way_back(x, phone), way_back(x, phone, account="robin")]
    tab = phone.twin()
    phone.get(callbacks[0])
    tab.get(callbacks[1])

    assert reads(tab) == [True]
    forget_flows(tab)
    tab.press_log_out()

    delivered(app)
    assert living(x) == 0


@pytest.mark.postgresql
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_two_tabs_with_two_accounts_at_the_same_instant_leave_one_session(
    phone, app, x, rows, monkeypatch
):
    callbacks = [way_back(x, phone), way_back(x, phone, account="robin")]
    tab, together, real = phone.twin(), threading.Barrier(2), sign_in_module.find

    def meet(*args, **kwargs):
        with contextlib.suppress(threading.BrokenBarrierError):
            together.wait(0.5)  # the second one waits for the first one's commit
        return real(*args, **kwargs)

    monkeypatch.setattr(sign_in_module, "find", meet)
    with ThreadPoolExecutor() as pool:
        pages = [pool.submit(tab.get, callbacks[1]), pool.submit(phone.get, callbacks[0])]
        assert [page.result().status_code for page in pages] == [303, 303]

    assert len(sessions_left(rows)) == 1


def forget_flows(tab):
    """Delete the flow cookies: in one jar, each answer has deleted its own."""
    for cookie in [key for key in tab._cookies if "flow-" in str(key)]:
        del tab._cookies[cookie]


@pytest.mark.parametrize("at", ["held", "stored"])
def test_a_logout_in_one_tab_leaves_no_sign_in_of_another(
    phone, app, sign_in, x, rows, monkeypatch, at
):
    sign_in(phone)
    late = way_back(x, phone)
    tab = phone.twin()
    token = tab.csrf_token("/account")
    if at == "stored":  # and its cookie is on the way
        phone.get(late)
        tab.post("/auth/logout", data={"csrf_token": token})
    else:
        hold = Hold(monkeypatch)
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(phone.get, late)
            assert hold.reached.wait(10)
            tab.post("/auth/logout", data={"csrf_token": token})
            hold.go.set()
            assert "This sign-in was stopped" in waiting.result().text

    delivered(app)
    assert not phone.is_signed_in()
    assert sessions_left(rows) == []
    assert living(x) == 0


@pytest.mark.parametrize("path", ["/", "/account/browsers/end-others"])
def test_an_answer_that_comes_late_brings_no_older_session_back(build_site, sign_in, x, path):
    phone = build_site(CACHE_SECONDS="60").test_client()
    sign_in(phone)
    tab = phone.twin()
    answer = tab.press(path, refresh="tweets")
    sign_in(phone)

    for cookie in answer.headers.getlist("Set-Cookie"):
        name, value = cookie.partition(";")[0].split("=", 1)
        phone.set_cookie(name, value, domain="127.0.0.1")

    assert answer.headers.getlist("Set-Cookie")
    assert reads(phone) == [True]


def test_prune_leaves_no_token_of_a_browser_that_never_came_back(phone, app, sign_in, x, clock):
    sign_in(phone)
    clock.advance(days=400)

    app.test_cli_runner().invoke(args=["prune"])

    delivered(app)
    assert living(x) == 0


# An ending holds against a sign-in under way


# Where a callback is held: before this is called. The last one is inside the transaction, and has
# locked the person.
POINTS = {
    "before its state is consumed": (UsedStates, "consume"),
    "before the exchange": (AuthorizationServer, "exchange"),
    "after the exchange": (routes, "_sign_in"),
    "before it is known who it is": (routes, "_profile"),
    "before it is stored": (People, "sign_in"),
    "behind the lock": (sign_in_module, "find"),
}
# X has killed the exchanged tokens along with the ones that were revoked.
ALREADY_DEAD = {"after the exchange", "before it is known who it is"}
ENDINGS = ["disconnect", "end_others", "operator"]


@pytest.fixture
def held(phone, x, clock, monkeypatch):
    """Do something while a callback of the phone is held; return the callback's answer."""

    def go(point, meanwhile):
        late = way_back(x, phone)
        seconds_pass(clock, 1)
        hold = Hold(monkeypatch, *POINTS[point])
        with ThreadPoolExecutor(2) as pool:
            waiting = pool.submit(phone.get, late)
            assert hold.reached.wait(10)
            ending = pool.submit(meanwhile)
            # Behind the lock the ending waits for the callback, not the callback for the ending.
            until(ending.done, seconds=0.2 if point == "behind the lock" else 10)
            hold.go.set()
            ending.result()
            answer = waiting.result()
        delivered(phone.application)
        return answer

    return go


def test_an_ending_holds_against_a_sign_in_that_is_still_at_twitter(phone, laptop, sign_in, x):
    sign_in(laptop)
    late = way_back(x, phone)

    end(laptop, "disconnect")

    assert "This sign-in was stopped" in phone.get(late).text
    assert not phone.is_signed_in()
    delivered(phone.application)
    assert living(x) == 0


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("point", POINTS)
def test_an_ending_holds_against_a_sign_in_under_way(
    phone, laptop, sign_in, held, x, rows, point, ending
):
    sign_in(laptop)

    answer = held(point, lambda: end(laptop, ending))

    stays = ending == "end_others"
    expected = {303} if point == "behind the lock" else {400}
    assert answer.status_code in expected | (
        {202} if point in ALREADY_DEAD and not stays else set()
    )
    assert ("This sign-in was stopped" in answer.text) == (answer.status_code == 400)
    assert not phone.is_signed_in()
    assert reads(laptop) == [stays]
    assert living(x) == (2 if stays else 0)
    assert rows(Revocation) == []
    if ending == "disconnect":
        assert rows(User) == rows(Session) == rows(Grant) == []


@pytest.mark.postgresql
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("ending", ENDINGS)
def test_an_ending_waits_for_the_lock_of_a_sign_in_and_then_holds(
    phone, laptop, sign_in, held, x, rows, ending
):
    sign_in(laptop)

    held("behind the lock", lambda: end(laptop, ending))

    assert not phone.is_signed_in()
    assert reads(laptop) == [ending == "end_others"]
    assert living(x) == (2 if ending == "end_others" else 0)
    assert rows(Revocation) == []


@pytest.mark.parametrize("point", POINTS)
def test_the_last_logout_beside_a_sign_in_leaves_all_or_nothing(
    phone, laptop, sign_in, held, x, rows, point
):
    sign_in(laptop)

    def log_out():
        laptop.press_log_out()
        delivered(laptop.application)

    held(point, log_out)

    # X may have killed the exchanged tokens along with the ones that were revoked.
    [signed_in] = reads(phone)
    delivered(phone.application)
    assert signed_in or point in {*ALREADY_DEAD, "before it is stored"}
    assert phone.is_signed_in() == signed_in
    assert living(x) == (2 if signed_in else 0)
    assert rows(Revocation) == []


def end(browser, ending):
    if ending == "operator":
        services = browser.application.extensions["perch"]
        [wren] = people_named(services.database, "wren")
        services.sessions.end_all_of(wren.twitter_id)
        return delivered(browser.application)
    token = browser.csrf_token("/account")
    paths = {"disconnect": "/account/disconnect", "end_others": "/account/browsers/end-others"}
    answer = browser.post(paths[ending], data={"csrf_token": token, "sure": "yes"})
    assert answer.status_code == 303
    # A revocation on the wire may end a grant that is exchanged at that very moment.
    return delivered(browser.application)


@on_both_stores
def test_a_double_click_on_disconnect_in_a_locked_database_touches_no_other_person(
    phone, laptop, app, sign_in, x, rows
):
    sign_in(phone)
    sign_in(laptop, "robin")
    form = {"csrf_token": phone.csrf_token("/account"), "sure": "yes"}
    clicks = [app.test_client().with_cookies_of(phone) for _ in range(2)]

    with ThreadPoolExecutor(2) as pool:
        with app.extensions["perch"].database.writing() as connection:
            connection.execute(update(User).values(cache_epoch=User.cache_epoch))
            pressed = [pool.submit(each.post, "/account/disconnect", data=form) for each in clicks]
            until(lambda: any(each.done() for each in pressed), seconds=0.2)
        answers = [each.result().status_code for each in pressed]

    delivered(app)
    assert answers == [303, 303]
    assert [row["username"] for row in rows(User)] == ["robin"]
    assert reads(laptop) == [True]
    assert sign_in(clicks[1]).status_code == 303
    assert reads(clicks[1]) == [True]


def test_a_read_that_comes_back_after_a_disconnect_is_unreachable(build_site, sign_in, x):
    app = build_site(CACHE_SECONDS="60")
    browser, again = app.test_client(), app.test_client()
    sign_in(browser)
    tab = app.test_client().with_cookies_of(browser)
    tweets = f"/2/users/{x.world.named('wren').id}/tweets"
    x.fault(path=tweets, delay_seconds=0.5)

    with ThreadPoolExecutor() as pool:
        reading = pool.submit(browser.get, "/tweets")
        assert until(lambda: tweets in asked_of(x))
        end(tab, "disconnect")
        reading.result()
    sign_in(again)
    x.fault(path=tweets, status=503)

    assert reads(again) == [False]


def asked_of(x):
    return [entry["path"] for entry in x.journal()]


def test_the_browser_that_ended_everything_may_sign_in_at_once(phone, sign_in, x):
    sign_in(phone)
    end(phone, "disconnect")

    answer = sign_in(phone)

    assert answer.status_code == 303
    assert reads(phone) == [True]


@pytest.mark.parametrize("age, status", [(800, 400), (1000, 303)])
def test_an_ending_is_over_after_a_quarter_of_an_hour(
    phone, laptop, app, sign_in, x, monkeypatch, age, status
):
    sign_in(phone)
    end(phone, "disconnect")
    with app.extensions["perch"].database.writing() as connection:
        connection.execute(update(Ending).values(ended_at=Ending.ended_at - age))
    with monkeypatch.context() as database_away:  # so it is not known when the sign-in began
        database_away.setattr(routes, "_began", lambda: 0.0)
        late = way_back(x, laptop)

    assert laptop.get(late).status_code == status


# Refused in between


@pytest.mark.parametrize("moment", [(AuthorizationServer, "exchange"), (routes, "_profile")])
def test_a_read_during_the_exchange_signs_no_other_browser_out(
    phone, laptop, sign_in, x, monkeypatch, moment
):
    sign_in(laptop)
    late, hold = way_back(x, phone), After(monkeypatch, *moment)

    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(phone.get, late)
        assert hold.reached.wait(10)
        assert laptop.get("/tweets").status_code == 401
        hold.go.set()
        waiting.result()

    assert reads(phone, laptop) == [True, True]


def test_a_sign_in_that_is_stopped_brings_refused_browsers_back(
    phone, laptop, app, sign_in, x, monkeypatch
):
    sign_in(laptop)
    late, hold = way_back(x, phone), Hold(monkeypatch)

    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(phone.get, late)
        assert hold.reached.wait(10)
        end(laptop, "end_others")
        assert laptop.get("/tweets").status_code == 401
        hold.go.set()
        assert "This sign-in was stopped" in waiting.result().text

    delivered(app)
    assert not phone.is_signed_in()
    assert reads(laptop) == [True]


@on_both_stores
def test_a_logout_of_a_refused_browser_is_not_undone(phone, laptop, sign_in, x, monkeypatch):
    sign_in(laptop)
    copy, token = laptop.twin(), laptop.csrf_token("/account")
    late, hold = way_back(x, phone), Hold(monkeypatch)
    logout = After(monkeypatch, Sessions, "_end")

    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(phone.get, late)
        assert hold.reached.wait(10)
        assert laptop.get("/tweets").status_code == 401
        leaving = pool.submit(laptop.post, "/auth/logout", data={"csrf_token": token})
        assert logout.reached.wait(10)
        hold.go.set()
        waiting.result()
        logout.go.set()
        leaving.result()

    assert not copy.is_signed_in()


# Asking who signed in


def test_a_passing_failure_to_say_who_it_is_is_tried_again(phone, sign_in, x):
    x.fault(path="/2/users/me", status=503, times=2)

    assert sign_in(phone).status_code == 303
    assert reads(phone) == [True]


@pytest.mark.parametrize("status", [401, 403, 429])
def test_a_clear_no_about_who_it_is_is_not_tried_again(phone, sign_in, x, status):
    x.fault(path="/2/users/me", status=status, times=1)

    sign_in(phone)

    asked = [entry for entry in x.journal() if entry["path"] == "/2/users/me"]
    assert len([entry for entry in asked if entry["status"] == status]) == 1
    assert not phone.is_signed_in()


def test_tokens_of_a_person_who_stays_unknown_are_revoked_once_it_is_known(
    phone, app, sign_in, x, rows
):
    x.fault(path="/2/users/me", status=503, times=None)
    answer = sign_in(phone)
    delivered(app)
    waiting = [(row["token_type_hint"], row["twitter_id"]) for row in rows(Revocation)]
    x.clear_faults()
    due(app)

    deliver_all(app)

    assert answer.status_code == 424
    assert sorted(waiting) == [("access_token", None), ("refresh_token", None)]
    assert living(x) == 0
    assert rows(Revocation) == []


def test_tokens_that_a_newer_sign_in_replaced_are_dropped_unrevoked(
    phone, laptop, app, sign_in, x, rows
):
    x.fault(path="/2/users/me", status=503, times=None)
    sign_in(phone)
    delivered(app)
    x.clear_faults()
    sign_in(laptop)
    due(app)

    deliver_all(app)

    assert revocations(x) == []
    assert rows(Revocation) == []
    assert reads(laptop) == [True]
    assert living(x) == 2


@pytest.mark.parametrize("status", [402, 403])
def test_a_token_without_a_name_is_asked_about_again_before_each_attempt(
    phone, laptop, app, sign_in, x, rows, status
):
    """Its person may have signed in since: then it is dead, and revoking it would end theirs."""
    x.fault(path="/2/users/me", status=status, body="<html>", times=None)
    x.fault(path="/2/oauth2/revoke", status=503, times=None)
    sign_in(phone)
    delivered(app)
    x.clear_faults()
    sign_in(laptop)
    due(app)

    deliver_all(app)

    assert [e["status"] for e in revocations(x)] == [503]
    assert rows(Revocation) == []
    assert reads(laptop) == [True]


def test_a_token_without_a_name_is_revoked_with_its_refresh_token(phone, app, sign_in, x, rows):
    x.fault(path="/2/users/me", status=403, body="<html>", times=None)
    sign_in(phone)
    delivered(app)

    assert [e["status"] for e in revocations(x)] == [200, 200]
    assert living(x) == 0
    assert rows(Revocation) == []


def test_a_refresh_token_without_a_name_that_could_not_be_revoked_is_spent(
    phone, laptop, app, sign_in, x, rows, monkeypatch
):
    """Its access token went unasked. Spent, it tells whether it lives."""
    server = app.extensions["perch"].outbox._deliverer._server
    revoke = server.revoke

    def half(token, hint, **more):
        if hint == "refresh_token":
            raise Unreachable("down")
        revoke(token, hint, **more)

    x.fault(path="/2/users/me", status=403, body="<html>", times=None)
    monkeypatch.setattr(server, "revoke", half)
    sign_in(phone)
    delivered(app)
    monkeypatch.undo()
    x.clear_faults()
    sign_in(laptop)
    due(app)

    deliver_all(app)

    assert len(revocations(x)) == 1
    assert rows(Revocation) == []
    assert reads(laptop) == [True]


@on_both_stores
def test_tokens_are_dropped_whose_person_signs_in_while_twitter_tells_whose_they_are(
    phone, laptop, app, sign_in, x, rows, monkeypatch
):
    x.fault(path="/2/users/me", status=503, times=None)
    sign_in(phone)
    delivered(app)
    x.clear_faults()
    deliverer = app.extensions["perch"].outbox._deliverer
    ask = deliverer._owner_of

    def told_late(token, deadline):
        owner = ask(token, deadline)
        sign_in(laptop)
        return owner

    monkeypatch.setattr(deliverer, "_owner_of", told_late)
    due(app)

    deliver_all(app)

    assert revocations(x) == []
    assert rows(Revocation) == []
    assert reads(laptop) == [True]


@on_both_stores
def test_they_are_dropped_too_while_the_first_sign_in_of_their_person_is_being_stored(
    app, sign_in, x, rows, monkeypatch
):
    """Its row is not seen yet, so there is nothing to lock."""
    phone, laptop = app.test_client(), app.test_client()
    x.fault(path="/2/users/me", status=503, times=None)
    sign_in(phone)
    delivered(app)
    x.clear_faults()
    deliverer = app.extensions["perch"].outbox._deliverer
    ask, find = deliverer._owner_of, sign_in_module.find
    inside, told = threading.Event(), threading.Event()

    def find_and_wait(*given):
        found = find(*given)
        inside.set()
        told.wait(1)
        return found

    with ThreadPoolExecutor(1) as pool:
        signing_in = []

        def told_late(token, deadline):
            owner = ask(token, deadline)
            signing_in.append(pool.submit(sign_in, laptop))
            assert inside.wait(5)
            return owner

        monkeypatch.setattr(sign_in_module, "find", find_and_wait)
        monkeypatch.setattr(deliverer, "_owner_of", told_late)
        due(app)
        app.extensions["perch"].outbox.deliver_next()
        told.set()
        assert signing_in[0].result().status_code == 303
    delivered(app)
    due(app)
    deliver_all(app)

    assert revocations(x) == []
    assert rows(Revocation) == []
    assert reads(laptop) == [True]


def revocations(x):
    return [entry for entry in x.journal() if entry["path"] == "/2/oauth2/revoke"]


def due(app):
    """Let every row of the outbox be due now."""
    from app.storage.extensions import db

    with app.app_context():
        db.session.execute(db.update(Revocation).values(due_at=0))
        db.session.commit()


def deliver_all(app):
    outbox = app.extensions["perch"].outbox
    for _ in range(10):
        if outbox.deliver_next() is None:
            break
    outbox.wait(seconds=5)
    for _ in range(10):
        if outbox.deliver_next() is None:
            break
