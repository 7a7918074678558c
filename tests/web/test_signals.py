"""Signals: what a product hears of people, by whichever way it happens, and what its faults do."""

import json
import logging
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
from flask import current_app
from sqlalchemy import select, update

from app import signals
from app.accounts.models import Grant, Session, User
from app.observability.logs import request_id
from app.services import services
from app.signals import grant_ended, person_deleting, person_exporting, signed_in, signed_out
from app.storage.database import store_time
from app.storage.extensions import db
from tests.factories import ME_PATH, REVOKE_PATH, TOKEN_PATH, user_answer
from tests.stores import on_both_stores
from tests.web.test_double_submit import doubled
from tests.web.test_double_submit import slow_twitter as slow_twitter  # noqa: PLC0414 - a fixture
from tests.web.test_webhook import REFUSED, WEBHOOK, revoke
from tests.web.test_webhook import x as x  # noqa: PLC0414 - a fixture

DOCUMENT = Path(__file__).parents[2] / "docs" / "signals.md"
WREN = {"user_id": 1, "twitter_id": "1001"}
SECRETS = ("a-code-from-twitter", "access", "refresh", "secret")


@pytest.fixture
def app(build_app):
    return build_app(**WEBHOOK)


@pytest.fixture
def connect():
    """Connect receivers for one test."""
    with ExitStack() as stack:
        yield lambda signal, receiver: stack.enter_context(signal.connected_to(receiver))


@pytest.fixture
def heard(connect):
    """Return each signal that was sent, by name with its data, and what the receiver's app saw."""
    heard = []

    for name in ("signed_in", "signed_out", "grant_ended", "person_deleting", "person_exporting"):

        def receive(sender, name=name, **data):
            assert sender is current_app._get_current_object()
            with services().database.reading() as connection:
                living = [
                    len(connection.execute(select(each.id).where(each.ended_at.is_(None))).all())
                    for each in (Session, Grant)
                ]
                people = len(db.session.execute(select(User.id)).all())
            heard.append((name, data, (people, *living)))
            return {}

        connect(getattr(signals, name), receive)
    return heard


def names(heard):
    return sorted((name, data.get("why")) for name, data, _ in heard)


def stored(heard, name):
    """Return people, living sessions and living grants as the receivers of a signal saw them."""
    return [seen for each, _, seen in heard if each == name]


# Each way


@on_both_stores
def test_a_sign_in_is_told_once_it_is_committed(client, kind_twitter, heard, rows):
    client.sign_in()

    session_id = rows(Session)[0]["id"]
    assert heard == [("signed_in", {**WREN, "session_id": session_id}, (1, 1, 1))]


@on_both_stores
def test_a_double_submit_is_one_sign_in(client, slow_twitter, heard):
    started = client.press_sign_in()
    answers = doubled(client, client.twin(), slow_twitter, started.state)

    assert [answer.status_code for answer in answers] == [303, 303]

    assert names(heard) == [("signed_in", None)]


@on_both_stores
def test_two_tabs_that_share_a_session_are_one_sign_in(client, kind_twitter, heard, rows):
    states = [client.press_sign_in().state for _ in range(2)]
    tab = client.twin()
    client.come_back(state=states[0], code="c")
    tab.come_back(state=states[1], code="d")

    assert len(rows(Session)) == 1
    assert names(heard) == [("signed_in", None)]


def test_a_refused_sign_in_is_not_told(client, kind_twitter, heard):
    client.come_back(state=client.press_sign_in().state, error="access_denied")
    kind_twitter.upsert("POST", TOKEN_PATH, json=REFUSED, status=400)
    client.sign_in()

    assert heard == []


@on_both_stores
def test_a_sign_in_again_replaces_the_session_but_not_the_grant(signed_in_and, heard):
    signed_in_and.sign_in()

    assert names(heard) == [("signed_in", None), ("signed_out", "replaced")]
    assert stored(heard, "signed_out") == [(1, 1, 1)]


@on_both_stores
def test_another_account_in_a_browser_ends_the_grant_of_the_first(signed_in_and, twitter, heard):
    twitter.upsert("GET", ME_PATH, json=user_answer(id="2002", username="cuckoo"))
    signed_in_and.sign_in()

    ended = [data for name, data, _ in heard if name == "grant_ended"]
    assert names(heard) == [
        ("grant_ended", "logged_out"),
        ("signed_in", None),
        ("signed_out", "replaced"),
    ]
    assert ended == [{**WREN, "why": "logged_out"}]


