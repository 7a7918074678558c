"""A client that knows nothing of us: tweepy, unmodified, its sessions rerouted."""

from datetime import UTC, datetime

import pytest
import tweepy  # type: ignore[import-untyped]  # it ships no types

from sandbox.seed_birds import DAY, EGG, HOUR, NIGHTJAR, ROBIN, STARLING, WREN, at
from sandbox.testing import Sandbox

CALLBACK = "https://birdwatch.example/callback"
SCOPES = [
    "tweet.read",
    "users.read",
    "follows.read",
    "follows.write",
    "space.read",
    "offline.access",
]
TOKEN_URL = "https://api.twitter.com/2/oauth2/token"

pytestmark = pytest.mark.loopback


@pytest.fixture(scope="module")
def server():
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def twitter(server):
    server.reset()
    server.register_client(CALLBACK, client_id="birdwatch", client_secret="hush")
    server.register_client(CALLBACK, client_id="birdwatch-public", confidential=False)
    return server


@pytest.fixture
def handler(twitter):
    """Tweepy's own handler of the OAuth 2.0 dance."""
    with tweepy.OAuth2UserHandler(
        client_id="birdwatch", client_secret="hush", redirect_uri=CALLBACK, scope=SCOPES
    ) as handler:
        twitter.reroute(handler)
        yield handler


@pytest.fixture
def client(twitter, handler):
    """Tweepy's client, signed in as Wren."""
    tokens = handler.fetch_token(twitter.say_yes(handler.get_authorization_url()))
    client = tweepy.Client(tokens["access_token"])
    twitter.reroute(client.session)
    yield client
    client.session.close()


def test_tweepy_gets_a_token_set(twitter, handler):
    tokens = handler.fetch_token(twitter.say_yes(handler.get_authorization_url()))

    assert tokens["token_type"] == "bearer"
    assert tokens["expires_in"] == 7200
    assert sorted(tokens["scope"]) == sorted(SCOPES)
    assert [token["account"] for token in twitter.tokens()] == ["wren", "wren"]


def test_a_public_client_needs_no_secret(twitter):
    with tweepy.OAuth2UserHandler(
        client_id="birdwatch-public", redirect_uri=CALLBACK, scope=SCOPES
    ) as handler:
        twitter.reroute(handler)

        assert handler.fetch_token(twitter.say_yes(handler.get_authorization_url()))


def test_tweepy_refreshes(twitter, handler):
    first = dict(handler.fetch_token(twitter.say_yes(handler.get_authorization_url())))
    twitter.advance(7200)
    second = handler.refresh_token(
        TOKEN_URL, refresh_token=first["refresh_token"], auth=handler.auth
    )

    assert second["access_token"] != first["access_token"]
    assert second["refresh_token"] != first["refresh_token"]


def test_a_denial_arrives_as_one(twitter, handler):
    back = twitter.say_no(handler.get_authorization_url())

    with pytest.raises(Exception, match="access_denied"):
        handler.fetch_token(back)


def test_a_late_exchange_is_refused(twitter, handler):
    back = twitter.say_yes(handler.get_authorization_url())
    twitter.advance(31)

    with pytest.raises(Exception, match="Value passed for the authorization code was invalid"):
        handler.fetch_token(back)


def test_tweepy_reads_accounts(client):
    fields = ["created_at", "public_metrics", "connection_status"]
    me = client.get_me(user_auth=False, user_fields=fields, expansions="pinned_tweet_id")
    robin = client.get_user(username="robin", user_fields=fields)
    several = client.get_users(ids=[WREN, NIGHTJAR, "42"])

    assert (me.data.id, me.data.username) == (int(WREN), "wren")
    assert me.data.created_at < datetime.now(UTC)
    assert me.includes["tweets"][0].id == me.data.pinned_tweet_id
    assert robin.data.data["connection_status"] == ["following", "followed_by"]
    assert [user.username for user in several.data] == ["wren", "nightjar"]
    assert several.errors[0]["title"] == "Not Found Error"


def test_tweepy_reads_posts(client):
    one = client.get_tweet(
        at(14 * HOUR), expansions=["attachments.media_keys"], media_fields=["alt_text"]
    )
    several = client.get_tweets([at(12), at(1 * DAY)], tweet_fields=["entities"])
    timeline = client.get_users_tweets(WREN, max_results=5, exclude=["replies"])

    assert one.includes["media"][0].alt_text.startswith("The sea")
    assert [tweet.id for tweet in several.data] == [int(at(12)), int(at(1 * DAY))]
    assert timeline.meta["result_count"] == 5


def test_tweepy_reads_home_and_mentions(client):
    # For the home timeline tweepy first asks `users/me` who it is.
    home = client.get_home_timeline(user_auth=False, expansions=["author_id"], max_results=20)
    mentions = client.get_users_mentions(WREN, start_time=datetime(2020, 1, 1, tzinfo=UTC))

    assert {user.username for user in home.includes["users"]} >= {"wren", "robin"}
    assert int(at(80)) in [tweet.id for tweet in mentions.data]


def test_tweepys_paginator_reads_every_page(client):
    pages = tweepy.Paginator(client.get_users_followers, STARLING, max_results=1000)
    found = [user.id for page in pages for user in page.data]

    assert len(found) == len(set(found)) > 2400


def test_tweepy_follows_and_unfollows(client, twitter):
    followed = client.follow_user(EGG, user_auth=False)
    asked = client.follow_user(NIGHTJAR, user_auth=False)
    unfollowed = client.unfollow_user(EGG, user_auth=False)

    assert followed.data == {"following": True, "pending_follow": False}
    assert asked.data == {"following": False, "pending_follow": True}
    assert unfollowed.data == {"following": False}


def test_tweepy_reads_spaces(client):
    one = client.get_space("1DawnChorus1a", expansions=["host_ids"], space_fields=["title"])
    several = client.get_spaces(user_ids=[ROBIN])
    found = client.search_spaces("hedge", state="live")

    assert one.data.title.startswith("Dawn chorus")
    assert {user.username for user in one.includes["users"]} == {"robin", "jay"}
    assert [space.id for space in several.data] == ["1DawnChorus1a"]
    assert found.meta["result_count"] == 1


def test_an_empty_list_has_no_data(client):
    answer = client.get_users_tweets(EGG)

    assert answer.data is None
    assert answer.meta == {"result_count": 0}


def test_errors_arrive_as_tweepys_own(client, twitter):
    twitter.world.exhaust("wren", "user")
    with pytest.raises(tweepy.TooManyRequests) as limited:
        client.get_user(id=ROBIN)
    with pytest.raises(tweepy.BadRequest):
        client.get_users_tweets(WREN, max_results=1)
    twitter.settings(plan="pay-per-use")
    with pytest.raises(tweepy.Forbidden, match="attached to a Project"):
        client.follow_user(EGG, user_auth=False)
    twitter.advance(7200)
    with pytest.raises(tweepy.Unauthorized):
        client.get_me(user_auth=False)

    assert limited.value.reset_time > twitter.clock.now() - 7200
