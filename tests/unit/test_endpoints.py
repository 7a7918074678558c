"""The table of endpoints, and the document that shows it to people."""

import re
from pathlib import Path

import pytest

from app.twitter import endpoints
from app.twitter.api import Api
from app.twitter.dialect import BETA, LIVE, Permission
from app.twitter.endpoints import BY_ROUTE, ENDPOINTS, FREE, Endpoint, Topic
from tests.unit.calls import CALLS, THING

DOCUMENT = Path(__file__).parents[2] / "docs" / "twitter-api.md"
DIALECTS = {"live": LIVE, "beta": BETA}
in_each_dialect = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)


class Recorder:
    """A source that knows one answer, and remembers what it was asked for."""

    def __init__(self, data):
        self.data = data
        self.asked = []

    def answer(self, request):
        self.asked.append(request)
        return {"data": self.data}


def asked_by(name, dialect):
    """Every request that the method of this name makes in `dialect`."""
    call = CALLS[name]
    data = THING | {"following": True}
    single = call.is_single(dialect) or call.method != "GET"
    recorder = Recorder(data if single else [data])
    call.make(Api(recorder, dialect))
    return recorder.asked


def methods_that_ask(endpoint):
    return [
        name
        for name in CALLS
        if any(
            request.endpoint is endpoint
            for dialect in DIALECTS.values()
            if endpoint.exists_in(dialect)
            for request in asked_by(name, dialect)
        )
    ]


# The table itself


def test_the_table_lists_every_endpoint_once():
    named = {value for value in vars(endpoints).values() if isinstance(value, Endpoint)}

    assert named == set(ENDPOINTS)
    assert [BY_ROUTE[endpoint.route] for endpoint in ENDPOINTS] == list(ENDPOINTS)


@in_each_dialect
def test_requests_match_the_path_and_method_of_their_endpoint(dialect):
    for name in CALLS:
        for request in asked_by(name, dialect):
            pattern = re.sub(r":\w+", r"[^/]+", request.endpoint.path)

            assert re.fullmatch(pattern, request.path)
            assert request.endpoint.method == CALLS[name].method


# Both dialects can be asked for whatever both have.
@pytest.mark.parametrize(
    "dialect, absent", [(LIVE, set()), (BETA, {"user_tweets", "followers"})], ids=DIALECTS
)
def test_a_dialect_is_asked_only_for_endpoints_it_has(dialect, absent):
    names = [
        name
        for name in CALLS
        if not all(request.endpoint.exists_in(dialect) for request in asked_by(name, dialect))
    ]

    assert set(names) == absent


def test_every_endpoint_needs_tweets_and_users():
    # `users.read` alone is refused even at /2/users/me.
    both = {Permission.READ_TWEETS, Permission.READ_USERS}

    assert all(both <= set(endpoint.needs) for endpoint in ENDPOINTS)


def test_signing_in_does_not_ask_for_writing():
    writing = {one for one in ENDPOINTS if Permission.WRITE_FOLLOWS in one.needs}

    assert writing == {endpoint for endpoint in ENDPOINTS if endpoint.method != "GET"}
    assert not Permission.WRITE_FOLLOWS.at_sign_in


def test_prices_are_those_of_the_objects_that_come_back():
    # X docs, "Pricing": users, posts, Spaces; an interaction that is deleted; the rest is no part.
    def expected(endpoint):
        if endpoint.method == "POST":
            return "0"
        posts_or_spaces = re.search("/tweets|/spaces", endpoint.path)
        return "0.005" if posts_or_spaces else "0.010"

    assert {one: str(one.price) for one in ENDPOINTS} == {one: expected(one) for one in ENDPOINTS}


def test_a_follow_outdates_answers_about_people_and_follows():
    # How the person stands to somebody comes along with profiles.
    outdated = {
        endpoint
        for endpoint in ENDPOINTS
        if endpoint.method == "GET"
        and endpoint.path.startswith("/users")
        and not endpoint.path.endswith("/tweets")
        and endpoint is not endpoints.USERS_ME
    }

    assert {endpoint for endpoint in ENDPOINTS if Topic.FOLLOWS in endpoint.depends_on} == outdated
    assert {each for each in ENDPOINTS if Topic.FOLLOWS in each.changes} == {
        endpoints.FOLLOW,
        endpoints.UNFOLLOW,
    }


@pytest.mark.parametrize(
    "endpoint, live, beta",
    [
        (endpoints.USERS_ME, "tweet.read users.read", "tweet.read users.read"),
        (
            endpoints.FOLLOWING,
            "follows.read tweet.read users.read",
            "account.follows.read tweet.read users.read",
        ),
        (
            endpoints.UNFOLLOW,
            "follows.write tweet.read users.read",
            "account.follows.write tweet.read users.read",
        ),
        (
            endpoints.SPACES,
            "space.read tweet.read users.read",
            "spaces.read tweet.read users.read",
        ),
    ],
)
def test_scopes_have_the_names_of_their_dialect(endpoint, live, beta):
    assert LIVE.scopes(*endpoint.needs) == set(live.split())
    assert BETA.scopes(*endpoint.needs) == set(beta.split())


# The document


def rows():
    """The cells of the document's table of endpoints, by route."""
    lines = re.findall(r"^\| (`(?:GET|POST|DELETE) .*) \|$", DOCUMENT.read_text(), re.MULTILINE)
    cells = [[cell.strip() for cell in line.split(" | ")] for line in lines]
    return {route.strip("`"): rest for route, *rest in cells}


def expected(endpoint):
    scopes = [
        " ".join(f"`{dialect.scope(permission)}`" for permission in endpoint.needs)
        if endpoint.exists_in(dialect)
        else "-"
        for dialect in DIALECTS.values()
    ]
    methods = ", ".join(f"`{name}`" for name in methods_that_ask(endpoint))
    assert methods, endpoint.route
    dialects = ", ".join(name for name, one in DIALECTS.items() if endpoint.exists_in(one))
    price = "none known" if endpoint.price == FREE else f"${endpoint.price}"
    return [methods, *scopes, dialects, price]


def test_the_document_says_of_each_endpoint_in_order_what_is_so():
    written = rows()

    assert list(written) == [endpoint.route for endpoint in ENDPOINTS]
    for endpoint in ENDPOINTS:
        methods, live, beta, dialects, page, price = written[endpoint.route]
        assert [methods, live, beta, dialects, price] == expected(endpoint)
        assert page


def test_every_method_stands_in_the_document():
    named = {name for row in rows().values() for name in re.findall(r"`(\w+)`", row[0])}

    assert named == CALLS.keys()
