"""The sign-in diagram: with example times on a public page, and with the person's own times."""

import re
from html import unescape
from urllib.parse import parse_qs

import pytest

from app.accounts.models import Session
from app.accounts.sign_in_record import SignInRecord, Step
from app.pages import sign_in_diagram
from app.pages.filters import about, duration
from app.storage.extensions import db
from app.twitter.dialect import LIVE
from tests.factories import APP_NAME, ME_PATH, TOKEN_PATH, token_answer, user_answer

PUBLIC, OWN = "/how-it-works", "/account/sign-in"
PAGES = pytest.mark.parametrize("path", [PUBLIC, OWN])
# The RFCs that the project follows.
RFCS = {"6749", "6750", "7009", "7636", "9207", "9700"}
TITLES = [
    "You press the button",
    "The site makes two secrets",
    "Your browser asks Twitter",
    "You say yes, at Twitter",
    "Twitter sends you back",
    "You are back",
    "Is it yours, and is it new?",
    "The site exchanges the code",
    "Twitter answers with tokens",
    "The site asks whose tokens they are",
    "Twitter says who you are",
    "You are signed in",
]


def build_sign_in(**changes):
    fields = {
        "client": "confidential",
        "dialect": "live",
        "asked": {"tweet.read", "users.read"},
        "granted": {"tweet.read", "users.read"},
        "away_ms": 7_400,
        "reached_ms": dict(zip(Step, [3, 4, 1_250, 1_600], strict=True)),
    } | changes
    sets = {name: frozenset(fields[name]) for name in ("asked", "granted")}
    return SignInRecord(**fields | sets)


def record(app, sign_in):
    """Exchange the record of the only sign-in."""
    with app.app_context():
        kept = sign_in and sign_in.to_json()
        db.session.execute(db.update(Session).values(sign_in_record=kept))
        db.session.commit()


def text_of(page):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def explained(page):
    return {unescape(name) for name in re.findall(r"<dt><code[^>]*>([^<]+)</code>", page.text)}


def looks(page, name):
    """Return how the page describes the values of a parameter."""
    return set(re.findall(rf'<dt><code[^>]*>{name}</code> <span class="quiet">([^<]+)<', page.text))


# The public page


def test_strangers_can_read_how_it_works(client):
    page = client.get(PUBLIC)

    times = re.findall(r"· <b>([^<]+)</b>", page.text)
    assert page.status_code == 200
    assert "The times are an example." in page.text
    assert 'href="/account/sign-in"' not in page.text
    assert len(times) == 5
    assert all(time.endswith(", for example") for time in times)
    assert f'href="{PUBLIC}"' in client.get("/").text


def test_it_ends_with_the_button_for_signed_out_people(client, kind_twitter):
    signed_out = client.get(PUBLIC).text
    client.sign_in()

    end = signed_out.partition("And afterwards?")[2]
    assert ">Sign in with Twitter</button>" in end
    assert "Sign in with Twitter</button>" not in client.get(PUBLIC).text


def test_it_shows_a_public_client_no_secret(build_app):
    page = build_app(TWITTER_CLIENT_SECRET=None).test_client().get(PUBLIC)

    assert "Authorization: Basic" not in explained(page)
    assert "This site has no secret" in page.text


def test_it_speaks_the_dialect_of_the_site(build_app):
    page = build_app(TWITTER_DIALECT="beta").test_client().get(PUBLIC)

    assert "account.follows.read" in page.text


# What is explained is what travels


def test_every_parameter_of_the_authorization_request_is_explained(client):
    started = client.press_sign_in()

    assert started.query.keys() - explained(client.get(PUBLIC)) == set()


def test_the_exchange_is_described_as_it_is(client, kind_twitter):
    started = client.press_sign_in()
    client.come_back(state=started.state, code="c")
    [sent] = [call.request for call in kind_twitter.calls_to(TOKEN_PATH)]
    body = parse_qs(sent.body)
    values = started.query | {"code_verifier": body["code_verifier"][0]}

    assert (body.keys() | token_answer().keys()) - explained(client.get(OWN)) == set()
    for name in ("state", "code_challenge", "code_verifier"):
        shapes = looks(client.get(OWN), name)
        assert shapes
        assert all(shape.startswith(f"{len(values[name])} characters") for shape in shapes)
    for name in ("code_challenge_method", "response_type"):
        assert looks(client.get(OWN), name) == {values[name]}


@PAGES
def test_every_source_is_an_rfc_that_we_follow(signed_in, path):
    flow = signed_in.get(path).text.partition('<ol class="flow">')[2].partition("</ol>")[0]
    links = re.findall(r'<a href="([^"]+)"[^>]*>(RFC [^<]+)</a>', flow)
    sources = [re.fullmatch(r"RFC (\d{4}) §([\d.]+)", said) for _, said in links]

    assert all(sources)
    assert {source[1] for source in sources} <= RFCS
    assert [href for href, _ in links] == [
        f"https://www.rfc-editor.org/rfc/rfc{source[1]}#section-{source[2]}" for source in sources
    ]
    assert links[0][0] == "https://www.rfc-editor.org/rfc/rfc9700#section-4.7"


