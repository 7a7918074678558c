"""Find people by username, id or link, and look at one of them."""

import pytest

from tests.dialects import BETA, LIVE, in_both_dialects
from tests.factories import user_answer
from tests.web.answers import (
    JAY,
    gone,
    hidden,
    missing_people,
    places,
    problem,
    reads,
    suspended,
)

USERS, USERS_BY, ROBIN_BY_ID = "/users", "/users/by", "/users/1002"

ROBIN = {
    "id": "1002",
    "username": "robin",
    "name": "Robin Redbreast",
    "description": "I was here first.",
    "location": "On the handle of your spade",
    "url": "https://t.co/robin",
    "entities": {
        "url": {
            "urls": [
                {
                    "start": 0,
                    "end": 18,
                    "url": "https://t.co/robin",
                    "expanded_url": "https://robin.example/garden",
                    "display_url": "robin.example/garden",
                }
            ]
        }
    },
    "created_at": "2015-03-01T10:00:00.000Z",
    "public_metrics": {"followers_count": 12345, "following_count": 1, "tweet_count": 7},
}
# Missing in the beta.
CONNECTED = ROBIN | {
    "profile_banner_url": "https://pbs.twimg.com/profile_banners/1002/1",
    "connection_status": ["followed_by"],
}
SONG = {"id": "20", "text": "Took my solo up a third", "author_id": "1002"}
NO_PERSON = "Not the username, the id or the link of a person:"


def stand(twitter, user=ROBIN, tweets=(SONG,)):
    """Let Twitter find Robin by name and by id, and tell of these Tweets."""
    dialect = twitter.dialect
    twitter.get(dialect.by_name("robin"), json=dialect.one(user))
    twitter.get(ROBIN_BY_ID, json={"data": user})
    # In the beta this is where the profile is.
    twitter.upsert("GET", dialect.tweets_of("1002"), json=dialect.their_tweets(*tweets, of=user))


def paths(twitter):
    return [one.url.split("?")[0].removeprefix(twitter.dialect.api_url) for one in reads(twitter)]


def look_for(client, typed):
    return client.get("/people", query_string={"who": typed})


# Many


def test_the_field_alone_asks_nothing(signed_in, twitter):
    page = signed_in.get("/people")

    assert page.status_code == 200
    assert 'name="who" value=""' in page.text
    assert reads(twitter) == []


def test_names_and_ids_are_read_side_by_side_and_shown_as_asked(signed_in, twitter):
    twitter.get(USERS_BY, json={"data": [ROBIN | {"connection_status": ["followed_by"]}]})
    twitter.get(USERS, json={"data": [JAY]})

    page = look_for(signed_in, "1003, @Robin https://x.com/robin").text

    asked = {path: one.params for path, one in zip(paths(twitter), reads(twitter), strict=True)}
    assert asked[USERS_BY]["usernames"] == "Robin"
    assert asked[USERS]["ids"] == "1003"
    assert len(reads(twitter)) == 2
    assert page.index('<bdi class="name">Jay') < page.index(ROBIN["name"])
    assert page.count("Robin Redbreast") == 1
    assert 'value="1003, @Robin https://x.com/robin"' in page
    assert "Follows you" in page
    assert 'aria-label="Follow @robin"' in page
    assert 'name="next" value="/people?who=' in page


def test_missing_people_keep_their_places(signed_in, twitter):
    problems = [gone("dodo"), suspended("Cuckoo")]
    twitter.get(USERS_BY, json={"data": [ROBIN], "errors": problems})
    twitter.get(USERS, json={"errors": [gone("404")]})

    page = look_for(signed_in, "@dodo robin, cuckoo, 404 @silent").text

    assert missing_people(page) == [
        ("@dodo", "There is no such account."),
        ("@cuckoo", "Twitter has suspended this account."),
        ("404", "There is no such account."),
        ("@silent", "Twitter says nothing about this account."),
    ]
    order = places(page, "@dodo</bdi>", "Robin Redbreast", "@cuckoo</bdi>")
    assert order == sorted(order)


