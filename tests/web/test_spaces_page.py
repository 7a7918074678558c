"""The Spaces pages: states and people, the list, and look-ups."""

import re

import pytest

from tests.dialects import LIVE, in_both_dialects
from tests.sections.spaces import LIVE_SPACE, PLANNED_SPACE, SPACE_ID
from tests.web.answers import (
    FOLLOWING,
    JAY,
    NOT_GRANTED,
    NOTHING,
    ROBIN,
    gone,
    hidden,
    missing_people,
    places,
    problem,
    reads,
    sign_in_without,
    stand,
    suspended,
)

BY_CREATORS = LIVE.spaces


def space(**changes):
    live = {
        "id": SPACE_ID,
        "state": "live",
        "title": "Dawn chorus",
        "creator_id": "1002",
        "host_ids": ["1002"],
        "speaker_ids": ["1002", "1003"],
        "participant_count": 7,
        "started_at": "2020-05-01T04:35:55.000Z",
    }
    return {key: value for key, value in (live | changes).items() if value is not None}


@pytest.fixture
def open_one(signed_in, twitter):
    """Open the page of a Space that Twitter answers for like this."""

    def open_it(body):
        twitter.get(f"/spaces/{SPACE_ID}", json={"includes": {"users": [ROBIN, JAY]}} | body)
        return signed_in.get(f"/spaces/{SPACE_ID}").text

    return open_it


# Spaces of followed people


@in_both_dialects
def test_spaces_are_listed_live_ones_first(signed_in, twitter, dialect):
    stand(twitter)

    page = signed_in.get("/spaces").text

    assert page.index("Dawn chorus") < page.index("Keeping acorns")
    assert re.search(rf'<a href="/spaces/{SPACE_ID}"><bdi>Dawn chorus</bdi></a>', page)
    assert "7 listening" in page
    assert "1 Sep 2030, 18:00 UTC" in page
    asked = {one.url.split("?")[0].removeprefix(dialect.api_url) for one in reads(twitter)}
    # Today it takes the follows to find them.
    assert asked == {dialect.spaces} | ({FOLLOWING} if dialect == LIVE else set())


@pytest.mark.parametrize("path", ["/", "/spaces"])
def test_planned_spaces_stand_in_the_order_of_their_start(signed_in, twitter, path):
    sooner = {**PLANNED_SPACE, "title": "Sooner", "scheduled_start": "2029-01-01T00:00:00Z"}
    some_day = {**PLANNED_SPACE, "title": "Some day", "scheduled_start": None}
    stand(twitter, spaces={"json": {"data": [some_day, PLANNED_SPACE, sooner]}})

    page = signed_in.get(path).text

    order = places(page, "Sooner", "Keeping acorns", "Some day")
    assert order == sorted(order)


@pytest.mark.parametrize("spaces", [{"json": {"data": [LIVE_SPACE | {"state": "ended"}]}}, NOTHING])
def test_spaces_that_are_over_are_not_listed(signed_in, twitter, spaces):
    stand(twitter, spaces=spaces)

    page, home = signed_in.get("/spaces").text, signed_in.get("/").text

    assert "Dawn chorus" not in page + home
    assert "None of the people you follow is in a Space right now." in page
    assert "None of the people you follow has planned a Space." in page
    assert "None of the people you follow is in a Space or has planned one." in home


def test_spaces_in_trouble_show_no_empty_panels(signed_in, twitter):
    stand(twitter, spaces={"status": 503})

    page = signed_in.get("/spaces").text

    assert "Twitter is not answering." in page
    assert "Live now" not in page


def test_old_spaces_are_shown_with_the_reason(signed_in, twitter, clock):
    stand(twitter)
    signed_in.get("/spaces")
    clock.advance(minutes=6)
    twitter.upsert("GET", BY_CREATORS, status=503)

    page = signed_in.get("/spaces").text

    assert "Until then, here is what we read 6 minutes ago." in page
    assert "Dawn chorus" in page


def test_spaces_name_the_limit_of_a_long_follow_list(signed_in, twitter):
    further = {"data": [ROBIN], "meta": {"next_token": "to-the-next-hundred"}}
    stand(twitter, following={"json": further}, spaces=NOTHING)

    spaces, home = signed_in.get("/spaces").text, signed_in.get("/").text

    assert "Spaces of the first 100 people that you follow" in spaces
    assert "None of these 100 people is in a Space right now." in spaces
    assert "None of these 100 people has planned a Space." in spaces
    assert "None of the first 100 people on your list is in a Space" in home
    assert "None of the people you follow" not in spaces + home


