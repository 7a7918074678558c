"""A client that knows nothing of us: tweepy, unmodified, its sessions rerouted."""

from datetime import UTC, datetime

import pytest
import tweepy  # type: ignore[import-untyped]  # it ships no types

from sandbox.testing import Sandbox
from tests.sandbox.birds import EGG, HOUR, NIGHTJAR, ROBIN, STARLING, WREN, at
from tests.sandbox.steps import EVERYTHING

CALLBACK = "https://birdwatch.example/callback"
TOKEN_URL = "https://api.twitter.com/2/oauth2/token"

pytestmark = pytest.mark.loopback


@pytest.fixture(scope="module")
def server():
    with Sandbox() as sandbox:
        yield sandbox


def handling(server, *, confidential=True):
    """Return tweepy's own OAuth 2.0 handler, for an app of its own."""
    server.reset()
    app = server.register_client(CALLBACK, confidential=confidential)
    handler = tweepy.OAuth2UserHandler(
        client_id=app.client_id,
        client_secret=app.client_secret or None,
        redirect_uri=CALLBACK,
        scope=EVERYTHING.split(),
    )
    server.reroute(handler)
    return handler


@pytest.fixture(params=[True, False], ids=["confidential", "public"])
def handler(server, request):
    with handling(server, confidential=request.param) as handler:
        yield handler


@pytest.fixture
def client(server):
    """Tweepy's client, signed in as Wren."""
    with handling(server) as handler:
        back = server.say_yes(handler.get_authorization_url())
        client = tweepy.Client(handler.fetch_token(back)["access_token"])
    with client.session:
        server.reroute(client.session)
        yield client


def test_tweepy_signs_in_and_refreshes(server, handler):
    first = dict(handler.fetch_token(server.say_yes(handler.get_authorization_url())))
    server.advance(7200)
    more = {"auth": handler.auth} if handler.auth else {"client_id": handler.client_id}
    second = handler.refresh_token(TOKEN_URL, refresh_token=first["refresh_token"], **more)

    assert (first["token_type"], first["expires_in"]) == ("bearer", 7200)
    assert sorted(first["scope"]) == sorted(EVERYTHING.split())
    assert {token["account"] for token in server.tokens()} == {"wren"}
    assert second["access_token"] != first["access_token"]
    assert second["refresh_token"] != first["refresh_token"]


def test_a_refusal_arrives_as_one(server, handler):
    with pytest.raises(Exception, match="access_denied"):
        handler.fetch_token(server.say_no(handler.get_authorization_url()))
    late = server.say_yes(handler.get_authorization_url())
    server.advance(31)
    with pytest.raises(Exception, match="Value passed for the authorization code was invalid"):
        handler.fetch_token(late)


def test_tweepy_reads_accounts_and_posts(client):
    fields = ["created_at", "public_metrics", "connection_status"]
    me = client.get_me(user_auth=False, user_fields=fields, expansions="pinned_tweet_id")
    several = client.get_users(ids=[WREN, NIGHTJAR, "42"])
    one = client.get_tweet(
        at(14 * HOUR), expansions=["attachments.media_keys"], media_fields=["alt_text"]
    )
    timeline = client.get_users_tweets(WREN, max_results=5, exclude=["replies"])
    # For the home timeline tweepy first asks `users/me` who it is.
    home = client.get_home_timeline(user_auth=False, expansions=["author_id"], max_results=20)
    mentions = client.get_users_mentions(WREN, start_time=datetime(2020, 1, 1, tzinfo=UTC))

    assert me.data.created_at < datetime.now(UTC)
    assert me.includes["tweets"][0].id == me.data.pinned_tweet_id
    assert [user.username for user in several.data] == ["wren", "nightjar"]
    assert several.errors[0]["title"] == "Not Found Error"
    assert one.includes["media"][0].alt_text.startswith("The sea")
    assert timeline.meta["result_count"] == 5
    assert {user.username for user in home.includes["users"]} >= {"wren", "robin"}
    assert int(at(80)) in [tweet.id for tweet in mentions.data]
    assert client.get_users_tweets(EGG).data is None


def test_tweepy_follows_and_reads_every_page(client):
    pages = tweepy.Paginator(client.get_users_followers, STARLING, max_results=1000)
    found = [user.id for page in pages for user in page.data]
    followed = client.follow_user(EGG, user_auth=False)
    unfollowed = client.unfollow_user(EGG, user_auth=False)

    assert len(found) == len(set(found)) > 2400
    assert followed.data == {"following": True, "pending_follow": False}
    assert unfollowed.data == {"following": False}


def test_tweepy_posts_and_deletes(client):
    options = ["Worms", "Seeds"]
    posted = client.create_tweet(
        text="Breakfast?", poll_options=options, poll_duration_minutes=60, user_auth=False
    )
    reply = client.create_tweet(
        text="Worms.", in_reply_to_tweet_id=posted.data["id"], user_auth=False
    )
    found = client.search_recent_tweets("from:wren breakfast -report", max_results=10)
    with pytest.raises(tweepy.Forbidden, match="duplicate content"):
        client.create_tweet(text="Worms.", user_auth=False)
    with pytest.raises(tweepy.BadRequest, match="Your Tweet text is too long"):
        client.create_tweet(text="x" * 281, user_auth=False)
    deleted = client.delete_tweet(reply.data["id"], user_auth=False)

    assert [str(tweet.id) for tweet in found.data] == [posted.data["id"]]
    assert deleted.data == {"deleted": True}


def test_tweepy_likes_bookmarks_and_reposts(client):
    liked = client.like(at(25), user_auth=False)
    marked = client.bookmark(at(25))
    reposted = client.retweet(at(25), user_auth=False)
    with pytest.raises(tweepy.BadRequest, match="already retweeted"):
        client.retweet(at(25), user_auth=False)
    likes = client.get_liked_tweets(WREN)
    undone = [
        client.unlike(at(25), user_auth=False).data,
        client.remove_bookmark(at(25)).data,
        client.unretweet(at(25), user_auth=False).data,
    ]

    assert (liked.data, marked.data) == ({"liked": True}, {"bookmarked": True})
    assert reposted.data["retweeted"] is True
    assert [str(tweet.id) for tweet in likes.data] == [at(25)]
    assert client.get_bookmarks().data is None
    assert undone == [{"liked": False}, {"bookmarked": False}, {"retweeted": False}]


def test_tweepy_reads_spaces(client):
    one = client.get_space("1DawnChorus1a", expansions=["host_ids"], space_fields=["title"])
    several = client.get_spaces(user_ids=[ROBIN])
    found = client.search_spaces("hedge", state="live")

    assert {user.username for user in one.includes["users"]} == {"robin", "jay"}
    assert [space.id for space in several.data] == ["1DawnChorus1a"]
    assert found.meta["result_count"] == 1


def test_errors_arrive_as_tweepys_own(client, server):
    server.world.exhaust("wren", "user")
    with pytest.raises(tweepy.TooManyRequests) as limited:
        client.get_user(id=ROBIN)
    with pytest.raises(tweepy.BadRequest):
        client.get_users_tweets(WREN, max_results=1)
    server.settings(plan="pay-per-use")
    with pytest.raises(tweepy.Forbidden, match="attached to a Project"):
        client.follow_user(EGG, user_auth=False)
    server.advance(7200)
    with pytest.raises(tweepy.Unauthorized):
        client.get_me(user_auth=False)

    assert limited.value.reset_time > server.clock.now() - 7200
