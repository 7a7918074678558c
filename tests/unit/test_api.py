"""The API, both dialects, against `responses` standing at Twitter's real addresses."""

import dataclasses
import json
from urllib.parse import parse_qsl, urlsplit

import pytest
import responses

from app.twitter import endpoints
from app.twitter.api import Api, ApiRequest, Document, Following, Page
from app.twitter.budget import Budget
from app.twitter.client import Client, Direct
from app.twitter.dialect import BETA, LIVE
from app.twitter.entities import User
from app.twitter.errors import Unreadable
from app.twitter.problems import Problem
from app.twitter.transport import Transport
from tests.unit.calls import CALLS, LISTS, PAGED, READS, SINGLES, THING, WRITES

TOKEN = "made-up-access-token"
WREN = {"id": "2244994945", "username": "wren", "name": "Wren"}
ROBIN = {"id": "6253282", "username": "robin", "name": "Robin"}
TWEET = {"id": "10", "text": "Hello", "author_id": WREN["id"]}
SPACE = {"id": "1DXxyRYNejbKM", "state": "live", "host_ids": [WREN["id"]]}
GONE = {
    "value": "10",
    "detail": "Could not find user with ids: [10].",
    "title": "Not Found Error",
    "resource_type": "user",
    "parameter": "ids",
    "resource_id": "10",
    "type": "https://api.twitter.com/2/problems/resource-not-found",
}

