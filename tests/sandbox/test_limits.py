"""How often, in which plan, and for how much. Twitter: "Rate limits", "Pricing"."""

import pytest

from sandbox.seed_birds import EGG, ROBIN, WREN, at
from tests.sandbox.steps import bearer

FOLLOWING = f"/2/users/{WREN}/following"


@pytest.fixture
def token(steps):
    return steps.sign_in()["access_token"]


def follow(steps, token):
    return steps.browser.post(FOLLOWING, json={"target_user_id": EGG}, headers=bearer(token))


def test_every_answer_counts_down(steps, token, world):
    first, second = steps.get("/2/users/me", token), steps.get("/2/users/me", token)
    left = [int(answer.headers["x-rate-limit-remaining"]) for answer in (first, second)]

    assert left[0] - left[1] == 1
    assert int(first.headers["x-rate-limit-limit"]) == left[0] + 1
    assert 890 < int(first.headers["x-rate-limit-reset"]) - world.now() <= 900


@pytest.mark.parametrize(
    "path, most", [("/2/users/me", 75), (f"/2/users/{WREN}", 900), (FOLLOWING, 300)]
)
def test_pay_per_use_has_the_windows_of_the_table(steps, token, world, path, most):
    world.change({"plan": "pay-per-use"})

    assert steps.get(path, token).headers["x-rate-limit-limit"] == str(most)


def test_one_too_many_is_429_until_the_window_opens(steps, token, world):
    world.change({"plan": "pay-per-use"})
    answers = [steps.get("/2/users/me", token) for _ in range(76)]
    world.advance(900)

    assert [a.status_code for a in answers] == [200] * 75 + [429]
    assert answers[-1].json == {
        "title": "Too Many Requests",
        "type": "about:blank",
        "status": 429,
        "detail": "Too Many Requests",
    }
    assert answers[-1].headers["x-rate-limit-remaining"] == "0"
    assert steps.get("/2/users/me", token).status_code == 200


def test_one_persons_window_is_not_anothers(steps, token, world):
    world.change({"plan": "pay-per-use"})
    for _ in range(75):
        steps.get("/2/users/me", token)
    robin = steps.sign_in("robin")["access_token"]

    assert steps.get("/2/users/me", robin).status_code == 200


def test_legacy_free_has_a_day_of_25_behind_a_healthy_looking_window(steps, token, world):
    """Twitter's ordinary headers say "49 left" while the daily ones say none."""
    world.change({"plan": "legacy-free"})
    answers = [steps.get("/2/users/me", token) for _ in range(26)]
    world.advance(900)
    soon = steps.get("/2/users/me", token).status_code
    world.advance(86400)
    tomorrow = steps.sign_in()["access_token"]

    assert answers[-1].status_code == 429
    assert answers[-1].headers["x-rate-limit-remaining"] == "49"
    assert answers[-1].headers["x-user-limit-24hour-remaining"] == "0"
    assert soon == 429
    assert steps.get("/2/users/me", tomorrow).status_code == 200


@pytest.mark.parametrize("plan", ["pay-per-use", "legacy-free"])
def test_following_is_in_no_self_serve_plan(steps, token, world, plan):
    """Twitter took it out in April 2026."""
    world.change({"plan": plan})
    answer = follow(steps, token)

    assert answer.status_code == 403
    assert answer.json["type"].endswith("/client-forbidden")
    assert answer.json["client_id"] == "sandbox-client"


def test_legacy_free_cannot_read_follows(steps, token, world):
    world.change({"plan": "legacy-free"})

    assert steps.get(FOLLOWING, token).json["reason"] == "client-not-enrolled"


def test_no_credits_is_402_but_sign_in_still_works(steps, token, world):
    """Seen in February 2026: 200 on users/me, 402 on the rest."""
    world.change({"plan": "pay-per-use", "credits": 0})
    answer = steps.get(f"/2/users/{WREN}", token)

    assert answer.status_code == 402
    assert set(answer.json) == {"title", "detail", "type"}
    assert answer.json["title"] == "CreditsDepleted"
    assert len(answer.data) == 185
    assert steps.get("/2/users/me", token).status_code == 200


def test_credits_go_by_what_is_returned(steps, token, world):
    world.change({"plan": "pay-per-use", "credits": 0.02})
    first = steps.get("/2/users", token, ids=f"{WREN},{ROBIN}")

    assert first.status_code == 200
    assert world.settings.credits == 0
    assert steps.get("/2/users", token, ids=WREN).status_code == 402


def test_enterprise_is_never_in_the_way(steps, token):
    assert {steps.get("/2/users/me", token).status_code for _ in range(100)} == {200}
    assert follow(steps, token).status_code == 200


SPACES = "/2/spaces/by/creator_ids"


def test_a_client_has_a_window_for_everybody_together(steps, token, world):
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


@pytest.mark.parametrize("path", [f"/2/users/{WREN}", f"/2/tweets/{at(12)}"])
def test_beta_has_900_look_ups_for_each_client(steps, world, path):
    """The document of 2021: "900 requests per 15 minutes" per app for Tweet and user look-up."""
    world.change({"dialect": "beta"})
    beta = {"client_id": "sandbox-public", "scope": "tweet.read users.read"}
    tokens = [steps.sign_in(account, **beta)["access_token"] for account in ("wren", "robin")]
    answers = [steps.get(path, tokens[number % 2]) for number in range(901)]

    assert [answer.status_code for answer in answers] == [200] * 900 + [429]
    assert answers[-1].headers["x-rate-limit-limit"] == "900"


