"""The privacy page is true of the tables, the cookies and the settings, and links lead to it."""

import re
from html import unescape

import pytest

from app.auth import pending_sign_ins
from tests.factories import APP_NAME
from tests.tables import TABLES
from tests.web.answers import NOTHING, stand

POLICY = "https://nest.example/privacy?lang=en&v=2"
TERMS = "https://nest.example/terms"
CONTACT = "wren@nest.example"
OPERATED = {"PRIVACY_URL": POLICY, "TERMS_URL": TERMS, "CONTACT_EMAIL": CONTACT}
ENDED = "when and why the session ended"
RENEWALS = "a lock for renewals"
ATTEMPTS = "the number of attempts"

# Each column, and the words of the page that tell of it. For a new column, tell of it there first.
TOLD = {
    "users": {
        "id twitter_id": "Your id",
        "username": "username at Twitter",
        "profile": "your profile as Twitter showed it",
        "cache_epoch epochs": "and counters",
        "created_at signed_in_at": "when you first and last signed in here",
        "left_at": "when your last session ended",
    },
    "sessions": {
        "id user_id": "For each browser in which you sign in: an id",
        "browser": "Firefox on Linux",
        "created_at seen_at": "when you signed in and last used it",
        "ended_at end_reason refused_at": ENDED,
        "sign_in_record": "the course of the sign-in",
    },
    "grants": {
        "id user_id": "The access to your account",
        "scopes": "The permissions that you granted",
        "access_token refresh_token": "an access token and a refresh token, both encrypted",
        "issued_at exchanged_at created_at expires_at refreshed_at": "issued, renewed and expire",
        "generation lease_owner lease_until": RENEWALS,
        "ended_at end_reason": "when and why the access ended",
    },
    "usage": {
        "user_id route calls day": "How many calls of each kind were made on a day",
        "items": "how many items they returned",
    },
    "actions": {
        "user_id action target_id once": "The action, its target, the form",
        "performed_at result": "the time and the result",
    },
    "used_states": {
        "state_hash code_hash used_at": "A hash of the secrets of each sign-in",
        "outcome recorded_at session_id": "its outcome and its session",
    },
    "endings": {"twitter_id_hash ended_at": "a hash of your Twitter id"},
    "revocations": {
        "id token sealed_for token_type_hint": "Tokens that Twitter has yet to revoke: encrypted",
        "twitter_id waits_for": "with your Twitter id",
        "attempts refusals created_at": ATTEMPTS,
        "due_at": "the time of the next one",
        "dead_letter_at": "Tokens that Twitter refuses to revoke are deleted",
    },
    "revocation_events": {
        "event_uuid user_id": "the number of that message, your id at Twitter",
        "revoked_at received_at": "when you revoked the access, when the message came",
        "due_at attempts": "when and how often this site then tried the access",
    },
}


def words(page):
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def links(page):
    return dict(re.findall(r'<a href="([^"]+)"[^>]*>([^<]+)</a>', page.text))


def foot(page):
    return unescape(page.text.partition("<footer")[2])


# What is stored


def test_the_page_tells_of_every_column(client):
    text = words(client.get("/privacy"))
    told = {
        f"{table}.{column}": said
        for table, columns in TOLD.items()
        for names, said in columns.items()
        for column in names.split()
    }
    stored = {f"{table.name}.{c.name}" for table in TABLES for c in table.columns}

    assert stored - told.keys() == set()
    assert told.keys() - stored == set()
    assert {said for said in told.values() if said not in text} == set()


def test_the_page_names_every_cookie(client, twitter, kind_twitter):
    text = words(client.get("/privacy"))
    client.sign_in()
    client.press_sign_in()
    client.press("/account/browsers/end-others")

    named = set(re.findall(r"(\w+-8000)", text))
    set_names = {cookie.key for cookie in client._cookies.values()}

    assert len(set_names) >= 3
    assert {re.match(r"\w+-8000", name)[0] for name in set_names} == named


def test_every_time_is_that_of_the_settings(build_app):
    site = build_app(SESSION_IDLE_DAYS="7", SESSION_DAYS="1", CACHE_SECONDS="120")

    text = words(site.test_client().get("/privacy"))

    assert "ends after 7 days without use, and after 1 day at most" in text
    assert "until you log out, for 1 day at most" in text
    assert "Shown for 2 minutes" in text
    assert "none older than 1 day" in text
    assert "When the access to your account ends, they are deleted" in text


def test_every_other_time_is_that_of_the_code(client):
    text = words(client.get("/privacy"))

    assert "deleted 30 days after the session ended" in text
    assert "the rest 30 days after that" in text
    assert "Kept for 31 days" in text
    assert "Kept for 7 days" in text
    assert "The first is kept for 1 hour, the second for 15 minutes" in text
    assert pending_sign_ins._LIFETIME.total_seconds() == 600
    assert "connects a sign-in with this browser: for ten minutes" in text


@pytest.mark.parametrize(
    "revokes, words_of_it",
    [("on", "session and the access to your account have ended."), ("off", "session has ended.")],
)
def test_people_who_left_are_kept_as_long_as_the_setting_says(build_app, revokes, words_of_it):
    site = build_app(LOGOUT_REVOKES=revokes, PEOPLE_DAYS="45")

    text = words(site.test_client().get("/privacy"))

    assert f"until you disconnect, or until 45 days after your last {words_of_it}" in text
    assert "Tokens that Twitter refuses to revoke are deleted 45 days later." in text


