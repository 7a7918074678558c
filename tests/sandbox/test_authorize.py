"""The page on which a person says yes or no. Twitter: "OAuth 2.0 Authorization Code Flow"."""

import re
from html import unescape

import pytest

from sandbox.world.model import Client
from tests.sandbox.steps import CALLBACK, EVERYTHING, query_of


def test_form_offers_accounts_scopes_and_two_buttons(steps):
    page = steps.ask()

    assert page.status_code == 200
    assert page.text.index('value="wren" checked') < page.text.index('value="robin"')
    assert "Authorize app</button>" in page.text
    assert "Cancel</button>" in page.text
    assert page.text.index("Follow and unfollow people for you") < page.text.index('value="wren"')
    assert 'value="cuckoo"' not in page.text
    assert "<script>" not in page.text
    assert page.headers["Cache-Control"] == "no-store"
    # Browsers apply `form-action` to every redirect after the form (CSP level 3 §6.4.1).
    assert "form-action" not in page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


def test_yes_sends_state_and_code_in_this_order(steps):
    back = steps.answer(state="s p&ce")

    assert back.status_code == 302
    assert back.location.startswith(f"{CALLBACK}?state=s+p%26ce&code=")


def test_cancel_is_told_to_the_client(steps):
    """RFC 6749 §4.1.2.1."""
    back = steps.answer("cancel")

    assert back.location == f"{CALLBACK}?error=access_denied&state=a-state"


@pytest.mark.parametrize("decision", ["authorize", "cancel"])
def test_the_way_back_may_lead_through_another_browser(steps, world, decision):
    world.change({"way_back": "another-browser"})

    page = steps.answer(decision)

    [link] = re.findall(r'<a href="([^"]+)"', page.text)
    assert page.status_code == 200
    assert unescape(link) == page.location
    assert page.location.startswith(f"{CALLBACK}?")
    assert query_of(page.location).keys() ^ {"state"} <= {"code", "error"}
    assert page.headers["Cache-Control"] == "no-store"


def test_the_journal_follows_a_sign_in_through_another_browser(steps, world):
    world.change({"way_back": "another-browser"})

    steps.exchange(query_of(steps.answer().location)["code"])

    page = steps.browser.get("/").text
    trace = page[page.index('id="sign-ins"') : page.index('id="journal"')]
    assert "The app exchanges the code for tokens" in trace


def test_missing_state_is_the_one_mistake_answered_by_a_redirect(steps):
    """Seen on Twitter: `?error=invalid_request&state=`."""
    back = steps.ask(state=None)

    assert back.status_code == 302
    assert back.location == f"{CALLBACK}?error=invalid_request&state="


DEAD_ENDS = [
    ({"client_id": None}, "client_id"),
    ({"client_id": "nobody"}, "client_id"),
    ({"redirect_uri": None}, "redirect_uri"),
    ({"redirect_uri": CALLBACK + "/"}, "redirect_uri"),
    ({"response_type": None}, "response_type"),
    ({"response_type": "token"}, "response_type"),
    ({"scope": None}, "scope"),
    ({"scope": ""}, "scope"),
    ({"scope": "tweet.read offline_access"}, "offline_access"),
    ({"scope": "tweet.read  users.read"}, "scope"),
    ({"scope": "account.follows.read"}, "account.follows.read"),
    ({"code_challenge": None}, "PKCE"),
    ({"code_challenge": ""}, "PKCE"),
    ({"code_challenge_method": None}, "PKCE"),
    ({"code_challenge_method": "none"}, "code_challenge_method"),
    ({"code_challenge": "c" * 42}, "RFC 7636"),
    ({"code_challenge": "c" * 44}, "RFC 7636"),
    ({"code_challenge_method": "S512"}, "code_challenge_method"),
    ({"code_challenge": "a" * 129, "code_challenge_method": "plain"}, "RFC 7636"),
    ({"code_challenge": "sp ace", "code_challenge_method": "plain"}, "RFC 7636"),
    ({"state": "s" * 501}, "500"),
    ({"state": ["one", "two"]}, "more than once"),
    ({"redirect_uri": [CALLBACK, CALLBACK]}, "more than once"),
]


