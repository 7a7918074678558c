"""Metrics: what they count, their names and labels, and that no label names a person."""

import contextlib
import re
import threading
from pathlib import Path

import pytest
import requests
from prometheus_client import values
from prometheus_client.parser import text_string_to_metric_families

from app.accounts.models import Grant, Revocation, Session
from app.observability.audit_log import Event
from app.observability.metrics import Metrics
from app.twitter.circuit_breaker import TIMEOUT_THRESHOLD
from app.twitter.endpoints import BY_ROUTE, USER_TWEETS
from app.twitter.errors import Unreachable
from app.twitter.transport.deadline import Deadline
from app.twitter.transport.transport import Call
from tests.dialects import LIVE
from tests.factories import ME_PATH, REVOKE_PATH, TOKEN_PATH, token_answer, user_answer

ROOT = Path(__file__).parent.parent.parent
OBSERVING = ROOT / "docs" / "observing.md"
TWEETS = LIVE.tweets


class Scraped:
    """A page of metrics, read by name and labels."""

    def __init__(self, text):
        self.text = text
        self.families = list(text_string_to_metric_families(text))
        self.samples = {
            (sample.name, *sorted(sample.labels.items())): sample.value
            for family in self.families
            for sample in family.samples
        }

    def __call__(self, name, **labels):
        return self.samples.get((f"perch_{name}", *sorted(labels.items())), 0.0)

    def labels(self):
        return {value for _, *labels in self.samples for _, value in labels}


@pytest.fixture
def scrape(client):
    def read(of=client):
        answer = of.get("/metrics")
        assert answer.status_code == 200
        return Scraped(answer.text)

    return read


# Sign-ins


def test_a_sign_in_is_counted_and_timed(client, kind_twitter, scrape):
    client.sign_in()

    page = scrape()
    assert page("sign_ins_started_total") == 1
    assert page("sign_ins_total", outcome="completed") == 1
    assert page("exchange_duration_seconds_count") == 1
    assert page("code_remaining_seconds_count") == 1
    assert 25 < page("code_remaining_seconds_sum") <= 30


def test_endings_begin_at_zero(scrape):
    page = scrape()

    for outcome in ("completed", "denied", "no_cookie", "refused", "failed"):
        assert ("perch_sign_ins_total", ("outcome", outcome)) in page.samples
    for outcome in ("refreshed", "refused", "failed"):
        assert ("perch_refreshes_total", ("outcome", outcome)) in page.samples


def test_other_endings_are_counted_with_their_reason(client, twitter, scrape):
    twitter.post(TOKEN_PATH, body=requests.ConnectionError())
    twitter.post(TOKEN_PATH, status=401, json={"error": "invalid_client"})
    for _ in range(2):
        client.sign_in()
    client.come_back(state=client.press_sign_in().state, error="access_denied")
    client.come_back(state="x", code="c")

    page = scrape()
    outcomes = ("completed", "denied", "refused", "failed")
    assert [page("sign_ins_total", outcome=each) for each in outcomes] == [0, 1, 1, 2]
    reasons = ("Unreachable", "ClientRefused", "NotOurs", "Denied")
    assert [page("sign_in_refusals_total", error=why) for why in reasons] == [1, 1, 1, 0]
    assert page("exchange_duration_seconds_count") == 2
    assert page("twitter_calls_total", endpoint="oauth2/token", status="unreachable") == 1


def test_a_callback_in_another_browser_has_an_outcome_of_its_own(client, scrape):
    client.come_back(state="of-another-browser", code="c")

    page = scrape()
    outcomes = ("no_cookie", "refused", "failed")
    assert [page("sign_ins_total", outcome=each) for each in outcomes] == [1, 0, 0]
    assert page("sign_in_refusals_total", error="NoCookie") == 1


def test_a_double_click_is_one_sign_in():
    metrics = Metrics()

    metrics.on_event(Event.SIGN_IN_COMPLETED, {"browser": "b", "duplicate": False})
    metrics.on_event(Event.SIGN_IN_COMPLETED, {"browser": "b", "duplicate": True})
    metrics.on_event(Event.LOGGED_OUT, {"browser": "b", "grant_ended": True})

    assert metrics.registry.get_sample_value("perch_sign_ins_total", {"outcome": "completed"}) == 1


