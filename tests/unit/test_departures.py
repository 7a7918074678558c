"""People who left: from when on, and how their rows go while they may be signing in again."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import OperationalError

from app.accounts import departures as module
from app.accounts.errors import EndedMeanwhile
from app.accounts.grants import EndReason
from app.accounts.models import Ending, Grant, Revocation, Session, UsedState, User
from app.accounts.people import People
from app.accounts.sessions import Sessions
from app.storage.database import Moment, store_time
from tests.stores import STORES, on_both_stores
from tests.unit.conftest import LIFETIMES
from tests.waiting import until

on_postgresql = pytest.mark.parametrize("database_url", STORES[1:], indirect=True)
DAYS = 90


@pytest.fixture
def all_of(database):
    """Read columns of every row."""

    def read(*columns):
        with database.reading() as connection:
            return [tuple(row) for row in connection.execute(select(*columns).order_by(*columns))]

    return read


@pytest.fixture
def left_ago(database):
    """Have a person, or all who have left, have left so many days ago by the store's clock."""

    def move(days, twitter_id=None):
        which = User.left_at.is_not(None) if twitter_id is None else User.twitter_id == twitter_id
        with database.writing() as connection:
            moment = store_time(connection) - timedelta(days=days)
            connection.execute(update(User).where(which).values(left_at=moment))

    return move


@pytest.fixture
def prune(departures):
    return lambda: departures.prune(days=DAYS)


@pytest.fixture
def keeping(shared, grants, used_states):
    """`Sessions` and `People` of a site whose logouts leave the grant to background jobs."""
    sessions = Sessions(shared, grants, used_states, lifetimes=LIFETIMES, logout_revokes=False)
    yield sessions, People(shared, grants, sessions, used_states)
    sessions.close()


# Since when a person has left


@on_both_stores
def test_a_person_has_left_when_the_last_session_ends(sign_in, sessions, all_of, store_now, clock):
    clock.advance(days=2)  # the store's clock counts, not this machine's
    first, second = sign_in(), sign_in()
    sessions.log_out(first.session_id)
    between = all_of(User.left_at)
    before = store_now()
    sessions.log_out(second.session_id)

    [(left_at,)] = all_of(User.left_at)
    assert between == [(None,)]
    assert before - 0.01 <= left_at.timestamp() <= store_now()


@pytest.mark.parametrize("reason", [EndReason.REFUSED, EndReason.ENDED_BY_OPERATOR])
def test_a_person_has_left_when_the_grant_ends(sign_in, grants, database, all_of, clock, reason):
    person = sign_in()
    with database.writing() as connection:
        grants.end(connection, person.user_id, reason, now=clock())

    assert all_of(User.left_at) != [(None,)]


def test_a_person_whose_browser_never_came_back_has_left(sign_in, sessions, all_of, clock):
    sign_in()
    clock.advance(days=31)
    sessions.prune(now=clock())

    assert all_of(User.left_at) != [(None,)]


@on_both_stores
def test_a_sign_in_clears_it(sign_in, sessions, all_of, left_ago, prune):
    sessions.log_out(sign_in().session_id)
    left_ago(DAYS + 1)
    sign_in()

    assert all_of(User.left_at) == [(None,)]
    assert prune() == 0


def test_sessions_that_a_sign_in_revives_clear_it(sign_in, grants, database, all_of, clock):
    person = sign_in()
    answered = Moment()
    with database.writing() as connection:
        grants.end(connection, person.user_id, EndReason.REFUSED, now=clock())
    sign_in(answered=answered)

    assert all_of(User.left_at) == [(None,)]


def test_a_sign_in_that_is_stopped_clears_nothing(sign_in, keeping, all_of, store_now, left_ago):
    sessions, _ = keeping
    before = store_now()
    person = sign_in()
    sessions.log_out_everywhere_else(person.user_id, "1001", keep="")
    with pytest.raises(EndedMeanwhile):
        sign_in(began=before)

    assert all_of(Session.end_reason) == [("logged_out",)]
    assert all_of(User.left_at) != [(None,)]


