"""What reading costs, seen from the pages: the cache, the workers that share it, and who leaves."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
import redis
from sqlalchemy.exc import OperationalError

from app.accounts.models import Usage, User
from app.accounts.usage import Usages
from app.twitter.client import Asked
from app.twitter.endpoints import TWEETS, USER_TWEETS, USERS_ME
from tests.factories import ME_PATH, REVOKE_PATH, TOKEN_PATH, user_answer
from tests.web.test_health import statements
from tests.web.test_pages import TWEET, stand, tell

HOST = "127.0.0.1"


def same_browser(client, app):
    """Another window of the same browser, which may meet another worker."""
    window = app.test_client()
    window.set_cookie("session", client.get_cookie("session", HOST).value, domain=HOST)
    return window


def test_a_limit_shows_what_was_read_before_and_when_it_lifts(signed_in, twitter, clock, dialect):
    tell(twitter)
    reset = clock() + timedelta(minutes=14)
    headers = {"x-rate-limit-remaining": "0", "x-rate-limit-reset": str(int(reset.timestamp()))}
    tell(twitter, status=429, headers=headers, json={"title": "Too Many Requests"})
    signed_in.get("/tweets")
    clock.advance(minutes=3)

    pages = [signed_in.get("/tweets").text for _ in range(100)]

    assert "Good morning from the ivy" in pages[-1]
    assert f'datetime="{reset:%Y-%m-%dT%H:%M}' in pages[-1]
    assert "3 minutes ago" in pages[-1]
    assert len(twitter.calls_to(dialect.tweets)) == 2


def test_fifty_windows_of_one_person_cost_one_read(app, signed_in, twitter, dialect):
    tell(twitter)
    everybody = Barrier(50)

    def open_window():
        browser = same_browser(signed_in, app)
        everybody.wait(20)
        return browser.get("/tweets").text

    with ThreadPoolExecutor(50) as threads:
        pages = [f.result() for f in [threads.submit(open_window) for _ in range(50)]]

    assert all("Good morning from the ivy" in page for page in pages)
    assert len(twitter.calls_to(dialect.tweets)) == 1


def test_the_refresh_button_reads_anew_and_comes_back(signed_in, twitter, clock, dialect):
    tell(twitter)
    tell(twitter, TWEET | {"text": "Good evening"})
    signed_in.get("/tweets")
    clock.advance(seconds=10)
    form = {"csrf_token": signed_in.csrf_token("/account"), "refresh": "tweets"}

    answer = signed_in.post("/tweets?a=1", data=form)

    assert (answer.status_code, answer.location) == (303, "/tweets?a=1")
    assert "Good evening" in signed_in.get("/tweets").text
    assert len(twitter.calls_to(dialect.tweets)) == 2


def test_refreshing_what_is_not_there_does_nothing(signed_in, twitter):
    form = {"csrf_token": signed_in.csrf_token("/account"), "refresh": "nothing"}
    before = len(twitter.calls)

    assert signed_in.post("/tweets", data=form).status_code == 303
    assert len(twitter.calls) == before


def test_refreshing_takes_the_token_against_forgery(signed_in):
    assert signed_in.post("/tweets", data={"refresh": "tweets"}).status_code == 400


@pytest.mark.parametrize("path", ["/", "/tweets", "/follows", "/follows/followers", "/spaces"])
def test_a_warm_page_costs_one_statement(app, signed_in, twitter, path):
    stand(twitter)
    signed_in.get(path)

    with statements(app) as asked:
        signed_in.get(path)

    assert len(asked) == 1


def test_who_logs_out_leaves_nothing_to_be_shown(client, kind_twitter, rows, dialect):
    client.sign_in()
    tell(kind_twitter)
    client.get("/tweets")
    epoch = rows(User)[0]["cache_epoch"]
    client.press_log_out()

    client.sign_in()
    client.get("/tweets")

    assert rows(User)[0]["cache_epoch"] == epoch + 1
    assert len(kind_twitter.calls_to(dialect.tweets)) == 2


def leave(client, how):
    """Log out, or disconnect."""
    if how == "disconnect":
        return disconnect(client)
    return client.press_log_out()


@pytest.mark.parametrize("how", ["log out", "disconnect"])
def test_who_leaves_leaves_no_copy_in_redis(build_app, redis_url, kind_twitter, how):
    client = build_app(REDIS_URL=redis_url).test_client()
    client.sign_in()
    stand(kind_twitter, tweets={"status": 503})
    with redis.Redis.from_url(redis_url) as there:
        client.get("/")
        before = len(there.keys("*"))

        leave(client, how)

        assert (before > 3, there.keys("*")) == (True, [])


@pytest.mark.parametrize("how", ["log out", "disconnect"])
def test_who_leaves_leaves_no_copy_in_this_process(app, client, kind_twitter, how):
    client.sign_in()
    stand(kind_twitter)
    client.get("/")
    memory = app.extensions["perch"].cache._region.actual_backend._cache
    before = len(memory)

    leave(client, how)

    assert (before, len(memory)) == (3, 0)


def test_who_leaves_takes_nobody_elses_copies_along(app, client, kind_twitter, dialect):
    client.sign_in()
    stand(kind_twitter)
    client.get("/tweets")
    kind_twitter.replace("GET", ME_PATH, json=user_answer(id="1002", username="robin"))
    robin = app.test_client()
    robin.sign_in()

    robin.press_log_out()
    client.get("/tweets")

    assert len(kind_twitter.calls_to(dialect.tweets)) == 1


def test_without_a_cache_people_leave_as_well(build_app, kind_twitter):
    client = build_app(CACHE_SECONDS="0").test_client()
    client.sign_in()

    leave(client, "log out")

    assert not client.is_signed_in()


def test_two_people_of_one_browser_never_see_each_others_tweets(client, twitter, dialect):
    twitter.post(TOKEN_PATH, json=twitter.token())
    twitter.post(REVOKE_PATH, json={"revoked": True})
    twitter.get(ME_PATH, json=user_answer())
    client.sign_in()
    tell(twitter, TWEET | {"text": "only for Wren"})
    client.get("/tweets")
    client.press_log_out()
    twitter.replace("GET", ME_PATH, json=user_answer(id="1002", username="robin"))
    robins = dialect.their_tweets(TWEET, of={"id": "1002", "username": "robin", "name": "Robin"})
    twitter.get(dialect.tweets_of("1002"), json=robins)
    client.sign_in()

    page = client.get("/tweets").text

    assert "only for Wren" not in page
    assert "Good morning from the ivy" in page


def disconnect(client):
    form = {"csrf_token": client.csrf_token("/account"), "sure": "yes"}
    return client.post("/account/disconnect", data=form)


@pytest.mark.parametrize("newcomer", [{}, {"id": "1002", "username": "robin"}])
def test_whoever_signs_in_after_a_disconnect_reads_nothing_old(client, kind_twitter, newcomer):
    client.sign_in()
    kind_twitter.get("/tweets/10", json={"data": TWEET | {"text": "only for my followers"}})
    kind_twitter.get("/tweets/10", json={"data": TWEET})
    client.get("/tweets/10")
    disconnect(client)
    kind_twitter.replace("GET", ME_PATH, json=user_answer(**newcomer))
    client.sign_in()

    page = client.get("/tweets/10").text

    assert "only for my followers" not in page
    assert len(kind_twitter.calls_to("/tweets/10")) == 2


def test_the_refresh_button_reaches_the_other_worker(build_app, kind_twitter, clock):
    first = build_app().test_client()
    first.sign_in()
    other = build_app()
    tell(kind_twitter, TWEET | {"text": "before"})
    tell(kind_twitter, TWEET | {"text": "before"})
    tell(kind_twitter, TWEET | {"text": "after"})
    first.get("/tweets")
    same_browser(first, other).get("/tweets")
    clock.advance(seconds=10)
    form = {"csrf_token": first.csrf_token("/account"), "refresh": "tweets"}

    first.post("/tweets", data=form)

    assert "after" in same_browser(first, other).get("/tweets").text


def test_a_head_reads_nothing(signed_in, twitter):
    before = len(twitter.calls)

    assert signed_in.head("/tweets").status_code == 200
    assert len(twitter.calls) == before


def test_workers_that_share_a_redis_share_what_was_read(build_app, redis_url, kind_twitter):
    first = build_app(REDIS_URL=redis_url).test_client()
    first.sign_in()
    second = same_browser(first, build_app(REDIS_URL=redis_url))
    stand(kind_twitter)
    first.get("/")
    before = len(kind_twitter.calls)

    page = second.get("/").text

    assert "Good morning from the ivy" in page
    assert len(kind_twitter.calls) == before


def test_workers_that_share_a_redis_share_what_is_forbidden(
    build_app, redis_url, kind_twitter, dialect
):
    first = build_app(REDIS_URL=redis_url).test_client()
    first.sign_in()
    second = same_browser(first, build_app(REDIS_URL=redis_url))
    tell(kind_twitter, status=429, json={})
    first.get("/tweets")

    second.get("/tweets")

    assert len(kind_twitter.calls_to(dialect.tweets)) == 1


# What is counted


def test_what_was_read_is_counted_by_day_and_endpoint(signed_in, twitter, rows, clock):
    twitter.get("/tweets", json={"data": [TWEET, TWEET | {"id": "11"}]})
    signed_in.get("/tweets/lookup?ids=10,11")
    signed_in.get("/tweets/lookup?ids=10,11")
    clock.advance(minutes=2)
    signed_in.get("/tweets/lookup?ids=10,11")

    counted = {(row["route"], row["calls"], row["items"]) for row in rows(Usage)}
    assert counted == {("GET /2/tweets", 2, 4)}


def test_the_profile_of_a_sign_in_is_not_counted(signed_in, rows):
    assert rows(Usage) == []


@pytest.fixture
def usages(app, signed_in):
    return app.extensions["perch"].usages


def test_the_dearest_comes_first(usages, clock):
    asked = [Asked(endpoint=USERS_ME, items=1), Asked(endpoint=TWEETS, items=20)]
    usages.add(1, [*asked, Asked(endpoint=USER_TWEETS, items=1)], now=clock())

    [used] = usages.since(1, clock().date())

    assert [(one.endpoint, str(one.cost)) for one in used] == [
        (TWEETS, "0.100"),
        (USERS_ME, "0.010"),
        (USER_TWEETS, "0.005"),
    ]


def test_a_day_is_one_of_utc_and_older_days_do_not_count(usages, clock):
    usages.add(1, [Asked(endpoint=TWEETS, items=5)], now=clock() - timedelta(days=1))
    usages.add(1, [Asked(endpoint=TWEETS, items=3)], now=clock())

    today, yesterday = clock().date(), (clock() - timedelta(days=1)).date()
    since_today, since_yesterday = usages.since(1, today, yesterday)

    assert [one.items for one in since_today] == [3]
    assert [(one.calls, one.items) for one in since_yesterday] == [(2, 8)]


def test_two_who_count_at_once_lose_nothing(usages, clock):
    def count(_):
        usages.add(1, [Asked(endpoint=TWEETS, items=1)], now=clock())

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(count, range(40)))

    [used] = usages.since(1, clock().date())
    assert [(one.calls, one.items) for one in used] == [(40, 40)]


def test_an_endpoint_that_we_no_longer_know_is_left_out(usages, clock, app):
    with usages._database.writing() as connection:
        row = {"user_id": 1, "day": clock().date(), "route": "GET /2/old", "calls": 1, "items": 1}
        connection.execute(Usage.__table__.insert().values(row))

    assert usages.since(1, clock().date()) == [[]]


def test_figures_older_than_a_month_are_pruned(app, usages, clock, rows):
    usages.add(1, [Asked(endpoint=TWEETS)], now=clock() - timedelta(days=32))
    usages.add(1, [Asked(endpoint=TWEETS)], now=clock())

    result = app.test_cli_runner().invoke(args=["prune"])

    assert "1 old figures" in result.output
    assert [row["day"] for row in rows(Usage)] == [clock().date()]


def test_no_page_fails_because_it_cannot_be_counted(caplog, clock):
    class Away:
        def writing(self):
            raise OperationalError("INSERT", None, ConnectionError("away"))

    Usages(Away()).add(1, [Asked(endpoint=TWEETS)], now=clock())

    assert "could not be counted" in caplog.text


def test_what_was_counted_goes_with_the_person(signed_in, twitter, rows):
    twitter.get("/tweets", json={"data": [TWEET]})
    signed_in.get("/tweets/lookup?ids=10")
    form = {"csrf_token": signed_in.csrf_token("/account"), "sure": "yes"}

    assert '"route": "GET /2/tweets"' in signed_in.get("/account/export").text
    signed_in.post("/account/disconnect", data=form)

    assert rows(Usage) == []