# Refreshes


def test_refreshes_are_counted_by_how_they_went(app, twitter, clock, scrape):
    twitter.get(re.compile(r".*/users/\d/tweets"), json={"data": []})
    twitter.post(TOKEN_PATH, json=token_answer())
    browsers = [app.test_client() for _ in range(3)]
    for number, browser in enumerate(browsers):
        twitter.upsert("GET", ME_PATH, json=user_answer(id=str(number)))
        browser.sign_in()
    twitter.remove("POST", TOKEN_PATH)
    twitter.post(TOKEN_PATH, json=token_answer(access_token="a", refresh_token="b"))
    twitter.post(TOKEN_PATH, status=503)
    twitter.post(TOKEN_PATH, status=400, json={"error": "invalid_grant"})
    clock.advance(hours=1, minutes=59)

    for browser in browsers:
        browser.get("/tweets")
        clock.advance(minutes=20)

    page = scrape()
    outcomes = ("refreshed", "failed", "refused")
    assert [page("refreshes_total", outcome=each) for each in outcomes] == [1, 1, 1]


def test_waiting_requests_are_counted_while_waiting():
    metrics = Metrics()

    with metrics.waiting(), metrics.waiting():
        during = metrics.registry.get_sample_value("perch_refresh_waiters")

    assert during == 2
    assert metrics.registry.get_sample_value("perch_refresh_waiters") == 0
    assert metrics.registry.get_sample_value("perch_refresh_waits_total") == 2


# Calls to Twitter


def test_calls_are_counted_by_route(client, kind_twitter, scrape):
    kind_twitter.get(TWEETS, status=429, json={})
    client.sign_in()
    client.get("/tweets")
    client.press_log_out()
    client.application.extensions["perch"].outbox.wait(seconds=5)

    page = scrape()
    calls = "twitter_calls_total"
    assert page(calls, endpoint="oauth2/token", status="200") == 1
    assert page(calls, endpoint="GET /2/users/me", status="200") == 1
    assert page(calls, endpoint="GET /2/users/:id/tweets", status="429") == 1
    assert page(calls, endpoint="oauth2/revoke", status="200") == 2
    assert page("twitter_call_duration_seconds_count", endpoint="oauth2/revoke") == 2


def test_answers_are_priced_those_of_sign_ins_too(client, kind_twitter, scrape):
    kind_twitter.get(TWEETS, json={"data": [{"id": "10", "text": "a"}, {"id": "11", "text": "b"}]})
    client.sign_in()
    client.get("/tweets")
    client.get("/tweets")  # from the cache

    page = scrape()
    cost = "twitter_cost_dollars_total"
    assert page(cost, endpoint="GET /2/users/me") == pytest.approx(0.01)
    assert page(cost, endpoint="GET /2/users/:id/tweets") == pytest.approx(0.01)


def test_a_refused_call_costs_nothing(client, kind_twitter, scrape):
    kind_twitter.get(TWEETS, status=429, json={})
    client.sign_in()
    client.get("/tweets")

    page = scrape()
    assert page("twitter_cost_dollars_total", endpoint="GET /2/users/:id/tweets") == 0
    assert page("twitter_calls_total", endpoint="GET /2/users/:id/tweets", status="429") == 1


def time_out(deadline):
    raise Unreachable("no answer", silent=True)


def test_short_circuited_reads_are_counted(app, client, kind_twitter, scrape):
    client.sign_in()
    breaker = app.extensions["perch"].upstream.breaker
    for _ in range(TIMEOUT_THRESHOLD):
        with contextlib.suppress(Unreachable):
            breaker.read(USER_TWEETS, time_out, Deadline())
    before = scrape()
    client.get("/tweets")

    page = scrape()
    spared = page("reads_short_circuited_total", group="tweets") - before(
        "reads_short_circuited_total", group="tweets"
    )
    assert spared == 1
    assert [page("circuit_open", group=group) for group in ("tweets", "follows")] == [1, 0]
    assert page("twitter_calls_total", endpoint=USER_TWEETS.route, status="200") == 0


