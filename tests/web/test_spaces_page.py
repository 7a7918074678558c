"""The pages of Spaces: those of people one follows, and one of any state."""

import re

import pytest

from tests.factories import ME_PATH, TOKEN_PATH, token_answer, user_answer

ME = "1001"
SPACE_ID = "1DXxyRYNejbKM"
PROBLEMS = "https://api.twitter.com/2/problems"

ROBIN = {"id": "1002", "username": "robin", "name": "Robin Redbreast"}
JAY = {"id": "1003", "username": "jay", "name": "Jay"}


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


def answer_of(*spaces):
    return {"data": list(spaces), "includes": {"users": [ROBIN, JAY]}}


@pytest.fixture
def open_one(signed_in, twitter):
    """Open the page of a Space that Twitter answers for like this."""

    def open_it(body):
        twitter.get(f"/spaces/{SPACE_ID}", json=body)
        return signed_in.get(f"/spaces/{SPACE_ID}").text

    return open_it


# Those of people one follows


def stand(twitter, **answer):
    # Today it takes the follows to find them.
    twitter.get(f"/users/{ME}/following", json={"data": [ROBIN]})
    twitter.get(twitter.dialect.spaces, **answer)


def test_spaces_lead_to_their_pages(signed_in, twitter):
    stand(twitter, json=answer_of(space()))

    page = signed_in.get("/spaces").text

    assert re.search(rf'<a href="/spaces/{SPACE_ID}"><bdi>Dawn chorus</bdi></a>', page)
    assert "7 listening" in page
    assert "Updated <time" in page


def test_old_spaces_are_shown_with_the_reason(signed_in, twitter, clock):
    stand(twitter, json=answer_of(space()))
    signed_in.get("/spaces")
    clock.advance(minutes=6)
    twitter.reset()
    stand(twitter, status=503)

    page = signed_in.get("/spaces").text

    assert "Twitter is not answering." in page
    assert "Until then, here is what we read 6 minutes ago." in page
    assert "Dawn chorus" in page


def test_spaces_in_trouble_show_no_empty_panels(signed_in, twitter):
    stand(twitter, status=503)

    page = signed_in.get("/spaces").text

    assert "Twitter is not answering." in page
    assert "Live now" not in page


def test_a_list_of_follows_that_goes_on_is_said_to_go_on(signed_in, twitter):
    further = {"data": [ROBIN], "meta": {"next_token": "to-the-next-hundred"}}
    twitter.get(f"/users/{ME}/following", json=further)
    twitter.get(twitter.dialect.spaces, json={"meta": {"result_count": 0}})

    spaces, home = signed_in.get("/spaces").text, signed_in.get("/").text

    assert "Spaces of the first 100 people on your list of follows" in spaces
    assert "None of these 100 people is in a Space right now." in spaces
    assert "None of these 100 people has planned a Space." in spaces
    assert "None of the first 100 people on your list is in a Space" in home
    assert "Nobody you follow" not in spaces + home


# One Space


def test_a_live_space_shows_its_people_and_since_when(open_one):
    page = open_one({"data": space(), "includes": {"users": [ROBIN, JAY]}})

    assert "<b>Live</b> since <time" in page
    assert ">1 May 2020, 04:35 UTC</time> · 7 listening" in page
    hosts, speakers = page.split("<h2>Speakers</h2>")
    assert "Robin Redbreast" in hosts
    assert "Jay" not in hosts
    assert "Jay" in speakers
    assert page.count("<h1") == 1


def test_hosts_are_not_listed_again_among_the_speakers(open_one):
    both = space(speaker_ids=["1002", "1003"])

    page = open_one({"data": both, "includes": {"users": [ROBIN, JAY]}})

    assert page.count("Robin Redbreast") == 1
    assert "Jay" in page.split("<h2>Speakers</h2>")[1]


def test_a_planned_space_says_when_it_begins(open_one):
    planned = space(
        state="scheduled",
        started_at=None,
        scheduled_start="2030-09-01T18:00:00.000Z",
        host_ids=None,
        speaker_ids=None,
    )

    page = open_one({"data": planned, "includes": {"users": [ROBIN]}})

    assert "Planned for <time" in page
    assert ">1 Sep 2030, 18:00 UTC</time>" in page
    assert "Opened by" in page
    assert "Robin Redbreast" in page


def test_a_planned_space_may_have_no_time(open_one):
    page = open_one({"data": {"id": SPACE_ID, "state": "scheduled"}})

    assert re.search(r"Planned\s+</p>", page)
    assert re.search(r"<h1[^>]*>Space</h1>", page)


def test_a_space_that_is_over_says_from_when_to_when(open_one):
    over = space(
        state="ended",
        ended_at="2020-05-01T05:45:00.000Z",
        scheduled_start="2020-05-01T04:30:00.000Z",
    )

    page = open_one({"data": over})

    assert re.search(r"Ended <time[^>]+>1 May 2020, 05:45 UTC</time> · 7 listened", page)
    assert re.search(r"Began <time[^>]+>1 May 2020, 04:35 UTC</time>", page)
    assert re.search(r"Was planned for <time[^>]+>1 May 2020, 04:30 UTC</time>", page)


@pytest.mark.parametrize(
    "kind, detail, sentence",
    [
        (
            "resource-not-found",
            "",
            "This Space is gone: it ended long ago, or there never was one.",
        ),
        ("not-authorized-for-resource", "", "This Space is not open to you."),
        (
            "resource-not-found",
            "User has been suspended: [1002].",
            "The account that opened this Space is suspended.",
        ),
        ("something-new", "", "Twitter does not show this Space to us."),
    ],
)
def test_a_missing_space_says_why(open_one, kind, detail, sentence):
    error = {"type": f"{PROBLEMS}/{kind}", "detail": detail, "value": SPACE_ID, "parameter": "id"}

    page = open_one({"errors": [error]})

    assert sentence in page
    assert f"Space {SPACE_ID}" in page


@pytest.mark.parametrize("space_id", ["1DXxyRYNejbKMM", "dawn-chorus", "..", "a%20b", "ä"])
def test_what_is_no_id_is_no_page(signed_in, twitter, space_id):
    before = len(twitter.calls)

    answer = signed_in.get(f"/spaces/{space_id}")

    assert answer.status_code == 404
    assert len(twitter.calls) == before


def test_a_space_leads_to_twitter(open_one, dialect):
    page = open_one({"data": space()})

    assert f'href="{dialect.home}/i/spaces/{SPACE_ID}"' in page


def test_a_hostile_title_is_only_text(open_one):
    page = open_one({"data": space(title="</h1><script>alert(1)</script>\u202eevil")})

    assert "<script>" not in page
    assert re.search(r"<h1[^>]*><bdi>&lt;/h1&gt;&lt;script&gt;", page)


def test_a_space_needs_its_permission(client, twitter):
    twitter.post(TOKEN_PATH, json=token_answer(scope="tweet.read users.read"))
    twitter.get(ME_PATH, json=user_answer())
    client.sign_in()

    page = client.get(f"/spaces/{SPACE_ID}").text

    assert 'name="ask" value="read_spaces"' in page
    assert f'name="next" value="/spaces/{SPACE_ID}"' in page