@pytest.mark.parametrize(
    "path, scope, ask",
    [
        ("/spaces", LIVE.read_spaces, "read_spaces"),
        ("/spaces", LIVE.read_follows, "read_follows"),
        (f"/spaces/{SPACE_ID}", LIVE.read_spaces, "read_spaces"),
    ],
)
def test_spaces_need_their_permissions(client, twitter, path, scope, ask):
    sign_in_without(client, twitter, scope)

    page = client.get(path).text

    assert f'name="ask" value="{ask}"' in page
    assert f'name="next" value="{path}"' in page


def test_spaces_ask_for_the_permission_that_twitter_misses(signed_in, twitter):
    stand(twitter, spaces=NOT_GRANTED)

    assert 'name="ask" value="read_spaces"' in signed_in.get("/spaces").text


# One Space


def test_a_live_space_shows_its_people_and_since_when(open_one):
    page = open_one({"data": space()})

    assert "<b>Live</b> since <time" in page
    assert ">1 May 2020, 04:35 UTC</time> · 7 listening" in page
    hosts, speakers = page.split("<h2>Speakers</h2>")
    assert hosts.count("Robin Redbreast") == 1
    assert "/people/id/1003" not in hosts
    assert "/people/id/1003" in speakers
    assert "Robin Redbreast" not in speakers
    assert f'href="{LIVE.home}/i/spaces/{SPACE_ID}"' in page


def test_a_planned_space_says_when_it_begins(open_one):
    start = "2030-09-01T18:00:00.000Z"
    without = dict.fromkeys(("started_at", "host_ids", "speaker_ids"))

    page = open_one({"data": space(state="scheduled", scheduled_start=start, **without)})

    assert "Planned for <time" in page
    assert ">1 Sep 2030, 18:00 UTC</time>" in page
    assert "Opened by" in page
    assert "Robin Redbreast" in page


def test_a_planned_space_may_have_no_time(open_one):
    page = open_one({"data": {"id": SPACE_ID, "state": "scheduled"}})

    assert re.search(r"Planned\s+</p>", page)
    assert re.search(r"<h1[^>]*>Space</h1>", page)


@pytest.mark.parametrize(
    "state, start, said",
    [
        ("canceled", "2020-11-20T18:00:00.000Z", "Cancelled"),
        ("canceled", "2030-11-20T18:00:00.000Z", "Cancelled"),
        ("canceled", None, "Cancelled"),
        ("paused_<b>", "2030-11-20T18:00:00.000Z", "<bdi>Paused_&lt;b&gt;</bdi>"),
        (
            "scheduled",
            "2020-11-20T18:00:00.000Z",
            "Was planned for 20 Nov 2020, 18:00 UTC and has not begun",
        ),
    ],
)
def test_a_space_is_planned_until_its_start(open_one, state, start, said):
    page = open_one({"data": {"id": SPACE_ID, "state": state, "scheduled_start": start}})

    first = re.search(r'<p class="quiet state">(.*?)</p>', page, re.DOTALL)[1]
    assert " ".join(re.sub("</?time[^>]*>", "", first).split()) == said
    assert "Planned" not in page


def test_the_title_of_a_space_is_that_of_its_tab_and_says_its_language(open_one):
    page = open_one({"data": space(title="Morgengesang", lang="de")})

    assert "<title>Morgengesang · Space · " in page
    assert '<bdi lang="de">Morgengesang</bdi>' in page


def test_a_space_that_is_over_says_from_when_to_when(open_one):
    over = {"ended_at": "2020-05-01T05:45:00.000Z", "scheduled_start": "2020-05-01T04:30:00.000Z"}

    page = open_one({"data": space(state="ended", **over)})

    assert re.search(r"Ended <time[^>]+>1 May 2020, 05:45 UTC</time> · 7 listened", page)
    assert re.search(r"Began <time[^>]+>1 May 2020, 04:35 UTC</time>", page)
    assert re.search(r"Was planned for <time[^>]+>1 May 2020, 04:30 UTC</time>", page)


