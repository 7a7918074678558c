"""Whatever the sandbox says, X's own specification says it may be said, or it is listed here.

Source and version: `x-openapi-2.167-part.json`. The dialect `renamed` is held to it as published,
`live` to the same in classic names.
"""

import inspect
import re

import pytest

from sandbox.api import fields, problems
from sandbox.api.endpoints import ENDPOINTS
from sandbox.control.faults import fault_from
from sandbox.seeds.birds import birds, is_flock
from tests.sandbox import seen
from tests.sandbox.birds import CUCKOO, EGG, NIGHTJAR, ROBIN, WREN, at
from tests.sandbox.contract import (
    PART,
    TYPES,
    Contract,
    answer_schema,
    operation,
    parameters,
    request_schema,
    words,
)
from tests.sandbox.cut_openapi import cut
from tests.sandbox.steps import EVERYTHING, bearer

DIALECTS = ["live", "renamed"]
ACCOUNT_IDS = [account.id for account in birds().accounts if not is_flock(account)]
TWEET_IDS = [tweet.id for tweet in birds().tweets]
SPACE_IDS = ["1DawnChorus1a", "1StandStill2b", "1Murmurat1on3", "1AcornsLast5e"]
MISSING = "42"

# Where what was observed differs from the specification, or the specification says nothing: the
# dialects, a complaint of the validator (`place: what is wrong`), the schema, and who says it.
OBSERVED = {
    # Clients made for one name or the other cannot say which they are, so both are there.
    "a post counts its reposts under both names": (
        ["live"],
        r".*public_metrics: Additional properties .*'repost_count' was unexpected.*",
        ("GetPostsByIdsResponse", "/2/tweets", "tweet"),
    ),
    "an account counts its posts under both names": (
        ["live"],
        r".*public_metrics: Additional properties .*'post_count' was unexpected.*",
        ("GetUsersByIdsResponse", "/2/users", "user"),
    ),
    # Mistakes are listed in `errors`, each with its parameters: so do X's playground, its prose
    # and the specification 2.166. That of 2026 forgot it.
    "a 400 lists what is wrong": (
        ["live", "renamed"],
        r": Additional properties are not allowed \('errors' was unexpected\)",
        ("InvalidRequestProblem", "/2/users", None),
    ),
}
DIFFERENCES = [(name, dialect) for name, row in OBSERVED.items() for dialect in row[0]]

# Endpoints that the specification does not have.
NOT_AN_OPERATION = {
    "following_spaces": "the beta of 2021 had it, and the rate limit page still does"
}


@pytest.fixture(params=DIALECTS)
def dialect(request, world):
    world.change({"dialect": request.param})
    return request.param


@pytest.fixture
def contract(dialect):
    return Contract(dialect)


@pytest.fixture
def token(steps, dialect):
    for tweet_id in TWEET_IDS[:9]:
        steps.world.likes.add(WREN, tweet_id)
        steps.world.bookmarks.add(WREN, tweet_id)
    return steps.sign_in(scope=f"{EVERYTHING} users.email")["access_token"]


def everything(kind, dialect, *, private=False):
    """Ask for every field and every expansion of what an endpoint returns.

    Posts of others are left out where their private metrics are asked for, so those come apart.
    """
    renamed = dialect == "renamed"
    known = fields.PUBLISHED if renamed else fields.SELECTABLE
    hidden = {} if private else {"tweet": set(fields.PRIVATE_METRICS)}
    name = {"tweet": "post"} if renamed else {}
    query = {
        f"{name.get(of, of)}.fields": ",".join(known[of] - hidden.get(of, set()))
        for of in fields.PARAMETERS[kind]
    }
    expansions = fields.PUBLISHED_EXPANSIONS if renamed else fields.EXPANSIONS
    return query | {"expansions": ",".join(expansions[kind])}


def by_user(path, **query):
    return [(path.format(i), query) for i in (*ACCOUNT_IDS, MISSING)]


