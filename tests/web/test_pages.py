"""What a person sees, with Twitter standing at its real addresses."""

import re
from datetime import timedelta
from html import unescape

import pytest
from requests import ConnectTimeout, ReadTimeout

from tests.dialects import BETA, LIVE, in_the_beta
from tests.factories import ME_PATH, REVOKE_PATH, TOKEN_PATH, user_answer

ME = "1001"
FOLLOWING, FOLLOWERS = f"/users/{ME}/following", f"/users/{ME}/followers"

ROBIN = {"id": "1002", "username": "robin", "name": "Robin Redbreast", "description": "Sings."}
TWEET = {
    "id": "10",
    "text": "Good morning from the ivy",
    "author_id": ME,
    "created_at": "2020-05-01T04:35:55.000Z",
    "public_metrics": {"like_count": 12345, "reply_count": 1, "retweet_count": 0},
}
LIVE_SPACE = {
    "id": "1DXxyRYNejbKM",
    "state": "live",
    "title": "Dawn chorus",
    "host_ids": ["1002"],
    "participant_count": 7,
}
PLANNED_SPACE = {
    "id": "1DXxyRYNejbKN",
    "state": "scheduled",
    "title": "Keeping acorns",
    "scheduled_start": "2030-09-01T18:00:00.000Z",
}
PAGES = ["/", "/tweets", "/follows", "/follows/followers", "/spaces", "/account"]
NOTHING_PINNED = "No Tweet is pinned to your profile."
LIMITED = {"status": 429, "headers": {"x-rate-limit-reset": "1900000000"}}

# A 429 in each of its bodies; all mean the same.
TOO_MANY = [
    {"title": "Too Many Requests", "detail": "x", "type": "about:blank", "status": 429},
    {"errors": [{"code": 88, "message": "Rate limit exceeded"}]},
    {"title": "x", "detail": "x", "type": "https://api.x.com/2/problems/rate-limit-exceeded"},
    {},
]
WRONG_TOKEN = {
    "title": "Unsupported Authentication",
    "detail": "x",
    "type": "https://api.x.com/2/problems/unsupported-authentication",
}


def stand(twitter, **answers):
    """Let Twitter answer every read of ours; `answers` replaces some, by name."""
    dialect = twitter.dialect
    usual = {
        "tweets": (dialect.tweets, dialect.their_tweets(TWEET)),
        "following": (FOLLOWING, {"data": [ROBIN]}),
        "followers": (FOLLOWERS, {"data": [{**ROBIN, "id": "1003", "name": "Jay"}]}),
        "spaces": (
            dialect.spaces,
            {"data": [PLANNED_SPACE, LIVE_SPACE], "includes": {"users": [ROBIN]}},
        ),
    }
    for name, (path, body) in usual.items():
        twitter.get(path, **answers.get(name, {"json": body}))


def tell(twitter, tweet=TWEET, **answer):
    """Let Twitter answer once more who asks for Wren's Tweets; nothing is pinned by others."""
    dialect = twitter.dialect
    twitter.get(dialect.tweets, **answer or {"json": dialect.their_tweets(tweet)})
    twitter.get(FOLLOWING, json={"meta": {"result_count": 0}})


def reads(twitter):
    return [call for call in twitter.calls if call.request.method == "GET"]


def sign_in_without(client, twitter, *scopes):
    """Sign in, and be granted less than was asked for."""
    twitter.post(TOKEN_PATH, json=twitter.token(scope=twitter.dialect.granted(without=scopes)))
    twitter.get(ME_PATH, json=user_answer())
    client.sign_in()


# Signed out


def test_the_front_door_offers_to_sign_in(client):
    page = client.get("/").text

    assert re.search(r'<form[^>]+method="post" action="/auth/login">', page)
    assert "Sign in with Twitter" in page


def test_the_front_door_says_what_will_be_asked_for_and_what_not(client):
    page = client.get("/").text

    assert "See whom you follow and who follows you" in page
    assert "Follow and unfollow people for you" not in page
    assert "Read your Direct Messages" in page


