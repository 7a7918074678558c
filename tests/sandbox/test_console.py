"""The console: server-rendered, safe against other sites, and readable."""

import re

import pytest

from sandbox.world.settings import Settings
from tests.sandbox.birds import WREN

OURS = {"Origin": "http://localhost"}


@pytest.fixture
def press(browser):
    return lambda action, **form: browser.post(f"/console/{action}", data=form, headers=OURS)


def test_it_shows_accounts_clients_tokens_and_journal(steps, browser):
    tokens = steps.sign_in()
    page = browser.get("/").text

    assert "@wren" in page
    assert "1 follower, 1 following" in page
    assert "sandbox-secret" in page
    assert tokens["access_token"] in page
    assert "The app exchanges the code for tokens" in page
    assert "starling_0001" not in page


def test_hostile_names_and_parameters_are_escaped(steps, browser):
    steps.ask(state="<script>alert(1)</script>", client_id='"><script>')
    page = browser.get("/").text

    assert "<script>" not in page


def test_half_a_surrogate_pair_does_no_harm(steps, browser):
    body = '{"code_verifier": "\\ud800", "client_id": "\\ud800"}'
    browser.post("/2/oauth2/token", data=body, content_type="application/json")

    assert browser.get("/").status_code == 200
    assert browser.get("/sandbox/journal").status_code == 200


def test_it_needs_no_script_and_nothing_from_elsewhere(browser):
    answer = browser.get("/")
    with browser.get("/static/sandbox.css") as style:
        css = style.text

    assert "<script" not in answer.text
    assert "https://" not in answer.text.replace("https://mockingbird", "")
    assert "url(" not in css
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_every_control_has_a_label(browser):
    page = browser.get("/").text
    controls = page.count("<select") + page.count("<textarea") + page.count("<input")
    hidden = page.count('type="hidden"')

    assert page.count("<label>") == controls - hidden


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_another_site_cannot_press_a_button(browser, world, headers):
    answer = browser.post("/console/advance", data={"seconds": "31"}, headers=headers)

    assert answer.status_code == 403
    assert world.clock.ahead() == 0


def test_buttons_do_what_they_say(press, steps, world):
    token = steps.sign_in()["access_token"]
    back = press("advance", seconds="31")
    press("fault", path="/2/users/me", kind="503", times="1", delay_seconds="")
    press("client", name="Mine", kind="public", callbacks="https://a.example/ https://b.example/")
    mine = list(world.clients.values())[-1]

    assert (back.status_code, back.location) == (303, "/#time")
    assert round(world.clock.ahead()) == 31
    assert steps.get("/2/users/me", token).status_code == 503
    assert (mine.name, mine.confidential, len(mine.callbacks)) == ("Mine", False, 2)


def test_trouble_is_one_button_away(press, steps, world):
    token = steps.sign_in()["access_token"]

    def status(path="/2/users/me"):
        return steps.get(path, token).status_code

    press("down")
    assert (status(), steps.ask().status_code) == (503, 503)
    world.clock.advance(61)
    assert status() == 200
    press("down")
    press("clear")
    press("exhaust", account="wren")
    assert status() == 429
    world.clock.advance(900)
    press("exhaust", client_id="sandbox-client")
    assert status() == 429
    world.clock.advance(900)
    press("broke")
    assert status(f"/2/users/{WREN}") == 402
    press("expire")
    assert status() == 401
    token = steps.sign_in()["access_token"]
    press("disconnect", account="wren", client_id="sandbox-client")
    assert status() == 401
    press("reset")
    assert world.settings.plan == "enterprise"


def test_faults_of_every_kind_can_be_ordered(press, browser, world):
    """Those that the page offers."""
    page = browser.get("/").text
    kinds = re.findall(r'<option value="([^"]*)"', page[page.index('name="kind"') :])
    for kind in kinds[: kinds.index("confidential")]:
        press("fault", path="/2/*", kind=kind, times="2", delay_seconds="0.5")
    ordered = world.faults.waiting()

    assert len(ordered) == len({repr(fault) for fault in ordered}) == 19
    assert {fault.times for fault in ordered} == {2}


