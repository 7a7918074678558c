"""Find people by username, id or link, and look at one of them."""

import re

import pytest

from tests.dialects import BETA, LIVE, in_the_beta
from tests.factories import user_answer

USERS, USERS_BY, ROBIN_BY_ID = "/users", "/users/by", "/users/1002"

NOT_FOUND = "https://api.x.com/2/problems/resource-not-found"
NOT_AUTHORIZED = "https://api.x.com/2/problems/not-authorized-for-resource"
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
# What the beta does not tell.
CONNECTED = ROBIN | {
    "profile_banner_url": "https://pbs.twimg.com/profile_banners/1002/1",
    "connection_status": ["followed_by"],
}
JAY = {"id": "1003", "username": "jay", "name": "Jay"}
SONG = {"id": "20", "text": "Took my solo up a third", "author_id": "1002"}


def gone(asked, by):
    return {
        "type": NOT_FOUND,
        "title": "Not Found Error",
        "detail": f"Could not find user with {by}: [{asked}].",
        "parameter": by,
        "resource_type": "user",
        "value": asked,
    }


def suspended(asked, by):
    return gone(asked, by) | {"detail": f"User has been suspended: [{asked}]."}


@pytest.fixture
def wren(signed_in):
    return signed_in


def stand(twitter, user=ROBIN, tweets=(SONG,)):
    """Let Twitter find Robin by name, and tell of these Tweets."""
    dialect = twitter.dialect
    twitter.get(dialect.by_name("robin"), json=dialect.one(user))
    twitter.get(dialect.tweets_of("1002"), json=dialect.their_tweets(*tweets, of=user))


def reads(twitter):
    """Every read after the sign-in: its path and what it asks for."""
    api = twitter.dialect.api_url
    return [
        (call.request.url.split("?")[0].removeprefix(api), call.request.params)
        for call in twitter.calls
        if call.request.method == "GET" and not call.request.url.startswith(f"{api}/users/me")
    ]


def look_for(client, who):
    return client.get("/people", query_string={"who": who})


# Many


def test_the_field_alone_asks_nothing(wren, twitter):
    page = wren.get("/people")

    assert page.status_code == 200
    assert 'name="who" value=""' in page.text
    assert reads(twitter) == []


def test_names_and_ids_are_read_side_by_side_and_shown_as_asked(wren, twitter):
    twitter.get(USERS_BY, json={"data": [ROBIN]})
    twitter.get(USERS, json={"data": [JAY]})

    page = look_for(wren, "1003, @Robin https://x.com/robin").text

    asked = dict(reads(twitter))
    assert asked[USERS_BY]["usernames"] == "Robin"
    assert asked[USERS]["ids"] == "1003"
    assert len(reads(twitter)) == 2
    assert page.index('<bdi class="name">Jay') < page.index("Robin Redbreast")
    assert page.count("Robin Redbreast") == 1
    assert 'value="1003, @Robin https://x.com/robin"' in page


def test_the_order_asked_is_kept_whatever_order_comes_back(wren, twitter):
    twitter.get(USERS_BY, json={"data": [JAY, ROBIN]})

    page = look_for(wren, "robin, jay").text

    assert page.index("Robin Redbreast") < page.index('<bdi class="name">Jay')


def test_whoever_is_missing_keeps_their_place(wren, twitter):
    problems = [gone("dodo", "usernames"), suspended("Cuckoo", "usernames")]
    twitter.get(USERS_BY, json={"data": [ROBIN], "errors": problems})
    twitter.get(USERS, json={"errors": [gone("404", "ids")]})

    page = look_for(wren, "@dodo robin, cuckoo, 404 @silent").text

    places = re.findall(r'<bdi class="username">([^<]+)</bdi>\s*<p class="quiet">([^<]+)<', page)
    assert places == [
        ("@dodo", "There is no such account."),
        ("@cuckoo", "Twitter has suspended this account."),
        ("404", "There is no such account."),
        ("@silent", "Twitter says nothing about this account."),
    ]
    assert page.index("@dodo</bdi>") < page.index("Robin Redbreast") < page.index("@cuckoo</bdi>")


def test_a_name_of_digits_is_not_taken_for_an_id(wren, twitter):
    twitter.get(USERS_BY, json={"data": [ROBIN | {"id": "12"}]})

    page = look_for(wren, "robin @12").text

    assert page.count("Robin Redbreast") == 1
    assert "Twitter says nothing about this account." in page


def test_trouble_with_the_names_leaves_the_ids_alone(wren, twitter):
    twitter.get(USERS_BY, status=503)
    twitter.get(USERS, json={"data": [JAY]})

    page = look_for(wren, "robin, 1003").text

    assert "Twitter is not answering." in page
    assert '<bdi class="name">Jay' in page
    assert "@robin</bdi>" not in page


