"""The home page: three panels, each with its age, its errors, and its place in the plan."""

import re
from html import unescape

import pytest

from tests.dialects import BETA, LIVE, in_both_dialects
from tests.web.answers import (
    FOLLOWING,
    NOT_IN_OWN_PLAN,
    NOT_IN_PLAN,
    OUT_OF_CREDITS,
    TWEET,
    reads,
    sign_in_without,
    stand,
)

BEGINNING = "Part of this page"
IN_WORDS = {
    "plan": f"{BEGINNING} is not in this site's plan at Twitter at the moment.",
    "own plan": f"{BEGINNING} is not in your own account's plan at Twitter at the moment.",
    "credits": f"{BEGINNING} has to wait: this site's credits at Twitter are used up.",
}
ANSWERS = {"plan": NOT_IN_PLAN, "own plan": NOT_IN_OWN_PLAN, "credits": OUT_OF_CREDITS}


def panels(page):
    """Return the headings of the panels, in their order."""
    return re.findall(r'<h2 id="(\w+)-title">', page)


def test_home_shows_four_things_for_three_reads(signed_in, twitter):
    stand(twitter)

    pages = [signed_in.get("/").text for _ in range(2)]  # and once from memory

    for page in pages:
        assert "Small, loud, usually in the hedge." in page
        assert "Good morning from the ivy" in page
        assert "Dawn chorus" in page
        assert "Robin Redbreast" in page
        assert panels(page) == ["tweets", "spaces", "follows"]
        assert re.findall(r'name="refresh" value="(\w+)"', page) == [
            *("tweets", "spaces", "following")
        ]
        assert page.count("Updated <time") == 3
        assert BEGINNING not in page
    assert len(reads(twitter)) == 3


@in_both_dialects
def test_home_without_a_cache_reads_each_time(build_app, kind_twitter, dialect):
    client = build_app(CACHE_SECONDS="0").test_client()
    client.sign_in()
    stand(kind_twitter)

    page = client.get("/").text
    client.get("/")

    each_time = {LIVE: 4, BETA: 3}[dialect]  # today it takes the follows to find their Spaces
    assert "Refresh" not in page
    assert len(reads(kind_twitter)) == 2 * each_time


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


def test_one_panel_is_refreshed_and_the_others_are_not(signed_in, twitter, clock):
    stand(twitter)
    signed_in.get("/")
    clock.advance(seconds=30)

    answer = signed_in.press("/", refresh="tweets")

    assert (answer.status_code, answer.location) == (303, "/")
    paths = (LIVE.tweets, LIVE.spaces, FOLLOWING)
    assert [len(twitter.calls_to(path)) for path in paths] == [2, 1, 1]


def test_an_old_panel_stands_beside_new_ones(signed_in, twitter, clock):
    twitter.get(LIVE.tweets, json=LIVE.their_tweets(TWEET))
    stand(twitter, tweets={"status": 503})
    signed_in.get("/")
    clock.advance(minutes=2)

    page = signed_in.get("/").text

    assert page.count("Until then, here is what we read 2 minutes ago.") == 1
    assert "Good morning from the ivy" in page
    assert "Dawn chorus" in page


@pytest.mark.parametrize(
    "broken, still_there",
    [
        ("tweets", "Dawn chorus"),
        ("following", "Good morning from the ivy"),
        ("spaces", "Robin Redbreast"),
    ],
)
def test_a_panel_fails_alone(signed_in, twitter, broken, still_there):
    stand(twitter, **{broken: {"status": 503}})

    answer = signed_in.get("/")

    assert answer.status_code == 200
    assert "Twitter is not answering." in answer.text
    assert still_there in answer.text


@pytest.mark.parametrize(
    "reason, unavailable, still_there",
    [
        ("plan", ["tweets"], ["spaces", "follows"]),
        ("own plan", ["spaces"], ["tweets", "follows"]),
        ("credits", ["tweets", "spaces"], ["follows"]),
        ("plan", ["following", "spaces"], ["tweets"]),
        ("credits", ["tweets", "following", "spaces"], []),
    ],
)
def test_panels_outside_the_plan_are_left_out_with_one_line(
    signed_in, twitter, reason, unavailable, still_there
):
    stand(twitter, **dict.fromkeys(unavailable, ANSWERS[reason]))

    page = unescape(signed_in.get("/").text)

    assert panels(page) == still_there
    assert page.count(BEGINNING) == 1
    assert re.search(rf'{IN_WORDS[reason]}\s+<a href="/account">', page)


def test_each_reason_has_its_own_line(signed_in, twitter):
    stand(twitter, tweets=OUT_OF_CREDITS, spaces=NOT_IN_PLAN)

    page = unescape(signed_in.get("/").text)

    assert page.count(BEGINNING) == 2
    assert IN_WORDS["plan"] in page
    assert IN_WORDS["credits"] in page
