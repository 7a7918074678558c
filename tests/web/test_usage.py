"""What the account page says about calls, costs, limits and the plan: to each their own."""

import json
import re
from datetime import UTC, datetime
from decimal import Decimal
from html import unescape

import pytest

from app.accounts.models import Usage
from app.pages.usage import WORDS, dollars
from app.twitter.endpoints import ENDPOINTS
from tests.factories import ME_PATH, REVOKE_PATH, TOKEN_PATH, user_answer
from tests.stores import on_both_stores

ME = "1001"
FOLLOWING = f"/users/{ME}/following"
LOOK_UP = "/tweets/lookup?ids=0,1,2"  # one endpoint with one price, in both dialects
BIRDS = [{"id": str(n), "username": f"bird{n}", "name": f"Bird {n}"} for n in range(1002, 1009)]
TWEETS = [{"id": str(n), "text": "Chirp", "author_id": ME} for n in range(3)]
NOON = datetime(2030, 3, 17, 12, tzinfo=UTC)


@pytest.fixture
def wren(client, twitter, clock):
    clock.moment = NOON
    twitter.post(TOKEN_PATH, json=twitter.token(expires_in=10**7))
    twitter.get(ME_PATH, json=user_answer())
    twitter.post(REVOKE_PATH, json={"revoked": True})
    client.sign_in()
    return client


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


def test_nothing_was_asked_yet(wren):
    page = account(wren)

    assert table(page, "Today") is None
    assert re.search(r"<h3>Today</h3>\s*<p class=\"empty\">Nothing.</p>", page)


@on_both_stores
def test_reads_are_counted_with_their_items_and_cost(wren, twitter):
    twitter.get("/tweets", json={"data": TWEETS})
    twitter.get(FOLLOWING, json={"data": BIRDS})
    wren.get(LOOK_UP)
    wren.get("/follows")

    page = account(wren)

    expected = [
        ["Who someone follows", "1", "7", "$0.07"],
        ["Tweets by id", "1", "3", "$0.02"],
        ["Total", "2", "10", "$0.09"],
    ]
    assert table(page, "Today") == expected
    assert table(page, "The last 31 days") == expected


def test_what_comes_from_memory_is_not_counted(wren, twitter):
    twitter.get("/tweets", json={"data": TWEETS})

    for _ in range(3):
        wren.get(LOOK_UP)

    assert table(account(wren), "Today")[0] == ["Tweets by id", "1", "3", "$0.02"]


@on_both_stores
def test_today_and_a_month_are_two_tables(wren, twitter, clock):
    twitter.get("/tweets", json={"data": TWEETS})
    wren.get(LOOK_UP)
    clock.advance(days=1)
    wren.get(LOOK_UP)

    page = account(wren)

    assert table(page, "Today")[0] == ["Tweets by id", "1", "3", "$0.02"]
    assert table(page, "The last 31 days")[0] == ["Tweets by id", "2", "6", "$0.03"]


@pytest.mark.parametrize("days, counted", [(30, True), (31, False)])
def test_a_month_has_31_days_and_today_is_one_of_them(wren, twitter, clock, days, counted):
    twitter.get("/tweets", json={"data": TWEETS})
    wren.get(LOOK_UP)
    for _ in range(days):
        clock.advance(days=1)
        wren.get("/account")

    month = table(account(wren), "The last 31 days")

    assert (month is not None) == counted


def test_figures_are_the_persons_own(app, wren, twitter):
    twitter.get("/tweets", json={"data": TWEETS})
    wren.get(LOOK_UP)
    twitter.upsert("GET", ME_PATH, json=user_answer(id="2002", username="jay"))
    jay = app.test_client()
    jay.sign_in()

    assert table(account(jay), "Today") is None


def test_limits_say_what_is_left_and_when_they_start_anew(wren, twitter):
    headers = {
        "x-rate-limit-limit": "900",
        "x-rate-limit-remaining": "899",
        "x-rate-limit-reset": str(int(NOON.timestamp()) + 600),
        "x-user-limit-24hour-limit": "25",
        "x-user-limit-24hour-remaining": "24",
        "x-user-limit-24hour-reset": str(int(NOON.timestamp()) + 13 * 3600),
    }
    twitter.get("/tweets", json={"data": TWEETS}, headers=headers)
    wren.get(LOOK_UP)

    assert table(account(wren), "What is left") == [
        ["Tweets by id", "899 of 900", "today, 12:10 UTC"],
        ["Tweets by id (per day)", "24 of 25", "18 Mar, 01:00 UTC"],
    ]