@pytest.fixture
def signed_in_and(client, kind_twitter, heard):
    """Wren's browser, signed in; that was heard and is forgotten."""
    client.sign_in()
    heard.clear()
    return client


@pytest.fixture
def beside(app, signed_in_and, heard):
    """Another browser of Wren's."""
    other = app.test_client()
    other.sign_in()
    heard.clear()
    return other


@on_both_stores
def test_the_last_logout_ends_the_grant(signed_in_and, heard, rows):
    signed_in_and.press_log_out()

    [session] = rows(Session)
    assert sorted(heard, key=str) == [
        ("grant_ended", {**WREN, "why": "logged_out"}, (1, 0, 0)),
        ("signed_out", {**WREN, "why": "logged_out", "session_id": session["id"]}, (1, 0, 0)),
    ]


def test_a_logout_that_is_not_the_last_ends_no_grant(beside, heard):
    beside.press_log_out()

    assert names(heard) == [("signed_out", "logged_out")]


def test_without_revoking_a_logout_leaves_the_grant(build_app, kind_twitter, heard):
    client = build_app(LOGOUT_REVOKES="off").test_client()
    client.sign_in()
    client.press_log_out()

    assert names(heard) == [("signed_in", None), ("signed_out", "logged_out")]


def test_logging_out_one_browser_or_all_others(beside, signed_in_and, heard, rows):
    theirs = rows(Session)[0]["id"]
    beside.press("/account/browsers/end", session_id=theirs)
    beside.press("/account/browsers/end", session_id=theirs)
    assert names(heard) == [("signed_out", "logged_out")]

    signed_in_and.sign_in()
    heard.clear()
    beside.press("/account/browsers/end-others")
    assert names(heard) == [("signed_out", "logged_out")]


@pytest.mark.parametrize("by", ["page view", "prune"])
def test_expiry(app, signed_in_and, heard, clock, by):
    clock.advance(days=31)
    if by == "prune":
        app.test_cli_runner().invoke(args=["prune"])
    else:
        signed_in_and.get("/account")

    assert names(heard) == [("grant_ended", "expired"), ("signed_out", "expired")]


def test_a_browser_that_expires_when_another_logs_out(beside, signed_in_and, heard, clock):
    clock.advance(days=29)
    signed_in_and.get("/account")
    clock.advance(days=2)
    signed_in_and.press_log_out()

    assert names(heard) == [
        ("grant_ended", "logged_out"),
        ("signed_out", "expired"),
        ("signed_out", "logged_out"),
    ]


@on_both_stores
def test_a_refusal_of_twitter_ends_all_browsers(beside, signed_in_and, twitter, heard):
    twitter.upsert("POST", TOKEN_PATH, json=REFUSED, status=400)
    twitter.get("/users/1001/tweets", json={"title": "Unauthorized"}, status=401)
    assert beside.get("/tweets").status_code == 401

    assert names(heard) == [
        ("grant_ended", "refused"),
        ("signed_out", "refused"),
        ("signed_out", "refused"),
    ]
    assert stored(heard, "grant_ended") == [(1, 0, 0)]


def test_the_webhook_ends_it_in_a_thread_without_a_request(x, signed_in_and, twitter, heard):
    twitter.upsert("POST", TOKEN_PATH, json=REFUSED, status=400)
    x(revoke())
    x(revoke())

    assert names(heard) == [("grant_ended", "refused"), ("signed_out", "refused")]


def test_an_operator_ends_it(app, signed_in_and, heard):
    for _ in range(2):
        app.test_cli_runner().invoke(args=["grants", "end", "--twitter-id", "1001"])

    why = "ended_by_operator"
    assert names(heard) == [("grant_ended", why), ("signed_out", why)]


# Deletion


@on_both_stores
def test_a_disconnect_is_told_while_the_rows_are_there(beside, signed_in_and, heard, rows):
    signed_in_and.press("/account/disconnect", sure="yes")

    assert heard[0] == ("person_deleting", {**WREN, "why": "disconnected"}, (1, 2, 1))
    assert names(heard[1:]) == [
        ("grant_ended", "disconnected"),
        ("signed_out", "disconnected"),
        ("signed_out", "disconnected"),
    ]
    assert {seen for _, _, seen in heard[1:]} == {(0, 0, 0)}
    assert rows(User) == []


def test_people_forget(app, signed_in_and, heard):
    for _ in range(2):
        app.test_cli_runner().invoke(args=["people", "forget", "1001", "--yes"])

    why = "ended_by_operator"
    assert names(heard) == [("grant_ended", why), ("person_deleting", why), ("signed_out", why)]


