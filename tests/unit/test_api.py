"""The API client against `responses` standing at Twitter's real address."""

import dataclasses
from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import pytest
import responses

from app.twitter.api import Api, Page, Problem
from app.twitter.budget import Budget
from app.twitter.dialect import BETA, LIVE
from app.twitter.errors import (
    Limited,
    OutOfCredits,
    PermissionMissing,
    PlanLacksIt,
    Refused,
    TokenRefused,
    TwitterError,
    Unreachable,
    Unreadable,
)
from app.twitter.transport import Transport

TOKEN = "made-up-access-token"
URL = "https://api.x.com/2"
PROBLEMS = "https://api.x.com/2/problems"
WREN = {"id": "2244994945", "username": "wren", "name": "Wren"}
ROBIN = {"id": "6253282", "username": "robin", "name": "Robin"}
TWEET = {"id": "10", "text": "Hello", "author_id": WREN["id"]}
SPACE = {"id": "1DXxyRYNejbKM", "state": "live", "host_ids": [WREN["id"]]}

RESET = 1_900_000_000
RESET_AT = datetime.fromtimestamp(RESET, tz=UTC)

# Bodies that are JSON and nothing that Twitter documents.
NONSENSE: list[object] = [
    None,
    [],
    "text",
    7,
    True,
    10**300,
    {"data": "text"},
    {"data": 7},
    {"data": [None]},
    {"data": [7]},
    {"data": ["text"]},
    {"data": [[]]},
    {"data": [{}]},
    {"data": [{"id": 7, "text": "a", "username": "a", "name": "a", "state": "live"}]},
    {"data": [{"id": "1/2", "text": "a", "username": "a", "name": "a", "state": "live"}]},
    {"data": [{"id": {}, "text": "a", "username": "a", "name": "a", "state": "live"}]},
    {"data": [{"id": "1", "text": [], "username": [], "name": [], "state": []}]},
    {"data": {"id": "1", "username": "a", "name": {}}},
    {"data": {"id": "../1", "username": "a", "name": "a"}},
]
# Nonsense around an empty list.
HARMLESS: list[object] = [
    {},
    {"data": None},
    {"data": []},
    {"meta": {"result_count": 0}},
    {"meta": "text", "includes": "text", "errors": "text"},
    {"meta": [1], "includes": [1], "errors": [1, None, "text", []]},
    {"meta": {"next_token": 7, "previous_token": ""}, "includes": {"users": 7, "tweets": {}}},
    {"includes": {"users": [{"id": []}, 7], "media": [{"media_key": {}}]}},
]


@pytest.fixture
def twitter():
    with responses.RequestsMock() as standing:
        yield standing


# Made once: reading the machine's certificates takes a while.
@pytest.fixture(scope="module")
def api():
    return Api(Transport(slots=2, user_agent="test"), api_url=URL, dialect=LIVE)


@pytest.fixture(scope="module")
def beta():
    return Api(Transport(slots=2, user_agent="test"), api_url=BETA.api_url, dialect=BETA)


CALLS = {
    "me": ("/users/me", lambda api: api.me(TOKEN, budget=Budget())),
    "pinned_tweet": ("/users/me", lambda api: api.pinned_tweet(TOKEN, budget=Budget())),
    "user_tweets": ("/users/1/tweets", lambda api: api.user_tweets(TOKEN, "1", budget=Budget())),
    "following": ("/users/1/following", lambda api: api.following(TOKEN, "1", budget=Budget())),
    "followers": ("/users/1/followers", lambda api: api.followers(TOKEN, "1", budget=Budget())),
    "spaces_by_creators": (
        "/spaces/by/creator_ids",
        lambda api: api.spaces_by_creators(TOKEN, ["1", "2"], budget=Budget()),
    ),
    "following_spaces": (
        "/users/1/following/spaces",
        lambda api: api.following_spaces(TOKEN, "1", budget=Budget()),
    ),
}
LISTS = sorted(CALLS.keys() - {"me", "pinned_tweet"})
each_call = pytest.mark.parametrize("name", sorted(CALLS))
each_list = pytest.mark.parametrize("name", LISTS)


