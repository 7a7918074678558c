"""Lists of posts: of one author, at home, of mentions. Twitter: "Timelines", "Pagination"."""

from dataclasses import replace

import pytest

from sandbox import create_app
from sandbox.seeds.birds import birds
from sandbox.world.model import Tweet
from sandbox.world.state import World
from tests.sandbox.birds import (
    CUCKOO,
    DAY,
    EGG,
    GANNET,
    HOUR,
    JAY,
    LAPWING,
    MAGPIE,
    NIGHTJAR,
    ROBIN,
    WREN,
    at,
)
from tests.sandbox.steps import Steps

AUTHOR = {"tweet.fields": "author_id", "max_results": 100}


def timeline(steps, who=WREN, token=None, **query):
    return steps.get(f"/2/users/{who}/tweets", token, **query)


def home(steps, who=WREN, token=None, **query):
    return steps.get(f"/2/users/{who}/timelines/reverse_chronological", token, **query)


def mentions(steps, who=WREN, token=None, **query):
    return steps.get(f"/2/users/{who}/mentions", token, **query)


def ids(answer):
    return [tweet["id"] for tweet in answer.json.get("data", [])]


def pages(read, token, size):
    """Read a list to its end, page by page."""
    page, found = {}, []
    while True:
        body = read(token=token, max_results=size, **page).json
        found.append(body)
        if "next_token" not in body["meta"]:
            return found
        page = {"pagination_token": body["meta"]["next_token"]}


@pytest.mark.parametrize("read", [timeline, home])
def test_pages_join_newest_first_without_gap_or_overlap(steps, read):
    token = steps.sign_in()["access_token"]
    whole, unasked = read(steps, token=token, max_results=100), read(steps, token=token)
    parts = pages(lambda **query: read(steps, **query), token, 5)
    back = {"pagination_token": parts[1]["meta"]["previous_token"], "max_results": 5}

    assert [tweet for part in parts for tweet in part["data"]] == whole.json["data"]
    assert ids(whole) == sorted(ids(whole), key=int, reverse=True)
    assert read(steps, token=token, **back).json["data"] == parts[0]["data"]
    assert "previous_token" not in parts[0]["meta"]
    meta = unasked.json["meta"]
    assert (
        meta["result_count"] == len(ids(unasked)) == (10 if read is timeline else len(ids(whole)))
    )
    assert (meta["newest_id"], meta["oldest_id"]) == (ids(unasked)[0], ids(unasked)[-1])


@pytest.mark.parametrize("read", [timeline, home])
def test_an_empty_list_has_no_data_key(steps, read):
    """Clients guard for this: only `meta.result_count` is there."""
    token = steps.sign_in("egg")["access_token"]

    assert read(steps, EGG, token).json == {"meta": {"result_count": 0}}


def test_home_has_ones_own_posts_and_those_of_friends(steps, world):
    authors = {tweet["author_id"] for tweet in home(steps, **AUTHOR).json["data"]}
    world.follows.add(WREN, LAPWING)
    robin = steps.sign_in("robin")["access_token"]

    assert {WREN, ROBIN, JAY, MAGPIE} <= authors
    assert authors.isdisjoint({NIGHTJAR, CUCKOO, GANNET, LAPWING})
    assert at(2 * HOUR + 5) in ids(home(steps))  # from now on
    assert at(10 * HOUR) in ids(home(steps, ROBIN, robin))  # who may read a protected account


def test_home_reaches_back_seven_days(steps, world):
    before = ids(home(steps))
    world.clock.advance(6 * 86400)
    after = ids(home(steps, token=steps.sign_in()["access_token"]))

    assert at(6 * DAY) in before
    assert at(8 * DAY) not in before
    assert after == [tweet_id for tweet_id in before if int(tweet_id) > int(at(1 * DAY))]


def test_a_home_timeline_is_its_owners_only(steps):
    answer = home(steps, ROBIN)

    assert answer.status_code == 400
    assert "must be the same as the authenticating user" in answer.json["errors"][0]["message"]


def test_a_list_can_be_filtered(steps):
    whole = timeline(steps, **AUTHOR).json["meta"]["result_count"]
    filters = [
        ({"exclude": "replies"}, whole - 1),
        ({"exclude": "retweets"}, whole - 1),
        ({"exclude": "replies,retweets"}, whole - 2),
        ({"since_id": at(5 * HOUR)}, 3),
        ({"until_id": at(5 * HOUR)}, whole - 3),
        ({"start_time": "2999-01-01T00:00:00Z"}, 0),
        ({"end_time": "2999-01-01T00:00:00Z"}, whole),
        ({"start_time": "2011-01-01T00:00:00Z", "end_time": "2999-01-01T00:00:00Z"}, whole),
    ]
    answers = [timeline(steps, max_results=100, **query) for query, _ in filters]
    kept = ids(home(steps, exclude="replies,retweets"))

    assert [answer.json["meta"]["result_count"] for answer in answers] == [n for _, n in filters]
    assert not {at(80), at(1 * DAY + 40)} & set(kept)
    assert mentions(steps, exclude="replies").status_code == 400


