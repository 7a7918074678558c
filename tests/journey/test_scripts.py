"""What scripts add to pages that work without them. In a real browser."""

import re
from dataclasses import replace

import pytest
from playwright.sync_api import expect

from tests.journey.chromium import Reader

pytestmark = [
    pytest.mark.loopback,
    pytest.mark.timeout(120),
    pytest.mark.usefixtures("nothing_remembered"),
]

KOLKATA = "Asia/Kolkata"  # half an hour off the others, and no summer time
PRESS_TWICE = """button => {
    let sent = 0;
    addEventListener("submit", (event) => {
        if (!event.defaultPrevented) sent += 1;
        event.preventDefault();
    }, true);
    button.click();
    const says = [button.ariaBusy, getComputedStyle(button, "::after").content];
    button.click();
    return [says, sent];
}"""


@pytest.fixture(scope="module")
def site(sites, twitter_server):
    return sites.start(twitter_server)


@pytest.fixture
def wren(read, twitter):
    """Somebody whose browser runs scripts, signed in."""
    return signed_in(read())


def signed_in(reader):
    reader.open("/")
    reader.sign_in("Wren")
    return reader


def button(reader, name):
    return reader.page.get_by_role("button", name=name, exact=True)


def allow_follows(reader):
    """Give the permission to follow, by the first button that needs it."""
    reader.open("/people/robin")
    button(reader, "Unfollow @robin").click()
    button(reader, "Continue to Twitter").click()
    reader.pick("Wren")
    reader.press("Authorize app")
    reader.page.wait_for_url(f"{reader.url}/people/robin")


def stays(reader):
    """Mark the page, and return how to ask whether it is still the same one."""
    reader.page.evaluate("window.isTheSame = true")
    return lambda: reader.page.evaluate("window.isTheSame === true")


def flash(reader):
    return reader.page.locator(".flash")


def write_tweets(twitter, count):
    """Let Wren have written this many Tweets more."""
    world = twitter.world
    written = world.timelines[world.named("wren").id]
    oldest = world.tweets[written[-1]]
    more = [
        replace(oldest, id=str(int(oldest.id) - number), text=f"Note {number} to myself")
        for number in range(1, count + 1)
    ]
    world.tweets |= {tweet.id: tweet for tweet in more}
    world.timelines[oldest.author_id] = [*written, *(tweet.id for tweet in more)]


# A panel


def test_a_panel_is_read_anew_in_place_and_the_others_are_not(wren):
    is_same = stays(wren)
    for panel in ("tweets", "following"):
        wren.page.locator(f"#{panel}").evaluate("panel => { panel.dataset.mark = 'old'; }")

    button(wren, "Refresh Tweets").click()

    expect(wren.page.locator("#tweets")).not_to_have_attribute("data-mark", "old")
    expect(button(wren, "Refresh Tweets")).to_be_focused()
    assert wren.page.locator("#following").get_attribute("data-mark") == "old"
    assert is_same()
    assert wren.complaints == []


def test_a_panel_that_is_read_anew_looks_so(wren):
    held = []

    def hold(route):  # Playwright wants a function of Python's
        held.append(route)

    for path, panel, label in (
        ("/", "#tweets", "Refresh Tweets"),
        ("/follows", "#people", "Refresh people"),
    ):
        wren.open(path)
        part = wren.page.locator(panel)
        wren.page.route("**", hold)

        button(wren, label).click()

        expect(part).to_have_attribute("aria-busy", "true")
        seen = part.evaluate("it => [...it.children].map((it) => getComputedStyle(it).opacity)")
        assert "0.5" in seen
        assert seen[-1] == "1"  # its button says itself that it works
        held.pop().continue_()
        expect(part).not_to_have_attribute("aria-busy", "true")
        wren.page.unroute("**")


def test_a_refresh_without_a_session_asks_to_sign_in(wren):
    wren.context.clear_cookies(name=re.compile("session-"))

    button(wren, "Refresh Tweets").click()

    expect(wren.page.locator("h1")).to_have_text("Please press once more")


# A list


def test_a_list_goes_on_below_itself(wren, twitter):
    write_tweets(twitter, 30)
    wren.open("/tweets")
    is_same = stays(wren)
    shown = wren.page.locator("#tweets-list > .tweet")
    expect(shown).to_have_count(20)

    wren.page.get_by_role("link", name="Older").click()

    expect(shown).to_have_count(40)
    expect(shown.nth(20).get_by_role("link").first).to_be_focused()
    expect(wren.page.get_by_text("Page 2")).to_be_visible()
    assert is_same()
    assert wren.path() == "/tweets"

    wren.page.get_by_role("link", name="Older").click()

    expect(shown).to_have_count(42)
    expect(wren.page.get_by_role("link", name="Older")).to_have_count(0)
    assert wren.complaints == []


def test_a_list_that_ends_with_an_empty_part_stays_and_loses_its_button(wren, twitter):
    write_tweets(twitter, 30)
    wren.open("/tweets")
    is_same = stays(wren)
    shown = wren.page.locator("#tweets-list > .tweet")
    empty = {"meta": {"result_count": 0, "previous_token": "b"}}
    twitter.fault(path="/2/users/*/tweets", status=200, body=empty)

    wren.page.get_by_role("link", name="Older").click()

    expect(wren.page.get_by_text("This is the end of the list.")).to_be_visible()
    expect(shown).to_have_count(20)
    expect(wren.page.get_by_role("link", name="Older")).to_have_count(0)
    assert is_same()
    assert wren.complaints == []


