"""People, their sessions and their grant: who they are, what ends, and what stays behind."""

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import insert, select, text, update
from sqlalchemy.exc import OperationalError

from app.accounts import endings, reencryption
from app.accounts import grants as grants_module
from app.accounts import sign_in as sign_in_module
from app.accounts.errors import EndedMeanwhile, GrantEnded, Superseded
from app.accounts.export import export_of
from app.accounts.grants import EndReason
from app.accounts.models import Ending, Grant, Revocation, Session, UsedState, User
from app.accounts.outbox import Outbox
from app.accounts.people_by_name import people_named
from app.accounts.sessions import ENDED_KEPT, Sessions
from app.accounts.token_cipher import TokenCipher, associated_data
from app.storage.database import Moment
from app.storage.extensions import db
from app.twitter.transport.deadline import Deadline
from tests.stores import STORES, on_both_stores
from tests.tables import TABLES
from tests.unit.conftest import LIFETIMES
from tests.waiting import until

on_postgresql = pytest.mark.parametrize("database_url", STORES[1:], indirect=True)


@pytest.fixture
def all_of(database):
    """Read columns of every row."""

    def read(*columns):
        with database.reading() as connection:
            return [tuple(row) for row in connection.execute(select(*columns))]

    return read


@pytest.fixture
def two(sign_in):
    """Wren in two browsers, and Robin in one."""
    return [sign_in(), sign_in(), sign_in(user_id="1002")]


def living(people, signed_in):
    return [people.find(person.session_id) is not None for person in signed_in]


# The grant


@on_both_stores
def test_a_sign_in_replaces_the_token_set_of_the_one_grant(sign_in, row, all_of, cipher):
    first = sign_in()
    second = sign_in(access_token="access-new", scopes=frozenset({"tweet.read"}))

    kept = row(first.grant_id)
    opened = cipher.open(
        kept["access_token"], at=associated_data("grants", "access_token", first.grant_id)
    )
    assert second.grant_id == first.grant_id
    assert (opened, kept["scopes"], kept["generation"]) == ("access-new", "tweet.read", 1)
    assert all_of(Revocation.id) == []


def test_a_sign_in_frees_the_lease_of_a_refresh(sign_in, database, row):
    grant = sign_in().grant_id
    with database.writing() as connection:
        connection.execute(update(Grant).values(lease_owner="a worker", lease_until=2e9))

    sign_in()

    assert (row(grant)["lease_owner"], row(grant)["lease_until"]) == (None, None)


@on_both_stores
def test_an_older_answer_of_twitter_never_overwrites_a_newer_one(
    sign_in, people, row, cipher, store_now
):
    earlier = Moment(store_now() - 1)
    grant = sign_in(access_token="access-new").grant_id

    late = sign_in(access_token="access-old", answered=earlier, scopes=frozenset())

    opened = cipher.open(
        row(grant)["access_token"], at=associated_data("grants", "access_token", grant)
    )
    assert opened == "access-new"
    assert late.scopes != frozenset()
    assert people.find(late.session_id) is not None


def test_an_older_answer_makes_no_grant_after_a_newer_one_has_ended(sign_in, sessions, store_now):
    earlier = Moment(store_now() - 1)
    sessions.log_out(sign_in().session_id)

    with pytest.raises(Superseded):
        sign_in(answered=earlier)


@on_both_stores
def test_one_living_grant_a_person_is_a_rule_of_the_database(sign_in, database, row):
    grant = dict(row(sign_in().grant_id)) | {"id": "f" * 32}

    with pytest.raises(Exception, match=r"(?i)unique"), database.writing() as connection:
        connection.execute(insert(Grant).values(grant))


def test_session_ids_have_128_random_bits(sign_in):
    ids = [sign_in().session_id for _ in range(10)]

    # No quarter ever comes twice.
    quarters = {each[start : start + 8] for each in ids for start in range(0, 32, 8)}
    assert [len(each) for each in ids] == [32] * 10
    assert len(quarters) == 40


