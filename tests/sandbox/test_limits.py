"""How often, in which plan, and for how much. Twitter: "Rate limits", "Pricing".

The table is that of Twitter's pages: "Rate limits" of 2026 and as it stood until January 2026 (the
Free column), "Pricing", and the document of the private beta of 2021. Written out once more: the
other copy is the sandbox's own. Bodies are judged in test_contract.py.
"""

import pytest

from sandbox.api.endpoints import DAY, ENDPOINTS, PLENTY, QUARTER, SECOND
from tests.sandbox.birds import EGG, ROBIN, WREN, at
from tests.sandbox.steps import bearer

ROWS = {row.name: row for row in ENDPOINTS}
ME, FOLLOWING, SPACES = "/2/users/me", f"/2/users/{WREN}/following", "/2/spaces/by/creator_ids"

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
    "search_recent": (
        "300/15",
        "450/15",
        "1/15",
        0.005,
        "GET /2/tweets/search/recent?query=from:wren",
    ),
    "create_tweet": ("100/15", "10000/d", "17/d", 0.015, "POST /2/tweets"),
    "delete_tweet": ("50/15", "-", "17/d", 0.005, f"DELETE /2/tweets/{at(12)}"),
    # In April 2026 it left every plan without a contract, and in August 2025 the Free one.
    "like": ("none", "none", "none", 0.0, f"POST /2/users/{WREN}/likes"),
    "unlike": ("50/15 1000/d", "-", "1/15", 0.010, f"DELETE /2/users/{WREN}/likes/{at(25)}"),
    "liked_tweets": ("75/15", "75/15", "1/15", 0.005, f"GET /2/users/{WREN}/liked_tweets"),
    "liking_users": ("75/15", "75/15", "1/15", 0.010, f"GET /2/tweets/{at(95)}/liking_users"),
    "repost": ("50/15", "-", "1/15", 0.015, f"POST /2/users/{WREN}/retweets"),
    "unrepost": ("50/15", "-", "1/15", 0.010, f"DELETE /2/users/{WREN}/retweets/{at(25)}"),
    "bookmarks": ("180/15", "-", "1/15", 0.005, f"GET /2/users/{WREN}/bookmarks"),
    "bookmark": ("50/15", "-", "1/15", 0.005, f"POST /2/users/{WREN}/bookmarks"),
    "unbookmark": ("50/15", "-", "1/15", 0.005, f"DELETE /2/users/{WREN}/bookmarks/{at(25)}"),
    "following": ("300/15", "300/15", "none", 0.010, f"GET /2/users/{WREN}/following"),
    "followers": ("300/15", "300/15", "none", 0.010, f"GET /2/users/{WREN}/followers"),
    # In April 2026 it left every plan without a contract.
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
NOT_SOLD = {"follow", "like"}
SOLD = [name for name in LIVE if name not in NOT_SOLD]
LENGTHS = {"15": QUARTER, "d": DAY, "s": SECOND}


def windows(text):
    """Read `300/15 1/s` as how many by length."""
    parts = [part.split("/") for part in text.split() if part != "-"]
    return {LENGTHS[length]: int(most) for most, length in parts}


def given(limit, *, whose):
    """List the windows that the sandbox has for a person or for the client."""
    most = limit.user if whose == "user" else limit.app
    found = {QUARTER: most} if most != PLENTY else {}
    day = limit.day or (limit.user_day if whose == "user" else limit.app_day)
    found |= {DAY: day} if day is not None else {}
    return found | ({SECOND: limit.second} if limit.second and whose == "app" else {})


def call(steps, token, name):
    method, url = TABLE[name][-1].split()
    bodies = {
        "follow": {"target_user_id": EGG},
        "create_tweet": {"text": f"At {steps.world.now()}"},
    }
    body = {"json": bodies.get(name, {"tweet_id": at(25)})} if method == "POST" else {}
    return steps.browser.open(url, method=method, headers=bearer(token), **body)


@pytest.fixture
def token(steps, world):
    world.likes.add(WREN, at(95))
    world.bookmarks.add(WREN, at(95))
    return steps.sign_in()["access_token"]


def free_limit(limit):
    """Write the limit of a plan in the words of the table."""
    if limit is None:
        return "none"
    if limit.second is not None:
        return f"{limit.second}/s"
    return f"{limit.day}/d" if limit.day is not None else f"{limit.user}/15"


def test_every_row_is_as_in_the_table():
    assert TABLE.keys() == ROWS.keys()
    for name, (user, app, free, *_) in TABLE.items():
        limits, beta = ROWS[name].limits, ROWS[name].beta_limit
        paid, unlimited = limits["pay-per-use"], limits["enterprise"]

        assert (paid is None) is (user == "none")
        assert paid is None or given(paid, whose="user") == windows(user)
        assert paid is None or given(paid, whose="app") == windows(app)
        assert free_limit(limits["legacy-free"]) == free
        assert given(unlimited, whose="user") == given(unlimited, whose="app") == {}
        looks_up = name in {"tweet", "tweets", "user", "users", "users_by"}
        assert (beta and (beta.user, beta.app)) == ((900, 900) if looks_up else None)