def test_unknown_statuses_are_counted_together():
    metrics = Metrics()

    for outcome in ("200", "busy", "799", "600"):
        metrics.on_call(Call(route="oauth2/token", outcome=outcome, seconds=0.1))

    def counted(status):
        labels = {"endpoint": "oauth2/token", "status": status}
        return metrics.registry.get_sample_value("perch_twitter_calls_total", labels)

    assert [counted(status) for status in ("200", "busy", "other", "799")] == [1, 1, 2, None]


# Reads


def test_reads_are_counted_by_where_their_answer_came_from(client, kind_twitter, clock, scrape):
    answer = kind_twitter.get(TWEETS, json={"data": []})
    client.sign_in()

    def more(how):
        before = scrape()("cache_reads_total", result=how)
        client.get("/tweets")
        return scrape()("cache_reads_total", result=how) > before

    first, again = more("miss"), more("hit")
    kind_twitter.remove(answer)
    kind_twitter.get(TWEETS, status=503)
    clock.advance(minutes=30)
    without_answer = more("stale")
    kind_twitter.upsert("POST", TOKEN_PATH, status=503)
    clock.advance(hours=3)

    assert (first, again, without_answer, more("stale")) == (True, True, True, True)


def test_without_a_cache_no_read_is_counted(build_app, kind_twitter, scrape):
    client = build_app(CACHE_SECONDS="0").test_client()
    kind_twitter.get(TWEETS, json={"data": []})
    client.sign_in()
    client.get("/tweets")

    page = scrape(client)
    assert [page("cache_reads_total", result=how) for how in ("hit", "miss", "stale")] == [0, 0, 0]


# Requests


def test_requests_are_counted_by_route(app, client, scrape, monkeypatch):
    def broken():
        raise RuntimeError("the cat")

    monkeypatch.setitem(app.view_functions, "pages.how_it_works", broken)
    expected = {
        "/": ("pages.home", "2xx"),
        "/tweets/12345678901": ("pages.tweet", "3xx"),
        "/nowhere/12345678901": ("none", "4xx"),
        "/how-it-works": ("pages.how_it_works", "5xx"),
        "/healthz": ("health.healthz", "2xx"),
        "/static/css/buttons.css": ("static", "2xx"),
    }
    for path in expected:
        client.get(path).close()

    page = scrape()
    for endpoint, status in expected.values():
        assert page("requests_total", endpoint=endpoint, status=status) == 1, endpoint
        assert page("request_duration_seconds_count", endpoint=endpoint) == 1, endpoint


# The outbox


def test_the_outbox_is_read_when_asked(client, twitter, clock, scrape):
    twitter.post(TOKEN_PATH, json=token_answer())
    twitter.get(ME_PATH, json=user_answer())
    twitter.post(REVOKE_PATH, status=503)
    client.sign_in()
    client.press_log_out()
    client.application.extensions["perch"].outbox.wait(seconds=5)
    clock.advance(minutes=20)

    page = scrape()
    assert page("outbox_readable") == 1
    assert page("outbox_rows", state="waiting") == 2
    assert page("outbox_rows", state="dead_letter") == 0
    assert page("outbox_oldest_seconds") == pytest.approx(1200, abs=5)


def test_dead_letters_do_not_make_the_outbox_old(app, clock, scrape):
    services = app.extensions["perch"]
    when_empty = scrape()("outbox_oldest_seconds")
    with services.database.writing() as connection:
        services.outbox.add(connection, "t", "access_token", twitter_id="1", now=clock())
        connection.execute(Revocation.__table__.update().values(dead_letter_at=clock()))
    clock.advance(days=1)

    page = scrape()
    assert page("outbox_rows", state="dead_letter") == 1
    assert (when_empty, page("outbox_oldest_seconds")) == (0, 0)


def test_metrics_are_shown_while_the_database_is_away(build_app, tmp_path):
    client = build_app(DATABASE_URL=f"sqlite:///{tmp_path / 'nowhere' / 'perch.db'}").test_client()

    assert Scraped(client.get("/metrics").text)("outbox_readable") == 0


# Apart, and together


