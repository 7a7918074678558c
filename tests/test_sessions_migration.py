"""Sessions apart from grants: everybody stays signed in on the way up, and no row is lost."""

from datetime import UTC, datetime, timedelta

import flask_migrate
import pytest
from sqlalchemy import text

from app.storage.extensions import db
from tests.test_migrations import empty as empty  # noqa: PLC0414 - a fixture

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.fixture
def database(empty):
    """A database of before, with people in it, inside its app's context."""
    flask_migrate.upgrade(revision="0004")
    fill()
    return empty


def fill():
    """Let Wren be signed in with three browsers and out of one, Robin with one, Jay with none."""
    with db.engine.begin() as connection:
        for number, name in enumerate(["wren", "robin", "jay"], start=1):
            connection.execute(
                text(
                    "INSERT INTO users (id, twitter_id, username, profile, created_at,"
                    " signed_in_at) VALUES (:id, :twitter_id, :name, '{}', :now, :now)"
                ),
                {"id": number, "twitter_id": f"100{number}", "name": name, "now": NOW},
            )
            connection.execute(
                text(
                    "INSERT INTO usage (user_id, day, route, calls, items)"
                    " VALUES (:id, :day, 'users/me', 1, 1)"
                ),
                {"id": number, "day": NOW.date()},
            )
        for grant, user, age, ended in [
            ("wren-old", 1, 3, False),
            ("wren-new", 1, 1, False),
            ("wren-mid", 1, 2, False),
            ("wren-out", 1, 4, True),
            ("robin-one", 2, 1, False),
            ("jay-out", 3, 1, True),
        ]:
            token = None if ended else f"sealed of {grant}"
            connection.execute(
                text(
                    "INSERT INTO grants (id, user_id, access_token, refresh_token, scopes,"
                    " issued_at, expires_at, browser, created_at, seen_at, ended_at,"
                    " ended_because, flight) VALUES (:id, :user, :token, :token, 'tweet.read',"
                    " :then, :then, :browser, :then, :then, :ended, :why, :flight)"
                ),
                {
                    "id": grant,
                    "user": user,
                    "token": token,
                    "then": NOW - timedelta(days=age),
                    "browser": f"browser of {grant}",
                    "ended": NOW if ended else None,
                    "why": "logged_out" if ended else None,
                    "flight": '{"client": "public"}',
                },
            )
        connection.execute(
            text(
                "INSERT INTO claims (state_hash, code_hash, claimed_at, outcome, grant_id,"
                " settled_at) VALUES ('s', 'c', :now, 'signed_in', 'wren-new', :now)"
            ),
            {"now": NOW},
        )
        for row, hint in [("a", "access_token"), ("r", "refresh_token")]:
            connection.execute(
                text(
                    "INSERT INTO revocations (id, token, token_type_hint, created_at, due_at)"
                    " VALUES (:row, 'sealed', :hint, :now, 0)"
                ),
                {"row": row, "hint": hint, "now": NOW},
            )


def rows(query):
    with db.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def counts(*tables):
    return {table: rows(f"SELECT count(*) FROM {table}")[0][0] for table in tables}


def test_every_row_arrives_and_everybody_stays_signed_in(database):
    flask_migrate.upgrade()

    assert counts("users", "usage", "sessions", "grants", "used_states", "revocations") == {
        "users": 3,
        "usage": 3,
        "sessions": 6,
        "grants": 2,
        "used_states": 1,
        "revocations": 2,
    }
    living = "SELECT id FROM sessions WHERE ended_at IS NULL ORDER BY id"
    assert [row[0] for row in rows(living)] == ["robin-one", "wren-mid", "wren-new", "wren-old"]


def test_the_grant_signed_in_last_keeps_id_and_tokens(database):
    flask_migrate.upgrade()

    kept = "SELECT id, access_token, scopes FROM grants WHERE ended_at IS NULL ORDER BY id"
    assert rows(kept) == [
        ("robin-one", "sealed of robin-one", "tweet.read"),
        ("wren-new", "sealed of wren-new", "tweet.read"),
    ]


def test_a_refresh_token_that_waits_learns_its_person_from_the_access_token(database, capsys):
    flask_migrate.upgrade()

    waiting = rows("SELECT id, twitter_id, waits_for FROM revocations ORDER BY id")
    assert waiting == [("a", None, None), ("r", None, "a")]
    assert "2 tokens wait to be revoked" in capsys.readouterr().out


def test_ids_of_people_are_never_handed_out_twice(database):
    flask_migrate.upgrade()
    with db.engine.begin() as connection:
        if connection.dialect.name == "postgresql":  # the sequence has handed out none of the three
            connection.execute(text("SELECT setval(pg_get_serial_sequence('users', 'id'), 3)"))
        connection.execute(text("DELETE FROM users WHERE id = 3"))
        connection.execute(
            text(
                "INSERT INTO users (twitter_id, username, profile, created_at, signed_in_at)"
                " VALUES ('1004', 'magpie', '{}', :now, :now)"
            ),
            {"now": NOW},
        )

    assert rows("SELECT id FROM users WHERE username = 'magpie'") == [(4,)]


def test_downwards_the_session_with_the_grants_id_stays_signed_in(database):
    flask_migrate.upgrade()

    flask_migrate.downgrade(revision="0004")

    assert counts("users", "usage", "grants", "claims", "revocations") == {
        "users": 3,
        "usage": 3,
        "grants": 6,
        "claims": 1,
        "revocations": 2,
    }
    living = rows("SELECT id, access_token, browser FROM grants WHERE ended_at IS NULL ORDER BY id")
    assert living == [
        ("robin-one", "sealed of robin-one", "browser of robin-one"),
        ("wren-new", "sealed of wren-new", "browser of wren-new"),
    ]


def test_down_and_up_again_loses_no_row(database):
    flask_migrate.upgrade()
    before = counts("users", "usage", "sessions", "grants", "used_states", "revocations")

    flask_migrate.downgrade(revision="0004")
    flask_migrate.upgrade()

    assert counts("users", "usage", "sessions", "grants", "used_states", "revocations") == before
