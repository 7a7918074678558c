"""The table of limits and prices, row by row, as Twitter's pages give it.

"Rate limits" of 2026 and as it stood until January 2026 (the Free column), "Pricing", and the
document of the private beta of 2021. Written out once more: the other copy is the sandbox's own.
"""

import pytest

from sandbox.endpoints import DAY, ENDPOINTS, PLENTY, QUARTER, SECOND
from sandbox.seed_birds import EGG, ROBIN, WREN, at
from tests.sandbox.steps import bearer

ROWS = {row.name: row for row in ENDPOINTS}

# `/15` is in 15 minutes, `/d` in 24 hours, `/s` in a second; a dash is no limit, "none" no access.
# Name: a person, the client, Free; dollars for each thing returned; an example of a call.
TABLE = {
    "me": ("75/15", "-", "25/d", 0.010, "GET /2/users/me"),
    "users": ("900/15", "300/15", "1/d", 0.010, f"GET /2/users?ids={WREN},{ROBIN}"),
    "user": ("900/15", "300/15", "1/d", 0.010, f"GET /2/users/{WREN}"),
    "users_by": ("900/15", "300/15", "1/d", 0.010, "GET /2/users/by?usernames=wren,robin,jay"),
    "user_by": ("900/15", "300/15", "3/15", 0.010, "GET /2/users/by/username/wren"),
    "tweets": ("5000/15", "3500/15", "1/15", 0.005, f"GET /2/tweets?ids={at(12)},{at(25)}"),
    "tweet": ("900/15", "450/15", "1/15", 0.005, f"GET /2/tweets/{at(12)}"),
    "timeline": ("900/15", "10000/15", "1/15", 0.005, f"GET /2/users/{WREN}/tweets"),
    "mentions": ("300/15", "450/15", "1/15", 0.005, f"GET /2/users/{WREN}/mentions"),
    "home": (
        ("180/15", "-", "1/15", 0.005, f"GET /2/users/{WREN}/timelines/reverse_chronological")
    ),
    "following": ("300/15", "300/15", "none", 0.010, f"GET /2/users/{WREN}/following"),
    "followers": ("300/15", "300/15", "none", 0.010, f"GET /2/users/{WREN}/followers"),
    # In April 2026 it left every plan that one can buy without talking to somebody.
    "follow": ("none", "none", "none", 0.0, f"POST /2/users/{WREN}/following"),
    "unfollow": ("50/15", "-", "1/15", 0.010, f"DELETE /2/users/{WREN}/following/{ROBIN}"),
    "space": ("300/15", "300/15", "1/15", 0.005, "GET /2/spaces/1DawnChorus1a"),
    "spaces": ("300/15", "300/15", "1/15", 0.005, "GET /2/spaces?ids=1DawnChorus1a,1HedgeNews6f"),
    "spaces_by": (
        ("300/15", "300/15 1/s", "1/s", 0.005, f"GET /2/spaces/by/creator_ids?user_ids={ROBIN}")
    ),
    "spaces_search": ("300/15", "300/15", "1/15", 0.005, "GET /2/spaces/search?query=hedge"),
    "following_spaces": (
        ("300/15", "300/15", "1/15", 0.005, f"GET /2/users/{WREN}/following/spaces")
    ),
}
ONLY_BETA = {"following_spaces"}
LIVE = [name for name in TABLE if name not in ONLY_BETA]
SOLD = [name for name in LIVE if name != "follow"]
LENGTHS = {"15": QUARTER, "d": DAY, "s": SECOND}


def windows(text):
    """Read `300/15 1/s` as how many by length."""
    parts = [part.split("/") for part in text.split() if part != "-"]
    return {LENGTHS[length]: int(most) for most, length in parts}


def given(limit, *, whose):
    """List the windows that the sandbox has for a person or for the client."""
    most = limit.user if whose == "user" else limit.app
    found = {QUARTER: most} if most != PLENTY else {}
    found |= {DAY: limit.day} if limit.day is not None else {}
    return found | ({SECOND: limit.second} if limit.second and whose == "app" else {})


def call(steps, token, name):
    method, url = TABLE[name][-1].split()
    body = {"json": {"target_user_id": EGG}} if method == "POST" else {}
    return steps.browser.open(url, method=method, headers=bearer(token), **body)


@pytest.fixture
def token(steps):
    return steps.sign_in()["access_token"]


def test_every_endpoint_has_its_row():
    assert TABLE.keys() == ROWS.keys()


def test_pay_per_use_has_the_limits_of_today():
    limits = {name: ROWS[name].limits["pay-per-use"] for name in TABLE}
    found = {
        name: limit and (given(limit, whose="user"), given(limit, whose="app"))
        for name, limit in limits.items()
    }

    assert found == {
        name: None if user == "none" else (windows(user), windows(app))
        for name, (user, app, *_) in TABLE.items()
    }


def free_limit(limit):
    """Write the limit of a plan in the words of the table."""
    if limit is None:
        return "none"
    if limit.second is not None:
        return f"{limit.second}/s"
    return f"{limit.day}/d" if limit.day is not None else f"{limit.user}/15"


def test_legacy_free_has_the_limits_of_the_table():
    found = {name: free_limit(ROWS[name].limits["legacy-free"]) for name in TABLE}

    assert found == {name: row[2] for name, row in TABLE.items()}


def test_enterprise_has_no_limits():
    limits = [ROWS[name].limits["enterprise"] for name in TABLE]

    assert [given(limit, whose=whose) for limit in limits for whose in ("user", "app")] == (
        [{}] * 2 * len(TABLE)
    )


def test_beta_limits_lookups_to_900_for_the_client():
    limits = {name: ROWS[name].beta_limit for name in TABLE}
    found = {name: (limit.user, limit.app) for name, limit in limits.items() if limit}

    assert found == dict.fromkeys(("tweet", "tweets", "user", "users", "users_by"), (900, 900))


def test_answers_tell_the_limit_of_their_row(steps, world, token):
    world.change({"plan": "pay-per-use"})
    answers = {name: call(steps, token, name) for name in LIVE}
    found = {name: answer.headers["x-rate-limit-limit"] for name, answer in answers.items()}

    assert {name: answer.status_code for name, answer in answers.items()} == {
        name: 403 if name == "follow" else 200 for name in LIVE
    }
    assert {name: found[name] for name in SOLD} == {
        name: TABLE[name][0].removesuffix("/15") for name in SOLD
    }


def test_a_call_costs_the_price_of_its_row(steps, world, token):
    """For each thing returned; unfollowing is one thing that is done."""
    spent, prices = {}, {}
    for name in SOLD:
        world.change({"plan": "pay-per-use", "credits": 100})
        data = call(steps, token, name).json["data"]
        spent[name] = 100 - world.settings.credits
        prices[name] = TABLE[name][3] * (len(data) if isinstance(data, list) else 1)

    assert spent == pytest.approx(prices)


def test_only_users_me_is_free_without_credits(steps, world, token):
    world.change({"plan": "pay-per-use", "credits": 0})
    statuses = {name: call(steps, token, name).status_code for name in SOLD}

    assert statuses == dict.fromkeys(SOLD, 402) | {"me": 200}


@pytest.mark.parametrize("name", ["space", "spaces", "spaces_by", "spaces_search"])
def test_reading_spaces_spends_credits(steps, world, token, name):
    world.change({"plan": "pay-per-use", "credits": 0.005})
    first = call(steps, token, name)
    world.advance(1)
    second = call(steps, token, name)

    assert [first.status_code, second.status_code] == [200, 402]
