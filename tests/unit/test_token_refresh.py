"""A usable access token, refreshed by exactly one worker, ended by a definite refusal only."""

import contextlib
import dataclasses
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError

from app.accounts.errors import GrantEnded
from app.accounts.grants import EndReason
from app.accounts.models import Grant, Revocation
from app.accounts.token_cipher import associated_data
from app.gateway.refresh_times import Times
from app.gateway.token_refresh import TokenRefresher
from app.storage.database import STORE_CLOCK, WRITE_SECONDS, store_time
from app.storage.singleflight import SingleFlight
from app.twitter.errors import (
    Busy,
    ClientRefused,
    GrantRefused,
    Refused,
    TokenRefused,
    Unreachable,
)
from app.twitter.oauth import TokenSet
from app.twitter.transport.deadline import SECONDS, Deadline
from tests.stores import on_both_stores
from tests.waiting import until


def lease(database, grant_id, owner, seconds):
    """Give the lease to another worker for `seconds` by the store's clock."""
    with database.writing() as connection:
        until = STORE_CLOCK + seconds
        connection.execute(
            update(Grant).where(Grant.id == grant_id).values(lease_owner=owner, lease_until=until)
        )


def store_for_another(database, cipher, grant):
    """Store a refreshed token, as another worker does."""
    sealed = cipher.seal("access-of-another", at=associated_data("grants", "access_token", grant))
    with database.writing() as connection:
        connection.execute(update(Grant).values(generation=1, access_token=sealed))


def test_a_young_token_is_used_as_it_is(refresher, new_grant, server):
    grant = new_grant()

    assert refresher.valid_token(grant, deadline=Deadline()) == "access-0"
    assert server.spent == []


@pytest.mark.parametrize("minutes, refreshed", [(114, False), (116, True), (130, True)])
def test_a_token_is_refreshed_five_minutes_early(
    refresher, new_grant, server, clock, minutes, refreshed
):
    grant = new_grant()
    clock.advance(minutes=minutes)

    token = refresher.valid_token(grant, deadline=Deadline())

    assert token == ("access-1" if refreshed else "access-0")


@pytest.mark.parametrize("minutes, left", [(116, "access-0"), (130, Unreachable)])
def test_no_refresh_begins_that_may_end_too_late(
    refresher, new_grant, server, clock, row, minutes, left
):
    """A refresh whose answer is not awaited has spent the refresh token."""
    grant = new_grant()
    clock.advance(minutes=minutes)
    before = row(grant)

    with pytest.raises(left) if left is Unreachable else contextlib.nullcontext():
        assert refresher.valid_token(grant, deadline=Deadline(4.5)) == left

    assert server.spent == []
    assert row(grant) == before
    assert refresher.valid_token(grant, deadline=Deadline(6)) == "access-1"


@pytest.mark.parametrize(
    "minutes, token",
    [(110, ("access-0", False)), (116, ("access-0", True)), (130, ("access-1", False))],
)
def test_a_page_waits_for_no_refresh_of_a_token_that_lives(
    refresher, new_grant, clock, minutes, token
):
    grant = new_grant()
    clock.advance(minutes=minutes)

    assert refresher.living_token(grant, deadline=Deadline()) == token


def test_what_can_wait_begins_only_with_time_for_a_slow_twitter(
    refresher, new_grant, server, clock
):
    grant = new_grant()
    clock.advance(minutes=116)

    refresher.refresh_early(grant, deadline=Deadline(9.5))
    too_late = list(server.spent)
    refresher.refresh_early(grant, deadline=Deadline(11))

    assert (too_late, server.spent) == ([], ["refresh-0"])


def test_an_early_refresh_in_trouble_with_twitter_is_none_of_the_page(
    refresher, new_grant, server, clock
):
    grant = new_grant()
    clock.advance(minutes=116)
    server.answer = lambda _: Unreachable("down")

    refresher.refresh_early(grant, deadline=Deadline())

    assert refresher.living_token(grant, deadline=Deadline()).is_due