def test_an_ended_grant_holds_no_token(sign_in, sessions, row):
    person = sign_in()

    sessions.log_out(person.session_id)

    assert (row(person.grant_id)["access_token"], row(person.grant_id)["refresh_token"]) == (
        None,
        None,
    )


def test_a_grant_that_ended_ends_once(database, grants, sign_in, clock, row):
    person = sign_in()

    with database.writing() as connection:
        ended = [
            grants.end(connection, person.user_id, EndReason(why), now=clock())
            for why in ("disconnected", "logged_out")
        ]

    assert [len(each.revocations) for each in ended] == [2, 0]
    assert row(person.grant_id)["end_reason"] == "disconnected"


@pytest.mark.parametrize("reason", EndReason)
def test_only_an_ending_that_means_no_more_is_revoked(database, grants, sign_in, clock, reason):
    person = sign_in()

    with database.writing() as connection:
        ended = grants.end(connection, person.user_id, reason, now=clock())

    no_more = {"logged_out", "expired", "disconnected", "ended_by_operator"}
    assert len(ended.revocations) == (2 if reason in no_more else 0)


def test_a_token_of_a_lost_key_goes_into_the_outbox_as_it_was_sealed(
    shared, database, sign_in, outbox, cache, clock, row, all_of
):
    person = sign_in()
    sealed = [row(person.grant_id)[name] for name in grants_module.TOKENS]
    lost = replace(shared, cipher=TokenCipher((b"o" * 32,)))
    ring_of_others = grants_module.Grants(lost, outbox, cache)

    with database.writing() as connection:
        ended = ring_of_others.end(connection, person.user_id, EndReason.LOGGED_OUT, now=clock())

    assert len(ended.revocations) == len(sealed)
    assert {token for (token,) in all_of(Revocation.token)} == set(sealed)
    assert row(person.grant_id)["end_reason"] == "logged_out"


@on_postgresql
def test_tokens_that_are_being_ended_cannot_be_refreshed_meanwhile(database, sign_in):
    person = sign_in()

    with database.writing() as ending, database.writing() as refreshing:
        ending.execute(grants_module._LIVING, {"owner": person.user_id})
        refreshing.execute(text("SET LOCAL lock_timeout = '100ms'"))

        with pytest.raises(OperationalError, match="lock timeout"):
            refreshing.execute(update(Grant).values(generation=1))


# Sessions


def test_a_new_sign_in_of_a_browser_replaces_its_session(sign_in, people, row):
    old = sign_in()

    new = sign_in(replacing=old.session_id)

    assert living(people, [old, new]) == [False, True]
    assert row(old.session_id, Session)["end_reason"] == "replaced"


def test_another_account_in_a_browser_ends_the_last_session_of_the_first(
    sign_in, people, row, outbox, server
):
    wren = sign_in()

    sign_in(user_id="1002", replacing=wren.session_id)

    outbox.wait(seconds=5)
    assert row(wren.session_id, Session)["end_reason"] == "replaced"
    assert row(wren.grant_id)["end_reason"] == "logged_out"
    assert len(server.revoked) == 2


@on_both_stores
def test_two_browsers_that_swap_accounts_do_not_wait_for_each_other(
    sign_in, people, used_states, monkeypatch
):
    wren, robin = sign_in(), sign_in(user_id="1002")
    both_are_inside = threading.Barrier(2)
    record_outcome = used_states.record_outcome

    def meet(*args, **options):
        with contextlib.suppress(threading.BrokenBarrierError):
            both_are_inside.wait(0.3)
        return record_outcome(*args, **options)

    monkeypatch.setattr(used_states, "record_outcome", meet)

    with ThreadPoolExecutor(2) as pool:
        swapped = [
            pool.submit(sign_in, user_id="1002", replacing=wren.session_id),
            pool.submit(sign_in, replacing=robin.session_id),
        ]

    new = [each.result() for each in swapped]
    assert living(people, [wren, robin, *new]) == [False, False, True, True]


