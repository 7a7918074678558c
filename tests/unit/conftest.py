"""The parts of `app.accounts`, wired to a server that does as it is told."""

import secrets
import threading
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.accounts.departures import Departures
from app.accounts.grants import Grants
from app.accounts.models import Grant
from app.accounts.outbox import Outbox
from app.accounts.people import People
from app.accounts.session_endings import Lifetimes
from app.accounts.sessions import Sessions
from app.accounts.shared import Shared
from app.accounts.sign_in import SignIn
from app.accounts.token_cipher import TokenCipher
from app.accounts.used_states import UsedStates
from app.gateway.token_refresh import TokenRefresher
from app.observability.audit_log import AuditLog
from app.signals import Signals
from app.storage.database import Moment, store_seconds
from app.storage.singleflight import SingleFlight
from app.twitter.errors import Unreachable
from app.twitter.models import Profile
from app.twitter.oauth import TokenSet
from tests.waiting import until

SCOPES = frozenset({"tweet.read", "users.read", "offline.access"})
LIFETIMES = Lifetimes(idle=timedelta(days=30), absolute=timedelta(days=180))


@pytest.fixture
def no_thread_at_first(monkeypatch):
    """The machine's limit of threads is reached, once."""
    start, refusals = threading.Thread.start, [RuntimeError("can't start new thread")]

    def start_or_refuse(thread):
        if refusals:
            raise refusals.pop()
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", start_or_refuse)


class Server:
    """An authorization server that counts and does as it is told."""

    def __init__(self, clock):
        self.clock = clock
        self.spent = []
        self.left = []
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

    def refresh(self, refresh_token, *, scopes, now, deadline):
        assert refresh_token not in self.spent, "a refresh token was spent twice"
        self.spent.append(refresh_token)
        self.left.append(deadline.remaining())
        self.scopes.append(scopes)
        answer = self.answer(len(self.spent))
        if isinstance(answer, Exception):
            raise answer
        return answer

    def revoke(self, token, hint, *, deadline):
        self.revoked.append((token, hint))

    def owner_of(self, access_token, deadline):
        """Say whose token it is: that of a person who stays unknown, unless a test knows."""
        raise Unreachable("no test knows the owner")


@pytest.fixture
def server(clock):
    return Server(clock)


@pytest.fixture
def database(app):
    return app.extensions["perch"].database


@pytest.fixture
def cipher():
    return TokenCipher((b"k" * 32,))


@pytest.fixture
def shared(app, database, cipher, clock):
    return Shared(
        database=database,
        cipher=cipher,
        clock=clock,
        audit_log=AuditLog(),
        signals=Signals(app),
    )


@pytest.fixture
def outbox(shared, server):
    outbox = Outbox(shared, server, owner_of=server.owner_of)
    yield outbox
    outbox.wait(seconds=5)
    outbox.stop()


class FakeCache:
    """Remembers whose reads were purged."""

    def __init__(self):
        self.purged = []

    def purge_owner(self, owner):
        self.purged.append(owner)


@pytest.fixture
def cache():
    return FakeCache()


@pytest.fixture
def grants(shared, outbox, cache):
    return Grants(shared, outbox, cache)


@pytest.fixture
def sessions(shared, grants, used_states):
    sessions = Sessions(shared, grants, used_states, lifetimes=LIFETIMES)
    yield sessions
    sessions.close()


@pytest.fixture
def refresher(shared, grants, outbox, server):
    return TokenRefresher(shared, grants, outbox, server, SingleFlight(at_most=32))


@pytest.fixture
def used_states(shared):
    return UsedStates(shared)


@pytest.fixture
def departures(shared, grants):
    """Deletes people."""
    return Departures(shared, grants)


@pytest.fixture
def people(shared, grants, sessions, used_states):
    return People(shared, grants, sessions, used_states)


@pytest.fixture
def store_now(database):
    """Return the time by the store's clock, in seconds since 1970."""

    def read():
        with database.reading() as connection:
            return store_seconds(connection)

    return read


@pytest.fixture
def sign_in(people, used_states, clock, store_now):
    """Sign a person in and return them; further words change the token set."""

    def go(*, user_id="1001", answered=None, began=None, state=None, **changes):
        of_the_browser = {
            name: changes.pop(name) for name in ("beside", "replacing") if name in changes
        }
        state = state or secrets.token_hex(8)
        token_set = {
            "access_token": "access-0",
            "refresh_token": "refresh-0",
            "expires_at": clock() + timedelta(hours=2),
            "scopes": SCOPES,
        } | changes
        name = "wren" if user_id == "1001" else "robin"
        used_states.consume(state, "code")
        person = people.sign_in(
            SignIn(
                profile=Profile(id=user_id, username=name, name=name),
                token_set=TokenSet(**token_set),
                state=state,
                answered=answered or Moment(),
                began=store_now() if began is None else began,
                browser="A browser",
                **of_the_browser,
            )
        )
        signed_in_at = store_now()
        # SQLite's clock tells milliseconds: by it, too, what comes next is later.
        assert until(lambda: store_now() > signed_in_at + 0.002)
        return person

    return go


@pytest.fixture
def new_grant(sign_in):
    """Sign a person in and return the id of their grant."""
    return lambda **changes: sign_in(**changes).grant_id


@pytest.fixture
def row(database):
    def read(grant_id, model=Grant):
        with database.reading() as connection:
            query = select(*model.__table__.columns).where(model.id == grant_id)
            return connection.execute(query).mappings().one()

    return read
