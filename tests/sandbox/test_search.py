"""Search of the last seven days. X: "Search Posts", "Operators"; refusals as they were seen."""

import json

import pytest

from sandbox import create_app
from sandbox.seeds.file import read
from sandbox.world.state import World
from tests.sandbox.steps import Steps

DAY = 24 * 60
SEED = {
    "accounts": [
        {"username": "ada", "id": "11", "verified_type": "blue"},
        {"username": "bob", "id": "12"},
        {"username": "cat", "protected": True},
        {"username": "dan", "suspended": True},
    ],
    "clients": [
        {
            "client_id": "sandbox-client",
            "client_secret": "sandbox-secret",
            "callbacks": ["http://127.0.0.1:8000/auth/callback"],
        },
    ],
    "tweets": [
        {"id": "1", "author": "ada", "text": "I like Coca-Cola & ivy", "minutes_ago": 60},
        {"id": "2", "author": "bob", "text": "Cola is what I like #Ivy", "minutes_ago": 50},
        {
            "id": "3",
            "author": "bob",
            "text": "@ada likes #IvyLeague $TWIG",
            "minutes_ago": 40,
            "replies_to_id": "1",
        },
        {"id": "4", "author": "ada", "reposts_id": "2", "minutes_ago": 30},
        {
            "id": "5",
            "author": "ada",
            "text": "Look https://a.example/ 🐛",
            "minutes_ago": 20,
            "lang": "de",
            "pictures": ["ivy"],
        },
        {"id": "6", "author": "bob", "text": "This", "minutes_ago": 10, "quotes_id": "5"},
        {"id": "7", "author": "cat", "text": "cola, secretly", "minutes_ago": 9},
        {"id": "8", "author": "dan", "text": "cola, suspended", "minutes_ago": 8},
        {"id": "9", "author": "ada", "text": "cola, long ago", "minutes_ago": 8 * DAY},
    ],
}


@pytest.fixture
def world(tmp_path):
    path = tmp_path / "world.json"
    path.write_text(json.dumps(SEED))
    return World(read(path))


@pytest.fixture
def find(world):
    steps = Steps(create_app(world).test_client(), world)
    token = steps.sign_in("ada")["access_token"]

    def found(query, **more):
        return steps.get("/2/tweets/search/recent", token, query=query, **more)

    return found


def ids(answer):
    assert answer.status_code == 200, answer.json
    return "".join(tweet["id"] for tweet in answer.json.get("data", []))


@pytest.mark.parametrize(
    "query, expected",
    [
        ("cola", "421"),
        ("COLA like", "421"),
        ("likes", "3"),
        ('"coca cola"', "1"),
        ("coca-cola", "1"),
        ('"like cola"', ""),
        ("ivy", "421"),
        ("#ivy", "42"),
        ("#IVYLEAGUE", "3"),
        ("$twig", "3"),
        ("@ada", "3"),
        ("from:ada", "541"),
        ("from:11 -ivy", "5"),
        ("from:nobody", ""),
        ("to:ada", "3"),
        ("to:11", "3"),
        ("cola -is:retweet", "21"),
        ("from:ada is:retweet", "4"),
        ("from:bob is:reply", "3"),
        ("from:bob is:quote", "6"),
        ("cola is:verified", "41"),
        ("from:ada has:links", "5"),
        ("from:ada has:media", "5"),
        ("from:ada has:video_link", ""),
        ("from:bob -has:hashtags", "6"),
        ("from:ada lang:de", "5"),
        ("conversation_id:1", "31"),
        ("🐛", "5"),
        ("coca OR #ivyleague", "31"),
        ("from:bob (cola OR this)", "62"),
        ("from:ada coca OR from:bob this", "61"),
        ('"and"', ""),
        ("secretly OR suspended OR ago", ""),
        ("amp", ""),
    ],
)
def test_queries_find_public_posts_of_a_week(find, query, expected):
    assert ids(find(query)) == expected


@pytest.mark.parametrize(
    "query, said",
    [
        (
            "judell point_radius:[-105.29 40.01 25mi]",
            "Reference to invalid operator 'point_radius'. Operator is not available in current",
        ),
        ("judell has:geo", "Reference to invalid operator 'has:geo'. Operator is not available in"),
        ("cola min_faves:5", "Reference to invalid operator 'min_faves'."),
        ("cola has:nothing", "Reference to invalid operator 'has:nothing'."),
        ("cola from:", "Reference to invalid operator 'from'."),
        ("Amsterdam AND AI", "Ambiguous use of and as a keyword."),
        ("-cola", "Rules must contain at least one positive, non-stopword clause (at position 1)"),
        ("a", "Rules must contain at least one positive, non-stopword clause (at position 1)"),
        ("cola OR -ivy", "Rules must contain at least one positive, non-stopword clause"),
        ("is:retweet lang:de", "is/has/lang cannot be used as a standalone operator"),
        ("(cola", "no viable alternative at input '<EOF>' (at position 6)"),
        ("cola)", "no viable alternative at input ')'"),
        ("cola OR", "no viable alternative"),
        ("()", "no viable alternative"),
        ("-(cola)", "no viable alternative"),
        ('"cola', "no viable alternative at input '\"'"),
        ("(" * 500 + "a" + ")" * 500, "no viable alternative"),
    ],
)
def test_what_x_refuses_is_refused_in_its_words(find, query, said):
    answer = find(query)
    error = answer.json["errors"][0]

    assert answer.status_code == 400
    assert error["message"].startswith(f"There were errors processing your request: {said}")
    assert error["parameters"] == {"query": [query]}


def test_plans_differ_in_the_length_of_a_query(find, world):
    enterprise = find("x" * 4096).status_code
    world.change({"plan": "pay-per-use"})

    assert (enterprise, find("x" * 4097).status_code) == (200, 400)
    assert (find("x" * 512).status_code, find("x" * 513).status_code) == (200, 400)


@pytest.mark.parametrize("query", ["", " ", None])
def test_a_query_is_required(find, query):
    assert find(query).status_code == 400


def test_results_come_in_pages(find, world):
    for number in range(100, 125):
        tweet = world.tweets["2"]
        world.tweets[str(number)] = type(tweet)(
            id=str(number), author_id="12", text="cola", minutes_ago=1
        )
    first = find("cola", max_results=20)
    token = first.json["meta"]["next_token"]
    second = find("cola", max_results=20, next_token=token)

    assert [len(a.json["data"]) for a in (first, second)] == [20, 8]
    assert second.json == find("cola", max_results=20, pagination_token=token).json
    assert first.json["meta"]["newest_id"] == "124"
    assert second.json["meta"]["oldest_id"] == "1"
    assert find("ivy", next_token=token).status_code == 400


@pytest.mark.parametrize(
    "more, status",
    [
        ({"since_id": "1"}, 200),
        ({"until_id": "3"}, 200),
        ({"sort_order": "relevancy"}, 200),
        ({"sort_order": "random"}, 400),
        ({"max_results": 9}, 400),
        ({"start_time": "2015-01-01T00:00:00Z"}, 400),
        ({"end_time": "2999-01-01T00:00:00Z"}, 400),
        ({"since_id": "1", "start_time": "2999-01-01T00:00:00Z"}, 400),
        ({"next_token": "x", "pagination_token": "x"}, 400),
        ({"next_token": "nonsense"}, 400),
    ],
)
def test_parameters_have_bounds(find, more, status):
    assert find("cola", **more).status_code == status


def test_ids_bound_the_results(find):
    assert ids(find("cola", since_id="1")) == "42"
    assert ids(find("cola", until_id="4")) == "21"