def test_the_front_door_keeps_where_the_person_wanted_to_go(client):
    page = client.get("/?next=/follows/followers%3Fa%3D1").text

    assert 'name="next" value="/follows/followers?a=1"' in page


def test_a_hostile_next_stays_inside_its_field(client):
    page = client.get("/", query_string={"next": '"><script>alert(1)</script>'}).text

    assert "<script>" not in page
    assert "&#34;&gt;&lt;script&gt;" in page


@pytest.mark.parametrize("path", PAGES[1:])
def test_who_is_not_signed_in_is_sent_to_the_front_door(client, path):
    answer = client.get(path)

    assert (answer.status_code, answer.location) == (303, f"/?next={path}")


def test_signed_out_pages_read_nothing_at_twitter(client, twitter):
    client.get("/")

    assert len(twitter.calls) == 0


# Signed in


def test_home_shows_profile_tweets_spaces_and_follows(signed_in, twitter):
    stand(twitter)

    page = signed_in.get("/").text

    assert "Small, loud, usually in the hedge." in page
    assert "Good morning from the ivy" in page
    assert "Dawn chorus" in page
    assert "Robin Redbreast" in page


def test_home_costs_three_reads(signed_in, twitter):
    stand(twitter)
    before = len(reads(twitter))

    signed_in.get("/")

    assert len(reads(twitter)) - before == 3


def test_home_costs_nothing_within_the_cache_time(signed_in, twitter):
    stand(twitter)
    first = signed_in.get("/").text
    before = len(twitter.calls)

    assert "Good morning from the ivy" in signed_in.get("/").text
    assert "Good morning from the ivy" in first
    assert len(twitter.calls) == before


def test_without_a_cache_home_reads_all_of_it_each_time(build_app, kind_twitter, dialect):
    client = build_app(CACHE_SECONDS="0").test_client()
    client.sign_in()
    stand(kind_twitter)
    before = len(reads(kind_twitter))

    page = client.get("/").text
    client.get("/")

    each_time = {LIVE: 4, BETA: 3}[dialect]  # today it takes the follows to find their Spaces
    assert "Refresh" not in page
    assert len(reads(kind_twitter)) - before == 2 * each_time


def test_the_profile_of_the_sign_in_is_not_read_again(signed_in, twitter):
    stand(twitter)

    for path in PAGES:
        signed_in.get(path)

    assert len(twitter.calls_to(ME_PATH)) == 1


def test_tweets_show_time_and_counts(signed_in, twitter):
    stand(twitter)

    page = signed_in.get("/tweets").text

    assert ">1 May 2020</time>" in page
    assert "<b>12.3K</b> likes" in page
    assert "<b>1</b> reply" in page
    assert "repost" not in page


def test_follows_and_followers_are_two_lists(signed_in, twitter):
    stand(twitter)

    following = signed_in.get("/follows").text
    followers = signed_in.get("/follows/followers").text

    assert "Robin Redbreast" in following
    assert "Jay" not in following
    assert "Jay" in followers


def test_live_spaces_stand_before_planned_ones(signed_in, twitter):
    stand(twitter)

    page = signed_in.get("/spaces").text

    assert page.index("Dawn chorus") < page.index("Keeping acorns")
    assert "1 Sep 2030, 18:00 UTC" in page


@pytest.mark.parametrize("path", ["/", "/spaces"])
def test_planned_spaces_stand_in_the_order_of_their_start(signed_in, twitter, path):
    sooner = {**PLANNED_SPACE, "title": "Sooner", "scheduled_start": "2029-01-01T00:00:00Z"}
    some_day = {**PLANNED_SPACE, "title": "Some day", "scheduled_start": None}
    stand(twitter, spaces={"json": {"data": [some_day, PLANNED_SPACE, sooner]}})

    page = signed_in.get(path).text

    assert page.index("Sooner") < page.index("Keeping acorns") < page.index("Some day")


