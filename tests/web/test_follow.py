"""Follow and unfollow: the right button for each person, and one sentence for each outcome."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from requests import ReadTimeout
from sqlalchemy.exc import OperationalError

from app.accounts.models import Usage
from app.gateway.actions import FOLLOW, PendingAction
from app.twitter.errors import PermissionMissing
from app.twitter.transport.deadline import Deadline
from tests.dialects import BETA, LIVE, in_both_dialects, in_the_beta
from tests.factories import ME_PATH, REVOKE_PATH, TOKEN_PATH, user_answer
from tests.web.answers import (
    FOLLOWERS,
    FOLLOWING,
    LIMITED,
    ME,
    NOT_GRANTED,
    NOT_IN_OWN_PLAN,
    NOT_IN_PLAN,
    OUT_OF_CREDITS,
    PROBLEMS,
    SPENT,
    TWEET,
)

ROBIN = "1002"
UNFOLLOW = f"{FOLLOWING}/{ROBIN}"
USERS, USERS_BY = "/users", "/users/by"
FOLLOWED = {"json": {"data": {"following": True, "pending_follow": False}}}
REQUESTED = {"json": {"data": {"following": False, "pending_follow": True}}}
UNFOLLOWED = {"json": {"data": {"following": False}}}
SENT = "Your request to follow @robin is sent. They decide who may follow them."
LOOK = "Twitter gave no clear answer. Please check whether it was done."


def robin(**changes):
    return {"id": ROBIN, "username": "robin", "name": "Robin Redbreast"} | changes


@pytest.fixture
def wren(client, twitter, dialect):
    """A browser of a person who has allowed us to follow for them."""
    twitter.post(TOKEN_PATH, json=twitter.token(scope=dialect.granted(dialect.follow)))
    twitter.get(ME_PATH, json=user_answer())
    twitter.post(REVOKE_PATH, json={"revoked": True})
    client.sign_in()
    return client


def press_follow(client, user_id=ROBIN, **fields):
    return client.press("/follows", **{"user_id": user_id, "next": "/account"} | fields)


def press_unfollow(client, user_id=ROBIN, **fields):
    return client.press(f"/follows/{user_id}/delete", **{"next": "/account"} | fields)


def buttons(page):
    return re.findall(r'aria-label="((?:Follow|Unfollow) [^"]+)"', page)


# Pressing


def test_follow_posts_the_target_id_and_goes_back(wren, twitter, rows):
    twitter.post(FOLLOWING, **FOLLOWED)

    answer = press_follow(wren, username="robin", next="/people?who=robin")

    [call] = twitter.calls_to(FOLLOWING, "POST")
    assert (answer.status_code, answer.location) == (303, "/people?who=robin")
    assert json.loads(call.request.body) == {"target_user_id": ROBIN}
    assert wren.flashed() == ["You follow @robin now."]
    assert [(r["route"], r["calls"]) for r in rows(Usage)] == [("POST /2/users/:id/following", 1)]


def test_unfollow_deletes_the_target_id_and_goes_back(wren, twitter):
    twitter.delete(UNFOLLOW, **UNFOLLOWED)

    answer = press_unfollow(wren, username="robin")

    assert (answer.status_code, answer.location) == (303, "/account")
    assert len(twitter.calls_to(UNFOLLOW, "DELETE")) == 1
    assert wren.flashed() == ["You no longer follow @robin."]


def test_a_double_click_is_harmless(wren, twitter):
    both_are_there = Barrier(2)

    def follow(request):
        both_are_there.wait(10)
        return 200, {}, json.dumps(REQUESTED["json"])

    twitter.add_callback("POST", FOLLOWING, callback=follow)
    tabs = [wren.twin(), wren.twin()]
    form = {"csrf_token": wren.csrf_token("/account"), "user_id": ROBIN, "next": "/account"}

    with ThreadPoolExecutor(2) as threads:
        pressed = list(
            threads.map(lambda tab: tab.post("/follows", data=form | {"username": "robin"}), tabs)
        )

    sent = [json.loads(call.request.body) for call in twitter.calls_to(FOLLOWING, "POST")]
    assert [(one.status_code, one.location) for one in pressed] == [(303, "/account")] * 2
    assert sent == [{"target_user_id": ROBIN}] * 2
    assert [tab.flashed() for tab in tabs] == [[SENT], [SENT]]


@pytest.mark.parametrize("press, verb", [(press_follow, "follow"), (press_unfollow, "unfollow")])
def test_a_person_cannot_follow_themselves(wren, twitter, press, verb):
    press(wren, ME)

    assert wren.flashed() == [f"You cannot {verb} yourself."]
    assert twitter.calls_to(FOLLOWING, "POST") == []


def test_an_impossible_id_is_never_sent(wren, twitter):
    before = len(twitter.calls)
    ids = ["", "robin", "-1", "1" * 20, "1/../2", "1 2", "１００２"]

    followed = {press_follow(wren, user_id).status_code for user_id in ids}
    unfollowed = {press_unfollow(wren, user_id).status_code for user_id in ids}

    assert followed == {400}
    assert unfollowed <= {400, 404, 405}
    assert len(twitter.calls) == before


def test_an_impossible_name_stays_out_of_the_sentence(wren, twitter):
    twitter.post(FOLLOWING, **FOLLOWED)

    press_follow(wren, username="<b>robin</b>")

    assert wren.flashed() == ["You follow this account now."]


@pytest.mark.parametrize("path", ["/follows", f"/follows/{ROBIN}/delete"])
def test_the_buttons_take_a_token_and_a_sign_in(wren, app, twitter, path):
    before = len(twitter.calls)
    form = {"user_id": ROBIN, "next": "/follows?page=2&token=t"}
    stranger = app.test_client()

    forged = wren.post(path, data=form)
    signed_out = stranger.post(path, data=form | {"csrf_token": stranger.csrf_token()})

    assert forged.status_code == 400
    assert "page=2" not in forged.text  # a stranger may have chosen it
    assert signed_out.location == "/?next=/follows?page%3D2%26token%3Dt"
    assert len(twitter.calls) == before


def test_next_leads_to_this_site_only(wren, twitter):
    twitter.post(FOLLOWING, **FOLLOWED)
    elsewhere = ["//evil.example", "https://evil.example", "/\\evil", ""]

    led = [press_follow(wren, next=path).location for path in elsewhere]

    assert led == ["/"] * len(elsewhere)


# What was read before


@in_both_dialects
def test_reads_that_depend_on_follows_are_read_anew_afterwards(wren, twitter, dialect):
    pages = {
        "/follows": FOLLOWING,
        "/people?who=robin": USERS_BY,
        f"/people?who={ROBIN}": USERS,
        "/people/robin": dialect.by_name("robin"),
        f"/people/id/{ROBIN}": f"/users/{ROBIN}",
        **{LIVE: {"/follows/followers": FOLLOWERS}, BETA: {"/tweets": FOLLOWING}}[dialect],
    }
    for path in {f"/users/{ME}", f"/users/{ROBIN}"}:
        twitter.get(path, json=user_answer(id=ROBIN))
    for path in {FOLLOWING, FOLLOWERS, USERS, USERS_BY}:
        twitter.get(path, json={"data": [robin()]})
    twitter.get(LIVE.by_name("robin"), json={"data": robin()})
    twitter.get(f"/users/{ROBIN}/tweets", json={"data": []})
    twitter.delete(UNFOLLOW, **UNFOLLOWED)

    def asked_by(path):
        """Open a page, and say how often it asked Twitter for what it shows."""
        before = len(twitter.calls_to(pages[path], "GET"))
        wren.get(path)
        return len(twitter.calls_to(pages[path], "GET")) - before

    counts = {}
    for path in pages:
        cold, warm = asked_by(path), asked_by(path)
        press_unfollow(wren)
        counts[path] = (cold > 0, warm, asked_by(path) > 0)

    assert counts == dict.fromkeys(pages, (True, 0, True))


def test_a_button_is_exchanged_after_it_was_pressed(wren, twitter):
    twitter.post(FOLLOWING, **FOLLOWED)
    twitter.get(FOLLOWERS, json={"data": [robin()]})
    twitter.get(FOLLOWERS, json={"data": [robin(connection_status=["following"])]})

    before = buttons(wren.get("/follows/followers").text)
    press_follow(wren)
    after = buttons(wren.get("/follows/followers").text)

    assert (before, after) == (["Follow @robin"], ["Unfollow @robin"])


def test_a_follow_leaves_tweets_as_they_were_read(wren, twitter, clock):
    twitter.get(LIVE.tweets, json=LIVE.their_tweets(TWEET))
    twitter.get(LIVE.tweets, status=503)
    twitter.post(FOLLOWING, **FOLLOWED)
    wren.get("/tweets")

    press_follow(wren)
    fresh = wren.get("/tweets").text
    asked = len(twitter.calls_to(LIVE.tweets))
    clock.advance(minutes=2)
    old = wren.get("/tweets").text

    assert asked == 1
    assert "Good morning from the ivy" in fresh
    assert "Good morning from the ivy" in old


def test_a_follow_that_was_not_done_forgets_nothing(wren, twitter):
    found = twitter.get(USERS_BY, json={"data": [robin()]})
    twitter.post(FOLLOWING, **LIMITED)
    wren.get("/people?who=robin")

    press_follow(wren)

    assert buttons(wren.get("/people?who=robin").text) == ["Follow @robin"]
    assert len(found.calls) == 1


@pytest.mark.parametrize(
    "answer", [{"body": ReadTimeout("no answer")}, {"status": 503}, {"body": "<html>"}]
)
def test_a_follow_without_a_clear_answer_can_be_looked_up(wren, twitter, answer):
    twitter.get(FOLLOWERS, json={"data": [robin()]})
    twitter.get(FOLLOWERS, json={"data": [robin(connection_status=["following"])]})
    twitter.post(FOLLOWING, **answer)
    wren.get("/follows/followers")

    press_follow(wren)

    assert wren.flashed() == [LOOK]
    assert buttons(wren.get("/follows/followers").text) == ["Unfollow @robin"]


def test_a_follow_is_done_though_the_database_is_away_after_it(wren, twitter, app, monkeypatch):
    def away(user_id, topics):
        raise OperationalError("UPDATE", None, ConnectionError("away"))

    twitter.post(FOLLOWING, **FOLLOWED)
    monkeypatch.setattr(app.extensions["perch"].people, "changed", away)

    press_follow(wren)

    assert wren.flashed() == ["You follow this account now."]


# What goes wrong


@pytest.mark.parametrize(
    "answer, sentence",
    [
        (NOT_IN_PLAN, "Not part of this site&#39;s plan. This site does not pay Twitter for this."),
        (
            NOT_IN_OWN_PLAN,
            "Not part of your own plan. Your account at Twitter needs another plan for this.",
        ),
        (
            OUT_OF_CREDITS,
            "Out of credits. This site has used up what it may ask of Twitter for now.",
        ),
        (NOT_GRANTED, "Twitter said no. The account may be gone, or it may have blocked you."),
        (
            {"status": 403, "json": {"type": f"{PROBLEMS}/unsupported-authentication"}},
            "This is a mistake of this site, not yours. Its operator can read about it in the log.",
        ),
        ({"json": {"data": {"following": False}}}, "Twitter did not let you follow @robin."),
        (LIMITED, "Twitter asks for a pause. You can follow @robin again later."),
    ],
)
def test_a_refusal_is_one_sentence_on_the_page_it_came_from(wren, twitter, answer, sentence):
    twitter.post(FOLLOWING, **answer)

    came = press_follow(wren, username="robin")

    assert (came.status_code, came.location) == (303, "/account")
    assert wren.flashed() == [sentence]


def test_a_lack_of_ones_own_plan_is_not_tried_again(wren, twitter):
    twitter.post(FOLLOWING, **NOT_IN_OWN_PLAN)

    press_follow(wren)
    press_follow(wren)

    assert len(twitter.calls_to(FOLLOWING, "POST")) == 1


@pytest.mark.parametrize("minutes, day", [(5, ""), (13 * 60, "tomorrow ")])
def test_a_limit_says_when_it_lifts(wren, twitter, clock, minutes, day):
    clock.moment = clock.moment.replace(hour=12, minute=0, second=0, microsecond=0)
    lifts = clock() + timedelta(minutes=minutes)
    headers = {
        "x-user-limit-24hour-remaining": "0",
        "x-user-limit-24hour-reset": str(int(lifts.timestamp())),
    }
    twitter.delete(UNFOLLOW, **LIMITED, headers=headers)

    press_unfollow(wren, username="robin")
    press_unfollow(wren, username="robin")

    sentence = f"Twitter asks for a pause. You can unfollow @robin again {day}at {lifts:%H:%M} UTC."
    assert set(wren.flashed()) == {sentence}
    assert len(twitter.calls_to(UNFOLLOW, "DELETE")) == 1


def test_an_ended_grant_asks_to_sign_in_and_leads_back(wren, twitter):
    twitter.post(FOLLOWING, status=401, json={})
    twitter.upsert("POST", TOKEN_PATH, status=400, json=SPENT)

    page = press_follow(wren, next="/people?who=robin")

    assert page.status_code == 401
    assert "Please sign in again" in page.text
    assert 'name="next" value="/people?who=robin"' in page.text


def test_a_follow_with_a_refused_token_is_sent_once_more_with_another(wren, twitter):
    twitter.post(TOKEN_PATH, json=twitter.token(access_token="a-newer-token"))
    refused = twitter.post(FOLLOWING, status=401, json={"type": "about:blank"})
    twitter.post(FOLLOWING, **FOLLOWED)

    press_follow(wren)

    assert wren.flashed() == ["You follow this account now."]
    assert len(refused.calls) == 1


def test_a_follow_without_the_permission_is_not_sent(client, kind_twitter, app):
    client.sign_in()
    here = app.extensions["perch"]
    with app.app_context():
        person = here.people.find(here.sessions.of(1).signed_in[0].session_id)

        pending = PendingAction(action=FOLLOW, target_id=ROBIN)
        result = here.actions.perform(pending, person, deadline=Deadline())

    assert isinstance(result, PermissionMissing)


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
def test_everyone_on_the_list_of_follows_can_be_unfollowed(wren, twitter, how):
    twitter.get(FOLLOWING, json={"data": [robin(connection_status=how)]})

    page = wren.get("/follows").text

    assert buttons(page) == ["Unfollow @robin"]
    assert f'action="/follows/{ROBIN}/delete"' in page


def test_ones_own_entry_in_a_list_has_no_button(wren, twitter):
    twitter.get(USERS, json={"data": [robin(id=ME)]})

    page = wren.get(f"/people?who={ME}").text

    assert buttons(page) == []
    assert "This is you" in page


def test_unfollowing_can_disappear_by_itself(wren, twitter):
    twitter.delete(UNFOLLOW, **NOT_IN_PLAN)
    twitter.get(FOLLOWING, json={"data": [robin()]})
    twitter.get(USERS_BY, json={"data": [robin()]})

    press_unfollow(wren)

    following = wren.get("/follows").text
    assert buttons(following) == []
    assert "You follow them" in following
    assert buttons(wren.get("/people?who=robin").text) == ["Follow @robin"]


# Lists


def test_a_part_of_a_list_leads_on_and_back_and_so_do_its_buttons(wren, twitter):
    meta = {"next_token": "to-the-next", "previous_token": "to-the-one-before"}
    twitter.get(FOLLOWING, json={"data": [robin()], "meta": meta})

    page = wren.get("/follows?page=3&token=abc").text

    [call] = twitter.calls_to(FOLLOWING, "GET")
    assert call.request.params["pagination_token"] == "abc"
    assert 'href="/follows?page=4&amp;token=to-the-next"' in page
    assert 'href="/follows?page=2&amp;token=to-the-one-before"' in page
    assert 'name="next" value="/follows?page=3&amp;token=abc"' in page


def test_the_refresh_button_of_the_list_reads_it_anew(wren, twitter, clock):
    twitter.get(FOLLOWING, json={"data": [robin()]})
    wren.get("/follows")
    clock.advance(seconds=10)

    answer = wren.press("/follows?page=1", refresh="people")

    assert (answer.status_code, answer.location) == (303, "/follows?page=1")
    assert len(twitter.calls_to(FOLLOWING, "GET")) == 2
    assert "just now" in wren.get("/follows").text


def test_an_expired_part_of_a_list_says_so(wren, twitter):
    twitter.get(FOLLOWING, status=400, json={"title": "Invalid Request"})

    page = wren.get("/follows?page=2&token=old").text

    assert "This part of the list has expired." in page


@pytest.mark.parametrize("path", ["/follows", "/follows/followers"])
def test_a_part_without_people_is_the_end_of_the_list(wren, twitter, path):
    empty = {"meta": {"result_count": 0, "previous_token": "b"}}
    twitter.get(re.compile(r".*/following|.*/followers"), json=empty)

    page = wren.get(f"{path}?page=2&token=a").text

    assert "This is the end of the list." in page
    assert "has expired" not in page
    assert f'rel="prev" href="{path}"' in page
    assert 'rel="next"' not in page


def test_lists_count_their_people_and_offer_to_find_others(wren, twitter):
    twitter.get(FOLLOWING, json={})

    page = wren.get("/follows").text

    assert re.search(r"Following <b>4</b></a>\s+<a [^>]+>Followers <b>3</b></a>", page)
    assert '<form class="find" method="post" action="/people" role="search">' in page
    assert '<label for="who">' in page


@in_the_beta
def test_the_beta_has_no_followers(wren, twitter):
    twitter.get(FOLLOWING, json={"data": [robin()]})

    following = wren.get("/follows").text
    direct = wren.get("/follows/followers")

    assert "/follows/followers" not in following
    assert buttons(following) == ["Unfollow @robin"]
    assert direct.status_code == 404
    assert "has no list of your followers" in direct.text
    assert "/follows/followers" not in direct.text