def test_an_early_refresh_that_twitter_refuses_ends_the_grant(
    refresher, new_grant, server, clock, row
):
    grant = new_grant()
    clock.advance(minutes=116)
    server.answer = lambda _: GrantRefused("invalid_request")

    with pytest.raises(GrantEnded):
        refresher.refresh_early(grant, deadline=Deadline())

    assert row(grant)["end_reason"] == EndReason.REFUSED


def test_no_refresh_begins_after_a_slow_lease(refresher, new_grant, server, clock, monkeypatch):
    grant = new_grant()
    clock.advance(minutes=130)
    deadline, take = Deadline(6), refresher._take

    def slow(*args):
        monkeypatch.setattr(refresher, "_times", Times(least=7))  # as if a second had passed
        return take(*args)

    monkeypatch.setattr(refresher, "_take", slow)

    with pytest.raises(Unreachable):
        refresher.valid_token(grant, deadline=deadline)

    assert server.spent == []


def test_an_early_refresh_in_trouble_with_the_database_is_none_of_the_page(
    refresher, new_grant, server, clock, monkeypatch
):
    grant = new_grant()
    clock.advance(minutes=116)

    def locked(*_):
        raise OperationalError("BEGIN IMMEDIATE", {}, Exception("database is locked"))

    monkeypatch.setattr(refresher, "_take", locked)

    refresher.refresh_early(grant, deadline=Deadline())

    assert server.spent == []


def test_a_short_lived_token_is_refreshed_in_its_last_tenth(refresher, new_grant, clock, server):
    grant = new_grant(expires_at=clock() + timedelta(seconds=100))
    clock.advance(seconds=89)
    early = refresher.valid_token(grant, deadline=Deadline())
    clock.advance(seconds=2)

    late = refresher.valid_token(grant, deadline=Deadline())

    assert (early, late) == ("access-0", "access-1")


@on_both_stores
def test_a_refresh_stores_the_whole_new_token_set(refresher, new_grant, clock, row, cipher):
    grant = new_grant()
    clock.advance(hours=3)

    refresher.valid_token(grant, deadline=Deadline())

    stored = row(grant)
    refresh_token = cipher.open(
        stored["refresh_token"], at=associated_data("grants", "refresh_token", grant)
    )
    assert refresh_token == "refresh-1"
    assert stored["expires_at"] == clock() + timedelta(hours=2)
    assert (stored["generation"], stored["lease_owner"], stored["lease_until"]) == (1, None, None)


def test_a_refresh_is_told_the_granted_scopes(refresher, new_grant, server, clock):
    grant = new_grant(scopes=frozenset({"users.read", "offline.access"}))
    clock.advance(hours=3)

    refresher.valid_token(grant, deadline=Deadline())

    assert server.scopes == [{"users.read", "offline.access"}]


def test_the_lease_outlives_all_that_its_holder_may_take(
    refresher, new_grant, server, database, clock
):
    grant = new_grant()
    clock.advance(hours=3)
    seconds = []

    def read_the_lease(number):
        with database.reading() as connection:
            seconds.append(connection.execute(select(Grant.lease_until - STORE_CLOCK)).scalar_one())
        return server.fresh_token_set(number)

    server.answer = read_the_lease

    refresher.valid_token(grant, deadline=Deadline())

    times = Times()
    assert (times.call, times.write) == (SECONDS, WRITE_SECONDS)
    assert times.lease == pytest.approx(times.call + times.store + times.write)
    assert seconds[0] == pytest.approx(times.lease, abs=1)


# A thirtieth of the real times, and how much of each step the slow holder takes.
SCALED = Times(least=0.0, call=0.5, store=0.5, write=0.5, pause=0.01)
TAKEN = {"call": 0.4, "store": 0.45, "write": 0.35}


class DistantDatabase:
    """The database as one machine sees it: its line is cut for a while, and then slow."""

    def __init__(self, database):
        self.reading = database.reading
        self._writing = database.writing
        self._cut_until = None

    def cut(self):
        self._cut_until = time.monotonic() + TAKEN["store"]

    @contextlib.contextmanager
    def writing(self):
        if self._cut_until is not None:
            if time.monotonic() < self._cut_until:
                raise OperationalError("BEGIN", {}, Exception("the line is cut"))
            time.sleep(TAKEN["write"])
        with self._writing() as connection:
            yield connection