def test_a_mistake_is_explained_on_the_page(press):
    mistakes = [
        ("advance", {"seconds": "nan"}),
        ("advance", {"seconds": "-5"}),
        ("settings", {"plan": "gold"}),
        ("fault", {"path": "", "kind": "999"}),
        ("client", {"callbacks": "nowhere"}),
        ("exhaust", {"account": "nobody"}),
    ]
    answers = [press(action, **form) for action, form in mistakes]

    assert [answer.status_code for answer in answers] == [400] * len(mistakes)
    assert all('role="alert"' in answer.text for answer in answers)


def test_an_old_page_brings_no_old_setting_back(press, browser, world):
    """A page in another tab, or one that is older than what the API charged."""
    world.change({"plan": "pay-per-use", "credits": 5.0})
    page = browser.get("/").text
    form = dict(re.findall(r'name="(was_\w+)" value="([^"]*)"', page))
    form |= {name.removeprefix("was_"): value for name, value in form.items()}
    world.change({"plan": "legacy-free", "credits": 1.5, "posts_left": 3})
    press("settings", **form | {"latency_ms": " 7 "})

    assert world.settings == Settings(plan="legacy-free", credits=1.5, posts_left=3, latency_ms=7)


def test_a_setting_that_is_no_number_is_named(press, world):
    wishes = {
        "latency_ms": "soon",
        "credits": "nan",
        "posts_left": "1.5",
        "access_token_seconds": "",
    }
    answers = [press("settings", **{name: value}).text for name, value in wishes.items()]

    assert [
        n for n, text in zip(wishes, answers, strict=True) if f"{n} must be a num" not in text
    ] == []
    assert world.settings == Settings()


def test_unknown_buttons_are_404(press):
    assert press("explode").status_code == 404


def test_a_sign_in_is_told_step_by_step(steps, browser):
    tokens = steps.sign_in("robin")
    steps.get("/2/users/me", tokens["access_token"])
    steps.refresh(tokens["refresh_token"])
    steps.answer("cancel")
    page = browser.get("/").text
    told = page[page.index('id="sign-ins"') : page.index('id="journal"')]
    words = [
        "The person says no, and is sent back with an error",
        "302, sent on with error and state",
        "The app sends the person to the consent page",
        "The person says yes, and is sent back with a code",
        "302, sent on with state and code",
        "The app exchanges the code for tokens",
        "200, a token set for",
        "the secret behind the code challenge",
        "The app asks who signed in",
        "The app refreshes: one old token for a new set",
    ]

    assert told.count('class="trace"') == 2
    places = [told.index(word) for word in words if not word.startswith("The app sends")]
    assert places == sorted(places)


def test_only_what_belongs_to_a_sign_in_is_told_there(steps, browser):
    browser.get("/2/users/me")
    page = browser.get("/").text
    steps.exchange(steps.code(), code_verifier="w" * 43)

    assert "No sign-ins yet." in page
    assert "/2/users/me" in page
    assert "400 invalid_request: Value passed for the code verifier" in browser.get("/").text


def test_all_settings_can_be_turned(press, world):
    wish = {"plan": "legacy-free", "dialect": "renamed", "enrollment": "user-not-enrolled"}
    wish |= {"limit_body": "code-88", "grants": "many", "revoke": "grant"}
    wish |= {"way_back": "another-browser"}
    numbers = {"access_token_seconds": 60, "latency_ms": 1, "posts_left": 7, "credits": 0.5}
    press("settings", **wish, **numbers)
    turned = world.settings
    press("settings", posts_left="", credits="")

    assert turned == Settings(**wish, **numbers)
    assert (world.settings.posts_left, world.settings.credits) == (None, None)