def test_spaces_that_are_over_are_not_shown(signed_in, twitter):
    stand(twitter, spaces={"json": {"data": [LIVE_SPACE | {"state": "ended"}]}})

    page = signed_in.get("/spaces").text

    assert "Dawn chorus" not in page
    assert "Nobody you follow is in a Space right now." in page


@pytest.mark.parametrize(
    "path, sentence",
    [
        ("/", {LIVE: "No Tweets yet.", BETA: NOTHING_PINNED}),
        ("/", "Nobody you follow is in a Space or has planned one."),
        ("/tweets", {LIVE: "You have not tweeted yet.", BETA: NOTHING_PINNED}),
        ("/follows", "You do not follow anybody yet."),
        ("/spaces", "Nobody you follow has planned a Space."),
    ],
)
def test_nothing_to_show_is_said(signed_in, twitter, dialect, path, sentence):
    nothing = {"json": {"meta": {"result_count": 0}}}
    no_tweets = {"json": dialect.their_tweets()}
    stand(twitter, tweets=no_tweets, following=nothing, followers=nothing, spaces=nothing)

    page = signed_in.get(path).text

    assert (sentence if isinstance(sentence, str) else sentence[dialect]) in page


def test_who_has_no_followers_is_told_so(signed_in, twitter):
    stand(twitter, followers={"json": {"meta": {"result_count": 0}}})

    page = signed_in.get("/follows/followers").text

    assert "Nobody follows you yet." in page


def test_what_twitter_hides_is_said_to_be_hidden(signed_in, twitter):
    hidden = {"type": "https://api.x.com/2/problems/not-authorized-for-resource"}
    stand(twitter, tweets={"json": {"errors": [hidden]}})

    page = signed_in.get("/tweets").text

    assert "they are protected, suspended or gone" in page


def test_names_lead_to_the_profile_here(signed_in, twitter):
    stand(twitter)

    page = signed_in.get("/follows").text

    assert '<a class="who" href="/people/robin">' in page


@pytest.mark.parametrize(
    "path, label",
    [("/", "Home"), ("/tweets", "Tweets"), ("/spaces", "Spaces"), ("/account", "Account")],
)
def test_the_current_page_is_marked_in_the_navigation(signed_in, twitter, path, label):
    stand(twitter)

    page = signed_in.get(path).text

    assert re.findall(r'aria-current="page">(\w+)<', page) == [label]


# Trouble


@pytest.mark.parametrize(
    "broken, still_there",
    [
        ("tweets", "Dawn chorus"),
        ("following", "Good morning from the ivy"),
        ("spaces", "Robin Redbreast"),
    ],
)
def test_one_failed_panel_does_not_take_the_page_along(signed_in, twitter, broken, still_there):
    stand(twitter, **{broken: {"status": 503}})

    answer = signed_in.get("/")

    assert answer.status_code == 200
    assert "Twitter is not answering." in answer.text
    assert still_there in answer.text