def test_a_name_of_digits_is_not_taken_for_an_id(signed_in, twitter):
    twitter.get(USERS_BY, json={"data": [ROBIN | {"id": "12"}]})

    page = look_for(signed_in, "robin @12").text

    assert page.count("Robin Redbreast") == 1
    assert missing_people(page) == [("@12", "Twitter says nothing about this account.")]


def test_trouble_with_the_names_leaves_the_ids_alone(signed_in, twitter):
    twitter.get(USERS_BY, status=503)
    twitter.get(USERS, json={"data": [JAY]})

    page = look_for(signed_in, "robin, 1003").text

    assert "Twitter is not answering." in page
    assert '<bdi class="name">Jay' in page
    assert missing_people(page) == []


def test_people_found_before_are_shown_while_twitter_is_away(signed_in, twitter, clock):
    twitter.get(USERS_BY, json={"data": [ROBIN]})
    look_for(signed_in, "robin")
    clock.advance(minutes=5)
    twitter.upsert("GET", USERS_BY, status=503)

    page = look_for(signed_in, "robin").text

    assert "Twitter is not answering." in page
    assert "Robin Redbreast" in page


@pytest.mark.parametrize(
    "typed, sentence",
    [
        ("e-e", NO_PERSON),
        ("Robin Redbreast", "A username has no spaces. Put @ before each, or commas between."),
        (",", "Please type the username, the id or the link of at least one person."),
    ],
)
def test_invalid_input_stays_in_the_field_with_an_error(signed_in, twitter, typed, sentence):
    page = look_for(signed_in, typed)

    assert page.status_code == 400
    assert sentence in page.text
    assert f'name="who" value="{typed}"' in page.text
    assert 'aria-describedby="who-wrong" aria-invalid="true"' in page.text
    assert reads(twitter) == []


def test_the_form_leads_to_an_address_however_much_was_pasted(signed_in, twitter):
    links = [f"https://x.com/bird_{number:02}/with_replies?lang=en" for number in range(90)]

    answer = signed_in.press("/people", who="\r\n".join([*links, "1003"]))

    names = [f"@bird_{number:02}" for number in range(90)]
    assert (answer.status_code, answer.location) == (303, f"/people?who={','.join(names)},1003")
    assert reads(twitter) == []


def test_invalid_input_by_post_stays_with_an_error(signed_in, twitter):
    answer = signed_in.press("/people", who="e-e")

    assert answer.status_code == 400
    assert 'name="who" value="e-e"' in answer.text


def test_a_profile_by_id_is_called_by_its_username(signed_in, twitter):
    stand(twitter)

    assert "<title>@robin · " in signed_in.get("/people/id/1002").text


def test_people_can_be_refreshed(signed_in, twitter, clock):
    twitter.get(USERS_BY, json={"data": [ROBIN]})
    look_for(signed_in, "robin")
    clock.advance(seconds=10)

    answer = signed_in.press("/people?who=robin", refresh="names")

    assert (answer.status_code, answer.location) == (303, "/people?who=robin")
    assert len(reads(twitter)) == 2


def test_a_name_too_old_for_twitter_leads_to_the_profile_by_id(signed_in, twitter):
    twitter.get(USERS, json={"data": [ROBIN | {"username": "robin_of_sherwood"}]})

    page = look_for(signed_in, "1002").text

    assert "@robin_of_sherwood" in page
    assert 'class="quiet" href="/people/id/1002"' in page


# One


@in_both_dialects
@pytest.mark.parametrize("path", ["/people/robin", "/people/id/1002"])
def test_a_profile_shows_the_person_and_their_tweets(signed_in, twitter, dialect, path):
    stand(twitter)

    pages = [signed_in.get(path).text for _ in range(2)]  # and once from memory

    for page in pages:
        assert "I was here first." in page
        assert "On the handle of your spade" in page
        assert "<b>12.3K</b> followers" in page
        assert 'href="https://t.co/robin" rel="noopener noreferrer' in page
        assert ">robin.example/garden<" in page
        assert f'href="{dialect.home}/robin">View on Twitter' in page
        assert 'aria-label="Follow @robin"' in page
        # Only the beta does not say how the two stand; X leaves an empty answer out.
        assert ('aria-label="Unfollow @robin"' in page) == (dialect is BETA)
        assert "Took my solo up a third" in page
        title = {LIVE: "Tweets", BETA: "Pinned Tweet"}[dialect]
        assert f'<h2 id="tweets-title">{title}</h2>' in page
    profile = dialect.by_name("robin") if path == "/people/robin" else ROBIN_BY_ID
    assert sorted(paths(twitter)) == sorted([profile, dialect.tweets_of("1002")])