def test_without_revoking_logouts_the_end_of_the_last_session_counts(
    sign_in, keeping, all_of, left_ago, clock
):
    sessions, _ = keeping
    sessions.log_out(sign_in().session_id)
    left_ago(50)
    before = all_of(User.left_at)
    sessions.prune(now=clock())

    assert all_of(Grant.ended_at) == [(None,)]
    assert all_of(User.left_at) == before != [(None,)]


def test_a_grant_that_ends_after_the_last_session_counts(
    sign_in, keeping, sessions, all_of, left_ago, prune, clock
):
    """The site has changed back to logouts that revoke."""
    keeping[0].log_out(sign_in().session_id)
    left_ago(DAYS + 1)
    sessions.prune(now=clock())

    assert all_of(Grant.end_reason) == [("expired",)]
    assert prune() == 0


# Deleting them


@on_both_stores
def test_people_are_deleted_once_they_have_been_gone_so_long(
    sign_in, sessions, left_ago, prune, all_of
):
    for number in range(3):
        sessions.log_out(sign_in(user_id=f"100{number}").session_id)
    stays = sign_in(user_id="1004")
    left_ago(DAYS + 1, "1000")
    left_ago(DAYS - 1, "1001")
    left_ago(DAYS + 500, "1002")

    assert prune() == 2
    assert all_of(User.twitter_id) == [("1001",), ("1004",)]
    assert stays.session_id in {each for (each,) in all_of(Session.id)}
    assert len(all_of(Grant.id)) == 2
    assert len({each for (each,) in all_of(UsedState.session_id)} - {None}) == 2


@on_both_stores
def test_the_grant_that_is_left_is_ended_and_revoked(
    sign_in, keeping, database, left_ago, outbox, server, all_of, departures
):
    sessions, _ = keeping
    sessions.log_out(sign_in().session_id)
    left_ago(DAYS + 1)

    deleted = departures.prune(days=DAYS)

    outbox.wait(seconds=5)
    assert deleted == 1
    assert all_of(User.id) == all_of(Grant.id) == []
    assert {token for token, _ in server.revoked} == {"access-0", "refresh-0"}


@on_both_stores
def test_a_living_session_keeps_its_person_whatever_the_column_says(sign_in, left_ago, prune):
    """Older code, beside this one, signs people in without clearing it."""
    sign_in()
    left_ago(DAYS + 1, "1001")

    assert prune() == 0


def test_a_row_that_never_had_a_session_is_deleted_as_well(database, all_of, left_ago, prune):
    """No sign-in leaves such a row; a copy from elsewhere may."""
    with database.writing() as connection:
        now = store_time(connection)
        row = {"username": "wren", "profile": {}, "created_at": now, "signed_in_at": now}
        connection.execute(
            User.__table__.insert(), [row | {"twitter_id": n, "left_at": now} for n in ("1", "2")]
        )
    left_ago(DAYS + 1, "1")

    assert prune() == 1
    assert all_of(User.twitter_id) == [("2",)]


def test_a_sign_in_that_failed_half_way_leaves_no_person(
    sign_in, sessions, store_now, all_of, departures
):
    before = store_now()
    departures.delete(sign_in().user_id, "1001")
    with pytest.raises(EndedMeanwhile):
        sign_in(began=before)

    assert all_of(User.id) == []


@on_both_stores
def test_many_people_are_deleted_in_batches(
    sign_in, sessions, left_ago, prune, all_of, monkeypatch
):
    monkeypatch.setattr(module, "BATCH", 2)
    for number in range(5):
        sessions.log_out(sign_in(user_id=f"100{number}").session_id)
    left_ago(DAYS + 1)  # all at the same moment

    assert prune() == 5
    assert all_of(User.id) == []


def test_a_locked_person_is_left_to_the_next_prune(
    sign_in, sessions, left_ago, departures, prune, monkeypatch
):
    monkeypatch.setattr(module, "BATCH", 2)
    for number in range(5):
        sessions.log_out(sign_in(user_id=f"100{number}").session_id)
    left_ago(DAYS + 1)
    delete = departures.delete

    def locked(user_id, twitter_id, *args, **options):
        if twitter_id == "1001":
            raise OperationalError("SELECT", {}, Exception("locked"))
        return delete(user_id, twitter_id, *args, **options)

    monkeypatch.setattr(departures, "delete", locked)
    first = prune()
    monkeypatch.setattr(departures, "delete", delete)

    assert (first, prune()) == (4, 1)


