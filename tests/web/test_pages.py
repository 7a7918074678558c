"""The behaviour that all pages share, with Twitter stubbed at its real URLs."""

import re
from datetime import timedelta
from html import unescape
from html.parser import HTMLParser
from urllib.parse import unquote

import pytest
from requests import ReadTimeout

from tests.dialects import BETA, LIVE, in_both_dialects
from tests.factories import ME_PATH
from tests.sections import rows_of, table_of
from tests.web.answers import (
    NOT_GRANTED,
    NOTHING,
    OUT_OF_CREDITS,
    ROBIN,
    SPENT,
    gone,
    hidden,
    reads,
    retries,
    sign_in_to_refresh,
    sign_in_without,
    stand,
    tell,
)
from tests.web.test_what_pages_ask import OPENED

FOUND = OPENED["`/people?who=`"]
NOTHING_PINNED = "No Tweet is pinned to your profile."


# Signed out


def test_front_door_says_what_will_be_asked_for(client, twitter):
    page = client.get("/?next=/follows/followers%3Fa%3D1").text

    assert re.search(r'<form[^>]+method="post" action="/auth/login">', page)
    assert 'name="next" value="/follows/followers?a=1"' in page
    assert "See whom you follow and who follows you" in page
    assert "Follow and unfollow people for you" not in page
    assert "Read your Direct Messages" in page
    assert "Sandbox" not in page
    assert len(twitter.calls) == 0


class Translated(HTMLParser):
    """Collect the words of a page that a translator of pages may change."""

    KEPT = frozenset({"title", "textarea"})
    VOID = frozenset({"img", "input", "link", "meta", "br"})

    def __init__(self, page):
        super().__init__()
        self.words, self.closed_by = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            kept = bool(self.closed_by) and self.closed_by[-1]
            self.closed_by.append(kept or dict(attrs).get("translate") == "no" or tag in self.KEPT)

    def handle_endtag(self, tag):
        if tag not in self.VOID:
            self.closed_by.pop()

    def handle_data(self, data):
        if not self.closed_by or not self.closed_by[-1]:
            self.words.append(data)


def test_names_and_numbers_to_quote_are_not_translated(signed_in, twitter):
    stand(twitter)
    twitter.get("/users/by", json={"data": [ROBIN], "errors": [gone("dodo")]})
    twitter.get("/tweets", json={"errors": [gone("5060")]})
    names = ("Robin Redbreast", "@robin", "@dodo", "5060", "hedge-row")
    shown = set()
    for path in (
        "/",
        "/follows",
        "/people?who=robin,dodo",
        "/people?who=hedge-row",
        "/tweets/lookup?ids=5060",
        "/account",
    ):
        page = signed_in.get(path).text
        left = " ".join(Translated(page).words)
        shown |= {name for name in names if name in page}
        assert [name for name in names if name in left] == [], path

    assert shown == set(names)
    error = signed_in.get("/nowhere").text
    number = re.search(r"<code[^>]*>(\w+)</code>", error)[1]
    assert number not in " ".join(Translated(error).words)


def test_every_page_of_a_person_takes_a_sign_in(client, twitter):
    answers = {path: client.get(path) for path in OPENED.values() if path != "/"}

    open_to_all = {path for path, answer in answers.items() if answer.status_code == 200}
    assert open_to_all == {"/how-it-works", "/privacy"}
    led = {path: unquote(answer.location or "") for path, answer in answers.items()}
    assert led == {path: f"/?next={path}" for path in answers} | dict.fromkeys(open_to_all, "")
    assert len(twitter.calls) == 0


# Every page


@pytest.fixture
def pages(signed_in, twitter):
    """Every page, for Wren."""
    stand(twitter)
    twitter.get(re.compile(f"{twitter.dialect.api_url}/(?!oauth2)"), **NOTHING)
    return {path: signed_in.get(path).text for path in OPENED.values() if "export" not in path}


def test_every_page_has_its_landmarks_and_one_heading(pages):
    landmarks = ["<header", "<nav", '<main id="main"', "<footer", 'href="#main"']

    lacking = {path: [one for one in landmarks if one not in page] for path, page in pages.items()}

    assert {path: lacks for path, lacks in lacking.items() if lacks} == {}
    assert {page.count("<h1") for page in pages.values()} == {1}
    assert {page.count('<html lang="en">') for page in pages.values()} == {1}


def test_no_page_has_inline_style_or_script(pages):
    inline = re.compile(r"<script(?! src=\"/static/)|<style|\sstyle=|\son\w+=|javascript:")

    assert [path for path, page in pages.items() if inline.search(page)] == []


def test_every_form_carries_the_token_against_forgery(pages):
    forms = [
        form
        for page in pages.values()
        for form in re.findall(r'<form [^>]*method="post".*?</form>', page, re.DOTALL)
    ]

    assert len(forms) > len(pages)
    assert [form for form in forms if 'name="csrf_token"' not in form] == []


