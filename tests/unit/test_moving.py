"""All rows arrive as they were, or none do."""

import contextlib
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import create_engine, func, insert, select, text, update

from app.accounts import moving
from app.accounts.models import Claim, Grant, Revocation, Usage, User
from app.accounts.moving import CannotMove, move
from app.accounts.vault import Vault, place
from app.database import Database, engine_options
from tests.site import migrate
from tests.stores import STORES, on_both_stores

to_both_stores = pytest.mark.parametrize("target_url", STORES, indirect=True)

KEY = b"k" * 32
MOMENT = datetime(2026, 11, 24, 8, 30, 15, 123456, tzinfo=UTC)
PEOPLE = 7
ROWS = {"users": PEOPLE, "grants": PEOPLE, "usage": PEOPLE, "claims": PEOPLE, "revocations": PEOPLE}


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
    moments = {"created_at": MOMENT, "seen_at": MOMENT, "issued_at": MOMENT}
    sealed = {
        name: Vault([KEY]).seal(f"{name} of {number}", at=place("grants", name, grant))
        for name in ("access_token", "refresh_token")
    }
    person = {"id": user, "twitter_id": f"{number}", "username": "wren"}
    epochs = {"cache_epoch": number, "follows_epoch": number}
    profile = {"name": "Zaunkönig \N{BIRD} \\ \"'", "public_metrics": {"b": 1, "a": [None, 2.5]}}
    signed_in = {"created_at": MOMENT, "signed_in_at": MOMENT}
    tables = [
        (User, person | epochs | signed_in | {"profile": profile}),
        (
            Grant,
            {"id": grant, "user_id": user, "scopes": "a b", "browser": "Firefox", "generation": 3}
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
        (Claim, {"state_hash": f"{number:064}", "code_hash": "c" * 64, "claimed_at": MOMENT}),
        (
            Revocation,
            {"id": f"r-{number}", "token": "sealed", "token_type_hint": "access_token"}
            | {"created_at": MOMENT, "due_at": 1790000000.5, "attempts": number},
        ),
    ]
    for model, row in tables:
        connection.execute(insert(model).values(row))


def contents(database):
    with database.reading() as connection:
        return {
            table.name: sorted(map(repr, connection.execute(select(table)).all()))
            for table in moving.tables()
        }


@on_both_stores
@to_both_stores
def test_every_row_arrives_as_it_was(source, target, monkeypatch):
    monkeypatch.setattr(moving, "BATCH", 3)

    moved = {each.table: each.rows for each in move(source, target)}

    assert moved == ROWS
    assert contents(target) == contents(source)


def test_sealed_tokens_open_in_their_new_place(source, target):
    list(move(source, target))

    with target.reading() as connection:
        row, sealed = connection.execute(select(Grant.id, Grant.access_token)).first()
    opened = Vault([KEY]).open(sealed, at=place("grants", "access_token", row))
    assert opened == f"access_token of {row.removeprefix('grant-')}"


@to_both_stores
def test_the_next_person_gets_an_id_of_their_own(source, target):
    list(move(source, target))

    new = {"twitter_id": "99", "username": "jay", "profile": {}}
    with target.writing() as connection:
        connection.execute(insert(User).values(new | dict.fromkeys(MOMENTS, MOMENT)))
        newest = connection.execute(select(func.max(User.id))).scalar()

    assert newest == PEOPLE * 1000 + 1


MOMENTS = ("created_at", "signed_in_at")


@to_both_stores
def test_a_database_without_people_can_move_too(open_database, database_url, target):
    moved = list(move(open_database(database_url), target))

    assert {each.rows for each in moved} == {0}


def test_a_target_with_rows_is_refused(source, target):
    list(move(source, target))

    with pytest.raises(CannotMove, match="not empty: it has rows in"):
        list(move(source, target))


def test_a_target_without_tables_is_refused(source, open_database, tmp_path):
    with pytest.raises(CannotMove, match=r"no tables yet\. Run: DATABASE_URL="):
        list(move(source, open_database(f"sqlite:///{tmp_path / 'new.db'}")))


def test_a_source_without_tables_is_refused(target, open_database, tmp_path):
    with pytest.raises(CannotMove, match="nothing to move"):
        list(move(open_database(f"sqlite:///{tmp_path / 'new.db'}"), target))


def test_tables_of_another_version_are_refused(source, target):
    with target.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))

    with pytest.raises(CannotMove, match=r"and 0000 there\. Bring both up to date"):
        list(move(source, target))


def test_a_move_that_is_broken_off_leaves_nothing_behind(source, target):
    steps = move(source, target)
    next(steps)

    steps.close()

    assert set(map(len, contents(target).values())) == {0}
    assert len(list(move(source, target))) == len(ROWS)


def test_a_value_that_changed_on_the_way_stops_everything(source, target, monkeypatch):
    truth = moving._batches

    def bent(connection, table):
        for batch in truth(connection, table):
            change = {"username": "mallory"} if table.name == "users" else {}
            yield [row | change for row in batch]
            if change:
                monkeypatch.setattr(moving, "_batches", truth)

    monkeypatch.setattr(moving, "_batches", bent)

    with pytest.raises(CannotMove, match="users did not arrive as it was"):
        list(move(source, target))

    assert set(map(len, contents(target).values())) == {0}


@on_both_stores
def test_both_databases_are_locked_during_a_move(source, target, open_database, database_url):
    impatient = engine_options(database_url, threads=1)
    if database_url.startswith("sqlite"):
        impatient["connect_args"] = {"timeout": 0.1}
    else:
        impatient["connect_args"] = {"options": "-c lock_timeout=100"}
    engine = create_engine(database_url, **impatient)
    steps = move(source, target)
    next(steps)

    with pytest.raises(Exception, match="lock"), Database(engine).writing() as connection:
        connection.execute(update(User).values(username="late"))

    engine.dispose()
    steps.close()