@on_both_stores
def test_the_session_that_ends_last_ends_the_grant(sign_in, sessions, row, outbox, server):
    first, last = sign_in(), sign_in()

    ended = [sessions.log_out(person.session_id) for person in (first, first, last)]

    outbox.wait(seconds=5)
    assert [each.grant_ended for each in ended] == [False, False, True]
    assert row(last.grant_id)["end_reason"] == "logged_out"
    assert {token for token, _ in server.revoked} == {"access-0", "refresh-0"}


@on_both_stores
def test_the_last_two_logouts_at_once_end_the_grant(sign_in, sessions, row):
    pair = [sign_in(), sign_in()]

    with ThreadPoolExecutor(2) as pool:
        ended = list(pool.map(lambda person: sessions.log_out(person.session_id), pair))

    assert sorted(each.grant_ended for each in ended) == [False, True]
    assert row(pair[0].grant_id)["ended_at"] is not None


@on_postgresql
def test_a_logout_waits_for_another_transaction_of_the_person(sign_in, sessions, database):
    person = sign_in()

    with ThreadPoolExecutor(1) as pool:
        with database.writing() as other:
            grants_module.lock_person(other, person.user_id)
            logout = pool.submit(sessions.log_out, person.session_id)
            assert until(lambda: waits_for_a_lock(database))
        assert logout.result().grant_ended


def test_a_session_that_is_over_by_age_does_not_keep_the_grant(sign_in, sessions, row, clock):
    forgotten = sign_in()
    clock.advance(days=31)
    used = sign_in()

    ended = sessions.log_out(used.session_id)

    assert ended.grant_ended
    assert row(forgotten.session_id, Session)["end_reason"] == "expired"


def test_a_logout_leaves_the_grant_to_jobs_if_told_so(shared, grants, used_states, sign_in, row):
    sessions = Sessions(shared, grants, used_states, lifetimes=LIFETIMES, logout_revokes=False)
    person = sign_in()

    ended = sessions.log_out(person.session_id)

    assert (ended.sessions, ended.grant_ended) == (1, False)
    assert row(person.grant_id)["ended_at"] is None
    assert sessions.prune(now=person.signed_in_at + timedelta(days=1)) == (0, 0)


def test_a_person_logs_out_only_their_own_browsers(two, people, sessions):
    wren, other, robin = two

    done = [
        sessions.log_out_one(wren.user_id, each.session_id).sessions
        for each in (robin, other, other)
    ]

    assert done == [0, 1, 0]
    assert living(people, two) == [True, False, True]


def test_log_out_everywhere_else_keeps_this_browser(two, people, sessions):
    wren = two[0]

    ended = sessions.log_out_everywhere_else(wren.user_id, "1001", keep=wren.session_id)

    assert (ended.sessions, ended.grant_ended) == (1, False)
    assert living(people, two) == [True, False, True]


def test_the_operator_ends_every_browser_of_a_name(two, people, sessions, database):
    [wren] = people_named(database, "WREN")

    assert sessions.end_all_of(wren.twitter_id) == wren
    assert sessions.end_all_of("1009") is None
    assert living(people, two) == [False, False, True]


def test_a_session_that_a_refusal_ended_comes_back_with_the_sign_in_that_caused_it(
    sign_in, people, grants, database, clock
):
    other, gone_before = sign_in(), sign_in()
    sessions_of = [other, gone_before]
    answered = Moment()
    refuse(database, grants, other.user_id, clock)

    new = sign_in(answered=answered)

    assert living(people, [*sessions_of, new]) == [True, True, True]


def test_a_session_that_a_refusal_ended_before_the_exchange_stays_ended(
    sign_in, people, grants, database, clock
):
    other = sign_in()
    refuse(database, grants, other.user_id, clock)
    with database.writing() as connection:  # SQLite's times are as fine as a millisecond
        connection.execute(update(Session).values(refused_at=Session.refused_at - 1))

    new = sign_in()

    assert living(people, [other, new]) == [False, True]


def refuse(database, grants, user_id, clock):
    with database.writing() as connection:
        grants.end(connection, user_id, EndReason.REFUSED, now=clock())