def test_closed_accounts_say_why(steps):
    closed = {
        NIGHTJAR: f"Sorry, you are not authorized to see the user with id: [{NIGHTJAR}].",
        CUCKOO: f"User has been suspended: [{CUCKOO}].",
        "42": "Could not find user with id: [42].",
    }
    for read in (timeline, mentions):
        answers = [read(steps, who) for who in closed]

        assert {(answer.status_code, *answer.json) for answer in answers} == {(200, "errors")}
        assert [a.json["errors"][0]["detail"] for a in answers] == list(closed.values())
    robin = steps.sign_in("robin")["access_token"]
    assert timeline(steps, NIGHTJAR, robin).json["meta"]["result_count"] == 2


@pytest.fixture
def talkative():
    """Return Wren with 3,300 posts, every third of which is a reply."""
    posts = tuple(
        Tweet(
            id=str(10**15 - number),
            author_id=WREN,
            text=f"Note {number}",
            minutes_ago=number,
            references=(("replied_to", at(12)),) if number % 3 == 0 else (),
        )
        for number in range(3300)
    )
    world = World(replace(birds(), tweets=posts))
    return Steps(create_app(world).test_client(), world)


@pytest.mark.parametrize("exclude, reach", [("retweets", 3200), ("replies", 800)])
def test_a_timeline_reaches_so_far_and_no_further(talkative, exclude, reach):
    """Twitter: the 3,200 newest posts, or 800 without replies. Behind them is nothing."""
    token = talkative.sign_in()["access_token"]
    read = pages(lambda **query: timeline(talkative, exclude=exclude, **query), token, 100)
    seen = [int(tweet["text"].split()[1]) for body in read for tweet in body["data"]]
    until = str(10**15 - seen[-1] - 1)
    beyond = timeline(talkative, token=token, until_id=until, exclude=exclude)

    assert seen == [n for n in range(reach) if n % 3 or exclude != "replies"]
    assert beyond.json == {"meta": {"result_count": 0}}


def test_a_former_name_still_means_its_owner(steps):
    """The post keeps the old name, the id leads to the new one."""
    query = {"tweet.fields": "entities", "expansions": "entities.mentions.username"}
    body = mentions(steps, LAPWING, **query).json
    mention = body["data"][0]["entities"]["mentions"][0]

    assert (mention["username"], mention["id"]) == ("peewit", LAPWING)
    assert body["includes"]["users"][0]["username"] == "lapwing"
    assert at(80) in ids(mentions(steps))
    [error] = steps.get("/2/users/by/username/peewit").json["errors"]
    assert error["title"] == "Not Found Error"


def test_what_was_edited_away_is_in_no_list(steps):
    everything = {*ids(home(steps, max_results=100)), *ids(timeline(steps, max_results=100))}

    assert at(9 * HOUR) in everything
    assert not {at(9 * HOUR + 2), at(9 * HOUR + 4)} & everything


OTHER_FILTERS = [
    {},
    {"exclude": "retweets"},
    {"exclude": "replies"},
    {"since_id": at(30 * DAY)},
    {"until_id": at(1)},
    {"start_time": "2011-01-01T00:00:00Z"},
    {"end_time": "2999-01-01T00:00:00Z"},
]


def test_a_page_token_belongs_to_its_list_and_its_filters(steps):
    """Another filter makes another list: the same place in it would be another post."""
    token = steps.sign_in()["access_token"]
    first = timeline(steps, token=token, max_results=5, exclude="replies,retweets").json
    page = {"pagination_token": first["meta"]["next_token"], "token": token}
    same = timeline(steps, max_results=6, exclude="retweets,replies", **page)
    others = [timeline(steps, max_results=5, **page, **other) for other in OTHER_FILTERS]
    others += [home(steps, exclude="replies,retweets", **page), mentions(steps, **page)]

    assert same.status_code == 200
    assert [other.status_code for other in others] == [400] * len(others)
    assert all("pagination_token" in other.json["errors"][0]["parameters"] for other in others)


@pytest.mark.parametrize(
    "query, words",
    [
        ({"start_time": "2010-11-05T00:00:00Z"}, "2010-11-06"),
        (
            {"start_time": "2020-01-01T00:00:00Z", "end_time": "2020-01-01T00:00:00Z"},
            "must be before `end_time` [2020-01-01T00:00:00Z]",
        ),
    ],
)
def test_times_that_cannot_be_are_refused(steps, query, words):
    answer = home(steps, **query)

    assert answer.status_code == 400
    assert words in answer.json["errors"][0]["message"]
