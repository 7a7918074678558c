"""Migrations: up from nothing, down to nothing, no drift from the models, on both stores."""

import re
from datetime import UTC, datetime

import flask_migrate
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, select, text

from app import create_app
from app.accounts.models import User
from app.storage import migrations
from app.storage.extensions import db
from config import ROOT
from tests.factories import build_config
from tests.stores import STORES


@pytest.fixture(params=STORES)
def empty(request, tmp_path):
    """An app whose database has no tables yet, inside its context."""
    settings = {}
    if request.param == "postgresql":
        settings["DATABASE_URL"] = request.getfixturevalue("postgresql_url")
    app = create_app(build_config(tmp_path, **settings))
    migrations.set_up(app)
    with app.app_context():
        yield app
        db.engine.dispose()


def tables():
    return set(inspect(db.engine).get_table_names())


def test_up_and_down_and_up_again_works(empty):
    whole = {*db.metadata.tables, "alembic_version"}

    flask_migrate.upgrade()
    assert tables() == whole
    flask_migrate.downgrade(revision="base")
    assert tables() == {"alembic_version"}
    flask_migrate.upgrade()
    assert tables() == whole


def test_half_of_a_migration_never_stays(empty, monkeypatch):
    made = []
    create_table = Operations.create_table

    def create_two(operations, name, *columns, **options):
        made.append(name)
        if len(made) > 2:
            raise RuntimeError("the power is gone")
        return create_table(operations, name, *columns, **options)

    monkeypatch.setattr(Operations, "create_table", create_two)

    with pytest.raises(SystemExit):
        flask_migrate.upgrade()

    assert len(made) == 3
    assert tables() == set()


def test_the_models_and_the_migrations_agree(empty):
    flask_migrate.upgrade()

    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, db.metadata) == []


@pytest.mark.parametrize("empty", STORES[:1], indirect=True)
def test_ids_that_never_come_back_are_in_models_and_migrations(empty):
    """Alembic does not compare AUTOINCREMENT; PostgreSQL never hands out an id twice."""
    flask_migrate.upgrade()

    query = "SELECT name FROM sqlite_master WHERE sql LIKE '%AUTOINCREMENT%'"
    with db.engine.connect() as connection:
        made = set(connection.exec_driver_sql(query).scalars())
    tables = db.metadata.sorted_tables
    meant = {each.name for each in tables if each.dialect_options["sqlite"]["autoincrement"]}
    assert made == meant == {"users"}


REVISIONS = [
    script.revision
    for script in reversed(list(ScriptDirectory(str(ROOT / "migrations")).walk_revisions()))
]


# For these the site is stopped, as docs/going-live.md says. 0005 gives each person one living
# grant, and older code would write one for each browser. 0009 replaces a column.
WHILE_STOPPED = {"0005", "0009"}


def test_the_manual_says_for_which_migrations_to_stop():
    manual = (ROOT / "docs" / "going-live.md").read_text()

    assert re.findall(r"^\| (\d{4}) \| yes: ", manual, re.MULTILINE) == sorted(WHILE_STOPPED)


def test_a_migration_changes_no_column_and_adds_none_that_must_be_filled(empty):
    """A migration comes first, and processes follow one by one: old code must not notice it.

    That is read off the tables; no old code runs here. A change in place takes two releases: one
    that adds and fills, one that takes away, or a site that is stopped.
    """
    flask_migrate.upgrade(revision=REVISIONS[0])
    for newer in REVISIONS[1:]:
        before = schema()
        flask_migrate.upgrade(revision=newer)
        after = schema()
        if newer in WHILE_STOPPED:
            continue

        for table, columns in before.items():
            assert {name: after[table][name] for name in columns} == columns
            added = [after[table][name] for name in after[table].keys() - columns.keys()]
            assert all(nullable or default for _, nullable, default, _ in added), (newer, table)


def schema():
    """Return type, nullability, default and checks of each column of each table."""
    inspector = inspect(db.engine)
    return {
        table: {
            column["name"]: (
                str(column["type"]),
                column["nullable"],
                column["default"],
                constraints_on(inspector, table, column["name"]),
            )
            for column in inspector.get_columns(table)
        }
        for table in inspector.get_table_names()
    }


def constraints_on(inspector, table, column):
    """Name what old code could run into: keys and uniqueness that it knows nothing of."""
    found = [inspector.get_pk_constraint(table), *inspector.get_unique_constraints(table)]
    unique = [index for index in inspector.get_indexes(table) if index["unique"]]
    foreign = [
        (key["constrained_columns"], key["name"]) for key in inspector.get_foreign_keys(table)
    ]
    named = [
        (each.get("constrained_columns") or each.get("column_names"), each["name"])
        for each in [*found, *unique]
    ]
    checks = [check["sqltext"] for check in inspector.get_check_constraints(table)]
    return sorted({name for columns, name in [*named, *foreign] if column in columns}), checks


def test_people_of_before_have_left_at_their_latest_end_or_today(empty):
    flask_migrate.upgrade(revision="0006")
    person = (
        "INSERT INTO users (id, twitter_id, username, profile, created_at, signed_in_at)"
        " VALUES (:id, :twitter_id, 'wren', '{}', '2026-01-01', '2026-01-01')"
    )
    session = (
        "INSERT INTO sessions (id, user_id, browser, created_at, seen_at, ended_at)"
        " VALUES (:id, :user, '', '2026-01-01', '2026-01-01', :ended)"
    )
    grant = (
        "INSERT INTO grants (id, user_id, scopes, issued_at, expires_at, created_at, ended_at)"
        " VALUES (:id, :user, '', '2026-01-01', '2026-01-01', '2026-01-01', :ended)"
    )
    ends = [datetime(2026, 3, day, tzinfo=UTC) for day in range(1, 5)]
    with db.engine.begin() as connection:
        for number in range(1, 5):
            row = {"id": number, "twitter_id": f"100{number}"}
            connection.execute(text(person), row)
        for name, user, ended in [("a", 1, ends[0]), ("b", 1, ends[1]), ("c", 2, ends[2])]:
            connection.execute(text(session), {"id": name, "user": user, "ended": ended})
        connection.execute(text(session), {"id": "d", "user": 4, "ended": None})
        for name, user, ended in [("a", 1, ends[0]), ("c", 2, ends[3])]:
            connection.execute(text(grant), {"id": name, "user": user, "ended": ended})
    before = datetime.now(UTC)

    flask_migrate.upgrade()

    with db.engine.connect() as connection:
        query = select(User.id, User.left_at).order_by(User.id)
        left_at = dict(tuple(row) for row in connection.execute(query))
    assert (left_at[1], left_at[2], left_at[4]) == (ends[1], ends[3], None)
    assert before <= left_at[3] <= datetime.now(UTC)
