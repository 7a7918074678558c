"""Who may wait for Twitter."""

import contextlib

import pytest

from app.twitter.errors import Busy
from app.twitter.transport import bulkhead
from app.twitter.transport.bulkhead import Turns
from app.twitter.transport.deadline import Deadline


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(bulkhead, "PATIENCE_SECONDS", 0.01)


@pytest.fixture
def taken():
    """Take turns that last as long as the test."""
    with contextlib.ExitStack() as lasting:
        yield lambda turns, person: lasting.enter_context(turns.one(person, Deadline()))


def test_one_person_gets_no_more_than_their_share(taken):
    site = Turns(4, for_one=2)
    taken(site, "wren")
    taken(site, "wren")

    with pytest.raises(Busy):
        taken(site, "wren")
    taken(site, "robin")


def test_all_together_get_no_more_than_there_are(taken):
    site = Turns(2, for_one=1)
    taken(site, "wren")
    taken(site, "robin")

    with pytest.raises(Busy):
        taken(site, "jay")


def test_a_turn_that_is_over_can_be_had_again():
    site = Turns(1, for_one=1)
    for person in ("wren", "robin", "wren"):
        with site.one(person, Deadline()):
            pass


def test_after_a_wait_in_vain_all_are_turned_away_until_a_turn_ends(taken, monkeypatch):
    site = Turns(2, for_one=1)
    with site.one("wren", Deadline()):
        taken(site, "robin")
        with pytest.raises(Busy):
            taken(site, "jay")
        monkeypatch.setattr(bulkhead, "PATIENCE_SECONDS", 3600)

        with pytest.raises(Busy):  # at once
            taken(site, "owl")
    taken(site, "jay")


def test_no_state_stays_of_a_person_who_left():
    site = Turns(2, for_one=1)
    with site.one("wren", Deadline()):
        pass

    assert len(site._each) == 0