@on_both_stores
def test_a_holder_that_is_slow_at_every_step_keeps_its_lease(
    refresher, shared, grants, outbox, server, database, clock, new_grant
):
    distant = DistantDatabase(database)
    there = dataclasses.replace(shared, database=distant)
    holder = TokenRefresher(there, grants, outbox, server, SingleFlight(at_most=32))
    refresher._times = holder._times = SCALED
    grant = new_grant()
    clock.advance(hours=3)

    def slowly(number):
        time.sleep(TAKEN["call"])
        distant.cut()
        return server.fresh_token_set(number)

    server.answer = slowly

    def read_on_another_machine():
        while True:
            with contextlib.suppress(Unreachable):
                return refresher.valid_token(grant, deadline=Deadline())

    with ThreadPoolExecutor(2) as pool:
        refreshing = pool.submit(holder.valid_token, grant, deadline=Deadline())
        assert until(lambda: server.spent)
        reading = pool.submit(read_on_another_machine)

    assert (refreshing.result(), reading.result()) == ("access-1", "access-1")
    assert server.spent == ["refresh-0"]


def test_the_call_of_a_holder_ends_within_the_lease_whatever_the_budget(
    refresher, new_grant, server, clock
):
    grant = new_grant()
    clock.advance(hours=3)

    refresher.valid_token(grant, deadline=Deadline(1000))

    assert server.left[0] <= Times().call


def test_an_answer_without_a_refresh_token_keeps_the_old_one(refresher, new_grant, server, clock):
    grant = new_grant()
    server.answer = lambda n: TokenSet(
        access_token=f"access-{n}", expires_at=clock() + timedelta(hours=2), scopes=frozenset()
    )
    clock.advance(hours=3)
    refresher.valid_token(grant, deadline=Deadline())
    server.spent.clear()
    clock.advance(hours=3)

    refresher.valid_token(grant, deadline=Deadline())

    assert server.spent == ["refresh-0"]


@on_both_stores
@pytest.mark.parametrize("hours", [1.95, 3])
def test_a_crowd_refreshes_once(refresher, new_grant, server, clock, hours):
    grant = new_grant()
    clock.advance(hours=hours)
    slow, answer = threading.Event(), server.fresh_token_set

    def slowly(number):
        slow.wait(0.3)
        return answer(number)

    server.answer = slowly

    with ThreadPoolExecutor(16) as pool:
        calls = [pool.submit(refresher.valid_token, grant, deadline=Deadline()) for _ in range(16)]
        tokens = {call.result() for call in calls}

    assert server.spent == ["refresh-0"]
    assert tokens <= ({"access-0", "access-1"} if hours < 2 else {"access-1"})


def test_others_go_on_with_a_token_that_still_lives(refresher, new_grant, database, clock, server):
    grant = new_grant()
    clock.advance(hours=1, minutes=57)
    lease(database, grant, "another worker", 20)

    assert refresher.valid_token(grant, deadline=Deadline()) == "access-0"
    assert server.spent == []


@on_both_stores
def test_a_waiter_gets_the_token_that_another_thread_refreshed(refresher, new_grant, clock, server):
    grant = new_grant()
    clock.advance(hours=3)
    let_go = threading.Event()

    def answer_late(number):
        let_go.wait(5)
        return server.fresh_token_set(number)

    server.answer = answer_late

    with ThreadPoolExecutor(2) as pool:
        refreshing = pool.submit(refresher.valid_token, grant, deadline=Deadline())
        assert until(lambda: server.spent)
        waiting = pool.submit(refresher.valid_token, grant, deadline=Deadline())
        assert until(lambda: refresher._waiting._polled)
        let_go.set()

    assert (refreshing.result(), waiting.result()) == ("access-1", "access-1")
    assert server.spent == ["refresh-0"]


