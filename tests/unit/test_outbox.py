"""The outbox: written with the grant's end, delivered in the background, never forgotten."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import OperationalError

from app.accounts import background_worker, outbox_delivery, pauses
from app.accounts.models import Revocation
from app.accounts.outbox import Backlog, Outbox
from app.accounts.outbox_delivery import Delivery
from app.accounts.shared import Shared
from app.accounts.token_cipher import TokenCipher
from app.observability.audit_log import AuditLog
from app.services import utc_now
from app.signals import Signals
from app.twitter.errors import ClientRefused, GrantRefused, Refused, TokenRefused, Unreachable
from app.twitter.oauth import TokenSet
from tests.stores import STORES, on_both_stores
from tests.waiting import until


class Server:
    """A revocation endpoint with a list of answers, the last of which lasts."""

    def __init__(self, *answers):
        self.answers = list(answers) or [None]
        self.asked = []
        self.owner = "1001"  # what Twitter says whose a token is; an error is raised
        self.refreshed = None

    def refresh(self, token, *, scopes, now, deadline):
        return answered(self.refreshed)

    def revoke(self, token, hint, *, deadline):
        self.asked.append((token, hint))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is not None:
            raise answer


def answered(answer):
    if callable(answer):
        return answer()
    if isinstance(answer, Exception):
        raise answer
    return answer


@pytest.fixture
def database(app):
    return app.extensions["perch"].database


@pytest.fixture
def build_outbox(app, database, clock):
    made = []

    def build(server, keys=(b"k" * 32,)):
        shared = Shared(
            database=database,
            cipher=TokenCipher(keys),
            clock=clock,
            audit_log=AuditLog(),
            signals=Signals(app),
        )
        made.append(Outbox(shared, server, owner_of=lambda *_: answered(server.owner)))
        return made[-1]

    yield build
    for each in made:
        each.stop()


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

    outbox.discard(token_set(refresh_token), twitter_id="1001")
    outbox.wait(seconds=5)

    expected = {("a", "access_token")} | ({("r", "refresh_token")} if refresh_token else set())
    assert set(server.asked) == expected
    assert waiting() == []


def test_trouble_is_tried_again_in_this_process(build_outbox, waiting, clock, monkeypatch):
    monkeypatch.setattr(pauses, "PAUSES", (0.01, 0.01, 0.01))
    done = threading.Event()
    server = Server(Unreachable("down"), Unreachable("still down"), None)
    outbox = build_outbox(server)
    deliver = outbox.deliver

    def deliver_and_tell(row):
        due_again_after = deliver(row)
        if due_again_after is None:
            done.set()
        return due_again_after

    monkeypatch.setattr(outbox, "deliver", deliver_and_tell)
    outbox.discard(token_set(None), twitter_id="1001")

    assert done.wait(timeout=5)
    assert len(server.asked) == 3
    assert waiting() == []


def test_an_undelivered_revocation_stays_in_the_outbox(build_outbox, waiting, clock):
    outbox = build_outbox(Server(Unreachable("down")))

    outbox.discard(token_set(None), twitter_id="1001")
    outbox.wait(seconds=5)

    assert [attempts for _, attempts in waiting()] == [1]


def make_all_due(database):
    with database.writing() as connection:
        connection.execute(update(Revocation).values(due_at=0))


def write(outbox, database, clock, *tokens):
    with database.writing() as connection:
        for token in tokens:
            outbox.add(connection, token, "access_token", twitter_id="1001", now=clock())


def test_three_definite_noes_make_a_dead_letter_and_say_so(
    build_outbox, database, clock, waiting, caplog
):
    outbox = build_outbox(Server(Refused("invalid_request")))
    write(outbox, database, clock, "a")
    [(row, _)] = waiting()

    became = []
    for _ in range(3):
        make_all_due(database)
        became.append(outbox.deliver_next())
    make_all_due(database)

    assert became == [Delivery.REFUSED, Delivery.REFUSED, Delivery.DEAD_LETTER]
    assert outbox.deliver_next() is None
    assert outbox.backlog() == Backlog(waiting=0, dead_letters=1)
    assert f"row {row[:12]} is a dead letter" in caplog.text
    assert row not in caplog.text


def test_other_rows_flow_past_a_refused_one(build_outbox, database, clock):
    server = Server(Refused("invalid_request"), None)
    outbox = build_outbox(server)
    write(outbox, database, clock, "a", "b", "c")

    became = [outbox.deliver_next() for _ in range(4)]

    assert became == [Delivery.REFUSED, Delivery.DONE, Delivery.DONE, None]


def test_a_wrong_client_secret_loses_no_revocation(build_outbox, database, clock, caplog):
    outbox = build_outbox(Server(ClientRefused("unauthorized_client")))
    write(outbox, database, clock, "a")

    for _ in range(5):
        make_all_due(database)
        assert outbox.deliver_next() is Delivery.AWAY

    assert outbox.backlog() == Backlog(waiting=1, dead_letters=0)
    assert "wait for the operator" in caplog.text


def test_trouble_asks_for_a_pause(build_outbox, database, clock):
    server = Server(Unreachable("down"))
    outbox = build_outbox(server)
    write(outbox, database, clock, "a", "b")

    assert outbox.deliver_next() is Delivery.AWAY
    assert outbox.backlog() == Backlog(waiting=2, dead_letters=0)


def test_the_row_that_is_due_longest_is_delivered_first(build_outbox, database, clock):
    server = Server()
    outbox = build_outbox(server)
    with database.writing() as connection:
        for token, due_at in (("second", 200), ("third", 300), ("first", 100)):
            row = outbox.add(connection, token, "access_token", twitter_id="1001", now=clock())
            due = update(Revocation).where(Revocation.id == row).values(due_at=due_at)
            connection.execute(due)

    while outbox.deliver_next() is not None:
        pass

    assert [token for token, _ in server.asked] == ["first", "second", "third"]


@pytest.mark.parametrize("database_url", STORES[1:], indirect=True)
def test_a_second_deliverer_skips_a_row_that_is_being_taken(build_outbox, database, clock):
    outbox = build_outbox(Server())
    write(outbox, database, clock, "a", "b")

    with ThreadPoolExecutor(1) as pool, database.writing() as connection:
        connection.execute(outbox_delivery._TAKE_NEXT)
        second = pool.submit(outbox.deliver_next)

        assert second.result(timeout=10) is Delivery.DONE


def test_a_row_that_is_being_delivered_is_taken_by_no_other(build_outbox, database, clock):
    server = Server()
    outbox = build_outbox(server)
    write(outbox, database, clock, "a")

    taken = outbox._deliverer.take()

    assert taken is not None
    assert outbox._deliverer.take() is None
    assert 0 < outbox.deliver(taken.row) <= outbox_delivery._LEASE_SECONDS
    assert outbox.backlog().waiting == 1
    assert server.asked == []


@on_both_stores
def test_many_deliverers_revoke_each_token_once(build_outbox, database, clock):
    server = Server()
    outboxes = [build_outbox(server) for _ in range(4)]
    write(outboxes[0], database, clock, *(f"token-{number}" for number in range(40)))

    def deliver_all(outbox):
        while outbox.deliver_next() is not None:
            pass

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(deliver_all, outboxes))

    assert sorted(token for token, _ in server.asked) == sorted(f"token-{n}" for n in range(40))
    assert outboxes[0].backlog() == Backlog(waiting=0, dead_letters=0)


def test_pauses_grow_and_differ():
    found = [pauses.pause_after(attempts) for attempts in range(8)]

    assert all(pause <= longest for pause, longest in zip(found, pauses.PAUSES, strict=False))
    assert all(30 <= pause <= 60 for pause in found[5:])
    assert len({pauses.pause_after(7) for _ in range(20)}) > 1


def test_a_row_that_is_gone_is_done_with(build_outbox):
    server = Server()

    assert build_outbox(server).deliver("delivered-by-another-process") is None
    assert server.asked == []


def test_a_token_whose_key_is_gone_waits_for_its_key(build_outbox, database, waiting, clock):
    sealed_by_old = build_outbox(Server(Unreachable("down")), keys=(b"o" * 32,))
    sealed_by_old.discard(token_set(None), twitter_id="1001")
    sealed_by_old.wait(seconds=5)
    make_all_due(database)
    server = Server()

    assert build_outbox(server).deliver_next() is Delivery.SEALED
    assert server.asked == []
    assert len(waiting()) == 1


@pytest.fixture
def away(database, monkeypatch):
    """Take the database away."""

    def gone():
        raise OperationalError("INSERT", {}, Exception("gone"))

    monkeypatch.setattr(database, "writing", gone)


@pytest.mark.parametrize("refresh_token", ["r", None])
def test_without_a_database_twitter_is_told_directly(build_outbox, away, refresh_token):
    server = Server()
    outbox = build_outbox(server)

    outbox.discard(token_set(refresh_token), twitter_id=None)
    outbox.wait(seconds=5)

    both = [("a", "access_token"), ("r", "refresh_token")]
    assert server.asked == both[: 1 + bool(refresh_token)]


@pytest.mark.parametrize("twitter_id", ["1001", None])
def test_without_a_database_a_dead_token_is_not_revoked(build_outbox, away, twitter_id):
    server = Server()
    server.owner = TokenRefused("unauthorized")
    outbox = build_outbox(server)

    outbox.discard(token_set(), twitter_id=twitter_id)
    outbox.wait(seconds=5)

    assert server.asked == []
    assert outbox._worker._jobs == []


def test_without_a_database_a_token_without_a_name_is_revoked_too(build_outbox, away):
    server = Server(Refused("invalid_request"), None)
    server.owner = Refused("client-forbidden")
    outbox = build_outbox(server)

    outbox.discard(token_set(), twitter_id=None)
    outbox.wait(seconds=5)

    assert server.asked == [("a", "access_token"), ("r", "refresh_token")]


def test_what_was_discarded_without_a_database_is_written_when_it_is_back(
    build_outbox, database, waiting, monkeypatch
):
    monkeypatch.setattr(background_worker, "PAUSE_SECONDS", 0.01)
    server = Server(Unreachable("down"))
    server.owner = Unreachable("down")
    outbox = build_outbox(server)
    writing, tries = database.writing, []

    def gone_twice():
        tries.append(1)
        if len(tries) <= 2:
            raise OperationalError("INSERT", {}, Exception("gone"))
        return writing()

    monkeypatch.setattr(database, "writing", gone_twice)

    outbox.discard(token_set(), twitter_id=None)

    assert until(lambda: len(waiting()) == 2)


# Tokens whose person is unknown


def test_an_unknown_persons_token_is_revoked_once_twitter_says_whose_it_is(build_outbox, waiting):
    server = Server()
    outbox = build_outbox(server)

    outbox.discard(token_set(), twitter_id=None)
    assert until(lambda: len(server.asked) == 2)
    outbox.wait(seconds=5)

    assert server.asked == [("a", "access_token"), ("r", "refresh_token")]
    assert waiting() == []


def test_an_unknown_persons_dead_token_is_dropped_with_its_refresh_token(build_outbox, waiting):
    server = Server()
    server.owner = TokenRefused("unauthorized")
    outbox = build_outbox(server)

    outbox.discard(token_set(), twitter_id=None)
    outbox.wait(seconds=5)

    assert server.asked == []
    assert waiting() == []


def test_an_unknown_persons_token_waits_while_twitter_says_nothing(
    build_outbox, database, waiting, clock
):
    server = Server()
    server.owner = Unreachable("down")
    outbox = build_outbox(server)

    outbox.discard(token_set(), twitter_id=None)
    outbox.wait(seconds=5)
    make_all_due(database)

    assert outbox.deliver_next() is Delivery.AWAY
    assert outbox.deliver_next() is None  # the refresh token waits for the access token
    assert server.asked == []
    assert len(waiting()) == 2


def test_an_access_token_that_may_have_expired_says_nothing_of_its_refresh_token(
    build_outbox, database, waiting, clock
):
    server = Server()
    server.owner = Unreachable("down")
    outbox = build_outbox(server)
    outbox.discard(token_set(), twitter_id=None)
    outbox.wait(seconds=5)
    clock.advance(hours=3)
    answers = iter([TokenRefused("expired"), "1001"])
    server.owner = lambda: answered(next(answers))
    server.refreshed = TokenSet(
        access_token="a2", refresh_token="r2", expires_at=clock(), scopes=frozenset()
    )
    make_all_due(database)

    became = [outbox.deliver_next() for _ in range(2)]
    assert until(lambda: len(server.asked) == 2)
    outbox.wait(seconds=5)

    assert became == [Delivery.DONE, Delivery.DONE]
    assert server.asked == [("a2", "access_token"), ("r2", "refresh_token")]
    assert waiting() == []


def test_an_unknown_refresh_token_that_is_refused_is_dropped(
    build_outbox, database, waiting, clock
):
    server = Server()
    server.owner = TokenRefused("expired")
    outbox = build_outbox(server)
    outbox.stop()
    outbox.discard(token_set(), twitter_id=None)
    clock.advance(hours=3)
    server.refreshed = GrantRefused("invalid_request")
    make_all_due(database)

    became = [outbox.deliver_next() for _ in range(2)]

    assert became == [Delivery.DONE, Delivery.DONE]
    assert server.asked == []
    assert waiting() == []


def test_a_token_that_lives_is_revoked_even_if_twitter_tells_no_name(build_outbox, waiting):
    server = Server()
    server.owner = Refused("client-forbidden")
    outbox = build_outbox(server)

    outbox.discard(token_set(), twitter_id=None)
    assert until(lambda: len(server.asked) == 2)
    outbox.wait(seconds=5)

    assert waiting() == []


def test_what_waits_for_a_dead_letter_is_one_too(build_outbox, database, waiting, clock):
    server = Server(Refused("unsupported_token_type"))
    server.owner = Refused("client-forbidden")
    outbox = build_outbox(server)
    outbox._worker.stop()
    outbox.discard(token_set(), twitter_id=None)

    became = []
    for _ in range(4):
        make_all_due(database)
        became.append(outbox.deliver_next())

    assert became[2:] == [Delivery.DEAD_LETTER, None]
    assert outbox.backlog() == Backlog(waiting=0, dead_letters=2)


def test_a_refresh_token_that_waited_is_followed_in_the_background(
    build_outbox, waiting, monkeypatch
):
    monkeypatch.setattr(pauses, "PAUSES", (0.01, 0.01))
    server = Server(None, Unreachable("down"))
    server.owner = Refused("client-forbidden")
    server.refreshed = GrantRefused("invalid_request")
    outbox = build_outbox(server)

    outbox.discard(token_set(), twitter_id=None)

    assert until(lambda: waiting() == [])
    assert server.asked == [("a", "access_token"), ("r", "refresh_token")]


def test_a_row_that_a_sign_in_deleted_after_it_was_taken_is_not_sent(build_outbox, database, clock):
    server = Server()
    outbox = build_outbox(server)
    write(outbox, database, clock, "a")
    taken = outbox._deliverer.take()
    with database.writing() as connection:
        connection.execute(delete(Revocation).where(Revocation.twitter_id == "1001"))

    became = outbox._deliverer.attempt(taken)

    assert became is Delivery.DONE
    assert server.asked == []


def test_the_worker_outlives_any_trouble(build_outbox, clock, waiting):
    server = Server(RuntimeError("a bug"), None)
    outbox = build_outbox(server)

    outbox.discard(token_set(), twitter_id="1001")
    outbox.wait(seconds=5)

    assert len(server.asked) == 2
    assert len(waiting()) == 1


def test_a_task_for_which_there_is_no_thread_waits_for_the_next_one(no_thread_at_first):
    worker, done = background_worker.BackgroundWorker("test"), []

    worker.take(lambda: done.append(1))
    worker.take(lambda: done.append(2))

    assert worker.wait(seconds=5)
    assert done == [1, 2]


def test_the_worker_tries_for_ever_at_a_bounded_pause():
    def fail():
        raise RuntimeError("still away")

    worker = background_worker.BackgroundWorker("test", gives_up=False)
    job = background_worker._Job(due_at=0.0, number=0, task=fail, taken_at=0.0)
    pauses = []
    for attempts in (0, 1, 2, 3, 4, 5, 5000):
        job.attempts = attempts
        pauses.append(worker._try(job))

    assert pauses == [1, 2, 4, 8, 16, 16, 16]


def test_nothing_is_delivered_after_stop(build_outbox, database, clock, waiting):
    server = Server()
    outbox = build_outbox(server)
    outbox.stop()

    outbox.discard(token_set(), twitter_id="1001")
    outbox.wait(seconds=1)

    assert server.asked == []
    assert len(waiting()) == 2


def test_a_rolled_back_ending_leaves_nothing_in_the_outbox(build_outbox, database, clock, waiting):
    outbox = build_outbox(Server())

    def end_and_fail():
        with database.writing() as connection:
            outbox.add(connection, "a", "access_token", twitter_id="1001", now=clock())
            connection.execute(insert(Revocation).values(id=None))

    with pytest.raises(Exception, match=r"(?i)null"):
        end_and_fail()

    assert waiting() == []


def test_the_background_follows_the_row_and_gives_up_when_it_is_due_too_late(
    build_outbox, clock, monkeypatch
):
    monkeypatch.setattr(pauses, "PAUSES", (0.01, 0.01))
    monkeypatch.setattr(background_worker, "GIVES_UP_AFTER_SECONDS", 20.0)
    server = Server(Unreachable("down"))
    outbox = build_outbox(server)

    outbox.discard(token_set(None), twitter_id="1001")
    assert until(
        lambda: len(server.asked) == 3 and not outbox._worker._jobs and not outbox._worker._at_work
    )
    assert len(server.asked) == 3
    assert outbox.backlog() == Backlog(waiting=1, dead_letters=0)
