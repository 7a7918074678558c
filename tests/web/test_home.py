"""The overview: three panels, each with its age, its trouble, and its place in the plan."""

import re
from html import unescape

import pytest

from tests.dialects import LIVE
from tests.web.test_pages import FOLLOWING, TWEET, sign_in_without, stand

FORBIDDEN = {"type": "https://api.x.com/2/problems/client-forbidden"}
NOT_IN_PLAN = {"status": 403, "json": FORBIDDEN | {"reason": "client-not-enrolled"}}
OUT_OF_CREDITS = {"status": 402, "json": {"type": "https://api.x.com/2/problems/credits"}}
OWN_PLAN = {"status": 403, "json": FORBIDDEN | {"reason": "user-not-enrolled"}}
BEGINNING = "Part of what was here"
IN_WORDS = {
    "plan": f"{BEGINNING} is not in this site's plan at Twitter at the moment.",
    "own plan": f"{BEGINNING} is not in your own account's plan at Twitter at the moment.",
    "credits": f"{BEGINNING} has to wait: this site's credits at Twitter are used up.",
}
ANSWERS = {"plan": NOT_IN_PLAN, "own plan": OWN_PLAN, "credits": OUT_OF_CREDITS}


def panels(page):
    """The headings of the panels, in their order."""
    return re.findall(r'<h2 id="(\w+)-title">', page)


def test_each_panel_says_its_age_and_can_be_refreshed(signed_in, twitter, clock):
    stand(twitter)
    signed_in.get("/")
    clock.advance(seconds=10)

    page = signed_in.get("/").text

    assert re.findall(r'name="refresh" value="(\w+)"', page) == ["tweets", "spaces", "following"]
    assert page.count("Updated <time") == 3


@pytest.mark.parametrize("seconds, again", [(61, []), (299, []), (300, [FOLLOWING, LIVE.spaces])])
def test_the_list_that_serves_two_panels_is_read_as_seldom_as_the_spaces(
    signed_in, twitter, clock, seconds, again, dialect
):
    stand(twitter)
    signed_in.get("/")
    before = len(twitter.calls)
    clock.advance(seconds=seconds)

    signed_in.get("/")

    asked = [call.request.url.split("?")[0] for call in list(twitter.calls)[before:]]
    assert sorted(asked) == sorted(map(twitter.at, [dialect.tweets, *again]))


def test_a_list_of_faces_alone_is_read_after_a_minute(client, twitter, clock, dialect):
    sign_in_without(client, twitter, dialect.read_spaces)
    stand(twitter)
    client.get("/")
    clock.advance(seconds=61)

    client.get("/")

    assert len(twitter.calls_to(FOLLOWING)) == 2


def test_one_panel_is_refreshed_and_the_others_are_not(signed_in, twitter, clock, dialect):
    stand(twitter)
    signed_in.get("/")
    clock.advance(seconds=30)
    form = {"csrf_token": signed_in.csrf_token("/account"), "refresh": "tweets"}

    answer = signed_in.post("/", data=form)

    assert (answer.status_code, answer.location) == (303, "/")
    assert len(twitter.calls_to(dialect.tweets)) == 2
    assert len(twitter.calls_to(dialect.spaces)) == 1
    assert len(twitter.calls_to(FOLLOWING)) == 1


def test_an_old_panel_says_why_beside_those_that_are_new(signed_in, twitter, clock, dialect):
    twitter.get(dialect.tweets, json=dialect.their_tweets(TWEET))
    stand(twitter, tweets={"status": 503})
    signed_in.get("/")
    clock.advance(minutes=2)

    page = signed_in.get("/").text

    assert page.count("Until then, here is what we read 2 minutes ago.") == 1
    assert "Good morning from the ivy" in page
    assert ">2 minutes ago</time>" in page
    assert "Dawn chorus" in page


@pytest.mark.parametrize("reason", ANSWERS)
@pytest.mark.parametrize(
    "left_out, still_there",
    [
        (["tweets"], ["spaces", "follows"]),
        (["spaces"], ["tweets", "follows"]),
        (["tweets", "spaces"], ["follows"]),
        (["following", "spaces"], ["tweets"]),
        (["tweets", "following", "spaces"], []),
    ],
)
def test_what_nobody_pays_for_is_left_out_with_one_line(
    signed_in, twitter, reason, left_out, still_there
):
    stand(twitter, **dict.fromkeys(left_out, ANSWERS[reason]))

    page = unescape(signed_in.get("/").text)

    assert panels(page) == still_there
    assert page.count(BEGINNING) == 1
    assert re.search(rf'{IN_WORDS[reason]}\s+<a href="/account">', page)


def test_each_reason_is_told_once(signed_in, twitter):
    stand(twitter, tweets=OUT_OF_CREDITS, spaces=NOT_IN_PLAN)

    page = unescape(signed_in.get("/").text)

    assert page.count(BEGINNING) == 2
    assert IN_WORDS["plan"] in page
    assert IN_WORDS["credits"] in page


def test_a_plan_that_has_it_all_is_not_mentioned(signed_in, twitter):
    stand(twitter)

    page = signed_in.get("/").text

    assert panels(page) == ["tweets", "spaces", "follows"]
    assert "plan" not in page
