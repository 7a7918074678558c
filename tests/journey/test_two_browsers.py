"""One person in two real browsers: two devices, or a telephone's browser and that of an app."""

import pytest

from tests.journey.sites import wait_until

pytestmark = [pytest.mark.loopback, pytest.mark.timeout(120)]


@pytest.fixture(scope="module")
def site(sites, twitter_server):
    """Two workers that remember nothing: each page is read with the token of that moment."""
    return sites.start(twitter_server, WEB_CONCURRENCY="2", CACHE_SECONDS="0")


def living(twitter):
    """Count the tokens that Twitter still accepts."""
    return [token["state"] for token in twitter.tokens()].count("living")


def reads(*readers):
    """Tell, of each browser, whether it shows Tweets."""
    return [(r.open("/tweets").status, "Good morning to everybody" in r.text()) for r in readers]


def allow(reader):
    reader.pick("^Wren")
    reader.press("Authorize app")
    reader.page.wait_for_url(f"{reader.url}/**")


def test_two_browsers_share_one_grant_until_both_are_logged_out(read, twitter):
    twitter.settings(grants="one", revoke="app")
    phone, laptop = read(), read()
    both = [(200, True), (200, True)]
    for reader in (phone, laptop):
        reader.open("/")
        reader.sign_in("^Wren")

    assert reads(phone, laptop) == both

    phone.open("/people/lapwing")
    phone.press("Follow @lapwing")
    phone.press("Continue to Twitter")
    allow(phone)

    assert "You follow @lapwing now." in phone.text()
    assert reads(phone, laptop) == both
    assert living(twitter) == 2

    phone.press("Log out")

    assert "You are logged out here. You are still signed in in another browser." in phone.text()
    assert reads(laptop) == both[1:]
    assert living(twitter) == 2

    laptop.press("Log out")

    assert "this site's access to your Twitter account has ended" in laptop.text()
    wait_until(lambda: living(twitter) == 0)
    assert phone.complaints == laptop.complaints == []


def way_back(reader, twitter):
    """Say yes at Twitter, whose app keeps the answer for a browser of its own."""
    twitter.settings(way_back="another-browser")
    reader.open("/")
    reader.press("Sign in with Twitter")
    reader.pick("^Robin")
    reader.press("Authorize app")
    return reader.page.get_by_role("link", name="Back to").get_attribute("href")


def test_the_browser_of_twitters_app_offers_to_start_again(read, twitter):
    phone, app = read(), read()
    app.page.goto(way_back(phone, twitter))

    assert app.heading() == "This sign-in cannot be finished here"
    assert "perhaps Twitter's app answered in a browser of its own" in app.text()
    assert app.url in app.text()
    app.page.reload()
    assert "If Twitter's app takes over, open this site in a private window" in app.text()

    twitter.settings(way_back="redirect")
    app.sign_in("^Robin")

    assert app.heading() == "Robin Redbreast"
    assert phone.open("/account").status == 200
    assert phone.path() == "/"
    assert phone.complaints == []


def test_the_browser_that_began_goes_on_after_twitters_app_came_up(read, twitter):
    phone, app = read(), read()
    back = way_back(phone, twitter)
    app.page.goto(back)

    phone.page.goto(back)

    assert phone.heading() == "Robin Redbreast"
    assert phone.complaints == []
    assert app.open("/account").status == 200
    assert app.path() == "/"
    assert living(twitter) == 2