# While they sign in


@on_postgresql
def test_a_sign_in_that_is_being_stored_keeps_its_person(
    sign_in, sessions, left_ago, prune, database, all_of
):
    person = sign_in()
    sessions.log_out(person.session_id)
    left_ago(DAYS + 1)

    with ThreadPoolExecutor(1) as pool:
        with database.writing() as signing_in:
            signing_in.execute(update(User).values(left_at=None))
            pruned = pool.submit(prune)
            assert until(lambda: waits_for_a_lock(database))
        assert pruned.result() == 0

    assert all_of(User.twitter_id) == [("1001",)]


def waits_for_a_lock(database):
    query = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    with database.reading() as connection:
        return connection.execute(query).scalar()


@on_both_stores
def test_a_sign_in_during_the_prune_wins_whole_or_comes_after(
    sign_in, sessions, people, store_now, left_ago, prune, all_of, departures
):
    for _ in range(15):
        began = store_now()
        sessions.log_out(sign_in().session_id)
        left_ago(DAYS + 1)
        together = threading.Barrier(2)

        def at_once(call, together=together):
            together.wait()
            return call()

        with ThreadPoolExecutor(2) as pool:
            signed_in = pool.submit(at_once, lambda began=began: sign_in(began=began))
            pool.submit(at_once, prune).result()
            person = signed_in.result()

        assert people.find(person.session_id)
        assert all_of(User.left_at) == [(None,)]
        assert prune() == 0
        departures.delete(person.user_id, "1001")


def test_a_sign_in_under_way_is_not_stopped_by_the_prune(
    sign_in, sessions, people, store_now, left_ago, prune, all_of
):
    sessions.log_out(sign_in().session_id)
    began = store_now()
    left_ago(DAYS + 1)
    prune()

    assert people.find(sign_in(began=began).session_id)
    assert all_of(Ending.twitter_id_hash) == []


@on_postgresql
def test_forget_waits_for_a_first_sign_in_that_is_being_stored(
    sign_in, departures, sessions, database, all_of, monkeypatch
):
    """Its row, which is not committed, is seen by no other transaction."""
    add, being_stored, go_on = sessions.add, threading.Event(), threading.Event()

    def slowly(*args, **more):
        add(*args, **more)
        being_stored.set()
        go_on.wait(10)

    monkeypatch.setattr(sessions, "add", slowly)
    with ThreadPoolExecutor(2) as pool:
        signing_in = pool.submit(sign_in)
        assert being_stored.wait(10)
        forgetting = pool.submit(departures.forget, "1001")
        waited = until(lambda: waits_for_a_lock(database), seconds=5)
        go_on.set()
        signing_in.result()

        assert forgetting.result()
    assert waited
    assert all_of(User.twitter_id) == all_of(Session.id) == all_of(Grant.id) == []


@on_both_stores
def test_forget_during_a_first_sign_in_leaves_no_row(sign_in, departures, store_now, all_of):
    for _ in range(10):
        began = store_now()
        together = threading.Barrier(2)

        def first_sign_in(began=began, together=together):
            together.wait()
            with contextlib.suppress(EndedMeanwhile):
                sign_in(began=began)

        with ThreadPoolExecutor(1) as pool:
            signing_in = pool.submit(first_sign_in)
            together.wait()
            departures.forget("1001")
            signing_in.result()

        assert all_of(User.twitter_id) == all_of(Session.id) == all_of(Grant.id) == []


# Dead letters


@on_both_stores
def test_dead_letters_are_deleted_after_as_long(outbox, database, clock, all_of):
    with database.writing() as connection:
        rows = [
            outbox.add(connection, "t", "access_token", twitter_id="1001", now=clock())
            for _ in range(3)
        ]
        for row, days in zip(rows, (DAYS + 1, DAYS - 1), strict=False):
            dead_letter_at = store_time(connection) - timedelta(days=days)
            connection.execute(
                update(Revocation)
                .where(Revocation.id == row)
                .values(dead_letter_at=dead_letter_at, created_at=dead_letter_at)
            )

    assert outbox.prune(days=DAYS) == 1
    assert {each for (each,) in all_of(Revocation.id)} == set(rows[1:])
