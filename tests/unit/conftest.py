"""What the tests of `app.accounts` share: its parts, wired to a server that does as it is told."""

import secrets
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.accounts.browsers import Browsers
from app.accounts.claims import Claims
from app.accounts.freshness import Freshness
from app.accounts.grants import Grants
from app.accounts.models import Grant
from app.accounts.people import Lifetimes, People
from app.accounts.revocations import Outbox
from app.accounts.vault import Vault
from app.twitter.entities import User as Profile
from app.twitter.token_set import TokenSet

SCOPES = frozenset({"tweet.read", "users.read", "offline.access"})
LIFETIMES = Lifetimes(idle=timedelta(days=30), absolute=timedelta(days=180))


class Server:
    """An authorization server that counts and does as it is told."""

    def __init__(self, clock):
        self.clock = clock
        self.spent = []
        self.scopes = []
        self.revoked = []
        self.answer = self.fresh_token_set

    def fresh_token_set(self, number):
        return TokenSet(
            access_token=f"access-{number}",
            refresh_token=f"refresh-{number}",
            expires_at=self.clock() + timedelta(hours=2),
            scopes=SCOPES,
        )

    def refresh(self, refresh_token, *, scopes, now, budget):
        assert refresh_token not in self.spent, "a refresh token was spent twice"
        self.spent.append(refresh_token)
        self.scopes.append(scopes)
        answer = self.answer(len(self.spent))
        if isinstance(answer, Exception):
            raise answer
        return answer

    def revoke(self, token, hint, *, budget):
        self.revoked.append((token, hint))


@pytest.fixture
def server(clock):
    return Server(clock)


@pytest.fixture
def database(app):
    return app.extensions["perch"].database


@pytest.fixture
def vault():
    return Vault((b"k" * 32,))


@pytest.fixture
def outbox(database, vault, server, clock):
    outbox = Outbox(database, vault, server, clock=clock)
    yield outbox
    outbox.wait(seconds=5)
    outbox.stop()


@pytest.fixture
def grants(vault, outbox):
    return Grants(vault, outbox)


class Copies:
    """Remembers whose copies were dropped."""

    def __init__(self):
        self.dropped = []

    def drop(self, twitter_ids):
        self.dropped += twitter_ids


@pytest.fixture
def copies():
    return Copies()


@pytest.fixture
def browsers(database, grants, outbox, copies, clock):
    return Browsers(database, grants, outbox, clock=clock, copies=copies)


@pytest.fixture
def fresh(database, vault, grants, outbox, server, clock):
    return Freshness(database, vault, grants, outbox, server, waiters=32, clock=clock)


@pytest.fixture
def claims(database):
    return Claims(database)


@pytest.fixture
def people(database, grants, browsers, outbox, claims, copies, clock):
    return People(
        database,
        grants,
        claims,
        browsers,
        outbox,
        lifetimes=LIFETIMES,
        clock=clock,
        copies=copies,
    )


@pytest.fixture
def welcome(people, claims, clock):
    """Sign somebody in and return the id of their grant."""

    def sign_in(*, user_id="1001", replacing=None, **changes):
        token_set = {
            "access_token": "access-0",
            "refresh_token": "refresh-0",
            "expires_at": clock() + timedelta(hours=2),
            "scopes": SCOPES,
        } | changes
        name = "wren" if user_id == "1001" else "robin"
        state = secrets.token_hex(8)
        claims.claim(state, "code", now=clock())
        person = people.welcome(
            Profile(id=user_id, username=name, name=name),
            TokenSet(**token_set),
            state=state,
            replacing=replacing,
            browser="A browser",
        )
        return person.grant_id

    return sign_in


@pytest.fixture
def row(database):
    def read(grant_id):
        with database.reading() as connection:
            query = select(*Grant.__table__.columns).where(Grant.id == grant_id)
            return connection.execute(query).mappings().one()

    return read
