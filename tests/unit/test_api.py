"""The API: what each method asks for, and what becomes of the answer."""

import dataclasses
import json

import pytest

from app.twitter import endpoints
from app.twitter.api import Api, Following
from app.twitter.api_fields import FIELDS_BETA, FIELDS_LIVE
from app.twitter.dialect import BETA, LIVE
from app.twitter.errors import InvalidAnswer
from app.twitter.models import Profile, Space, Tweet
from app.twitter.page import Page
from app.twitter.problems import Problem
from app.twitter.source import ApiRequest
from tests.unit.calls import CALLS, LISTS, PAGED, READS, SINGLES, THING, WRITES, Source

WREN = {"id": "2244994945", "username": "wren", "name": "Wren"}
ROBIN = {"id": "6253282", "username": "robin", "name": "Robin"}
TWEET = {"id": "10", "text": "Hello", "author_id": WREN["id"]}
SPACE = {"id": "1DXxyRYNejbKM", "state": "live", "host_ids": [WREN["id"]]}
GONE = {"type": "https://api.twitter.com/2/problems/resource-not-found", "resource_id": "10"}
HIDDEN = {"type": "a/problems/not-authorized-for-resource", "resource_id": "77"}

# What may be asked for (X docs, data dictionary; classic names).
DOCUMENTED = {
    "user.fields": """
        profile_image_url description created_at public_metrics verified verified_type protected
        location url entities pinned_tweet_id profile_banner_url connection_status withheld
    """,
    "tweet.fields": """
        author_id created_at entities public_metrics attachments referenced_tweets note_tweet
        edit_controls edit_history_tweet_ids conversation_id lang possibly_sensitive article
    """,
    "space.fields": """
        id state title created_at started_at scheduled_start ended_at updated_at creator_id
        host_ids speaker_ids participant_count is_ticketed lang
    """,
    "media.fields": "url preview_image_url alt_text width height duration_ms variants",
    "poll.fields": "duration_minutes end_datetime id options voting_status",
    "expansions": """
        author_id referenced_tweets.id referenced_tweets.id.author_id
        referenced_tweets.id.attachments.media_keys attachments.media_keys attachments.poll_ids
        pinned_tweet_id creator_id host_ids speaker_ids
    """,
}
# Came after the summer of 2021.
YOUNGER_THAN_THE_BETA = {
    "article",
    "connection_status",
    "edit_controls",
    "edit_history_tweet_ids",
    "ended_at",
    "note_tweet",
    "profile_banner_url",
    "referenced_tweets.id.attachments.media_keys",
    "verified_type",
}

# Every call as today, and two once more as the beta has them.
EVERYWHERE = [(name, LIVE) for name in CALLS] + [
    ("user_by_username", BETA),
    ("spaces_of_followed", BETA),
]
PAGES = [name for name in READS if name != "me"]

NOT_IDS = ["", "a", "1/../2", "me", "-1", "1" * 20, "1?x=1", "1&a=b", "1\n", "١", "1,2", " 1"]
NOT_USERNAMES = ["", "a b", "@wren", "../me", "wren?x=1", "wrén", "wren,robin", "wren\n", "x" * 16]
NOT_SPACE_IDS = ["", "1_a", "-1", "1" * 14, "1a/buyers", "1a?x=1", "1ä", "1a\n", "1a,1b"]
NOT_PAGE_TOKENS = ["", " ", "a b", "a\n", "\x00", "é", "x" * 401]