def test_a_profile_shows_banner_and_connection(signed_in, twitter):
    stand(twitter, CONNECTED)

    page = signed_in.get("/people/robin").text

    assert 'src="https://pbs.twimg.com/profile_banners/1002/1"' in page
    assert "Follows you" in page
    assert 'aria-label="Unfollow @robin"' not in page


@pytest.mark.parametrize("path", ["/people/robin", "/people/id/1002"])
def test_a_profile_leads_to_its_older_tweets(signed_in, twitter, path):
    stand(twitter)
    further = {"data": [SONG], "meta": {"next_token": "more"}}
    twitter.upsert("GET", LIVE.tweets_of("1002"), json=further)

    first = signed_in.get(path).text
    signed_in.get(f"{path}?page=2&token=more")

    assert f'href="{path}?page=2&amp;token=more"' in first
    calls = twitter.calls_to(LIVE.tweets_of("1002"))
    assert [call.request.params.get("pagination_token") for call in calls] == [None, "more"]


def test_protected_tweets_show_a_sentence(signed_in, twitter):
    stand(twitter, ROBIN | {"protected": True})
    twitter.upsert("GET", LIVE.tweets_of("1002"), json={"errors": [hidden("1002")]})

    page = signed_in.get("/people/robin").text

    assert "These Tweets are protected: only followers they have approved can read them." in page
    assert "Robin Redbreast" in page


@pytest.mark.parametrize(
    "error, sentence",
    [
        (gone("robin"), "There is no such account."),
        (suspended("robin"), "Twitter has suspended this account."),
        (problem("new"), "Twitter says nothing about this account."),
    ],
)
def test_a_missing_person_shows_the_reason(signed_in, twitter, error, sentence):
    twitter.get(LIVE.by_name("robin"), json={"errors": [error]})

    page = signed_in.get("/people/robin")

    assert page.status_code == 200
    assert missing_people(page.text) == [("@robin", sentence)]
    assert paths(twitter) == [LIVE.by_name("robin")]


def test_trouble_with_the_tweets_leaves_the_profile_alone(signed_in, twitter):
    stand(twitter)
    twitter.upsert("GET", LIVE.tweets_of("1002"), status=503)

    page = signed_in.get("/people/robin").text

    assert "I was here first." in page
    assert "Twitter is not answering." in page


def test_a_profile_error_appears_once(signed_in, twitter):
    twitter.get(LIVE.by_name("robin"), status=503)

    page = signed_in.get("/people/robin")

    assert page.status_code == 200
    assert page.text.count("Twitter is not answering.") == 1


def test_the_persons_own_profile_has_no_follow_button(signed_in, twitter):
    twitter.get("/users/1001", json=user_answer())
    twitter.get(LIVE.tweets, json=LIVE.their_tweets())

    page = signed_in.get("/people/id/1001").text

    assert "This is you" in page
    assert "Follow @" not in page


def test_impossible_names_and_ids_are_not_found(signed_in, twitter):
    names = ["no-name", "a" * 16, "robin%20", "@robin", "r%C3%B6bin", "%2e%2e"]
    ids = ["id/robin", "id/-1", "id/12345678901234567890", "id/1%2F2"]

    found = {path: signed_in.get(f"/people/{path}").status_code for path in (*names, *ids)}

    assert found == dict.fromkeys(found, 404)
    assert reads(twitter) == []


@in_both_dialects
def test_a_profile_without_tweets_says_so(signed_in, twitter, dialect):
    stand(twitter, tweets=())

    page = signed_in.get("/people/robin").text

    sentence = {LIVE: "No Tweets yet.", BETA: "No Tweet is pinned to this profile."}[dialect]
    assert sentence in page
