"""The console: server-rendered, safe against other sites, and readable."""

import pytest

from sandbox.seed_birds import WREN

OURS = {"Origin": "http://localhost"}


@pytest.fixture
def press(browser):
    return lambda action, **form: browser.post(f"/console/{action}", data=form, headers=OURS)


def test_it_shows_accounts_clients_tokens_and_journal(steps, browser):
    tokens = steps.sign_in()
    page = browser.get("/").text

    assert "@wren" in page
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
    assert world.ahead() == 0


def test_a_button_comes_back_to_its_place(press):
    answer = press("advance", seconds="31")

    assert answer.status_code == 303
    assert answer.location == "/#time"


def test_buttons_do_what_they_say(press, steps, world):
    token = steps.sign_in()["access_token"]
    press("advance", seconds="31")
    press("settings", plan="pay-per-use", dialect="live", access_token_seconds="60", latency_ms="0")
    press("fault", path="/2/users/me", kind="503", times="1", delay_seconds="")
    press("client", name="Mine", kind="public", callbacks="https://a.example/ https://b.example/")

    assert round(world.ahead()) == 31
    assert world.settings.access_token_seconds == 60
    assert steps.get("/2/users/me", token).status_code == 503
    assert [c.name for c in world.clients.values()][-1] == "Mine"
    assert len(list(world.clients.values())[-1].callbacks) == 2


def test_trouble_is_one_button_away(press, steps, world):
    token = steps.sign_in()["access_token"]

    press("down")
    assert steps.get("/2/users/me", token).status_code == 503
    press("clear")
    press("exhaust", account="wren")
    assert steps.get("/2/users/me", token).status_code == 429
    world.advance(900)
    press("broke")
    assert steps.get(f"/2/users/{WREN}", token).status_code == 402
    press("expire")
    assert steps.get("/2/users/me", token).status_code == 401
    press("reset")
    assert world.settings.plan == "enterprise"


@pytest.mark.parametrize("kind", ["hang", "drop", "drip", ""])
def test_faults_of_every_kind_can_be_ordered(press, world, kind):
    press("fault", path="/2/*", kind=kind, times="2", delay_seconds="0.5")

    assert world.faults.waiting()[0].times == 2


@pytest.mark.parametrize(
    "action, form",
    [
        ("advance", {"seconds": "nan"}),
        ("advance", {"seconds": "-5"}),
        ("settings", {"plan": "gold"}),
        ("fault", {"path": "", "kind": "999"}),
        ("client", {"callbacks": "nowhere"}),
        ("exhaust", {"account": "nobody"}),
    ],
)
def test_a_mistake_is_explained_on_the_page(press, action, form):
    answer = press(action, **form)

    assert answer.status_code == 400
    assert 'role="alert"' in answer.text


def test_unknown_buttons_are_404(press):
    assert press("explode").status_code == 404
