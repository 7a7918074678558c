"""Every page that reads Twitter, in both dialects, against the strict sandbox."""

from html import unescape

import pytest

from sandbox.testing import Sandbox
from tests.journey.visitor import Visitor, query_of

pytestmark = [pytest.mark.loopback, pytest.mark.timeout(120)]

DIALECTS = {
    "live": {"TWITTER_CLIENT_ID": "aviary", "TWITTER_CLIENT_SECRET": "seeds-and-water-every-day"},
    "beta": {"TWITTER_CLIENT_ID": "aviary", "TWITTER_CLIENT_SECRET": "", "TWITTER_DIALECT": "beta"},
}
PLANS = {
    "no credits": {"plan": "pay-per-use", "credits": 0},
    "old free plan": {"plan": "legacy-free"},
}


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
def remembered_wren(dialect, sandbox, sites):
    """Somebody at a new site that remembers what it read."""
    site = sites.start(sandbox, **DIALECTS[dialect])
    with Visitor(site.url) as visitor:
        assert visitor.sign_in("wren").status_code == 200
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


def test_every_page_shows_what_it_is_for(wren, sandbox, dialect):
    ids = ids_of(sandbox)
    tweet = next(t for t in sandbox.world.tweets.values() if t.author_id == ids["robin"])
    space = next(s for s in sandbox.world.spaces.values() if s.state == "live")
    pages = {
        "/": "Small, brown, and louder than you would think.",
        "/tweets": "Good morning to everybody" if dialect == "live" else "pinned",
        f"/tweets/{tweet.id}": "Robin Redbreast",
        f"/tweets/lookup?ids={tweet.id},https://x.com/robin/status/{tweet.id},1": "Robin Redbreast",
        "/follows": "Robin Redbreast",
        "/people?who=@robin,magpie,nobodyhere": "There is no such account.",
        f"/people?who={ids['robin']}": "Robin Redbreast",
        "/people/robin": "I was here first.",
        f"/people/id/{ids['robin']}": "I was here first.",
        "/spaces": space.title,
        f"/spaces/{space.id}": space.title,
        f"/spaces/lookup?ids={space.id}": space.title,
        f"/spaces/lookup?creators={space.creator_id}": space.title,
    }
    if dialect == "live":
        pages["/follows/followers"] = "@robin"

    for address, words in pages.items():
        page = wren.open(address)

        assert page.status_code == 200, address
        assert words in page.text, address
    account = wren.open("/account").text
    assert "What Perch asked Twitter for you" in account
    assert "$" in account
    assert refused(sandbox) == []


def test_a_quote_is_drawn_and_its_link_is_not(wren, sandbox):
    quote = next(
        tweet for tweet in sandbox.world.tweets.values() if tweet.text.startswith("This. Eleven")
    )
    page = unescape(wren.open(f"/tweets/{quote.id}").text)

    assert "Took my solo up a third this morning." in page
    assert "you can hear me correct him." in page
    assert "t.co/" not in page
    assert "x.com/robin/status" not in page


def test_the_first_follow_asks_for_the_permission_and_is_then_done(wren, sandbox):
    magpie = ids_of(sandbox)["nightjar"]
    page = wren.open("/people/nightjar")

    explained = wren.press(page, "Follow")
    assert "One more permission" in explained.text
    asked = wren.press(explained, "Go on to Twitter").headers["Location"]
    landed = wren.follow(wren.come_back(wren.consent(asked, "wren")))

    write = {"account.follows.write", "follows.write"} & set(query_of(asked)["scope"].split())
    assert len(write) == 1
    assert "@nightjar" in landed.text
    assert sandbox.world.follows.has(ids_of(sandbox)["wren"], magpie) or "request" in landed.text


def test_following_and_unfollowing_afterwards_takes_one_press(wren, sandbox):
    ids = ids_of(sandbox)
    explained = wren.press(wren.open("/people/robin"), "Unfollow")
    asked = wren.press(explained, "Go on to Twitter").headers["Location"]

    wren.follow(wren.come_back(wren.consent(asked, "wren")))
    assert not sandbox.world.follows.has(ids["wren"], ids["robin"])
    page = wren.follow(wren.press(wren.open("/people/robin"), "Follow"))

    assert "You follow @robin now." in page.text
    assert sandbox.world.follows.has(ids["wren"], ids["robin"])
    assert "Robin Redbreast" in wren.open("/follows").text


def test_another_account_that_comes_back_follows_nobody(wren, sandbox):
    ids = ids_of(sandbox)
    explained = wren.press(wren.open("/people/nightjar"), "Follow")
    asked = wren.press(explained, "Go on to Twitter").headers["Location"]

    wren.follow(wren.come_back(wren.consent(asked, "jay")))

    assert not sandbox.world.follows.has(ids["jay"], ids["nightjar"])
    assert not sandbox.world.follows.has(ids["wren"], ids["nightjar"])


@pytest.mark.parametrize("plan", PLANS)
def test_no_plan_makes_a_page_fail(wren, sandbox, plan):
    sandbox.settings(**PLANS[plan])

    for address in ("/", "/tweets", "/follows", "/spaces", "/people/robin", "/account"):
        page = wren.open(address)

        assert page.status_code == 200, address
        assert "problems/" not in page.text


def test_what_the_plan_lacks_disappears_and_account_says_why(remembered_wren, sandbox):
    sandbox.settings(plan="legacy-free")
    # Each of two workers has to learn it for itself where there is no Redis.
    pages = [unescape(remembered_wren.open("/follows").text) for _ in range(3)]

    assert "This is not part of what this site may read at Twitter." in pages[0]
    assert len([e for e in sandbox.journal() if e["path"].endswith("/following")]) <= 3
    account = unescape(remembered_wren.open("/account").text)
    assert "Whom somebody follows: not in this site's plan at Twitter." in account


def test_a_hundred_views_while_twitter_says_wait_cost_one_call(remembered_wren, sandbox):
    sandbox.fault(path="/2/users/by", status=429, times=None)
    before = len(sandbox.journal())

    for _ in range(100):
        page = remembered_wren.open("/people?who=@robin")

    assert "Twitter asks us to wait" in page.text
    # Each of two workers has to learn it for itself where there is no Redis.
    assert len(sandbox.journal()) - before <= 2
