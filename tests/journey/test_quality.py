"""The finish: for everybody, at every size, in every light, with and without a mouse.

axe-core is put into the pages from outside, past their policy, which allows no script but ours.
"""

import gzip
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.journey.chromium import SCHEMES, WIDTHS, Reader
from tests.journey.sites import wait_until
from tests.sections import all_of, rows_of

pytestmark = [
    pytest.mark.loopback,
    pytest.mark.timeout(240),
    pytest.mark.usefixtures("nothing_remembered"),
]

AXE = (Path(__file__).parent / "vendor" / "axe-core" / "axe-4.14.1.min.js").read_text()
RUN_AXE = """async () => {
    const { violations } = await axe.run({ resultTypes: ["violations"] });
    return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target}`));
}"""
FOCUS = """() => {
    const it = document.activeElement;
    const { outlineStyle, outlineWidth } = getComputedStyle(it);
    const { top, bottom, left, right } = it.getBoundingClientRect();
    return {
        isNowhere: it === document.body,
        name: (it.ariaLabel || it.innerText || it.labels?.[0]?.innerText || "").trim(),
        isOutlined: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2,
        isInSight: bottom > 0 && top < innerHeight && right > 0 && left < innerWidth,
    };
}"""
COUNT_SHIFTS = """
window.shifts = 0;
new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) shifts += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""
COUNT_FRAMES = """
window.framesPainted = 0, window.framesInUtc = 0;
(function look() {
    framesPainted += 1;
    if (document.querySelector("main time")?.textContent.endsWith("UTC")) framesInUtc += 1;
    requestAnimationFrame(look);
})();
"""
PAINT = """() => new Promise(
    (done) => requestAnimationFrame(() => requestAnimationFrame(done))
)"""
MOVING = """() => [...document.querySelectorAll("*")].filter((element) => {
    const style = getComputedStyle(element);
    const lasts = style.transitionDuration + style.animationDuration;
    return /[1-9]/.test(lasts) || style.scrollBehavior === "smooth";
}).length"""
NARROW = [320, 360, 640]
MOST_TABS = 120
MOST_SHIFT = 0.02
MOST_BYTES = 60_000


@pytest.fixture(scope="module")
def site(sites, twitter_server):
    # What was read is soon old enough to be read again, and to be shown as old.
    return sites.start(twitter_server, CACHE_SECONDS="1")


@pytest.fixture
def wren(read, twitter):
    return signed_in(read())


def signed_in(reader, name="^Wren"):
    reader.open("/")
    reader.sign_in(name)
    return reader


@dataclass
class Birds:
    """What the made-up world has to show: ids."""

    tweet: str
    further: list[str]  # pages of sections that can be taken out


@pytest.fixture
def birds(twitter):
    world = twitter.world
    tweet = world.timelines[world.named("robin").id][0]
    return Birds(tweet, [path for pages_of in all_of("pages_of") for path in pages_of(world)])


def pages(birds):
    """Every page for signed-in people, with the states that an address can bring about."""
    return [
        "/",
        "/tweets",
        f"/tweets/{birds.tweet}",
        "/tweets/1",
        "/tweets/lookup",
        f"/tweets/lookup?ids={birds.tweet},1",
        "/tweets/lookup?ids=nonsense!",
        "/follows",
        "/follows/followers",
        "/people",
        "/people?who=robin,nobodyhere,cuckoo",
        "/people?who=nonsense!",
        "/people/robin",
        "/people/nobodyhere",
        *birds.further,
        "/account",
        "/account/sign-in",
        "/account/disconnect",
        "/nowhere",
    ]


# For everybody


class Inspector:
    """Looks at a page, narrow and wide, dark and light, and collects what axe-core minds."""

    def __init__(self):
        self.minded = {}

    def look(self, reader, name):
        reader.page.evaluate(AXE)
        for (width, height), scheme in zip(WIDTHS.items(), SCHEMES, strict=True):
            reader.page.set_viewport_size({"width": width, "height": height})
            reader.page.emulate_media(color_scheme=scheme)
            minded = reader.page.evaluate(RUN_AXE)
            if not reader.has_room_for_all():
                minded.append("is too wide")
            if minded:
                self.minded[name, width, scheme] = minded


@pytest.fixture
def inspector():
    return Inspector()


def test_every_page_is_well_made(wren, birds, inspector):
    """Accessible, narrow enough, still, silent, and it says where it is: opened once for all."""
    sections = {"tweets": "Tweets", "follows": "Follows", "people": "Follows"}
    sections |= {heading.lower(): heading for heading in rows_of("HEADINGS")}
    said = []
    wren.context.on("console", lambda message: said.append(message.text))
    wren.page.emulate_media(reduced_motion="reduce")
    for path in ["/how-it-works", "/privacy", *pages(birds)]:
        said.clear()
        answer = wren.open(path)
        # Which Chromium mentions.
        mentioned = [] if answer.ok else [f"Failed to load resource: .*{answer.status}.*"]
        assert len(said) == len(mentioned), (path, said)
        assert all(map(re.fullmatch, mentioned, said)), (path, said)
        assert wren.page.evaluate(MOVING) == 0, path
        assert wren.page.locator("h1").count() == 1, path
        if section := sections.get(path.split("/")[1].partition("?")[0]):
            current = wren.page.locator("nav[aria-label=Main] [aria-current]").all_inner_texts()
            assert current == [section], path
        unfold(wren)
        inspector.look(wren, path)
        for width in NARROW:
            wren.page.set_viewport_size({"width": width, "height": 600})
            assert wren.has_room_for_all(), (path, width)

    assert inspector.minded == {}


def unfold(reader):
    reader.page.evaluate("document.querySelectorAll('details').forEach((it) => it.open = true)")


def test_pages_for_strangers_and_about_mistakes_are_accessible(read, twitter, inspector):
    reader = read()
    callback = "/auth/callback?state=none&code=none"
    for path in (callback, "/", "/how-it-works", "/privacy", callback, "/nowhere"):
        reader.open(path)
        inspector.look(reader, f"{path}: {reader.heading()}")
    reader.open("/")
    reader.press("Sign in with Twitter")
    reader.press("Cancel")
    inspector.look(reader, "cancelled")
    reader.open("/")
    reader.context.clear_cookies()
    reader.press("Sign in with Twitter")
    inspector.look(reader, "stale form")
    twitter.fault(path="/2/oauth2/token", status=503)
    reader.open("/")
    reader.sign_in("^Wren")
    inspector.look(reader, "Twitter is away")

    assert inspector.minded == {}


def test_states_that_come_about_by_pressing_are_accessible(wren, twitter, inspector):
    wren.open("/people/robin")
    wren.page.get_by_role("button", name="Unfollow @robin", exact=True).click()
    expect(wren.page.locator("h1")).to_have_text("One more permission")
    inspector.look(wren, "permission")
    wren.press("Continue to Twitter")
    wren.pick("^Wren")
    wren.press("Authorize app")
    inspector.look(wren, "somebody unfollowed, and told so")
    wren.open("/account/disconnect")
    wren.page.locator("form.sure").evaluate("form => { form.noValidate = true; }")
    wren.press("Disconnect and delete")
    inspector.look(wren, "unsure")

    assert inspector.minded == {}


def test_ended_sign_ins_are_folded_and_accessible(wren, inspector):
    wren.press("Log out")
    signed_in(wren)
    wren.open("/account")
    ending = wren.page.get_by_text("You logged out, there or from another browser.").first
    assert not ending.is_visible()

    wren.page.locator("summary", has_text="Sign-ins that ended").focus()
    wren.page.keyboard.press("Enter")

    assert ending.is_visible()
    inspector.look(wren, "ended sign-ins")
    for width in NARROW:
        wren.page.set_viewport_size({"width": width, "height": 600})
        assert wren.has_room_for_all(), width

    assert inspector.minded == {}


def test_troubles_and_old_data_are_accessible(wren, twitter, inspector):
    twitter.fault(path="/2/*", status=503, times=None)
    wait_until(lambda: wren.open("/").ok and "here is what we read" in wren.text())
    inspector.look(wren, "old data")
    for path in ("/tweets/20", "/people/kingfisher", "/follows/followers"):
        wren.open(path)
        assert "Twitter is not answering" in wren.text()
        inspector.look(wren, f"trouble on {path}")

    assert inspector.minded == {}


def test_rare_states_are_accessible(wren, read, twitter, inspector):
    for _ in range(2):
        signed_in(read())
    wren.open("/account")
    expect(wren.page.get_by_role("button", name="Log out everywhere else")).to_be_visible()
    inspector.look(wren, "several browsers")
    wren.open("/tweets?page=2&token=gone")
    assert "has expired" in wren.text()
    inspector.look(wren, "expired")

    assert inspector.minded == {}


def test_what_a_plan_leaves_over_is_accessible(chromium, sites, twitter, inspector):
    """A site of its own: what a plan lacks is remembered for everybody."""
    site = sites.start(twitter, TWITTER_CLIENT_ID="nestbox")
    context = chromium.new_context()
    reader = Reader(context, site.url)
    twitter.settings(plan="legacy-free")
    reader.open("/")
    reader.sign_in("^Wren")
    assert "Part of this page is not in this site's plan" in reader.text()
    for path in ("/", "/follows", *rows_of("LISTS"), "/account"):
        reader.open(path)
        inspector.look(reader, f"{path} without what the plan lacks")
    context.close()

    assert inspector.minded == {}


def test_an_empty_account_is_accessible(read, twitter, inspector):
    egg = signed_in(read(), "^Egg")
    for path in ("/", "/tweets", "/follows", "/follows/followers", *rows_of("LISTS"), "/account"):
        egg.open(path)
        inspector.look(egg, f"{path} of an egg")

    assert inspector.minded == {}


def test_the_pages_of_the_sandbox_are_accessible(read, twitter, inspector):
    reader = read()
    reader.open("/")
    reader.press("Sign in with Twitter")
    inspector.look(reader, "consent")
    twitter.settings(way_back="another-browser")
    reader.press("Authorize app")
    inspector.look(reader, "another browser")
    reader.page.get_by_role("link", name="Back to").click()
    reader.page.wait_for_url(f"{reader.url}/**")
    twitter.fault(path="/2/tweets", status=503)
    paths = ("/", "/settings/connected_apps", "/i/oauth2/authorize?client_id=none")
    for path in (*paths, "/wren", "/search?q=the", "/nobody_here"):
        reader.page.goto(twitter.url + path)
        unfold(reader)
        inspector.look(reader, f"sandbox {path}")

    assert inspector.minded == {}


# Without a mouse


class Typist(Reader):
    """Somebody with a keyboard and nothing else, who must see where they are."""

    def tab_to(self, name):
        for _ in range(MOST_TABS):
            focus = self.page.evaluate(FOCUS)
            if re.search(name, focus["name"]):
                return
            self.page.keyboard.press("Tab")
            focus = self.page.evaluate(FOCUS)
            if self.page.url.startswith(self.url) and not focus["isNowhere"]:
                assert focus["isOutlined"], focus
                assert focus["isInSight"], focus
        pytest.fail(f"{name} cannot be reached by Tab on {self.page.url}")

    def enter(self, name):
        self.tab_to(name)
        self.page.keyboard.press("Enter")

    def says_yes(self):
        self.page.wait_for_url("**/i/oauth2/authorize?**")
        self.enter("^Authorize app")


@pytest.mark.parametrize("scripts", [False, True], ids=["no scripts", "scripts"])
def test_the_whole_journey_by_keyboard(chromium, site, twitter, scripts):
    context = chromium.new_context(java_script_enabled=scripts)
    typist = Typist(context, site.url)
    said = typist.page.locator(".flash")
    heading = typist.page.locator("h1")
    typist.open("/")
    typist.enter("^Sign in with Twitter")
    typist.says_yes()
    expect(heading).to_have_text("Wren")

    typist.enter("^Tweets$")
    expect(heading).to_have_text("Tweets")
    typist.enter("^Follows$")
    expect(heading).to_have_text("Follows on Twitter")
    typist.tab_to("^Find people")
    typist.page.keyboard.type("robin")
    typist.page.keyboard.press("Enter")
    expect(heading).to_have_text("People on Twitter")
    typist.enter("^Unfollow @robin")
    expect(heading).to_have_text("One more permission")
    typist.enter("^Continue to Twitter")
    typist.says_yes()
    expect(said).to_have_text("You no longer follow @robin.")
    typist.enter("^Follow @robin")
    expect(said).to_have_text("You follow @robin now.")
    typist.enter("^Unfollow @robin")
    expect(said).to_have_text("You no longer follow @robin.")
    typist.enter("^Log out")

    expect(said).to_contain_text("You are logged out")
    assert typist.complaints == []
    context.close()


def test_the_first_tab_leads_past_the_navigation(wren):
    wren.page.keyboard.press("Tab")
    wren.page.keyboard.press("Enter")
    wren.page.keyboard.press("Tab")

    assert wren.page.evaluate("document.querySelector('main').contains(document.activeElement)")


# Nothing jumps


@pytest.mark.parametrize("width", WIDTHS)
def test_pictures_that_come_late_move_nothing(wren, width):
    page, held, shifts = wren.page, [], {}
    page.set_viewport_size({"width": width, "height": 900})
    page.add_init_script(COUNT_SHIFTS)

    def hold(route):
        is_picture = route.request.resource_type == "image"
        held.append(route) if is_picture else route.continue_()

    page.route("**", hold)
    for path in ("/", "/tweets", "/people/robin", "/people/magpie", *rows_of("LISTS")):
        page.goto(wren.url + path, wait_until="domcontentloaded")
        page.evaluate(PAINT)
        assert held
        while held:
            held.pop().continue_()
            page.evaluate(PAINT)
        page.wait_for_load_state()
        page.evaluate(PAINT)
        shifts[path] = page.evaluate("shifts")

    assert max(shifts.values()) < MOST_SHIFT, shifts


def test_no_time_changes_its_zone_in_sight(wren):
    """Lines may break elsewhere then: times are changed before anything is painted."""

    def wait(route):  # Playwright wants a function of Python's
        wren.page.wait_for_timeout(200)  # a slow line
        route.continue_()

    wren.page.add_init_script(COUNT_FRAMES)
    wren.page.route("**/static/**/*.js*", wait)
    for path in ("/", "/account", "/account/sign-in"):
        wren.open(path)
        wren.page.evaluate(PAINT)

        frames, in_utc = wren.page.evaluate("[framesPainted, framesInUtc]")
        assert frames > 0
        assert in_utc == 0, path


def on_the_wire(request):
    """Return the bytes of an answer behind nginx, which compresses files and no pages."""
    sizes = request.sizes()
    body = sizes["responseBodySize"]
    if "/static/" in request.url:
        body = len(gzip.compress(request.response().body(), compresslevel=1))
    return body + sizes["responseHeadersSize"]


@pytest.mark.parametrize("is_signed_in", [False, True])
def test_the_first_load_is_small(read, chromium, site, twitter, is_signed_in):
    state = signed_in(read()).context.storage_state() if is_signed_in else None
    context = chromium.new_context(storage_state=state)
    loaded = []

    def note(request):  # Playwright wants a function of Python's
        loaded.append(request)

    context.on("requestfinished", note)
    reader = Reader(context, site.url)

    reader.open("/")
    reader.page.wait_for_load_state("networkidle")

    sizes = {each.url: on_the_wire(each) for each in loaded if each.resource_type != "image"}
    assert len(sizes) > 10
    assert sum(sizes.values()) < MOST_BYTES, sizes
    context.close()


def test_a_hostile_account_runs_no_script(read, twitter):
    reader = read()
    alarms = []
    reader.context.on("console", lambda message: alarms.append(message.text))
    reader.context.on("dialog", lambda dialog: alarms.append(dialog.message))
    signed_in(reader, "mockingbird")

    for path in ("/", "/account", "/people/mockingbird", "/tweets"):
        reader.open(path)
        scripts = reader.page.evaluate("[...document.scripts].map((script) => script.src)")
        assert all(src.startswith(f"{reader.url}/static/") for src in scripts), path
        assert len(scripts) == 2, path

    refresh = reader.page.get_by_role("button", name="Refresh Tweets")
    refresh.click()
    expect(refresh).to_be_focused()
    assert len(reader.page.frames) == 1
    assert alarms == []