def test_limits_that_have_started_anew_are_not_shown(wren, twitter, clock):
    headers = {
        "x-rate-limit-remaining": "7",
        "x-rate-limit-reset": str(int(NOON.timestamp()) + 600),
    }
    twitter.get("/tweets", json={"data": TWEETS}, headers=headers)
    wren.get(LOOK_UP)
    before = table(account(wren), "What is left")
    clock.advance(minutes=11)

    assert before == [["Tweets by id", "7", "today, 12:10 UTC"]]
    assert table(account(wren), "What is left") is None


@pytest.mark.parametrize(
    "status, problem, sentence",
    [
        (
            403,
            "client-forbidden",
            "not in this site&#39;s plan at Twitter. Next try: today, 13:00 UTC",
        ),
        (
            402,
            "credits",
            "this site&#39;s credits at Twitter are used up. Next try: today, 12:05 UTC",
        ),
    ],
)
def test_what_does_not_work_is_said_with_its_reason(wren, twitter, status, problem, sentence):
    problem = {"type": f"https://api.x.com/2/problems/{problem}"}
    twitter.get("/tweets", status=status, json=problem)
    wren.get(LOOK_UP)

    assert f"<li>Tweets by id: {sentence}</li>" in re.sub(r"</?time[^>]*>", "", account(wren))


def test_what_does_not_work_for_one_person_is_told_as_theirs(app, wren, twitter):
    forbidden = {"type": "https://api.x.com/2/problems/client-forbidden"}
    twitter.get("/tweets", status=403, json=forbidden | {"reason": "user-not-enrolled"})
    twitter.get(FOLLOWING, status=403, json=forbidden | {"reason": "client-not-enrolled"})
    twitter.upsert("GET", ME_PATH, json=user_answer(id="2002", username="jay"))
    jay = app.test_client()
    jay.sign_in()
    wren.get(LOOK_UP)
    wren.get("/follows")

    everybodys, mine = unescape(account(wren)).split("This is so for your account")

    assert "This is so for everybody here." in everybodys
    assert "Who someone follows: not in this site's plan at Twitter." in everybodys
    assert "Tweets by id" not in everybodys.split("What does not work at the moment")[1]
    assert "Tweets by id: not in your own account's plan at Twitter." in mine
    assert "This is so for your account" not in account(jay)


def test_nothing_is_said_of_a_plan_that_includes_all(wren):
    assert "What does not work at the moment" not in account(wren)


def test_the_account_page_itself_asks_nothing(wren, twitter):
    before = len(twitter.calls)

    account(wren)

    assert len(twitter.calls) == before


def test_figures_stand_in_tables_that_can_be_heard(wren, twitter):
    twitter.get("/tweets", json={"data": TWEETS})
    wren.get(LOOK_UP)

    page = account(wren)

    assert page.count("<table") == page.count("<caption>") == 2
    assert page.count('<th scope="col">') == 8
    assert page.count('<th scope="row">') == 4


@on_both_stores
def test_the_copy_holds_the_figures(wren, twitter, rows):
    twitter.get("/tweets", json={"data": TWEETS})
    wren.get(LOOK_UP)

    copy = json.loads(wren.get("/account/export").text)

    assert copy["usage"] == [
        {
            "user_id": rows(Usage)[0]["user_id"],
            "day": "2030-03-17",
            "route": "GET /2/tweets",
            "calls": 1,
            "items": 3,
        }
    ]


@on_both_stores
def test_disconnecting_deletes_the_figures(wren, twitter, rows):
    twitter.get("/tweets", json={"data": TWEETS})
    wren.get(LOOK_UP)

    data = {"csrf_token": wren.csrf_token("/account"), "sure": "yes"}
    wren.post("/account/disconnect", data=data)

    assert rows(Usage) == []


def test_every_endpoint_has_plain_words_of_its_own():
    assert WORDS.keys() == set(ENDPOINTS)
    assert len(set(WORDS.values())) == len(ENDPOINTS)


@pytest.mark.parametrize(
    "cost, words",
    [
        ("0", "$0.00"),
        ("0.001", "$0.01"),
        ("0.015", "$0.02"),
        ("1.5", "$1.50"),
        ("1234", "$1,234.00"),
    ],
)
def test_costs_are_full_cents_rounded_up(cost, words):
    assert dollars(Decimal(cost)) == words