# For each endpoint: what it returns, and the requests that bring out all it can say.
REQUESTS = {
    "me": ("user", [("/2/users/me", {})]),
    "users": ("user", [("/2/users", {"ids": ",".join([*ACCOUNT_IDS, MISSING])})]),
    "user": ("user", by_user("/2/users/{}")),
    "users_by": ("user", [("/2/users/by", {"usernames": "wren,cuckoo,peewit,nightjar"})]),
    "user_by": ("user", [("/2/users/by/username/wren", {}), ("/2/users/by/username/peewit", {})]),
    "tweets": ("tweet", [("/2/tweets", {"ids": ",".join([*TWEET_IDS, MISSING])})]),
    "tweet": ("tweet", [(f"/2/tweets/{i}", {}) for i in (*TWEET_IDS, MISSING)]),
    "timeline": ("tweet", by_user("/2/users/{}/tweets", max_results=5)),
    "mentions": ("tweet", by_user("/2/users/{}/mentions", max_results=5)),
    "home": (
        "tweet",
        [(f"/2/users/{WREN}/timelines/reverse_chronological", {"max_results": n}) for n in (3, 99)],
    ),
    "search_recent": (
        "tweet",
        [("/2/tweets/search/recent", {"query": q}) for q in ("from:wren", "nest -4", "nothing")],
    ),
    "liked_tweets": ("tweet", [(f"/2/users/{WREN}/liked_tweets", {"max_results": 5})]),
    "liking_users": (
        "user",
        [(f"/2/tweets/{i}/liking_users", {}) for i in (at(12), at(25), MISSING)],
    ),
    "bookmarks": ("tweet", [(f"/2/users/{WREN}/bookmarks", {"max_results": n}) for n in (1, 99)]),
    "following": ("user", by_user("/2/users/{}/following", max_results=3)),
    "followers": ("user", by_user("/2/users/{}/followers", max_results=3)),
    "space": ("space", [(f"/2/spaces/{i}", {}) for i in (*SPACE_IDS, MISSING)]),
    "spaces": ("space", [("/2/spaces", {"ids": ",".join([*SPACE_IDS, MISSING])})]),
    "spaces_by": ("space", [("/2/spaces/by/creator_ids", {"user_ids": ",".join(ACCOUNT_IDS)})]),
    "spaces_search": ("space", [("/2/spaces/search", {"query": q}) for q in ("hedge", "nothing")]),
}
POLL = {"options": ["Yes", "No"], "duration_minutes": 5}
CHANGES = {
    "follow": [
        ("POST", f"/2/users/{WREN}/following", {"target_user_id": i}) for i in (EGG, NIGHTJAR)
    ],
    "unfollow": [("DELETE", f"/2/users/{WREN}/following/{ROBIN}", None)],
    "create_tweet": [
        ("POST", "/2/tweets", {"text": "Rain & <sun>", "reply_settings": "following"}),
        ("POST", "/2/tweets", {"text": "Yes", "reply": {"in_reply_to_tweet_id": at(12)}}),
        ("POST", "/2/tweets", {"text": "This", "quote_tweet_id": at(25)}),
        ("POST", "/2/tweets", {"text": "Which?", "poll": POLL}),
    ],
    "delete_tweet": [("DELETE", f"/2/tweets/{at(12)}", None)],
    "like": [("POST", f"/2/users/{WREN}/likes", {"tweet_id": at(25)})],
    "unlike": [("DELETE", f"/2/users/{WREN}/likes/{at(25)}", None)],
    "bookmark": [("POST", f"/2/users/{WREN}/bookmarks", {"tweet_id": at(25)})],
    "unbookmark": [("DELETE", f"/2/users/{WREN}/bookmarks/{at(25)}", None)],
    "repost": [("POST", f"/2/users/{WREN}/retweets", {"tweet_id": at(25)})],
    "unrepost": [("DELETE", f"/2/users/{WREN}/retweets/{at(25)}", None)],
}
ROWS = {row.name: row for row in ENDPOINTS if row.name not in NOT_AN_OPERATION}


def unlisted(complaints, dialect):
    """Leave out the complaints that are listed above."""
    known = [pattern for where, pattern, _ in OBSERVED.values() if dialect in where]
    return [c for c in complaints if not any(re.fullmatch(p, c, re.DOTALL) for p in known)]


