"""All rows arrive as they were, or none do."""

import contextlib
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import create_engine, delete, func, insert, select, text, update

from app.accounts import database_copy
from app.accounts.database_copy import CannotCopy, copy
from app.accounts.models import (
    Ending,
    Grant,
    PerformedAction,
    Revocation,
    RevocationEvent,
    Session,
    Usage,
    UsedState,
    User,
)
from app.accounts.token_cipher import TokenCipher, associated_data
from app.storage import database as storage
from app.storage.database import Database, engine_options
from tests.site import migrate
from tests.stores import STORES, on_both_stores

to_both_stores = pytest.mark.parametrize("target_url", STORES, indirect=True)

KEY = b"k" * 32
MOMENT = datetime(2026, 11, 24, 8, 30, 15, 123456, tzinfo=UTC)
PEOPLE = 7
TABLES = (
    "users",
    "sessions",
    "grants",
    "usage",
    "actions",
    "used_states",
    "endings",
    "revocations",
    "revocation_events",
)
ROWS = dict.fromkeys(TABLES, PEOPLE)


@pytest.fixture
def open_database():
    """Open databases, and close them again."""
    with contextlib.ExitStack() as stack:

        def opened(url):
            engine = create_engine(url, **engine_options(url, threads=1))
            stack.callback(engine.dispose)
            return Database(engine)

        yield opened


@pytest.fixture
def source(open_database, database_url):
    """A database with some people in it."""
    database = open_database(database_url)
    with database.writing() as connection:
        for number in range(1, PEOPLE + 1):
            live_in(connection, number)
    return database


@pytest.fixture
def target_url(request, tmp_path):
    """An empty database at the newest version: SQLite, unless `to_both_stores` says otherwise."""
    root = tmp_path / "target"
    root.mkdir()
    if getattr(request, "param", "sqlite") == "sqlite":
        migrate(root)
        return f"sqlite:///{root / 'perch.db'}"
    url = request.getfixturevalue("postgresql_url")
    migrate(root, DATABASE_URL=url)
    return url


@pytest.fixture
def target(open_database, target_url):
    return open_database(target_url)


def live_in(connection, number):
    """One person with one row in each table, and nothing left empty that can be filled."""
    user, grant = number * 1000, f"grant-{number}"
    moments = {"created_at": MOMENT, "refreshed_at": MOMENT, "issued_at": MOMENT}
    sealed = {
        name: TokenCipher([KEY]).seal(
            f"{name} of {number}", at=associated_data("grants", name, grant)
        )
        for name in ("access_token", "refresh_token")
    }
    person = {"id": user, "twitter_id": f"{number}", "username": "wren"}
    epochs = {"cache_epoch": number, "epochs": {"follows": number}}
    profile = {"name": "Zaunkönig \N{BIRD} \\ \"'", "public_metrics": {"b": 1, "a": [None, 2.5]}}
    signed_in = {"created_at": MOMENT, "signed_in_at": MOMENT}
    tables = [
        (User, person | epochs | signed_in | {"profile": profile}),
        (
            Session,
            {"id": f"session-{number}", "user_id": user, "browser": "Firefox"}
            | {"created_at": MOMENT, "seen_at": MOMENT, "sign_in_record": {"client": "public"}},
        ),
        (
            Grant,
            {"id": grant, "user_id": user, "scopes": "a b", "exchanged_at": 1.5, "generation": 3}
            | {"lease_owner": "me", "lease_until": 1790000000.123456, "ended_at": None}
            | {"expires_at": MOMENT + timedelta(hours=2)}
            | moments
            | sealed,
        ),
        (
            Usage,
            {"user_id": user, "day": date(2026, 11, 24), "route": "GET /2/tweets"}
            | {"calls": 1, "items": 20},
        ),
        (
            PerformedAction,
            {"user_id": user, "action": "follow", "target_id": "1002", "once": f"form-{number}"}
            | {"result": "done", "performed_at": MOMENT},
        ),
        (UsedState, {"state_hash": f"{number:064}", "code_hash": "c" * 64, "used_at": MOMENT}),
        (Ending, {"twitter_id_hash": f"{number:064}", "ended_at": 1790000000.25}),
        (
            Revocation,
            {"id": f"r-{number}", "token": "sealed", "token_type_hint": "access_token"}
            | {"created_at": MOMENT, "due_at": 1790000000.5, "attempts": number}
            | {"twitter_id": f"{number}", "waits_for": "r-0"}
            | {"sealed_for": f"grants.access_token:{grant}"},
        ),
    ]
    event = {"event_uuid": f"{number}", "user_id": user, "revoked_at": MOMENT, "attempts": number}
    times = {"received_at": 1790000000.5, "due_at": None if number % 2 else 1790000000.75}
    tables.append((RevocationEvent, event | times))
    for model, row in tables:
        connection.execute(insert(model).values(row))