# Data that is JSON and nothing that Twitter documents.
NOT_LISTS = ["text", 7, True, {"id": "1"}]
NOT_THINGS: list[object] = [
    *(None, 7, "text", [], {}),
    {"id": 7, "text": "a", "username": "a", "name": "a", "state": "live"},
    {"id": "1/2", "text": "a", "username": "a", "name": "a", "state": "live"},
    {"id": {}, "text": "a", "username": "a", "name": "a", "state": "live"},
]
# Nonsense around an empty list.
HARMLESS = [
    {},
    {"data": None},
    {"data": []},
    {"meta": {"result_count": 0}},
    {"meta": "text", "includes": "text", "errors": "text"},
    {"meta": [1], "includes": [1], "errors": [1, None, "text", []]},
    {"meta": {"next_token": 7, "previous_token": ""}, "includes": {"users": 7, "tweets": {}}},
    {"includes": {"users": [{"id": []}, 7], "media": [{"media_key": {}}]}},
]


def answering(name, body, dialect=LIVE):
    """Return an API whose source answers the call of this name."""
    path, _, _ = CALLS[name].asks(dialect)
    return Api(Source({path: body}), dialect)


def call(name, body, dialect=LIVE):
    return CALLS[name].make(answering(name, body, dialect))


def found(name, dialect=LIVE):
    """An answer with one thing that the call of this name can read."""
    data = THING | {"following": True}
    return {
        "data": data if CALLS[name].is_single(dialect) or name in WRITES else [data],
        "includes": {"tweets": [TWEET], "users": [WREN]},
    }


def refuses(method, *args):
    try:
        method(*args)
    except (ValueError, InvalidAnswer) as error:
        return type(error)
    return None


# What is asked


def test_every_method_has_its_call():
    methods = {name for name in vars(Api) if not name.startswith("_")}

    assert methods == CALLS.keys() | {"answer"}  # which makes any other request


@pytest.mark.parametrize("name, dialect", EVERYWHERE)
def test_each_method_asks_for_its_path_and_fields(name, dialect):
    path, own, fields = CALLS[name].asks(dialect)
    empty = name in LISTS or not CALLS[name].is_single(dialect)
    source = Source({path: {} if empty and name not in WRITES else found(name)})

    CALLS[name].make(Api(source, dialect))

    (request,) = source.asked
    assert (request.endpoint.method, request.path) == (CALLS[name].method, path)
    assert request.params.keys() == own.keys() | fields
    assert {parameter: request.params[parameter] for parameter in own} == own
    assert request.json == CALLS[name].json


@pytest.mark.parametrize("dialect, fields", [(LIVE, FIELDS_LIVE), (BETA, FIELDS_BETA)])
def test_every_field_is_documented_and_asked_for_once(dialect, fields):
    assert answering("me", {}, dialect)._fields is fields

    for parameters in dataclasses.asdict(fields).values():
        for parameter, value in parameters.items():
            names = value.split(",")
            assert len(set(names)) == len(names)
            assert set(names) <= set(DOCUMENTED[parameter].split())
            assert dialect is LIVE or not set(names) & YOUNGER_THAN_THE_BETA


@pytest.mark.parametrize(
    "kind, parameter, shown",
    [
        ("user", "user.fields", "connection_status profile_banner_url protected entities"),
        (
            "tweet",
            "tweet.fields",
            "note_tweet edit_history_tweet_ids entities attachments lang article",
        ),
        ("tweet", "expansions", "referenced_tweets.id.attachments.media_keys attachments.poll_ids"),
        ("tweet", "media.fields", "alt_text preview_image_url"),
        ("tweet", "poll.fields", "end_datetime voting_status"),
        ("tweet", "tweet.fields", "possibly_sensitive"),
        ("space", "space.fields", "ended_at title participant_count lang"),
        ("space", "expansions", "creator_id host_ids speaker_ids"),
        ("user_with_pinned", "expansions", "pinned_tweet_id"),
    ],
)
def test_the_fields_that_pages_show_are_asked_for(kind, parameter, shown):
    asked = getattr(FIELDS_LIVE, kind)[parameter]

    assert set(shown.split()) <= set(asked.split(","))


@pytest.mark.parametrize("name", PAGED)
def test_the_page_token_is_passed_on(name):
    api = answering(name, {})

    getattr(api, name)("1", max_results=5, page_token="7140dibdnow9c7btw4+/=")

    params = api._source.asked[0].params
    assert (params["pagination_token"], params["max_results"]) == ("7140dibdnow9c7btw4+/=", "5")


