"""Other people's tests get fixtures, exact answers and a clock."""

import pytest
import requests

from sandbox import testing

twitter_server = pytest.fixture(scope="module")(testing.twitter_server)
twitter = pytest.fixture(testing.twitter)

pytestmark = pytest.mark.loopback
ME = "/2/users/me"


@pytest.fixture
def get(twitter):
    with requests.Session() as session:
        yield lambda path=ME: session.get(twitter.url + path, timeout=5)


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_begins_anew(twitter, turn):
    """Whichever comes second finds nothing of the first."""
    assert (round(twitter.world.clock.ahead()), twitter.journal()) == (0, [])

    twitter.clock.advance(100)
    twitter.enqueue("left behind")


def test_answers_come_exactly_and_in_their_order(twitter, get):
    twitter.enqueue({"data": {"id": "1"}})
    twitter.enqueue("not JSON at all", status=502, content_type="text/plain")
    twitter.enqueue(status=429, headers={"x-rate-limit-reset": "7"})
    answers = [get(), get(), get(), get()]

    assert answers[0].json() == {"data": {"id": "1"}}
    assert (answers[1].status_code, answers[1].text) == (502, "not JSON at all")
    assert answers[1].headers["Content-Type"] == "text/plain"
    assert answers[2].json()["title"] == "Too Many Requests"
    assert answers[2].headers["x-rate-limit-reset"] == "7"
    assert answers[3].status_code == 401  # the sandbox itself again


def test_a_client_that_cannot_be_is_explained(twitter):
    with pytest.raises(ValueError, match="not an absolute URL"):
        twitter.register_client("/callback")


def test_a_sandbox_may_begin_at_another_time():
    with testing.Sandbox(now="2026-01-01T12:00:00Z") as sandbox:
        assert 0 <= sandbox.clock.now() - 1767268800 < 60
        assert 0 <= sandbox.clock.advance(7200) - 1767276000 < 60


def test_an_answer_may_wait_for_its_path(twitter, get):
    twitter.enqueue([1], path="/2/tweets/*")
    twitter.enqueue(path="/2/tweets/*")

    assert get().status_code == 401
    assert (get("/2/tweets/1").json(), get("/2/tweets/1").content) == ([1], b"")


def test_what_was_sent_can_be_taken_one_by_one(twitter, get):
    get("/2/users/me?a=1")
    get("/2/tweets/2")

    assert twitter.take_request()["query"] == {"a": ["1"]}
    assert twitter.take_request()["path"] == "/2/tweets/2"
    with pytest.raises(TimeoutError):
        twitter.take_request(timeout=0.01)


@pytest.mark.parametrize("host", testing.HOSTS)
def test_a_session_is_rerouted_past_any_proxy(twitter, monkeypatch, host):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with requests.Session() as session:
        other = session.get_adapter(f"https://{host}.example/")
        twitter.reroute(session)
        answer = session.get(f"https://{host}{ME}?a=1", timeout=5)

        assert (answer.status_code, answer.url) == (401, f"https://{host}{ME}?a=1")
        assert twitter.take_request()["query"] == {"a": ["1"]}
        assert session.get_adapter(f"https://{host}.example/") is other


QUERY = (
    "response_type=code&client_id=sandbox-client&scope=tweet.read+users.read&state=s"
    "&redirect_uri=http%3A%2F%2F127.0.0.1%3A8000%2Fauth%2Fcallback"
    "&code_challenge=challenge&code_challenge_method=plain"
)


def test_a_person_says_yes_or_no(twitter):
    back = twitter.say_yes(f"{twitter.authorize_url}?{QUERY}", account="jay")

    assert twitter.api_url == f"{twitter.url}/2"
    assert back.startswith("http://127.0.0.1:8000/auth/callback?state=s&code=")
    assert twitter.world.token_store.grants[0].account_id == twitter.world.named("jay").id
    assert twitter.say_no(f"{twitter.authorize_url}?{QUERY}").endswith(
        "?error=access_denied&state=s"
    )
    with pytest.raises(ValueError, match="username of an account that can sign in"):
        twitter.say_yes(f"{twitter.authorize_url}?{QUERY}", account="nobody")


@pytest.mark.parametrize(
    "change, words",
    [
        (("tweet.read", "tweet.eat"), "scope 'tweet.eat' does not exist"),
        (("sandbox-client", "nobody"), "client_id is not a registered client"),
    ],
)
def test_a_dead_end_says_why(twitter, change, words):
    with pytest.raises(ValueError, match=words):
        twitter.say_yes(f"{twitter.authorize_url}?{QUERY.replace(*change)}")