@pytest.mark.parametrize(
    "answer, sentence",
    [
        ({"status": 503}, "Twitter is not answering. Please try again in a moment."),
        ({"body": ReadTimeout("x")}, "Twitter is not answering. Please try again in a moment."),
        ({"body": ConnectTimeout("x")}, "Twitter is not answering. Please try again in a moment."),
        ({"body": "<html>"}, "Twitter sent something that makes no sense to us."),
        ({"json": {"data": [{}]}}, "Twitter sent something that makes no sense to us."),
        *[
            (LIMITED | {"json": body}, "Twitter asks us to wait before we read this again.")
            for body in TOO_MANY
        ],
        ({"status": 402, "json": {}}, "This site has used up what it may read at Twitter"),
        *[
            (
                {"status": 403, "json": body},
                "This is a mistake of this site, not yours. Its operator can read about it",
            )
            for body in (WRONG_TOKEN, {"errors": [WRONG_TOKEN]})
        ],
        (
            {"status": 429, "json": {"type": "https://api.x.com/2/problems/usage-capped"}},
            "This site has used up what it may read at Twitter",
        ),
        (
            {"status": 403, "json": {"type": "https://api.x.com/2/problems/client-forbidden"}},
            "This is not part of what this site may read at Twitter.",
        ),
        (
            {
                "status": 403,
                "json": {
                    "type": "https://api.x.com/2/problems/client-forbidden",
                    "reason": "user-not-enrolled",
                },
            },
            "This is not part of your own account's plan at Twitter.",
        ),
        (
            {"status": 403, "json": {"type": "about:blank"}},
            "Twitter says that a permission is missing here: read the Tweets you can see",
        ),
        ({"status": 404, "body": "not here"}, "Twitter does not show this to us."),
    ],
)
def test_what_twitter_does_wrong_is_said_plainly(signed_in, twitter, answer, sentence):
    stand(twitter, tweets=answer)

    pages = [signed_in.get("/tweets") for _ in range(2)]  # and once from memory

    assert [page.status_code for page in pages] == [200, 200]
    assert [sentence in unescape(page.text) for page in pages] == [True, True]


def test_a_limit_says_when_it_lifts(signed_in, twitter, clock):
    reset = clock() + timedelta(minutes=9)
    headers = {"x-rate-limit-reset": str(int(reset.timestamp()))}
    stand(twitter, tweets={"status": 429, "headers": headers, "json": {}})

    page = signed_in.get("/tweets").text

    assert f'You can try again from <time datetime="{reset:%Y-%m-%dT%H:%M}' in page


def test_a_reset_that_is_absurdly_far_away_is_not_believed(signed_in, twitter, clock):
    stand(twitter, tweets=LIMITED | {"json": {}})

    page = signed_in.get("/tweets").text

    assert "2030" not in page
    assert f'<time datetime="{clock() + timedelta(minutes=15):%Y-%m-%dT%H:%M}' in page


def test_twitters_own_words_are_never_shown(signed_in, twitter):
    stand(twitter, tweets={"status": 403, "json": {"title": "Raw title", "detail": "Raw detail"}})

    page = signed_in.get("/tweets").text

    assert "Raw" not in page


def test_a_refused_token_is_refreshed_once_and_the_read_tried_again(client, twitter, dialect):
    twitter.post(TOKEN_PATH, json=twitter.token())
    twitter.post(TOKEN_PATH, json=twitter.token(access_token="a-newer-token"))
    twitter.get(ME_PATH, json=user_answer())
    client.sign_in()
    tell(twitter, status=401, json={"type": "about:blank"})
    tell(twitter)

    page = client.get("/tweets").text

    assert "Good morning from the ivy" in page
    assert len(twitter.calls_to(TOKEN_PATH)) == 2
    assert [call.request.headers["Authorization"] for call in twitter.calls_to(dialect.tweets)] == [
        "Bearer access-token-of-wren",
        "Bearer a-newer-token",
    ]


def test_panels_refused_together_refresh_once(client, twitter, dialect):
    twitter.post(TOKEN_PATH, json=twitter.token())
    twitter.post(TOKEN_PATH, json=twitter.token(access_token="a-newer-token"))
    twitter.get(ME_PATH, json=user_answer())
    client.sign_in()
    for path in (dialect.tweets, FOLLOWING):
        twitter.get(path, status=401, json={})
    stand(twitter)

    page = client.get("/").text

    assert "Good morning from the ivy" in page
    assert "Dawn chorus" in page
    assert len(twitter.calls_to(TOKEN_PATH)) == 2


def test_a_token_that_is_refused_twice_asks_to_sign_in_again(client, twitter, dialect):
    twitter.post(TOKEN_PATH, json=twitter.token())
    twitter.post(TOKEN_PATH, json=twitter.token(access_token="a-newer-token"))
    twitter.get(ME_PATH, json=user_answer())
    client.sign_in()
    stand(twitter, tweets={"status": 401, "json": {}})

    page = client.get("/tweets")

    assert page.status_code == 200
    assert "Twitter no longer accepts this sign-in." in page.text
    assert 'name="next" value="/tweets"' in page.text
    assert len(twitter.calls_to(dialect.tweets)) == 2


