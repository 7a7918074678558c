"""Short transactions that do not fail each other."""

import contextlib
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import flask_migrate
import psycopg
import pytest
from psycopg.pq import TransactionStatus
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import (
    DatabaseError,
    IntegrityError,
    InternalError,
    OperationalError,
    StatementError,
)

from app.accounts.models import Grant, UsedState, User
from app.storage.database import Moment, StoreTime, engine_options, store_seconds
from app.storage.extensions import db
from tests.site import statements
from tests.stores import make_read_only, on_both_stores


@pytest.fixture
def database(app):
    return app.extensions["perch"].database


def add_user(connection, **changes):
    row = {
        "twitter_id": "1",
        "username": "wren",
        "profile": {},
        "created_at": datetime.now(UTC),
        "signed_in_at": datetime.now(UTC),
    }
    connection.execute(insert(User).values(row | changes))


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sqlite_runs_in_wal_mode_with_foreign_keys_on(database):
    with database.reading() as connection:
        pragmas = [
            connection.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "foreign_keys", "busy_timeout")
        ]

    assert pragmas == ["wal", 1, 5000]


@pytest.mark.parametrize("made_by", ["us", "another program"])
def test_a_database_file_is_private_whatever_made_it(build_app, tmp_path, made_by):
    file = tmp_path / "nest.db"
    if made_by != "us":
        with contextlib.closing(sqlite3.connect(file)) as connection:
            connection.execute("CREATE TABLE birds (id)")
        file.chmod(0o644)
    database = build_app(DATABASE_URL=f"sqlite:///{file}").extensions["perch"].database

    with database.writing() as connection:
        connection.exec_driver_sql("CREATE TABLE more_birds (id)")
        files = {each.name: each.stat().st_mode & 0o777 for each in tmp_path.glob("nest.db*")}

    assert files == dict.fromkeys(("nest.db", "nest.db-wal", "nest.db-shm"), 0o600)


def test_a_file_that_is_no_database_is_left_as_it_was(build_app, tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("not for a database\n" * 50)
    file.chmod(0o644)
    database = build_app(DATABASE_URL=f"sqlite:///{file}").extensions["perch"].database

    with pytest.raises(DatabaseError), database.reading():
        pass

    assert file.stat().st_mode & 0o777 == 0o644


@on_both_stores
def test_foreign_keys_are_enforced(database, clock):
    grant = {"id": "g", "user_id": 99, "scopes": "", "issued_at": clock(), "expires_at": clock()}

    with pytest.raises(IntegrityError), database.writing() as connection:
        connection.execute(insert(Grant).values(grant | {"created_at": clock()}))


@on_both_stores
def test_an_exception_rolls_back(database):
    def add_and_fail():
        with database.writing() as connection:
            add_user(connection)
            raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        add_and_fail()

    with database.reading() as connection:
        assert connection.execute(select(User.id)).all() == []


def in_transaction(connection):
    driver = connection.connection.driver_connection
    if connection.dialect.name == "sqlite":
        return driver.in_transaction
    return driver.info.transaction_status != TransactionStatus.IDLE


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_single_read_takes_no_transaction_on_sqlite(database):
    with database.reading() as connection:
        connection.execute(select(User.id)).all()

        assert not in_transaction(connection)


@on_both_stores
def test_a_read_leaves_no_transaction_to_the_next_user(database):
    for kind in (database.reading, database.snapshot, database.writing, database.snapshot):
        with kind() as connection:
            connection.execute(select(User.id)).all()
            began = in_transaction(connection)

            store = connection.dialect.name

        assert began == (kind != database.reading or store == "postgresql")


@on_both_stores
def test_a_snapshot_sees_one_moment(database):
    with database.snapshot() as connection:
        before = connection.execute(select(User.id)).all()
        with database.writing() as another:
            add_user(another)

        assert connection.execute(select(User.id)).all() == before == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_many_read_then_write_transactions_at_once_all_succeed(database):
    with database.writing() as connection:
        add_user(connection)

    def count_up(_):
        with database.writing() as connection:
            epoch = connection.execute(select(User.cache_epoch)).scalar_one()
            connection.execute(update(User).values(cache_epoch=epoch + 1))

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(count_up, range(200)))

    with database.reading() as connection:
        assert connection.execute(select(User.cache_epoch)).scalar_one() == 200


@on_both_stores
def test_moments_come_back_aware_and_in_utc(database):
    moment = datetime(2026, 11, 23, 12, 0, tzinfo=timezone(timedelta(hours=2)))
    with database.writing() as connection:
        add_user(connection, created_at=moment)

    with database.reading() as connection:
        found = connection.execute(select(User.created_at)).scalar_one()

    assert found == moment
    assert found.tzinfo is UTC


def test_a_moment_without_a_time_zone_is_refused(database):
    with pytest.raises(StatementError), database.writing() as connection:
        add_user(connection, created_at=datetime(2026, 11, 23))  # noqa: DTZ001


