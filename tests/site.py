"""Fixtures: the app on a database of its own, and a browser that keeps cookies."""

import re
import shutil
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partialmethod
from html import unescape
from urllib.parse import parse_qs, urlsplit

import flask_migrate
import psycopg
import pytest
import responses
import sqlalchemy as sa
from flask.testing import FlaskClient
from jinja2 import FileSystemBytecodeCache

from app import cli, create_app
from app.storage import migrations
from app.storage.extensions import db
from tests.dialects import LIVE
from tests.factories import (
    ME_PATH,
    PUBLIC_URL,
    REVOKE_PATH,
    TOKEN_PATH,
    Clock,
    build_config,
    token_answer,
    user_answer,
)


@dataclass(frozen=True)
class Started:
    """The redirect to Twitter, taken apart."""

    url: str
    state: str
    query: dict[str, str]


class Browser(FlaskClient):
    """A test client that comes by the site's public address and can press its buttons."""

    def open(self, *args, base_url=PUBLIC_URL, **kwargs):
        return super().open(*args, base_url=base_url, **kwargs)

    def csrf_token(self, page="/"):
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.get(page).text)
        return unescape(found[1])

    def press_sign_in(self, **fields):
        """Start a sign-in and return what Twitter is asked."""
        answer = self.post("/auth/login", data={"csrf_token": self.csrf_token(), **fields})
        assert answer.status_code == 303, answer.text
        query = {
            name: values[0] for name, values in parse_qs(urlsplit(answer.location).query).items()
        }
        return Started(answer.location, query["state"], query)

    def come_back(self, **query):
        """Arrive at the callback."""
        return self.get("/auth/callback", query_string=query)

    def sign_in(self, **fields):
        """Sign in from button to session; `twitter` must be standing by."""
        started = self.press_sign_in(**fields)
        return self.come_back(state=started.state, code="a-code-from-twitter")

    def press_log_out(self):
        return self.post("/auth/logout", data={"csrf_token": self.csrf_token("/account")})

    def is_signed_in(self):
        return self.get("/account").status_code == 200

    def press(self, path, *, page="/account", **fields):
        """Press a button: post its form with the token of `page`."""
        return self.post(path, data={"csrf_token": self.csrf_token(page), **fields})

    def flashed(self, page="/account"):
        """Return the sentences that `page` tells once, as HTML."""
        found = re.search(r'role="status">(.*?)</div>', self.get(page).text, re.DOTALL)
        return re.findall(r"<p>(.*?)</p>", found[1]) if found else []

    def flow_cookies(self):
        """Return the cookies of pending sign-ins."""
        return [one for one in self._cookies.values() if one.key.startswith("flow-8000-")]

    def session_cookie(self):
        """Return the value of the cookie that says who is signed in; None if there is none."""
        cookie = self.get_cookie("session-8000", domain="127.0.0.1")
        return cookie and cookie.value

    def with_cookies_of(self, other):
        """Take another browser's cookies: a second tab, a reload, or their thief."""
        self._cookies.update(other._cookies)
        return self

    def twin(self):
        """Return another client with the cookies of this one."""
        return self.application.test_client().with_cookies_of(self)


class Twitter(responses.RequestsMock):
    """Twitter at its real addresses in one dialect: a path is one of its API."""

    def __init__(self, dialect):
        super().__init__(assert_all_requests_are_fired=False)
        self.dialect = dialect

    def at(self, place):
        """Return the address of a path; every other address stays as it is."""
        is_path = isinstance(place, str) and place.startswith("/")
        return self.dialect.api_url + place if is_path else place

    def add(self, method=None, url=None, *args, **kwargs):
        return super().add(method, self.at(url), *args, **kwargs)

    get = partialmethod(add, "GET")
    post = partialmethod(add, "POST")
    delete = partialmethod(add, "DELETE")

    def add_callback(self, method, url, *args, **kwargs):
        return super().add_callback(method, self.at(url), *args, **kwargs)

    def replace(self, method_or_response=None, url=None, *args, **kwargs):
        return super().replace(method_or_response, self.at(url), *args, **kwargs)

    def token(self, **changes):
        """Return a token answer that grants what a sign-in asks for."""
        return token_answer(**{"scope": self.dialect.granted()} | changes)

    def calls_to(self, place, method=None):
        """Return every call to this very place, the oldest first."""
        return [
            call
            for call in self.calls
            if call.request.url.split("?")[0] == self.at(place)
            and method in {None, call.request.method}
        ]