def test_a_refresh_that_fails_leaves_the_other_panels_alone(client, twitter):
    twitter.post(TOKEN_PATH, json=twitter.token())
    twitter.post(TOKEN_PATH, status=503)
    twitter.get(ME_PATH, json=user_answer())
    client.sign_in()
    stand(twitter, tweets={"status": 401, "json": {}})

    page = client.get("/").text

    assert "Twitter is not answering." in page
    assert "Robin Redbreast" in page


def test_the_end_of_the_grant_is_not_swallowed_by_a_panel(client, twitter):
    twitter.post(TOKEN_PATH, json=twitter.token())
    spent = {
        "error": "invalid_request",
        "error_description": "Value passed for the token was invalid.",
    }
    twitter.post(TOKEN_PATH, status=400, json=spent)
    twitter.post(REVOKE_PATH, json={"revoked": True})
    twitter.get(ME_PATH, json=user_answer())
    client.sign_in()
    stand(twitter, tweets={"status": 401, "json": {}})

    answer = client.get("/tweets")

    assert answer.status_code == 401
    assert "Please sign in again" in answer.text


def test_no_token_to_be_had_is_said_in_every_panel(client, twitter, clock):
    twitter.post(TOKEN_PATH, json=twitter.token())
    twitter.post(TOKEN_PATH, status=503)
    twitter.get(ME_PATH, json=user_answer())
    client.sign_in()
    clock.advance(hours=3)

    page = client.get("/")

    assert page.status_code == 200
    assert page.text.count("Twitter is not answering.") == 3


# Trying again

COLD = [
    ("/", "tweets"),
    ("/", "following"),
    ("/", "spaces"),
    ("/tweets", "tweets"),
    ("/tweets/10", "tweet"),
    ("/tweets/lookup?ids=10", "tweets"),
    ("/follows", "people"),
    ("/people?who=robin", "names"),
    ("/people?who=1002", "ids"),
    ("/people/robin", "someone"),
    ("/spaces", "spaces"),
    (f"/spaces/{LIVE_SPACE['id']}", "space"),
    (f"/spaces/lookup?ids={LIVE_SPACE['id']}", "spaces"),
]


def retries(page):
    """The panels that have a button to try again."""
    forms = re.findall(r'<form class="freshness".*?</form>', page, re.DOTALL)
    return [re.findall(r'value="(\w+)"', form)[-1] for form in forms if ">Try again<" in form]


@pytest.mark.parametrize("path, panel", COLD)
def test_a_panel_that_failed_can_be_tried_again(signed_in, twitter, path, panel):
    twitter.get(re.compile(twitter.dialect.api_url), status=503)

    page = signed_in.get(path).text

    assert panel in retries(page)


def test_followers_that_failed_can_be_tried_again(signed_in, twitter):
    stand(twitter, followers={"status": 503})

    page = signed_in.get("/follows/followers").text

    assert retries(page) == ["people"]


def test_trying_again_reads_it_once_and_shows_it(signed_in, twitter, clock, dialect):
    stand(twitter, tweets={"status": 503})
    signed_in.get("/tweets")
    twitter.replace("GET", dialect.tweets, json=dialect.their_tweets(TWEET))
    clock.advance(seconds=4)
    form = {"csrf_token": signed_in.csrf_token("/account"), "refresh": "tweets"}

    answer = signed_in.post("/tweets", data=form)
    page = signed_in.get("/tweets").text

    assert (answer.status_code, answer.location) == (303, "/tweets")
    assert "Good morning from the ivy" in page
    assert retries(page) == []
    assert len(twitter.calls_to(dialect.tweets)) == 2


