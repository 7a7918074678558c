"""Actions of a person that come late: after a disconnect, and after the next person's sign-in.

Each waits for the lock of the transaction that deletes Wren's rows; the same one adds Robin's. A
number that was handed out twice would lead it to Robin.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Event

import pytest
from sqlalchemy import delete, insert, select

from app.accounts.errors import AccountError
from app.accounts.export import export_of
from app.accounts.grants import EndReason
from app.accounts.models import (
    Grant,
    PerformedAction,
    RevocationEvent,
    Session,
    Usage,
    User,
)
from app.accounts.performed_actions import PerformedActions, Press
from app.accounts.revocation_events import RevocationEvents
from app.gateway.usage import Usages
from app.storage.database import Moment
from app.twitter.api_client import ApiCall
from app.twitter.endpoints import USERS_ME
from app.twitter.webhook_events import Revoked
from tests.stores import on_both_stores
from tests.tables import TABLES
from tests.waiting import until


@pytest.fixture
def rows_of(database):
    """Read all that is stored for a number, in every table that leads to a person by it."""

    def read(user_id):
        with database.reading() as connection:
            return {
                model.__tablename__: sorted(
                    map(str, connection.execute(select(*model.__table__.c).where(theirs)))
                )
                for model, theirs in (
                    (User, User.id == user_id),
                    *(
                        (each, each.user_id == user_id)
                        for each in (Session, Grant, Usage, PerformedAction, RevocationEvent)
                    ),
                )
            }

    return read


@pytest.fixture
def actions(people, sessions, refresher, outbox, shared, database, server, clock, departures):
    """Everything that a request or a job of Wren's may still have to write."""

    def of(wren):
        read = refresher._read(wren.grant_id)
        new = server.fresh_token_set(1)
        performed = PerformedActions(shared, kept=timedelta(days=1))
        reports = RevocationEvents(shared)
        asked = [ApiCall(endpoint=USERS_ME, items=1)]
        seen = {"created_at": clock(), "seen_at": clock() - timedelta(hours=1)}
        return {
            "disconnect": lambda: departures.delete(wren.user_id, "1001"),
            "export": lambda: export_of(shared, wren.user_id, "1001"),
            "log out": lambda: sessions.log_out(wren.session_id),
            "log out everywhere else": lambda: sessions.log_out_everywhere_else(
                wren.user_id, "1001", keep=wren.session_id
            ),
            "end one session": lambda: sessions.log_out_one(wren.user_id, wren.session_id),
            "session seen": lambda: sessions.still_lives(wren.session_id, wren.user_id, **seen),
            "end by the operator": lambda: sessions._end_person(
                wren.user_id, EndReason.ENDED_BY_OPERATOR
            ),
            "prune": lambda: sessions._end(wren.user_id, EndReason.EXPIRED),
            "usage": lambda: Usages(database).add(wren.user_id, asked, now=clock()),
            "follow": lambda: people.changed(wren.user_id, ["follows"]),
            "lease": lambda: refresher._take(read, "a worker"),
            "refreshed tokens": lambda: refresher._store(read, new),
            "refusal": lambda: refresher._end(read, EndReason.REFUSED),
            "press": lambda: performed.claim(Press.of("follow", "1003", "f", wren.user_id)),
            "report": lambda: reports.store(Revoked(event_uuid="e", twitter_id="1001", at=None)),
            "outbox": lambda: outbox.discard(
                new, twitter_id="1001", unless_exchanged_from=Moment(1.0)
            ),
        }

    return of


ACTIONS = [
    "disconnect",
    "export",
    "log out",
    "log out everywhere else",
    "end one session",
    "session seen",
    "end by the operator",
    "prune",
    "usage",
    "follow",
    "lease",
    "refreshed tokens",
    "refusal",
    "press",
    "report",
    "outbox",
]


@on_both_stores
@pytest.mark.parametrize("name", ACTIONS)
def test_a_late_action_touches_no_other_person(name, actions, sign_in, database, rows_of, clock):
    wren = sign_in()
    late = actions(wren)[name]
    running = Event()

    def act():
        running.set()
        late()

    with ThreadPoolExecutor(1) as pool:
        with database.writing() as disconnecting:
            disconnecting.execute(delete(User).where(User.id == wren.user_id))
            waiting = pool.submit(act)
            assert running.wait(10)
            until(waiting.done, seconds=0.05)
            robin = add_robin(disconnecting, clock())
        before = rows_of(robin)
        error = waiting.exception()

    assert before == rows_of(robin)
    assert len(before["users"]) == len(before["sessions"]) == len(before["grants"]) == 1
    assert error is None or isinstance(error, AccountError)
    assert robin != wren.user_id
    assert set(map(len, rows_of(wren.user_id).values())) == {0}


def add_robin(connection, now):
    """Sign another person in, in this very transaction; return their number."""
    user = {"twitter_id": "1002", "username": "robin", "profile": {}, "signed_in_at": now}
    robin = connection.execute(
        insert(User).values(user | {"created_at": now}).returning(User.id)
    ).scalar_one()
    session = {"id": "5" * 32, "user_id": robin, "browser": "", "created_at": now, "seen_at": now}
    connection.execute(insert(Session).values(session))
    grant = {"id": "9" * 32, "user_id": robin, "access_token": "x", "scopes": ""}
    moments = {"issued_at": now, "expires_at": now, "created_at": now}
    connection.execute(insert(Grant).values(grant | moments))
    return robin


def test_every_table_that_leads_to_a_person_by_number_is_looked_at(rows_of):
    tables = {table.name for table in TABLES if "user_id" in table.c}

    assert tables | {"users"} == rows_of(0).keys()