def test_a_site_without_a_cache_and_with_background_work_says_so(build_app):
    page = build_app(CACHE_SECONDS="0", LOGOUT_REVOKES="off").test_client().get("/privacy")

    text = words(page)

    assert "None: each page reads from Twitter." in text
    assert "While Twitter is in trouble" not in text
    assert "After you log out, this site keeps them for work in the background." in text
    assert "deleted when your last session ends" not in text


# The page


def test_it_needs_no_session_and_starts_none(client, twitter):
    page = client.get("/privacy")

    assert page.status_code == 200
    assert "Set-Cookie" not in page.headers
    assert page.headers["Cache-Control"] == client.get("/how-it-works").headers["Cache-Control"]
    assert len(twitter.calls) == 0
    assert client.get("/privacy?next=//evil.example").status_code == 200
    assert client.post("/privacy").status_code == 405


def test_signed_in_people_see_it_with_their_navigation(signed_in, twitter):
    page = signed_in.get("/privacy")

    assert page.status_code == 200
    assert 'aria-label="Main"' in page.text
    assert links(page)["/account/disconnect"] == "Disconnect and delete everything"


def test_it_needs_no_database(build_app, tmp_path):
    client = build_app(DATABASE_URL=f"sqlite:///{tmp_path}/none/perch.db").test_client()

    assert client.get("/privacy").status_code == 200


def test_with_a_policy_of_the_operator_the_address_leads_there(build_app):
    answer = build_app(**OPERATED).test_client().get("/privacy")

    assert (answer.status_code, answer.location) == (302, POLICY)
    assert answer.headers["Cache-Control"] == "no-store"


def test_it_says_whom_to_ask(build_app, client):
    operated = build_app(CONTACT_EMAIL=CONTACT).test_client().get("/privacy")

    assert f"If you cannot sign in any more, write to {CONTACT} ." in words(operated)
    assert "If you cannot sign in any more, ask the operator of this site." in words(
        client.get("/privacy")
    )


# The links to it


@pytest.mark.parametrize("path", ["/", "/how-it-works", "/privacy", "/nowhere", "/auth/callback"])
def test_every_page_leads_to_privacy_at_its_foot(client, path):
    page = client.get(path)

    assert 'href="/privacy" rel="privacy-policy">Privacy</a>' in foot(page)
    assert "terms-of-service" not in page.text
    assert "mailto:" not in page.text


def test_the_operators_own_pages_are_at_the_foot_of_every_page(build_app, kind_twitter):
    client = build_app(**OPERATED).test_client()
    paths = ["/", "/how-it-works", "/nowhere"]
    pages = [client.get(path) for path in paths]
    client.sign_in()
    stand(kind_twitter)
    kind_twitter.get(re.compile(r".*/2/(?!oauth2)"), **NOTHING)
    pages += [client.get(path) for path in ["/", "/account", "/tweets", "/account/disconnect"]]

    for page in pages:
        end = foot(page)
        assert f'<a href="{POLICY}" rel="privacy-policy noopener noreferrer">Privacy</a>' in end
        assert f'<a href="{TERMS}" rel="terms-of-service noopener noreferrer">Terms</a>' in end
        assert f'<a href="mailto:{CONTACT}" translate="no">{CONTACT}</a>' in end


def test_the_front_page_shows_them_before_the_button(build_app):
    page = unescape(build_app(**OPERATED).test_client().get("/").text)

    before = page.partition("<main")[2].partition(">Sign in with Twitter</button>")[0]
    assert [before.count(one) for one in (f'"{POLICY}"', f'"{TERMS}"', f'"mailto:{CONTACT}"')] == [
        *(1, 1, 1)
    ]


def test_an_address_is_only_an_address(build_app):
    client = build_app(PRIVACY_URL="https://nest.example/?a=b&c='d'").test_client()

    page = client.get("/").text

    assert 'href="https://nest.example/?a=b&amp;c=&#39;d&#39;"' in page


# Which account


def test_the_front_page_says_which_account_twitter_takes(client):
    page = client.get("/")

    assert "Twitter uses the account that is signed in there." in words(page)
    assert links(page)["https://x.com/account/switch"] == "switch accounts at Twitter"
    assert links(page)["https://x.com/i/flow/signup"] == "Create one"


def test_the_links_are_those_of_the_consent_page(build_app):
    site = build_app(TWITTER_AUTHORIZE_URL="https://twitter.example/i/oauth2/authorize")

    found = links(site.test_client().get("/"))

    assert "https://twitter.example/account/switch" in found
    assert "https://twitter.example/i/flow/signup" in found


def test_wherever_the_account_may_change_the_link_is_there(signed_in, twitter):
    stand(twitter)
    pages = [signed_in.get("/account"), signed_in.press("/follows", user_id="1002")]

    for page in pages:
        assert "https://x.com/account/switch" in links(page)
        assert "https://x.com/i/flow/signup" not in links(page)
    assert "If you use another one here, switch" in words(pages[1])
    assert "before you log out here and sign in again" in words(pages[0])


def test_a_cancelled_sign_in_says_which_account_twitter_took(client):
    started = client.press_sign_in()

    page = client.come_back(error="access_denied", state=started.state)

    assert "Twitter uses the account that is signed in there." in words(page)
    assert "https://x.com/account/switch" in links(page)


def test_the_sandbox_has_a_chooser_of_its_own(build_app):
    client = build_app(TWITTER_CLIENT_ID=None, TWITTER_CLIENT_SECRET=None).test_client()

    for path in ("/", "/how-it-works"):
        page = client.get(path).text
        assert "/account/switch" not in page
        assert "/i/flow/signup" not in page
        assert "signed in there" not in page


def test_the_page_is_about_this_site(client):
    assert f"that {APP_NAME} stores" in words(client.get("/privacy"))