def test_without_a_cache_trying_again_reads_it_once(build_app, kind_twitter, dialect):
    client = build_app(CACHE_SECONDS="0").test_client()
    client.sign_in()
    stand(kind_twitter, tweets={"status": 503})
    page = client.get("/tweets").text
    form = {"csrf_token": client.csrf_token("/account"), "refresh": "tweets"}

    answer = client.post("/tweets", data=form)
    client.get(answer.location)

    assert retries(page) == ["tweets"]
    assert len(kind_twitter.calls_to(dialect.tweets)) == 2


@pytest.mark.parametrize(
    "answer",
    [
        LIMITED | {"json": {}},
        {"status": 402, "json": {}},
        {"status": 403, "json": {"type": "https://api.x.com/2/problems/client-forbidden"}},
        {"status": 403, "json": {"type": "about:blank"}},
        {"status": 403, "json": WRONG_TOKEN},
        {"status": 401, "json": {}},
    ],
)
def test_what_trying_again_would_not_change_has_no_such_button(signed_in, twitter, answer):
    stand(twitter, tweets=answer)

    page = signed_in.get("/tweets").text

    assert 'role="note"' in page
    assert retries(page) == []


def test_old_data_has_the_button_that_it_always_has(signed_in, twitter, clock):
    tell(twitter)
    tell(twitter, status=503)
    signed_in.get("/tweets")
    clock.advance(minutes=2)

    page = signed_in.get("/tweets").text

    assert "Good morning from the ivy" in page
    assert retries(page) == []
    assert ">Refresh</button>" in page


# Permissions


def test_a_missing_permission_is_named_and_offered(client, twitter, dialect):
    sign_in_without(client, twitter, dialect.read_spaces)

    page = client.get("/spaces").text

    assert "One more permission is needed here: see the Spaces that are open to you." in page
    assert 'name="ask" value="read_spaces"' in page
    assert 'name="next" value="/spaces"' in page


@pytest.mark.parametrize(
    "name, path, ask",
    [
        ("tweets", "/tweets", "read_tweets"),
        ("following", "/follows", "read_follows"),
        ("spaces", "/spaces", "read_spaces"),
    ],
)
def test_what_twitter_takes_for_not_granted_can_be_granted_again(
    signed_in, twitter, name, path, ask
):
    stand(twitter, **{name: {"status": 403, "json": {"type": "about:blank"}}})

    answer = signed_in.get(path)

    assert answer.status_code == 200
    assert f'name="ask" value="{ask}"' in answer.text
    assert f'name="next" value="{path}"' in answer.text


def test_followers_that_twitter_takes_for_not_granted_can_be_granted_again(signed_in, twitter):
    stand(twitter, followers={"status": 403, "json": {"type": "about:blank"}})

    page = signed_in.get("/follows/followers").text

    assert 'name="ask" value="read_follows"' in page


def test_what_was_granted_again_is_read_with_the_new_token(client, twitter):
    twitter.post(TOKEN_PATH, json=twitter.token())
    twitter.post(TOKEN_PATH, json=twitter.token(access_token="a-newer-token"))
    twitter.post(REVOKE_PATH, json={"revoked": True})
    twitter.get(ME_PATH, json=user_answer())
    client.sign_in()
    tell(twitter, status=403, json={"type": "about:blank"})
    tell(twitter)
    client.get("/tweets")

    client.sign_in(ask="read_tweets", next="/tweets")

    assert "Good morning from the ivy" in client.get("/tweets").text


def test_what_is_not_allowed_is_not_tried(client, twitter, dialect):
    sign_in_without(client, twitter, dialect.read_spaces, dialect.read_follows)
    stand(twitter)
    before = len(reads(twitter))

    client.get("/")

    assert len(reads(twitter)) - before == 1


def test_spaces_need_the_follows_to_find_people(client, twitter, dialect):
    sign_in_without(client, twitter, dialect.read_follows)

    page = client.get("/spaces").text

    assert 'name="ask" value="read_follows"' in page