def test_a_bad_request_is_a_dead_end(steps):
    """RFC 6749 §4.1.2.1 forbids a redirect for some of these; Twitter redirects for none."""
    pages = [(steps.ask(**changes), rule) for changes, rule in DEAD_ENDS]

    assert {(page.status_code, page.location) for page, _ in pages} == {(400, None)}
    assert all("Something went wrong" in page.text for page, _ in pages)
    assert [rule for page, rule in pages if rule not in page.text] == []


def test_challenges_come_in_three_spellings(steps):
    """Twitter's own TypeScript SDK sends `s256`, and its example a plain "challenge"."""
    lower = steps.code(code_challenge_method="s256")
    plain = steps.code(code_challenge="challenge", code_challenge_method="plain")

    assert steps.exchange(lower).status_code == 200
    assert steps.exchange(plain, code_verifier="challenge").status_code == 200


def test_a_state_of_500_characters_is_fine(steps):
    assert query_of(steps.answer(state="s" * 500).location)["state"] == "s" * 500


def test_a_query_in_the_callback_is_kept(steps, world):
    """RFC 6749 §3.1.2."""
    callback = "https://q.example/back?a=1"
    world.register(Client(client_id="q", name="Q", callbacks=(callback,)))
    answer = steps.answer("cancel", client_id="q", redirect_uri=callback)

    assert answer.location.startswith(f"{callback}&error=access_denied")


def test_a_form_works_once(steps):
    asked = steps.consent_request()
    steps.answer(asked=asked)

    assert "answered already" in steps.answer(asked=asked).text


@pytest.mark.parametrize("decision", ["authorize", "cancel"])
def test_a_form_that_was_left_open_is_refused_after_ten_minutes(steps, world, decision):
    first, second = steps.consent_request(), steps.consent_request()
    world.clock.advance(599)
    in_time = steps.answer(decision, asked=first)
    world.clock.advance(1)
    late = steps.answer(decision, asked=second)

    assert in_time.status_code == 302
    assert late.status_code == 400
    assert "Go back and try logging in again." in late.text
    assert "left open for longer than 10 minutes" in late.text


def test_a_form_of_another_site_is_refused(steps):
    odd = [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ]

    assert [steps.answer(headers=headers).status_code for headers in odd] == [400] * 4
    assert steps.answer(headers={"Origin": "http://localhost"}).status_code == 302


def test_a_forged_form_is_refused(steps):
    forms = [
        {"asked": "made-up"},
        {"decision": None},
        {"decision": "maybe"},
        {"account": None},
        {"account": "nobody"},
        {"account": "cuckoo"},
        {"account": "starling_0001"},
    ]

    assert [steps.answer(**form).status_code for form in forms] == [400] * len(forms)


def test_beta_knows_other_scopes_and_public_clients_only(steps, world):
    """The document of the private beta of 2021."""
    world.change({"dialect": "beta"})
    beta = "tweet.read users.read account.follows.read account.follows.write spaces.read"

    assert steps.ask(client_id="sandbox-public", scope=beta).status_code == 200
    assert steps.ask(client_id="sandbox-public", scope=EVERYTHING).status_code == 400
    assert "public clients" in steps.ask(scope=beta).text


@pytest.mark.parametrize("name", ["prompt", "force_login", "login_hint", "screen_name"])
def test_parameters_that_twitter_does_not_know_change_nothing(steps, name):
    """RFC 6749 §3.1. X has no account chooser, and asks for consent at every sign-in."""
    steps.sign_in()
    pages = [steps.ask(**{name: value}).text for value in ("login", None)]

    with_it, without = (re.sub(r'name="consent_request" value="[^"]+"', "", page) for page in pages)
    assert with_it == without
    assert "Authorize app" in without


@pytest.mark.parametrize("name", ["openid-configuration", "oauth-authorization-server"])
def test_there_is_no_discovery_and_no_openid(steps, name):
    assert steps.browser.get(f"/.well-known/{name}").status_code == 404
    assert steps.browser.post("/2/oauth2/register", json={}).status_code == 404
    assert "&#39;openid&#39; does not exist" in steps.ask(scope="openid tweet.read").text


def test_localhost_is_a_callback_like_any_other(steps, world):
    """X's own tools register `http://localhost:8080/callback`."""
    here, numbers = "http://localhost:8080/callback", "http://127.0.0.1:8080/callback"
    world.register(Client(client_id="l", name="L", callbacks=(here,)))

    assert steps.answer(client_id="l", redirect_uri=here).location.startswith(f"{here}?state=")
    assert "redirect_uri" in steps.ask(client_id="l", redirect_uri=numbers).text
