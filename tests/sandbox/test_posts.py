"""Posts that are made and deleted. X: "Manage Posts"; refusals as they were seen."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox.world.publishing import next_id
from tests.sandbox.birds import JAY, NIGHTJAR, ROBIN, WREN, at
from tests.sandbox.steps import bearer

ROBINS = at(25)


@pytest.fixture
def token(steps):
    return steps.sign_in()["access_token"]


@pytest.fixture
def send(steps, token):
    """Post as Wren, unless a token says otherwise."""

    def sent(text="Rain.", *, by=None, **more):
        body = {"text": text, **more}
        return steps.browser.post("/2/tweets", json=body, headers=bearer(by or token))

    return sent


@pytest.fixture
def delete(steps, token):
    return lambda tweet_id, by=token: steps.browser.delete(
        f"/2/tweets/{tweet_id}", headers=bearer(by)
    )


def made(answer):
    assert answer.status_code == 201, answer.json
    return answer.json["data"]["id"]


def message(answer):
    assert answer.status_code == 400
    assert answer.json["title"] == "Invalid Request"
    return answer.json["errors"][0]["message"]


def refusal(answer):
    assert (answer.status_code, answer.json["title"]) == (403, "Forbidden")
    return answer.json["detail"]


def metrics(steps, token, tweet_id):
    query = {"tweet.fields": "public_metrics"}
    return steps.get(f"/2/tweets/{tweet_id}", token, **query).json["data"]["public_metrics"]


def ids(answer):
    return [tweet["id"] for tweet in answer.json.get("data", [])]


def test_a_post_is_on_top_of_the_timelines_at_once(steps, token, send):
    answer = send("Rain & <thunder> for @robin #weather")
    tweet_id = made(answer)
    robin = steps.sign_in("robin")["access_token"]
    shown = steps.get(f"/2/tweets/{tweet_id}", token, **{"tweet.fields": "entities,created_at"})

    assert answer.json["data"] == {
        "id": tweet_id,
        "text": "Rain &amp; &lt;thunder&gt; for @robin #weather",
        "edit_history_tweet_ids": [tweet_id],
    }
    assert ids(steps.get(f"/2/users/{WREN}/tweets", token))[0] == tweet_id
    assert ids(steps.get(f"/2/users/{ROBIN}/mentions", robin))[0] == tweet_id
    home = steps.get(f"/2/users/{WREN}/timelines/reverse_chronological", token)
    assert ids(home)[0] == tweet_id
    assert shown.json["data"]["entities"]["hashtags"][0]["tag"] == "weather"
    assert shown.json["data"]["created_at"][:16] == home_minute(steps)


def home_minute(steps):
    """Return the minute that it is in the sandbox, as X writes it."""
    answer = steps.browser.post("/sandbox/clock", json={})
    return answer.json["now"][:16]


def test_later_posts_have_larger_ids_however_fast_they_come(world, send, token):
    first, second = made(send("One")), made(send("Two"))
    world.clock.advance(3600)
    third = made(send("Three", by=None))

    assert int(first) < int(second) < int(third)
    assert int(first) > max(int(i) for i in world.tweets if i not in {first, second, third})


def test_ids_never_grow_beyond_19_digits(world):
    world.clock.advance(900 * 365 * 86400)
    found = []
    for _ in range(3):
        found.append(next_id(world))
        world.tweets[found[-1]] = None

    assert len(set(found)) == 3
    assert {len(i) for i in found} == {19}


def test_deleted_ids_do_not_come_back(send, delete):
    first = made(send("One"))
    delete(first)

    assert int(made(send("Two"))) > int(first)


def test_a_link_becomes_short_and_counts_23(send, world):
    answer = send("x" * 256 + " https://wren.example/" + "y" * 500)
    tweet = world.tweets[made(answer)]

    assert "https://t.co/" in answer.json["data"]["text"]
    assert tweet.links[0].expanded == "https://wren.example/" + "y" * 500


@pytest.mark.parametrize(
    "text", ["x" * 281, "の" * 141, "x" * 257 + " https://a.example/", "x" * 30_000]
)
def test_a_text_that_is_too_long_is_refused(send, text):
    assert message(send(text)).startswith("Your Tweet text is too long.")


def test_280_fit(send):
    assert [send(text).status_code for text in ("x" * 280, "の" * 140, "🐛" * 140)] == [201] * 3


@pytest.mark.parametrize("body", [{}, {"text": ""}, {"text": " \n"}, {"text": None}])
def test_a_post_needs_a_text(steps, token, body):
    answer = steps.browser.post("/2/tweets", json=body, headers=bearer(token))

    assert message(answer) == "$.text: is missing but it is required"


def test_a_reply_counts_at_its_post_and_joins_the_conversation(steps, token, send):
    before = metrics(steps, token, ROBINS)["reply_count"]
    tweet_id = made(send("Agreed.", reply={"in_reply_to_tweet_id": ROBINS}))
    fields = {"tweet.fields": "conversation_id,referenced_tweets,in_reply_to_user_id"}
    shown = steps.get(f"/2/tweets/{tweet_id}", token, **fields).json["data"]

    assert metrics(steps, token, ROBINS)["reply_count"] == before + 1
    assert shown["conversation_id"] == ROBINS
    assert shown["in_reply_to_user_id"] == ROBIN
    assert shown["referenced_tweets"] == [{"type": "replied_to", "id": ROBINS}]


def test_a_quote_counts_and_ends_with_a_link(steps, token, send):
    before = metrics(steps, token, ROBINS)["quote_count"]
    answer = send("This.", quote_tweet_id=ROBINS)

    assert answer.json["data"]["text"].startswith("This. https://t.co/")
    assert metrics(steps, token, ROBINS)["quote_count"] == before + 1


def test_a_poll_is_open_and_closes(steps, world, token, send):
    poll = {"options": ["Worms", "Seeds"], "duration_minutes": 60}
    tweet_id = made(send("Breakfast?", poll=poll))
    query = {"expansions": "attachments.poll_ids", "poll.fields": "voting_status"}

    def shown():
        body = steps.get(f"/2/tweets/{tweet_id}", token, **query).json
        return body["includes"]["polls"][0]

    asked = shown()
    world.clock.advance(3601)

    assert [option["label"] for option in asked["options"]] == ["Worms", "Seeds"]
    assert (asked["voting_status"], shown()["voting_status"]) == ("open", "closed")


@pytest.mark.parametrize("author", ["nightjar", "cuckoo", None])
def test_a_post_that_cannot_be_seen_cannot_be_replied_to(world, send, author):
    hidden = {world.accounts[t.author_id].username: t.id for t in world.tweets.values()}
    answer = send(reply={"in_reply_to_tweet_id": hidden.get(author, "42")})

    assert refusal(answer) == (
        "You attempted to reply to a Tweet that is deleted or not visible to you."
    )


def test_reply_settings_are_kept_to(steps, world, send):
    """Robin is not followed by the jay, and is verified."""
    robin = steps.sign_in("robin")["access_token"]
    jay = steps.sign_in("jay")["access_token"]
    statuses = {}
    world.follows.remove(JAY, ROBIN)
    for setting in ("following", "mentionedUsers", "verified", "subscribers"):
        reply = {"in_reply_to_tweet_id": made(send(setting, by=jay, reply_settings=setting))}
        statuses[setting] = send(f"To {setting}", by=robin, reply=reply).status_code
    reply = {"in_reply_to_tweet_id": made(send("@robin?", by=jay, reply_settings="mentionedUsers"))}

    assert statuses == {
        "following": 403,
        "mentionedUsers": 403,
        "verified": 201,
        "subscribers": 403,
    }
    assert send("Yes.", by=robin, reply=reply).status_code == 201


@pytest.mark.parametrize("plan", ["pay-per-use", "legacy-free"])
def test_on_self_serve_plans_only_the_mentioned_may_reply_and_no_quote_is_allowed(
    steps, world, send, plan
):
    robin = steps.sign_in("robin")["access_token"]
    asked, quoting = (
        made(send("@wren, look", by=robin)),
        made(send("Hm", by=robin, quote_tweet_id=at(12))),
    )
    own = made(send("Mine"))
    world.change({"plan": plan})
    replies = [
        send(f"To {i}", reply={"in_reply_to_tweet_id": i}) for i in (asked, quoting, own, ROBINS)
    ]

    assert [answer.status_code for answer in replies] == [201, 201, 201, 403]
    assert refusal(replies[-1]).startswith("Reply to this conversation is not allowed")
    assert refusal(send("Q", quote_tweet_id=ROBINS)).startswith("Quoting this post is not allowed")


def test_the_price_depends_on_link_and_mention(steps, world, send):
    robin = steps.sign_in("robin")["access_token"]
    asked = made(send("@wren, look", by=robin))
    spent = []
    for text, more in (
        ("Plain", {}),
        ("See https://wren.example/", {}),
        ("Here https://wren.example/", {"reply": {"in_reply_to_tweet_id": asked}}),
    ):
        world.change({"plan": "pay-per-use", "credits": 1})
        assert send(text, **more).status_code == 201
        spent.append(round(1 - world.settings.credits, 6))

    assert spent == [0.015, 0.2, 0.01]


def test_a_refused_post_costs_nothing(world, send):
    world.change({"plan": "pay-per-use", "credits": 1})
    send("x" * 281)

    assert world.settings.credits == 1


def test_the_same_text_twice_in_a_day_is_refused(steps, world, send, delete):
    first = made(send("Rain"))
    again = send("Rain")
    robin = steps.sign_in("robin")["access_token"]
    other = send("Rain", by=robin)
    world.clock.advance(86401)
    later = send("Rain", by=steps.sign_in()["access_token"])

    assert again.json == {
        "title": "Forbidden",
        "type": "about:blank",
        "status": 403,
        "detail": "You are not allowed to create a Tweet with duplicate content.",
    }
    assert (other.status_code, later.status_code) == (201, 201)
    assert first in world.tweets


def test_of_many_at_once_one_is_posted(app, token, world):
    before = len(world.tweets)

    def post(number):
        text = "The same" if number % 2 else f"Another {number}"
        return app.test_client().post("/2/tweets", json={"text": text}, headers=bearer(token))

    with ThreadPoolExecutor(8) as hands:
        statuses = sorted(answer.status_code for answer in hands.map(post, range(16)))

    assert statuses == [201] * 9 + [403] * 7
    assert len(world.tweets) == before + 9


def test_a_post_is_deleted_with_its_versions_and_reposts(steps, world, token, send, delete):
    edited = next(t for t in world.timeline(WREN) if t.earlier_versions)
    robin = steps.sign_in("robin")["access_token"]
    path = f"/2/users/{ROBIN}/retweets"
    steps.browser.post(path, json={"tweet_id": edited.id}, headers=bearer(robin))
    answer = delete(edited.id)
    gone = [edited.id, *edited.earlier_versions]
    errors = steps.get("/2/tweets", token, ids=",".join(gone)).json["errors"]

    assert answer.json == {"data": {"deleted": True}}
    assert [error["title"] for error in errors] == ["Not Found Error"] * len(gone)
    assert edited.id not in ids(steps.get(f"/2/users/{WREN}/tweets", token, max_results=100))
    assert not [t for t in world.timeline(ROBIN) if ("retweeted", edited.id) in t.references]


def test_a_pinned_post_can_be_deleted(steps, world, token, delete):
    pinned = world.accounts[WREN].pinned_tweet_id or at(12)
    delete(pinned)
    shown = steps.get("/2/users/me", token, expansions="pinned_tweet_id")

    assert "errors" not in shown.json
    assert world.named("wren").pinned_tweet_id == ""


def test_only_own_posts_are_deleted(steps, delete):
    others, missing = delete(ROBINS), delete("42")

    assert (others.status_code, missing.status_code) == (403, 404)
    assert steps.get(f"/2/tweets/{ROBINS}").status_code == 200


def test_a_reset_brings_all_posts_back_and_takes_new_ones(world, steps, send, delete):
    before = dict(world.tweets), dict(world.timelines)
    made(send("Rain", reply={"in_reply_to_tweet_id": ROBINS}))
    delete(at(12))
    world.reset()

    assert (world.tweets, world.timelines) == before
    assert world.likes.tweets_of(WREN) == []


@pytest.mark.parametrize(
    "more, said",
    [
        ({"media": {"media_ids": ["1"]}}, "Your media IDs are invalid."),
        ({"media": {"media_ids": []}}, "$.media.media_ids: must be a list of 1 to 4 items"),
        ({"poll": {"options": ["a"], "duration_minutes": 5}}, "$.poll.options: must be a list of"),
        (
            {"poll": {"options": ["a", ""], "duration_minutes": 5}},
            "$.poll.options: must have items",
        ),
        ({"poll": {"options": ["a", "b"], "duration_minutes": 4}}, "$.poll.duration_minutes: must"),
        ({"poll": {"options": ["a", "b"], "duration_minutes": True}}, "$.poll.duration_minutes: m"),
        ({"poll": {"options": ["a", "b"]}}, "$.poll.duration_minutes: must be"),
        ({"poll": []}, "$.poll: is not an object"),
        ({"reply": {}}, "$.reply.in_reply_to_tweet_id: is missing but it is required"),
        ({"reply": {"in_reply_to_tweet_id": 42}}, "$.reply.in_reply_to_tweet_id: does not match"),
        ({"reply_settings": "friends"}, "$.reply_settings: does not have a value in the enum"),
        ({"quote_tweet_id": "x"}, "$.quote_tweet_id: does not match the regex pattern"),
        ({"geo": {"place_id": "1"}}, "$.geo: the sandbox does not play this"),
        ({"nonsense": 1}, "$.nonsense: is not defined"),
        ({"text": 7}, "$.text: is not a string"),
        ({"text": "\ud800"}, "$.text: is not a string"),
        (
            {"quote_tweet_id": ROBINS, "poll": {"options": ["a", "b"], "duration_minutes": 5}},
            "$: media, poll and quote_tweet_id are mutually exclusive",
        ),
    ],
)
def test_mistakes_are_told(steps, token, world, more, said):
    before = len(world.tweets)
    body = {"text": "Rain"} | more
    answer = steps.browser.post("/2/tweets", json=body, headers=bearer(token))

    assert message(answer).startswith(said)
    assert len(world.tweets) == before


@pytest.mark.parametrize("body", [b"", b"text=Rain", b"[]", b"7", b'{"text": ', b"[" * 100_000])
@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded", ""])
def test_other_bodies_are_400(steps, token, body, kind):
    answer = steps.browser.post("/2/tweets", data=body, content_type=kind, headers=bearer(token))

    assert message(answer)


def test_a_post_needs_its_scope(steps, send):
    reader = steps.sign_in(scope="tweet.read users.read")["access_token"]

    assert send(by=reader).status_code == 403


def test_a_follower_may_reply_to_a_protected_account(world, send, steps):
    """A follower of a protected account may reply to it."""
    hidden = next(t.id for t in world.tweets.values() if t.author_id == NIGHTJAR)
    robin = steps.sign_in("robin")["access_token"]

    assert send(by=robin, reply={"in_reply_to_tweet_id": hidden}).status_code == 201


def test_what_was_posted_has_a_page(browser, send):
    tweet_id = made(send('<b>"bold"</b> https://wren.example/'))
    page = browser.get(f"/i/web/status/{tweet_id}", follow_redirects=True)

    assert page.status_code == 200
    assert "&lt;b&gt;" in page.text
