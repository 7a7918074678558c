"""How often, in which plan, and for how much. Twitter: "Rate limits", "Pricing"."""

import pytest

from sandbox.seed_birds import EGG, ROBIN, WREN
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
