"""What pages look like, as far as it can be measured: nothing cut, hidden, faded or jumping."""

from dataclasses import replace

import pytest
from playwright.sync_api import expect

from tests.sections import rows_of

pytestmark = [pytest.mark.loopback, pytest.mark.timeout(180)]

NARROW = {"width": 360, "height": 740}
WIDE = {"width": 1280, "height": 800}
CUT = """() => [...document.querySelectorAll(".people .name")]
    .filter((it) => it.scrollWidth > it.clientWidth || it.scrollHeight > it.clientHeight + 1)
    .map((it) => it.textContent)"""
TWO_LINES = """() => [...document.querySelectorAll(".tweet header")]
    .filter((it) => it.clientHeight > 1.6 * parseFloat(getComputedStyle(it).fontSize) + 4)
    .map((it) => it.textContent.replace(/\\s+/g, " "))"""
HIDDEN = """() => [...document.querySelectorAll(".who .username")]
    .filter((it) => it.scrollWidth > it.clientWidth).map((it) => it.textContent)"""
COVERED = """() => {
    const { left, top, width, height } = document.activeElement.getBoundingClientRect();
    const there = document.elementFromPoint(left + width / 2, top + height / 2);
    return Boolean(there?.closest(".lanes"));
}"""
MARKS_BELOW = """() => {
    const line = (it) => it.getBoundingClientRect();
    const nav = line(document.querySelector(".top nav"));
    return [...document.querySelectorAll(".top nav a")]
        .filter((it) => line(it).left < nav.left || line(it).right > nav.right).length;
}"""
OFF_CENTRE = """() => [...document.querySelectorAll(".button")].map((it) => {
    const range = document.createRange();
    range.selectNodeContents(it);
    const text = range.getBoundingClientRect(), box = it.getBoundingClientRect();
    return Math.abs(text.top + text.bottom - box.top - box.bottom) / 2;
})"""
TOUCH = """(it) => {
    it.scrollIntoView({ block: "center" });
    const { left, top, height } = it.getBoundingClientRect();
    return document.elementFromPoint(left + 3, top + height / 2).closest("a")?.href;
}"""
LIGHT = """(it) => {
    // Relative luminance, WCAG 2.2.
    const drawing = document.createElement("canvas").getContext("2d");
    drawing.fillStyle = it;
    drawing.fillRect(0, 0, 1, 1);
    const [r, g, b] = [...drawing.getImageData(0, 0, 1, 1).data].map((part) => {
        const x = part / 255;
        return x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}"""


@pytest.fixture(scope="module")
def site(sites, twitter_server):
    return sites.start(twitter_server)


@pytest.fixture
def wren(read, twitter):
    reader = read()
    reader.open("/")
    reader.sign_in("^Wren")
    return reader


