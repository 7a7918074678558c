"""Worlds of other people, out of a JSON file."""

import json
import re
from pathlib import Path

import pytest

from sandbox import create_app
from sandbox.errors import InvalidInput
from sandbox.seeds.file import read
from sandbox.world.state import World
from tests.sandbox.birds import WREN
from tests.sandbox.steps import Steps

DOCS = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()
EXAMPLE = json.loads(re.findall(r"```json\n(.*?)```", DOCS, re.DOTALL)[0])


@pytest.fixture
def seed(tmp_path):
    """Write a file and read it as a seed."""

    def read_this(wish, *callbacks):
        path = tmp_path / "world.json"
        path.write_text(wish if isinstance(wish, str) else json.dumps(wish), "utf-8-sig")
        return read(path).with_callbacks(*callbacks)

    return read_this


def test_the_example_of_the_documentation_is_a_world(seed):
    world = World(seed(EXAMPLE))
    ada, grace = world.named("ada"), world.named("grace")

    assert [account.username for account in world.signed_in_choices()] == ["ada", "grace"]
    assert world.follows.has(ada.id, grace.id)
    assert (ada.name, grace.name, grace.protected) == ("Ada", "grace", True)
    assert [tweet.text for tweet in world.mentions_of(ada.id)] == ["@ada Found a moth."]
    assert world.timeline(grace.id)[0].references == (("replied_to", "1"),)
    assert [space.state for space in world.spaces.values()] == ["scheduled"]
    assert list(world.clients) == ["mine"]


def test_callbacks_are_added_to_the_clients_of_the_file_or_to_the_usual_two(seed):
    more = ("https://more.example/", "https://me.example/")
    usual, mine = World(seed(ADA, *more)), World(seed(ADA | {"clients": [MINE]}, *more))

    assert list(usual.clients) == ["sandbox-client", "sandbox-public"]
    assert set(more) < set(usual.clients["sandbox-client"].callbacks)
    assert mine.clients["mine"].callbacks == ("https://me.example/", "https://more.example/")


def test_the_birds_may_stay(seed):
    world = World(seed(ADA | {"birds": True, "follows": [["ada", "wren"]]}))

    assert world.follows.has(world.named("ada").id, WREN)
    assert world.named("robin")


def test_a_file_makes_the_same_world_each_time(seed):
    nameless = ADA | {"clients": [{"callbacks": ["https://me.example/"]}]}

    assert seed(EXAMPLE) == seed(EXAMPLE)
    assert seed(nameless) == seed(nameless)
    assert seed(nameless).clients[0].client_id == "client-1"


def test_posts_refer_to_others_and_spaces_have_the_times_of_their_state(seed):
    wish = {
        "accounts": [{"username": "ada"}, {"username": "eve", "picture": False}],
        "tweets": [
            {"id": "1", "author": "ada", "text": "One", "minutes_ago": 9},
            {"id": "2", "author": "eve", "quotes_id": "1", "text": "See"},
            {"id": "3", "author": "eve", "reposts_id": "1"},
            {"id": "4", "author": "ada", "note": "Long. " * 100},
        ],
        "spaces": [
            {"creator": "ada", "state": "live", "hosts": ["eve", "ada"]},
            {"creator": "ada", "state": "ended", "minutes_ago": 30},
        ],
    }
    world = World(seed(wish))
    live, ended = world.spaces.values()

    assert world.tweets["2"].references == (("quoted", "1"),)
    assert world.tweets["3"].references == (("retweeted", "1"),)
    assert [account.plumage is None for account in world.accounts.values()] == [False, True]
    assert (live.started_minutes, live.host_ids[0]) == (-10, world.named("eve").id)
    assert (ended.started_minutes, ended.ended_minutes) == (-90, -30)


ADA = {"accounts": [{"username": "ada"}]}
POLL = {"options": ["A", "B"]}
MINE = {"client_id": "mine", "callbacks": ["https://me.example/"]}


def wrote(*posts, **ada):
    return {
        "accounts": [{"username": "ada"} | ada],
        "tweets": [{"author": "ada"} | p for p in posts],
    }


@pytest.fixture
def shown(seed):
    """Read a file and look its posts up as their author, with all there is to them."""

    def look_up(wish):
        world = World(seed(wish))
        steps = Steps(create_app(world).test_client(), world)
        token = steps.sign_in("ada")["access_token"]
        query = {
            "tweet.fields": "entities,note_tweet,created_at",
            "media.fields": "alt_text,url",
            "poll.fields": "duration_minutes",
            "expansions": "attachments.media_keys,attachments.poll_ids,edit_history_tweet_ids",
        }
        ids = ",".join(world.timelines[world.named("ada").id])
        return steps.get("/2/tweets", token, ids=ids, **query).json

    return look_up


def test_addresses_in_posts_become_short_links(shown):
    text = "Engines & more: https://ada.example/notes?a=1&b=2, https://ada.example/notes?a=1&b=2!"
    [tweet] = shown(wrote({"text": text}))["data"]
    places = tweet["entities"]["urls"]

    assert len(places) == 2
    assert {place["expanded_url"] for place in places} == {"https://ada.example/notes?a=1&b=2"}
    for place in places:
        assert tweet["text"][place["start"] : place["end"]] == place["url"]
    assert tweet["text"] == f"Engines &amp; more: {places[0]['url']}, {places[0]['url']}!"