def test_an_impossible_page_token_leads_to_the_first_page():
    api = answering("following", {})

    for junk in NOT_PAGE_TOKENS:
        api.following("1", page_token=junk)

    assert not any("pagination_token" in request.params for request in api._source.asked)


def test_an_id_that_is_asked_for_twice_is_sent_once():
    api = answering("tweets", {})

    api.tweets(["10", "11", "10"])

    assert api._source.asked[0].params["ids"] == "10,11"


def test_the_key_of_a_request_does_not_depend_on_the_order_of_its_parameters():
    there, back = {"a": "1", "b": "2"}, {"b": "2", "a": "1"}

    keys = {
        ApiRequest(endpoint=endpoints.USERS, path="/users", params=params).key
        for params in (there, back)
    }

    assert len(keys) == 1


def test_other_parameters_make_another_key():
    one, other = {"a": "1", "b": "2"}, {"a": "1', 'b': '2"}

    keys = {
        ApiRequest(endpoint=endpoints.USERS, path="/users", params=params).key
        for params in (one, other, {}, {"a": "1"})
    }

    assert len(keys) == 4


# What is remembered


@pytest.mark.parametrize(
    "name, data", [("user", WREN), ("following", [WREN, ROBIN]), ("user_tweets", [TWEET])]
)
def test_a_remembered_answer_is_read_once(name, data):
    api = Api(Source({CALLS[name].path: {"data": data}}, made={}), LIVE)

    first, again = CALLS[name].make(api), CALLS[name].make(api)

    assert first.items
    assert again is first


def test_a_remembered_answer_can_be_read_in_several_ways():
    api = Api(Source({"/users/1/following": {"data": [WREN, ROBIN]}}, made={}), LIVE)

    few, many = api.following("1", read=1), api.following("1")

    assert [len(page.items) for page in (few, many)] == [1, 2]


def test_a_page_made_of_one_answer_is_not_found_beside_another():
    hers, his = (Source({"/users/1/following": {"data": [one]}}, made={}) for one in (WREN, ROBIN))

    names = [Api(source, LIVE).following("1").items[0].username for source in (hers, his, hers)]

    assert names == ["wren", "robin", "wren"]


def test_an_unreadable_answer_is_not_kept():
    source = Source({"/users/1/following": {"data": [{}]}}, made={})

    for _ in range(2):
        with pytest.raises(InvalidAnswer):
            Api(source, LIVE).following("1")

    assert source.made == {}


# What never leaves the house


def test_no_method_sends_an_argument_that_is_not_checked():
    api = Api(Source({}), LIVE)

    sent = [
        args
        for each in CALLS.values()
        for args in each.with_each_argument_as("../me")
        if refuses(getattr(api, each.name), *args) is not ValueError
    ]

    assert sent == []


@pytest.mark.parametrize(
    "one, several, impossible",
    [
        ("user", "users", NOT_IDS),
        ("tweet", "tweets", NOT_IDS),
        ("user_by_username", "users_by_usernames", NOT_USERNAMES),
        ("space", "spaces", NOT_SPACE_IDS),
    ],
)
def test_an_impossible_id_or_name_is_not_sent(one, several, impossible):
    api = Api(Source({}), LIVE)

    for bad in impossible:
        with pytest.raises(ValueError, match="neither an id nor a name"):
            getattr(api, one)(bad)
        with pytest.raises(ValueError, match="neither an id nor a name"):
            getattr(api, several)([*CALLS[several].args[0], bad])


@pytest.mark.parametrize(
    "name", ["users", "users_by_usernames", "tweets", "spaces", "spaces_by_creators"]
)
def test_one_look_up_is_for_one_to_a_hundred(name):
    api = answering(name, {})

    def look_up(count):
        return getattr(api, name)([str(number) for number in range(count)])

    assert [refuses(look_up, count) for count in (0, 101)] == [ValueError] * 2
    look_up(100)
    assert max(value.count(",") for value in api._source.asked[0].params.values()) == 99