def sent(twitter, index=0):
    """What the call asked for, by name."""
    query = parse_qs(urlsplit(twitter.calls[index].request.url).query)
    return {name: values[0] for name, values in query.items()}


# What is asked, and what comes back


@each_call
def test_every_call_carries_the_token_in_its_header_only(twitter, api, name):
    path, call = CALLS[name]
    twitter.get(URL + path, json={"data": WREN} if name not in LISTS else {})

    call(api)

    request = twitter.calls[0].request
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert TOKEN not in request.url


def test_me_is_who_the_token_belongs_to(twitter, api):
    twitter.get(f"{URL}/users/me", json={"data": {**WREN, "protected": True}})

    user = api.me(TOKEN, budget=Budget())

    assert (user.id, user.username, user.protected) == (WREN["id"], "wren", True)


def test_a_pinned_tweet_comes_with_its_author(twitter, api):
    body = {"data": {**WREN, "pinned_tweet_id": "10"}, "includes": {"tweets": [TWEET]}}
    twitter.get(f"{URL}/users/me", json=body)

    page = api.pinned_tweet(TOKEN, budget=Budget())

    assert [(tweet.id, tweet.author.username) for tweet in page.items] == [("10", "wren")]


def test_a_pinned_tweet_that_is_gone_leaves_its_problem(twitter, api):
    gone = {"type": f"{PROBLEMS}/resource-not-found", "resource_id": "10", "title": "Not Found"}
    twitter.get(
        f"{URL}/users/me", json={"data": {**WREN, "pinned_tweet_id": "10"}, "errors": [gone]}
    )

    page = api.pinned_tweet(TOKEN, budget=Budget())

    assert page == Page(problems=(Problem(kind="resource-not-found", resource_id="10"),))


def test_tweets_come_with_their_authors_and_pages(twitter, api):
    body = {
        "data": [TWEET],
        "includes": {"users": [WREN]},
        "meta": {"result_count": 1, "next_token": "n", "previous_token": "p"},
    }
    twitter.get(f"{URL}/users/1/tweets", json=body)

    page = api.user_tweets(TOKEN, "1", budget=Budget(), max_results=5)

    assert page.items[0].author.username == "wren"
    assert (page.next_token, page.previous_token) == ("n", "p")
    assert sent(twitter)["max_results"] == "5"


@pytest.mark.parametrize("name", ["following", "followers"])
def test_follows_are_people_in_twitters_order(twitter, api, name):
    path, call = CALLS[name]
    twitter.get(URL + path, json={"data": [ROBIN, WREN], "meta": {"result_count": 2}})

    page = call(api)

    assert [user.username for user in page.items] == ["robin", "wren"]


def test_spaces_are_asked_for_by_their_creators(twitter, api):
    body = {"data": [SPACE], "includes": {"users": [WREN]}, "meta": {"result_count": 1}}
    twitter.get(f"{URL}/spaces/by/creator_ids", json=body)

    page = api.spaces_by_creators(TOKEN, ["1", "2"], budget=Budget())

    assert sent(twitter)["user_ids"] == "1,2"
    assert page.items[0].hosts[0].username == "wren"


def test_spaces_of_followed_people_take_two_reads_today(twitter, api):
    twitter.get(f"{URL}/users/1/following", json={"data": [WREN, ROBIN]})
    twitter.get(f"{URL}/spaces/by/creator_ids", json={"data": [SPACE]})

    page = api.spaces_of_followed(TOKEN, "1", budget=Budget())

    assert sent(twitter, 1)["user_ids"] == f"{WREN['id']},{ROBIN['id']}"
    assert len(page.items) == 1


def test_who_follows_nobody_costs_one_read(twitter, api):
    twitter.get(f"{URL}/users/1/following", json={"meta": {"result_count": 0}})

    page = api.spaces_of_followed(TOKEN, "1", budget=Budget())

    assert page == Page()
    assert len(twitter.calls) == 1


