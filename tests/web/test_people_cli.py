"""`flask people` and the people that `flask prune` deletes, as typed."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import redis
import requests
from sqlalchemy import update

from app.accounts import cache_epochs, people_overview
from app.accounts.models import Grant, Revocation, Session, Usage, UsedState, User
from app.gateway.cached_content import Content
from app.storage.database import store_time
from tests.dialects import LIVE
from tests.factories import ME_PATH, REVOKE_PATH, TOKEN_PATH, token_answer, user_answer
from tests.stores import on_both_stores
from tests.web.answers import ROBIN, TWEET, stand, tell


@pytest.fixture
def run(app):
    def run(*args, on=app, **options):
        return on.test_cli_runner().invoke(args=args, **options)

    return run


@pytest.fixture
def flock(app, twitter):
    """Sign in browsers of people, each an id and a name, and return them."""
    twitter.post(TOKEN_PATH, json=token_answer())
    twitter.post(REVOKE_PATH, json={"revoked": True})

    def go(*people):
        browsers = []
        for number, name in people:
            twitter.get(ME_PATH, json=user_answer(id=number, username=name))
        for _ in people:
            browsers.append(app.test_client())
            browsers[-1].sign_in()
        return browsers

    return go


def lines(result):
    return [json.loads(line) for line in result.output.splitlines() if line.startswith("{")]


def left_ago(app, days):
    with app.extensions["perch"].database.writing() as connection:
        moment = store_time(connection) - timedelta(days=days)
        connection.execute(update(User).where(User.left_at.is_not(None)).values(left_at=moment))


# prune


@on_both_stores
@pytest.mark.parametrize("days", [90, 7])
def test_prune_deletes_the_people_who_left(build_app, flock, run, rows, days):
    site = build_app(PEOPLE_DAYS=str(days))
    gone, _ = flock(("1001", "wren"), ("1002", "robin"))
    gone.press_log_out()
    left_ago(site, days - 1)
    early = run("prune", on=site)
    left_ago(site, days + 1)

    late = run("prune", on=site)

    assert "Deleted 0 people who left" in early.output
    assert f"Deleted 1 people who left {days} days ago" in late.output
    assert [user["twitter_id"] for user in rows(User)] == ["1002"]
    assert len(rows(Session)) == len(rows(Grant)) == 1


def test_prune_ends_and_revokes_what_background_jobs_kept(build_app, kind_twitter, run, rows):
    site = build_app(LOGOUT_REVOKES="off")
    browser = site.test_client()
    browser.sign_in()
    browser.press_log_out()
    left_ago(site, 91)

    run("prune", on=site)

    assert rows(User) == rows(Grant) == rows(Revocation) == []
    assert len(kind_twitter.calls_to(REVOKE_PATH)) == 2


# list


@on_both_stores
def test_list_has_a_line_for_each_person(flock, run, monkeypatch):
    monkeypatch.setattr(people_overview, "BATCH", 2)
    _, _, gone, _ = flock(("1001", "wren"), ("1001", "wren"), ("1002", "robin"), ("1003", "jay"))
    gone.press_log_out()

    shown, parsed = run("people", "list"), lines(run("people", "list", "--json"))

    assert "@wren  1001  last seen " in shown.output
    assert "sessions: 2  grant: living\n" in shown.output
    assert [
        (each["twitter_id"], each["username"], each["sessions"], each["grant"]) for each in parsed
    ] == [
        ("1001", "wren", 2, "living"),
        ("1002", "robin", 0, "ended"),
        ("1003", "jay", 1, "living"),
    ]
    assert [each["left_at"] is None for each in parsed] == [True, False, True]


def test_list_of_nobody_is_empty(run):
    assert (run("people", "list").output, run("people", "list").exit_code) == ("", 0)


# show


@on_both_stores
@pytest.mark.parametrize("word", ["@Wren", "wren", "1001"])
def test_show_tells_sessions_and_grant_without_a_secret(flock, run, rows, word):
    flock(("1001", "wren"))
    [session], [grant] = rows(Session), rows(Grant)

    shown, [parsed] = run("people", "show", word), lines(run("people", "show", word, "--json"))

    assert shown.output.startswith("@wren (Twitter id 1001)\n")
    assert parsed["twitter_id"] == "1001"
    assert [each["browser"] for each in parsed["sessions"]] == [session["browser"]]
    assert parsed["grants"][0]["scopes"] == grant["scopes"]
    for secret in (session["id"], grant["access_token"], grant["refresh_token"]):
        assert secret not in shown.output + json.dumps(parsed)


@pytest.mark.parametrize("command", [["show"], ["forget", "--yes"]])
def test_a_name_in_bytes_of_another_encoding_is_no_name(run, command):
    told = run("people", *command, "\udcff")

    assert told.exit_code == 1
    assert "No person has signed in as @" in told.output


def test_show_tells_when_a_person_who_left_is_deleted(flock, run):
    [browser] = flock(("1001", "wren"))
    browser.press_log_out()

    [parsed] = lines(run("people", "show", "1001", "--json"))

    days = parsed["deleted_after"][:10], parsed["left_at"][:10]
    assert days[0] > days[1]
    assert "deleted_after: " in run("people", "show", "1001").output


@pytest.mark.parametrize("command", [("show",), ("forget", "--yes")])
def test_an_unknown_or_doubtful_name_is_explained(flock, run, rows, command):
    flock(("1001", "jay"), ("1002", "Jay"))

    unknown, doubtful = (run("people", *command, word) for word in ("@owl", "@jay"))
    unknown_id = run("people", *command, "77")

    assert {unknown.exit_code, doubtful.exit_code, unknown_id.exit_code} == {1}
    assert "No person has signed in as @owl." in unknown.output
    assert "2 people have signed in as @jay. Choose one by their Twitter id:" in doubtful.output
    assert all(f"Twitter id {number}" in doubtful.output for number in (1001, 1002))
    assert "No person with the Twitter id 77 is stored here." in unknown_id.output
    assert len(rows(User)) == 2


@on_both_stores
def test_a_number_that_is_no_id_is_no_failure_of_the_database(run):
    result = run("people", "forget", "1" * 20)

    assert result.exit_code == 1
    assert result.output == f"Error: No person has signed in as @{'1' * 20}.\n"


def test_a_name_brings_no_control_characters_to_the_terminal(app, flock, run, client):
    flock(("1001", "wren"))
    with app.extensions["perch"].database.writing() as connection:
        connection.execute(update(User).values(username="w\x1b[2Jren"))

    for words in (["list"], ["show", "1001"], ["show", "@\x1b[2J"], ["forget", "1001", "--yes"]):
        assert "\x1b" not in run("people", *words).output


# forget


@on_both_stores
@pytest.mark.parametrize("word", ["@wren", "1001"])
def test_forget_deletes_and_revokes(flock, run, rows, twitter, word):
    wren, phone, robin = flock(("1001", "wren"), ("1001", "wren"), ("1002", "robin"))

    result = run("people", "forget", word, "--yes")

    assert result.exit_code == 0
    assert "Deleted all that was stored about @wren (Twitter id 1001)." in result.output
    assert [each.is_signed_in() for each in (wren, phone, robin)] == [False, False, True]
    assert [user["twitter_id"] for user in rows(User)] == ["1002"]
    assert len(rows(Session)) == len(rows(Grant)) == 1
    assert {row["user_id"] for row in rows(Usage)} <= {rows(User)[0]["id"]}
    assert {row["session_id"] for row in rows(UsedState)} == {None, rows(Session)[0]["id"]}
    assert len(twitter.calls_to(REVOKE_PATH)) == 2


def test_forget_asks_first(flock, run, rows):
    flock(("1001", "wren"))

    asked = [run("people", "forget", "wren", input=answer) for answer in ("n\n", "")]
    before = len(rows(User))
    done = run("people", "forget", "wren", input="y\n")

    assert [each.exit_code for each in (*asked, done)] == [1, 1, 0]
    assert "@wren (Twitter id 1001)? [y/N]" in asked[0].output
    assert (before, rows(User)) == (1, [])


def test_forget_tells_that_twitter_has_not_been_told(flock, run, twitter):
    flock(("1001", "wren"))
    twitter.replace("POST", REVOKE_PATH, body=requests.ConnectionError("away"))

    result = run("people", "forget", "wren", "--yes")

    assert "Tokens that Twitter must still revoke, of all people: 2." in result.output


@on_both_stores
@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_forget_holds_against_a_sign_in_under_way(app, run, rows, flock, twitter, known):
    """The browser is at Twitter, or its code is being exchanged."""
    browsers = flock(*[("1001", "wren")] if known else [])
    if not known:
        twitter.get(ME_PATH, json=user_answer())
    browser = app.test_client()
    started = browser.press_sign_in()

    result = run("people", "forget", "1001", "--yes")
    browser.come_back(state=started.state, code="a-code")

    assert result.exit_code == (0 if known else 1)
    assert [each.is_signed_in() for each in (*browsers, browser)] == [False] * (1 + known)
    assert rows(User) == rows(Session) == rows(Grant) == []
    browser.sign_in()
    assert browser.is_signed_in()


@on_both_stores
def test_forget_during_the_end_of_a_sign_in_leaves_all_or_nothing(app, run, rows, flock):
    for _ in range(5):
        flock(("1001", "wren"))
        browser = app.test_client()
        started = browser.press_sign_in()
        together = threading.Barrier(2)

        def come_back(browser=browser, started=started, together=together):
            together.wait()
            browser.come_back(state=started.state, code="a-code")

        with ThreadPoolExecutor(2) as pool:
            coming = pool.submit(come_back)
            together.wait()
            run("people", "forget", "1001", "--yes")
            coming.result()

        assert not browser.is_signed_in()
        assert rows(User) == rows(Session) == rows(Grant) == []


# forget-content


@pytest.mark.parametrize(
    "text, content",
    [
        ("20", Content(id="20")),
        ("@Robin", Content(username="robin")),
        ("https://x.com/robin/status/20", Content(id="20")),
        ("https://x.com/robin/status/20/photo/1?s=20#a", Content(id="20")),
        ("https://twitter.com/i/web/status/20", Content(id="20")),
        ("https://x.com/i/user/20", Content(id="20")),
        ("https://x.com/Robin", Content(username="robin")),
        ("http://127.0.0.1:9000/robin/status/20", Content(id="20")),
    ],
)
def test_content_is_an_id_a_name_or_a_link(text, content):
    assert Content.from_text(text) == content


@pytest.mark.parametrize(
    "text", ["robin", "", "@", "20a", "x.com/robin/status/20", "javascript:20", "https://x.com/"]
)
def test_other_content_is_refused(run, text):
    result = run("people", "forget-content", text)

    assert result.exit_code == 2
    assert "not an id, an @name, or a link to a Tweet or a profile" in result.output


ANSWER = {
    "data": [{"id": "20", "author_id": "1002", "referenced_tweets": [{"id": "21"}]}],
    "includes": {"users": [ROBIN], "tweets": [{"id": "21", "author_id": "1003"}]},
    "meta": {"result_count": 1},
}


@pytest.mark.parametrize(
    "text, found",
    [("20", True), ("21", True), ("1003", True), ("@robin", True), ("1", False), ("@rob", False)],
)
def test_an_answer_is_found_by_all_that_it_holds(text, found):
    assert Content.from_text(text).is_in(ANSWER) == found
    assert not Content.from_text(text).is_in(None)


def deep(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value


def test_a_deep_value_in_redis_is_no_crash():
    assert not Content.from_text("20").is_in(deep(50_000))


@pytest.mark.parametrize("wanted", [TWEET["id"], f"https://x.com/i/status/{TWEET['id']}", "@wren"])
def test_content_goes_from_redis_for_all_processes_at_once(
    build_app, redis_url, kind_twitter, run, wanted
):
    site = build_app(REDIS_URL=redis_url)
    here = site.test_client()
    here.sign_in()
    stand(kind_twitter)
    tell(kind_twitter)
    there = build_app(REDIS_URL=redis_url).test_client().with_cookies_of(here)
    here.get("/tweets")
    here.get("/follows")
    follows = len(kind_twitter.calls_to(LIVE.api_url + "/users/1001/following"))

    result = run("people", "forget-content", wanted, on=build_app(REDIS_URL=redis_url))

    assert "cached answers from Redis, for all processes." in result.output
    assert "Deleted 0" not in result.output
    before = len(kind_twitter.calls_to(LIVE.tweets))
    there.get("/tweets")
    assert len(kind_twitter.calls_to(LIVE.tweets)) == before + 1
    there.get("/follows")
    assert len(kind_twitter.calls_to(LIVE.api_url + "/users/1001/following")) == follows


def test_what_others_keep_in_our_redis_stays(app, build_app, redis_url, run):
    with redis.Redis.from_url(redis_url) as there:
        there.set("perch:a lock:lock", b"\xff20")
        there.zadd("perch:an index", {"20": 1})
        there.set("perch:a number", "20")
        there.set("others", '{"value": "20", "at": 1}')
        there.set("perch:an answer", '{"value": {"id": "20"}, "at": 1}')

        result = run("people", "forget-content", "20", on=build_app(REDIS_URL=redis_url))

        assert "Deleted 1 cached answers" in result.output
        assert len(there.keys("*")) == 4


@pytest.mark.loopback
@on_both_stores
@pytest.mark.parametrize("url", [None, "redis://127.0.0.1:1/0"], ids=["memory", "Redis away"])
def test_content_in_other_memories_is_found_no_more(build_app, kind_twitter, run, monkeypatch, url):
    """Each app has a memory of its own, as a process has; the command runs in a third."""
    monkeypatch.setattr(cache_epochs, "BATCH", 1)
    here = build_app().test_client()
    here.sign_in()
    there = build_app().test_client().with_cookies_of(here)
    tell(kind_twitter)
    tell(kind_twitter)
    tell(kind_twitter, TWEET | {"text": "Something else"})
    shown = [browser.get("/tweets").text for browser in (here, there)]

    result = run("people", "forget-content", TWEET["id"], on=build_app(REDIS_URL=url))

    assert "No process finds the cached answers of 1 people any more" in result.output
    assert "24 hours at most" in result.output
    assert [TWEET["text"] in page for page in shown] == [True, True]
    assert [TWEET["text"] in browser.get("/tweets").text for browser in (here, there)] == [
        False
    ] * 2


@pytest.mark.parametrize("redis_too", [False, True], ids=["memory", "redis"])
def test_a_copy_is_shown_for_less_than_a_day_whatever_twitter_does(
    build_app, kind_twitter, clock, request, redis_too
):
    """The bound that holds without any command: no stale answer is stored again."""
    url = request.getfixturevalue("redis_url") if redis_too else None
    client = build_app(REDIS_URL=url).test_client()
    client.sign_in()
    tell(kind_twitter)
    tell(kind_twitter, status=503, json={})
    client.get("/tweets")
    for hours in (11, 12):
        clock.advance(hours=hours, minutes=29)
        kind_twitter.replace("POST", TOKEN_PATH, status=503)
        assert TWEET["text"] in client.get("/tweets").text

    clock.advance(minutes=3)

    assert TWEET["text"] not in client.get("/tweets").text


def test_without_a_cache_there_is_nothing_to_drop(build_app, run):
    result = run("people", "forget-content", "20", on=build_app(CACHE_SECONDS="0"))

    assert "CACHE_SECONDS is 0: nothing is cached." in result.output


@pytest.mark.parametrize("text", ["1001", "@wren"])
def test_an_author_who_has_signed_in_is_named(flock, run, text):
    flock(("1001", "wren"))

    result = run("people", "forget-content", text)

    assert "flask --app wsgi people forget 1001" in result.output
