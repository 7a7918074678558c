"""Every page that reads Twitter, in both dialects, against the strict sandbox."""

import re
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from threading import Barrier

import pytest

from sandbox.testing import Sandbox
from tests.journey.visitor import Visitor, query_of
from tests.sections import all_of, rows_of

pytestmark = [pytest.mark.loopback, pytest.mark.timeout(120)]

DIALECTS = {
    "live": {"TWITTER_CLIENT_ID": "aviary", "TWITTER_CLIENT_SECRET": "seeds-and-water-every-day"},
    "beta": {"TWITTER_CLIENT_ID": "aviary", "TWITTER_CLIENT_SECRET": "", "TWITTER_DIALECT": "beta"},
}
IN_LIVE = pytest.mark.parametrize("dialect", ["live"])  # both dialects run the same lines
TO_FOLLOW = {"live": "follows.write", "beta": "account.follows.write"}
USED_UP = "This site has used up what it may ask of Twitter for now."
NOT_IN_PLAN = "This site does not pay Twitter for this."
LEFT_OUT = "Part of this page is not in this site's plan at Twitter at the moment."
HAS_TO_WAIT = "Part of this page has to wait: this site's credits at Twitter are used up."
WAIT = "Twitter asks for a pause. One of its limits is used up for now."
# What each page says, by plan and dialect. The old free plan has one read of most things in a
# quarter of an hour, and the home page behind the sign-in has done it.
NO_CREDITS = {"/": HAS_TO_WAIT} | dict.fromkeys(("/tweets", "/follows", *rows_of("LISTS")), USED_UP)
OLD_FREE_PLAN = {"/": LEFT_OUT, "/follows": NOT_IN_PLAN}
PLANS = {
    "no credits": (
        {"plan": "pay-per-use", "credits": 0},
        {
            "live": NO_CREDITS | {"/people/robin": USED_UP},
            "beta": NO_CREDITS | {"/people/robin": USED_UP},
        },
    ),
    "old free plan": (
        {"plan": "legacy-free"},
        {
            "live": OLD_FREE_PLAN
            | {"/tweets": WAIT, "/people/robin": WAIT}
            | dict.fromkeys(rows_of("LISTS"), NOT_IN_PLAN),
            "beta": OLD_FREE_PLAN
            | {"/tweets": NOT_IN_PLAN, "/people/robin": "I was here first."}
            | dict.fromkeys(rows_of("LISTS"), WAIT),
        },
    ),
}
# What Wren has tweeted last, and what is pinned to Wren's profile.
NEWEST = "Good morning to everybody"
PINNED = "breathe with the whole bird"


@pytest.fixture(scope="module")
def aviaries(sites):
    """Start a sandbox and a site for each dialect. What one test reads is not there in the next."""
    running = {name: Sandbox(dialect=name) for name in DIALECTS}
    started = {
        name: sites.start(running[name], CACHE_SECONDS="0", **DIALECTS[name]) for name in DIALECTS
    }
    yield {name: (running[name], started[name]) for name in DIALECTS}
    sites.stop()
    for sandbox in running.values():
        sandbox.stop()


@pytest.fixture(params=DIALECTS)
def dialect(request):
    return request.param


@pytest.fixture
def sandbox(aviaries, dialect, sites):
    sandbox, site = aviaries[dialect]
    sandbox.reset()
    sites.introduce(site, sandbox)
    return sandbox


@pytest.fixture
def wren(aviaries, dialect, sandbox):
    with Visitor(aviaries[dialect][1].url) as visitor:
        assert visitor.sign_in("wren").status_code == 200
        yield visitor


@pytest.fixture
def newcomer(dialect, sandbox, sites):
    """Somebody in front of a new site that remembers what it reads."""
    with Visitor(sites.start(sandbox, **DIALECTS[dialect]).url) as visitor:
        yield visitor


def ids_of(sandbox):
    return {account.username: account.id for account in sandbox.world.accounts.values()}