class Counter:
    """Seconds that pass as a test says; each statement takes `takes`."""

    def __init__(self, takes=0.0):
        self.seconds, self.takes = 100.0, takes

    def __call__(self):
        self.seconds += self.takes
        return self.seconds


def test_the_store_is_asked_for_its_time_once_a_minute(app, database):
    counter = Counter()
    times = StoreTime(database, counter)

    with statements(app) as seen:
        first = times.now()
        counter.seconds += 59
        counted = times.now()
        asked = len(seen)
        counter.seconds += 1
        times.now()

    assert counted == first + 59
    assert (asked, len(seen)) == (1, 2)


def test_a_time_that_the_store_told_slowly_is_not_counted_on(app, database):
    times = StoreTime(database, Counter(takes=0.006))

    with statements(app) as seen:
        times.now()
        told = times.now()

    assert len(seen) == 2
    with database.reading() as connection:
        assert 0 <= store_seconds(connection) - told < 5


def test_a_moment_is_counted_back_once(monkeypatch):
    monkeypatch.setattr("app.storage.database.time.monotonic", lambda: 100.0)
    moment, known = Moment(), Moment(1000.0)
    monkeypatch.setattr("app.storage.database.time.monotonic", lambda: 102.5)

    assert moment.seconds(store_now=5000.0) == 4997.5
    assert moment.seconds(store_now=6000.0) == 4997.5
    assert known.seconds(store_now=5000.0) == 1000.0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_errors_do_not_quote_values(database, clock):
    row = {"state_hash": "a-value-nobody-should-read", "code_hash": "c", "claimed_at": clock()}

    with pytest.raises(IntegrityError) as caught, database.writing() as connection:
        connection.execute(insert(UsedState), [row, row])

    assert "a-value-nobody-should-read" not in str(caught.value)


def test_a_pool_has_a_connection_for_every_thread():
    options = engine_options("postgresql+psycopg://db/perch", threads=32)

    assert options["pool_size"] == 32


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.postgresql
def test_no_wait_is_longer_than_a_page_may_take(database):
    limits = []
    for kind in (database.reading, database.snapshot, database.writing):
        with kind() as connection:
            limits += [
                connection.exec_driver_sql(f"SHOW {name}").scalar()
                for name in ("statement_timeout", "lock_timeout")
            ]

    assert set(limits) == {"5s"}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.postgresql
def test_only_writing_may_write(database):
    for kind in (database.reading, database.snapshot):
        with pytest.raises(InternalError, match="read-only"), kind() as connection:
            add_user(connection)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.postgresql
def test_a_connection_lost_while_it_lay_in_the_pool_is_replaced(app, database):
    for kind in (database.reading, database.snapshot, database.writing):
        with database.reading() as connection:
            lost = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
        with psycopg.connect(plain_url(app), autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", [lost])

        with kind() as connection:
            assert connection.exec_driver_sql("SELECT pg_backend_pid()").scalar() != lost


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.postgresql
def test_one_write_on_a_standby_gives_up_all_connections_to_it(app, database):
    make_read_only(app, connections=2)

    with pytest.raises(InternalError, match="read-only") as caught, database.writing() as first:
        add_user(first)

    assert caught.value.connection_invalidated
    with database.writing() as second, database.writing() as third:
        add_user(second)
        assert third.exec_driver_sql("SHOW transaction_read_only").scalar() == "off"


@pytest.mark.postgresql
def test_a_database_without_an_encoding_keeps_names_as_they_are(build_app, postgresql):
    with postgresql.empty_database("ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'") as url:
        app = build_app(DATABASE_URL=url)
        with app.app_context():
            flask_migrate.upgrade()
        database = app.extensions["perch"].database
        with database.writing() as connection:
            add_user(connection, username="Zaunkönig \N{BIRD}")

        with database.reading() as connection:
            found = connection.execute(select(User.username)).scalar_one()
        with app.app_context():
            db.engine.dispose()

    assert found == "Zaunkönig \N{BIRD}"


@pytest.mark.postgresql
def test_what_the_url_says_of_a_connection_is_heard(build_app, postgresql_url):
    said = "&options=-csearch_path%3Dbirds&application_name=nest&connect_timeout=3"
    app = build_app(DATABASE_URL=postgresql_url + said)
    database = app.extensions["perch"].database
    with database.writing() as connection:
        connection.exec_driver_sql("CREATE SCHEMA birds")

    with app.app_context():
        flask_migrate.upgrade()

    with database.reading() as connection:
        query = "SELECT schemaname FROM pg_tables WHERE tablename = 'users'"
        assert connection.exec_driver_sql(query).scalars().all() == ["birds"]
        assert connection.exec_driver_sql("SHOW application_name").scalar() == "nest"
    assert "connect_timeout" not in engine_options(postgresql_url + said, threads=1)["connect_args"]


def plain_url(app):
    return app.extensions["perch"].config.database_url.replace("+psycopg", "")


def test_ready_says_when_the_database_is_away(app, client):
    def away():
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    app.extensions["perch"].database.writing = away

    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200