def contrast(reader, one, other):
    lighter, darker = sorted((reader.page.evaluate(LIGHT, c) for c in (one, other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def colour(locator, name):
    return locator.evaluate("(it, name) => getComputedStyle(it)[name]", name)


def test_names_beside_a_button_are_whole_on_a_telephone(wren):
    wren.page.set_viewport_size(NARROW)
    wren.open("/follows")

    assert wren.page.evaluate(CUT) == ['<script>alert("tweet")</script>']


def test_the_mark_of_the_verified_stays_beside_the_name(wren):
    wren.page.set_viewport_size(NARROW)
    wren.open("/follows")

    for name in wren.page.locator(".called:has(.sign)").all():
        text, sign = (name.locator(each).bounding_box() for each in (".name", ".sign"))
        assert text["y"] < sign["y"] + sign["height"] / 2 < text["y"] + text["height"]


def test_the_username_of_an_author_stands_beside_their_name(wren):
    wren.page.set_viewport_size(NARROW)
    broken = {}
    for path in ("/", "/tweets", "/people/jay", "/people/mockingbird"):
        wren.open(path)
        broken[path] = wren.page.evaluate(TWO_LINES)

    assert [path for path, headers in broken.items() if headers] == []


@pytest.mark.parametrize("width", [NARROW, WIDE], ids=["narrow", "wide"])
def test_no_name_is_so_long_that_it_hides_the_username(wren, width):
    wren.page.set_viewport_size(width)
    hidden = {}
    for path in ("/", "/tweets", "/people/mockingbird", "/follows", *rows_of("LISTS")):
        wren.open(path)
        hidden[path] = wren.page.evaluate(HIDDEN)

    assert [path for path, usernames in hidden.items() if usernames] == []


def test_the_mark_of_a_follower_stays_within_the_card(wren):
    wren.page.set_viewport_size({"width": 320, "height": 740})
    wren.open("/people/mockingbird")

    mark, card = (wren.page.locator(it).bounding_box() for it in (".profile .mark", ".profile"))
    assert mark["x"] + mark["width"] < card["x"] + card["width"]


def test_a_bio_begins_right_below_its_name(wren):
    wren.page.set_viewport_size(WIDE)
    wren.open("/follows")

    heron = wren.page.locator(".people li", has_text="@heron")
    name, bio = (heron.locator(each).bounding_box() for each in (".who", ".bio"))
    assert bio["y"] - name["y"] - name["height"] < 8


def test_the_navigation_stays_within_its_line(wren):
    wren.page.set_viewport_size(NARROW)

    assert wren.page.evaluate(MARKS_BELOW) == 0


def test_words_stand_in_the_middle_of_their_button(wren):
    for path in ("/", "/follows", "/account", "/nowhere", "/account/disconnect"):
        wren.open(path)

        offsets = wren.page.evaluate(OFF_CENTRE)

        assert offsets
        assert max(offsets) < 2, path


@pytest.mark.parametrize(
    "path, name", [("/people", "Find"), ("/account", "Log out"), ("/", "Refresh Tweets")]
)
def test_a_button_that_waits_can_be_read_and_keeps_its_width(wren, path, name):
    wren.open(path)
    button = wren.page.get_by_role("button", name=name).first
    before = button.bounding_box()

    button.evaluate("it => { it.ariaBusy = true; }")

    assert button.bounding_box() == before
    needed = "it => { const s = getComputedStyle(it, '::after'); return parseFloat(s.width); }"
    assert button.evaluate(needed) < before["width"]
    assert colour(button, "opacity") == "1"
    for scheme in ("light", "dark"):
        wren.page.emulate_media(color_scheme=scheme)
        behind = colour(button, "backgroundColor")
        if behind == "rgba(0, 0, 0, 0)":
            behind = colour(wren.page.locator("html"), "backgroundColor")
        assert contrast(wren, colour(button, "color"), behind) >= 4.5, scheme


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_parts_of_the_chart_are_told_apart(wren, scheme):
    wren.open("/tweets")
    wren.page.emulate_media(color_scheme=scheme)
    likes, reposts, replies = (
        colour(wren.page.locator(f".key .{kind}"), "fill")
        for kind in ("likes", "reposts", "replies")
    )
    panel = colour(wren.page.locator(".panel").first, "backgroundColor")
    bar = wren.page.locator(".chart .likes").first

    assert contrast(wren, likes, reposts) >= 3
    assert contrast(wren, reposts, replies) >= 3
    for each in (likes, reposts, replies):
        assert contrast(wren, each, panel) >= 3
    assert colour(bar, "stroke") == panel  # a gap, where likes and replies meet
    expect(wren.page.get_by_text("Oldest first")).to_be_visible()


def test_of_three_pictures_the_first_spans_both_columns(wren):
    wren.open("/people/heron")

    first, second, third = (
        picture.bounding_box() for picture in wren.page.locator("[data-count='3'] img").all()
    )

    assert first["width"] > 1.9 * second["width"]
    assert second["y"] == third["y"] > first["y"] + first["height"]
    assert third["x"] > second["x"]


def test_the_focus_is_never_below_the_names_of_the_lanes(wren):
    wren.page.set_viewport_size(NARROW)
    for path in ("/how-it-works", "/account/sign-in"):
        wren.open(path)
        for summary in wren.page.locator(".flow summary").all():
            summary.evaluate("it => { it.parentElement.open = true; }")
        wren.page.locator(".bottom a").first.focus()

        for _ in range(wren.page.locator(".flow :is(a, summary)").count()):
            wren.page.keyboard.press("Shift+Tab")
            assert not wren.page.evaluate(COVERED), path


def test_a_long_post_offers_to_be_folded_again(wren):
    summary = wren.page.locator(".long summary").first
    expect(summary).to_have_text("Show all of it", use_inner_text=True)

    summary.click()

    expect(summary).to_have_text("Show less", use_inner_text=True)


def test_an_almost_empty_bar_is_seen(wren):
    wren.open("/account/sign-in")
    bar = wren.page.locator("meter")
    panel = colour(wren.page.locator(".panel").first, "backgroundColor")

    assert colour(bar, "borderTopWidth") == "1px"
    assert contrast(wren, colour(bar, "borderTopColor"), panel) >= 3


# For other eyes, and on paper


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_current_page_is_told_apart_in_forced_colours(wren, scheme):
    wren.page.emulate_media(color_scheme=scheme, forced_colors="active")
    wren.open("/follows")
    looks = """it => {
        const { borderBottomWidth, textDecorationLine } = getComputedStyle(it);
        return borderBottomWidth + textDecorationLine;
    }"""

    for navigation in ("Main", "Follows"):
        links = wren.page.get_by_role("navigation", name=navigation).get_by_role("link")
        current, others = set(), set()
        for link in links.all():
            found = current if link.get_attribute("aria-current") else others
            found.add(link.evaluate(looks))
        assert len(current) == 1
        assert others
        assert not current & others, navigation


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_buttons_bars_and_drawings_are_seen_in_forced_colours(wren, scheme):
    wren.page.emulate_media(color_scheme=scheme, forced_colors="active")
    wren.open("/people")
    find = wren.page.get_by_role("button", name="Find", exact=True)
    assert contrast(wren, colour(find, "color"), colour(find, "backgroundColor")) >= 4.5
    # Chromium paints a plate of another colour behind words that it forces.
    assert colour(find, "forcedColorAdjust") == "none"

    wren.open("/tweets")
    canvas = colour(wren.page.locator("html"), "backgroundColor")
    for kind in ("likes", "reposts", "replies"):
        assert contrast(wren, colour(wren.page.locator(f".key .{kind}"), "fill"), canvas) >= 3

    wren.open("/account/sign-in")
    arrow = wren.page.locator(".wire:not(.alone)").first
    head = "it => getComputedStyle(it, '::after').borderTopColor"
    assert arrow.evaluate(head) == "rgba(0, 0, 0, 0)"  # a triangle, not a box


def test_paper_shows_the_whole_of_a_long_post_and_of_what_is_folded(wren):
    wren.open("/tweets")
    text = wren.page.locator(".long .text").first
    is_cut = "it => it.scrollHeight > it.clientHeight + 1"
    assert text.evaluate(is_cut)
    table = wren.page.get_by_role("table")
    expect(table).to_be_hidden()

    wren.page.emulate_media(media="print")

    assert not text.evaluate(is_cut)
    expect(table).to_be_visible()
    expect(wren.page.get_by_text("Show all of it")).to_be_hidden()
    expect(wren.page.get_by_role("navigation", name="Main")).to_be_hidden()
    assert wren.page.get_by_role("button").count() == 0


def test_paper_cuts_no_names(wren):
    wren.page.set_viewport_size(NARROW)
    wren.open("/follows")
    wren.page.emulate_media(media="print")

    assert wren.page.evaluate(CUT) == []


@pytest.mark.parametrize("scripts", [True, False])
def test_a_sensitive_picture_is_seen_after_a_press_and_not_before(read, twitter, scripts):
    reader = read(scripts=scripts)
    reader.open("/")
    reader.sign_in("^Wren")
    reader.page.set_viewport_size(NARROW)
    reader.open("/people/barn_owl")
    picture = reader.page.locator(".sensitive img")
    expect(picture).to_be_hidden()
    assert reader.has_room_for_all()
    reader.page.emulate_media(media="print")
    expect(picture).to_be_hidden()
    reader.page.emulate_media(media="screen")

    reader.page.get_by_text("Show 1 picture that may be sensitive").click()

    expect(picture).to_be_visible()


def test_a_touch_beside_the_text_leads_to_the_tweet_at_twitter(wren, chromium, twitter, site):
    quote = next(one for one in twitter.world.tweets.values() if dict(one.references).get("quoted"))
    phone = chromium.new_context(
        storage_state=wren.context.storage_state(),
        is_mobile=True,
        has_touch=True,
        viewport=NARROW,
    )
    parts = {"text": ".body > .text", "card": ".quoted > .text", "author": ".body > header a"}
    leads_to = {}
    for name, page in {"mouse": wren.page, "phone": phone.new_page()}.items():
        page.goto(f"{site.url}/tweets/{quote.id}")
        leads_to[name] = {part: page.locator(css).evaluate(TOUCH) for part, css in parts.items()}
    phone.close()

    author = twitter.world.accounts[quote.author_id].username
    of_links = {"author": f"{twitter.url}/{author}"}
    status = f"{twitter.url}/i/web/status"
    quoted = dict(quote.references)["quoted"]
    assert leads_to["mouse"] == {"text": None, "card": None} | of_links
    assert leads_to["phone"] == (
        {"text": f"{status}/{quote.id}", "card": f"{status}/{quoted}"} | of_links
    )


def test_a_right_to_left_tweet_has_its_picture_and_author_on_the_right(wren, twitter):
    world = twitter.world
    tweet_id = world.timelines[world.named("wren").id][1]
    world.tweets[tweet_id] = replace(world.tweets[tweet_id], text="שלום wren", lang="he", links=())
    wren.open(f"/tweets/{tweet_id}")

    left = "(it) => it.getBoundingClientRect().left"
    picture, name, text = (
        wren.page.locator(css).evaluate(left) for css in (".tweet > .avatar", ".body .who", ".text")
    )

    assert picture > name > text
    assert wren.has_room_for_all()