def test_the_navigation_marks_where_one_is(pages):
    marked = {
        path: re.findall(r'aria-current="(?:page|true)">(\w+)</a>', pages[path])
        for path in ("/", "/tweets", FOUND, "/people/robin", "/account")
    }

    assert marked == {
        "/": ["Home"],
        "/tweets": ["Tweets"],
        FOUND: ["Follows"],
        "/people/robin": ["Follows"],
        "/account": ["Account"],
    }


def test_pages_do_not_read_the_profile_of_the_sign_in_again(pages, twitter):
    assert len(twitter.calls_to(ME_PATH)) == 1


def test_every_stylesheet_and_picture_of_ours_exists(pages, client):
    files = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', "".join(pages.values())))

    assert files
    for file in files:
        with client.get(file) as answer:
            assert answer.status_code == 200


def test_the_sandbox_is_announced_on_every_page(build_app):
    client = build_app(TWITTER_CLIENT_ID=None, TWITTER_CLIENT_SECRET=None).test_client()

    front, other = client.get("/").text, client.get("/no-such-page").text

    assert "To try it, press the button, pick a bird, and press <b>Authorize app</b>." in front
    for page in (front, other):
        assert "Sandbox:" in page
        assert 'href="http://127.0.0.1:9000"' in page


# Lists


def test_tweets_show_time_and_counts(signed_in, twitter):
    stand(twitter)

    page = signed_in.get("/tweets").text

    assert ">1 May 2020</time>" in page
    assert "<b>12.3K</b> likes" in page
    assert "<b>1</b> reply" in page
    assert "retweet" not in page.lower()


def test_follows_and_followers_are_two_lists(signed_in, twitter):
    stand(twitter)

    following = signed_in.get("/follows").text
    followers = signed_in.get("/follows/followers").text

    assert 'class="quiet" href="/people/id/1002"' in following
    assert "/people/id/1003" not in following
    assert 'class="quiet" href="/people/id/1003"' in followers


@in_both_dialects
def test_an_empty_list_shows_a_sentence(signed_in, twitter, dialect):
    no_tweets = {"json": dialect.their_tweets()}
    stand(twitter, tweets=no_tweets, following=NOTHING, followers=NOTHING)
    sentences = {
        "/": {LIVE: "No Tweets yet.", BETA: NOTHING_PINNED}[dialect],
        "/tweets": {LIVE: "You have not tweeted yet.", BETA: NOTHING_PINNED}[dialect],
        "/follows": "You do not follow anyone yet.",
        "/follows/followers": {
            LIVE: "You have no followers yet.",
            BETA: "has no list of your followers",
        }[dialect],
    }

    missing = [path for path, said in sentences.items() if said not in signed_in.get(path).text]

    assert missing == []


def test_hidden_tweets_show_a_sentence(signed_in, twitter):
    stand(twitter, tweets={"json": {"errors": [hidden("1001")]}})

    page = signed_in.get("/tweets").text

    assert "they are protected, suspended or gone" in page


# Errors. `test_panels` has the sentence of each error.


@pytest.mark.parametrize(
    "answer, sentence",
    [
        ({"body": ReadTimeout("x")}, "Twitter is not answering. Please try again in a minute."),
        ({"json": {"data": [{}]}}, "Twitter said something odd. We cannot read its answer."),
        (OUT_OF_CREDITS, "This site has used up what it may ask of Twitter"),
        (NOT_GRANTED, "Twitter says that a permission is missing here: read the Tweets you can"),
    ],
)
def test_trouble_is_a_sentence_and_no_error(signed_in, twitter, answer, sentence):
    stand(twitter, tweets=answer)

    pages = [signed_in.get("/tweets") for _ in range(2)]  # and once from memory

    assert [page.status_code for page in pages] == [200, 200]
    assert [sentence in unescape(page.text) for page in pages] == [True, True]
    assert "Raw" not in pages[0].text


def test_a_limit_says_when_it_lifts(signed_in, twitter, clock):
    reset = clock() + timedelta(minutes=9)
    headers = {"x-rate-limit-reset": str(int(reset.timestamp()))}
    stand(twitter, tweets={"status": 429, "headers": headers, "json": {}})

    page = signed_in.get("/tweets").text

    assert f'You can try again from <time datetime="{reset:%Y-%m-%dT%H:%M}' in page
    assert 'role="note"' in page
    assert retries(page) == []


def test_a_refused_token_is_refreshed_once_and_the_read_tried_again(client, twitter):
    sign_in_to_refresh(client, twitter)
    tell(twitter, status=401, json={"type": "about:blank"})
    tell(twitter)

    page = client.get("/tweets").text

    assert "Good morning from the ivy" in page
    calls = twitter.calls_to(LIVE.tweets)
    assert [call.request.headers["Authorization"] for call in calls] == [
        "Bearer access-token-of-wren",
        "Bearer a-newer-token",
    ]


def test_a_token_that_is_refused_twice_asks_to_sign_in_again(client, twitter):
    sign_in_to_refresh(client, twitter)
    stand(twitter, tweets={"status": 401, "json": {}})

    page = client.get("/tweets")

    assert page.status_code == 200
    assert "Twitter no longer accepts this sign-in." in page.text
    assert 'name="next" value="/tweets"' in page.text
    assert len(twitter.calls_to(LIVE.tweets)) == 2