# What comes back


@pytest.mark.parametrize(
    "kind, names",
    [
        (Profile, ["user", "user_by_username", "users", "users_by_usernames"]),
        (Profile, ["following", "followers"]),
        (Tweet, ["tweet", "tweets", "user_tweets", "pinned_tweets", "pinned_tweets_of_followed"]),
        (Space, ["space", "spaces", "spaces_by_creators"]),
    ],
)
def test_each_method_returns_its_kind_of_thing(kind, names):
    pages = [call(name, found(name)) for name in names]

    assert [(type(page.items[0]), page.items[0].id) for page in pages] == [(kind, "10")] * len(
        names
    )


def test_the_beta_answers_with_lists():
    by_name = call("user_by_username", {"data": [WREN]}, BETA)
    spaces = call("spaces_of_followed", {"data": [SPACE]}, BETA)

    assert by_name == Page(items=(Profile.from_json(WREN),))
    assert [space.id for space in spaces.items] == [SPACE["id"]]


def test_me_is_the_owner_of_the_token():
    user = call("me", {"data": {**WREN, "protected": True}})

    assert (user.id, user.username, user.protected) == (WREN["id"], "wren", True)


def test_the_order_is_twitters():
    page = call("following", {"data": [ROBIN, WREN], "meta": {"result_count": 2}})

    assert [user.username for user in page.items] == ["robin", "wren"]


@pytest.mark.parametrize("name", ["tweet", "tweets"])
def test_tweets_come_with_their_authors(name):
    data = TWEET if name in SINGLES else [TWEET]

    page = call(name, {"data": data, "includes": {"users": [ROBIN, WREN]}})

    assert [(tweet.id, tweet.author.username) for tweet in page.items] == [("10", "wren")]


def test_spaces_come_with_their_hosts():
    page = call("spaces", {"data": [SPACE], "includes": {"users": [WREN]}})

    assert page.items[0].hosts[0].username == "wren"


@pytest.mark.parametrize("name", ["pinned_tweets", "pinned_tweets_of_followed"])
def test_a_pinned_tweet_comes_with_its_author(name):
    data = {**WREN, "pinned_tweet_id": "10"}
    people = data if name in SINGLES else [ROBIN, data]

    page = call(name, {"data": people, "includes": {"tweets": [{"id": "10", "text": "Hello"}]}})

    assert [(tweet.id, tweet.author.username) for tweet in page.items] == [("10", "wren")]


def test_a_pinned_tweet_that_is_gone_leaves_its_problem():
    page = call("pinned_tweets", {"data": {**WREN, "pinned_tweet_id": "10"}, "errors": [GONE]})

    assert page == Page(problems=(Problem(missing="gone", asked="10"),))


def test_pages_lead_both_ways():
    meta = {"result_count": 0, "next_token": "n", "previous_token": "p"}

    pages = [call(name, {"meta": meta}) for name in PAGED]

    assert [(page.next_token, page.previous_token) for page in pages] == [("n", "p")] * 4


def test_a_junk_page_token_in_an_answer_leads_nowhere():
    for junk in [*NOT_PAGE_TOKENS, None, 7, ["n"], {}]:
        meta = {"next_token": junk, "previous_token": junk}

        page = call("following", {"data": [WREN], "meta": meta})

        assert (page.next_token, page.previous_token) == (None, None)


def test_a_list_without_data_is_empty():
    assert [call(name, {}) for name in LISTS] == [Page()] * len(LISTS)
    assert [call("tweets", body) for body in HARMLESS] == [Page()] * len(HARMLESS)
    assert [call("pinned_tweets_of_followed", body) for body in HARMLESS] == [Page()] * 8