def test_no_more_than_a_hundred_creators_are_asked_for(twitter, api):
    crowd = [{**WREN, "id": str(number)} for number in range(1, 102)]
    twitter.get(f"{URL}/users/1/following", json={"data": crowd})
    twitter.get(f"{URL}/spaces/by/creator_ids", json={})

    api.spaces_of_followed(TOKEN, "1", budget=Budget())

    assert sent(twitter, 1)["user_ids"].count(",") == 99


def test_the_beta_has_spaces_of_followed_people_in_one_read(twitter, beta):
    twitter.get("https://api.twitter.com/2/users/1/following/spaces", json={"data": [SPACE]})

    page = beta.spaces_of_followed(TOKEN, "1", budget=Budget())

    assert [space.id for space in page.items] == [SPACE["id"]]


@each_list
@pytest.mark.parametrize("body", HARMLESS)
def test_a_list_without_data_is_empty(twitter, api, name, body):
    path, call = CALLS[name]
    twitter.get(URL + path, json=body)

    page = call(api)

    assert page == Page(problems=page.problems)


def test_partial_errors_are_kept(twitter, api):
    hidden = {
        "title": "Authorization Error",
        "resource_id": "77",
        "type": "https://api.twitter.com/2/problems/not-authorized-for-resource",
    }
    strange = {"type": ["a"], "resource_id": "../7"}
    twitter.get(f"{URL}/users/1/tweets", json={"data": [TWEET], "errors": [hidden, strange]})

    page = api.user_tweets(TOKEN, "1", budget=Budget())

    assert len(page.items) == 1
    assert page.problems == (
        Problem(kind="not-authorized-for-resource", resource_id="77"),
        Problem(kind="", resource_id=""),
    )


@pytest.mark.parametrize("body", NONSENSE)
@each_call
def test_nonsense_is_unreadable(twitter, api, name, body):
    path, call = CALLS[name]
    if name not in LISTS and isinstance(body, dict) and isinstance(body["data"], list):
        body = {"data": body["data"][0]}
    twitter.get(URL + path, json=body)

    with pytest.raises(Unreadable):
        call(api)


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b"\xff\xfe", b"NaN", b"[" * 50_000])
@each_call
def test_a_body_that_is_no_json_is_unreadable(twitter, api, name, body):
    path, call = CALLS[name]
    twitter.get(URL + path, body=body)

    with pytest.raises(Unreadable):
        call(api)


@pytest.mark.parametrize(
    "bad", ["", "a", "1/../2", "me", "-1", "1" * 20, "1?x=1", "1\n", "١", "1,2"]
)
@pytest.mark.parametrize("method", ["user_tweets", "following", "followers", "following_spaces"])
def test_what_is_no_id_never_enters_a_path(api, method, bad):
    with pytest.raises(ValueError, match="not an id"):
        getattr(api, method)(TOKEN, bad, budget=Budget())


def test_what_is_no_id_is_not_asked_for_as_creator(api):
    with pytest.raises(ValueError, match="not an id"):
        api.spaces_by_creators(TOKEN, ["1", "2&a=b"], budget=Budget())


# Refusals

BLANK = {"title": "Forbidden", "type": "about:blank", "status": 403, "detail": "Forbidden"}
FORBIDDEN = {"title": "Client Forbidden", "reason": "client-not-enrolled"}
UNSUPPORTED = {"title": "Unsupported Authentication"}


