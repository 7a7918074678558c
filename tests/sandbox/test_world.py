"""The world: always the same at the start, moved only on purpose, safe for many threads."""

import contextlib
import hashlib
import re
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox import create_app
from sandbox.api.entities import escaped
from sandbox.api.paging import Pages
from sandbox.errors import InvalidInput
from sandbox.seeds import birds
from sandbox.world import model
from sandbox.world.clock import LONGEST_JUMP, moment, timestamp
from sandbox.world.follows import Follows
from sandbox.world.publishing import next_id
from sandbox.world.state import World
from tests.sandbox.birds import STARLING, WREN
from tests.sandbox.steps import Steps

BIRDS = "162a69a7c6530f5ed9c1b844b763b5793fdd7d3bb638d8f3339eb0994d9dff14"


def test_two_worlds_that_begin_at_one_time_answer_alike():
    """Page tokens and all; only codes, tokens and the order of scopes are random."""
    reads = [
        ("/2/users/me", {"user.fields": "created_at,public_metrics,entities"}),
        (f"/2/users/{WREN}/tweets", {"tweet.fields": "created_at,entities", "max_results": 5}),
        (f"/2/users/{STARLING}/followers", {"max_results": 7}),
        ("/2/spaces/1DawnChorus1a", {"space.fields": "created_at,started_at"}),
    ]

    def answers(world):
        steps = Steps(create_app(world).test_client(), world)
        return [steps.get(path, **query).data for path, query in reads]

    began = moment("2026-01-01T12:00:00Z")
    one, two = (World(now=began) for _ in range(2))
    first, second = answers(one), answers(two)
    one.reset()

    assert first == second == answers(one)


def test_a_world_begins_when_it_is_told_to(world):
    began = moment("2026-01-01T12:00:00Z")
    other = World(now=began)
    other.clock.advance(100)

    assert 100 <= other.now() - began < 160
    assert (round(other.clock.ahead()), round(world.clock.ahead())) == (100, 0)
    other.reset()
    assert 0 <= other.now() - began < 60


def test_the_clock_goes_on_when_the_computers_is_set_back(world, monkeypatch):
    seconds = time.time() + 1000
    seen = []
    for now in (seconds, seconds - 3600, seconds - 3590, seconds + 60):
        monkeypatch.setattr("sandbox.world.clock.time.time", lambda now=now: now)
        seen.append(world.now() - seconds)

    assert seen == pytest.approx([0, 0, 10, 3660], abs=0.001)


def test_many_jumps_at_once_stay_before_the_end_of_time(world):
    def jump(_):
        with contextlib.suppress(InvalidInput):
            world.clock.advance(LONGEST_JUMP - 1)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(jump, range(100)))

    assert world.clock.ahead() == LONGEST_JUMP - 1


def test_a_time_without_a_zone_is_utc_and_a_bad_one_is_explained():
    times = ["2026-01-01T12:00:00Z", "2026-01-01T12:00:00", "2026-01-01T13:00:00+01:00"]

    assert [moment(text) for text in times] == [1767268800] * 3
    for text in (7, "", "now", "1999-01-01", "2101-01-01", "2026-13-01T00:00:00Z"):
        with pytest.raises(InvalidInput, match="now must be a time like 2026-01-01"):
            moment(text)


def test_ids_do_not_survive_a_float(world):
    """64-bit ids are texts, because JavaScript and JSON libraries round them."""
    ids = [*world.accounts, *world.tweets, *(next_id(world) for _ in range(600))]

    assert [i for i in ids if str(int(float(i))) == i] == []


def test_everything_points_to_something(world):
    for tweet in world.tweets.values():
        assert len(tweet.text) <= 280
        assert tweet.author_id in world.accounts
        assert all(i in world.tweets for _, i in tweet.references)
        assert all(key in world.media for key in tweet.media_keys)
        assert not tweet.poll_id or tweet.poll_id in world.polls
        assert all(link.short in (tweet.note or tweet.text) for link in tweet.links)
    for space in world.spaces.values():
        people = {space.creator_id, *space.host_ids, *space.speaker_ids, *space.invited_user_ids}
        assert people <= set(world.accounts)
        assert set(space.topic_ids) <= set(world.topics)
        assert re.fullmatch("[A-Za-z0-9]{1,13}", space.id)
    for account in world.accounts.values():
        assert not account.pinned_tweet_id or account.pinned_tweet_id in world.tweets
        assert re.fullmatch("[A-Za-z0-9_]{1,15}", account.username)


def test_the_birds_are_always_the_same():
    """Tests of other projects rely on them. Whoever changes one says so in CHANGELOG.md."""
    told = repr(birds.birds()).encode()

    assert hashlib.sha256(told).hexdigest() == BIRDS


def test_the_seed_has_something_of_everything(world):
    tweets, accounts = world.tweets.values(), world.accounts.values()

    assert any(t.note for t in tweets)
    assert any(t.earlier_versions for t in tweets)
    assert {kind for t in tweets for kind, _ in t.references} == {
        "retweeted",
        "quoted",
        "replied_to",
    }
    assert any(t.article for t in tweets)
    assert any(t.sensitive for t in tweets)
    assert {t.lang for t in tweets} >= {"en", "is"}
    states = {s.state for s in world.spaces.values()}
    assert states == {"live", "scheduled", "ended", "canceled"}
    assert any(a.protected for a in accounts)
    assert any(a.suspended for a in accounts)
    assert any(a.plumage is None for a in accounts)
    assert any(a.former_usernames for a in accounts)
    assert any(t.later_versions for t in tweets)
    assert {len(t.media_keys) for t in tweets} == {0, 1, 3}
    assert {media.type for media in world.media.values()} == {"photo", "video"}
    assert len([a for a in accounts if not birds.is_flock(a)]) == 15


def test_secrets_cannot_be_printed(steps, world):
    tokens = steps.sign_in()
    store = world.token_store
    shown = repr([world.clients, store.codes.values(), store.tokens.values()])

    assert "sandbox-secret" not in shown
    assert tokens["access_token"] not in shown.replace(repr(list(store.tokens)), "")


def test_times_are_written_as_twitter_writes_them():
    assert timestamp(1386996900) == "2013-12-14T04:55:00.000Z"
    assert timestamp(1386996900.5) == "2013-12-14T04:55:00.500Z"


def test_many_threads_may_follow_and_look_at_once(world):
    def busy(number):
        other = str(1_550_000_000_000_000_001 + number)
        with world.lock:
            world.follows.add(WREN, other)
        return len(world.follows.following(WREN))

    with ThreadPoolExecutor(8) as pool:
        sizes = list(pool.map(busy, range(200)))

    assert max(sizes) == 210


def test_following_is_seen_from_both_ends():
    follows = Follows([("a", "b")])
    follows.add("c", "b")
    follows.add("a", "b")
    follows.remove("a", "nobody")

    assert follows.followers("b") == ["c", "a"]
    assert follows.counts("b") == (2, 0)
    assert follows.status("b", "a") == ["followed_by"]


def test_only_three_characters_are_escaped():
    assert escaped("""<a href="x">'&'</a>""") == "&lt;a href=\"x\"&gt;'&amp;'&lt;/a&gt;"


def test_page_tokens_are_bound_to_their_list():
    mine, other = Pages(b"secret", "mine"), Pages(b"secret", "other")

    assert mine.open(mine.seal(7)) == 7
    assert other.open(mine.seal(7)) is None
    assert mine.open(mine.seal(7)[::-1]) is None


def test_every_model_is_frozen():
    for kind in (model.Account, model.Tweet, model.Space, model.Client, model.Seed):
        assert kind.__dataclass_params__.frozen