def test_answers_tell_the_limit_of_their_row(steps, world, token):
    world.change({"plan": "pay-per-use"})
    answers = {name: call(steps, token, name) for name in LIVE}

    assert {name: answer.status_code for name, answer in answers.items()} == {
        name: 403 if name in NOT_SOLD else ROWS[name].status for name in LIVE
    }
    assert {n: answers[n].headers["x-rate-limit-limit"] for n in SOLD} == {
        name: TABLE[name][0].partition("/")[0] for name in SOLD
    }


def test_a_call_costs_the_price_of_its_row_while_there_are_credits(steps, world, token):
    """For each thing returned; unfollowing is one thing done. Without credits only `me` works."""
    spent, prices, broke = {}, {}, {}
    for name in SOLD:
        world.change({"plan": "pay-per-use", "credits": 100})
        data = call(steps, token, name).json["data"]
        spent[name] = 100 - world.settings.credits
        prices[name] = TABLE[name][3] * (len(data) if isinstance(data, list) else 1)
        world.clock.advance(1)
        world.change({"credits": 0})
        broke[name] = call(steps, token, name).status_code

    assert spent == pytest.approx(prices)
    assert broke == dict.fromkeys(SOLD, 402) | {"me": 200}


def test_credits_end_at_nothing(steps, world, token):
    world.change({"plan": "pay-per-use", "credits": 0.015})

    assert steps.get("/2/users", token, ids=f"{WREN},{ROBIN}").status_code == 200
    assert world.settings.credits == 0


def test_one_too_many_is_429_for_one_person_until_the_window_opens(steps, token, world):
    world.change({"plan": "pay-per-use"})
    answers = [steps.get(ME, token) for _ in range(76)]
    robin = steps.get(ME, steps.sign_in("robin")["access_token"])
    left = [int(answer.headers["x-rate-limit-remaining"]) for answer in answers]
    world.clock.advance(900)

    assert [answer.status_code for answer in answers] == [200] * 75 + [429]
    assert left == [*range(74, -1, -1), 0]
    assert 890 < int(answers[0].headers["x-rate-limit-reset"]) - world.now() + 900 <= 900
    assert (robin.status_code, steps.get(ME, token).status_code) == (200, 200)


def test_legacy_free_has_a_day_of_25_behind_a_healthy_looking_window(steps, token, world):
    """Twitter's ordinary headers say "49 left" while the daily ones of person and client say 0."""
    world.change({"plan": "legacy-free"})
    answers = [steps.get(ME, token) for _ in range(26)]
    late = steps.get(ME, steps.sign_in("robin")["access_token"])
    world.clock.advance(900)
    soon = steps.get(ME, token).status_code
    world.clock.advance(86400)
    tomorrow = steps.sign_in()["access_token"]

    assert [answer.status_code for answer in answers] == [200] * 25 + [429]
    assert answers[-1].headers["x-rate-limit-remaining"] == "49"
    assert answers[-1].headers["x-user-limit-24hour-remaining"] == "0"
    assert answers[-1].headers["x-app-limit-24hour-limit"] == "25"
    assert (late.status_code, soon) == (429, 429)
    assert late.headers["x-user-limit-24hour-remaining"] == "24"
    assert late.headers["x-app-limit-24hour-remaining"] == "0"
    reset = int(late.headers["x-app-limit-24hour-reset"]) - world.now() + 900 + 86400
    assert 86300 < reset <= 86400
    assert steps.get(ME, tomorrow).status_code == 200


def test_a_client_has_a_window_for_all_people(steps, token, world):
    world.change({"plan": "pay-per-use"})
    path = f"/2/users/{WREN}"
    answers = [steps.get(path, token) for _ in range(301)]
    robin = steps.get(path, steps.sign_in("robin")["access_token"])
    other = steps.get(path, steps.sign_in(client_id="sandbox-public")["access_token"])

    assert [answer.status_code for answer in answers] == [200] * 300 + [429]
    assert answers[0].headers["x-rate-limit-limit"] == "900"  # the person's own
    assert robin.status_code == 429
    assert robin.headers["x-rate-limit-limit"] == "300"  # the one that is over
    assert other.status_code == 200


def test_beta_has_900_look_ups_for_each_client(steps, world):
    """The document of 2021: "900 requests per 15 minutes" per app for Tweet and user look-up."""
    world.change({"dialect": "beta"})
    beta = {"client_id": "sandbox-public", "scope": "tweet.read users.read"}
    tokens = [steps.sign_in(account, **beta)["access_token"] for account in ("wren", "robin")]
    answers = [steps.get(f"/2/tweets/{at(12)}", tokens[number % 2]) for number in range(901)]

    assert [answer.status_code for answer in answers] == [200] * 900 + [429]
    assert answers[-1].headers["x-rate-limit-limit"] == "900"


