"""Follow and unfollow: the right button for everybody, and one sentence for whatever happens."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from requests import ReadTimeout
from sqlalchemy.exc import OperationalError

from app.accounts.models import Usage
from app.twitter.budget import Budget
from app.twitter.errors import PermissionMissing
from tests.dialects import BETA, LIVE, in_the_beta
from tests.factories import ME_PATH, REVOKE_PATH, TOKEN_PATH, user_answer
from tests.web.test_reading import same_browser

ME, ROBIN = "1001", "1002"
FOLLOWING, FOLLOWERS = f"/users/{ME}/following", f"/users/{ME}/followers"
UNFOLLOW = f"{FOLLOWING}/{ROBIN}"
USERS, USERS_BY = "/users", "/users/by"
FORBIDDEN = {"status": 403, "json": {"type": "https://api.x.com/2/problems/client-forbidden"}}
DAWN = {"id": "5", "text": "Dawn chorus", "author_id": ME}
FOLLOWED = {"json": {"data": {"following": True, "pending_follow": False}}}


# Where the dialects differ in what depends on follows.
READ_ANEW = {
    LIVE: {"/follows/followers": FOLLOWERS, "/spaces": FOLLOWING},
    BETA: {"/tweets": FOLLOWING, "/spaces": BETA.spaces},
}


def robin(**changes):
    bird = {"id": ROBIN, "username": "robin", "name": "Robin Redbreast"}
    return bird | changes


@pytest.fixture
def wren(client, twitter, dialect):
    """Somebody who has allowed to follow for them."""
    twitter.post(TOKEN_PATH, json=twitter.token(scope=dialect.granted(dialect.follow)))
    twitter.get(ME_PATH, json=user_answer())
    twitter.post(REVOKE_PATH, json={"revoked": True})
    client.sign_in()
    return client


def press_follow(client, user_id=ROBIN, **fields):
    data = {"csrf_token": client.csrf_token("/account"), "user_id": user_id, "next": "/account"}
    return client.post("/follows", data=data | fields)


def press(client, token):
    """Press Follow on a page that is there already."""
    data = {"csrf_token": token, "user_id": ROBIN, "username": "robin", "next": "/account"}
    return client.post("/follows", data=data)


def press_unfollow(client, user_id=ROBIN, **fields):
    data = {"csrf_token": client.csrf_token("/account"), "next": "/account"}
    return client.post(f"/follows/{user_id}/delete", data=data | fields)


def flashed(client, path="/account"):
    page = client.get(path).text
    found = re.search(r'<div class="flash" role="status">(.*?)</div>', page, re.DOTALL)
    return re.findall(r"<p>(.*?)</p>", found[1]) if found else []


def buttons(page):
    return re.findall(r'aria-label="((?:Follow|Unfollow) [^"]+)"', page)


# Pressing


def test_follow_tells_twitter_whom_and_goes_back(wren, twitter):
    twitter.post(FOLLOWING, **FOLLOWED)

    answer = press_follow(wren, username="robin", next="/people?who=robin")

    [call] = twitter.calls_to(FOLLOWING, "POST")
    assert (answer.status_code, answer.location) == (303, "/people?who=robin")
    assert json.loads(call.request.body) == {"target_user_id": ROBIN}
    assert flashed(wren) == ["You follow @robin now."]


def test_unfollow_does_the_reverse(wren, twitter):
    twitter.delete(UNFOLLOW, json={"data": {"following": False}})

    answer = press_unfollow(wren, username="robin")

    assert (answer.status_code, answer.location) == (303, "/account")
    assert len(twitter.calls_to(UNFOLLOW, "DELETE")) == 1
    assert flashed(wren) == ["You no longer follow @robin."]


@pytest.mark.parametrize(
    "answer, sentence",
    [
        (FOLLOWED["json"], "You follow @robin now."),
        (
            {"data": {"following": False, "pending_follow": True}},
            "Your request to follow @robin is sent. They decide who may follow them.",
        ),
    ],
)
def test_a_double_click_is_harmless(app, wren, twitter, answer, sentence):
    both_are_there = Barrier(2)

    def follow(request):
        both_are_there.wait(10)
        return 200, {}, json.dumps(answer)

    twitter.add_callback("POST", FOLLOWING, callback=follow)
    windows = [same_browser(wren, app), same_browser(wren, app)]
    token = wren.csrf_token("/account")

    with ThreadPoolExecutor(2) as threads:
        pressed = list(threads.map(lambda window: press(window, token), windows))

    sent = [json.loads(call.request.body) for call in twitter.calls_to(FOLLOWING, "POST")]
    assert [(one.status_code, one.location) for one in pressed] == [(303, "/account")] * 2
    assert sent == [{"target_user_id": ROBIN}] * 2
    assert [flashed(window) for window in windows] == [[sentence], [sentence]]


def test_a_protected_account_is_asked_first(wren, twitter):
    twitter.post(FOLLOWING, json={"data": {"following": False, "pending_follow": True}})

    press_follow(wren, username="robin")

    assert flashed(wren) == [
        "Your request to follow @robin is sent. They decide who may follow them."
    ]


@pytest.mark.parametrize("press, verb", [(press_follow, "follow"), (press_unfollow, "unfollow")])
def test_nobody_follows_themselves(wren, twitter, press, verb):
    press(wren, ME)

    assert flashed(wren) == [f"You cannot {verb} yourself."]
    assert twitter.calls_to(FOLLOWING, "POST") == []


@pytest.mark.parametrize("user_id", ["", "robin", "-1", "1" * 20, "1/../2", "1 2", "１００２"])
def test_what_is_no_id_is_never_sent(wren, twitter, user_id):
    before = len(twitter.calls)

    assert press_follow(wren, user_id).status_code == 400
    assert press_unfollow(wren, user_id).status_code in {400, 404, 405}
    assert len(twitter.calls) == before


def test_a_name_that_is_none_stays_out_of_the_sentence(wren, twitter):
    twitter.post(FOLLOWING, **FOLLOWED)

    press_follow(wren, username="<b>robin</b>")

    assert flashed(wren) == ["You follow this account now."]


@pytest.mark.parametrize("path", ["/follows", f"/follows/{ROBIN}/delete"])
def test_other_sites_cannot_press_the_buttons(wren, twitter, path):
    before = len(twitter.calls)

    page = wren.post(path, data={"user_id": ROBIN, "next": "/people?who=robin"})

    assert page.status_code == 400
    assert '<a class="button" href="/people?who=robin">Go back</a>' in page.text
    assert len(twitter.calls) == before


@pytest.mark.parametrize("path", ["/follows", f"/follows/{ROBIN}/delete"])
def test_signed_out_people_are_sent_to_the_front_door(client, twitter, path):
    token = client.csrf_token()

    answer = client.post(path, data={"csrf_token": token, "user_id": ROBIN})

    assert (answer.status_code, answer.location) == (303, "/?next=/")


def test_who_presses_after_the_sign_in_has_ended_comes_back_to_the_page(client, twitter):
    form = {"csrf_token": client.csrf_token(), "next": "/follows?page=2&token=t"}

    answer = client.post(f"/follows/{ROBIN}/delete", data=form)

    assert answer.location == "/?next=/follows?page%3D2%26token%3Dt"


@pytest.mark.parametrize("path", ["//evil.example", "https://evil.example", "/\\evil", "", None])
def test_next_leads_to_this_site_only(wren, twitter, path):
    twitter.post(FOLLOWING, **FOLLOWED)

    assert press_follow(wren, next=path or "").location == "/"


def test_what_was_read_is_read_anew_afterwards(wren, twitter):
    twitter.post(FOLLOWING, **FOLLOWED)
    twitter.get(FOLLOWERS, json={"data": [robin()]})
    twitter.get(FOLLOWERS, json={"data": [robin(connection_status=["following"])]})

    before = buttons(wren.get("/follows/followers").text)
    press_follow(wren)
    after = buttons(wren.get("/follows/followers").text)

    assert (before, after) == (["Follow @robin"], ["Unfollow @robin"])


@pytest.mark.parametrize(
    "dialect, path, read",
    [
        (dialect, path, read)
        for dialect in (LIVE, BETA)
        for path, read in {
            "/follows": FOLLOWING,
            "/people?who=robin": USERS_BY,
            f"/people?who={ROBIN}": USERS,
            "/people/robin": dialect.by_name("robin"),
            f"/people/id/{ROBIN}": f"/users/{ROBIN}",
            **READ_ANEW[dialect],
        }.items()
    ],
    ids=str,
    indirect=["dialect"],
)
def test_what_depends_on_follows_is_read_anew_afterwards(wren, twitter, path, read):
    profile = robin() if read.endswith((f"/{ROBIN}", "/robin")) else [robin()]
    twitter.get(read, json={"data": profile})
    for beside in (f"/users/{ROBIN}/tweets", "/spaces/by/creator_ids"):
        twitter.get(beside, json={"data": []})
    for alone in (f"/users/{ME}", f"/users/{ROBIN}"):  # where the beta finds what is pinned
        twitter.get(alone, json=user_answer(id=ROBIN))
    twitter.delete(UNFOLLOW, json={"data": {"following": False}})

    wren.get(path)
    before = len(twitter.calls_to(read, "GET"))
    press_unfollow(wren)
    wren.get(path)

    assert before > 0
    assert len(twitter.calls_to(read, "GET")) == 2 * before


def test_a_follow_costs_no_reading_of_tweets(wren, twitter, dialect):
    tweets = twitter.get(dialect.tweets, json=dialect.their_tweets(DAWN))
    twitter.post(FOLLOWING, **FOLLOWED)

    wren.get("/tweets")
    press_follow(wren)
    page = wren.get("/tweets").text

    assert "Dawn chorus" in page
    assert len(tweets.calls) == 1


def test_a_follow_leaves_old_tweets_for_when_twitter_fails(wren, twitter, clock, dialect):
    twitter.get(dialect.tweets, json=dialect.their_tweets(DAWN))
    twitter.get(dialect.tweets, status=503)
    twitter.post(FOLLOWING, **FOLLOWED)
    wren.get("/tweets")

    press_follow(wren)
    clock.advance(minutes=2)

    assert "Dawn chorus" in wren.get("/tweets").text


# What goes wrong


@pytest.mark.parametrize(
    "answer, sentence",
    [
        (FORBIDDEN, "That is not part of what this site may do at Twitter."),
        (
            {"status": 402, "json": {"type": "https://api.x.com/2/problems/credits"}},
            "This site has used up what it may ask of Twitter for now.",
        ),
        (
            {"status": 403, "json": {"type": "about:blank"}},
            "Twitter said no. The account may be gone, or it may have blocked you.",
        ),
        (
            {
                "status": 403,
                "json": {"type": "https://api.x.com/2/problems/unsupported-authentication"},
            },
            "This is a mistake of this site, not yours. Its operator can read about it in the log.",
        ),
        ({"status": 503}, "Twitter gave no clear answer. Please look whether it was done."),
        (
            {"json": {"data": {"following": False}}},
            "Twitter did not let you follow @robin.",
        ),
        (
            {"status": 429, "json": {}},
            "Twitter asks for a pause. You can follow @robin again later.",
        ),
    ],
)
def test_a_refusal_is_one_sentence_on_the_page_they_came_from(wren, twitter, answer, sentence):
    twitter.post(FOLLOWING, **answer)

    came = press_follow(wren, username="robin")

    assert (came.status_code, came.location) == (303, "/account")
    assert flashed(wren) == [sentence]


def test_ones_own_plan_is_told_as_ones_own(wren, twitter):
    own = {"type": FORBIDDEN["json"]["type"], "reason": "user-not-enrolled"}
    twitter.post(FOLLOWING, status=403, json=own)

    press_follow(wren)
    press_follow(wren)

    assert flashed(wren) == ["That is not part of your own account&#39;s plan at Twitter."]
    assert len(twitter.calls_to(FOLLOWING, "POST")) == 1


@pytest.mark.parametrize("minutes, day", [(5, ""), (13 * 60, "tomorrow ")])
def test_a_limit_says_when_it_lifts(wren, twitter, clock, minutes, day):
    clock.moment = clock.moment.replace(hour=12, minute=0, second=0, microsecond=0)
    lifts = clock() + timedelta(minutes=minutes)
    headers = {
        "x-user-limit-24hour-remaining": "0",
        "x-user-limit-24hour-reset": str(int(lifts.timestamp())),
    }
    twitter.delete(UNFOLLOW, status=429, json={}, headers=headers)

    press_unfollow(wren, username="robin")
    press_unfollow(wren, username="robin")

    sentence = f"Twitter asks for a pause. You can unfollow @robin again {day}at {lifts:%H:%M} UTC."
    assert set(flashed(wren)) == {sentence}
    assert len(twitter.calls_to(UNFOLLOW, "DELETE")) == 1


def test_an_ended_grant_asks_to_sign_in_and_leads_back(wren, twitter):
    spent = {
        "error": "invalid_request",
        "error_description": "Value passed for the token was invalid.",
    }
    twitter.post(FOLLOWING, status=401, json={})
    twitter.upsert("POST", TOKEN_PATH, status=400, json=spent)

    page = press_follow(wren, next="/people?who=robin")

    assert page.status_code == 401
    assert "Please sign in again" in page.text
    assert 'name="next" value="/people?who=robin"' in page.text


# Buttons


@pytest.mark.parametrize(
    "how, expected",
    [
        ([], ["Follow @robin"]),
        (["followed_by"], ["Follow @robin"]),
        (["following", "followed_by"], ["Unfollow @robin"]),
        (["follow_request_sent"], []),
        (["blocking"], []),
        (["muting"], ["Follow @robin"]),
        (None, ["Follow @robin"]),
    ],
)
def test_followers_have_the_button_that_fits(wren, twitter, how, expected):
    twitter.get(FOLLOWERS, json={"data": [robin(connection_status=how)]})

    page = wren.get("/follows/followers").text

    assert buttons(page) == expected
    assert ("Follows you" in page) == ("followed_by" in (how or []))
    assert (">Requested<" in page) == (how == ["follow_request_sent"])


@pytest.mark.parametrize("how", [["following"], [], None])
def test_whom_one_follows_can_be_unfollowed_whatever_twitter_says(wren, twitter, how):
    twitter.get(FOLLOWING, json={"data": [robin(connection_status=how)]})

    page = wren.get("/follows").text

    assert buttons(page) == ["Unfollow @robin"]
    assert f'action="/follows/{ROBIN}/delete"' in page


def test_buttons_lead_back_to_the_same_part_of_a_list(wren, twitter):
    twitter.get(FOLLOWING, json={"data": [robin()]})

    page = wren.get("/follows?page=2&token=abc").text

    assert 'name="next" value="/follows?page=2&amp;token=abc"' in page


def test_nobody_can_follow_themselves_in_a_list(wren, twitter):
    twitter.get(USERS, json={"data": [robin(id=ME)]})

    page = wren.get(f"/people?who={ME}").text

    assert buttons(page) == []
    assert "This is you" in page


def test_what_the_plan_lacks_disappears_for_everyone(app, wren, twitter, clock):
    twitter.post(FOLLOWING, **FORBIDDEN)
    twitter.get(USERS_BY, json={"data": [robin()]})
    other = app.test_client()
    other.sign_in()
    before = buttons(other.get("/people?who=robin").text)

    press_follow(wren)

    assert (before, buttons(other.get("/people?who=robin").text)) == (["Follow @robin"], [])
    assert "Following: not in this site&#39;s plan at Twitter." in other.get("/account").text
    clock.advance(minutes=61)
    assert buttons(other.get("/people?who=robin").text) == ["Follow @robin"]


def test_unfollowing_can_disappear_by_itself(wren, twitter):
    twitter.delete(UNFOLLOW, **FORBIDDEN)
    twitter.get(FOLLOWING, json={"data": [robin()]})
    twitter.get(USERS_BY, json={"data": [robin()]})

    press_unfollow(wren)

    following = wren.get("/follows").text
    assert buttons(following) == []
    assert "You follow them" in following
    assert buttons(wren.get("/people?who=robin").text) == ["Follow @robin"]


# Lists


def test_lists_lead_on_and_back_with_twitters_tokens(wren, twitter):
    meta = {"next_token": "to-the-next", "previous_token": "to-the-one-before"}
    twitter.get(FOLLOWING, json={"data": [robin()], "meta": meta})

    page = wren.get("/follows?page=3&token=abc").text

    [call] = twitter.calls_to(FOLLOWING, "GET")
    assert call.request.params["pagination_token"] == "abc"
    assert 'href="/follows?page=4&amp;token=to-the-next"' in page
    assert 'href="/follows?page=2&amp;token=to-the-one-before"' in page


def test_the_refresh_button_of_the_list_reads_it_anew(wren, twitter, clock):
    twitter.get(FOLLOWING, json={"data": [robin()]})
    wren.get("/follows")
    clock.advance(seconds=10)

    token = wren.csrf_token("/account")
    answer = wren.post("/follows?page=1", data={"csrf_token": token, "refresh": "people"})

    assert (answer.status_code, answer.location) == (303, "/follows?page=1")
    assert len(twitter.calls_to(FOLLOWING, "GET")) == 2
    assert "just now" in wren.get("/follows").text


def test_a_part_of_a_list_that_has_expired_says_so(wren, twitter):
    twitter.get(FOLLOWING, status=400, json={"title": "Invalid Request"})

    page = wren.get("/follows?page=2&token=old").text

    assert "This part of the list has expired." in page


def test_both_lists_offer_to_find_people(wren, twitter):
    twitter.get(FOLLOWING, json={})

    page = wren.get("/follows").text

    assert '<form class="find" action="/people" role="search">' in page
    assert '<label for="who">' in page


def test_the_two_lists_say_how_many_are_on_them_without_a_read(wren, twitter):
    twitter.get(FOLLOWING, json={})

    page = wren.get("/follows").text

    assert re.search(r"Following <b>4</b></a>\s+<a [^>]+>Followers <b>3</b></a>", page)


@in_the_beta
def test_the_beta_has_no_followers(wren, twitter):
    twitter.get(FOLLOWING, json={"data": [robin()]})

    following = wren.get("/follows").text
    direct = wren.get("/follows/followers")

    assert "/follows/followers" not in following
    assert buttons(following) == ["Unfollow @robin"]
    assert direct.status_code == 404
    assert "does not tell who follows you" in direct.text
    assert "/follows/followers" not in direct.text


def test_a_follow_that_was_not_done_forgets_nothing(wren, twitter):
    found = twitter.get(USERS_BY, json={"data": [robin()]})
    twitter.post(FOLLOWING, status=429, json={})
    wren.get("/people?who=robin")

    press_follow(wren)

    assert buttons(wren.get("/people?who=robin").text) == ["Follow @robin"]
    assert len(found.calls) == 1


@pytest.mark.parametrize(
    "answer", [{"body": ReadTimeout("no answer")}, {"status": 503}, {"body": "<html>"}]
)
def test_who_is_told_to_look_whether_it_was_done_can_see_it(wren, twitter, answer):
    twitter.get(FOLLOWERS, json={"data": [robin()]})
    twitter.get(FOLLOWERS, json={"data": [robin(connection_status=["following"])]})
    twitter.post(FOLLOWING, **answer)
    wren.get("/follows/followers")

    press_follow(wren)

    assert flashed(wren) == ["Twitter gave no clear answer. Please look whether it was done."]
    assert buttons(wren.get("/follows/followers").text) == ["Unfollow @robin"]


def test_a_follow_is_done_though_the_database_is_away_after_it(wren, twitter, app, monkeypatch):
    def away(user_id):
        raise OperationalError("UPDATE", None, ConnectionError("away"))

    twitter.post(FOLLOWING, **FOLLOWED)
    monkeypatch.setattr(app.extensions["perch"].people, "follows_changed", away)

    press_follow(wren)

    assert "You follow" in " ".join(flashed(wren))


def test_what_follows_cost_is_counted(wren, twitter, rows):
    twitter.post(FOLLOWING, **FOLLOWED)

    press_follow(wren)

    assert [(r["route"], r["calls"]) for r in rows(Usage)] == [("POST /2/users/:id/following", 1)]


def test_a_follow_with_a_refused_token_is_sent_once_more_with_another(wren, twitter):
    twitter.post(TOKEN_PATH, json=twitter.token(access_token="a-newer-token"))
    refused = twitter.post(FOLLOWING, status=401, json={"type": "about:blank"})
    twitter.post(FOLLOWING, **FOLLOWED)

    press_follow(wren)

    assert "You follow" in " ".join(flashed(wren))
    assert len(refused.calls) == 1


def test_without_the_permission_nothing_is_sent(client, kind_twitter, app):
    client.sign_in()
    here = app.extensions["perch"]
    with app.app_context():
        person = here.people.find(here.browsers.of(1)[0].grant_id)

        with pytest.raises(PermissionMissing):
            here.follows.follow(person, ROBIN, budget=Budget())