@on_both_stores
def test_prune_after_people_days(app, beside, signed_in_and, heard, rows):
    beside.press_log_out()
    signed_in_and.press_log_out()
    _left_ago(app, days=91)
    heard.clear()
    for _ in range(2):
        app.test_cli_runner().invoke(args=["prune"])

    assert heard == [("person_deleting", {**WREN, "why": "expired"}, (1, 0, 0))]
    assert rows(User) == []


def _left_ago(app, *, days):
    with app.extensions["perch"].database.writing() as connection:
        moment = store_time(connection) - timedelta(days=days)
        connection.execute(update(User).values(left_at=moment))


def test_a_person_who_signs_in_during_the_signal_stays(app, signed_in_and, connect, rows):
    def come_back(_sender, **_data):
        app.test_client().sign_in()

    signed_in_and.press_log_out()
    _left_ago(app, days=91)
    connect(person_deleting, come_back)
    app.test_cli_runner().invoke(args=["prune"])

    assert [session["ended_at"] is None for session in rows(Session)].count(True) == 1


def test_a_deletion_that_did_not_happen_is_told_again(app, signed_in_and, heard, monkeypatch):
    grants = app.extensions["perch"].grants
    end, failures = grants.end, [RuntimeError("the store is gone")]

    def unlucky(*args, **kwargs):
        if failures:
            raise failures.pop()
        return end(*args, **kwargs)

    monkeypatch.setattr(grants, "end", unlucky)
    assert signed_in_and.press("/account/disconnect", sure="yes").status_code == 500
    assert signed_in_and.press("/account/disconnect", sure="yes").status_code == 303

    assert [name for name, *_ in heard].count("person_deleting") == 2


# Attacks


@pytest.fixture
def failing(connect):
    """A receiver of every signal that fails, and leaves its database session in a mess."""

    def fail(_sender, **data):
        db.session.add(User(twitter_id=None))
        raise RuntimeError(f"the product is down for {data['twitter_id']}")

    for signal in (signed_in, signed_out, grant_ended, person_deleting, person_exporting):
        connect(signal, fail)


@on_both_stores
def test_receivers_that_fail_are_logged_and_no_more(client, kind_twitter, failing, heard, caplog):
    assert client.sign_in().status_code == 303
    assert client.is_signed_in()
    assert client.get("/account/export").status_code == 200
    assert client.press_log_out().status_code == 303
    client.sign_in()
    assert client.press("/account/disconnect", sure="yes").status_code == 303

    failed = [r for r in caplog.records if r.name == "app.signals"]
    assert len(failed) == len(heard) == 8
    assert {record.levelno for record in failed} == {logging.ERROR}
    assert "test_signals.failing.<locals>.fail failed as a receiver of signed_in" in caplog.text


def test_a_slow_receiver_holds_up_no_other_person(app, client, kind_twitter, connect):
    entered, let_go = threading.Event(), threading.Event()

    def slow(_sender, *, twitter_id, **_data):
        if twitter_id == "1001":
            entered.set()
            assert let_go.wait(timeout=20)

    started = client.press_sign_in()
    duplicate, other = client.twin(), app.test_client()
    connect(signed_in, slow)
    with ThreadPoolExecutor() as pool:
        first = pool.submit(client.come_back, state=started.state, code="c")
        assert entered.wait(timeout=10)
        # The sign-in is committed: its duplicate need not wait, and no lock is held.
        assert duplicate.come_back(state=started.state, code="c").status_code == 303
        assert duplicate.is_signed_in()
        kind_twitter.upsert("GET", ME_PATH, json=user_answer(id="2002", username="cuckoo"))
        assert other.sign_in().status_code == 303
        assert not first.done()
        let_go.set()
        assert first.result().status_code == 303


@on_both_stores
def test_a_slow_receiver_of_a_deletion_holds_no_lock(app, signed_in_and, twitter, connect):
    def sign_another_in(_sender, *, twitter_id, **_data):
        twitter.upsert("GET", ME_PATH, json=user_answer(id="2002", username="cuckoo"))
        assert app.test_client().sign_in().status_code == 303
        with services().database.writing() as connection:  # the product's own bookkeeping
            connection.execute(update(User).where(User.twitter_id == twitter_id).values(epochs={}))

    connect(person_deleting, sign_another_in)

    assert signed_in_and.press("/account/disconnect", sure="yes").status_code == 303


def test_tokens_are_revoked_before_a_receiver_runs(app, signed_in_and, twitter, connect):
    revoked = []

    def look(_sender, **_data):
        app.extensions["perch"].outbox.wait(seconds=5)
        revoked.append(len(twitter.calls_to(REVOKE_PATH)))

    connect(grant_ended, look)
    connect(signed_out, look)
    signed_in_and.press_log_out()

    assert revoked == [2, 2]