def test_an_answer_with_nothing_but_errors_is_an_empty_page():
    expected = Page(problems=(Problem(missing="gone", asked="10"),))

    assert [call(name, {"errors": [GONE]}) for name in PAGES] == [expected] * len(PAGES)


@pytest.mark.parametrize("name", ["tweet", "tweets", "pinned_tweets"])
def test_partial_errors_stand_beside_the_items(name):
    page = call(name, found(name) | {"errors": [GONE, HIDDEN, HIDDEN]})

    assert len(page.items) == 1
    assert page.problems == (
        Problem(missing="gone", asked="10"),
        Problem(missing="protected", asked="77"),
    )


def test_a_missing_person_cannot_be_me():
    with pytest.raises(InvalidAnswer):
        call("me", {"errors": [GONE]})


def test_one_odd_item_does_not_take_the_others_along(caplog):
    page = call("following", {"data": [{"id": "<b>"}, WREN]})

    assert [user.username for user in page.items] == ["wren"]
    assert "<b>" not in caplog.text


def test_many_odd_items_are_one_line_in_the_log(caplog):
    call("following", {"data": [WREN] + [{}] * 500})

    assert [record.getMessage() for record in caplog.records] == [
        "500 items of a list are invalid, the first: an object without a proper username"
    ]


def test_no_more_items_are_read_than_asked_for():
    api = answering("following", {"data": [WREN, ROBIN, {"id": "nonsense"}]})

    assert [user.username for user in api.following("1", read=2).items] == ["wren", "robin"]


@pytest.mark.parametrize("name", ["following", "pinned_tweets_of_followed"])
def test_a_list_is_never_endless(name):
    data = [{**WREN, "pinned_tweet_id": "10"}] * 1_001

    page = call(name, {"data": data, "includes": {"tweets": [TWEET]}})

    assert len(page.items) == 1_000


# One for each way of reading: one thing, a list, what is pinned, the ids, oneself.
@pytest.mark.parametrize("name", ["user", "tweets", "spaces", "pinned_tweets_of_followed"])
def test_nonsense_is_unreadable(name):
    single = CALLS[name].single
    bodies = [{"data": thing if single else [thing]} for thing in NOT_THINGS]
    bodies += [] if single else [{"data": data} for data in NOT_LISTS]

    assert [refuses(call, name, body) for body in bodies] == [InvalidAnswer] * len(bodies)


def test_followed_people_without_an_id_are_unreadable():
    bodies = [{"data": [thing]} for thing in NOT_THINGS]

    assert [refuses(call, "spaces_of_followed", body) for body in bodies] == [InvalidAnswer] * 8


def test_a_single_thing_that_is_not_there_is_unreadable():
    bodies = [{}, {"data": None}, {"data": []}, {"meta": {"result_count": 0}}]

    refused = [refuses(call, name, body) for name in SINGLES for body in bodies]

    assert refused == [InvalidAnswer] * len(SINGLES) * len(bodies)


# Both spellings

CLASSIC = {
    "data": {
        "id": "10",
        "text": "cut…",
        "author_id": WREN["id"],
        "edit_history_tweet_ids": ["9", "10"],
        "note_tweet": {"text": "whole"},
        "referenced_tweets": [{"type": "quoted", "id": "8"}, {"type": "replied_to", "id": "7"}],
        "attachments": {"poll_ids": ["5"]},
        "public_metrics": {"retweet_count": 3, "like_count": 4},
    },
    "includes": {
        "users": [{**WREN, "pinned_tweet_id": "8", "public_metrics": {"tweet_count": 6}}],
        "tweets": [{"id": "8", "text": "quoted"}],
        "polls": [{"id": "5", "options": [{"label": "Ivy", "votes": 2}], "voting_status": "open"}],
    },
}
# X's specification of August 2026 (version 2.167).
RENAMES = {
    "edit_history_tweet_ids": "edit_history_post_ids",
    "note_tweet": "note_post",
    "pinned_tweet_id": "pinned_post_id",
    "referenced_tweets": "referenced_posts",
    "retweet_count": "repost_count",
    "tweet_count": "post_count",
    "tweets": "posts",
}