def refused(sandbox):
    """What the sandbox did not like about our requests to its API."""
    return [
        (entry["path"], entry["status"])
        for entry in sandbox.journal()
        if entry["path"].startswith("/2/") and entry["status"] >= 400
    ]


def calls(sandbox, method, ending):
    """How often the API was asked for this."""
    asked = [e for e in sandbox.journal() if e["path"].startswith("/2/")]
    return len([e for e in asked if e["method"] == method and e["path"].endswith(ending)])


def panels(page):
    """The panels of the home page, by their headings."""
    return dict(re.findall(r'<h2 id="(\w+)-title">(.*?)</section>', page, re.DOTALL))


def follow(visitor, username):
    """Press Follow and say yes to what it takes; return where that was asked, and the last page."""
    explained = visitor.press(visitor.open(f"/people/{username}"), "Follow")
    assert "One more permission" in explained.text
    asked = visitor.press(explained, "Continue to Twitter").headers["Location"]
    return asked, visitor.follow(visitor.come_back(visitor.consent(asked, "wren")))


def test_every_page_shows_what_it_is_for(wren, sandbox, dialect):
    ids = ids_of(sandbox)
    mine = NEWEST if dialect == "live" else PINNED
    tweet = next(t for t in sandbox.world.tweets.values() if t.author_id == ids["robin"])
    pages = {
        "/tweets": mine,
        f"/tweets/{tweet.id}": "Robin Redbreast",
        f"/tweets/lookup?ids={tweet.id},https://x.com/robin/status/{tweet.id},1": "Robin Redbreast",
        "/follows": "Robin Redbreast",
        "/people?who=@robin,magpie,nobodyhere": "There is no such account.",
        f"/people?who={ids['robin']}": "Robin Redbreast",
        "/people/robin": "I was here first.",
        f"/people/id/{ids['robin']}": "I was here first.",
    }
    for shown_in in all_of("shown_in"):
        pages |= shown_in(sandbox.world)
    if dialect == "live":
        pages["/follows/followers"] = "@robin"

    home = panels(wren.open("/").text)
    assert mine in home["tweets"]
    assert "@kingfisher" in home["follows"]
    for address, words in pages.items():
        page = wren.open(address)

        assert page.status_code == 200, address
        assert words in page.text, address
    account = wren.open("/account").text
    assert "Calls to Twitter for you" in unescape(account)
    assert "$" in account
    assert refused(sandbox) == []


@IN_LIVE
def test_a_quote_is_drawn_and_its_link_is_not(wren, sandbox):
    quote = next(
        tweet for tweet in sandbox.world.tweets.values() if tweet.text.startswith("This. Eleven")
    )
    page = unescape(wren.open(f"/tweets/{quote.id}").text)

    assert "Took my solo up a third this morning." in page
    assert "you can hear me correct him." in page
    assert "t.co/" not in page
    assert "x.com/robin/status" not in page


def test_the_first_follow_asks_for_the_permission_and_is_then_done(wren, sandbox, dialect):
    """From then on one press is enough; a protected account is asked."""
    ids = ids_of(sandbox)

    asked, landed = follow(wren, "lapwing")
    asking = wren.follow(wren.press(wren.open("/people/nightjar"), "Follow"))

    assert TO_FOLLOW[dialect] in query_of(asked)["scope"].split()
    assert "You follow @lapwing now." in landed.text
    assert sandbox.world.follows.has(ids["wren"], ids["lapwing"])
    assert "Your request to follow @nightjar is sent." in asking.text
    assert not sandbox.world.follows.has(ids["wren"], ids["nightjar"])


@IN_LIVE
def test_following_and_unfollowing_afterwards_takes_one_press(wren, sandbox):
    ids = ids_of(sandbox)
    explained = wren.press(wren.open("/people/robin"), "Unfollow")
    asked = wren.press(explained, "Continue to Twitter").headers["Location"]

    wren.follow(wren.come_back(wren.consent(asked, "wren")))
    assert not sandbox.world.follows.has(ids["wren"], ids["robin"])
    page = wren.follow(wren.press(wren.open("/people/robin"), "Follow"))

    assert "You follow @robin now." in page.text
    assert sandbox.world.follows.has(ids["wren"], ids["robin"])
    assert "Robin Redbreast" in wren.open("/follows").text