def test_receivers_of_another_app_and_of_a_muted_signal_are_not_called(
    app, build_app, kind_twitter
):
    called, other = [], build_app()

    def receive(sender, **_data):
        called.append(sender)

    with signed_in.connected_to(receive, sender=other):
        app.test_client().sign_in()
        with signed_in.muted():
            other.test_client().sign_in()
        other.test_client().sign_in()

    assert called == [other]


def test_no_signal_holds_a_secret(beside, signed_in_and, heard, rows):
    sealed = [row["access_token"] for row in rows(Grant)]
    beside.get("/account/export")
    beside.press("/account/disconnect", sure="yes")

    known = {"user_id", "twitter_id", "session_id", "why"}
    assert {name for _, data, _ in heard for name in data} == known
    assert [word for word in (*SECRETS, *filter(None, sealed)) if word in repr(heard)] == []


# Export


def exported(client):
    return client.get("/account/export").json


def test_lists_of_a_product_join_the_export(signed_in_and, connect):
    def drafts(_sender, *, user_id, twitter_id):
        assert (user_id, twitter_id) == (1, "1001")
        row = {"at": datetime(2026, 1, 2, tzinfo=UTC), "day": date(2026, 1, 2)}
        return {"drafts": [row | {"price": Decimal("0.10"), "id": UUID(int=7)}], "labels": []}

    connect(person_exporting, drafts)
    copy = exported(signed_in_and)

    assert copy["drafts"] == [
        {
            "at": "2026-01-02T00:00:00+00:00",
            "day": "2026-01-02",
            "price": "0.10",
            "id": "00000000-0000-0000-0000-000000000007",
        }
    ]
    assert (copy["labels"], copy["not_exported"]) == ([], [])
    assert copy["user"]["twitter_id"] == "1001"


def loop():
    endless = []
    endless.append(endless)
    return endless


@pytest.mark.parametrize(
    "answer",
    [
        None,
        ["drafts"],
        {"drafts": {"id": 1}},
        {"drafts": [object()]},
        {"drafts": [{("a", "b"): 1}]},
        {"drafts": loop()},
        {"drafts": [float("nan")]},
        {"sessions": [], "drafts": []},
        {"not_exported": []},
        {"labels": ["of another product"]},
    ],
    ids=[
        "nothing",
        "a list",
        "no list",
        "object",
        "key",
        "endless",
        "NaN",
        "ours",
        "report",
        "taken",
    ],
)
def test_an_exporter_that_fails_hides_nothing_else(signed_in_and, connect, answer):
    def faulty(_sender, **_data):
        return answer

    def labels(_sender, **_data):
        return {"labels": ["mine"]}

    connect(person_exporting, labels)
    before = exported(signed_in_and)
    connect(person_exporting, faulty)
    copy = exported(signed_in_and)

    # Receivers have no order: of two with one name, either may come first.
    assert len(copy["not_exported"]) == 1
    assert copy["not_exported"][0].startswith("tests.web.test_signals.test_an_exporter")
    assert "drafts" not in copy
    assert len(copy["labels"]) == 1
    assert copy["sessions"] == before["sessions"]


def test_an_exporter_that_raises_is_named(signed_in_and, connect):
    def broken(_sender, **_data):
        raise OSError("no bucket")

    connect(person_exporting, broken)

    [name] = exported(signed_in_and)["not_exported"]
    assert name.endswith("broken")
    assert "no bucket" not in json.dumps(exported(signed_in_and))


def test_lines_of_a_receiver_have_the_id_of_its_request(app, connect):
    ids = []

    def note(_sender):
        ids.append(request_id())

    connect(signed_in, note)
    with app.test_request_context():
        services().shared.signals.send(signed_in)

        assert ids == [request_id()]


# The document


def test_the_example_of_the_document_works(signed_in_and, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    picture = tmp_path / "pictures" / "1001.png"
    picture.parent.mkdir()
    picture.touch()
    [example] = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    receivers = {}
    exec(compile(example, DOCUMENT, "exec"), receivers)

    assert exported(signed_in_and)["pictures"] == ["1001.png"]
    signed_in_and.press("/account/disconnect", sure="yes")
    assert not picture.exists()


def test_the_document_lists_every_signal():
    listed = re.findall(r"^\| `(\w+)` \|", DOCUMENT.read_text(), re.MULTILINE)

    assert listed == list(signals._ours)