def test_a_waiter_fails_at_once_when_the_lease_is_given_back(refresher, new_grant, database, clock):
    grant = new_grant()
    clock.advance(hours=3)
    lease(database, grant, None, 20)

    with pytest.raises(Unreachable):
        refresher.valid_token(grant, deadline=Deadline())


def test_a_stale_reader_takes_no_lease(refresher, new_grant, server, clock):
    grant = new_grant()
    clock.advance(hours=3)
    stale = refresher._read(grant)
    refresher.valid_token(grant, deadline=Deadline())

    token = refresher._refreshed(stale, Deadline())

    assert token == "access-1"
    assert server.spent == ["refresh-0"]


def test_a_lease_that_ran_out_is_awaited_no_longer(refresher, new_grant, database, clock):
    grant = new_grant()
    clock.advance(hours=3)
    lease(database, grant, "a dying process", 0.2)
    deadline = Deadline(20)

    with pytest.raises(Unreachable):
        refresher.valid_token(grant, deadline=deadline)

    assert deadline.remaining() > 0


def test_the_wait_for_a_refresh_ends_with_the_budget(refresher, new_grant, database, clock):
    grant = new_grant()
    clock.advance(hours=3)
    lease(database, grant, "another worker", 20)

    with pytest.raises(Unreachable):
        refresher.valid_token(grant, deadline=Deadline(0.15))


