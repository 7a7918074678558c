"""How a request is sent for somebody, and who hears what of its answer."""

from datetime import UTC, datetime, timedelta

import pytest
import requests
import responses

from app.services import utc_now
from app.twitter import endpoints
from app.twitter.api_client import ApiCall, ApiClient, DirectSource
from app.twitter.errors import InvalidAnswer, OutOfCredits, RateLimited, Refused, Unreachable
from app.twitter.rate_limit_headers import Window
from app.twitter.source import ApiRequest
from app.twitter.transport.deadline import Deadline
from app.twitter.transport.transport import Transport

TOKEN = "made-up-access-token"
API = "https://api.x.com/2"
NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
RESET = NOW + timedelta(minutes=7)
HEADERS = {
    "x-rate-limit-limit": "75",
    "X-Rate-Limit-Remaining": "0",
    "x-rate-limit-reset": str(int(RESET.timestamp())),
}
WINDOW = Window(name="x-rate-limit", limit=75, remaining=0, resets_at=RESET)
ME = ApiRequest(endpoint=endpoints.USERS_ME, path="/users/me", params={"user.fields": "url"})


@pytest.fixture
def twitter():
    with responses.RequestsMock() as standing:
        yield standing


# Made once: reading the machine's certificates takes a while.
@pytest.fixture(scope="module")
def client():
    return ApiClient(
        Transport(slots=2, user_agent="test", on_call=lambda _: None),
        api_url=API,
        clock=lambda: NOW,
    )


@pytest.fixture
def heard():
    return []


@pytest.fixture
def send(client, heard):
    def send(request=ME):
        return client.send(request, TOKEN, deadline=Deadline(), on_answer=heard.append)

    return send


def test_the_document_comes_back_as_it_is(twitter, send):
    document = {"data": {"id": "1"}, "errors": [], "something": "new"}
    twitter.get(f"{API}/users/me", json=document)

    assert send() == document


def test_a_request_is_sent_with_its_parameters_and_its_token(twitter, send):
    twitter.get(f"{API}/users/me", json={})

    send()

    request = twitter.calls[0].request
    assert request.url == f"{API}/users/me?user.fields=url"
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert request.body is None


@pytest.mark.parametrize(
    "document, items",
    [
        ({"data": {"id": "1"}}, 1),
        ({"data": [{"id": "1"}, {"id": "2"}], "includes": {"users": [{"id": "3"}]}}, 2),
        ({"data": []}, 0),
        ({"meta": {"result_count": 0}}, 0),
        ({"data": "text"}, 0),
        ({"errors": [{"title": "Not Found Error"}]}, 0),
    ],
)
def test_the_items_asked_for_are_counted_without_their_companions(
    twitter, send, heard, document, items
):
    twitter.get(f"{API}/users/me", json=document, headers=HEADERS)

    send()

    assert heard == [ApiCall(endpoint=endpoints.USERS_ME, items=items, windows=(WINDOW,))]


@pytest.mark.parametrize(
    "status, body, error",
    [
        (400, "{}", Refused),
        (404, "<h1>404 page not found</h1>", Refused),
        (402, "{}", OutOfCredits),
        (429, "", RateLimited),
        (200, "<html>", InvalidAnswer),
        (200, "[]", InvalidAnswer),
        (204, "", InvalidAnswer),
    ],
)
def test_limits_are_heard_of_even_with_a_no(twitter, send, heard, status, body, error):
    twitter.get(f"{API}/users/me", body=body, status=status, headers=HEADERS)

    with pytest.raises(error):
        send()

    assert heard == [ApiCall(endpoint=endpoints.USERS_ME, items=0, windows=(WINDOW,))]


def test_it_is_heard_before_the_no_is_raised(twitter, client):
    def deaf(asked):
        raise RuntimeError

    twitter.get(f"{API}/users/me", status=429)

    with pytest.raises(RuntimeError):
        client.send(ME, TOKEN, deadline=Deadline(), on_answer=deaf)


def test_a_limit_says_when_it_lifts_by_the_clients_clock(twitter, send):
    twitter.get(f"{API}/users/me", status=429, headers={"x-rate-limit-reset": "99999999999"})

    with pytest.raises(RateLimited) as caught:
        send()

    assert caught.value.until == NOW + timedelta(minutes=15)


@pytest.mark.parametrize("status", [500, 599])
def test_a_server_in_trouble_is_unreachable_and_no_answer(twitter, send, heard, status):
    twitter.get(f"{API}/users/me", body="<h1>Over capacity</h1>", status=status)

    with pytest.raises(Unreachable):
        send()

    assert heard == []


def test_no_answer_in_time_is_unreachable(twitter, send, heard):
    twitter.get(f"{API}/users/me", body=requests.ReadTimeout(TOKEN))

    with pytest.raises(Unreachable) as caught:
        send()

    assert heard == []
    assert TOKEN not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_a_body_is_sent_as_json(twitter, send):
    twitter.post(f"{API}/users/1/following", json={"data": {"following": True}})

    send(ApiRequest(endpoint=endpoints.FOLLOW, path="/users/1/following", json={"a": "é"}))

    request = twitter.calls[0].request
    assert request.headers["Content-Type"] == "application/json"
    assert request.body == b'{"a": "\\u00e9"}'


def test_twitter_itself_is_a_source_and_says_what_was_asked(twitter, client, heard):
    twitter.get(f"{API}/users/me", json={"data": {"id": "1"}})
    source = DirectSource(
        client=client, access_token=TOKEN, deadline=Deadline(), on_answer=heard.append
    )

    assert source.answer(ME) == {"data": {"id": "1"}}
    assert [asked.items for asked in heard] == [1]


def test_a_source_needs_no_listener(twitter, client):
    twitter.get(f"{API}/users/me", json={})

    assert DirectSource(client=client, access_token=TOKEN, deadline=Deadline()).answer(ME) == {}


def test_a_source_does_not_show_its_token(client):
    assert TOKEN not in repr(DirectSource(client=client, access_token=TOKEN, deadline=Deadline()))


def test_the_clock_is_aware_of_its_zone():
    assert utc_now().utcoffset() == timedelta(0)