def test_legacy_free_counts_a_day_for_the_client_too(steps, token, world):
    world.change({"plan": "legacy-free"})
    robin = steps.sign_in("robin")["access_token"]
    answers = [steps.get("/2/users/me", token) for _ in range(25)]
    late = steps.get("/2/users/me", robin)

    assert answers[-1].headers["x-app-limit-24hour-limit"] == "25"
    assert answers[-1].headers["x-app-limit-24hour-remaining"] == "0"
    assert late.status_code == 429
    assert late.headers["x-user-limit-24hour-remaining"] == "24"
    assert late.headers["x-app-limit-24hour-remaining"] == "0"
    assert 86300 < int(late.headers["x-app-limit-24hour-reset"]) - world.now() <= 86400


@pytest.mark.parametrize("plan", ["pay-per-use", "legacy-free"])
def test_spaces_by_creators_once_a_second(steps, token, world, plan):
    world.change({"plan": plan})
    first = steps.get(SPACES, token, user_ids=ROBIN)
    second = steps.get(SPACES, token, user_ids=ROBIN)
    world.advance(1)
    third = steps.get(SPACES, token, user_ids=ROBIN)

    assert [a.status_code for a in (first, second, third)] == [200, 429, 200]
    assert second.headers["x-rate-limit-limit"] == "1"


def test_enterprise_may_ask_for_spaces_as_often_as_it_likes(steps, token):
    assert {steps.get(SPACES, token, user_ids=ROBIN).status_code for _ in range(5)} == {200}


@pytest.mark.parametrize(
    "shape, body",
    [
        (
            "plain",
            {
                "title": "Too Many Requests",
                "type": "about:blank",
                "status": 429,
                "detail": "Too Many Requests",
            },
        ),
        ("code-88", {"errors": [{"code": 88, "message": "Rate limit exceeded"}]}),
        (
            "problem",
            {
                "title": "Too Many Requests",
                "type": "https://api.twitter.com/2/problems/rate-limit-exceeded",
                "status": 429,
                "detail": "Too Many Requests",
            },
        ),
    ],
)
def test_429_comes_in_three_shapes(steps, token, world, shape, body):
    """Observed, the rate limit page, and the page of errors: three answers of one service."""
    world.change({"limit_body": shape})
    world.exhaust("wren", "me")
    answer = steps.get("/2/users/me", token)

    assert (answer.status_code, answer.json) == (429, body)
    assert answer.headers["x-rate-limit-remaining"] == "0"


def test_a_month_has_only_so_many_posts(steps, token, world):
    world.change({"posts_left": 11})
    path = f"/2/users/{WREN}/tweets"
    answers = [steps.get(path, token, max_results=10) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[-1].json == {
        "title": "UsageCapExceeded",
        "detail": "Usage cap exceeded: Monthly product cap",
        "type": "https://api.twitter.com/2/problems/usage-capped",
        "period": "Monthly",
        "scope": "Product",
    }
    assert steps.get("/2/users/me", token).status_code == 200


@pytest.mark.parametrize(
    "reason, where",
    [
        ("client-not-enrolled", "https://developer.twitter.com/en/docs/projects/overview"),
        ("user-not-enrolled", "https://console.x.com"),
    ],
)
def test_who_is_not_enrolled_gets_nothing(steps, token, world, reason, where):
    world.change({"enrollment": reason})
    answer = steps.get("/2/users/me", token)

    assert answer.status_code == 403
    assert (answer.json["reason"], answer.json["registration_url"]) == (reason, where)
    assert answer.json["type"].endswith("/client-forbidden")


def test_a_clients_windows_can_be_used_up_at_once(steps, token, world):
    world.exhaust_client("sandbox-client", "me")
    robin = steps.sign_in("robin")["access_token"]

    assert steps.get("/2/users/me", robin).status_code == 429
    assert steps.get(f"/2/users/{WREN}", robin).status_code == 200
    world.advance(900)
    assert steps.get("/2/users/me", token).status_code == 200


COUNTED = [
    ({}, "/2/users/me", 200),
    ({}, "/2/users/nobody", 400),
    ({}, "/2/users/42", 200),
    ({"plan": "pay-per-use", "credits": 0}, f"/2/users/{WREN}", 402),
    ({"posts_left": 0}, f"/2/users/{WREN}/tweets", 429),
    ({}, "/2/nothing", 404),
    ({"plan": "legacy-free"}, FOLLOWING, 403),
    ({"plan": "legacy-free", "dialect": "beta"}, f"/2/users/{WREN}/followers", 403),
    ({"enrollment": "client-not-enrolled"}, "/2/users/me", 403),
]


def test_good_or_bad_an_answer_has_the_headers_and_counts(steps, world):
    for changes, path, status in COUNTED:
        world.reset()
        token = steps.sign_in()["access_token"]
        world.change(changes)
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
    answers = [steps.get(path, "nonsense") for path in ("/2/users/me", "/2/nothing")]

    assert [answer.status_code for answer in answers] == [401, 404]
    names = [name for answer in answers for name, _ in answer.headers]
    assert [name for name in names if "limit" in name.lower()] == []


def test_a_missing_scope_counts_as_well(steps):
    token = steps.sign_in(scope="tweet.read users.read")["access_token"]
    answers = [steps.get(FOLLOWING, token) for _ in range(2)]
    left = [int(answer.headers["x-rate-limit-remaining"]) for answer in answers]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert left[0] - left[1] == 1


def test_a_day_can_be_used_up_in_any_plan(steps, token, world):
    """Twitter's ordinary headers look healthy then."""
    world.exhaust("wren", "me", "day")
    answer = steps.get("/2/users/me", token)

    assert answer.status_code == 429
    assert int(answer.headers["x-rate-limit-remaining"]) > 0
    assert answer.headers["x-user-limit-24hour-remaining"] == "0"
    world.advance(86400)
    again = steps.get("/2/users/me", steps.sign_in()["access_token"])
    assert again.status_code == 200