# What may be asked for (X docs, data dictionary; classic names).
DOCUMENTED = {
    "user.fields": """
        profile_image_url description created_at public_metrics verified verified_type protected
        location url entities pinned_tweet_id profile_banner_url connection_status withheld
    """,
    "tweet.fields": """
        author_id created_at entities public_metrics attachments referenced_tweets note_tweet
        edit_controls edit_history_tweet_ids conversation_id lang possibly_sensitive
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
    "connection_status",
    "edit_controls",
    "edit_history_tweet_ids",
    "ended_at",
    "note_tweet",
    "profile_banner_url",
    "referenced_tweets.id.attachments.media_keys",
    "verified_type",
}

NONSENSE_WITH_AN_ID = {"data": [{"id": "1", "text": [], "username": [], "name": [], "state": []}]}
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
    NONSENSE_WITH_AN_ID,
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
PAGES = [name for name in READS if name != "me"]

NOT_IDS = ["", "a", "1/../2", "me", "-1", "1" * 20, "1?x=1", "1&a=b", "1\n", "١", "1,2", " 1"]
NOT_USERNAMES = ["", "a b", "@wren", "../me", "wren?x=1", "wrén", "wren,robin", "wren\n", "x" * 16]
NOT_SPACE_IDS = ["", "1_a", "-1", "1" * 14, "1a/buyers", "1a?x=1", "1ä", "1a\n", "1a,1b"]

either_dialect = pytest.mark.parametrize(
    "dialect", [LIVE, BETA], ids=[LIVE.name, BETA.name], indirect=True
)


@pytest.fixture
def twitter():
    with responses.RequestsMock() as standing:
        yield standing


# Made once: reading the machine's certificates takes a while.
@pytest.fixture(scope="module")
def transport():
    return Transport(slots=2, user_agent="test")


@pytest.fixture
def dialect(request):
    return getattr(request, "param", LIVE)


@pytest.fixture
def api(transport, dialect):
    client = Client(transport, api_url=dialect.api_url)
    return Api(Direct(client=client, access_token=TOKEN, budget=Budget()), dialect)


@pytest.fixture
def answer(twitter, dialect):
    """Let Twitter answer the first request of a call, by the name of the call."""

    def stand(name, body):
        path, _, _ = CALLS[name].asks(dialect)
        twitter.add(CALLS[name].method, dialect.api_url + path, json=body)

    return stand


def sent(twitter, index=-1):
    """What was asked for, as it stands in the URL."""
    query = parse_qsl(urlsplit(twitter.calls[index].request.url).query, strict_parsing=True)
    assert len(dict(query)) == len(query)  # no name twice
    return dict(query)


def found(name, dialect=LIVE):
    """An answer with one thing that the call of this name can read."""
    return {
        "data": THING if CALLS[name].is_single(dialect) else [THING],
        "includes": {"tweets": [TWEET], "users": [WREN]},
    }


def enough(name, dialect=LIVE):
    """The shortest answer that ends the call of this name at once."""
    return found(name, dialect) if CALLS[name].is_single(dialect) else {}


# What is asked


def test_every_method_has_its_call():
    methods = {name for name in vars(Api) if not name.startswith("_")}

    assert methods == CALLS.keys()


@either_dialect
@pytest.mark.parametrize("name", READS)
def test_a_read_asks_for_what_it_needs_and_nothing_else(twitter, api, dialect, answer, name):
    path, own, fields = CALLS[name].asks(dialect)
    answer(name, enough(name, dialect))

    CALLS[name].make(api)

    query = sent(twitter)
    assert urlsplit(twitter.calls[0].request.url)._replace(query="").geturl() == (
        dialect.api_url + path
    )
    assert query.keys() == own.keys() | fields
    assert {parameter: query[parameter] for parameter in own} == own


@either_dialect
@pytest.mark.parametrize("name", READS)
def test_every_field_is_documented_and_asked_for_once(twitter, api, dialect, answer, name):
    _, _, fields = CALLS[name].asks(dialect)
    answer(name, enough(name, dialect))

    CALLS[name].make(api)

    for parameter in fields:
        names = sent(twitter)[parameter].split(",")
        assert len(set(names)) == len(names)
        assert set(names) <= set(DOCUMENTED[parameter].split())
        if dialect is BETA:
            assert not set(names) & YOUNGER_THAN_THE_BETA


@pytest.mark.parametrize(
    "name, parameter, expected",
    [
        ("user", "user.fields", "connection_status profile_banner_url protected entities"),
        ("tweet", "tweet.fields", "note_tweet edit_history_tweet_ids entities attachments"),
        ("tweet", "expansions", "referenced_tweets.id.attachments.media_keys attachments.poll_ids"),
        ("tweet", "media.fields", "alt_text preview_image_url"),
        ("tweet", "poll.fields", "end_datetime voting_status"),
        ("space", "space.fields", "ended_at title participant_count"),
        ("space", "expansions", "creator_id host_ids speaker_ids"),
        ("pinned_tweets", "expansions", "pinned_tweet_id"),
    ],
)
def test_what_pages_show_is_asked_for(twitter, api, answer, name, parameter, expected):
    answer(name, found(name))

    CALLS[name].make(api)

    assert set(expected.split()) <= set(sent(twitter)[parameter].split(","))


@either_dialect
@pytest.mark.parametrize("name", CALLS)
def test_the_token_is_sent_in_its_header_only(twitter, api, dialect, answer, name):
    answer(name, {"data": {"following": True}} if name in WRITES else enough(name, dialect))

    CALLS[name].make(api)

    request = twitter.calls[0].request
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert TOKEN not in request.url
    assert TOKEN not in str(request.body)


@either_dialect
@pytest.mark.parametrize("name", PAGED)
def test_a_page_token_is_passed_on(twitter, api, answer, name):
    answer(name, {})

    getattr(api, name)("1", max_results=5, page_token="7140dibdnow9c7btw4+/=")

    assert sent(twitter)["pagination_token"] == "7140dibdnow9c7btw4+/="
    assert sent(twitter)["max_results"] == "5"


@pytest.mark.parametrize("junk", ["", " ", "a b", "a\n", "\x00", "é", "x" * 401])
@pytest.mark.parametrize("name", PAGED)
def test_a_page_token_that_cannot_be_one_leads_to_the_first_page(twitter, api, answer, name, junk):
    answer(name, {})

    getattr(api, name)("1", page_token=junk)

    assert "pagination_token" not in sent(twitter)


def test_what_is_asked_for_twice_is_sent_once(twitter, api, answer):
    answer("tweets", {})

    api.tweets(["10", "11", "10"])

    assert sent(twitter)["ids"] == "10,11"


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


@dataclasses.dataclass
class Memory:
    """A source that remembers one document, and what was made of it."""

    json: dict
    made: dict = dataclasses.field(default_factory=dict)

    def answer(self, request):
        return Document(self.json, self.made)


@pytest.mark.parametrize(
    "data, read",
    [
        (WREN, lambda api: api.user("1")),
        ([WREN, ROBIN], lambda api: api.following("1")),
        ([TWEET], lambda api: api.user_tweets("1")),
    ],
)
def test_what_is_remembered_is_read_once(data, read):
    api = Api(Memory({"data": data}), LIVE)

    first, again = read(api), read(api)

    assert first.items
    assert again is first


def test_what_is_remembered_can_be_read_in_several_ways():
    api = Api(Memory({"data": [WREN, ROBIN]}), LIVE)

    few, many = api.following("1", read=1), api.following("1")

    assert [len(page.items) for page in (few, many)] == [1, 2]


def test_what_was_made_of_one_answer_is_not_found_beside_another():
    hers, his = Memory({"data": [WREN]}), Memory({"data": [ROBIN]})

    names = [Api(memory, LIVE).following("1").items[0].username for memory in (hers, his, hers)]

    assert names == ["wren", "robin", "wren"]


def test_what_cannot_be_read_is_not_kept():
    memory = Memory({"data": [{}]})

    for _ in range(2):
        with pytest.raises(Unreadable):
            Api(memory, LIVE).following("1")

    assert memory.made == {}


# What never leaves the house


@either_dialect
@pytest.mark.parametrize("bad", NOT_IDS)
@pytest.mark.parametrize(
    "method",
    [
        "user",
        "tweet",
        "user_tweets",
        "pinned_tweets",
        "pinned_tweets_of_followed",
        "following",
        "followers",
        "spaces_of_followed",
    ],
)
def test_what_is_no_id_never_enters_a_path(api, method, bad):
    with pytest.raises(ValueError, match="neither an id"):
        getattr(api, method)(bad)


@either_dialect
@pytest.mark.parametrize("bad", NOT_IDS)
@pytest.mark.parametrize("method", ["follow", "unfollow"])
def test_nobody_follows_what_is_no_id(api, method, bad):
    for ids in [(bad, "1"), ("1", bad)]:
        with pytest.raises(ValueError, match="neither an id"):
            getattr(api, method)(*ids)


@either_dialect
@pytest.mark.parametrize("bad", NOT_IDS)
@pytest.mark.parametrize("method", ["users", "tweets", "spaces_by_creators"])
def test_what_is_no_id_never_enters_a_list_of_ids(api, method, bad):
    with pytest.raises(ValueError, match="neither an id"):
        getattr(api, method)(["1", bad])


@either_dialect
@pytest.mark.parametrize("bad", NOT_USERNAMES)
def test_what_is_no_username_is_not_asked_for(api, bad):
    with pytest.raises(ValueError, match="nor a name"):
        api.user_by_username(bad)
    with pytest.raises(ValueError, match="nor a name"):
        api.users_by_usernames(["wren", bad])


@either_dialect
@pytest.mark.parametrize("bad", NOT_SPACE_IDS)
def test_what_is_no_space_is_not_asked_for(api, bad):
    with pytest.raises(ValueError, match="neither an id"):
        api.space(bad)
    with pytest.raises(ValueError, match="neither an id"):
        api.spaces(["1a", bad])


@either_dialect
@pytest.mark.parametrize("count", [0, 101, 10_000])
@pytest.mark.parametrize(
    "method", ["users", "users_by_usernames", "tweets", "spaces", "spaces_by_creators"]
)
def test_one_look_up_is_for_one_to_a_hundred(api, method, count):
    with pytest.raises(ValueError, match="1 to 100"):
        getattr(api, method)([str(number) for number in range(count)])


@either_dialect
@pytest.mark.parametrize(
    "name", ["users", "users_by_usernames", "tweets", "spaces", "spaces_by_creators"]
)
def test_a_hundred_at_once_are_fine(twitter, api, answer, name):
    answer(name, {})

    getattr(api, name)([str(number) for number in range(100)])

    assert any(value.count(",") == 99 for value in sent(twitter).values())


# What comes back


@either_dialect
def test_me_is_who_the_token_belongs_to(api, answer):
    answer("me", {"data": {**WREN, "protected": True}})

    user = api.me()

    assert (user.id, user.username, user.protected) == (WREN["id"], "wren", True)


@either_dialect
def test_one_person_is_found_by_id_and_by_username(twitter, api, dialect, answer):
    answer("user", {"data": WREN})
    answer("user_by_username", {"data": [WREN] if dialect is BETA else WREN})

    wren = User.from_json(WREN)

    assert api.user("1") == Page(items=(wren,))
    assert api.user_by_username("wren") == Page(items=(wren,))


@either_dialect
@pytest.mark.parametrize("name", ["users", "users_by_usernames", "following", "followers"])
def test_people_stay_in_twitters_order(api, answer, name):
    answer(name, {"data": [ROBIN, WREN], "meta": {"result_count": 2}})

    page = CALLS[name].make(api)

    assert [user.username for user in page.items] == ["robin", "wren"]


@either_dialect
@pytest.mark.parametrize("name", ["tweet", "tweets", "user_tweets"])
def test_tweets_come_with_their_authors(api, answer, name):
    data = TWEET if name in SINGLES else [TWEET]
    answer(name, {"data": data, "includes": {"users": [ROBIN, WREN]}})

    page = CALLS[name].make(api)

    assert [(tweet.id, tweet.author.username) for tweet in page.items] == [("10", "wren")]


@either_dialect
@pytest.mark.parametrize("name", ["space", "spaces", "spaces_by_creators"])
def test_spaces_come_with_their_people(api, answer, name):
    data = SPACE if name in SINGLES else [SPACE]
    answer(name, {"data": data, "includes": {"users": [WREN]}, "meta": {"result_count": 1}})

    page = CALLS[name].make(api)

    assert [space.id for space in page.items] == [SPACE["id"]]
    assert page.items[0].hosts[0].username == "wren"


@either_dialect
@pytest.mark.parametrize("name", ["pinned_tweets", "pinned_tweets_of_followed"])
def test_a_pinned_tweet_comes_with_its_author(api, answer, name):
    data = {**WREN, "pinned_tweet_id": "10"}
    answer(
        name,
        {
            "data": data if name in SINGLES else [ROBIN, data],
            "includes": {"tweets": [{"id": "10", "text": "Hello"}]},
        },
    )

    page = CALLS[name].make(api)

    assert [(tweet.id, tweet.author.username) for tweet in page.items] == [("10", "wren")]


@either_dialect
def test_a_pinned_tweet_that_is_gone_leaves_its_problem(api, answer):
    gone = {"type": "a/problems/resource-not-found", "resource_id": "10", "title": "Not Found"}
    answer("pinned_tweets", {"data": {**WREN, "pinned_tweet_id": "10"}, "errors": [gone]})

    page = api.pinned_tweets("1")

    assert page == Page(problems=(Problem(missing="gone", asked="10"),))


@pytest.mark.parametrize("name", PAGED)
def test_pages_lead_both_ways(api, answer, name):
    answer(name, {"meta": {"result_count": 0, "next_token": "n", "previous_token": "p"}})

    page = CALLS[name].make(api)

    assert (page.next_token, page.previous_token) == ("n", "p")


@pytest.mark.parametrize("junk", [None, 7, "", " ", "a b", "\n", "é", "x" * 401, ["n"], {}])
def test_a_junk_token_leads_nowhere(api, answer, junk):
    answer("following", {"data": [WREN], "meta": {"next_token": junk, "previous_token": junk}})

    page = api.following("1")

    assert (page.next_token, page.previous_token) == (None, None)


@either_dialect
@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("body", HARMLESS)
def test_a_list_without_data_is_empty(api, answer, name, body):
    answer(name, body)

    page = CALLS[name].make(api)

    assert page == Page()


@either_dialect
@pytest.mark.parametrize("name", PAGES)
def test_an_answer_with_nothing_but_errors_is_an_empty_page(api, answer, name):
    answer(name, {"errors": [GONE]})

    page = CALLS[name].make(api)

    assert page == Page(problems=(Problem(missing="gone", asked="10"),))


@either_dialect
@pytest.mark.parametrize("name", [name for name in PAGES if name != "spaces_of_followed"])
def test_partial_errors_stand_beside_what_was_found(api, dialect, answer, name):
    hidden = {"resource_id": "77", "type": "a/problems/not-authorized-for-resource"}
    answer(name, found(name, dialect) | {"errors": [GONE, hidden, hidden]})

    page = CALLS[name].make(api)

    assert len(page.items) == 1
    assert page.problems == (
        Problem(missing="gone", asked="10"),
        Problem(missing="protected", asked="77"),
    )


@either_dialect
def test_somebody_who_is_gone_cannot_be_me(api, answer):
    answer("me", {"errors": [GONE]})

    with pytest.raises(Unreadable):
        api.me()


def test_one_odd_item_does_not_take_the_others_along(api, answer, caplog):
    answer("following", {"data": [{"id": "<b>"}, WREN]})

    page = api.following("1")

    assert [user.username for user in page.items] == ["wren"]
    assert "<b>" not in caplog.text


def test_many_odd_items_are_one_line_in_the_log(api, answer, caplog):
    answer("following", {"data": [WREN] + [{}] * 500})

    api.following("1")

    assert [record.getMessage() for record in caplog.records] == [
        "500 items of a list make no sense, the first: an object without a proper username"
    ]


def test_who_shows_a_few_reads_a_few(api, answer):
    answer("following", {"data": [WREN, ROBIN, {"id": "nonsense"}]})

    assert [user.username for user in api.following("1", read=2).items] == ["wren", "robin"]


def test_a_list_is_never_endless(api, answer):
    answer("following", {"data": [WREN] * 1_001})

    assert len(api.following("1").items) == 1_000


@either_dialect
@pytest.mark.parametrize("body", NONSENSE)
@pytest.mark.parametrize("name", READS)
def test_nonsense_is_unreadable(api, dialect, answer, name, body):
    if name == "spaces_of_followed" and dialect is LIVE and body == NONSENSE_WITH_AN_ID:
        pytest.skip("of the people somebody follows, only the ids are read")
    # One thing where one was asked for.
    if CALLS[name].is_single(dialect) and isinstance(body, dict) and isinstance(body["data"], list):
        body = {"data": body["data"][0]}
    answer(name, body)

    with pytest.raises(Unreadable):
        CALLS[name].make(api)


@pytest.mark.parametrize("body", [{}, {"data": None}, {"data": []}, {"meta": {"result_count": 0}}])
@pytest.mark.parametrize("name", SINGLES)
def test_nothing_at_all_is_no_answer_to_who_or_what(api, answer, name, body):
    answer(name, body)

    with pytest.raises(Unreadable):
        CALLS[name].make(api)


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
def test_both_spellings_are_read(api, answer, body):
    answer("tweet", body)

    (tweet,) = api.tweet("10").items

    assert (tweet.text.raw, tweet.quoted.text.raw) == ("whole", "quoted")
    assert (tweet.edited, tweet.is_reply, tweet.repost_count) == (True, True, 3)
    assert (tweet.author.tweet_count, tweet.author.pinned_tweet_id) == (6, "8")
    assert tweet.poll.options[0].label == "Ivy"


@pytest.mark.parametrize("tweets", ["tweets", "posts"])
@pytest.mark.parametrize("pinned", ["pinned_tweet_id", "pinned_post_id"])
def test_pinned_tweets_are_found_in_both_spellings(api, answer, pinned, tweets):
    answer("pinned_tweets", {"data": {**WREN, pinned: "10"}, "includes": {tweets: [TWEET]}})

    assert [tweet.id for tweet in api.pinned_tweets("1").items] == ["10"]


# Spaces of followed people


def test_spaces_of_followed_people_take_two_reads_today(twitter, api, answer):
    answer("spaces_of_followed", {"data": [WREN, ROBIN]})
    answer("spaces_by_creators", {"data": [SPACE]})

    page = api.spaces_of_followed("1")

    assert sent(twitter)["user_ids"] == f"{WREN['id']},{ROBIN['id']}"
    assert len(page.items) == 1


def test_who_follows_nobody_costs_one_read(twitter, api, answer):
    answer("spaces_of_followed", {"meta": {"result_count": 0}})

    page = api.spaces_of_followed("1")

    assert page == Page()
    assert len(twitter.calls) == 1


@pytest.mark.parametrize("spaces", [{}, {"data": [SPACE]}])
def test_a_longer_list_of_follows_is_said_to_be_longer(api, answer, spaces):
    answer("spaces_of_followed", {"data": [WREN], "meta": {"next_token": "n"}})
    answer("spaces_by_creators", spaces)

    assert api.spaces_of_followed("1").among == 100


def test_a_longer_list_that_begins_with_nobody_is_longer_too(api, answer):
    answer("spaces_of_followed", {"errors": [GONE], "meta": {"next_token": "n"}})

    assert api.spaces_of_followed("1").among == 100


def test_a_whole_list_of_follows_is_not_said_to_be_longer(api, answer):
    answer("spaces_of_followed", {"data": [WREN], "meta": {"result_count": 1}})
    answer("spaces_by_creators", {})

    assert api.spaces_of_followed("1").among is None


def test_no_more_than_a_hundred_creators_are_asked_for(twitter, api, answer):
    answer("spaces_of_followed", {"data": [{**WREN, "id": str(one)} for one in range(1, 102)]})
    answer("spaces_by_creators", {})

    api.spaces_of_followed("1")

    assert sent(twitter)["user_ids"].count(",") == 99


@pytest.mark.parametrize("dialect", [BETA], indirect=True)
def test_the_beta_has_spaces_of_followed_people_in_one_read(twitter, api, answer):
    answer("spaces_of_followed", {"data": [SPACE]})

    page = api.spaces_of_followed("1")

    assert [space.id for space in page.items] == [SPACE["id"]]
    assert len(twitter.calls) == 1


# Following


@either_dialect
def test_to_follow_is_to_post_whom(twitter, api, answer):
    answer("follow", {"data": {"following": True, "pending_follow": False}})

    outcome = api.follow("1", "2")

    assert outcome == Following(following=True)
    request = twitter.calls[0].request
    assert json.loads(request.body) == {"target_user_id": "2"}
    assert request.headers["Content-Type"] == "application/json"


@either_dialect
def test_a_protected_account_is_asked_first(api, answer):
    answer("follow", {"data": {"following": False, "pending_follow": True}})

    assert api.follow("1", "2") == Following(following=False, pending=True)


@either_dialect
def test_to_unfollow_sends_no_body(twitter, api, answer):
    answer("unfollow", {"data": {"following": False}})

    outcome = api.unfollow("1", "2")

    assert outcome == Following(following=False)
    assert twitter.calls[0].request.body is None


@either_dialect
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"data": None},
        {"data": [True]},
        {"data": {}},
        {"data": {"following": "true"}},
        {"data": {"following": 1}},
        {"data": {"pending_follow": True}},
        {"errors": [{"title": "no"}]},
    ],
)
@pytest.mark.parametrize("name", WRITES)
def test_a_follow_that_nothing_is_said_about_is_unreadable(api, answer, name, body):
    answer(name, body)

    with pytest.raises(Unreadable):
        CALLS[name].make(api)


def test_a_page_is_frozen():
    page = Page()

    with pytest.raises(dataclasses.FrozenInstanceError):
        page.items = (1,)
