"""Spaces on pages that are not theirs: the home page, the account, the navigation."""

import re
from html import unescape

import pytest

from tests.dialects import BETA, LIVE, in_both_dialects
from tests.factories import ME_PATH, TOKEN_PATH, user_answer
from tests.sections.spaces import LIVE_SPACE
from tests.web.answers import (
    FOLLOWING,
    NOT_IN_OWN_PLAN,
    NOT_IN_PLAN,
    NOTHING,
    OUT_OF_CREDITS,
    gone,
    reads,
    sign_in_without,
    stand,
)
from tests.web.test_features import looks_into
from tests.web.test_home import BEGINNING, panels
from tests.web.test_pages import Translated

ONE = f"/spaces/{LIVE_SPACE['id']}"


# The home page


def test_spaces_stand_between_tweets_and_follows(signed_in, twitter):
    stand(twitter)

    page = signed_in.get("/").text

    assert "Dawn chorus" in page
    assert panels(page) == ["tweets", "spaces", "follows"]
    assert len(reads(twitter)) == 3


@in_both_dialects
def test_spaces_of_followed_people_take_two_reads_today(build_app, kind_twitter, dialect):
    client = build_app(CACHE_SECONDS="0").test_client()
    client.sign_in()
    stand(kind_twitter)

    client.get("/")

    assert len(reads(kind_twitter)) == {LIVE: 4, BETA: 3}[dialect]


@in_both_dialects
def test_the_list_that_serves_two_panels_is_kept_as_long_as_the_spaces(
    signed_in, twitter, clock, dialect
):
    stand(twitter)
    asked = {}

    for seconds in (0, 61, 299, 300):
        before = len(reads(twitter))
        signed_in.get("/")
        new = reads(twitter)[before:]
        asked[seconds] = {one.url.split("?")[0].removeprefix(dialect.api_url) for one in new}
        clock.advance(seconds={0: 61, 61: 238, 299: 1}.get(seconds, 0))

    all_three = {dialect.tweets, FOLLOWING, dialect.spaces}
    alone = {LIVE: {dialect.tweets}, BETA: {dialect.tweets, FOLLOWING}}[dialect]
    assert asked == {0: all_three, 61: alone, 299: alone, 300: all_three - alone}


def test_a_list_of_faces_alone_is_read_after_a_minute(client, twitter, clock):
    sign_in_without(client, twitter, LIVE.read_spaces)
    stand(twitter)
    client.get("/")
    clock.advance(seconds=61)

    client.get("/")

    assert len(twitter.calls_to(FOLLOWING)) == 2


def test_spaces_fail_alone(signed_in, twitter):
    stand(twitter, spaces={"status": 503})

    page = signed_in.get("/").text

    assert "Twitter is not answering." in page
    assert "Good morning from the ivy" in page
    assert "Robin Redbreast" in page


@pytest.mark.parametrize(
    "answer, unavailable, still_there",
    [
        (NOT_IN_OWN_PLAN, ["spaces"], ["tweets", "follows"]),
        (OUT_OF_CREDITS, ["tweets", "spaces"], ["follows"]),
        (NOT_IN_PLAN, ["following", "spaces"], ["tweets"]),
        (OUT_OF_CREDITS, ["tweets", "following", "spaces"], []),
    ],
)
def test_spaces_outside_the_plan_are_left_out(signed_in, twitter, answer, unavailable, still_there):
    stand(twitter, **dict.fromkeys(unavailable, answer))

    page = unescape(signed_in.get("/").text)

    assert panels(page) == still_there
    assert page.count(BEGINNING) == 1


@pytest.mark.parametrize(
    "path, looks",
    [
        ("/", 6),  # an answer for each of four reads, whether there are Spaces, and the features
        ("/account", 3),
    ],
)
def test_the_link_to_spaces_takes_one_look_into_redis(
    build_app, redis_url, kind_twitter, path, looks
):
    client = build_app(REDIS_URL=redis_url).test_client()
    client.sign_in()
    stand(kind_twitter)
    client.get(path)

    with looks_into(redis_url) as counted:
        client.get(path)

    assert counted["looks"] == looks


# Links and permissions


def test_the_navigation_marks_spaces(signed_in, twitter):
    stand(twitter)

    page = signed_in.get("/spaces").text

    assert re.findall(r'aria-current="(?:page|true)">(\w+)</a>', page) == ["Spaces"]


@in_both_dialects
def test_spaces_outside_the_plan_are_not_linked(signed_in, twitter, dialect):
    stand(twitter, spaces=NOT_IN_PLAN)
    twitter.get(ONE, json={"data": LIVE_SPACE})
    links = {"/account": 'href="/spaces"', ONE: ">All Spaces</a>"}
    before = {path: link in signed_in.get(path).text for path, link in links.items()}

    signed_in.get("/spaces")

    assert before == dict.fromkeys(links, True)
    assert [link in signed_in.get(path).text for path, link in links.items()] == [False, False]


def test_looking_up_spaces_is_gone_when_both_ways_are(signed_in, twitter):
    twitter.get("/spaces", **NOT_IN_PLAN)
    stand(twitter, spaces=NOT_IN_PLAN)
    signed_in.get(f"/spaces/lookup?ids={LIVE_SPACE['id']}")
    signed_in.get("/spaces/lookup?creators=1002")

    assert "Looking up Spaces does not work here" in signed_in.get("/spaces/lookup").text
    assert "Look up Spaces by" not in signed_in.get("/spaces").text


def test_the_account_offers_the_permission_for_spaces(client, twitter):
    sign_in_without(client, twitter, LIVE.read_spaces)

    not_allowed = client.get("/account").text.split("<h3>Not granted</h3>")[1]

    assert "See the Spaces that are open to you" in not_allowed
    assert 'name="ask" value="read_spaces"' in not_allowed


def test_ids_of_spaces_are_not_translated(signed_in, twitter):
    twitter.get("/spaces", json={"errors": [gone("1Dawn")]})

    page = signed_in.get("/spaces/lookup?ids=1Dawn").text

    assert "1Dawn" in page
    assert "1Dawn" not in " ".join(Translated(page).words)


@in_both_dialects
def test_spaces_are_read_anew_after_an_unfollow(client, twitter, dialect):
    twitter.post(TOKEN_PATH, json=twitter.token(scope=dialect.granted(dialect.follow)))
    twitter.get(ME_PATH, json=user_answer())
    client.sign_in()
    stand(twitter, spaces=NOTHING)
    twitter.delete(f"{FOLLOWING}/1002", json={"data": {"following": False}})
    first = {LIVE: FOLLOWING, BETA: BETA.spaces}[dialect]
    counts = []

    for _ in range(2):
        client.get("/spaces")
        counts.append(len(twitter.calls_to(first, "GET")))
    client.press("/follows/1002/delete", user_id="1002", once="1", next="/account")
    client.get("/spaces")

    assert [*counts, len(twitter.calls_to(first, "GET"))] == [1, 1, 2]
