"""Health and metrics: alive, ready, and who may read the metrics."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import flask
import flask_migrate
import pytest

from app import health
from app.storage.extensions import db
from tests.factories import PUBLIC_URL
from tests.site import statements
from tests.stores import make_read_only

TOKEN = "a-word-between-us-and-prometheus"
MACHINES_ASK = ["/healthz", "/readyz", "/metrics"]


# Alive


def test_alive_touches_no_store_no_session_and_no_template(app, client, monkeypatch):
    def touched(*_, **__):
        raise AssertionError("touched")

    monkeypatch.setattr(health, "services", touched)
    monkeypatch.setattr(app.jinja_env, "get_template", touched)
    monkeypatch.setattr(app.jinja_env, "get_or_select_template", touched)
    monkeypatch.setattr(app.session_interface, "get_signing_serializer", touched)
    monkeypatch.setattr(app.session_interface, "save_session", touched)
    seen = []
    with statements(app) as asked, flask.template_rendered.connected_to(seen.append, app):
        answer = client.get("/healthz", headers={"Cookie": "session-8000=eyJ4Ijox.fQ.made-up"})

    assert (answer.status_code, answer.text) == (200, "alive\n")
    assert (asked, seen) == ([], [])
    assert "Set-Cookie" not in answer.headers
    assert "Cookie" not in answer.headers.get("Vary", "")


def test_a_page_would_have_been_noticed(app, client, monkeypatch):
    """The test above proves something: what it forbids is what a page does."""
    touched = []
    serializer = app.session_interface.get_signing_serializer
    monkeypatch.setattr(
        app.session_interface,
        "get_signing_serializer",
        lambda app: touched.append("session") or serializer(app),
    )
    seen = []
    with flask.template_rendered.connected_to(lambda *_, **__: seen.append("template"), app):
        client.get("/")

    assert touched
    assert seen


# Ready


def test_ready_asks_the_database_once(app, client):
    with statements(app) as asked:
        answer = client.get("/readyz")

    assert (answer.status_code, answer.text) == (200, "ready\n")
    assert len(asked) == 1


def test_a_database_that_is_away_is_not_ready(build_app, tmp_path):
    client = build_app(DATABASE_URL=f"sqlite:///{tmp_path}/nowhere/perch.db").test_client()

    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert answer.text == ("the database is not ready: its file or folder cannot be opened\n")


def test_a_database_without_tables_is_not_ready(build_app, tmp_path):
    client = build_app(DATABASE_URL=f"sqlite:///{tmp_path}/empty.db").test_client()

    answer = client.get("/readyz")

    assert (answer.status_code, answer.text) == (
        503,
        "the database is not ready: it has no tables yet, or older ones\n",
    )


@pytest.mark.postgresql
def test_a_standby_is_not_ready_until_the_pool_has_found_the_primary(build_app, postgresql_url):
    """Its connections were made while it was the primary, and it answers all questions."""
    app = build_app(DATABASE_URL=postgresql_url)
    with app.app_context():
        flask_migrate.upgrade()
    client = app.test_client()
    make_read_only(app)

    answers = [client.get("/readyz") for _ in range(2)]

    assert [answer.status_code for answer in answers] == [503, 200]
    assert "read but not written" in answers[0].text


@pytest.mark.postgresql
def test_a_primary_that_must_not_be_written_is_not_ready(build_app, postgresql_url):
    app = build_app(DATABASE_URL=postgresql_url)
    with app.app_context():
        flask_migrate.upgrade()
        name = db.engine.url.database
    with app.extensions["perch"].database.writing() as connection:
        connection.exec_driver_sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with app.app_context():
        db.engine.dispose()

    answers = [app.test_client().get("/readyz") for _ in range(2)]

    assert {answer.status_code for answer in answers} == {503}


def test_a_cache_that_is_away_is_told_of_and_nobody_is_sent_away(build_app, tmp_path):
    away = build_app(REDIS_URL=f"unix://{tmp_path}/nothing-listens.sock").test_client()

    answer = away.get("/readyz")

    assert (answer.status_code, answer.text) == (
        200,
        "ready, but the cache is away: Redis does not answer\n",
    )


def test_a_cache_that_hangs_is_away(build_app, tmp_path, monkeypatch):
    over = threading.Event()
    monkeypatch.setattr(health, "_pings", lambda _: over.wait(30))
    monkeypatch.setattr(health, "CACHE_SECONDS", 0.05)
    client = build_app(REDIS_URL=f"unix://{tmp_path}/redis.sock").test_client()

    answer = client.get("/readyz")

    over.set()
    assert (answer.status_code, "the cache is away" in answer.text) == (200, True)


@pytest.fixture
def hanging(app, monkeypatch):
    """Let the database hang until the test is over."""
    over = threading.Event()
    asked = []
    database = app.extensions["perch"].database

    def hanging(real):
        @contextmanager
        def hang():
            asked.append(threading.current_thread())
            over.wait(30)
            with real() as connection:
                yield connection

        return hang

    for kind in ("reading", "writing"):
        monkeypatch.setattr(database, kind, hanging(getattr(database, kind)))
    monkeypatch.setattr(health, "READY_SECONDS", 0.05)
    monkeypatch.setattr(health, "BACKLOG_SECONDS", 0.05)
    yield asked
    over.set()
    for thread in asked:
        thread.join(5)


def test_a_database_that_hangs_is_not_waited_for(client, hanging):
    answer = client.get("/readyz")

    assert answer.status_code == 503
    assert "no answer from the database within 0.05 seconds" in answer.text


def test_a_database_that_hangs_costs_one_thread_however_often_it_is_asked(app, hanging):
    def ask(_):
        return app.test_client().get("/readyz").status_code

    with ThreadPoolExecutor(8) as hands:
        statuses = list(hands.map(ask, range(16)))

    assert set(statuses) == {503}
    assert len(hanging) == 1


def test_figures_are_shown_without_an_outbox_that_hangs(client, hanging):
    page = client.get("/metrics").text

    assert "perch_outbox_readable 0.0" in page
    assert "perch_outbox_rows" not in page
    assert "perch_sign_ins_total" in page


# Access to the metrics


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def guarded(build_app):
    return build_app(METRICS_TOKEN=TOKEN).test_client()


def test_the_token_opens_the_figures_from_any_address(guarded):
    far_away = {"REMOTE_ADDR": "203.0.113.9"}
    headers = {**bearer(TOKEN), "X-Forwarded-For": "203.0.113.9"}

    answer = guarded.get("/metrics", headers=headers, environ_overrides=far_away)

    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain; version=")


def test_without_the_token_loopback_is_refused(guarded):
    given = [
        {},
        bearer("another-word-between-us"),
        bearer(""),
        bearer(TOKEN + "x"),
        bearer(TOKEN[:-1]),
        bearer("é"),
        {"Authorization": TOKEN},
        {"Authorization": f"Basic {TOKEN}"},
        {"X-Metrics-Token": TOKEN},
    ]
    in_the_address = f"/metrics?token={TOKEN}&access_token={TOKEN}"

    answers = [guarded.get("/metrics", headers=headers) for headers in given]
    answers.append(guarded.get(in_the_address))

    assert {answer.status_code for answer in answers} == {403}
    assert not any("perch_" in answer.text or TOKEN in answer.text for answer in answers)


def test_without_a_token_this_machine_may_look(client):
    answers = [
        client.get("/metrics", base_url=base_url, environ_overrides={"REMOTE_ADDR": address})
        for address in ("127.0.0.1", "127.9.9.9", "::1")
        for base_url in (PUBLIC_URL, "http://localhost:8000", "http://127.0.0.1", "http://[::1]:1")
    ]

    assert {answer.status_code for answer in answers} == {200}


def test_without_a_token_the_public_name_will_do(build_app):
    client = build_app(PUBLIC_URL="https://birds.example").test_client()

    assert client.get("/metrics", base_url="https://birds.example").status_code == 200


def test_without_a_token_other_addresses_may_not_look(client):
    addresses = ["203.0.113.9", "10.0.0.1", "", "localhost.evil.example"]

    answers = [
        client.get("/metrics", environ_overrides={"REMOTE_ADDR": address}) for address in addresses
    ]

    assert {answer.status_code for answer in answers} == {403}


@pytest.mark.parametrize("hops", ["0", "1"])
def test_behind_a_local_proxy_loopback_may_not_look(build_app, hops):
    client = build_app(TRUSTED_PROXIES=hops).test_client()
    added = [
        "X-Forwarded-For",
        "X-Forwarded-Whatever",
        "x-forwarded-for",
        "Forwarded",
        "Via",
        "X-Real-IP",
    ]

    answers = [
        client.get("/metrics", headers={header: value})
        for header in added
        for value in ("127.0.0.1", "")
    ]

    assert {answer.status_code for answer in answers} == {403}


def test_a_proxy_that_adds_nothing_is_known_by_its_protocol(client):
    spoken = {"SERVER_PROTOCOL": "HTTP/1.0"}

    assert client.get("/metrics", environ_overrides=spoken).status_code == 403


def test_another_name_for_this_machine_sees_no_figures(client):
    names = ["evil.example", "evil.example:8000", "127.0.0.1.evil.example"]

    answers = [client.get("/metrics", base_url=f"http://{name}") for name in names]

    assert {answer.status_code for answer in answers} == {403}


def test_an_impossible_host_sees_no_figures(client):
    hosts = ["[::1", "[zzz]", "a b", "[127.0.0.1]", "::1"]

    answers = [client.get("/metrics", headers={"Host": host}) for host in hosts]

    assert {answer.status_code for answer in answers} <= {400, 403}


# Common to all three


def test_machines_need_no_session_and_get_no_cookie(client):
    answers = [client.get(path) for path in MACHINES_ASK]

    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert [answer.headers["Cache-Control"] for answer in answers] == ["no-store"] * 3
    assert not any("Set-Cookie" in answer.headers for answer in answers)


def test_machines_may_ask_as_often_as_they_like(build_app):
    client = build_app(RATELIMIT_ENABLED="on").test_client()

    statuses = {client.get(path).status_code for _ in range(70) for path in MACHINES_ASK}

    assert statuses == {200}


def test_machines_only_get(client):
    assert {client.post(path).status_code for path in MACHINES_ASK} <= {400, 405}