def test_who_was_found_before_is_shown_while_twitter_is_away(wren, twitter, clock):
    twitter.get(USERS_BY, json={"data": [ROBIN]})
    look_for(wren, "robin")
    clock.advance(minutes=5)
    twitter.upsert("GET", USERS_BY, status=503)

    page = look_for(wren, "robin").text

    assert "Twitter is not answering." in page
    assert "Robin Redbreast" in page


@pytest.mark.parametrize(
    "typed, sentence",
    [
        ("e-e", "Not the username, the id or the link of a person:"),
        ("-5", "Not the username, the id or the link of a person:"),
        ("12345678901234567890", "Not the username, the id or the link of a person:"),
        ("https://evil.example/robin", "Not the username, the id or the link of a person:"),
        ("https://x.com/robin/status/1", "Not the username, the id or the link of a person:"),
        (
            "Robin Redbreast",
            "A username has no spaces. Put @ before each, or commas between.",
        ),
        (",", "Please type the username, the id or the link of at least one person."),
        (",".join(f"bird{n}" for n in range(101)), "That is 101 people."),
    ],
)
def test_bad_input_is_said_beside_the_field_and_kept(wren, twitter, typed, sentence):
    page = look_for(wren, typed)

    assert page.status_code == 400
    assert sentence in page.text
    assert f'name="who" value="{typed}"' in page.text
    assert 'aria-describedby="who-wrong" aria-invalid="true"' in page.text
    assert reads(twitter) == []


def test_markup_in_the_field_stays_in_the_field(wren, twitter):
    page = look_for(wren, '"><script>alert(1)</script>')

    assert page.status_code == 400
    assert "<script>" not in page.text


def test_people_can_be_followed_where_they_are_found(wren, twitter):
    twitter.get(USERS_BY, json={"data": [ROBIN]})

    page = look_for(wren, "robin").text

    assert 'aria-label="Follow @robin"' in page
    assert 'name="next" value="/people?who=robin"' in page


def test_whoever_follows_one_is_marked_where_they_are_found(wren, twitter):
    twitter.get(USERS_BY, json={"data": [CONNECTED]})

    page = look_for(wren, "robin").text

    assert "Follows you" in page


def test_what_was_found_can_be_read_anew(wren, twitter, clock):
    twitter.get(USERS_BY, json={"data": [ROBIN]})
    look_for(wren, "robin")
    clock.advance(seconds=10)
    data = {"csrf_token": wren.csrf_token("/account"), "refresh": "names"}

    answer = wren.post("/people?who=robin", data=data)

    assert (answer.status_code, answer.location) == (303, "/people?who=robin")
    assert len(reads(twitter)) == 2


def test_a_name_that_twitter_takes_no_more_leads_to_the_profile_by_id(wren, twitter):
    twitter.get(USERS, json={"data": [ROBIN | {"username": "robin_of_sherwood"}]})

    page = look_for(wren, "1002").text

    assert "@robin_of_sherwood" in page
    assert '<a class="who" href="/people/id/1002">' in page


# One


def test_a_profile_shows_who_it_is_and_what_they_say(wren, twitter, dialect):
    stand(twitter)

    page = wren.get("/people/robin").text

    assert "I was here first." in page
    assert "On the handle of your spade" in page
    assert "<b>12.3K</b> followers" in page
    assert 'href="https://robin.example/garden" rel="noopener noreferrer nofollow ugc"' in page
    assert f'href="{dialect.home}/robin" rel="noopener noreferrer nofollow ugc"' in page
    assert 'aria-label="Follow @robin"' in page
    assert "Took my solo up a third" in page


def test_a_profile_shows_its_banner_and_who_follows(wren, twitter):
    stand(twitter, CONNECTED)

    page = wren.get("/people/robin").text

    assert 'src="https://pbs.twimg.com/profile_banners/1002/1"' in page
    assert "Follows you" in page
    assert 'aria-label="Unfollow @robin"' not in page


def test_a_profile_costs_one_read_and_its_tweets_another(wren, twitter, dialect):
    stand(twitter)

    wren.get("/people/robin")
    wren.get("/people/robin")

    paths = {path for path, _ in reads(twitter)}
    assert paths == {dialect.tweets_of("1002"), dialect.by_name("robin")}
    assert len(reads(twitter)) == 2


def test_a_profile_by_id_is_the_same(wren, twitter, dialect):
    twitter.get(ROBIN_BY_ID, json={"data": ROBIN})
    tweets = dialect.their_tweets(SONG, of=ROBIN)
    twitter.upsert("GET", dialect.tweets_of("1002"), json=tweets)  # the same path in the beta

    page = wren.get("/people/id/1002").text

    assert "Robin Redbreast" in page
    assert "Took my solo up a third" in page