def renamed(body):
    text = json.dumps(body)
    for classic, name in RENAMES.items():
        assert f'"{classic}":' in text
        text = text.replace(f'"{classic}":', f'"{name}":')
    return json.loads(text)


@pytest.mark.parametrize("body", [CLASSIC, renamed(CLASSIC)], ids=["classic", "renamed"])
def test_both_spellings_are_read(body):
    (tweet,) = call("tweet", body).items

    assert (tweet.text.raw, tweet.quoted.text.raw) == ("whole", "quoted")
    assert (tweet.edited, tweet.is_reply, tweet.repost_count) == (True, True, 3)
    assert (tweet.author.tweet_count, tweet.author.pinned_tweet_id) == (6, "8")
    assert tweet.poll.options[0].label == "Ivy"


@pytest.mark.parametrize(
    "pinned, tweets", [("pinned_tweet_id", "tweets"), ("pinned_post_id", "posts")]
)
def test_pinned_tweets_are_found_in_both_spellings(pinned, tweets):
    page = call("pinned_tweets", {"data": {**WREN, pinned: "10"}, "includes": {tweets: [TWEET]}})

    assert [tweet.id for tweet in page.items] == ["10"]


# Spaces of followed people


def spaces_of_followed(following, spaces=None):
    """Return the page, and what was asked for besides the followed people."""
    source = Source({"/users/1/following": following, "/spaces/by/creator_ids": spaces})
    page = Api(source, LIVE).spaces_of_followed("1")
    return page, [request.params["user_ids"] for request in source.asked[1:]]


def test_spaces_of_followed_people_take_two_reads_today():
    page, asked = spaces_of_followed({"data": [WREN, ROBIN]}, {"data": [SPACE]})

    assert asked == [f"{WREN['id']},{ROBIN['id']}"]
    assert ([space.id for space in page.items], page.among) == ([SPACE["id"]], None)


def test_no_followed_people_cost_one_read():
    assert spaces_of_followed({"meta": {"result_count": 0}}) == (Page(), [])


@pytest.mark.parametrize("following", [{"data": [WREN]}, {"errors": [GONE]}])
def test_a_longer_list_of_follows_is_said_to_be_longer(following):
    page, _ = spaces_of_followed(following | {"meta": {"next_token": "n"}}, {"data": [SPACE]})

    assert page.among == 100


def test_no_more_than_a_hundred_creators_are_asked_for():
    people = [{**WREN, "id": str(one)} for one in range(1, 102)]

    _, asked = spaces_of_followed({"data": people}, {})

    assert asked[0].count(",") == 99


# Following


@pytest.mark.parametrize(
    "name, data, outcome",
    [
        ("follow", {"following": True, "pending_follow": False}, Following(following=True)),
        (
            "follow",
            {"following": False, "pending_follow": True},
            Following(following=False, pending=True),
        ),
        ("unfollow", {"following": False}, Following(following=False)),
    ],
    ids=["done", "asked first", "undone"],
)
def test_a_follow_says_what_became_of_it(name, data, outcome):
    assert call(name, {"data": data}) == outcome


@pytest.mark.parametrize("name", WRITES)
def test_a_follow_without_an_outcome_is_unreadable(name):
    bodies = [
        {},
        {"data": None},
        {"data": [True]},
        {"data": {}},
        {"data": {"following": "true"}},
        {"data": {"following": 1}},
        {"data": {"pending_follow": True}},
        {"errors": [{"title": "no"}]},
    ]

    assert [refuses(call, name, body) for body in bodies] == [InvalidAnswer] * len(bodies)


def test_a_page_is_frozen():
    page = Page()

    with pytest.raises(dataclasses.FrozenInstanceError):
        page.items = (1,)
