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


@pytest.mark.parametrize("name", TABLE)
def test_pay_per_use_has_the_limits_of_today(name):
    user, app, *_ = TABLE[name]
    limit = ROWS[name].limits["pay-per-use"]

    if user == "none":
        assert limit is None
        return
    assert given(limit, whose="user") == windows(user)
    assert given(limit, whose="app") == windows(app)


@pytest.mark.parametrize("name", TABLE)
def test_legacy_free_has_what_was_left_of_it(name):
    """A day that is over hides behind a window that looks healthy."""
    free = TABLE[name][2]
    limit = ROWS[name].limits["legacy-free"]

    if free == "none":
        assert limit is None
        return
    for length, most in windows(free).items():
        assert given(limit, whose="app" if length == SECOND else "user")[length] == most
    assert (limit.day is None) is not free.endswith("/d")
    assert (limit.second is None) is not free.endswith("/s")


@pytest.mark.parametrize("name", TABLE)
def test_enterprise_has_no_limits(name):
    limit = ROWS[name].limits["enterprise"]

    assert given(limit, whose="user") == given(limit, whose="app") == {}


@pytest.mark.parametrize("name", TABLE)
def test_beta_has_900_for_the_client_where_tweets_and_users_are_looked_up(name):
    lookup = name in {"tweet", "tweets", "user", "users", "users_by"}
    limit = ROWS[name].beta_limit

    assert (limit and (limit.user, limit.app)) == ((900, 900) if lookup else None)


@pytest.mark.parametrize("name", LIVE)
def test_an_answer_tells_of_its_row(steps, world, token, name):
    world.change({"plan": "pay-per-use"})
    answer = call(steps, token, name)

    if TABLE[name][0] == "none":
        assert answer.status_code == 403
        return
    assert answer.status_code == 200
    assert answer.headers["x-rate-limit-limit"] == TABLE[name][0].removesuffix("/15")


@pytest.mark.parametrize("name", [name for name in LIVE if name != "follow"])
def test_a_call_costs_what_its_row_says(steps, world, token, name):
    """For each thing returned; unfollowing is one thing that is done."""
    world.change({"plan": "pay-per-use", "credits": 100})
    data = call(steps, token, name).json["data"]
    count = len(data) if isinstance(data, list) else 1

    assert world.settings.credits == pytest.approx(100 - TABLE[name][3] * count)


@pytest.mark.parametrize("name", [name for name in LIVE if name != "follow"])
def test_nothing_but_who_signed_in_is_free_when_the_money_is_spent(steps, world, token, name):
    world.change({"plan": "pay-per-use", "credits": 0})
    answer = call(steps, token, name)

    assert answer.status_code == (200 if name == "me" else 402)


@pytest.mark.parametrize("name", ["space", "spaces", "spaces_by", "spaces_search"])
def test_spaces_spend_the_money_as_well(steps, world, token, name):
    world.change({"plan": "pay-per-use", "credits": 0.005})
    first = call(steps, token, name)
    world.advance(1)
    second = call(steps, token, name)

    assert [first.status_code, second.status_code] == [200, 402]
