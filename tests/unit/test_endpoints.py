"""The table of endpoints, and the document that shows it to people."""

import re
from pathlib import Path

import pytest

from app.twitter import endpoints
from app.twitter.api import Api
from app.twitter.dialect import AT_SIGN_IN, BETA, LIVE, Permission
from app.twitter.endpoints import BY_ROUTE, ENDPOINTS, FREE, Endpoint
from tests.unit.calls import CALLS, THING

DOCUMENT = Path(__file__).parents[2] / "docs" / "twitter-api.md"
DIALECTS = {"live": LIVE, "beta": BETA}
each_endpoint = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: one.route)


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


def test_no_endpoint_is_left_out():
    named = {value for value in vars(endpoints).values() if isinstance(value, Endpoint)}

    assert named == set(ENDPOINTS)


def test_no_two_endpoints_share_a_route():
    assert list(BY_ROUTE.values()) == list(ENDPOINTS)


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
@pytest.mark.parametrize("name", CALLS)
def test_paths_are_those_of_their_endpoints(name, dialect):
    for request in asked_by(name, dialect):
        pattern = re.sub(r":\w+", r"[^/]+", request.endpoint.path)

        assert re.fullmatch(pattern, request.path)
        assert request.endpoint.method == CALLS[name].method


# Both dialects can be asked for whatever both have.
@pytest.mark.parametrize("name", CALLS.keys() - {"user_tweets", "followers"})
def test_the_beta_is_never_asked_for_what_it_lacks(name):
    assert all(request.endpoint.exists_in(BETA) for request in asked_by(name, BETA))


@pytest.mark.parametrize("name", CALLS)
def test_todays_service_is_never_asked_for_what_it_lacks(name):
    assert all(request.endpoint.exists_in(LIVE) for request in asked_by(name, LIVE))


@each_endpoint
def test_every_endpoint_is_asked_by_something(endpoint):
    assert methods_that_ask(endpoint)


@each_endpoint
def test_every_endpoint_needs_tweets_and_users(endpoint):
    # `users.read` alone is refused even at /2/users/me.
    assert {Permission.READ_TWEETS, Permission.READ_USERS} <= set(endpoint.needs)


@each_endpoint
def test_signing_in_asks_for_all_but_writing(endpoint):
    beyond = set(endpoint.needs) - set(AT_SIGN_IN)

    assert beyond == (set() if endpoint.method == "GET" else {Permission.WRITE_FOLLOWS})


@each_endpoint
def test_prices_are_those_of_what_comes_back(endpoint):
    # X docs, "Pricing": users, posts, Spaces; an interaction that is deleted; the rest is no part.
    if endpoint.method == "POST":
        expected = "0"
    elif endpoint.method == "DELETE" or "/spaces" not in endpoint.path:
        expected = "0.005" if "/tweets" in endpoint.path else "0.010"
    else:
        expected = "0.005"

    assert str(endpoint.price) == expected


@each_endpoint
def test_a_follow_makes_old_what_tells_of_people_or_follows(endpoint):
    # How the person stands to somebody comes along with profiles.
    reads_people = endpoint.path.startswith("/users") and not endpoint.path.endswith("/tweets")
    expected = reads_people and endpoint.method == "GET" and endpoint is not endpoints.USERS_ME

    assert endpoint.depends_on_follows == expected


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
    dialects = ", ".join(name for name, one in DIALECTS.items() if endpoint.exists_in(one))
    price = "none known" if endpoint.price == FREE else f"${endpoint.price}"
    return [methods, *scopes, dialects, price]


def test_the_document_has_a_row_for_every_endpoint_in_its_order():
    assert list(rows()) == list(BY_ROUTE)


@each_endpoint
def test_the_row_of_an_endpoint_says_what_is_so(endpoint):
    methods, live, beta, dialects, page, price = rows()[endpoint.route]

    assert [methods, live, beta, dialects, price] == expected(endpoint)
    assert page


def test_every_method_stands_in_the_document():
    named = {name for row in rows().values() for name in re.findall(r"`(\w+)`", row[0])}

    assert named == CALLS.keys()