def judged(contract, name, body):
    """List what is wrong with a body of 200: its own shape, and that of its partial errors."""
    whole = {key: value for key, value in body.items() if key != "errors"}
    found = contract.complaints(name, whole)
    for error in body.get("errors", []):
        kind = contract.problem(error["type"])
        found += contract.complaints(kind, error) if kind else [f"errors: {error['type']}"]
    return found


def schema_of(name):
    return answer_schema(operation(ROWS[name].method, ROWS[name].rule))


def test_reads_answer_as_the_specification_says(steps, token, dialect, contract):
    complaints = set()
    for name, (kind, requests) in REQUESTS.items():
        for path, query in requests:
            for more in ({}, everything(kind, dialect), everything(kind, dialect, private=True)):
                answer = steps.get(path, token, **query, **more)
                assert answer.status_code == 200
                found = unlisted(judged(contract, schema_of(name), answer.json), dialect)
                complaints |= {(name, complaint) for complaint in found}

    assert complaints == set()


def test_new_names_in_live_are_answered_as_published(steps):
    """But for both counts, which stay as they are."""
    contract = Contract("renamed")
    token = steps.sign_in()["access_token"]
    twice = r".*public_metrics: .*'(tweet_count|retweet_count)' was unexpected.*"
    complaints = []
    for name, (kind, requests) in REQUESTS.items():
        path, query = requests[0]
        body = steps.get(path, token, **query, **everything(kind, "renamed")).json
        complaints += judged(contract, schema_of(name), body)

    # A request without a single new name, such as one for Spaces, has no other way to be answered.
    assert [c for c in complaints if not re.fullmatch(twice, c)] == []


def test_changes_answer_as_the_specification_says(steps, token, contract):
    for name, requests in CHANGES.items():
        for method, path, body in requests:
            answer = steps.browser.open(path, method=method, json=body, headers=bearer(token))

            assert answer.status_code == ROWS[name].status
            assert str(answer.status_code) in operation(method, ROWS[name].rule)["responses"]
            assert contract.complaints(schema_of(name), answer.json) == []


def test_changes_take_the_keys_of_the_specification_and_no_others(steps, token):
    """A value of a wrong type tells a key that is known from one that is not."""
    for name, (method, path, _) in ((name, rows[0]) for name, rows in CHANGES.items()):
        if method == "POST":
            schema = PART["components"]["schemas"][
                request_schema(operation(method, ROWS[name].rule))
            ]
            body = dict.fromkeys((*schema["properties"], "nonsense"), 1.5)
            answer = steps.browser.post(path, json=body, headers=bearer(token))
            errors = answer.json["errors"]
            unknown = [e["message"] for e in errors if e["message"].endswith(": is not defined")]

            assert answer.status_code == 400
            assert unknown == ["$.nonsense: is not defined"]


def test_the_kept_part_is_what_the_script_cuts():
    assert cut(PART, PART["info"]["x-source"]) == PART


def test_the_script_leaves_out_prose_and_keeps_names():
    schema = {
        "type": "object",
        "description": "Prose",
        "properties": {
            "description": {"type": "string", "description": "Prose"},
            "properties": {"$ref": "#/components/schemas/Inner"},
        },
    }
    answer = {"200": {"description": "Prose", "content": {"$ref": "#/components/schemas/Outer"}}}
    found = {"operationId": "getUsersMe", "summary": "Prose", "responses": answer}
    schemas = {"Outer": schema, "Inner": {"type": "string"}, "Unused": {}}
    whole = {
        "openapi": "3.0.0",
        "info": {"title": "X", "version": "9"},
        "paths": {"/2/users/me": {"get": found, "put": found}, "/2/unplayed": {"get": found}},
        "components": {"schemas": schemas, "parameters": {"Unused": {}}},
    }
    part = cut(whole, "here")

    assert part["paths"].keys() == {"/2/users/me"}
    assert part["paths"]["/2/users/me"].keys() == {"get"}
    assert part["components"].keys() == {"schemas"}
    assert part["components"]["schemas"].keys() == {"Inner", "Outer"}
    assert part["components"]["schemas"]["Outer"]["properties"].keys() == {
        "description",
        "properties",
    }
    assert "Prose" not in str(part)


