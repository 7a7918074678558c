"""One living grant for each client and person, and a revocation that ends all of it.

X's documents, August 2026: "X keeps a single live OAuth grant per (app, user): signing in from a
second client revokes the first client's tokens." That a revocation ends all of the app's access is
what people report.
"""

import pytest


def state_of(steps, tokens):
    """Say whether an access token works, and after it whether its refresh token does."""
    access = steps.get("/2/users/me", tokens["access_token"]).status_code == 200
    return access, steps.refresh(tokens["refresh_token"]).status_code == 200


def notes(world):
    return [entry["note"] for entry in world.journal.entries() if entry["note"]]


def test_an_exchange_ends_the_earlier_grant_at_once(steps, world):
    first, second = steps.sign_in(), steps.sign_in()

    assert state_of(steps, first) == (False, False)
    assert state_of(steps, second) == (True, True)
    assert notes(world) == ["ended: the person signed in again"]


def test_consent_alone_ends_nothing(steps):
    first = steps.sign_in()
    steps.code()

    assert state_of(steps, first) == (True, True)


def test_an_exchange_leaves_a_code_that_waits_alone(steps):
    """Two tabs: the second yes is given before the first code is exchanged."""
    first_code, second_code = steps.code(), steps.code()
    first = steps.exchange(first_code).json
    second = steps.exchange(second_code).json

    assert state_of(steps, first) == (False, False)
    assert state_of(steps, second) == (True, True)


def test_a_failed_exchange_ends_nothing(steps):
    first = steps.sign_in()
    steps.exchange(steps.code(), code_verifier="x" * 43)

    assert state_of(steps, first) == (True, True)


def test_other_people_and_other_clients_keep_their_grants(steps):
    others = [steps.sign_in("robin"), steps.sign_in(client_id="sandbox-public")]
    steps.sign_in()

    for tokens in others:
        assert steps.get("/2/users/me", tokens["access_token"]).status_code == 200


def test_many_grants_live_beside_each_other_if_told_so(steps, world):
    world.change({"grants": "many"})
    first, second = steps.sign_in(), steps.sign_in()

    assert state_of(steps, first) == state_of(steps, second) == (True, True)
    assert notes(world) == []


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_a_revocation_ends_all_access_of_the_app(steps, world, kind):
    """With a token that was superseded long ago, too."""
    old, new = steps.sign_in(), steps.sign_in()
    steps.revoke(old[kind], kind)

    assert state_of(steps, new) == (False, False)
    assert notes(world)[1:] == ["ended: all that the person allowed this app"]


def test_a_revocation_leaves_other_people_and_clients_alone(steps):
    others = [steps.sign_in("robin"), steps.sign_in(client_id="sandbox-public")]
    steps.revoke(steps.sign_in()["access_token"])

    for tokens in others:
        assert steps.get("/2/users/me", tokens["access_token"]).status_code == 200


def test_a_revocation_can_end_only_its_own_grant(steps, world):
    world.change({"grants": "many", "revoke": "grant"})
    first, second = steps.sign_in(), steps.sign_in()
    steps.revoke(first["access_token"])

    assert state_of(steps, first) == (False, False)
    assert state_of(steps, second) == (True, True)
    assert notes(world) == ["ended: the grant of this token"]


@pytest.mark.parametrize(
    "kind, left", [("access_token", (False, True)), ("refresh_token", (True, False))]
)
def test_a_revocation_can_end_only_its_own_token(steps, world, kind, left):
    world.change({"revoke": "token"})
    tokens = steps.sign_in()
    steps.revoke(tokens[kind], kind)

    assert state_of(steps, tokens) == left
    assert notes(world) == []
