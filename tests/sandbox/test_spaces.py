"""Spaces. Twitter: "Spaces lookup"."""

import pytest

from sandbox.seed_birds import EGG, HERON, JAY, OWL, ROBIN, WREN

LIVE, ENDED = "1DawnChorus1a", "1AcornsLast5e"


def test_a_space_has_two_fields_unasked(steps):
    assert steps.get(f"/2/spaces/{LIVE}").json == {"data": {"id": LIVE, "state": "live"}}


def test_a_space_has_the_times_of_its_state(steps):
    fields = {"space.fields": "started_at,ended_at,scheduled_start"}
    live = steps.get(f"/2/spaces/{LIVE}", **fields).json["data"]
    ended = steps.get(f"/2/spaces/{ENDED}", **fields).json["data"]

    assert set(live) == {"id", "state", "started_at"}
    assert set(ended) == {"id", "state", "started_at", "ended_at"}


def test_hosts_speakers_and_topics_come_along(steps):
    expansions = "creator_id,host_ids,speaker_ids,topic_ids"
    body = steps.get(f"/2/spaces/{LIVE}", expansions=expansions).json
    users = {user["id"] for user in body["includes"]["users"]}

    assert {ROBIN, JAY} == set(body["data"]["host_ids"]) < users
    assert body["includes"]["topics"] == [{"id": "10000000001", "name": "Birds"}]


def test_creators_have_live_and_scheduled_spaces(steps):
    answer = steps.get("/2/spaces/by/creator_ids", user_ids=f"{ROBIN},{HERON},{JAY}")

    assert {space["state"] for space in answer.json["data"]} == {"live", "scheduled"}
    assert answer.json["meta"] == {"result_count": 2}


def test_no_spaces_means_no_data_key(steps):
    answer = steps.get("/2/spaces/by/creator_ids", user_ids=EGG)

    assert answer.json == {"meta": {"result_count": 0}}


def test_many_spaces_and_one_that_is_missing(steps):
    body = steps.get("/2/spaces", ids=f"{LIVE},1Nothing").json

    assert [space["id"] for space in body["data"]] == [LIVE]
    assert body["errors"][0]["detail"] == "Could not find space with ids: [1Nothing]."


def test_beta_lists_the_spaces_of_people_one_follows(steps, world):
    """Only the document of the private beta of 2021 has this."""
    world.change({"dialect": "beta"})
    scope = "tweet.read users.read spaces.read"
    token = steps.sign_in(client_id="sandbox-public", scope=scope)["access_token"]
    path = f"/2/users/{WREN}/following/spaces"
    body = steps.get(path, token, **{"space.fields": "creator_id"}).json

    assert {space["creator_id"] for space in body["data"]} >= {ROBIN, HERON, OWL}
    world.change({"dialect": "live"})
    assert steps.get(path).status_code == 404


def search(steps, query, **more):
    return steps.get("/2/spaces/search", query=query, **more)


@pytest.mark.parametrize(
    "query, state, found",
    [
        ("hedge", None, {"1DawnChorus1a", "1HedgeNews6f"}),
        ("HEDGE", "live", {"1DawnChorus1a"}),
        ("hedge", "scheduled", {"1HedgeNews6f"}),
        ("hedge chorus", "all", {"1DawnChorus1a"}),
        ("acorn", "all", set()),  # over, and what is over cannot be found
    ],
)
def test_spaces_are_found_by_the_words_of_their_title(steps, query, state, found):
    more = {} if state is None else {"state": state}
    answer = search(steps, query, **more)

    assert {space["id"] for space in answer.json.get("data", [])} == found
    assert answer.json["meta"] == {"result_count": len(found)}


@pytest.mark.parametrize(
    "more",
    [{"query": ""}, {"query": "a" * 2049}, {"state": "ended"}, {"max_results": 101}, {"ids": "1"}],
)
def test_a_search_has_bounds(steps, more):
    assert search(steps, **({"query": "hedge"} | more)).status_code == 400


def test_a_search_can_be_short(steps):
    assert search(steps, "hedge", max_results=1).json["meta"] == {"result_count": 1}