@pytest.mark.parametrize("difference, dialect", DIFFERENCES)
def test_every_listed_difference_is_still_there(steps, world, difference, dialect):
    """An excuse that is no longer needed would hide the next mistake."""
    _, pattern, (schema, path, kind) = OBSERVED[difference]
    world.change({"dialect": dialect})
    ids = {"tweet": TWEET_IDS[0], "user": WREN, None: "nonsense"}[kind]
    query = everything(kind, dialect) if kind else {}
    body = steps.get(path, ids=ids, **query).json
    complaints = Contract(dialect).complaints(schema, body)

    assert [c for c in complaints if re.fullmatch(pattern, c, re.DOTALL)]


def test_the_judge_is_strict():
    bodies = [
        {"data": {"id": 1}},
        {"data": {"id": "1", "screen_name": "wren"}},
        {"data": {"id": "1", "created_at": "yesterday"}},
        {"data": {"id": "1", "connection_status": ["friends"]}},
        {"data": {"id": "1", "public_metrics": {"followers_count": 1}}},
        {"datum": {}},
    ]
    contracts = [Contract(dialect) for dialect in DIALECTS]

    assert [b for b in bodies for c in contracts if not c.complaints("GetUsersMeResponse", b)] == []


def test_every_endpoint_is_judged():
    assert REQUESTS.keys() | CHANGES.keys() == ROWS.keys()
    assert all(operation(row.method, row.rule) for row in ROWS.values())
    assert not any(operation(r.method, r.rule) for r in ENDPOINTS if r.name in NOT_AN_OPERATION)


def test_scopes_are_those_of_the_specification():
    found = {
        name: [
            set(way["OAuth2UserToken"]) - {"users.email"}  # only the email field of `me` needs it
            for way in operation(row.method, row.rule)["security"]
            if "OAuth2UserToken" in way
        ]
        for name, row in ROWS.items()
    }

    assert found == {name: [set(row.scopes)] for name, row in ROWS.items()}


def test_parameters_are_those_of_the_specification(steps, world):
    """An unknown one is refused with a list of those that are known."""
    world.change({"dialect": "renamed"})
    token, known, published = steps.sign_in()["access_token"], {}, {}
    for name, (_, requests) in REQUESTS.items():
        path, query = requests[0]
        said = steps.get(path, token, **query, nonsense="1").json["errors"][0]["message"]
        known[name] = set(re.search(r"is not one of \[(.*)\]", said)[1].split(","))
        listed = parameters(operation("GET", ROWS[name].rule))
        published[name] = {parameter["name"] for parameter in listed}

    assert known == published


def test_words_are_those_of_the_specification():
    for name, (kind, _) in REQUESTS.items():
        published = {
            parameter["name"]: words(parameter)
            for parameter in parameters(operation("GET", ROWS[name].rule))
            if parameter["name"].endswith(("fields", "expansions"))
        }
        ours = {
            f"{ {'tweet': 'post'}.get(of, of) }.fields": fields.PUBLISHED[of]
            for of in fields.PARAMETERS[kind]
        }

        assert published == ours | {"expansions": fields.PUBLISHED_EXPANSIONS[kind]}


def test_bounds_are_those_of_the_specification(steps, world):
    world.change({"dialect": "renamed"})
    token, statuses = steps.sign_in()["access_token"], {}
    for name, (_, requests) in REQUESTS.items():
        path, query = requests[0]
        for parameter in parameters(operation("GET", ROWS[name].rule)):
            low, high = (parameter["schema"].get(bound) for bound in ("minimum", "maximum"))
            for size in () if low is None else (low - 1, low, high, high + 1):
                answer = steps.get(path, token, **(query | {parameter["name"]: size}))
                statuses.setdefault((name, parameter["name"]), []).append(answer.status_code)

    assert len(statuses) >= 6
    assert set(map(tuple, statuses.values())) == {(400, 200, 200, 400)}


