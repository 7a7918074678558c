"""Events of X: stored once, taken by one checker, and tried by the one refresh for all."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, select, update

from app.accounts.errors import GrantEnded
from app.accounts.models import Grant, RevocationEvent, User
from app.accounts.revocation_events import Received, RevocationEvents
from app.gateway.refresh_times import Times
from app.gateway.revocation_checks import Checked, RevocationChecks
from app.storage.database import STORE_CLOCK, Moment, store_time
from app.twitter.errors import GrantRefused, Unreachable
from app.twitter.transport.deadline import Deadline
from app.twitter.webhook_events import Revoked
from tests.stores import on_both_stores


@pytest.fixture
def events(shared):
    return RevocationEvents(shared)


@pytest.fixture
def checks(shared, events, refresher):
    checks = RevocationChecks(shared, events, refresher)
    yield checks
    checks.stop()


@pytest.fixture
def report(events, database):
    """Store an event; `ago` is in seconds by the store's clock, as X's own would say."""

    def go(event_uuid="e-1", *, ago=0.0, twitter_id="1001"):
        with database.reading() as connection:
            at = store_time(connection).replace(microsecond=0) - timedelta(seconds=ago)
        return events.store(Revoked(event_uuid=event_uuid, twitter_id=twitter_id, at=at))

    return go


@pytest.fixture
def stored(database):
    def read():
        with database.reading() as connection:
            query = select(*RevocationEvent.__table__.c, (RevocationEvent.due_at - STORE_CLOCK))
            return connection.execute(query).all()

    return read


@on_both_stores
def test_of_many_deliveries_at_once_one_is_stored(report, new_grant, stored):
    new_grant()

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: report(), range(8)))

    assert sorted(results) == [Received.REPEATED] * 7 + [Received.STORED]
    assert len(stored()) == 1


def test_a_person_without_a_living_grant_has_nothing_to_end(report, new_grant, database, stored):
    grant = new_grant()
    with database.writing() as connection:
        connection.execute(update(Grant).where(Grant.id == grant).values(ended_at=STORE_CLOCK * 0))

    assert (report(), report(twitter_id="4711")) == (Received.NO_GRANT, Received.NO_GRANT)
    assert stored() == []


@on_both_stores
def test_one_of_many_checkers_takes_an_event(report, new_grant, events):
    new_grant()
    report()

    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(lambda _: events.take(lease_seconds=60), range(4)))

    assert len([each for each in taken if each]) == 1


@on_both_stores
def test_a_lease_covers_the_refresh_and_then_frees_the_event(report, new_grant, checks, stored):
    new_grant()
    report()

    taken = checks._events.take("e-1", lease_seconds=Times().lease)

    assert taken.event_uuid == "e-1"
    assert stored()[0][-1] == pytest.approx(Times().lease, abs=2)
    assert checks.check_next() is None


@on_both_stores
def test_an_outage_is_tried_again_later(report, new_grant, checks, server, stored, database):
    new_grant()
    report()
    server.answer = lambda number: Unreachable("away")

    first = checks.check_next()
    postponed = stored()[0]
    with database.writing() as connection:
        connection.execute(update(RevocationEvent).values(due_at=0))
        connection.execute(update(Grant).values(lease_until=None))
    server.answer = lambda number: GrantRefused("invalid_request", "dead")
    server.spent.clear()
    second = checks.check_next()

    assert (first, second) == (Checked.AWAY, Checked.ENDED)
    assert (postponed.attempts, 0 < postponed[-1] <= 1.1) == (1, True)
    assert stored()[0].due_at is None


@on_both_stores
def test_a_check_and_a_page_share_one_refresh(report, new_grant, checks, server, refresher, clock):
    grant = new_grant()
    report()
    clock.advance(hours=3)
    began = threading.Event()

    def slow(number):
        began.set()
        threading.Event().wait(0.3)
        return server.fresh_token_set(number)

    server.answer = slow
    with ThreadPoolExecutor(2) as pool:
        page = pool.submit(refresher.valid_token, grant, deadline=Deadline())
        began.wait(5)
        check = pool.submit(checks.check_next)

    assert page.result() == "access-1"
    assert check.result() is Checked.STILL_VALID
    assert len(server.spent) == 1


@on_both_stores
@pytest.mark.parametrize("order", ["stored before the refusal", "stored after it"])
def test_a_sign_in_under_way_survives_the_check(report, sign_in, people, checks, server, order):
    """X has replaced the grant already: the check tries the older token, and X refuses it."""
    older = sign_in(refresh_token="older")
    report()
    answered, newer = Moment(), []

    def refuse(number):
        if order == "stored before the refusal":
            newer.append(sign_in(refresh_token="newer", answered=answered))
        return GrantRefused("invalid_request", "dead")

    server.answer = refuse
    result = checks.check_next()
    newer = newer or [sign_in(refresh_token="newer", answered=answered)]

    assert result is (Checked.STILL_VALID if order.startswith("stored before") else Checked.ENDED)
    assert people.find(newer[0].session_id)
    assert people.find(older.session_id)
    assert server.spent == ["older"]


@pytest.mark.parametrize("year", [1, 9999])
def test_an_event_of_an_impossible_year_is_checked(events, new_grant, checks, year):
    new_grant()
    at = datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC)
    events.store(Revoked(event_uuid="e-1", twitter_id="1001", at=at))

    assert checks.check_next() in {Checked.NEWER_GRANT, Checked.STILL_VALID}


@pytest.mark.parametrize("ago, result", [(301, Checked.NEWER_GRANT), (290, Checked.STILL_VALID)])
def test_skew_is_allowed_for(report, new_grant, checks, ago, result):
    new_grant()
    report(ago=ago + 2)

    assert checks.check_next() is result


def test_a_refresh_after_the_event_proves_the_grant(
    report, new_grant, checks, server, refresher, clock, database
):
    grant = new_grant(answered=Moment(1.0))
    clock.advance(hours=3)
    refresher.valid_token(grant, deadline=Deadline())
    report(ago=400)

    assert checks.check_next() is Checked.NEWER_GRANT
    assert len(server.spent) == 1


def test_a_key_that_is_missing_ends_nothing(report, new_grant, checks, database, row):
    grant = new_grant()
    report()
    with database.writing() as connection:
        connection.execute(update(Grant).values(refresh_token="v1.unknown.sealed"))

    assert checks.check_next() is Checked.SEALED
    assert row(grant)["ended_at"] is None


def test_a_person_who_disconnects_meanwhile_takes_the_event_along(
    report, new_grant, checks, server, database, stored
):
    new_grant()
    report()

    def gone(number):
        with database.writing() as connection:
            connection.execute(delete(User))
        return GrantRefused("invalid_request", "dead")

    server.answer = gone

    assert checks.check_next() is Checked.ENDED
    assert stored() == []


def test_prove_raises_what_it_learned(refresher, new_grant, server):
    grant = new_grant()
    refresher.prove(grant, deadline=Deadline())
    server.answer = lambda number: GrantRefused("invalid_request", "dead")

    with pytest.raises(GrantEnded):
        refresher.prove(grant, deadline=Deadline())
