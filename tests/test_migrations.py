"""Migrations: up from nothing, down to nothing, no drift from the models, on both stores."""

import flask_migrate
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from app import create_app
from app.extensions import db
from tests.factories import build_config


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request, tmp_path):
    """An app whose database has no tables yet, inside its context."""
    settings = {}
    if request.param == "postgresql":
        settings["DATABASE_URL"] = request.getfixturevalue("postgresql_url")
    app = create_app(build_config(tmp_path, **settings))
    with app.app_context():
        yield app
        db.engine.dispose()


def tables():
    return set(inspect(db.engine).get_table_names())


def test_up_from_nothing_makes_every_table(empty):
    flask_migrate.upgrade()

    assert tables() == {*db.metadata.tables, "alembic_version"}


def test_down_to_nothing_leaves_no_table(empty):
    flask_migrate.upgrade()

    flask_migrate.downgrade(revision="base")

    assert tables() == {"alembic_version"}


def test_up_again_after_down_works(empty):
    flask_migrate.upgrade()
    flask_migrate.downgrade(revision="base")

    flask_migrate.upgrade()

    assert tables() == {*db.metadata.tables, "alembic_version"}


def test_the_models_and_the_migrations_agree(empty):
    flask_migrate.upgrade()

    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, db.metadata) == []