def contents(database):
    with database.reading() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(select(table)).all()))
            for table in database_copy.tables()
        }


@on_both_stores
@to_both_stores
def test_every_row_arrives_as_it_was(source, target, monkeypatch):
    monkeypatch.setattr(database_copy, "BATCH", 3)

    copied = {each.table: each.rows for each in copy(source, target)}

    assert ROWS.items() <= copied.items()
    assert contents(target) == contents(source)


def test_sealed_tokens_open_in_their_new_place(source, target):
    list(copy(source, target))

    with target.reading() as connection:
        row, sealed = connection.execute(select(Grant.id, Grant.access_token)).first()
    opened = TokenCipher([KEY]).open(sealed, at=associated_data("grants", "access_token", row))
    assert opened == f"access_token of {row.removeprefix('grant-')}"


@to_both_stores
def test_the_next_person_gets_an_id_of_their_own(source, target):
    list(copy(source, target))

    new = {"twitter_id": "99", "username": "jay", "profile": {}}
    with target.writing() as connection:
        connection.execute(insert(User).values(new | dict.fromkeys(MOMENTS, MOMENT)))
        newest = connection.execute(select(func.max(User.id))).scalar()

    assert newest == PEOPLE * 1000 + 1


@on_both_stores
@to_both_stores
def test_an_id_that_was_handed_out_in_the_source_never_comes_back(source, target):
    new = {"twitter_id": "99", "username": "jay", "profile": {}}
    with source.writing() as connection:
        if connection.dialect.name == "postgresql":  # the rows brought their own ids
            connection.execute(select(func.setval(SEQUENCE, PEOPLE * 1000)))
        row = connection.execute(insert(User).values(new | dict.fromkeys(MOMENTS, MOMENT)))
        gone = row.inserted_primary_key[0]
        connection.execute(delete(User).where(User.id == gone))

    list(copy(source, target))

    with target.writing() as connection:
        row = connection.execute(insert(User).values(new | dict.fromkeys(MOMENTS, MOMENT)))
        assert row.inserted_primary_key[0] == gone + 1


SEQUENCE = func.pg_get_serial_sequence("users", "id")
MOMENTS = ("created_at", "signed_in_at")


@to_both_stores
def test_a_database_without_people_can_be_copied_too(open_database, database_url, target):
    copied = list(copy(open_database(database_url), target))

    assert {each.rows for each in copied} == {0}


def test_a_target_with_rows_is_refused(source, target):
    list(copy(source, target))

    with pytest.raises(CannotCopy, match="not empty: it has rows in"):
        list(copy(source, target))


def test_a_target_without_tables_is_refused(source, open_database, tmp_path):
    with pytest.raises(CannotCopy, match=r"no tables yet\. Run: DATABASE_URL="):
        list(copy(source, open_database(f"sqlite:///{tmp_path / 'new.db'}")))


def test_a_source_without_tables_is_refused(target, open_database, tmp_path):
    with pytest.raises(CannotCopy, match="nothing to copy"):
        list(copy(open_database(f"sqlite:///{tmp_path / 'new.db'}"), target))


def test_tables_of_another_version_are_refused(source, target):
    with target.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))

    with pytest.raises(CannotCopy, match=r"and 0000 there\. Bring both up to date"):
        list(copy(source, target))


def test_a_copy_that_is_broken_off_leaves_nothing_behind(source, target):
    steps = copy(source, target)
    next(steps)

    steps.close()

    assert set(map(len, contents(target).values())) == {0}
    assert ROWS.keys() <= {copied.table for copied in copy(source, target)}


def test_a_value_that_changed_on_the_way_stops_everything(source, target, monkeypatch):
    truth = database_copy._batches

    def bent(connection, table):
        for batch in truth(connection, table):
            change = {"username": "mallory"} if table.name == "users" else {}
            yield [row | change for row in batch]
            if change:
                monkeypatch.setattr(database_copy, "_batches", truth)

    monkeypatch.setattr(database_copy, "_batches", bent)

    with pytest.raises(CannotCopy, match="users did not arrive as it was"):
        list(copy(source, target))

    assert set(map(len, contents(target).values())) == {0}


@on_both_stores
def test_both_databases_are_locked_during_a_copy(source, target, database_url, monkeypatch):
    impatient = engine_options(database_url, threads=1)
    if database_url.startswith("sqlite"):
        impatient["connect_args"] = {"timeout": 0.1}
    begin = "BEGIN; SET LOCAL lock_timeout = 100"
    monkeypatch.setitem(storage.WRITING, "postgresql", begin)
    engine = create_engine(database_url, **impatient)
    steps = copy(source, target)
    next(steps)

    with pytest.raises(Exception, match="lock"), Database(engine).writing() as connection:
        connection.execute(update(User).values(username="late"))

    engine.dispose()
    steps.close()
