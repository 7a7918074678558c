"""The home page: its panels, each with its age, its errors, and its place in the plan."""

import re
from html import unescape

import pytest

from tests.dialects import LIVE
from tests.sections import rows_of
from tests.web.answers import (
    FOLLOWING,
    NOT_IN_OWN_PLAN,
    NOT_IN_PLAN,
    OUT_OF_CREDITS,
    TWEET,
    reads,
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


def test_home_shows_each_part_for_one_read(signed_in, twitter):
    stand(twitter)

    pages = [signed_in.get("/").text for _ in range(2)]  # and once from memory

    for page in pages:
        assert "Small, loud, usually in the hedge." in page
        assert "Good morning from the ivy" in page
        assert "Robin Redbreast" in page
        assert panels(page) == ["tweets", *rows_of("ON_HOME"), "follows"]
        assert re.findall(r'name="refresh" value="(\w+)"', page) == [
            *("tweets", *rows_of("ON_HOME"), "following")
        ]
        assert page.count("Updated <time") == len(panels(page))
        assert BEGINNING not in page
    assert len(reads(twitter)) == len(panels(pages[0]))


def test_home_without_a_cache_reads_each_time(build_app, kind_twitter):
    client = build_app(CACHE_SECONDS="0").test_client()
    client.sign_in()
    stand(kind_twitter)

    page = client.get("/").text
    once = len(reads(kind_twitter))
    client.get("/")

    assert "Refresh" not in page
    assert len(reads(kind_twitter)) == 2 * once


def test_one_panel_is_refreshed_and_the_others_are_not(signed_in, twitter, clock):
    stand(twitter)
    signed_in.get("/")
    clock.advance(seconds=30)

    answer = signed_in.press("/", refresh="tweets")

    assert (answer.status_code, answer.location) == (303, "/")
    assert [len(twitter.calls_to(path)) for path in (LIVE.tweets, FOLLOWING)] == [2, 1]


def test_an_old_panel_stands_beside_new_ones(signed_in, twitter, clock):
    twitter.get(LIVE.tweets, json=LIVE.their_tweets(TWEET))
    stand(twitter, tweets={"status": 503})
    signed_in.get("/")
    clock.advance(minutes=2)

    page = signed_in.get("/").text

    assert page.count("Until then, here is what we read 2 minutes ago.") == 1
    assert "Good morning from the ivy" in page
    assert "Robin Redbreast" in page


@pytest.mark.parametrize(
    "broken, still_there",
    [
        ("tweets", "Robin Redbreast"),
        ("following", "Good morning from the ivy"),
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
        ("plan", "tweets", ["follows"]),
        ("own plan", "tweets", ["follows"]),
        ("credits", "following", ["tweets"]),
    ],
)
def test_panels_outside_the_plan_are_left_out_with_one_line(
    signed_in, twitter, reason, unavailable, still_there
):
    stand(twitter, **{unavailable: ANSWERS[reason]})

    page = unescape(signed_in.get("/").text)

    assert [name for name in panels(page) if name in {"tweets", "follows"}] == still_there
    assert page.count(BEGINNING) == 1
    assert re.search(rf'{IN_WORDS[reason]}\s+<a href="/account">', page)


def test_each_reason_has_its_own_line(signed_in, twitter):
    stand(twitter, tweets=OUT_OF_CREDITS, following=NOT_IN_PLAN)

    page = unescape(signed_in.get("/").text)

    assert page.count(BEGINNING) == 2
    assert IN_WORDS["plan"] in page
    assert IN_WORDS["credits"] in page