def test_a_refused_session_that_was_logged_out_does_not_come_back(
    sign_in, people, sessions, grants, database, clock
):
    other = sign_in()
    answered = Moment()
    refuse(database, grants, other.user_id, clock)
    sessions.log_out(other.session_id)

    sign_in(answered=answered)

    assert living(people, [other]) == [False]


@on_both_stores
def test_tabs_of_one_browser_that_finish_at_once_share_a_session(sign_in, people, all_of):
    first = sign_in(state="one")

    second = sign_in(state="two", beside=("one", "never came back"))

    assert second.session_id == first.session_id
    assert len(all_of(Session.id)) == 1
    assert living(people, [second]) == [True]


def test_a_session_of_the_other_tab_is_not_shared_with_another_account(sign_in, people, row):
    wren = sign_in(state="one")

    robin = sign_in(user_id="1002", state="two", beside=("one",))

    assert living(people, [wren, robin]) == [False, True]
    assert row(wren.session_id, Session)["end_reason"] == "replaced"


def test_a_session_that_has_ended_is_not_shared(sign_in, people, sessions):
    first = sign_in(state="one")
    sessions.log_out(first.session_id)

    second = sign_in(state="two", beside=("one",))

    assert living(people, [first, second]) == [False, True]


@on_both_stores
def test_a_logout_ends_what_its_browser_has_just_begun(sign_in, sessions, people, used_states):
    came, waits = sign_in(state="came"), "still at Twitter"

    ended = sessions.log_out(None, beside=("came", waits))

    assert (ended.sessions, ended.grant_ended) == (1, True)
    assert living(people, [came]) == [False]
    assert sign_in(state=waits)


@on_both_stores
def test_a_logout_stops_a_sign_in_under_way_in_its_browser(
    sign_in, sessions, used_states, all_of, monkeypatch
):
    stays = sign_in()
    consume = used_states.consume

    def log_out_meanwhile(state, code):
        consume(state, code)
        sessions.log_out(None, beside=(state,))

    monkeypatch.setattr(used_states, "consume", log_out_meanwhile)

    with pytest.raises(EndedMeanwhile):
        sign_in()

    assert all_of(Session.id) == [(stays.session_id,)]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_tabs_that_know_each_other_one_way_only_do_not_lock_each_other_out(
    sign_in, used_states, monkeypatch
):
    """Tab b was sent before the cookie of tab a existed, so only a knows of b."""
    sign_in()  # the person
    meet = threading.Barrier(2)
    lock, find = used_states.lock_unfinished, sign_in_module.find

    def wait():
        with contextlib.suppress(threading.BrokenBarrierError):
            meet.wait(0.5)

    def lock_and_wait(connection, states):
        lock(connection, states)
        if len(states) > 1:
            wait()

    def wait_and_find(connection, user_id, came):
        if not came.beside:
            wait()
        return find(connection, user_id, came)

    used_states.consume("a", "code")
    used_states.consume("b", "code")
    monkeypatch.setattr(used_states, "consume", lambda *_: True)
    monkeypatch.setattr(used_states, "lock_unfinished", lock_and_wait)
    monkeypatch.setattr(sign_in_module, "find", wait_and_find)
    with ThreadPoolExecutor(2) as pool:
        tabs = [pool.submit(sign_in, state="b"), pool.submit(sign_in, state="a", beside=("b",))]

    assert [tab.exception() for tab in tabs] == [None, None]


# Lifetimes


def test_an_unused_session_ends_after_its_idle_lifetime(sign_in, people, clock):
    looked_at, unused = sign_in(), sign_in()
    clock.advance(seconds=LIFETIMES.idle.total_seconds())
    in_time = people.find(looked_at.session_id)
    clock.advance(seconds=1)

    assert in_time
    assert living(people, [looked_at, unused]) == [True, False]