def test_a_profile_leads_to_its_older_tweets(wren, twitter, dialect):
    further = {"data": [SONG], "meta": {"next_token": "more"}}
    twitter.get(ROBIN_BY_ID, json={"data": ROBIN})
    twitter.get(dialect.tweets_of("1002"), json=further)

    page = wren.get("/people/id/1002").text

    assert 'href="/people/id/1002?page=2&amp;token=more"' in page


def test_older_tweets_are_asked_for_with_twitters_token(wren, twitter, dialect):
    stand(twitter)

    wren.get("/people/robin?page=2&token=more")

    assert dict(reads(twitter))[dialect.tweets_of("1002")]["pagination_token"] == "more"


def test_protected_tweets_are_said_to_be_protected(wren, twitter, dialect):
    hidden = {"type": NOT_AUTHORIZED, "title": "Authorization Error", "value": "1002"}
    twitter.get(dialect.by_name("robin"), json=dialect.one(ROBIN | {"protected": True}))
    twitter.get(dialect.tweets_of("1002"), json={"errors": [hidden]})

    page = wren.get("/people/robin").text

    assert "These Tweets are protected: only followers they have approved can read them." in page
    assert "Robin Redbreast" in page


@pytest.mark.parametrize(
    "problem, sentence",
    [
        (gone("robin", "username"), "There is no such account."),
        (suspended("robin", "username"), "Twitter has suspended this account."),
        ({"type": "https://api.x.com/2/problems/new"}, "Twitter says nothing about this account."),
    ],
)
def test_who_is_gone_is_said_to_be_gone(wren, twitter, dialect, problem, sentence):
    twitter.get(dialect.by_name("robin"), json={"errors": [problem]})

    page = wren.get("/people/robin")

    assert page.status_code == 200
    assert sentence in page.text
    assert '<bdi class="username">@robin</bdi>' in page.text
    assert [path for path, _ in reads(twitter)] == [dialect.by_name("robin")]


def test_trouble_with_the_tweets_leaves_the_profile_alone(wren, twitter, dialect):
    twitter.get(dialect.by_name("robin"), json=dialect.one(ROBIN))
    twitter.get(dialect.tweets_of("1002"), status=503)

    page = wren.get("/people/robin").text

    assert "I was here first." in page
    assert "Twitter is not answering." in page


def test_trouble_with_the_profile_is_said_once(wren, twitter, dialect):
    twitter.get(dialect.by_name("robin"), status=503)

    page = wren.get("/people/robin")

    assert page.status_code == 200
    assert page.text.count("Twitter is not answering.") == 1


def test_ones_own_profile_has_no_button(wren, twitter, dialect):
    twitter.get("/users/1001", json=user_answer())
    twitter.upsert("GET", dialect.tweets_of("1001"), json=dialect.their_tweets())

    page = wren.get("/people/id/1001").text

    assert "This is you" in page
    assert "Follow @" not in page


@pytest.mark.parametrize(
    "path",
    [
        "/people/no-name",
        "/people/" + "a" * 16,
        "/people/robin%20",
        "/people/@robin",
        "/people/r%C3%B6bin",
        "/people/%2e%2e",
        "/people/id/robin",
        "/people/id/-1",
        "/people/id/12345678901234567890",
        "/people/id/1%2F2",
    ],
)
def test_names_and_ids_that_cannot_be_are_not_found(wren, twitter, path):
    page = wren.get(path)

    assert page.status_code == 404
    assert reads(twitter) == []


def test_the_tweets_of_a_profile_are_called_what_they_are(wren, twitter, dialect):
    stand(twitter)

    page = wren.get("/people/robin").text

    title = {LIVE: "Tweets", BETA: "Pinned Tweet"}[dialect]
    assert f'<h2 id="tweets-title">{title}</h2>' in page


@in_the_beta
def test_both_buttons_are_offered_where_twitter_does_not_say_how_things_stand(wren, twitter):
    stand(twitter)

    page = wren.get("/people/robin").text

    assert 'aria-label="Follow @robin"' in page
    assert 'aria-label="Unfollow @robin"' in page


def test_a_profile_without_tweets_says_so(wren, twitter, dialect):
    stand(twitter, tweets=())

    page = wren.get("/people/robin").text

    sentence = {LIVE: "No Tweets yet.", BETA: "No Tweet is pinned to this profile."}[dialect]
    assert sentence in page


@pytest.mark.parametrize("path", ["/people?who=robin", "/people/robin", "/people/id/1002"])
def test_signed_out_people_are_asked_to_sign_in(client, twitter, path):
    answer = client.get(path)

    assert answer.status_code == 303
    assert answer.location.startswith("/?next=/people")


@pytest.mark.parametrize("path", ["/people", "/people/robin", "/people/id/1002"])
def test_people_belong_to_follows_in_the_navigation(wren, twitter, path):
    stand(twitter)
    twitter.upsert("GET", ROBIN_BY_ID, json={"data": ROBIN})

    page = wren.get(path).text

    assert '<a href="/follows" aria-current="true">Follows</a>' in page