def test_lengths_are_those_of_twitter(shown):
    """A note that fits into 280 characters is a text, and a link counts for 23 of them."""
    long_link = "x" * 256 + f" https://ada.example/{'long/' * 50}"
    posts = [{"note": "x" * 280}, {"note": "y" * 281}, {"text": long_link}]
    [short, long, linked] = shown(wrote(*posts))["data"]

    assert (short["text"], "note_tweet" in short) == ("x" * 280, False)
    assert long["note_tweet"]["text"] == "y" * 281
    assert len(linked["text"]) == 280


def test_posts_may_have_pictures(shown):
    """Their link ends the text, or the whole of a long post."""
    posts = [{"text": "Look:", "pictures": ["A moth", "A loom"]}, {"pictures": [""]}]
    body = shown(wrote(*posts, {"note": "A loom. " * 50, "pictures": ["A loom"]}))
    [both, alone, long] = body["data"]
    media, places = body["includes"]["media"], both["entities"]["urls"]
    [place] = long["note_tweet"]["entities"]["urls"]

    assert [one["alt_text"] for one in media[:2]] == ["A moth", "A loom"]
    assert [one["media_key"] for one in places] == [one["media_key"] for one in media[:2]]
    assert both["text"] == f"Look: {places[0]['url']}"
    assert alone["text"] == alone["entities"]["urls"][0]["url"]
    assert long["note_tweet"]["text"].endswith(f" {place['url']}")
    assert "urls" not in long.get("entities", {})


def test_posts_may_ask_something(shown):
    poll = {"options": ["Yes", "No"], "votes": [3, 4], "minutes": 60}
    body = shown(wrote({"text": "Looms?", "poll": poll}, {"text": "?", "poll": POLL}))
    [first, second] = body["includes"]["polls"]

    assert [(o["label"], o["votes"]) for o in first["options"]] == [("Yes", 3), ("No", 4)]
    assert (first["duration_minutes"], second["duration_minutes"]) == (60, 1440)


def test_posts_may_have_been_edited(shown):
    edited = {"id": "7", "text": "Third", "earlier_texts": ["First", "Second"]}
    body = shown(wrote(edited, {"text": "B"}, pinned_id="7"))
    versions = {tweet["id"]: tweet["text"] for tweet in body["includes"]["tweets"]}
    [edited, _] = sorted(body["data"], key=lambda tweet: len(tweet["id"]))

    assert [versions[i] for i in edited["edit_history_tweet_ids"]] == ["First", "Second", "Third"]
    assert len(body["data"]) == 2  # what was edited away is in no list