def test_a_part_of_a_list_that_fails_is_shown_as_a_page(wren, twitter):
    write_tweets(twitter, 30)
    wren.open("/tweets")
    twitter.fault(path="/2/users/*/tweets", status=503, times=None)

    wren.page.get_by_role("link", name="Older").click()

    expect(wren.page.get_by_text("Twitter is not answering")).to_be_visible()
    assert "page=2" in wren.page.url


# Follow


def test_following_and_unfollowing_swap_the_button_and_say_so(wren, twitter):
    expect(wren.page.get_by_role("status")).to_have_count(1)
    expect(wren.page.get_by_role("status")).to_be_empty()
    allow_follows(wren)
    is_same = stays(wren)

    button(wren, "Follow @robin").click()

    expect(flash(wren)).to_have_text("You follow @robin now.")
    expect(button(wren, "Unfollow @robin")).to_be_focused()

    button(wren, "Unfollow @robin").click()

    expect(flash(wren)).to_have_text("You no longer follow @robin.")
    expect(button(wren, "Follow @robin")).to_be_focused()
    assert is_same()
    assert wren.complaints == []


def test_unfollowing_in_a_list_takes_the_person_out_of_it(wren):
    allow_follows(wren)
    wren.open("/follows")
    is_same = stays(wren)
    people = wren.page.locator("#people-list > li")
    following = people.count()
    third = people.nth(2).get_by_role("link").first.inner_text()

    people.nth(1).get_by_role("button").click()

    expect(people).to_have_count(following - 1)
    expect(people.nth(1).get_by_role("link").first).to_be_focused()
    assert people.nth(1).get_by_role("link").first.inner_text() == third
    assert is_same()


def test_a_missing_permission_is_asked_for_on_its_page(wren):
    wren.open("/people/robin")

    button(wren, "Unfollow @robin").click()

    expect(wren.page.locator("h1")).to_have_text("One more permission")
    assert re.fullmatch(r"/follows/\d+/delete", wren.path())


def test_what_fails_on_the_way_is_said(wren, twitter):
    allow_follows(wren)
    wren.context.set_offline(True)

    button(wren, "Follow @robin").click()

    expect(flash(wren)).to_have_text("That failed. Try again.")
    expect(button(wren, "Follow @robin")).not_to_have_attribute("aria-busy", "true")


# Buttons that wait


def test_a_button_that_waits_says_so_and_is_pressed_once(wren):
    for path, name in (("/", "Refresh Tweets"), ("/account", "Log out"), ("/people", "Find")):
        wren.open(path)
        if name == "Find":
            wren.page.get_by_role("searchbox").fill("robin")

        says, sent = button(wren, name).first.evaluate(PRESS_TWICE)

        assert says == ["true", '"Working…"']
        assert sent == 1


def test_going_back_finds_the_button_ready(read, twitter):
    reader = read()
    reader.open("/")
    reader.press("Sign in with Twitter")
    reader.page.wait_for_url(f"{twitter.url}/**")

    reader.page.go_back()

    expect(button(reader, "Sign in with Twitter")).not_to_have_attribute("aria-busy", "true")


# Times


def test_an_age_goes_on_by_itself(wren):
    wren.page.clock.install()
    wren.open("/")
    age = wren.page.locator("#tweets-age time")
    expect(age).to_have_text("just now")

    wren.page.clock.run_for("02:30")
    expect(age).to_have_text("2 minutes ago")
    wren.page.clock.run_for("59:00")
    expect(age).to_have_text("1 hour ago")


def test_a_clock_that_is_wrong_changes_no_age(wren):
    wren.page.clock.install(time="2020-01-01T00:00:00Z")

    wren.open("/")

    expect(wren.page.locator("#tweets-age time")).to_have_text("just now")


def test_times_are_those_of_the_readers_zone(chromium, site, twitter):
    """Those on the page, and those that a relative time says on hover."""
    context = chromium.new_context(timezone_id=KOLKATA, locale="en-GB")
    try:
        reader = signed_in(Reader(context, site.url))
        written = reader.page.locator(".tweet .when time").first
        said, title = written.inner_text(), written.get_attribute("title")
        utc = written.get_attribute("datetime").partition("T")[2]
        reader.open("/people/jay")
        poll = reader.page.locator(".poll time").inner_text()
    finally:
        context.close()

    assert said == "12m"
    assert minutes(title) == (minutes(utc) + 330) % 1440
    assert not any(time.endswith("UTC") for time in (title, poll))


def test_a_time_of_today_says_so(wren):
    since = wren.page.locator(".profile time")

    assert re.match(r"today, \d+:\d\d|\d+ \w+ \d{4}|\w+ \d+, \d{4}", since.inner_text())


def minutes(words):
    """Return the time of day in a sentence, in minutes."""
    hour, minute = re.search(r"(\d\d):(\d\d)", words).groups()
    return int(hour) * 60 + int(minute)


# Long posts, which need no script


@pytest.mark.parametrize("scripts", [False, True], ids=["no scripts", "scripts"])
def test_a_long_post_unfolds(read, twitter, scripts):
    reader = signed_in(read(scripts=scripts))
    post = reader.page.locator(".long").first
    height = "element => element.querySelector('.text').getBoundingClientRect().height"
    folded = post.evaluate(height)

    post.get_by_text("Show all of it").click()

    assert post.evaluate(height) > 1.5 * folded


def test_a_link_in_the_folded_part_unfolds_it(wren):
    post = wren.page.locator(".long").first
    link = post.get_by_role("link").last

    wren.page.keyboard.press("Tab")
    link.focus()

    assert link.evaluate(
        "link => link.getBoundingClientRect().bottom"
        " <= link.closest('.text').getBoundingClientRect().bottom + 1"
    )
