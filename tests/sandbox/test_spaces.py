"""Spaces. Twitter: "Spaces lookup". Shapes: test_contract.py."""

from tests.sandbox.birds import EGG, HERON, JAY, OWL, ROBIN, WREN

LIVE, ENDED = "1DawnChorus1a", "1AcornsLast5e"


def test_a_space_has_the_times_of_its_state(steps):
    fields = {"space.fields": "started_at,ended_at,scheduled_start"}
    body = steps.get("/2/spaces", ids=f"{LIVE},{ENDED},1Nothing", **fields).json

    assert [set(space) - {"id", "state"} for space in body["data"]] == [
        {"started_at"},
        {"started_at", "ended_at"},
    ]
    assert body["errors"][0]["detail"] == "Could not find space with ids: [1Nothing]."


def test_hosts_speakers_and_topics_come_along(steps):
    expansions = "creator_id,host_ids,speaker_ids,topic_ids"
    body = steps.get(f"/2/spaces/{LIVE}", expansions=expansions).json
    users = {user["id"] for user in body["includes"]["users"]}

    assert {ROBIN, JAY} == set(body["data"]["host_ids"]) < users
    assert body["includes"]["topics"] == [{"id": "10000000001", "name": "Birds"}]


def test_creators_have_live_and_scheduled_spaces(steps):
    path = "/2/spaces/by/creator_ids"
    answer = steps.get(path, user_ids=f"{ROBIN},{HERON},{JAY}")

    assert {space["state"] for space in answer.json["data"]} == {"live", "scheduled"}
    assert answer.json["meta"] == {"result_count": 2}
    assert steps.get(path, user_ids=EGG).json == {"meta": {"result_count": 0}}


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


def test_spaces_are_found_by_the_words_of_their_title(steps):
    searches = [
        ("hedge", {}, {LIVE, "1HedgeNews6f"}),
        ("HEDGE", {"state": "live"}, {LIVE}),
        ("hedge", {"state": "scheduled"}, {"1HedgeNews6f"}),
        ("hedge chorus", {"state": "all"}, {LIVE}),
        ("acorn", {"state": "all"}, set()),  # over, and what is over cannot be found
    ]
    bodies = [search(steps, query, **more).json for query, more, _ in searches]

    assert [{space["id"] for space in body.get("data", [])} for body in bodies] == [
        found for *_, found in searches
    ]
    assert [body["meta"]["result_count"] for body in bodies] == [2, 1, 1, 1, 0]


def test_a_search_has_bounds(steps):
    odd = [{"query": ""}, {"query": "a" * 2049}, {"state": "ended"}]
    odd += [{"max_results": 101}, {"ids": "1"}]

    assert [search(steps, **({"query": "hedge"} | more)).status_code for more in odd] == [400] * 5
    assert search(steps, "hedge", max_results=1).json["meta"] == {"result_count": 1}
