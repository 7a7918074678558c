"""A pooler lends each transaction another server connection: no page may notice."""

from concurrent.futures import ThreadPoolExecutor

import flask_migrate
import pytest
from sqlalchemy import update

from app.accounts.models import User

pytestmark = pytest.mark.postgresql

VIEWS = 90
# More than PgBouncer has connections. psycopg prepares what it runs for the sixth time, unless it
# is told not to.
THREADS = 6


@pytest.fixture
def pooled(pooled_url, build_app):
    app = build_app(DATABASE_URL=pooled_url)
    with app.app_context():
        flask_migrate.upgrade()
    return app


def test_people_sign_in_read_and_leave_through_pgbouncer(pooled, kind_twitter):
    browser = pooled.test_client()
    browser.sign_in()

    def view(_):
        return browser.twin().get("/account").status_code

    def write(_):
        with pooled.extensions["perch"].database.writing() as connection:
            return connection.execute(update(User).values(username="wren")).rowcount

    with ThreadPoolExecutor(THREADS) as people:
        statuses = set(people.map(view, range(VIEWS)))
        changed = set(people.map(write, range(VIEWS)))

    assert (statuses, changed) == ({200}, {1})
    assert browser.press_log_out().status_code == 303
    assert pooled.test_client().get("/readyz").text == "ready\n"