MISTAKES = [
    ("{", "is not JSON"),
    ("[" * 100_000, "is not JSON"),
    ([], "the file must be an object"),
    ({}, "accounts has no account that can sign in"),
    ({"people": []}, "the file.people is unknown"),
    ({"accounts": {}}, "accounts must be a list"),
    ({"accounts": ["ada"]}, "accounts[0] must be an object"),
    ({"accounts": [{}]}, "accounts[0].username is missing"),
    ({"accounts": [{"username": "has space"}]}, "accounts[0].username must match"),
    ({"accounts": [{"username": 7}]}, "accounts[0].username must be text"),
    ({"accounts": [{"username": "ada", "id": "x"}]}, "accounts[0].id must match"),
    (wrote(protected=1), "accounts[0].protected must be true"),
    (wrote(days_old=-1), "accounts[0].days_old must be a wh"),
    (wrote(days_old=10**6), "from 0 to 4000"),
    (wrote(color="x"), "accounts[0].color is unknown"),
    ({"accounts": [{"username": "ada"}, {"username": "ADA"}]}, "username 'ada' 2 times"),
    (wrote(former_usernames="x"), "accounts[0].former_usernames must be a list of texts"),
    (wrote(verified_type="gold"), "must be one of none, blue"),
    (wrote(suspended=True), "no account that can sign in"),
    (ADA | {"tweets": [{"author": "eve"}]}, "tweets[0].author is 'eve', and there is no"),
    (ADA | {"tweets": [{"author": "ada", "quotes_id": "9"}]}, "tweets[0].quotes_id is '9'"),
    (wrote({"id": "1", "text": "x"}, {"id": "1", "text": "y"}), "tweets has the id '1' 2 times"),
    (wrote({"id": "1"}), "tweets[0].text is missing"),
    (wrote({"poll": POLL}), "tweets[0].text is missing"),
    (wrote({"id": "1", "text": "x"}, {"replies_to_id": "1"}), "tweets[1].text is missing"),
    (ADA | {"clients": [MINE, MINE]}, "clients has the client_id 'mine' 2 times"),
    (wrote({"text": "x" * 281}), "tweets[0].text is longer than 280 characters; a longer"),
    (wrote({"note": "x" * 25_001}), "tweets[0].note must have at most 25000 characters"),
    (wrote({"note": "x", "text": "y"}), "tweets[0].note is the whole of a long post"),
    (
        wrote({"id": "1", "text": "x"}, {"reposts_id": "1", "text": "Yes"}),
        "leaves no room for a text",
    ),
    (wrote({"pictures": ["x"] * 5}), "tweets[0].pictures must be at most 4 texts"),
    (wrote({"pictures": ["x"], "poll": {"options": ["A", "B"]}}), "cannot stand beside"),
    (wrote({"poll": []}), "tweets[0].poll must be an object"),
    (wrote({"poll": {"options": ["A"]}}), "tweets[0].poll.options must be 2 to 4 texts"),
    (wrote({"poll": {"options": ["A", "x" * 26]}}), "poll.options must be 2 to 4 texts of 1"),
    (wrote({"poll": {"options": ["A", "B"], "votes": [1]}}), "poll.votes must have a number"),
    (wrote({"poll": {"options": ["A", "B"], "votes": [1, "2"]}}), "poll.votes must be a list"),
    (wrote({"text": "x", "earlier_texts": ["x"] * 6}), "tweets[0].earlier_texts must be at most 5"),
    (wrote({"id": "7", "text": "x"}, pinned_id="8"), "ada has pinned '8', and wrote no such post"),
    (wrote(name="x" * 51), "must have at most 50 characters"),
    (wrote(name="\ud800"), "accounts[0].name must be text"),
    (wrote(plumage=["#33507a"]), "accounts[0].plumage must be three colours"),
    (wrote(plumage=["#33507a", "#c9d8ea", "red"]), "accounts[0].plumage must be three colours"),
    (wrote({"pictures": [{"scene": "moon"}]}), "tweets[0].pictures[0].scene must be one of"),
    (wrote({"pictures": [{"media_key": "x"}]}), "tweets[0].pictures[0].media_key must match"),
    (wrote({"pictures": [{"media_key": "3_1"}] * 2}), "pictures has the media_key '3_1' 2 times"),
    (wrote({"pictures": ["x"], "pictures_link": "x"}), "tweets[0].pictures_link must match"),
    (wrote({"text": "x", "links": [{"short": "x"}]}), "tweets[0].links[0].address is missing"),
    (wrote({"text": "x", "links": {}}), "tweets[0].links must be a list"),
    (wrote({"text": "x", "earlier_texts": ["x" * 281]}), "earlier_texts[0].text must have at most"),
    (ADA | {"spaces": [{"creator": "ada", "topics": ["1"]}]}, "spaces[0].topics has '1', and"),
    (ADA | {"follows": ["ada"]}, "follows[0] must be a list of two usernames"),
    (ADA | {"follows": [["ada", "eve"]]}, "follows[0].followed is 'eve'"),
    (ADA | {"follows": [["ada", "Ada"]]}, "follows[0].followed is the follower"),
    (ADA | {"spaces": [{"creator": "ada", "state": "over"}]}, "spaces[0].state must be one"),
    (ADA | {"spaces": [{"creator": "ada", "hosts": ["eve"]}]}, "spaces[0].hosts is 'eve'"),
    (ADA | {"clients": [{}]}, "clients[0]: callbacks must be a list"),
    (ADA | {"clients": ["mine"]}, "clients[0]: callbacks must be a list"),
    (ADA | {"clients": [{"callbacks": ["nowhere"]}]}, "clients[0]: 'nowhere' is not an absol"),
]


def test_a_mistake_is_named_with_its_place(seed):
    said = []
    for wish, _ in MISTAKES:
        with pytest.raises(InvalidInput, match=r"world\.json") as problem:
            seed(wish)
        said.append(str(problem.value))

    assert [
        (words, text) for (_, words), text in zip(MISTAKES, said, strict=True) if words not in text
    ] == []


UNKNOWN_KEYS = [
    {"nonsense": 1},
    {"accounts": [{"username": "ada", "nonsense": 1}]},
    wrote({"text": "x", "nonsense": 1}),
    wrote({"poll": {"options": ["A", "B"], "nonsense": 1}}),
    wrote({"pictures": [{"nonsense": 1}]}),
    wrote({"text": "x", "links": [{"address": "https://me.example/", "nonsense": 1}]}),
    wrote({"text": "x", "earlier_texts": [{"text": "y", "nonsense": 1}]}),
    ADA | {"topics": [{"id": "1", "name": "Looms", "nonsense": 1}]},
    ADA | {"spaces": [{"creator": "ada", "nonsense": 1}]},
    ADA | {"spaces": [{"creator": "ada", "state": "scheduled", "nonsense": 1}]},
    ADA | {"spaces": [{"creator": "ada", "state": "ended", "nonsense": 1}]},
]


def test_every_key_is_in_the_documentation(seed):
    known = set()
    for wish in UNKNOWN_KEYS:
        with pytest.raises(InvalidInput, match="nonsense is unknown") as problem:
            seed(wish)
        known.update(str(problem.value).partition("There are: ")[2].removesuffix(".").split(", "))

    assert [key for key in known if f"`{key}`" not in DOCS and f'"{key}"' not in DOCS] == []
