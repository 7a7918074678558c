"""Short transactions that do not fail each other."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone

import pytest
from psycopg.pq import TransactionStatus
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError, StatementError

from app.accounts.models import Grant, UsedState, User
from app.storage.database import engine_options
from tests.stores import on_both_stores


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


@on_both_stores
def test_a_single_read_takes_no_transaction(database):
    with database.reading() as connection:
        connection.execute(select(User.id)).all()

        assert not in_transaction(connection)


@on_both_stores
def test_a_read_leaves_no_transaction_to_the_next_user(database):
    for kind in (database.reading, database.snapshot, database.writing, database.snapshot):
        with kind() as connection:
            connection.execute(select(User.id)).all()
            began = in_transaction(connection)

        assert began == (kind != database.reading)


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


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_errors_do_not_quote_values(database, clock):
    row = {"state_hash": "a-value-nobody-should-read", "code_hash": "c", "claimed_at": clock()}

    with pytest.raises(IntegrityError) as caught, database.writing() as connection:
        connection.execute(insert(UsedState), [row, row])

    assert "a-value-nobody-should-read" not in str(caught.value)


def test_a_pool_has_a_connection_for_every_thread():
    options = engine_options("postgresql+psycopg://db/perch", threads=32)

    assert options["pool_size"] == 32
    assert options["pool_pre_ping"]


def test_ready_says_when_the_database_is_away(app, client):
    def away():
        raise OperationalError("SELECT 1", {}, Exception("gone"))

    app.extensions["perch"].database.reading = away

    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200
