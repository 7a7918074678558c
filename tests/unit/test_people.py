"""People, their browsers and their grants: who they are, what ends, and what stays behind."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import OperationalError

from app.accounts import grants as grants_module
from app.accounts import reencryption
from app.accounts.models import Claim, Grant, User
from app.accounts.people import ENDED_KEPT
from app.accounts.vault import Vault, place
from app.twitter.budget import Budget
from tests.stores import STORES
from tests.unit.conftest import LIFETIMES
from tests.waiting import until

on_postgresql = pytest.mark.parametrize("database_url", STORES[1:], indirect=True)


@pytest.fixture
def all_of(database):
    """Read columns of every row."""

    def read(*columns):
        with database.reading() as connection:
            return connection.execute(select(*columns)).all()

    return read


@pytest.fixture
def two(welcome, people):
    """Two browsers of Wren, and one of Robin."""
    return [welcome(), welcome(), welcome(user_id="1002")]


def living(people, grants):
    return [people.find(grant) is not None for grant in grants]


# Grants


def test_a_grant_id_has_128_random_bits(welcome):
    ids = [welcome() for _ in range(10)]

    # No quarter ever comes twice.
    quarters = {each[start : start + 8] for each in ids for start in range(0, 32, 8)}
    assert [len(each) for each in ids] == [32] * 10
    assert len(quarters) == 40


def test_an_ended_grant_holds_no_token(welcome, browsers, row):
    grant = welcome()

    browsers.log_out(grant)

    assert (row(grant)["access_token"], row(grant)["refresh_token"]) == (None, None)


def test_a_grant_that_ended_ends_once(database, grants, welcome, clock, row):
    grant = welcome()

    with database.writing() as connection:
        rows = [grants.end(connection, grant, why, now=clock()) for why in ("refused", "expired")]

    assert list(map(len, rows)) == [2, 0]
    assert row(grant)["ended_because"] == "refused"


def test_a_token_of_a_lost_key_is_not_handed_to_the_outbox(database, welcome, outbox, clock, row):
    grant = welcome()
    ring_of_others = grants_module.Grants(Vault((b"o" * 32,)), outbox)

    with database.writing() as connection:
        rows = ring_of_others.end(connection, grant, "logged_out", now=clock())

    assert rows == []
    assert row(grant)["ended_because"] == "logged_out"


@on_postgresql
def test_tokens_that_are_being_ended_cannot_be_refreshed_meanwhile(database, welcome):
    grant = welcome()

    with database.writing() as ending, database.writing() as refreshing:
        ending.execute(grants_module._TOKENS, {"grant_id": grant})
        refreshing.execute(text("SET LOCAL lock_timeout = '100ms'"))

        with pytest.raises(OperationalError, match="lock timeout"):
            refreshing.execute(update(Grant).values(generation=1))


# Browsers


def test_a_new_sign_in_of_a_browser_replaces_its_grant(welcome, people, row):
    old = welcome()

    new = welcome(replacing=old)

    assert living(people, [old, new]) == [False, True]
    assert row(old)["ended_because"] == "replaced"


def test_a_person_logs_out_only_their_own_browsers(two, people, browsers):
    wren, other, robin = two
    user_id = people.find(wren).user_id

    done = [browsers.log_out_one(user_id, grant) for grant in (robin, other, other)]

    assert done == [False, True, False]
    assert living(people, two) == [True, False, True]


def test_log_out_everywhere_else_keeps_this_browser(two, people, browsers):
    count = browsers.log_out_everywhere_else(people.find(two[0]).user_id, keep=two[0])

    assert count == 1
    assert living(people, two) == [True, False, True]


def test_the_operator_ends_every_browser_of_a_name(two, people, browsers):
    assert browsers.end_all_of("WREN") == 2

    assert living(people, two) == [False, False, True]


# Lifetimes


def test_an_unused_sign_in_ends_after_its_idle_lifetime(welcome, people, clock):
    looked_at, unused = welcome(), welcome()
    clock.advance(seconds=LIFETIMES.idle.total_seconds())
    in_time = people.find(looked_at)
    clock.advance(seconds=1)

    assert in_time
    assert living(people, [looked_at, unused]) == [True, False]


def test_a_used_sign_in_ends_after_its_absolute_lifetime(welcome, people, clock, row):
    grant = welcome()
    for _ in range(9):
        clock.advance(seconds=LIFETIMES.absolute.total_seconds() / 9)
        assert people.find(grant)
    clock.advance(seconds=1)

    assert people.find(grant) is None
    assert row(grant)["ended_because"] == "expired"


def test_ended_grants_are_pruned_after_a_month(two, people, browsers, clock):
    browsers.log_out(two[0])
    clock.advance(seconds=ENDED_KEPT.total_seconds())
    early = people.prune(now=clock())

    late = people.prune(now=clock() + timedelta(seconds=1))

    assert (early, late) == (0, 1)


# What was read for a person


def test_leaving_makes_cached_reads_unreachable_and_drops_them(two, people, browsers, copies):
    before = people.find(two[1]).cache_epoch

    browsers.log_out(two[0])

    assert people.find(two[1]).cache_epoch == before + 1
    assert copies.dropped == ["1001"]


def test_a_new_person_begins_at_a_random_epoch(welcome, all_of):
    for number in range(3):
        welcome(user_id=str(number))

    epochs = {epoch for (epoch,) in all_of(User.cache_epoch)}
    assert len(epochs) == 3
    assert 0 not in epochs


def test_another_sign_in_keeps_the_epoch(welcome, people):
    first, second = welcome(), welcome()

    assert people.find(first).cache_epoch == people.find(second).cache_epoch


# Leaving altogether


def test_forgetting_deletes_every_row_of_a_person_only(two, people, server, outbox, copies, all_of):
    people.forget(people.find(two[0]).user_id)

    outbox.wait(seconds=5)
    assert living(people, two) == [False, False, True]
    assert all_of(User.twitter_id) == [("1002",)]
    assert [grant for (grant,) in all_of(Claim.grant_id)] == [two[2]]
    assert {token for token, _ in server.revoked} == {"access-0", "refresh-0"}
    assert copies.dropped == ["1001"]


@on_postgresql
def test_forgetting_revokes_a_sign_in_that_is_being_stored(
    database, welcome, people, grants, server, outbox, clock
):
    user_id = people.find(welcome()).user_id

    def waits_for_a_lock():
        query = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        with database.reading() as connection:
            return connection.execute(query).scalar()

    with ThreadPoolExecutor(1) as pool, database.writing() as signing_in:
        signing_in.execute(update(User).values(username="wren"))
        token_set = server.fresh_token_set("late")
        grants.add(signing_in, user_id, token_set, browser="A browser", now=clock())
        pool.submit(people.forget, user_id)
        assert until(waits_for_a_lock)

    outbox.wait(seconds=5)
    assert {"access-0", "access-late", "refresh-late"} <= {token for token, _ in server.revoked}


def test_the_copy_of_a_persons_data_holds_no_token(two, people):
    copy = people.export(people.find(two[0]).user_id)

    tokens = [(row["access_token"], row["refresh_token"]) for row in copy["grants"]]
    assert tokens == [(True, True)] * 2
    assert {row["id"] for row in copy["grants"]} == set(two[:2])


# Keys


def test_reencryption_seals_with_the_newest_key(two, database, outbox, clock, row):
    ring = Vault((b"n" * 32, b"k" * 32))

    last = list(reencryption.reencrypt(database, ring))[-1]

    sealed = row(two[0])["access_token"]
    opened = Vault((b"n" * 32,)).open(sealed, at=place("grants", "access_token", two[0]))
    assert (last.seen, last.resealed, last.stuck) == (6, 6, 0)
    assert opened == "access-0"
    assert reencryption.keys_in_use(database) == {ring.newest_key_id: 6}


@pytest.mark.parametrize("key, stuck", [(b"k" * 32, 0), (b"o" * 32, 6)], ids=["same", "other"])
def test_reencryption_reseals_neither_current_nor_foreign_values(two, database, key, stuck):
    last = list(reencryption.reencrypt(database, Vault((key,))))[-1]

    assert (last.seen, last.resealed, last.stuck) == (6, 0, stuck)


def test_reencryption_leaves_a_newer_token_alone(welcome, database, fresh, row, clock):
    grant = welcome()
    read = row(grant)["access_token"]
    clock.advance(hours=3)
    fresh.usable_token(grant, budget=Budget())
    ring = Vault((b"n" * 32, b"k" * 32))

    done = reencryption._reseal(database, ring, Grant.access_token, Grant.id, grant, read)

    assert not done
    assert fresh.usable_token(grant, budget=Budget()) == "access-1"