def test_a_used_session_ends_after_its_absolute_lifetime(sign_in, people, clock, row):
    person = sign_in()
    for _ in range(9):
        clock.advance(seconds=LIFETIMES.absolute.total_seconds() / 9)
        assert people.find(person.session_id)
    clock.advance(seconds=1)

    assert people.find(person.session_id) is None
    assert row(person.session_id, Session)["end_reason"] == "expired"
    assert row(person.grant_id)["end_reason"] == "expired"


@on_both_stores
def test_prune_ends_grants_whose_browsers_never_come_back(
    sign_in, sessions, outbox, server, row, clock
):
    person = sign_in()
    clock.advance(seconds=LIFETIMES.idle.total_seconds() + 1)

    ended, _ = sessions.prune(now=clock())

    outbox.wait(seconds=5)
    assert ended == 1
    assert row(person.grant_id)["end_reason"] == "expired"
    assert len(server.revoked) == 2


@on_both_stores
def test_prune_looks_at_all_people_a_batch_at_a_time(sign_in, sessions, row, clock, monkeypatch):
    monkeypatch.setattr("app.accounts.session_endings.BATCH", 2)
    people = [sign_in(user_id=str(1001 + number // 2)) for number in range(10)]  # two browsers each
    clock.advance(seconds=LIFETIMES.idle.total_seconds() + 1)

    ended, _ = sessions.prune(now=clock())

    assert ended == 5
    assert {row(person.session_id, Session)["end_reason"] for person in people} == {"expired"}


def test_prune_leaves_a_locked_person_to_the_next_time(sign_in, sessions, row, clock, monkeypatch):
    grants_of = [sign_in(user_id=user_id).grant_id for user_id in ("1001", "1002")]
    clock.advance(seconds=LIFETIMES.idle.total_seconds() + 1)
    end, tried = sessions._end, []

    def first_is_locked(user_id, *args):
        tried.append(user_id)
        if len(tried) == 1:
            raise OperationalError("UPDATE", {}, Exception("locked"))
        return end(user_id, *args)

    monkeypatch.setattr(sessions, "_end", first_is_locked)

    ended = [sessions.prune(now=clock())[0] for _ in range(2)]

    assert ended == [1, 1]
    assert [row(grant)["end_reason"] for grant in grants_of] == ["expired", "expired"]


@pytest.mark.parametrize("days, signed_in", [(1, True), (31, False)])
def test_a_page_needs_no_database_that_can_be_written(
    sign_in, people, database, clock, monkeypatch, days, signed_in
):
    person = sign_in()
    clock.advance(days=days)

    def locked():
        raise OperationalError("BEGIN IMMEDIATE", {}, Exception("locked"))

    monkeypatch.setattr(database, "writing", locked)

    assert living(people, [person]) == [signed_in]


def test_ended_sessions_and_grants_are_deleted_after_a_month(two, sessions, clock):
    for person in two[:2]:
        sessions.log_out(person.session_id)
    clock.advance(seconds=ENDED_KEPT.total_seconds())
    early = sessions.prune(now=clock())

    late = sessions.prune(now=clock() + timedelta(seconds=1))

    assert early[1] == 0
    assert late[1] == 3


def test_a_grant_without_a_refresh_token_is_revoked_by_its_access_token(
    sign_in, sessions, outbox, server
):
    sessions.log_out(sign_in(refresh_token=None).session_id)

    outbox.wait(seconds=5)
    assert server.revoked == [("access-0", "access_token")]


def test_sessions_and_people_that_are_gone_have_nothing_to_end(sessions, sign_in, all_of):
    sign_in()

    ended = [sessions.log_out("no session"), sessions.log_out_one(999, "no session")]

    assert [(each.sessions, each.grant_ended) for each in ended] == [(0, False)] * 2
    assert not sessions._end_person(999, EndReason.ENDED_BY_OPERATOR)
    assert all_of(Session.ended_at) == [(None,)]


# Cached reads of a person


def test_the_end_of_a_grant_makes_cached_reads_unreachable_and_drops_them(
    two, all_of, sessions, cache
):
    wren, other, _ = two
    before = dict(all_of(User.twitter_id, User.cache_epoch))
    sessions.log_out(wren.session_id)
    between = dict(all_of(User.twitter_id, User.cache_epoch))

    sessions.log_out(other.session_id)

    after = dict(all_of(User.twitter_id, User.cache_epoch))
    assert between == before  # another browser of the person still reads
    assert after == before | {"1001": before["1001"] + 1}
    assert cache.purged == ["read 1001"]


def test_a_new_person_begins_at_a_random_epoch(sign_in, all_of):
    for number in range(3):
        sign_in(user_id=str(number))

    epochs = {epoch for (epoch,) in all_of(User.cache_epoch)}
    assert len(epochs) == 3
    assert 0 not in epochs


def test_another_sign_in_keeps_the_epoch(sign_in):
    assert sign_in().cache_epoch == sign_in().cache_epoch


# Leaving altogether


@on_both_stores
def test_a_disconnect_deletes_every_row_of_one_person(
    two, people, server, outbox, cache, all_of, departures
):
    departures.delete(two[0].user_id, "1001")

    outbox.wait(seconds=5)
    assert living(people, two) == [False, False, True]
    assert all_of(User.twitter_id) == [("1002",)]
    assert all_of(Session.id) == [(two[2].session_id,)]
    # The states stay used, for a cookie may be replayed; they lead to the person no more.
    assert {each for (each,) in all_of(UsedState.session_id)} == {None, two[2].session_id}
    assert all_of(Grant.id) == [(two[2].grant_id,)]
    assert {token for token, _ in server.revoked} == {"access-0", "refresh-0"}
    assert cache.purged == ["read 1001"]


def test_a_late_disconnect_touches_no_other_person(
    two, people, sessions, all_of, shared, departures
):
    robin = two[2]

    departures.delete(robin.user_id, "1001")
    with pytest.raises(GrantEnded):
        export_of(shared, robin.user_id, "1001")
    sessions.log_out_everywhere_else(robin.user_id, "1001", keep="no session")

    assert len(all_of(User.id)) == 2
    assert living(people, two) == [True, True, True]


@on_both_stores
def test_an_id_is_never_handed_out_twice(sign_in, departures):
    sign_in()
    newest = sign_in(user_id="1002")
    departures.delete(newest.user_id, "1002")

    next_person = sign_in(user_id="1003")

    assert next_person.user_id > newest.user_id


@on_postgresql
def test_a_disconnect_waits_for_a_sign_in_that_is_being_stored(
    database, sign_in, departures, grants, server, outbox, clock
):
    person = sign_in()

    with ThreadPoolExecutor(1) as pool, database.writing() as signing_in:
        signing_in.execute(update(User).values(username="wren"))
        token_set = server.fresh_token_set("late")
        grants.replace(signing_in, person.grant_id, token_set, exchanged_at=2e9, now=clock())
        pool.submit(departures.delete, person.user_id, "1001")
        assert until(lambda: waits_for_a_lock(database))

    outbox.wait(seconds=5)
    assert {token for token, _ in server.revoked} == {"access-late", "refresh-late"}


# Every column that leads to a person

LEADS = {"user_id", "twitter_id", "session_id"}


def columns_that_lead_to_a_person():
    return {
        (table.name, column.name)
        for table in TABLES
        for column in table.columns
        if column.name in LEADS
    }


def test_every_column_that_leads_to_a_person_is_exported_and_deleted(
    shared, database, sign_in, departures, all_of, clock, grants, outbox, monkeypatch
):
    """Fill each table with a row of Wren's, and see it in the copy and gone after a disconnect."""
    monkeypatch.setattr(Outbox, "deliver_soon", lambda *_: None)
    person = sign_in()
    with database.writing() as connection:
        outbox.add(connection, "t", "access_token", twitter_id="1001", now=clock())
        usage = {"user_id": person.user_id, "day": clock().date(), "route": "users/me"}
        connection.execute(
            insert(db.metadata.tables["usage"]).values(usage | {"calls": 1, "items": 1})
        )
        told = {"event_uuid": "e", "user_id": person.user_id, "received_at": 0.0, "attempts": 0}
        connection.execute(insert(db.metadata.tables["revocation_events"]).values(told))
        pressed = {"user_id": person.user_id, "action": "follow", "target_id": "1002", "once": "f"}
        connection.execute(
            insert(db.metadata.tables["actions"]).values(pressed | {"performed_at": clock()})
        )

    copy = export_of(shared, person.user_id, "1001")
    departures.delete(person.user_id, "1001")

    exported = {"user": "users", "grants": "grants", "sessions": "sessions", "usage": "usage"}
    exported |= {"actions": "actions", "revocation_events": "revocation_events"}
    exported |= {"used_states": "used_states", "revocations": "revocations"}
    shown = {
        (table, name)
        for part, table in exported.items()
        for row in (copy[part] if isinstance(copy[part], list) else [copy[part]])
        for name in row
        if name in LEADS
    }
    left = {
        (table.name, column.name)
        for table in TABLES
        for column in table.columns
        if column.name in LEADS and any(value is not None for (value,) in all_of(column))
    }
    assert shown == columns_that_lead_to_a_person()
    assert left == {("revocations", "twitter_id")}  # until Twitter was told


def test_every_sealed_column_is_reencrypted(shared, sign_in, database, outbox, clock):
    sign_in()
    with database.writing() as connection:
        outbox.add(connection, "t", "access_token", twitter_id="1001", now=clock())

    sealed = {
        (table.name, column.name)
        for table in TABLES
        for column in table.columns
        for (value,) in _values(database, column)
        if isinstance(value, str) and value.startswith("v1.")
    }

    assert sealed == {
        (column.class_.__tablename__, column.key) for column, _ in reencryption.SEALED
    }


def _values(database, column):
    with database.reading() as connection:
        return connection.execute(select(column)).all()


def test_the_copy_of_a_person_who_has_just_gone_is_no_crash(sign_in, departures, shared):
    person = sign_in()
    departures.delete(person.user_id, "1001")

    with pytest.raises(GrantEnded):
        export_of(shared, person.user_id, "1001")


@on_postgresql
def test_a_disconnect_does_not_wait_for_what_was_read_meanwhile(database, sign_in, people):
    """Counting holds a row of usage and wants the person's; a full lock there would deadlock."""
    person = sign_in()
    row = {"user_id": person.user_id, "day": person.signed_in_at.date(), "calls": 1, "items": 1}
    usage = db.metadata.tables["usage"]

    with database.writing() as counting:
        counting.execute(insert(usage).values(row | {"route": "a"}))
        with database.writing() as leaving:
            grants_module.lock_person(leaving, person.user_id)
            counting.execute(text("SET LOCAL lock_timeout = '2s'"))
            counting.execute(insert(usage).values(row | {"route": "b"}))


@on_postgresql
def test_a_disconnect_waits_for_usage_that_is_being_counted(database, sign_in, departures, all_of):
    """Counting holds the person's row, by the first of its own, and wants another of its own."""
    person = sign_in()
    row = {"user_id": person.user_id, "day": person.signed_in_at.date(), "calls": 1, "items": 1}
    usage = db.metadata.tables["usage"]
    with database.writing() as before:
        before.execute(insert(usage).values(row | {"route": "b"}))

    with ThreadPoolExecutor(1) as pool:
        with database.writing() as counting:
            counting.execute(insert(usage).values(row | {"route": "a"}))
            leaving = pool.submit(departures.delete, person.user_id, "1001")
            assert until(lambda: waits_for_a_lock(database))
            counting.execute(update(usage).where(usage.c.route == "b").values(calls=2))
        leaving.result()

    assert all_of(usage.c.route) == all_of(User.id) == []


def waits_for_a_lock(database):
    query = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    with database.reading() as connection:
        return connection.execute(query).scalar()


def test_the_copy_of_a_persons_data_holds_no_token(two, shared):
    copy = export_of(shared, two[0].user_id, "1001")

    assert [(row["access_token"], row["refresh_token"]) for row in copy["grants"]] == [(True, True)]
    assert {row["id"] for row in copy["sessions"]} == {each.session_id for each in two[:2]}


# Endings hold


@on_both_stores
def test_an_ending_stops_sign_ins_that_began_before_it(sign_in, store_now, all_of, departures):
    wren = sign_in()
    before = store_now()
    departures.delete(wren.user_id, "1001")

    with pytest.raises(EndedMeanwhile):
        sign_in(began=before)
    assert all_of(User.id) == all_of(Session.id) == all_of(Grant.id) == []
    assert sign_in(began=store_now()).session_id


@pytest.mark.parametrize("minutes", [-3, 3])
def test_an_ending_goes_by_no_machines_clock(sign_in, store_now, clock, minutes, departures):
    wren = sign_in()
    before = store_now()
    clock.advance(minutes=minutes)
    departures.delete(wren.user_id, "1001")

    with pytest.raises(EndedMeanwhile):
        sign_in(began=before)
    assert sign_in().session_id


def test_late_tokens_go_to_the_browser_that_stays(
    sign_in, sessions, store_now, row, cipher, all_of
):
    wren = sign_in()
    before = store_now()
    sessions.log_out_everywhere_else(wren.user_id, "1001", keep=wren.session_id)

    with pytest.raises(EndedMeanwhile):
        sign_in(access_token="access-late", began=before)

    opened = cipher.open(
        row(wren.grant_id)["access_token"],
        at=associated_data("grants", "access_token", wren.grant_id),
    )
    assert opened == "access-late"
    assert all_of(Session.id) == [(wren.session_id,)]


def test_endings_are_kept_a_quarter_of_an_hour(sign_in, people, database, all_of, departures):
    departures.delete(sign_in().user_id, "1001")
    kept = people.prune_endings()
    with database.writing() as connection:
        connection.execute(
            update(Ending).values(ended_at=Ending.ended_at - endings.KEPT_SECONDS - 1)
        )

    assert (kept, people.prune_endings()) == (0, 1)
    assert all_of(Ending.ended_at) == []


def test_an_ending_does_not_name_its_person(sign_in, departures, all_of):
    departures.delete(sign_in().user_id, "1001")

    [(stored,)] = all_of(Ending.twitter_id_hash)
    assert len(stored) == 64
    assert "1001" not in stored[:8]


# Keys


def test_reencryption_seals_with_the_newest_key(two, database, row):
    ring = TokenCipher((b"n" * 32, b"k" * 32))

    last = list(reencryption.reencrypt(database, ring))[-1]

    grant = two[0].grant_id
    opened = TokenCipher((b"n" * 32,)).open(
        row(grant)["access_token"], at=associated_data("grants", "access_token", grant)
    )
    assert (last.seen, last.resealed, last.stuck) == (4, 4, 0)
    assert opened == "access-0"
    assert reencryption.keys_in_use(database) == {ring.newest_key_id: 4}


@pytest.mark.parametrize("key, stuck", [(b"k" * 32, 0), (b"o" * 32, 4)], ids=["same", "other"])
def test_reencryption_reseals_neither_current_nor_foreign_values(two, database, key, stuck):
    last = list(reencryption.reencrypt(database, TokenCipher((key,))))[-1]

    assert (last.seen, last.resealed, last.stuck) == (4, 0, stuck)


def test_reencryption_leaves_a_newer_token_alone(new_grant, database, refresher, row, clock):
    grant = new_grant()
    read = row(grant)["access_token"]
    clock.advance(hours=3)
    refresher.valid_token(grant, deadline=Deadline())
    ring = TokenCipher((b"n" * 32, b"k" * 32))

    place = associated_data("grants", "access_token", grant)
    found = reencryption._Sealed(grant, read, place)
    done = reencryption._reseal(database, ring, Grant.access_token, Grant.id, found)

    assert not done
    assert refresher.valid_token(grant, deadline=Deadline()) == "access-1"