@contextmanager
def statements(app):
    """Note every statement that reaches the database."""
    seen = []

    def note(_connection, _cursor, statement, *_rest):
        if not statement.startswith("BEGIN"):
            seen.append(statement)

    with app.app_context():
        engine = db.engine
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


def migrate(root, **settings):
    app = create_app(build_config(root, **settings))
    migrations.set_up(app)
    with app.app_context():
        flask_migrate.upgrade()
        db.engine.dispose()


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory):
    """A file at the newest version, to be copied."""
    root = tmp_path_factory.mktemp("migrated")
    migrate(root)
    return root / "perch.db"


@pytest.fixture(scope="session")
def migrated_postgresql(tmp_path_factory, postgresql):
    """The URL of a database at the newest version, to be emptied."""
    with postgresql.empty_database() as url:
        migrate(tmp_path_factory.mktemp("migrated"), DATABASE_URL=url)
        yield url


@pytest.fixture
def database_url(request, tmp_path):
    """A database without rows for each test: SQLite, unless `on_both_stores` says otherwise."""
    if getattr(request, "param", "sqlite") == "sqlite":
        shutil.copy(request.getfixturevalue("migrated_sqlite"), tmp_path / "perch.db")
        return f"sqlite:///{tmp_path / 'perch.db'}"
    return request.getfixturevalue("emptied_postgresql")


@pytest.fixture
def emptied_postgresql(migrated_postgresql):
    """The database that all tests share, without what the one before left in it."""
    url = migrated_postgresql
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"TRUNCATE {', '.join(db.metadata.tables)} RESTART IDENTITY")
    return url


@pytest.fixture(scope="session")
def compiled_templates(tmp_path_factory):
    """Compile each template once, not for every app."""
    return FileSystemBytecodeCache(str(tmp_path_factory.mktemp("templates")))


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def apps():
    """The apps that a test made; their connections are closed behind it.

    Nor does a background thread of theirs call the Twitter of the next test.
    """
    made = []
    yield made
    for app in made:
        app.extensions["perch"].close()
    for thread in threading.enumerate():
        if thread.name in {"outbox", "check of a revocation"}:
            thread.join(timeout=5)
    for app in made:
        with app.app_context():
            db.engine.dispose()


@pytest.fixture
def dialect(request):
    """How Twitter speaks: as today, unless `in_both_dialects` says otherwise."""
    return getattr(request, "param", LIVE)


@pytest.fixture
def build_app(database_url, apps, tmp_path, clock, compiled_templates, dialect):
    """Make apps on one database; `build_app(PUBLIC_URL=...)` changes settings."""

    def build(**settings):
        usual = {"DATABASE_URL": database_url, "TWITTER_DIALECT": dialect.name}
        config = build_config(tmp_path, **usual | settings)
        app = create_app(config, now=clock)
        cli.init_app(app)
        migrations.set_up(app)
        app.test_client_class = Browser
        if config.provider_name == "Twitter":  # for X, the same sources compile to other words
            app.jinja_env.bytecode_cache = compiled_templates
        apps.append(app)
        return app

    return build


@pytest.fixture
def app(build_app):
    return build_app()


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def twitter(apps, dialect):
    """Twitter's real addresses, without answers until a test adds them; then in that order."""
    with Twitter(dialect) as mock:
        yield mock
        for app in apps:  # what they do in the background is part of the test
            app.extensions["perch"].outbox.wait(seconds=5)
            app.extensions["perch"].outbox.stop()


@pytest.fixture
def kind_twitter(twitter):
    """Twitter on a good day: a token set, Wren's profile, and revocations that work."""
    twitter.post(TOKEN_PATH, json=twitter.token())
    twitter.get(ME_PATH, json=user_answer())
    twitter.post(REVOKE_PATH, json={"revoked": True})
    return twitter


@pytest.fixture
def signed_in(client, kind_twitter):
    """Wren's browser, signed in."""
    client.sign_in()
    return client


@pytest.fixture
def rows(app):
    """Read a table as a list of dicts."""

    def read(model):
        with app.app_context():
            found = db.session.execute(db.select(*model.__table__.columns)).mappings().all()
            db.session.remove()
            return [dict(row) for row in found]

    return read
