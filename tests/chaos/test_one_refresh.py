"""However many want it at once, an expired token is refreshed once."""

import pytest

from tests.chaos.pair import TOKEN, TOKEN_LIFE, at_once, look
from tests.chaos.scale import LONG, rounds

SLOW_SECONDS = 9 if LONG else 2
LONGEST_PAGE = 15

pytestmark = [pytest.mark.loopback, pytest.mark.timeout(600)]


def read_with_an_expired_token(pair, crowd, times):
    """Let everybody read at once, each time with a token that has just expired."""
    views, refreshes = [], []
    for _ in range(times):
        pair.pass_time(TOKEN_LIFE)
        pair.forget_what_was_sent()
        views += at_once(look, crowd)
        refreshes.append(len(pair.sent(grant_type="refresh_token")))
    return views, refreshes


def test_a_crowd_with_an_expired_token_refreshes_it_once(pair, figure):
    person = pair.person()
    crowd = pair.crowd(person)

    views, refreshes = read_with_an_expired_token(pair, crowd, rounds(200))

    failed = [view for view in views if not view.is_whole]
    figure(
        f"2 processes, {len(crowd)} readers, an expired token, {len(refreshes)} rounds",
        f"{sum(refreshes)} refreshes, {len(failed)} failed views of {len(views)}, "
        f"{len(pair.store.lost_grants())} signed out, {len(pair.reused())} tokens reused",
    )
    assert failed == []
    assert refreshes == [1] * rounds(200)
    assert pair.store.lost_grants() == []
    assert pair.reused() == []
    assert person.is_signed_in()


def test_a_slow_refresh_is_waited_for_by_everybody(pair, figure):
    person = pair.person()
    crowd = pair.crowd(person)
    pair.twitter.fault(path=TOKEN, delay_seconds=SLOW_SECONDS, times=None)

    views, refreshes = read_with_an_expired_token(pair, crowd, rounds(20))

    slowest = max(view.seconds for view in views)
    failed = [view for view in views if not view.is_whole]
    figure(
        f"the same, a refresh that takes {SLOW_SECONDS} s, {len(refreshes)} rounds",
        f"{sum(refreshes)} refreshes, {len(failed)} failed views of {len(views)}, "
        f"slowest page {slowest:.1f} s",
    )
    assert failed == []
    assert refreshes == [1] * rounds(20)
    assert slowest < LONGEST_PAGE
    assert person.is_signed_in()