@pytest.mark.parametrize(
    "trouble",
    [
        Unreachable("timeout"),
        ClientRefused("invalid_client"),
        Refused("something_new"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_trouble_never_ends_a_grant(refresher, new_grant, server, clock, row, trouble):
    grant = new_grant()
    server.answer = lambda _: trouble
    clock.advance(hours=3)

    with pytest.raises(type(trouble)):
        refresher.valid_token(grant, deadline=Deadline())

    assert row(grant)["ended_at"] is None
    assert row(grant)["refresh_token"] is not None


def test_trouble_is_followed_by_a_cool_down_without_requests(refresher, new_grant, server, clock):
    grant = new_grant()
    server.answer = lambda _: Unreachable("timeout")
    clock.advance(hours=3)
    with pytest.raises(Unreachable):
        refresher.valid_token(grant, deadline=Deadline())

    with pytest.raises(Unreachable):
        refresher.valid_token(grant, deadline=Deadline())

    assert len(server.spent) == 1


def test_trouble_releases_no_lease_of_another_worker(
    refresher, new_grant, server, database, clock, row
):
    grant = new_grant()
    clock.advance(hours=3)

    def take_over(_):
        lease(database, grant, "another worker", 20)
        return Unreachable("timeout")

    server.answer = take_over

    with pytest.raises(Unreachable):
        refresher.valid_token(grant, deadline=Deadline())

    assert row(grant)["lease_owner"] == "another worker"


def test_trouble_while_the_token_lives_is_not_raised(refresher, new_grant, server, clock):
    grant = new_grant()
    server.answer = lambda _: Unreachable("timeout")
    clock.advance(hours=1, minutes=57)

    assert refresher.valid_token(grant, deadline=Deadline()) == "access-0"


def test_after_the_cool_down_the_next_reader_tries_again(
    refresher, new_grant, server, database, clock
):
    grant = new_grant()
    server.answer = lambda _: Unreachable("timeout")
    clock.advance(hours=3)
    with pytest.raises(Unreachable):
        refresher.valid_token(grant, deadline=Deadline())
    lease(database, grant, None, -1)
    server.spent.clear()
    server.answer = server.fresh_token_set

    assert refresher.valid_token(grant, deadline=Deadline()) == "access-1"


@on_both_stores
def test_a_lease_whose_owner_died_is_taken_over(refresher, new_grant, server, database, clock):
    grant = new_grant()
    clock.advance(hours=3)
    lease(database, grant, "a dead process", -1)

    assert refresher.valid_token(grant, deadline=Deadline()) == "access-1"


def test_an_answer_after_a_take_over_does_not_overwrite_the_newer_token(
    refresher, new_grant, server, database, clock, outbox, cipher
):
    grant = new_grant()
    clock.advance(hours=3)

    def answer_too_late(number):
        store_for_another(database, cipher, grant)
        return server.fresh_token_set(number)

    server.answer = answer_too_late

    assert refresher.valid_token(grant, deadline=Deadline()) == "access-of-another"
    outbox.wait(seconds=5)
    assert server.revoked == []  # to revoke one of them would end the living grant


def test_a_definite_refusal_ends_the_grant(refresher, new_grant, server, clock, row):
    grant = new_grant()
    server.answer = lambda _: GrantRefused("invalid_request")
    clock.advance(hours=3)

    with pytest.raises(GrantEnded):
        refresher.valid_token(grant, deadline=Deadline())

    assert row(grant)["end_reason"] == EndReason.REFUSED
    assert row(grant)["access_token"] is None


def test_a_refusal_after_another_workers_refresh_ends_nothing(
    refresher, new_grant, server, database, clock, row, cipher
):
    grant = new_grant()
    clock.advance(hours=3)

    def another_worker_was_faster(_):
        store_for_another(database, cipher, grant)
        return GrantRefused("invalid_request")

    server.answer = another_worker_was_faster

    assert refresher.valid_token(grant, deadline=Deadline()) == "access-of-another"
    assert row(grant)["ended_at"] is None


def test_a_refusal_after_a_take_over_waits_for_the_former_owner(
    refresher, new_grant, server, database, clock, row, cipher
):
    grant = new_grant()
    clock.advance(hours=3)
    lease(database, grant, "a slow process", -1)

    def refuse_and_let_the_former_owner_store(_):
        threading.Timer(0.15, store_for_another, (database, cipher, grant)).start()
        return GrantRefused("invalid_request")

    server.answer = refuse_and_let_the_former_owner_store

    assert refresher.valid_token(grant, deadline=Deadline()) == "access-of-another"
    assert row(grant)["ended_at"] is None


def test_a_refusal_after_a_take_over_ends_the_grant_if_nothing_comes(
    refresher, new_grant, server, database, clock, row
):
    grant = new_grant()
    clock.advance(hours=3)
    lease(database, grant, "a dead process", -1)
    server.answer = lambda _: GrantRefused("invalid_request")
    refresher._times = SCALED

    with pytest.raises(GrantEnded):
        refresher.valid_token(grant, deadline=Deadline(0.2))

    assert row(grant)["end_reason"] == EndReason.REFUSED


@on_both_stores
def test_a_log_out_during_a_refresh_leaves_no_living_token(
    refresher, sign_in, server, sessions, outbox, clock, database
):
    person = sign_in()
    grant = person.grant_id
    clock.advance(hours=3)

    def log_out_meanwhile(number):
        sessions.log_out(person.session_id)
        return server.fresh_token_set(number)

    server.answer = log_out_meanwhile

    with pytest.raises(GrantEnded):
        refresher.valid_token(grant, deadline=Deadline())

    outbox.wait(seconds=5)
    assert {token for token, _ in server.revoked} == {
        "access-0",
        "refresh-0",
        "access-1",
        "refresh-1",
    }
    with database.reading() as connection:
        assert connection.execute(select(Revocation.id)).all() == []


def test_without_a_refresh_token_a_grant_lives_to_its_end(refresher, new_grant, clock, row):
    grant = new_grant(refresh_token=None)
    clock.advance(minutes=119)
    token = refresher.valid_token(grant, deadline=Deadline())
    clock.advance(minutes=2)

    with pytest.raises(GrantEnded):
        refresher.valid_token(grant, deadline=Deadline())

    assert token == "access-0"
    assert row(grant)["end_reason"] == EndReason.TOKEN_EXPIRED


def test_a_401_means_one_refresh(refresher, new_grant, server):
    grant = new_grant()

    token = refresher.token_after_401(grant, refused="access-0", deadline=Deadline())
    again = refresher.token_after_401(grant, refused="access-0", deadline=Deadline())

    assert (token, again) == ("access-1", "access-1")
    assert server.spent == ["refresh-0"]


def test_a_grant_that_ended_gives_no_token(refresher, sign_in, sessions):
    person = sign_in()
    grant = person.grant_id
    sessions.log_out(person.session_id)

    with pytest.raises(GrantEnded):
        refresher.valid_token(grant, deadline=Deadline())


@on_both_stores
def test_no_transaction_is_open_while_twitter_is_asked(
    refresher, new_grant, server, database, clock
):
    grant = new_grant()
    clock.advance(hours=3)

    def write_meanwhile(number):
        with database.writing() as connection:
            connection.execute(update(Grant).values(end_reason=None))
        return server.fresh_token_set(number)

    server.answer = write_meanwhile

    assert refresher.valid_token(grant, deadline=Deadline()) == "access-1"


def flaky(database, monkeypatch, failures):
    """Let writing fail so many times, as while the database is away."""
    writing, left = database.writing, [failures]

    def write():
        if left[0] > 0:
            left[0] -= 1
            raise OperationalError("UPDATE", {}, Exception("away"))
        return writing()

    monkeypatch.setattr(database, "writing", write)


def test_a_database_that_is_away_for_a_moment_loses_no_token(
    refresher, new_grant, server, database, clock, row, monkeypatch
):
    refresher._times = Times(pause=0.01)
    grant = new_grant()
    clock.advance(hours=3)

    def away_afterwards(number):
        flaky(database, monkeypatch, failures=3)
        return server.fresh_token_set(number)

    server.answer = away_afterwards

    assert refresher.valid_token(grant, deadline=Deadline()) == "access-1"
    assert row(grant)["generation"] == 1


def test_a_commit_whose_answer_was_lost_is_not_taken_for_a_logout(
    refresher, new_grant, server, database, clock, row, outbox, monkeypatch
):
    refresher._times = Times(pause=0.01)
    grant = new_grant()
    clock.advance(hours=3)
    writing = database.writing

    @contextlib.contextmanager
    def write_and_lose_the_line():
        monkeypatch.setattr(database, "writing", writing)
        with writing() as connection:
            yield connection
        raise OperationalError("COMMIT", {}, Exception("the line went dead"))

    def answered(number):
        monkeypatch.setattr(database, "writing", write_and_lose_the_line)
        return server.fresh_token_set(number)

    server.answer = answered

    assert refresher.valid_token(grant, deadline=Deadline()) == "access-1"
    outbox.wait(seconds=5)
    assert server.revoked == []
    assert row(grant)["generation"] == 1


def test_tokens_that_cannot_be_stored_are_revoked(
    refresher, new_grant, server, database, clock, row, monkeypatch
):
    refresher._times = Times(store=0.05, pause=0.01)
    grant = new_grant()
    clock.advance(hours=3)

    def away_for_long(number):
        monkeypatch.setattr(refresher, "_store", refuse_to_store)
        return server.fresh_token_set(number)

    def refuse_to_store(*_args):
        raise OperationalError("UPDATE", {}, Exception("away"))

    server.answer = away_for_long

    with pytest.raises(OperationalError):
        refresher.valid_token(grant, deadline=Deadline())

    refresher._outbox.wait(seconds=5)
    assert {token for token, _ in server.revoked} == {"access-1", "refresh-1"}
    assert row(grant)["lease_owner"] is None
    assert row(grant)["ended_at"] is None


def test_a_grant_that_was_refreshed_while_it_was_judged_does_not_end(
    refresher, new_grant, server, database, clock, row, cipher
):
    grant = new_grant()
    clock.advance(hours=3)
    judged = refresher._read(grant)
    store_for_another(database, cipher, grant)

    token = refresher._end(judged, EndReason.REFUSED)

    assert token == "access-of-another"
    assert row(grant)["ended_at"] is None


def refreshed_ago(database, seconds):
    """Let the last refresh have been so long ago."""
    with database.writing() as connection:
        then = store_time(connection) - timedelta(seconds=seconds)
        connection.execute(update(Grant).values(refreshed_at=then))


def test_a_401_to_everything_is_no_storm_of_refreshes(refresher, new_grant, server, database):
    grant = new_grant()
    token = refresher.token_after_401(grant, refused="access-0", deadline=Deadline())

    for _ in range(5):
        with pytest.raises(TokenRefused):
            refresher.token_after_401(grant, refused=token, deadline=Deadline())
    refreshed_ago(database, 11)
    later = refresher.token_after_401(grant, refused=token, deadline=Deadline())

    assert (token, later) == ("access-1", "access-2")
    assert len(server.spent) == 2


@pytest.mark.parametrize("minutes", [-3, 3])
def test_the_guard_against_storms_goes_by_the_stores_clock(
    refresher, new_grant, server, clock, database, minutes
):
    grant = new_grant()
    clock.advance(minutes=minutes)  # by this machine's clock
    token = refresher.token_after_401(grant, refused="access-0", deadline=Deadline())
    clock.advance(minutes=-2 * minutes)  # by another's

    with pytest.raises(TokenRefused):
        refresher.token_after_401(grant, refused=token, deadline=Deadline())
    refreshed_ago(database, 11)

    assert refresher.token_after_401(grant, refused=token, deadline=Deadline()) == "access-2"


def test_a_crowd_that_waits_leaves_threads_for_others(
    shared, database, grants, outbox, server, clock, new_grant
):
    refresher = TokenRefresher(shared, grants, outbox, server, SingleFlight(at_most=2))
    grant = new_grant()
    clock.advance(hours=3)
    lease(database, grant, "another worker", 20)

    with ThreadPoolExecutor(2) as pool:
        waiting = [
            pool.submit(refresher.valid_token, grant, deadline=Deadline(20)) for _ in range(2)
        ]
        assert until(lambda: refresher._waiting._free._value == 0)
        with pytest.raises(Busy):
            refresher.valid_token(grant, deadline=Deadline(20))
        lease(database, grant, None, -1)

    assert [type(call.exception()) for call in waiting] == [Unreachable] * 2


def test_tokens_that_a_sign_in_replaced_during_a_refresh_are_dropped(
    refresher, sign_in, server, outbox, clock
):
    grant = sign_in().grant_id
    clock.advance(hours=3)

    def sign_in_meanwhile(number):
        sign_in(access_token="access-new", refresh_token="refresh-new")
        return server.fresh_token_set(number)

    server.answer = sign_in_meanwhile

    assert refresher.valid_token(grant, deadline=Deadline()) == "access-new"
    outbox.wait(seconds=5)
    assert server.revoked == []


def test_refreshed_tokens_of_an_ended_grant_are_dropped_if_its_person_has_a_newer_one(
    refresher, sign_in, sessions, server, outbox, clock
):
    person = sign_in()
    clock.advance(hours=3)

    def leave_and_come_back(number):
        sessions.log_out(person.session_id)
        sign_in(access_token="access-new", refresh_token="refresh-new")
        return server.fresh_token_set(number)

    server.answer = leave_and_come_back

    with pytest.raises(GrantEnded):
        refresher.valid_token(person.grant_id, deadline=Deadline())

    outbox.wait(seconds=5)
    assert "access-1" not in {token for token, _ in server.revoked}


def test_a_refusal_judges_only_the_grant_that_it_read(
    refresher, sign_in, sessions, server, row, clock
):
    person = sign_in()
    judged = refresher._read(person.grant_id)
    sessions.log_out(person.session_id)
    newer = sign_in().grant_id

    with pytest.raises(GrantEnded):
        refresher._end(judged, EndReason.REFUSED)

    assert row(newer)["ended_at"] is None


def test_a_sign_in_does_not_count_as_a_refresh_for_the_guard(refresher, sign_in, server):
    sign_in()
    grant = sign_in(access_token="access-new", refresh_token="refresh-new").grant_id

    token = refresher.token_after_401(grant, refused="access-new", deadline=Deadline())

    assert token == "access-1"
