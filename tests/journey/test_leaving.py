"""Leaving: at Twitter, in another browser, and for good. In a real browser."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.journey.sites import wait_until

pytestmark = [pytest.mark.loopback, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def site(sites, twitter_server):
    return sites.start(twitter_server, WEB_CONCURRENCY="2")


def states(twitter):
    return {token["state"] for token in twitter.tokens()}


def test_removing_the_app_at_twitter_leads_to_a_new_sign_in(read, twitter):
    reader = read(scripts=False)
    reader.open("/")
    reader.sign_in("Robin Redbreast")
    reader.go_to("Account")
    reader.follow(reader.page.get_by_role("link", name="your connected apps at Twitter"))
    reader.press("Revoke app permissions")

    reader.open("/follows")

    assert reader.heading() == "Please sign in again"
    assert "Signing in brings you back to this page" in reader.text()

    reader.press("Sign in with Twitter")
    reader.pick("Robin Redbreast")
    reader.press("Authorize app")

    assert (reader.path(), reader.heading()) == ("/follows", "Follows on Twitter")


def test_a_dead_access_token_is_replaced_without_a_word(read, twitter):
    reader = read(scripts=False)
    reader.open("/")
    reader.sign_in("Robin Redbreast")
    twitter.advance(3 * 3600)

    reader.open("/tweets")

    assert reader.heading() == "Tweets"
    assert "Dawn chorus is on" in reader.text()
    assert len(twitter.journal("/2/oauth2/token")) == 2


def test_one_browser_logs_out_another(read, twitter):
    here, there = read(scripts=False), read(scripts=False)
    for reader in (here, there):
        reader.open("/")
        reader.sign_in("Jay")
    here.go_to("Account")

    here.press("Log out everywhere else")

    assert "You are logged out everywhere else." in here.text()
    there.open("/account")
    assert there.path() == "/"
    here.open("/account")
    assert here.heading() == "Account"


def test_a_person_takes_a_copy_and_leaves_for_good(read, site, twitter):
    reader = read(scripts=False)
    reader.open("/")
    reader.sign_in("Magpie")
    reader.go_to("Account")
    with reader.page.expect_download() as download:
        reader.page.get_by_role("link", name="Download the data").click()
    copy = json.loads(download.value.path().read_text())

    reader.follow(reader.page.get_by_role("link", name="Disconnect and delete everything"))
    reader.page.get_by_label("Yes, delete everything").check()
    reader.press("Disconnect and delete")

    assert copy["user"]["username"] == "magpie"
    assert "Your profile, your sign-ins and your usage counts are deleted," in reader.text()
    wait_until(lambda: states(twitter) == {"revoked"}, explain=site.logged)
    with site.database() as database:
        left = database.execute("SELECT username FROM users").fetchall()
        assert ("magpie",) not in left
        for table in ("grants", "sessions"):
            orphans = f"SELECT count(*) FROM {table} WHERE user_id NOT IN (SELECT id FROM users)"
            assert database.execute(orphans).fetchone() == (0,)


@pytest.mark.usefixtures("nothing_remembered")  # robin may have read his Tweets before
def test_an_answer_that_comes_late_brings_no_older_session_back(twitter, visit):
    visitor = visit()
    visitor.sign_in("robin")
    style = visitor.send("GET", "/static/css/base.css")
    slow_tab = visit(twin_of=visitor)
    twitter.fault(path="/2/users/*/tweets", delay_seconds=2)

    with ThreadPoolExecutor(1) as hands:
        late = hands.submit(slow_tab.send, "GET", "/tweets")
        wait_until(lambda: any(e["path"].endswith("/tweets") for e in twitter.journal()))
        visitor.come_back(visitor.consent(visitor.start_again(), "heron"))
        visitor.session.cookies.update(late.result(20).cookies)

    assert visitor.is_signed_in()
    assert "Set-Cookie" not in style.headers