def test_two_apps_in_one_process_count_for_themselves(build_app, kind_twitter, scrape):
    one, other = build_app().test_client(), build_app().test_client()
    one.sign_in()

    assert scrape(one)("sign_ins_total", outcome="completed") == 1
    assert scrape(other)("sign_ins_total", outcome="completed") == 0


def test_threads_do_not_lose_a_count():
    metrics = Metrics()

    def count():
        for _ in range(500):
            metrics.on_event(Event.SIGN_IN_STARTED, {})

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert metrics.registry.get_sample_value("perch_sign_ins_started_total") == 4000


@pytest.fixture
def workers_folder(monkeypatch, tmp_path):
    """A folder as gunicorn makes it: metrics made from now on count into its files."""
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    monkeypatch.setattr(values, "ValueClass", values.MultiProcessValue())
    yield tmp_path
    values.ValueClass.close_all_files()


def test_workers_that_start_or_end_meanwhile_are_left_out(workers_folder, clock):
    metrics = Metrics()
    metrics.on_event(Event.SIGN_IN_STARTED, {})
    (workers_folder / "counter_99999.db").touch()  # opened, and not yet filled with zeros
    (workers_folder / "gauge_livesum_99999.db").symlink_to("deleted-since-it-was-listed")

    page = Scraped(metrics.page(None, now=clock()).decode())

    assert page("sign_ins_started_total") == 1
    assert page("outbox_readable") == 0


# Labels


def test_no_label_names_a_person(client, kind_twitter, rows, scrape):
    kind_twitter.get(TWEETS, json={"data": []})
    started = client.press_sign_in()
    client.come_back(state=started.state, code="a-code-from-twitter")
    ids = [row["id"] for model in (Session, Grant) for row in rows(model)]
    client.get("/tweets")
    client.get("/people/heron")
    client.get("/people/id/2244994945")
    client.get("/tweets/1234567890123456789")
    client.get(f"/{started.state}")
    client.get(f"/auth/callback?state={started.state}&code=x")
    client.post("/account/browsers/end", data={"session_id": ids[0]})

    page = scrape()
    private = ["wren", "heron", "1001", "2244994945", "1234567890123456789", started.state]
    private += [*ids, "access-token-of-wren", "refresh-token-of-wren", "a-code-from"]
    told = " ".join(page.labels())  # among the values, "1001" may be a part of a second
    assert [word for word in private if word in told] == []


def test_every_label_comes_from_a_list_of_ours(app, client, kind_twitter, scrape):
    client.sign_in()
    client.get("/no/such/page")
    client.get("/tweets")

    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()} | {"none"}
    routes = set(BY_ROUTE) | {"oauth2/token", "oauth2/revoke"}
    page = scrape()
    for name, *labels in page.samples:
        for label, value in labels:
            if label == "endpoint":
                assert value in (routes if "twitter" in name else endpoints)
            else:
                assert re.fullmatch(r"[a-zA-Z0-9.+_]{1,20}", value) or label == "le"


# Costs


def test_page_views_ask_the_database_nothing_for_the_metrics(app, client, monkeypatch):
    asked = []
    monkeypatch.setattr(app.extensions["perch"].outbox, "backlog", lambda: asked.append("backlog"))
    monkeypatch.setattr(app.extensions["perch"].database, "reading", lambda: asked.append("read"))

    assert client.get("/").status_code == 200
    assert asked == []


# The documents


def known():
    """Return the labels of each metric, by its name on the page."""
    metrics = Metrics()
    found = {}
    for name, collector in metrics.registry._names_to_collectors.items():
        if name == collector._name + ("_total" if collector._type == "counter" else ""):
            found[name] = set(collector._labelnames)
    return found | {
        "perch_outbox_readable": set(),
        "perch_outbox_rows": {"state"},
        "perch_outbox_oldest_seconds": set(),
    }


def test_every_metric_on_the_page_is_known(client, kind_twitter, scrape):
    client.sign_in()
    kinds = {"counter": "_total", "gauge": "", "histogram": ""}

    assert {f.name + kinds[f.type] for f in scrape().families} == known().keys()


def test_every_metric_is_documented_with_its_labels():
    rows = re.findall(r"^\| `(perch_\w+)` \|([^|]*)\|", OBSERVING.read_text(), re.MULTILINE)

    assert {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows} == known()
