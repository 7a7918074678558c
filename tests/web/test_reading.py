"""The cost of reading, seen from the pages: the cache, workers that share it, and logouts."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
import redis
from sqlalchemy.exc import OperationalError

from app.accounts.models import Usage, User
from app.gateway.usage import Usages
from app.twitter.api_client import ApiCall
from app.twitter.endpoints import TWEETS, USER_TWEETS, USERS_ME
from tests.dialects import LIVE
from tests.factories import ME_PATH, TOKEN_PATH, user_answer
from tests.site import statements
from tests.web.answers import LIMITED, TWEET, reads, stand, tell


def test_a_limit_shows_what_was_read_before_and_when_it_lifts(signed_in, twitter, clock):
    tell(twitter)
    reset = clock() + timedelta(minutes=14)
    headers = {"x-rate-limit-remaining": "0", "x-rate-limit-reset": str(int(reset.timestamp()))}
    tell(twitter, **LIMITED, headers=headers)
    signed_in.get("/tweets")
    clock.advance(minutes=3)

    pages = [signed_in.get("/tweets").text for _ in range(10)]

    assert "Good morning from the ivy" in pages[-1]
    assert f'datetime="{reset:%Y-%m-%dT%H:%M}' in pages[-1]
    assert "3 minutes ago" in pages[-1]
    assert len(twitter.calls_to(LIVE.tweets)) == 2


def test_twenty_tabs_of_one_person_cost_one_read(signed_in, twitter):
    tell(twitter)
    everybody = Barrier(20)

    def open_tab():
        tab = signed_in.twin()
        everybody.wait(20)
        return tab.get("/tweets").text

    with ThreadPoolExecutor(20) as threads:
        pages = [f.result() for f in [threads.submit(open_tab) for _ in range(20)]]

    assert all("Good morning from the ivy" in page for page in pages)
    assert len(twitter.calls_to(LIVE.tweets)) == 1


def test_a_page_reads_before_it_refreshes_a_token_that_lives(signed_in, twitter, clock):
    """The token endpoint may hang, and the page would have no time left."""
    tell(twitter)
    clock.advance(minutes=116)
    before = len(twitter.calls)

    page = signed_in.get("/tweets").text

    calls = [call.request.url.split("?")[0] for call in [*twitter.calls][before:]]
    assert "Good morning from the ivy" in page
    assert calls == [twitter.at(LIVE.tweets), twitter.at(TOKEN_PATH)]


def test_a_page_for_which_there_is_no_thread_says_so(signed_in, twitter, app, monkeypatch):
    tell(twitter)
    pool = app.extensions["perch"].page_reads._pool

    def refuse(*_):
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as limit:
        limit.setattr(pool, "submit", refuse)
        answer = signed_in.get("/tweets")

    assert answer.status_code == 200
    assert "Good morning from the ivy" not in answer.text
    assert "Good morning from the ivy" in signed_in.get("/tweets").text


def test_the_refresh_button_reads_anew_and_comes_back(signed_in, twitter, clock):
    tell(twitter)
    tell(twitter, TWEET | {"text": "Good evening"})
    signed_in.get("/tweets")
    clock.advance(seconds=10)

    answer = signed_in.press("/tweets?a=1", refresh="tweets")

    assert (answer.status_code, answer.location) == (303, "/tweets?a=1")
    assert "Good evening" in signed_in.get("/tweets").text
    assert len(twitter.calls_to(LIVE.tweets)) == 2


def test_the_refresh_button_reaches_the_other_worker(build_app, kind_twitter, clock):
    first = build_app().test_client()
    first.sign_in()
    other = build_app()
    for text in ("before", "before", "after"):
        tell(kind_twitter, TWEET | {"text": text})
    first.get("/tweets")
    other.test_client().with_cookies_of(first).get("/tweets")
    clock.advance(seconds=10)

    first.press("/tweets", refresh="tweets")

    assert "after" in other.test_client().with_cookies_of(first).get("/tweets").text


def test_refreshing_an_unknown_panel_does_nothing(signed_in, twitter):
    assert signed_in.press("/tweets", refresh="nothing").status_code == 303
    assert reads(twitter) == []


def test_refreshing_takes_the_token_against_forgery(signed_in):
    assert signed_in.post("/tweets", data={"refresh": "tweets"}).status_code == 400


def test_a_head_reads_nothing(signed_in, twitter):
    assert signed_in.head("/tweets").status_code == 200
    assert reads(twitter) == []


@pytest.mark.parametrize("path", ["/", "/tweets", "/follows"])
def test_a_warm_page_costs_one_statement(app, signed_in, twitter, path):
    stand(twitter)
    signed_in.get(path)

    with statements(app) as asked:
        signed_in.get(path)

    assert len(asked) == 1


# Fault copies they are


def disconnect(client):
    client.press("/account/disconnect", sure="yes")


def log_out(client):
    client.press_log_out()


def test_a_log_out_leaves_nothing_to_be_shown(client, kind_twitter, rows):
    client.sign_in()
    tell(kind_twitter)
    client.get("/tweets")
    epoch = rows(User)[0]["cache_epoch"]
    client.press_log_out()

    client.sign_in()
    client.get("/tweets")

    assert rows(User)[0]["cache_epoch"] == epoch + 1
    assert len(kind_twitter.calls_to(LIVE.tweets)) == 2


@pytest.mark.parametrize("leave", [log_out, disconnect])
def test_leaving_leaves_no_copy_in_redis(build_app, redis_url, kind_twitter, leave):
    client = build_app(REDIS_URL=redis_url).test_client()
    client.sign_in()
    stand(kind_twitter, tweets={"status": 503})
    with redis.Redis.from_url(redis_url) as there:
        client.get("/")
        before = len(there.keys("*"))

        leave(client)

        assert (before > 3, there.keys("*")) == (True, [])


@pytest.mark.parametrize("leave", [log_out, disconnect])
def test_leaving_leaves_no_copy_in_this_process(app, client, kind_twitter, leave):
    client.sign_in()
    stand(kind_twitter)
    client.get("/")
    memory = app.extensions["perch"].cache._store._values
    before = len(memory)

    leave(client)

    assert (before, len(memory)) == (3, 0)


def test_leaving_takes_no_copies_of_others_along(app, client, kind_twitter):
    client.sign_in()
    stand(kind_twitter)
    client.get("/tweets")
    kind_twitter.replace("GET", ME_PATH, json=user_answer(id="1002", username="robin"))
    robin = app.test_client()
    robin.sign_in()

    robin.press_log_out()
    client.get("/tweets")

    assert len(kind_twitter.calls_to(LIVE.tweets)) == 1


def test_people_leave_without_a_cache_as_well(build_app, kind_twitter):
    client = build_app(CACHE_SECONDS="0").test_client()
    client.sign_in()

    log_out(client)

    assert not client.is_signed_in()


@pytest.mark.parametrize("leave", [log_out, disconnect])
@pytest.mark.parametrize("newcomer", [{}, {"id": "1002", "username": "robin"}])
def test_the_next_person_in_a_browser_is_shown_nothing_old(client, kind_twitter, newcomer, leave):
    client.sign_in()
    kind_twitter.get("/tweets/10", json={"data": TWEET | {"text": "only for my followers"}})
    kind_twitter.get("/tweets/10", json={"data": TWEET})
    client.get("/tweets/10")
    leave(client)
    kind_twitter.replace("GET", ME_PATH, json=user_answer(**newcomer))
    client.sign_in()

    page = client.get("/tweets/10").text

    assert "only for my followers" not in page
    assert len(kind_twitter.calls_to("/tweets/10")) == 2


@pytest.mark.parametrize("tweets", [{"json": LIVE.their_tweets(TWEET)}, LIMITED])
def test_workers_that_share_a_redis_share_answers_and_limits(
    build_app, redis_url, kind_twitter, tweets
):
    first = build_app(REDIS_URL=redis_url).test_client()
    first.sign_in()
    second = build_app(REDIS_URL=redis_url).test_client().with_cookies_of(first)
    stand(kind_twitter, tweets=tweets)
    pages = [client.get("/tweets").text for client in (first, second)]

    shown = [("Good morning from the ivy" in page) for page in pages]
    assert shown == [tweets != LIMITED] * 2
    assert len(kind_twitter.calls_to(LIVE.tweets)) == 1


@pytest.mark.parametrize("failing", [False, True], ids=["answers", "failures"])
@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        "plan of mice",
        [],
        [7, {"name": "x"}],
        [{"name": "x", "limit": 1, "remaining": 0, "resets_at": 1e300}],
        {"kind": ["RateLimited"]},
        {"kind": "RateLimited", "until": "soon"},
    ],
    ids=repr,
)
def test_what_others_wrote_into_our_redis_is_a_miss(
    build_app, redis_url, kind_twitter, clock, value, failing
):
    client = build_app(REDIS_URL=redis_url).test_client()
    client.sign_in()
    if failing:
        stand(kind_twitter, tweets={"status": 503})
        client.get("/tweets")
    stand(kind_twitter)
    client.get("/tweets")
    with redis.Redis.from_url(redis_url) as there:
        names = [name for name in there.keys("perch:*") if there.type(name) == b"string"]
        for name in names:
            there.set(name, json.dumps({"value": value, "at": clock().timestamp()}))

    page = client.get("/tweets")

    assert names
    assert page.status_code == 200
    # An object might be from Twitter: it is read, and nothing is found in it.
    assert "Good morning from the ivy" in page.text or isinstance(value, dict)


# What is counted


def test_reads_are_counted_by_day_and_endpoint(signed_in, twitter, rows, clock):
    twitter.get("/tweets", json={"data": [TWEET, TWEET | {"id": "11"}]})
    for minutes in (0, 0, 2):
        clock.advance(minutes=minutes)
        signed_in.get("/tweets/lookup?ids=10,11")

    counted = {(row["route"], row["calls"], row["items"]) for row in rows(Usage)}
    assert counted == {("GET /2/tweets", 2, 4)}  # without the profile of the sign-in


@pytest.fixture
def usages(app, signed_in):
    return app.extensions["perch"].usages


def test_the_dearest_endpoint_comes_first(usages, clock):
    asked = [
        ApiCall(endpoint=USERS_ME, items=1),
        ApiCall(endpoint=TWEETS, items=20),
    ]
    usages.add(1, [*asked, ApiCall(endpoint=USER_TWEETS, items=1)], now=clock())

    [used] = usages.since(1, clock().date())

    assert [(one.endpoint, str(one.cost)) for one in used] == [
        (TWEETS, "0.100"),
        (USERS_ME, "0.010"),
        (USER_TWEETS, "0.005"),
    ]


def test_a_day_is_one_of_utc_and_older_days_do_not_count(usages, clock):
    usages.add(1, [ApiCall(endpoint=TWEETS, items=5)], now=clock() - timedelta(days=1))
    usages.add(1, [ApiCall(endpoint=TWEETS, items=3)], now=clock())

    today, yesterday = clock().date(), (clock() - timedelta(days=1)).date()
    since_today, since_yesterday = usages.since(1, today, yesterday)

    assert [one.items for one in since_today] == [3]
    assert [(one.calls, one.items) for one in since_yesterday] == [(2, 8)]


def test_counting_at_once_loses_nothing(usages, clock):
    def count(_):
        usages.add(1, [ApiCall(endpoint=TWEETS, items=1)], now=clock())

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(count, range(40)))

    [used] = usages.since(1, clock().date())
    assert [(one.calls, one.items) for one in used] == [(40, 40)]


def test_an_endpoint_that_we_no_longer_know_is_left_out(usages, clock):
    with usages._database.writing() as connection:
        row = {"user_id": 1, "day": clock().date(), "route": "GET /2/old", "calls": 1, "items": 1}
        connection.execute(Usage.__table__.insert().values(row))

    assert usages.since(1, clock().date()) == [[]]


def test_figures_older_than_a_month_are_pruned(app, usages, clock, rows):
    usages.add(1, [ApiCall(endpoint=TWEETS)], now=clock() - timedelta(days=32))
    usages.add(1, [ApiCall(endpoint=TWEETS)], now=clock())

    result = app.test_cli_runner().invoke(args=["prune"])

    assert "1 old figures" in result.output
    assert [row["day"] for row in rows(Usage)] == [clock().date()]


def test_no_page_fails_because_it_cannot_be_counted(caplog, clock):
    class Away:
        def writing(self):
            raise OperationalError("INSERT", None, ConnectionError("away"))

    Usages(Away()).add(1, [ApiCall(endpoint=TWEETS)], now=clock())

    assert "could not be counted" in caplog.text