def test_asking_for_a_permission_starts_a_sign_in_with_it(signed_in, dialect):
    started = signed_in.press_sign_in(ask="read_spaces", next="/spaces")

    assert dialect.read_spaces in started.query["scope"].split()


def test_account_lists_what_is_allowed_and_what_is_not(client, twitter, dialect):
    sign_in_without(client, twitter, dialect.read_spaces)

    page = client.get("/account").text

    allowed, not_allowed = page.split("What you have not allowed")
    assert "See whom you follow and who follows you" in allowed
    assert "See the Spaces that are open to you" in not_allowed
    assert 'name="ask" value="read_spaces"' in not_allowed


def test_account_is_complete_when_all_is_allowed(signed_in):
    page = signed_in.get("/account").text

    assert "What you have not allowed" not in page
    assert "Follow and unfollow people for you" not in page


def test_account_leads_to_twitters_own_list_of_apps(signed_in, dialect):
    page = signed_in.get("/account").text

    assert f'href="{dialect.home}/settings/connected_apps"' in page


def test_account_reads_nothing_at_twitter(signed_in, twitter):
    before = len(twitter.calls)

    signed_in.get("/account")

    assert len(twitter.calls) == before


def test_logging_out_is_a_form(signed_in):
    page = signed_in.get("/account").text

    assert re.search(r'<form[^>]+method="post" action="/auth/logout">', page)


# Where there is no timeline


@in_the_beta
def test_the_pinned_tweet_is_shown_instead_of_a_timeline(signed_in, twitter):
    stand(twitter)

    page = signed_in.get("/tweets").text

    assert "The beta of Twitter's API has no timeline" in page
    assert "Good morning from the ivy" in page


# Every page


@pytest.mark.parametrize("path", PAGES)
def test_every_page_has_its_landmarks_and_one_heading(signed_in, twitter, path):
    stand(twitter)

    page = signed_in.get(path).text

    assert '<html lang="en">' in page
    for landmark in ("<header", "<nav", '<main id="main"', "<footer", 'href="#main"'):
        assert landmark in page
    assert page.count("<h1") == 1


@pytest.mark.parametrize("path", PAGES)
def test_no_page_has_inline_style_or_script(signed_in, twitter, path):
    stand(twitter)

    page = signed_in.get(path).text

    assert not re.search(r"<script(?! src=\"/static/)|<style|\sstyle=|\son\w+=|javascript:", page)


@pytest.mark.parametrize("path", PAGES)
def test_every_form_carries_the_token_against_forgery(signed_in, twitter, path):
    stand(twitter)

    page = signed_in.get(path).text

    forms = re.findall(r'<form [^>]*method="post".*?</form>', page, re.DOTALL)
    assert forms
    assert all('name="csrf_token"' in form for form in forms)


def test_every_stylesheet_and_picture_of_ours_exists(signed_in, twitter):
    stand(twitter)

    page = signed_in.get("/").text

    files = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page))
    assert files
    for file in files:
        with signed_in.get(file) as answer:
            assert answer.status_code == 200


def test_the_sandbox_is_announced_on_every_page(build_app):
    client = build_app(TWITTER_CLIENT_ID=None, TWITTER_CLIENT_SECRET=None).test_client()

    for path in ("/", "/no-such-page"):
        page = client.get(path).text

        assert "Sandbox:" in page
        assert 'href="http://127.0.0.1:9000"' in page


def test_the_sandbox_says_what_to_do_at_its_front_door(build_app, client):
    words = "To try it, press the button, pick a bird, and press <b>Authorize app</b>."

    sandbox = build_app(TWITTER_CLIENT_ID=None, TWITTER_CLIENT_SECRET=None).test_client()

    assert words in sandbox.get("/").text
    assert words not in client.get("/").text


def test_the_real_twitter_has_no_sandbox_banner(client):
    assert "Sandbox" not in client.get("/").text
