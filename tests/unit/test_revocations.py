"""The outbox: written with the grant's end, delivered in the background, forgotten by nobody."""

import threading

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import OperationalError

from app.accounts import revocations
from app.accounts.models import Revocation
from app.accounts.revocations import Outbox
from app.accounts.vault import Vault
from app.services import utc_now
from app.twitter.errors import Refused, Unreachable
from app.twitter.token_set import TokenSet


class Server:
    """A revocation endpoint with a list of answers, the last of which lasts."""

    def __init__(self, *answers):
        self.answers = list(answers) or [None]
        self.asked = []

    def revoke(self, token, hint, *, budget):
        self.asked.append((token, hint))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is not None:
            raise answer


@pytest.fixture
def database(app):
    return app.extensions["perch"].database


@pytest.fixture
def build_outbox(database, clock):
    made = []

    def build(server, keys=(b"k" * 32,)):
        made.append(Outbox(database, Vault(keys), server, clock=clock))
        return made[-1]

    yield build
    for outbox in made:
        outbox.stop()


@pytest.fixture
def waiting(database):
    def read():
        with database.reading() as connection:
            return connection.execute(select(Revocation.id, Revocation.attempts)).all()

    return read


def token_set(refresh_token="r"):
    return TokenSet(
        access_token="a", refresh_token=refresh_token, expires_at=utc_now(), scopes=frozenset()
    )


@pytest.mark.parametrize("refresh_token", ["r", None])
def test_a_discarded_token_set_is_revoked_whole(build_outbox, waiting, clock, refresh_token):
    server = Server()
    outbox = build_outbox(server)

    outbox.discard(token_set(refresh_token), now=clock())
    outbox.wait(seconds=5)

    expected = {("a", "access_token")} | ({("r", "refresh_token")} if refresh_token else set())
    assert set(server.asked) == expected
    assert waiting() == []


def test_trouble_is_tried_again_in_this_process(build_outbox, waiting, clock, monkeypatch):
    monkeypatch.setattr(revocations, "PAUSES", (0.01, 0.01, 0.01))
    done = threading.Event()
    server = Server(Unreachable("down"), Unreachable("still down"), None)
    outbox = build_outbox(server)
    deliver = outbox._courier._deliver

    def deliver_and_tell(row):
        delivered = deliver(row)
        if delivered:
            done.set()
        return delivered

    outbox._courier._deliver = deliver_and_tell
    outbox.discard(token_set(None), now=clock())

    assert done.wait(timeout=5)
    assert len(server.asked) == 3
    assert waiting() == []


def test_what_cannot_be_delivered_stays_in_the_outbox(build_outbox, waiting, clock):
    outbox = build_outbox(Server(Unreachable("down")))

    outbox.discard(token_set(None), now=clock())
    outbox.wait(seconds=5)

    assert [attempts for _, attempts in waiting()] == [1]


def test_a_definite_no_is_the_end_of_it(build_outbox, waiting, clock):
    outbox = build_outbox(Server(Refused("invalid_request")))

    outbox.discard(token_set(None), now=clock())
    outbox.wait(seconds=5)

    assert waiting() == []


def test_a_row_that_is_gone_is_done_with(build_outbox):
    server = Server()

    assert build_outbox(server).deliver("somebody-else-delivered-it")
    assert server.asked == []


def test_a_token_whose_key_is_gone_waits_for_its_key(build_outbox, waiting, clock):
    sealed_by_old = build_outbox(Server(Unreachable("down")), keys=(b"o" * 32,))
    sealed_by_old.discard(token_set(None), now=clock())
    sealed_by_old.wait(seconds=5)
    server = Server()

    build_outbox(server).deliver(waiting()[0][0])

    assert server.asked == []
    assert len(waiting()) == 1


@pytest.mark.parametrize("refresh_token", ["r", None])
def test_without_a_database_twitter_is_told_directly(
    build_outbox, database, clock, monkeypatch, refresh_token
):
    def away():
        raise OperationalError("INSERT", {}, Exception("gone"))

    monkeypatch.setattr(database, "writing", away)
    server = Server()

    build_outbox(server).discard(token_set(refresh_token), now=clock())

    assert (
        server.asked == [("a", "access_token"), ("r", "refresh_token")][: 1 + bool(refresh_token)]
    )


def test_without_a_database_and_without_twitter_nothing_is_raised(
    build_outbox, database, clock, monkeypatch
):
    def away():
        raise OperationalError("INSERT", {}, Exception("gone"))

    monkeypatch.setattr(database, "writing", away)

    build_outbox(Server(Unreachable("down"))).discard(token_set(), now=clock())


def test_the_courier_outlives_any_trouble(build_outbox, clock, waiting):
    server = Server(RuntimeError("a bug"), None)
    outbox = build_outbox(server)

    outbox.discard(token_set(), now=clock())
    outbox.wait(seconds=5)

    assert len(server.asked) == 2
    assert len(waiting()) == 1


def test_nothing_is_delivered_after_stop(build_outbox, database, clock, waiting):
    server = Server()
    outbox = build_outbox(server)
    outbox.stop()

    outbox.discard(token_set(), now=clock())
    outbox.wait(seconds=1)

    assert server.asked == []
    assert len(waiting()) == 2


def test_a_rolled_back_ending_leaves_nothing_in_the_outbox(build_outbox, database, clock, waiting):
    outbox = build_outbox(Server())

    def end_and_fail():
        with database.writing() as connection:
            outbox.add(connection, "a", "access_token", now=clock())
            connection.execute(insert(Revocation).values(id=None))

    with pytest.raises(Exception, match="NOT NULL"):
        end_and_fail()

    assert waiting() == []
