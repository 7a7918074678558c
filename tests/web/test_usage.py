"""The account page: a person's own calls, costs, limits and plan."""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from html import unescape

import pytest

from app.accounts.models import Usage
from app.pages.usage import dollars
from app.twitter.endpoints import ENDPOINTS
from tests.factories import ME_PATH, REVOKE_PATH, TOKEN_PATH, user_answer
from tests.stores import on_both_stores
from tests.web.answers import FOLLOWING, NOT_IN_OWN_PLAN, NOT_IN_PLAN, OUT_OF_CREDITS

LOOK_UP = "/tweets/lookup?ids=0,1,2"
BIRDS = [{"id": str(n), "username": f"bird{n}", "name": f"Bird {n}"} for n in range(1002, 1009)]
TWEETS = {"json": {"data": [{"id": str(n), "text": "Chirp"} for n in range(3)]}}
NOON = datetime(2030, 3, 17, 12, tzinfo=UTC)


@pytest.fixture
def wren(client, twitter, clock):
    clock.moment = NOON
    twitter.post(TOKEN_PATH, json=twitter.token(expires_in=10**7))
    twitter.get(ME_PATH, json=user_answer())
    twitter.post(REVOKE_PATH, json={"revoked": True})
    client.sign_in()
    return client


@pytest.fixture
def jay(app, wren, twitter):
    """Another person, who came after Wren."""
    twitter.upsert("GET", ME_PATH, json=user_answer(id="2002", username="jay"))
    browser = app.test_client()
    browser.sign_in()
    return browser


def account(client):
    return client.get("/account").text


def table(page, title):
    """Read a table of the account page, row by row; None if there is none."""
    found = re.search(rf"<caption>{title}</caption>(.*?)</table>", page, re.DOTALL)
    if found is None:
        return None
    rows = re.findall(r"<tr>(.*?)</tr>", found[1], re.DOTALL)
    return [
        [re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<t[hd].*?</t[hd]>", row)]
        for row in rows
    ][1:]


def resets(minutes):
    return str(int(NOON.timestamp()) + 60 * minutes)


def test_an_account_without_reads_says_nothing(wren):
    page = account(wren)

    assert table(page, "Today") is None
    assert re.search(r"<h3>Today</h3>\s*<p class=\"empty\">Nothing.</p>", page)
    assert "Not available at the moment" not in page


def test_reads_are_counted_with_their_items_and_cost(wren, twitter):
    twitter.get("/tweets", **TWEETS)
    twitter.get(FOLLOWING, json={"data": BIRDS})
    for path in (LOOK_UP, LOOK_UP, "/follows"):  # the second comes from memory
        wren.get(path)

    page = account(wren)

    expected = [
        ["People whom someone follows", "1", "7", "$0.07"],
        ["Tweets by id", "1", "3", "$0.02"],
        ["Total", "2", "10", "$0.09"],
    ]
    assert table(page, "Today") == expected
    assert table(page, "The last 31 days") == expected
    assert page.count("<table") == page.count("<caption>") == 2
    assert page.count('<th scope="col">') == 8
    assert page.count('<th scope="row">') == 6


@on_both_stores
def test_today_and_a_month_are_two_tables_and_in_the_export(wren, twitter, clock, rows):
    twitter.get("/tweets", **TWEETS)
    for days in (0, 1, 0):
        clock.advance(days=days, minutes=2)
        wren.get(LOOK_UP)

    page, export = account(wren), json.loads(wren.get("/account/export").text)
    wren.press("/account/disconnect", sure="yes")

    assert table(page, "Today")[0] == ["Tweets by id", "2", "6", "$0.03"]
    assert table(page, "The last 31 days")[0] == ["Tweets by id", "3", "9", "$0.05"]
    day = {"user_id": export["usage"][0]["user_id"], "route": "GET /2/tweets"}
    assert export["usage"] == [
        day | {"day": "2030-03-17", "calls": 1, "items": 3},
        day | {"day": "2030-03-18", "calls": 2, "items": 6},
    ]
    assert rows(Usage) == []


@pytest.mark.parametrize("days, counted", [(30, True), (31, False)])
def test_a_month_has_31_days_and_today_is_one_of_them(wren, twitter, clock, days, counted):
    twitter.get("/tweets", **TWEETS)
    wren.get(LOOK_UP)
    for _ in range(days):
        clock.advance(days=1)
        wren.get("/account")

    month = table(account(wren), "The last 31 days")

    assert (month is not None) == counted


def test_figures_are_the_persons_own(wren, jay, twitter):
    twitter.get("/tweets", **TWEETS)
    wren.get(LOOK_UP)

    assert table(account(jay), "Today") is None
    assert table(account(wren), "Today") is not None
    assert json.loads(jay.get("/account/export").text)["usage"] == []


def test_limits_show_the_remaining_calls_and_the_reset(wren, twitter, clock):
    headers = {
        "x-rate-limit-limit": "900",
        "x-rate-limit-remaining": "899",
        "x-rate-limit-reset": resets(10),
        "x-user-limit-24hour-remaining": "24",
        "x-user-limit-24hour-reset": resets(13 * 60),
    }
    twitter.get("/tweets", **TWEETS, headers=headers)
    wren.get(LOOK_UP)
    told = table(account(wren), "Remaining calls")
    clock.advance(minutes=11)

    assert told == [
        ["Tweets by id", "899 of 900", "today, 12:10 UTC"],
        ["Tweets by id (per day)", "24", "18 Mar, 01:00 UTC"],
    ]
    assert table(account(wren), "Remaining calls") == told[1:]


@pytest.mark.parametrize(
    "answer, sentence",
    [
        (NOT_IN_PLAN, "not in this site's plan at Twitter. Next try: today, 13:00 UTC"),
        (OUT_OF_CREDITS, "this site's credits at Twitter are used up. Next try: today, 12:05 UTC"),
    ],
)
def test_an_unavailable_endpoint_shows_its_reason(wren, twitter, answer, sentence):
    twitter.get("/tweets", **answer)
    wren.get(LOOK_UP)

    page = unescape(re.sub(r"</?time[^>]*>", "", account(wren)))

    assert f"<li>Tweets by id: {sentence}</li>" in page


def test_a_refusal_by_a_persons_own_plan_is_listed_apart(wren, jay, twitter):
    twitter.get("/tweets", **NOT_IN_OWN_PLAN)
    twitter.get(FOLLOWING, **NOT_IN_PLAN)
    wren.get(LOOK_UP)
    wren.get("/follows")

    all_users, mine = unescape(account(wren)).split("Not available to your account")

    assert "Not available to any user of " in all_users
    assert "People whom someone follows: not in this site's plan at Twitter." in all_users
    assert "Tweets by id" not in all_users.split("Not available at the moment")[1]
    assert "Tweets by id: not in your own account's plan at Twitter." in mine
    assert "Not available to your account" not in account(jay)


def test_every_endpoint_has_plain_words_of_its_own():
    assert len({endpoint.label for endpoint in ENDPOINTS}) == len(ENDPOINTS)


def test_costs_are_full_cents_rounded_up():
    costs = ["0", "0.001", "0.015", "1.5", "1234"]

    words = [dollars(Decimal(cost)) for cost in costs]

    assert words == ["$0.00", "$0.01", "$0.02", "$1.50", "$1,234.00"]