@pytest.mark.parametrize(
    "status, body, expected",
    [
        (400, {"type": f"{PROBLEMS}/invalid-request"}, (Refused, "invalid-request")),
        (401, {"type": "about:blank", "status": 401}, (TokenRefused, "about:blank")),
        (401, {}, (TokenRefused, "http-401")),
        (402, {"type": f"{PROBLEMS}/credits"}, (OutOfCredits, "credits")),
        (402, [], (OutOfCredits, "http-402")),
        (403, BLANK, (PermissionMissing, "about:blank")),
        (
            403,
            FORBIDDEN | {"type": "https://api.twitter.com/2/problems/client-forbidden"},
            (PlanLacksIt, "client-forbidden"),
        ),
        (
            403,
            FORBIDDEN | {"type": f"{PROBLEMS}/client-forbidden"},
            (PlanLacksIt, "client-forbidden"),
        ),
        (
            403,
            UNSUPPORTED | {"type": f"{PROBLEMS}/unsupported-authentication"},
            (Refused, "unsupported-authentication"),
        ),
        (
            403,
            {"errors": [UNSUPPORTED | {"type": f"{PROBLEMS}/unsupported-authentication"}]},
            (Refused, "unsupported-authentication"),
        ),
        (403, {}, (Refused, "http-403")),
        (403, {"type": {}}, (Refused, "http-403")),
        (403, {"errors": [7]}, (Refused, "http-403")),
        (403, {"errors": []}, (Refused, "http-403")),
        (404, {"type": f"{PROBLEMS}/Not A Kind"}, (Refused, "http-404")),
        (429, {"type": f"{PROBLEMS}/usage-capped"}, (OutOfCredits, "usage-capped")),
    ],
)
def test_a_refusal_says_what_the_caller_can_do(twitter, api, status, body, expected):
    twitter.get(f"{URL}/users/me", json=body, status=status)

    with pytest.raises(TwitterError) as caught:
        api.me(TOKEN, budget=Budget())

    assert (type(caught.value), caught.value.error) == expected


@pytest.mark.parametrize("status", [400, 403, 404, 410, 418, 451])
def test_a_gateways_page_is_a_refusal_too(twitter, api, status):
    twitter.get(f"{URL}/users/me", body="<h1>404 page not found</h1>", status=status)

    with pytest.raises(Refused) as caught:
        api.me(TOKEN, budget=Budget())

    assert caught.value.error == f"http-{status}"


@pytest.mark.parametrize(
    "body",
    [
        {"title": "Too Many Requests", "type": "about:blank", "status": 429},
        {"errors": [{"code": 88, "message": "Rate limit exceeded"}]},
        {"type": f"{PROBLEMS}/rate-limit-exceeded"},
        "text",
        None,
    ],
)
def test_all_bodies_of_a_limit_say_when_it_lifts(twitter, api, body):
    headers = {"x-rate-limit-remaining": "0", "x-rate-limit-reset": str(RESET)}
    twitter.get(f"{URL}/users/me", json=body, status=429, headers=headers)

    with pytest.raises(Limited) as caught:
        api.me(TOKEN, budget=Budget())

    assert caught.value.until == RESET_AT


def test_the_daily_limit_counts_when_it_is_used_up(twitter, api):
    headers = {
        "x-rate-limit-remaining": "74",
        "x-rate-limit-reset": str(RESET - 80_000),
        "x-user-limit-24hour-remaining": "0",
        "x-user-limit-24hour-reset": str(RESET),
    }
    twitter.get(f"{URL}/users/me", json={}, status=429, headers=headers)

    with pytest.raises(Limited) as caught:
        api.me(TOKEN, budget=Budget())

    assert caught.value.until == RESET_AT


@pytest.mark.parametrize("reset", ["", "soon", "9" * 30, "-1e9", "nan"])
def test_a_limit_without_a_sane_end_has_none(twitter, api, reset):
    headers = {"x-rate-limit-reset": reset}
    twitter.get(f"{URL}/users/me", json={}, status=429, headers=headers)

    with pytest.raises(Limited) as caught:
        api.me(TOKEN, budget=Budget())

    assert caught.value.until is None


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_server_in_trouble_is_unreachable(twitter, api, status):
    twitter.get(f"{URL}/users/me", body="", status=status)

    with pytest.raises(Unreachable):
        api.me(TOKEN, budget=Budget())


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 429])
def test_no_exception_repeats_what_twitter_said(twitter, api, status):
    echo = {"title": TOKEN, "detail": TOKEN, "type": f"{PROBLEMS}/{TOKEN}", "error": TOKEN}
    twitter.get(f"{URL}/users/me", json=echo | {"type": f"a/{TOKEN}9"}, status=status)

    with pytest.raises(TwitterError) as caught:
        api.me(TOKEN, budget=Budget())

    assert TOKEN not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_a_page_is_frozen():
    page = Page()

    with pytest.raises(dataclasses.FrozenInstanceError):
        page.items = (1,)
