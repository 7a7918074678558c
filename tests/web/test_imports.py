"""A worker imports what its settings need, and leaves to commands what only they need."""

import json
import os
import subprocess
import sys

import click
import pytest
from flask_migrate.cli import db as commands_of_flask_migrate

from app import cli, create_app
from config import ROOT
from tests.factories import build_config, build_environ

# Its memory and the time of its start are these packages: each is 2 MB or more with what it brings.
HEAVY = {
    "alembic": "flask db, flask doctor",
    "app.cli": "flask",
    "app.doctor.checks": "flask doctor",
    "authlib.integrations": "its clients; `authlib.oauth2` is enough",
    "flask_migrate": "flask db",
    "joserfc": "JWTs, which Twitter has none of",
    "mako": "alembic",
    "psycopg": "PostgreSQL",
    "pygments": "mako",
    "redis": "Redis",
    "sqlalchemy.dialects.postgresql": "PostgreSQL",
}
FIRST_PAGE = """
import json, sys
import wsgi
assert wsgi.app.test_client().get("/", base_url="http://127.0.0.1:8000").status_code == 200
print(json.dumps(list(sys.modules)))
"""


@pytest.fixture
def as_started(tmp_path):
    """An app with its commands, but not yet set up for migrations as that of other tests."""
    app = create_app(build_config(tmp_path))
    cli.init_app(app)
    return app


def in_a_process(*args, **settings):
    done = subprocess.run(
        [sys.executable, *args],
        env={"PATH": os.environ["PATH"], **build_environ(**settings)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def heavy_after_the_first_page(**settings):
    return HEAVY.keys() & set(json.loads(in_a_process("-c", FIRST_PAGE, **settings)))


def test_a_worker_on_sqlite_without_redis_imports_nothing_heavy(database_url):
    assert heavy_after_the_first_page(DATABASE_URL=database_url) == set()


@pytest.mark.postgresql
def test_a_worker_on_postgresql_imports_its_driver_and_nothing_more(emptied_postgresql):
    assert heavy_after_the_first_page(DATABASE_URL=emptied_postgresql) == {
        "psycopg",
        "sqlalchemy.dialects.postgresql",
    }


def test_a_worker_with_redis_imports_its_client_and_nothing_more(database_url, redis_url):
    heavy = heavy_after_the_first_page(DATABASE_URL=database_url, REDIS_URL=redis_url)

    assert heavy == {"redis"}


def test_a_start_is_not_interrupted_by_looking_for_garbage(database_url):
    look = "print(gc.isenabled(), gc.get_freeze_count() > 50 * len(sys.modules))"

    assert in_a_process("-c", f"import gc, sys, wsgi; {look}", DATABASE_URL=database_url) == (
        "True True\n"
    )


def test_flask_db_works_as_typed_with_its_options(tmp_path):
    database = f"sqlite:///{tmp_path / 'perch.db'}"
    upgrade = ("-m", "flask", "--app", "wsgi", "db", "-d", "migrations", "upgrade")

    assert "The tables are of version" in in_a_process(*upgrade, DATABASE_URL=database)


def test_help_tells_of_flask_db_what_flask_migrate_says(as_started):
    stand_in = as_started.cli.commands["db"]

    assert stand_in.get_short_help_str() == commands_of_flask_migrate.get_short_help_str()


def test_each_command_tells_how_it_is_used(as_started):
    run = as_started.test_cli_runner().invoke
    paths = list(all_commands(as_started.cli))
    assert ("db",) in paths

    told = {path: run(args=[*path, "--help"]) for path in paths}

    assert {path for path, result in told.items() if result.exit_code} == set()
    assert "Usage: app db [OPTIONS] COMMAND" in told["db",].output


def all_commands(group, *path):
    for name, command in group.commands.items():
        yield (*path, name)
        if isinstance(command, click.Group):
            yield from all_commands(command, *path, name)