# Every error as a whole: how it comes about. The settings are those of the world.
WHOLE = {
    "invalid_request": ({}, "/2/users/nobody"),
    "forbidden": ({}, f"/2/users/{WREN}/following"),
    "not_found": ({}, "/2/nothing"),
    "credits_depleted": ({"plan": "pay-per-use", "credits": 0}, f"/2/users/{WREN}"),
    "usage_capped": ({"posts_left": 0}, f"/2/users/{WREN}/tweets"),
    "not_enrolled": ({"enrollment": "user-not-enrolled"}, "/2/users/me"),
    "not_in_plan": ({"plan": "legacy-free"}, f"/2/users/{WREN}/followers"),
    "too_many_requests plain": ({"limit_body": "plain"}, None),
    "too_many_requests code-88": ({"limit_body": "code-88"}, None),
    "too_many_requests problem": ({"limit_body": "problem"}, None),
    "unauthorized": (None, "/2/users/me"),
    "plain 503": ({}, "/2/users/by/username/down"),
    "refused": ({"plan": "pay-per-use"}, {"text": "This.", "quote_tweet_id": at(25)}),
    "invalid": ({}, {"text": "x" * 281}),
}


@pytest.fixture
def whole_error(steps, world, dialect):
    """Bring about one of the errors above."""

    def provoke(name):
        settings, path = WHOLE[name]
        scope = "tweet.read users.read" if name == "forbidden" else None
        token = steps.sign_in(**({"scope": scope} if scope else {}))["access_token"]
        world.change(settings or {})
        if path is None:
            world.exhaust("wren")
        if name == "plain 503":
            world.faults.add(fault_from({"path": path, "status": 503}))
        if isinstance(path, dict):
            return steps.browser.post("/2/tweets", json=path, headers=bearer(token))
        return steps.get(path or "/2/users/me", "nonsense" if settings is None else token)

    return provoke


def wrong_with(answer, name, contract, dialect):
    """List what is wrong with an error, by the specification or by what was seen."""
    body = answer.json
    if "code-88" in name:
        return contract.complaints("Error", body["errors"][0]) + seen.complaints(seen.CODE_88, body)
    shape = answer.mimetype, body.get("status", answer.status_code)
    found = [] if shape == ("application/problem+json", answer.status_code) else [f"is {shape}"]
    kind = contract.problem(body["type"])
    if kind is None:
        schema = seen.PROBLEMS[body["type"].removeprefix(TYPES)]
        return found + seen.complaints(schema, body)
    found += seen.complaints(seen.WRONG_PARAMETERS, body["errors"])
    return found + unlisted(contract.complaints(kind, body), dialect)


def test_errors_are_those_of_the_specification_or_seen(whole_error, world, dialect, contract):
    complaints, kinds = [], set()
    for name in WHOLE:
        world.reset()
        world.change({"dialect": dialect})
        answer = whole_error(name)
        assert answer.status_code >= 400
        complaints += [(name, c) for c in wrong_with(answer, name, contract, dialect)]
        kinds.add(answer.json.get("type", "").rpartition("/")[2])

    assert complaints == []
    # A schema that judges nothing would be another excuse. The last is for beta, see below.
    assert seen.PROBLEMS.keys() - kinds == {"unsupported-authentication"}


def test_beta_refuses_in_a_shape_that_was_seen(steps, world):
    world.change({"dialect": "beta"})
    token = steps.sign_in(client_id="sandbox-public", scope="tweet.read users.read")["access_token"]
    body = steps.get(f"/2/users/{WREN}/tweets", token).json

    assert seen.complaints(seen.PROBLEMS["unsupported-authentication"], body) == []


def test_every_error_is_judged():
    """A new kind of error must be added to the table above, or be a partial one."""
    made = {
        name
        for name, made in inspect.getmembers(problems, inspect.isfunction)
        if inspect.getmodule(made) is problems and not name.startswith("_")
    }
    partial = {"missing", "suspended", "not_for_you", "field_not_for_you"}
    elsewhere = {"unsupported_authentication"}  # only in beta, see above
    whole = {name.partition(" ")[0] for name in WHOLE}

    assert made == (whole - {"invalid_request", "not_in_plan"}) | partial | elsewhere


def test_the_specification_lacks_the_seen_problems(contract):
    assert [kind for kind in seen.PROBLEMS if contract.problem(TYPES + kind)] == []


def test_a_suspended_account_is_a_missing_resource(steps, dialect, contract):
    error = steps.get(f"/2/users/{CUCKOO}").json["errors"][0]

    assert contract.problem(error["type"]) == "ResourceNotFoundProblem"