@IN_LIVE
def test_a_double_click_at_a_protected_account_is_harmless(wren, sandbox):
    ids = ids_of(sandbox)
    explained = wren.press(wren.open("/people/robin"), "Unfollow")
    asked = wren.press(explained, "Continue to Twitter").headers["Location"]
    wren.follow(wren.come_back(wren.consent(asked, "wren")))
    page = wren.open("/people/nightjar")
    windows, together = [wren.twin(), wren.twin()], Barrier(2)

    def press(window):
        together.wait(10)
        return window.follow(window.press(page, "Follow"))

    with ThreadPoolExecutor(2) as threads:
        landed = list(threads.map(press, windows))
    for window in windows:
        window.session.close()

    sent = [
        entry["status"]
        for entry in sandbox.journal()
        if entry["path"] == f"/2/users/{ids['wren']}/following" and entry["method"] == "POST"
    ]
    assert [answer.status_code for answer in landed] == [200, 200]
    assert all("Your request to follow @nightjar is sent." in answer.text for answer in landed)
    assert sent == [200]
    assert "follow_request_sent" in sandbox.world.follows.status(ids["wren"], ids["nightjar"])
    assert not sandbox.world.follows.has(ids["wren"], ids["nightjar"])
    assert refused(sandbox) == []


@IN_LIVE
def test_another_account_that_comes_back_follows_no_account(wren, sandbox):
    ids = ids_of(sandbox)
    explained = wren.press(wren.open("/people/nightjar"), "Follow")
    asked = wren.press(explained, "Continue to Twitter").headers["Location"]

    wren.follow(wren.come_back(wren.consent(asked, "jay")))

    assert not sandbox.world.follows.has(ids["jay"], ids["nightjar"])
    assert not sandbox.world.follows.has(ids["wren"], ids["nightjar"])


@pytest.mark.parametrize("plan", PLANS)
def test_no_plan_makes_a_page_fail(wren, sandbox, dialect, plan):
    settings, said = PLANS[plan]
    sandbox.settings(**settings)

    for address, sentence in {
        **said[dialect],
        "/account": "Calls to Twitter for you",
    }.items():
        page = wren.open(address)

        assert page.status_code == 200, address
        assert sentence in unescape(page.text), address
        assert "problems/" not in page.text


@IN_LIVE
def test_what_the_plan_lacks_disappears_and_account_says_why(newcomer, sandbox):
    sandbox.settings(plan="legacy-free")

    home = unescape(newcomer.sign_in("wren").text)
    pages = [unescape(newcomer.open("/follows").text) for _ in range(3)]
    _, landed = follow(newcomer, "lapwing")
    profile = newcomer.open("/people/lapwing").text

    assert LEFT_OUT in home
    assert "follows" not in panels(home)
    assert "tweets" in panels(home)
    assert all(NOT_IN_PLAN in page for page in pages)
    assert calls(sandbox, "GET", "/following") == calls(sandbox, "POST", "/following") == 1
    assert NOT_IN_PLAN in landed.text
    assert "@lapwing" in profile
    assert 'aria-label="Follow @lapwing"' not in profile
    account = unescape(newcomer.open("/account").text)
    assert "People whom someone follows: not in this site's plan at Twitter." in account
    assert "Following: not in this site's plan at Twitter." in account


@IN_LIVE
def test_a_hundred_views_while_twitter_says_wait_cost_one_call(newcomer, sandbox):
    newcomer.sign_in("wren")
    sandbox.fault(path="/2/users/by", status=429, times=None)
    before = len(sandbox.journal())

    for _ in range(100):
        page = newcomer.open("/people?who=@robin")

    assert WAIT in page.text
    assert len(sandbox.journal()) - before == 1