def test_the_end_of_the_grant_is_not_swallowed_by_a_panel(client, twitter):
    sign_in_to_refresh(client, twitter, status=400, json=SPENT)
    stand(twitter, tweets={"status": 401, "json": {}})

    answer = client.get("/tweets")

    assert answer.status_code == 401
    assert "Please sign in again" in answer.text


# Trying again

COLD = {
    "/": {"tweets", "following", *rows_of("ON_HOME")},
    "/tweets": {"tweets"},
    "/tweets/10": {"tweet"},
    "/tweets/lookup?ids=10": {"tweets"},
    "/follows": {"people"},
    "/follows/followers": {"people"},
    "/people?who=robin,1002": {"names", "ids"},
    "/people/robin": {"someone"},
    "/people/id/1002": {"someone"},
    **table_of("COLD"),
}


def test_every_panel_that_failed_can_be_tried_again(signed_in, twitter):
    twitter.get(re.compile(twitter.dialect.api_url), status=503)

    found = {path: set(retries(signed_in.get(path).text)) for path in COLD}

    assert found == COLD


@pytest.mark.parametrize("cache_seconds", ["60", "0"])
def test_trying_again_reads_it_once_and_shows_it(build_app, kind_twitter, clock, cache_seconds):
    client = build_app(CACHE_SECONDS=cache_seconds).test_client()
    client.sign_in()
    tell(kind_twitter, status=503)
    tell(kind_twitter)
    before = client.get("/tweets").text
    clock.advance(seconds=4)

    answer = client.press("/tweets", refresh="tweets")
    after = client.get(answer.location).text

    assert (answer.status_code, answer.location) == (303, "/tweets")
    assert (retries(before), retries(after)) == (["tweets"], [])
    assert "Good morning from the ivy" in after
    assert len(kind_twitter.calls_to(LIVE.tweets)) == 2


def test_old_data_has_the_reason_and_the_usual_button(signed_in, twitter, clock):
    tell(twitter)
    tell(twitter, status=503)
    signed_in.get("/tweets")
    clock.advance(minutes=2)

    page = signed_in.get("/tweets").text

    assert "Good morning from the ivy" in page
    assert "Twitter is not answering." in page
    assert "Until then, here is what we read 2 minutes ago." in page
    assert ">2 minutes ago</time>" in page
    assert retries(page) == []
    assert ">Refresh</button>" in page


def test_old_emptiness_is_shown_too(signed_in, twitter, clock):
    twitter.get(LIVE.tweets, **NOTHING)
    twitter.get(LIVE.tweets, status=503)
    signed_in.get("/tweets")
    clock.advance(minutes=2)

    page = signed_in.get("/tweets").text

    assert "Twitter is not answering." in page
    assert "You have not tweeted yet." in page


# Permissions


def test_a_missing_permission_is_offered_and_not_tried(client, twitter):
    sign_in_without(client, twitter, LIVE.read_follows)
    stand(twitter)

    page = client.get("/follows").text
    client.get("/")

    sentence = "One more permission is needed here: see whom you follow and who follows you."
    assert sentence in page
    assert 'name="ask" value="read_follows"' in page
    assert 'name="next" value="/follows"' in page
    assert [one.url.split("?")[0] for one in reads(twitter)] == [twitter.at(LIVE.tweets)]


def test_a_permission_that_twitter_misses_can_be_granted_again(signed_in, twitter):
    stand(twitter, **dict.fromkeys(("tweets", "following", "followers"), NOT_GRANTED))
    pages = {
        "/tweets": "read_tweets",
        "/follows": "read_follows",
        "/follows/followers": "read_follows",
    }

    offered = {
        path: re.findall(r'name="(?:ask|next)" value="([^"]+)"', signed_in.get(path).text)
        for path in pages
    }

    assert offered == {path: [path, ask] for path, ask in pages.items()}


def test_a_read_that_was_refused_is_tried_with_the_new_token(client, twitter):
    sign_in_to_refresh(client, twitter)
    tell(twitter, **NOT_GRANTED)
    tell(twitter)
    client.get("/tweets")

    client.sign_in(ask="read_tweets", next="/tweets")

    assert "Good morning from the ivy" in client.get("/tweets").text


def test_account_lists_what_is_allowed_and_what_is_not(client, twitter):
    sign_in_without(client, twitter, LIVE.read_follows)

    page = client.get("/account").text

    allowed, not_allowed = page.split("<h3>Not granted</h3>")
    assert "Read profiles, yours included" in allowed
    assert "See whom you follow and who follows you" in not_allowed
    assert 'name="ask" value="read_follows"' in not_allowed


def test_account_of_all_permissions_reads_nothing_and_leads_to_twitter(signed_in, twitter):
    page = signed_in.get("/account").text

    assert "<h3>Not granted</h3>" not in page
    assert "Follow and unfollow people for you" not in page
    assert f'href="{LIVE.home}/settings/connected_apps"' in page
    assert re.search(r'<form[^>]+method="post" action="/auth/logout">', page)
    assert reads(twitter) == []
