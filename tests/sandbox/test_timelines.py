"""Home and mentions. Twitter: "Timelines", "Pagination"."""

from dataclasses import replace

import pytest

from sandbox import create_app
from sandbox.model import Tweet
from sandbox.seed import birds
from sandbox.seed_birds import (
    ACCOUNTS,
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
from sandbox.world import World
from tests.sandbox.steps import Steps

AUTHOR = {"tweet.fields": "author_id", "max_results": 100}


def home(steps, who=WREN, token=None, **query):
    return steps.get(f"/2/users/{who}/timelines/reverse_chronological", token, **query)


def mentions(steps, who=WREN, token=None, **query):
    return steps.get(f"/2/users/{who}/mentions", token, **query)


def ids(answer):
    return [tweet["id"] for tweet in answer.json.get("data", [])]


def test_home_has_ones_own_posts_and_those_of_friends(steps):
    authors = {tweet["author_id"] for tweet in home(steps, **AUTHOR).json["data"]}

    assert {WREN, ROBIN, JAY, MAGPIE} <= authors
    assert authors.isdisjoint({NIGHTJAR, CUCKOO, GANNET})


def test_home_is_newest_first(steps):
    found = [int(tweet_id) for tweet_id in ids(home(steps))]

    assert found == sorted(found, reverse=True)
    assert found[0] == int(at(12))


def test_home_reaches_back_seven_days(steps, world):
    before = ids(home(steps))
    world.advance(6 * 86400)
    after = ids(home(steps, token=steps.sign_in()["access_token"]))

    assert at(6 * DAY) in before
    assert at(8 * DAY) not in before
    assert after == [tweet_id for tweet_id in before if int(tweet_id) > int(at(1 * DAY))]


def test_home_shows_whom_one_follows_from_now_on(steps, world):
    world.follows.add(WREN, LAPWING)

    assert at(2 * HOUR + 5) in ids(home(steps))


def test_a_follower_of_a_protected_account_has_it_at_home(steps):
    token = steps.sign_in("robin")["access_token"]

    assert at(10 * HOUR) in ids(home(steps, ROBIN, token))


def test_nobody_reads_the_home_of_another(steps):
    answer = home(steps, ROBIN)

    assert answer.status_code == 400
    assert "must be the same as the authenticating user" in answer.json["errors"][0]["message"]


def test_home_pages_join_without_gap_or_overlap(steps):
    token, page, seen = steps.sign_in()["access_token"], None, []
    while True:
        query = {"pagination_token": page} if page else {}
        answer = home(steps, token=token, max_results=7, **query)
        seen += ids(answer)
        page = answer.json["meta"].get("next_token")
        if page is None:
            break

    assert seen == ids(home(steps, token=token))
    assert "previous_token" in answer.json["meta"]


def test_home_can_leave_out_replies_and_reposts(steps):
    found = ids(home(steps, exclude="replies,retweets"))

    assert at(80) not in found
    assert at(1 * DAY + 40) not in found


def test_a_lonely_home_has_no_data_key(steps):
    token = steps.sign_in("egg")["access_token"]

    assert home(steps, EGG, token).json == {"meta": {"result_count": 0}}


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


@pytest.mark.parametrize(
    "exclude, reach",
    [({}, 3200), ({"exclude": "retweets"}, 3200), ({"exclude": "replies"}, 800)],
)
def test_a_timeline_reaches_so_far_and_no_further(talkative, exclude, reach):
    """Twitter: the 3,200 newest posts, or 800 without replies. Behind them is nothing."""
    path, token = f"/2/users/{WREN}/tweets", talkative.sign_in()["access_token"]
    page, seen = {}, []
    for _ in range(40):
        query = {"max_results": 100} | exclude | page
        body = talkative.get(path, token, **query).json
        seen += [int(tweet["text"].split()[1]) for tweet in body["data"]]
        if "next_token" not in body["meta"]:
            break
        page = {"pagination_token": body["meta"]["next_token"]}
    beyond = talkative.get(path, token, until_id=str(10**15 - seen[-1] - 1), **exclude)

    wanted = [n for n in range(reach) if n % 3 or exclude.get("exclude") != "replies"]
    assert seen == wanted
    assert beyond.status_code == 200
    assert beyond.json == {"meta": {"result_count": 0}}


def test_mentions_are_what_others_say_to_somebody(steps):
    answer = mentions(steps)

    assert at(80) in ids(answer)
    assert answer.json["meta"]["newest_id"] == ids(answer)[0]


def test_a_former_name_still_means_its_owner(steps):
    """The post keeps the old name, the id leads to the new one."""
    query = {"tweet.fields": "entities", "expansions": "entities.mentions.username"}
    body = mentions(steps, LAPWING, **query).json
    mention = body["data"][0]["entities"]["mentions"][0]
    text = body["data"][0]["text"]

    assert text[mention["start"] : mention["end"]] == "@peewit"
    assert (mention["username"], mention["id"]) == ("peewit", LAPWING)
    assert body["includes"]["users"][0]["username"] == "lapwing"


def test_nobody_answers_to_a_former_name(steps):
    error = steps.get("/2/users/by/username/peewit").json["errors"][0]

    assert error["title"] == "Not Found Error"


def test_mentions_know_no_exclude(steps):
    assert mentions(steps, exclude="replies").status_code == 400


def test_closed_accounts_hide_their_mentions(steps):
    answers = [mentions(steps, who) for who in (NIGHTJAR, CUCKOO, "42")]

    assert [(answer.status_code, list(answer.json)) for answer in answers] == [
        (200, ["errors"])
    ] * 3


@pytest.mark.parametrize("read", [home, mentions])
def test_a_token_of_another_list_is_refused(steps, read):
    token = steps.sign_in()["access_token"]
    foreign = steps.get(f"/2/users/{WREN}/tweets", token, max_results=5).json["meta"]["next_token"]

    assert read(steps, token=token, pagination_token=foreign).status_code == 400


OTHER_FILTERS = [
    {},
    {"exclude": "retweets"},
    {"exclude": "replies"},
    {"since_id": at(30 * DAY)},
    {"until_id": at(1)},
    {"start_time": "2011-01-01T00:00:00Z"},
    {"end_time": "2999-01-01T00:00:00Z"},
]


def test_a_page_token_belongs_to_its_filters(steps):
    """Another filter makes another list: the same place in it would be another post."""
    token = steps.sign_in()["access_token"]
    path = f"/2/users/{WREN}/tweets"
    first = steps.get(path, token, max_results=5, exclude="replies,retweets").json
    page = {"pagination_token": first["meta"]["next_token"]}
    same = steps.get(path, token, max_results=6, exclude="retweets,replies", **page)
    others = [steps.get(path, token, max_results=5, **page, **other) for other in OTHER_FILTERS]

    assert same.status_code == 200
    assert [other.status_code for other in others] == [400] * len(others)
    assert all("pagination_token" in other.json["errors"][0]["parameters"] for other in others)


def test_bounds_of_pages_are_twitters(steps):
    sizes = [(home, 1), (mentions, 5), (home, 0), (home, 101), (mentions, 4)]
    statuses = [read(steps, max_results=size).status_code for read, size in sizes]

    assert statuses == [200, 200, 400, 400, 400]


def test_times_before_twitters_own_beginning_are_refused(steps):
    answer = home(steps, start_time="2010-11-05T00:00:00Z")

    assert answer.status_code == 400
    assert "2010-11-06" in answer.json["errors"][0]["message"]


def test_a_time_that_ends_before_it_starts_is_refused(steps):
    for end in ("2020-01-01T00:00:00Z", "2019-12-31T23:59:59Z"):
        answer = home(steps, start_time="2020-01-01T00:00:00Z", end_time=end)

        assert answer.status_code == 400
        assert f"must be before `end_time` [{end}]" in answer.json["errors"][0]["message"]


def test_earlier_versions_of_an_edited_post_can_be_looked_up(steps):
    query = {"expansions": "edit_history_tweet_ids"}
    body = steps.get(f"/2/tweets/{at(9 * HOUR)}", **query).json
    versions = {tweet["id"]: tweet for tweet in body["includes"]["tweets"]}

    assert list(versions) == body["data"]["edit_history_tweet_ids"]
    assert "Nest 4 of 5" in versions[at(9 * HOUR + 4)]["text"]
    assert all(v["edit_history_tweet_ids"] == list(versions) for v in versions.values())
    assert at(9 * HOUR + 2) not in ids(home(steps))


def test_thousands_of_follows_take_several_pages(steps):
    first = steps.get(f"/2/users/{GANNET}/following", max_results=1000).json

    assert first["meta"]["result_count"] == 1000
    assert "next_token" in first["meta"]


BIO = {"user.fields": "entities,description"}


def test_a_bio_comes_as_it_was_written_and_so_it_is_counted(steps):
    """Twitter escapes the text of posts. A bio has `&`, `<` and an emoji before the mention."""
    data = steps.get(f"/2/users/{ROBIN}", **BIO).json["data"]
    mention = data["entities"]["description"]["mentions"][0]

    assert "> bread, spades & Christmas cards <3 🪱" in data["description"]
    assert data["description"][mention["start"] : mention["end"]] == "@wren"


def test_every_entity_of_a_bio_is_where_it_says(steps):
    marks = {"mentions": "@", "hashtags": "#", "cashtags": "$", "urls": ""}
    names = {"mentions": "username", "hashtags": "tag", "cashtags": "tag", "urls": "url"}
    query = BIO | {"ids": ",".join(account.id for account in ACCOUNTS)}
    cut, named = [], []
    for user in steps.get("/2/users", **query).json["data"]:
        for kind, places in user.get("entities", {}).get("description", {}).items():
            cut += [user["description"][place["start"] : place["end"]] for place in places]
            named += [marks[kind] + place[names[kind]] for place in places]

    assert "@wren" in cut
    assert cut == named
