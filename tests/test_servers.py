"""The servers that other tests use are real, and empty for each test."""

import pytest
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.exc import OperationalError

pytestmark = pytest.mark.servers


@pytest.mark.parametrize("who", ["first", "second"])
def test_each_test_gets_an_empty_postgresql(who, postgresql_url):
    engine = create_engine(postgresql_url)
    with engine.begin() as connection:
        before = inspect(connection).get_table_names()
        connection.execute(text("CREATE TABLE birds (name text)"))
        connection.execute(text("INSERT INTO birds VALUES ('Wren')"))
        found = connection.scalar(text("SELECT name FROM birds"))
    engine.dispose()

    assert before == []
    assert found == "Wren"


def test_a_connection_left_open_does_not_keep_a_database(postgresql):
    with postgresql.empty_database() as url:
        connection = create_engine(url).connect()
        connection.execute(text("SELECT 1"))

    with pytest.raises(OperationalError):
        connection.execute(text("SELECT 1"))
    connection.close()


@pytest.mark.parametrize("who", ["first", "second"])
def test_each_test_gets_an_empty_redis(who, redis_server, redis_url):
    with redis_server.connect() as connection:
        before = connection.dbsize()
        connection.set("bird", "Wren")
        found = connection.get("bird")

    assert redis_url == redis_server.url
    assert before == 0
    assert found == b"Wren"