@pytest.mark.parametrize("plan", ["pay-per-use", "legacy-free", "enterprise"])
def test_spaces_by_creators_once_a_second(steps, token, world, plan):
    """But on enterprise, where nothing is in the way."""
    world.change({"plan": plan})
    first, second = (steps.get(SPACES, token, user_ids=ROBIN) for _ in range(2))
    world.clock.advance(1)
    third = steps.get(SPACES, token, user_ids=ROBIN)
    late = 200 if plan == "enterprise" else 429

    assert [a.status_code for a in (first, second, third)] == [200, late, 200]
    assert late == 200 or second.headers["x-rate-limit-limit"] == "1"


def test_a_month_has_only_so_many_posts(steps, token, world):
    world.change({"posts_left": 11})
    path = f"/2/users/{WREN}/tweets"
    answers = [steps.get(path, token, max_results=10) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert steps.get(ME, token).status_code == 200


@pytest.mark.parametrize(
    "reason, where",
    [
        ("client-not-enrolled", "https://developer.twitter.com/en/docs/projects/overview"),
        ("user-not-enrolled", "https://console.x.com"),
    ],
)
def test_who_is_not_enrolled_gets_nothing(steps, token, world, reason, where):
    world.change({"enrollment": reason})
    answer = steps.get(ME, token)

    assert answer.status_code == 403
    assert (answer.json["reason"], answer.json["registration_url"]) == (reason, where)


COUNTED = [
    ({}, ME, 200),
    ({}, "/2/users/nobody", 400),
    ({}, "/2/users/42", 200),
    ({"plan": "pay-per-use", "credits": 0}, f"/2/users/{WREN}", 402),
    ({"posts_left": 0}, f"/2/users/{WREN}/tweets", 429),
    ({}, "/2/nothing", 404),
    ({"plan": "legacy-free"}, FOLLOWING, 403),
    ({"plan": "legacy-free", "dialect": "beta"}, f"/2/users/{WREN}/followers", 403),
    ({"enrollment": "client-not-enrolled"}, ME, 403),
    ({"scope": "users.read"}, ME, 403),
]


def test_good_or_bad_an_answer_has_the_headers_and_counts(steps, world):
    for changes, path, status in COUNTED:
        world.reset()
        scope = {"scope": changes["scope"]} if "scope" in changes else {}
        token = steps.sign_in(**scope)["access_token"]
        world.change({name: value for name, value in changes.items() if name != "scope"})
        answers = [steps.get(path, token) for _ in range(2)]
        limit, left, reset = (
            [int(answer.headers[f"x-rate-limit-{what}"]) for answer in answers]
            for what in ("limit", "remaining", "reset")
        )

        assert [answer.status_code for answer in answers] == [status] * 2
        assert left[0] - left[1] == 1
        assert limit[0] == limit[1] == left[0] + 1
        assert all(0 < one - world.now() <= 900 for one in reset)


def test_without_a_token_no_limits_are_told(steps):
    """Whose calls would be counted? Twitter's page says "every answer", and may mean it."""
    answers = [steps.get(path, "nonsense") for path in (ME, "/2/nothing")]

    assert [answer.status_code for answer in answers] == [401, 404]
    names = [name for answer in answers for name, _ in answer.headers]
    assert [name for name in names if "limit" in name.lower()] == []


def test_windows_can_be_used_up(steps, token, world):
    """A client's for all people; a person's day, where Twitter's ordinary headers look healthy."""
    world.exhaust_client("sandbox-client", "user")
    world.exhaust("wren", "me", "day")
    robin = steps.sign_in("robin")["access_token"]
    look_up, me = steps.get(f"/2/users/{WREN}", robin), steps.get(ME, token)

    assert (look_up.status_code, me.status_code, steps.get(ME, robin).status_code) == (
        429,
        429,
        200,
    )
    assert int(me.headers["x-rate-limit-remaining"]) > 0
    assert me.headers["x-user-limit-24hour-remaining"] == "0"
    world.clock.advance(900)
    assert steps.get(f"/2/users/{WREN}", robin).status_code == 200
    world.clock.advance(86400)
    assert steps.get(ME, steps.sign_in()["access_token"]).status_code == 200


@pytest.mark.parametrize("dialect, host", [("live", "x"), ("renamed", "x"), ("beta", "twitter")])
def test_problem_types_are_at_the_host_of_the_dialect(steps, world, dialect, host):
    """X's own `xdk` 0.10.6 takes a type at api.x.com and no other."""
    world.change({"dialect": dialect})
    client = "sandbox-public" if dialect == "beta" else "sandbox-client"
    scope = "tweet.read users.read"
    token = steps.sign_in(client_id=client, scope=scope)["access_token"]
    partial = steps.get("/2/users", token, ids=f"{WREN},42").json
    world.change({"enrollment": "user-not-enrolled"})
    whole = steps.get("/2/users/me", token).json

    types = [partial["errors"][0]["type"], whole["type"]]
    assert types == [
        f"https://api.{host}.com/2/problems/{kind}"
        for kind in ("resource-not-found", "client-forbidden")
    ]
    assert partial["data"][0]["id"] == WREN