@pytest.mark.parametrize(
    "error, sentence",
    [
        (gone(SPACE_ID), "This Space is gone: it ended long ago, or there never was one."),
        (hidden(SPACE_ID), "This Space is not open to you."),
        (suspended(SPACE_ID), "The account that opened this Space is suspended."),
        (problem("something-new", SPACE_ID), "Twitter does not show this Space to us."),
    ],
)
def test_a_missing_space_says_why(open_one, error, sentence):
    page = open_one({"errors": [error]})

    assert sentence in page
    assert f"Space {SPACE_ID}" in page


def test_an_impossible_id_is_not_found(signed_in, twitter):
    ids = ["1DXxyRYNejbKMM", "dawn-chorus", "..", "a%20b", "ä"]

    found = {space_id: signed_in.get(f"/spaces/{space_id}").status_code for space_id in ids}

    assert found == dict.fromkeys(ids, 404)
    assert reads(twitter) == []


# Looking up


def titled(space_id, state="live"):
    return {"id": space_id, "state": state, "title": f"Space number {space_id}"}


def test_spaces_are_looked_up_by_id_and_link(signed_in, twitter):
    body = {"data": [titled("1Bb", "ended"), titled("1Aa")], "errors": [gone("1Cc")]}
    twitter.get("/spaces", json=body)

    page = signed_in.get("/spaces/lookup?ids=1Aa,x.com/i/spaces/1Cc/peek+1Bb").text

    order = places(page, "Space number 1Aa", "This Space is gone", "Space number 1Bb")
    assert order == sorted(order)
    assert reads(twitter)[-1].params["ids"] == "1Aa,1Cc,1Bb"


def test_open_spaces_are_looked_up_by_creator(signed_in, twitter):
    both = {"data": [{**JAY, "username": "Jay"}, ROBIN]}
    body = {"data": [titled("1Aa", "scheduled"), titled("1Bb"), titled("1Cc", "ended")]}
    twitter.get("/users/by", json=both)
    twitter.get(BY_CREATORS, json=body)

    page = signed_in.get("/spaces/lookup?creators=1001,@robin,x.com/jay").text

    names, people = reads(twitter)
    assert page.index("Space number 1Bb") < page.index("Space number 1Aa")
    assert "Space number 1Cc" not in page
    assert names.params["usernames"] == "robin,jay"
    assert people.params["user_ids"] == "1001,1003,1002"


def test_missing_creators_stand_below_the_spaces_found(signed_in, twitter):
    twitter.get("/users/by", json={"data": [ROBIN], "errors": [gone("dodo")]})
    errors = [gone("5"), suspended("1002"), gone("77")]  # 77 was not asked for
    twitter.get(BY_CREATORS, json={"data": [titled("1Aa")], "errors": errors})

    page = signed_in.get("/spaces/lookup?creators=4,5,@Robin,dodo").text

    assert missing_people(page) == [
        ("@dodo", "There is no such account."),
        ("5", "There is no such account."),
        ("@robin", "Twitter has suspended this account."),
    ]
    assert page.index("Space number 1Aa") < page.index("@dodo</bdi>")
    assert "None of them" not in page


@pytest.mark.parametrize("creators, said", [("4,5", True), ("5", False)])
def test_only_existing_creators_count_as_without_a_space(signed_in, twitter, creators, said):
    twitter.get(BY_CREATORS, json={"errors": [gone("5")]})

    page = signed_in.get(f"/spaces/lookup?creators={creators}").text

    assert "There is no such account." in page
    assert ("None of them is in a Space or has planned one." in page) == said


def test_unknown_names_cost_no_read_of_spaces(signed_in, twitter):
    twitter.get("/users/by", json={"errors": [gone("dodo")]})

    page = signed_in.get("/spaces/lookup?creators=dodo").text

    assert "There is no such account." in page
    assert len(reads(twitter)) == 1


@pytest.mark.parametrize(
    "field, typed, query",
    [
        ("ids", "https://x.com/i/spaces/1Aa 1Bb", "ids=1Aa,1Bb"),
        ("creators", "robin\r\nx.com/Jay, 1001", "creators=@robin,@Jay,1001"),
    ],
)
def test_the_forms_for_spaces_lead_to_an_address(signed_in, field, typed, query):
    answer = signed_in.press("/spaces/lookup", **{field: typed})

    assert (answer.status_code, answer.location) == (303, f"/spaces/lookup?{query}")
