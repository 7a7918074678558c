"""Who may wait for Twitter."""

import contextlib

import pytest

from app.twitter.errors import Busy
from app.twitter.transport import bulkhead
from app.twitter.transport.bulkhead import PerPersonBulkhead
from app.twitter.transport.deadline import Deadline


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(bulkhead, "MAX_WAIT_SECONDS", 0.01)


@pytest.fixture
def taken():
    """Take slots that are held as long as the test."""
    with contextlib.ExitStack() as lasting:
        yield lambda site, person: lasting.enter_context(site.slot(person, Deadline()))


def test_one_person_gets_no_more_than_their_share(taken):
    site = PerPersonBulkhead(4, max_calls_per_person=2)
    taken(site, "wren")
    taken(site, "wren")

    with pytest.raises(Busy):
        taken(site, "wren")
    taken(site, "robin")


def test_all_together_get_no_more_than_there_are(taken):
    site = PerPersonBulkhead(2, max_calls_per_person=1)
    taken(site, "wren")
    taken(site, "robin")

    with pytest.raises(Busy):
        taken(site, "jay")


def test_a_freed_slot_can_be_taken_again():
    site = PerPersonBulkhead(1, max_calls_per_person=1)
    for person in ("wren", "robin", "wren"):
        with site.slot(person, Deadline()):
            pass


def test_after_a_wait_in_vain_all_are_turned_away_until_a_call_ends(taken, monkeypatch):
    site = PerPersonBulkhead(2, max_calls_per_person=1)
    with site.slot("wren", Deadline()):
        taken(site, "robin")
        with pytest.raises(Busy):
            taken(site, "jay")
        monkeypatch.setattr(bulkhead, "MAX_WAIT_SECONDS", 3600)

        with pytest.raises(Busy):  # at once
            taken(site, "owl")
    taken(site, "jay")


def test_a_person_without_calls_leaves_no_state():
    site = PerPersonBulkhead(2, max_calls_per_person=1)
    with site.slot("wren", Deadline()):
        pass

    assert len(site._by_person) == 0