# A person's own sign-in


def test_signed_out_people_are_sent_to_the_start_page(client):
    answer = client.get(OWN)

    assert (answer.status_code, answer.location) == (303, f"/?next={OWN}")


def test_the_steps_of_this_very_sign_in_carry_their_times(app, signed_in):
    record(app, build_sign_in())

    page = signed_in.get(OWN)

    text = text_of(page)
    assert "You were at Twitter for about 7 s." in text
    assert f"{APP_NAME} knew who you were after 1.6 s" in text
    assert "POST /2/oauth2/token · 4 ms" in text
    assert "Exchanging the code 1.2 s" in text
    assert f"{APP_NAME} had exchanged yours 1.2 s after you came back." in text
    assert '<meter min="0" max="30000" value="1250"' in page.text


def test_a_refused_scope_is_listed(app, signed_in):
    record(app, build_sign_in(asked={"tweet.read", "follows.write"}, granted={"tweet.read", "new"}))

    text = text_of(signed_in.get(OWN))

    assert "Asked, but not granted follows.write Follow and unfollow people for you" in text
    assert "Granted, but not asked new" in text
    assert "You granted all of them" not in text


def test_a_sign_in_in_a_dialect_that_is_gone_is_still_shown(app, signed_in):
    record(app, build_sign_in(dialect="future", client="public"))

    text = text_of(signed_in.get(OWN))

    assert "a public client, which has no secret, in the future dialect" in text


def test_a_sign_in_without_a_record_has_a_page(app, signed_in):
    record(app, None)

    page = signed_in.get(OWN)

    assert page.status_code == 200
    assert "There is no record of this sign-in." in page.text


def test_a_sign_in_that_took_no_time_divides_by_nothing(app, signed_in):
    record(app, build_sign_in(reached_ms=dict.fromkeys(Step, 0), away_ms=0))

    text = text_of(signed_in.get(OWN))

    assert "You were at Twitter for a second at most." in text
    assert "Exchanging the code 0 ms" in text


def test_both_callbacks_of_a_double_submit_see_the_same_record(app, client, kind_twitter):
    started = client.press_sign_in()
    twin = client.twin()
    client.come_back(state=started.state, code="c")
    twin.come_back(state=started.state, code="c")
    record(app, build_sign_in(away_ms=33_000))

    assert "about 33 s" in client.get(OWN).text
    assert "about 33 s" in twin.get(OWN).text


def test_a_stranger_does_not_see_my_record(app, client, kind_twitter):
    client.sign_in()
    record(app, build_sign_in(away_ms=33_000))
    stranger = app.test_client()
    kind_twitter.upsert("GET", ME_PATH, json=user_answer(id="2002", username="cuckoo"))
    stranger.sign_in()

    assert "about 33 s" not in stranger.get(OWN).text


@PAGES
def test_no_value_of_the_sign_in_is_on_the_page(client, kind_twitter, path):
    started = client.press_sign_in()
    client.come_back(state=started.state, code="a-code-from-twitter")
    [sent] = [call.request for call in kind_twitter.calls_to(TOKEN_PATH)]
    answer = token_answer()
    secrets = [
        started.state,
        started.query["code_challenge"],
        parse_qs(sent.body)["code_verifier"][0],
        "a-code-from-twitter",
        answer["access_token"],
        answer["refresh_token"],
        sent.headers["Authorization"].removeprefix("Basic "),
    ]

    page = client.get(path).text

    assert [secret for secret in secrets if secret[:12] in page] == []


@PAGES
def test_the_steps_are_a_list_that_can_be_heard_in_order(signed_in, path):
    page = signed_in.get(path).text

    titles = re.findall(r"<h3>([^<]+)</h3>\s*<p class=\"quiet\">", page)
    assert titles == TITLES
    assert len(titles) == len(sign_in_diagram.MESSAGES)
    assert page.count('<ol class="flow">') == 1
    assert page.count('class="wires" aria-hidden="true"') == len(titles)
    assert not re.search(r"\sstyle=|<style|\son[a-z]+=|<script(?![^>]* src=)", page)


def test_hostile_scopes_are_only_text(app, signed_in):
    record(app, build_sign_in(granted={"<script>alert(1)</script>", "{asked}"}))

    page = signed_in.get(OWN).text

    assert "<script>alert" not in page
    assert "{asked}" in page


def test_an_example_asks_for_what_a_first_sign_in_asks():
    example = sign_in_diagram.example("public", LIVE)

    assert example.asked == example.granted == LIVE.scopes(*LIVE.at_sign_in)


def test_durations_are_rounded_down_by_size():
    said = {
        0: "0 ms",
        999: "999 ms",
        1000: "1 s",
        1999: "1.9 s",
        9_999: "9.9 s",
        10_400: "10 s",
        59_999: "59 s",
        60_000: "1 min 0 s",
        125_000: "2 min 5 s",
    }

    assert {milliseconds: duration(milliseconds) for milliseconds in said} == said


def test_times_of_two_clocks_are_in_whole_seconds():
    told = [about(milliseconds) for milliseconds in (0, 999, 7_400)]

    assert told == ["a second at most", "a second at most", "about 7 s"]
