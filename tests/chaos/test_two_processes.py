"""Two processes, one database: what crowds, crashes and clocks may not break."""

import time

import pytest

from tests.chaos.deaths import (
    bystander,
    deliverer,
    die_in_sign_ins,
    dies,
    living_tokens,
    sign_in_many,
)
from tests.chaos.pair import REVOKE, TOKEN, TOKEN_LIFE, at_once, look
from tests.chaos.scale import LONG, rounds

SLOW_SECONDS = 9 if LONG else 2
LONGEST_PAGE = 15
LEASE_FREE_AFTER = 25
# What a callback that lost its process answers after a while: 400 "used already".
WHILE_AN_EXCHANGE_LASTS = 20

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
        f"{len(pair.signed_out())} signed out, {len(pair.reused())} tokens reused",
    )
    assert failed == []
    assert refreshes == [1] * rounds(200)
    assert pair.signed_out() == []
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


# kill -9 in a sign-in


@pytest.mark.parametrize(
    "point, seconds_later, ending",
    [
        ("before Claims.claim", 0, 303),
        ("after Claims.claim", WHILE_AN_EXCHANGE_LASTS, 400),
        ("after AuthorizationServer.exchange", WHILE_AN_EXCHANGE_LASTS, 400),
        ("before People.welcome", WHILE_AN_EXCHANGE_LASTS, 400),
        ("after People.welcome", 0, 303),
    ],
)
def test_a_death_in_a_sign_in_never_sends_a_code_twice(pair, figure, point, seconds_later, ending):
    count = rounds(100)
    with bystander(pair) as others:
        people, endings, sent = die_in_sign_ins(pair, point, count, seconds_later=seconds_later)
        again = [person.sign_in().status_code for person in people if not person.is_signed_in()]

    disturbed = [view for view in others if not view.is_whole]
    figure(
        f"kill -9 in a sign-in, {point}, {count} times",
        f"code sent {sent} times, {len(pair.reused())} codes used twice; the same callback again: "
        f"{tally(endings)}; {len(disturbed)} of {len(others)} views of others disturbed",
    )
    assert endings == [ending] * count
    assert sent <= count
    assert pair.reused() == []
    assert again == ([] if ending == 303 else [200] * count)
    assert disturbed == []
    assert pair.damage() == []


# kill -9 in a refresh


@pytest.mark.parametrize(
    "point, leased, lost",
    [
        ("before Freshness._take", False, False),
        ("before AuthorizationServer.refresh", True, False),
        ("after AuthorizationServer.refresh", True, True),
        ("after Freshness._store", False, False),
    ],
)
def test_a_death_in_a_refresh_costs_at_most_its_own_answer(pair, figure, point, leased, lost):
    count = rounds(100)
    people = sign_in_many(pair, count)
    leases, away = [], []
    with bystander(pair) as others:
        pair.pass_time(TOKEN_LIFE)
        for visitor, _, grant_id in people:
            away.append(dies(pair, point, lambda v=visitor: v.open("/tweets")))
            leases.append(pair.store.lease_left(grant_id))
            visitor.go_through(pair.second.route())
        if leased:
            let_leases_end(pair, max(leases))
        views = look_in_waves([visitor for visitor, _, _ in people])

    disturbed = [view for view in others if not view.is_whole]
    ended = pair.signed_out()
    figure(
        f"kill -9 in a refresh, {point}, {count} times",
        f"lease free after {max(leases):.0f} s at most; then {tally(v.status for v in views)}; "
        f"{len(pair.reused())} tokens reused, {len(ended)} signed out; "
        f"{len(disturbed)} of {len(others)} views of others disturbed",
    )
    assert max(leases) + max(away) < LEASE_FREE_AFTER
    assert (max(leases) > 0) == leased
    assert disturbed == []
    if lost:
        assert {view.status for view in views} == {401}
        assert {"Please sign in again" in view.text for view in views} == {True}
        assert sorted(ended) == sorted(grant_id for _, _, grant_id in people)
    else:
        assert [view for view in views if not view.is_whole] == []
        assert ended == []
        assert pair.reused() == []
    assert pair.damage() == []


def let_leases_end(pair, seconds):
    """Wait for the longest lease to end; in the short form, move it instead."""
    if LONG:
        time.sleep(max(0, seconds))
    else:
        pair.store.let_leases_end()


def look_in_waves(visitors):
    views = []
    for begin in range(0, len(visitors), 25):
        views += at_once(look, visitors[begin : begin + 25])
    return views


# kill -9 in a logout

POINTS_OF_A_LOGOUT = [
    "after Browsers.end",
    "before AuthorizationServer.revoke",
    "after AuthorizationServer.revoke",
    "before Outbox._remove",
    "after Outbox._remove",
]
ALL_REVOKED_AFTER = 60


def test_a_death_before_a_logout_is_written_leaves_the_person_signed_in(pair, figure):
    count = rounds(100)
    people = sign_in_many(pair, count)

    for visitor, _, _ in people:
        dies(pair, "before Browsers.end", visitor.log_out)

    still_in = [visitor.is_signed_in() for visitor, _, _ in people]
    figure(
        f"kill -9 in a logout, before Browsers.end, {count} times",
        f"{sum(still_in)} still signed in, with the button to press once more",
    )
    assert still_in == [True] * count


@pytest.mark.parametrize("points", [POINTS_OF_A_LOGOUT])
def test_a_death_in_a_logout_leaves_no_token_alive(pair, figure, points):
    count = rounds(100)
    people = sign_in_many(pair, count * len(points))
    with bystander(pair) as others:
        for number, (visitor, _, _) in enumerate(people):
            dies(pair, points[number % len(points)], visitor.log_out)
        grants = [grant for _, grant, _ in people]
        alive = len(living_tokens(pair, grants))
        with deliverer(pair) as log:
            took = pair.wait_for_an_empty_outbox(ALL_REVOKED_AFTER, log)

    disturbed = [view for view in others if not view.is_whole]
    left = living_tokens(pair, grants)
    figure(
        f"kill -9 in a logout, {len(points)} points behind its commit, {count} times each",
        f"{alive} of {2 * len(people)} tokens alive when it was over, {len(left)} alive "
        f"{took:.0f} s after the restart; "
        f"{len(disturbed)} of {len(others)} views of others disturbed",
    )
    assert [visitor.is_signed_in() for visitor, _, _ in people] == [False] * len(people)
    assert left == []
    assert took < ALL_REVOKED_AFTER
    assert disturbed == []


# Callbacks


def test_eight_identical_callbacks_send_the_code_once(pair, figure):
    count = rounds(500)
    sent, statuses, winners = [], [], []
    for _ in range(count):
        visitor = pair.visitor()
        callback = visitor.consent(visitor.start())
        windows = [pair.visitor(p, twin_of=visitor) for p in pair.processes * 4]
        pair.forget_what_was_sent()
        answers = at_once(lambda window, back=callback: window.come_back(back), windows)
        sent.append(len(pair.sent(grant_type="authorization_code")))
        statuses += [answer.status_code for answer in answers]
        winners.append(sum(answer.status_code == 303 for answer in answers))
        pair.close()

    figure(
        f"8 identical callbacks at once, {count} rounds",
        f"{sum(sent)} codes sent; signed in: {min(winners)} of 8 at least; {tally(statuses)}",
    )
    assert sent == [1] * count
    assert min(winners) > 0
    assert max(statuses) < 500
    assert pair.reused() == []


# Revocations

LONGEST_LOGOUT = 1.0
AN_OUTAGE = 40 if LONG else 1
RECOVERED_AFTER = 120


def test_an_outage_of_the_revoke_endpoint_delays_nobodys_logout(pair, figure):
    count = rounds(500)
    people = sign_in_many(pair, count)
    grants = [grant for _, grant, _ in people]
    pair.twitter.fault(path=REVOKE, status=503, times=None)
    with deliverer(pair) as log:
        began_at = time.monotonic()
        seconds = [timed(visitor) for visitor, _, _ in people]
        time.sleep(max(0, AN_OUTAGE - (time.monotonic() - began_at)))
        alive = len(living_tokens(pair, grants))
        if LONG:
            pair.store.age_revocations()
        pair.twitter.clear_faults()
        took = pair.wait_for_an_empty_outbox(RECOVERED_AFTER, log)

    left = len(living_tokens(pair, grants))
    figure(
        f"revoke endpoint down, {count} logouts",
        f"slowest logout {max(seconds):.2f} s; {alive} tokens alive at the end of the outage, "
        f"{left} alive {took:.0f} s after it",
    )
    assert max(seconds) < LONGEST_LOGOUT
    assert alive == 2 * count
    assert left == 0
    assert took < RECOVERED_AFTER


def timed(visitor):
    """Press Log out and return how long the answer took."""
    page = visitor.open("/account")
    started = time.monotonic()
    answer = visitor.press(page, "Log out")
    seconds = time.monotonic() - started
    assert answer.status_code == 303
    return seconds


# Clocks


@pytest.mark.parametrize(
    "first, second",
    [(300, 0), (-300, 0), (300, -300), (-3600, 0), (-3600, -3600)],
)
def test_wrong_clocks_cost_one_refresh_at_most(pair, figure, first, second):
    person = pair.person()
    crowd = pair.crowd(person)
    pair.first.set_clock(pair.first.offset + first)
    pair.second.set_clock(pair.second.offset + second)

    views, refreshes = read_with_an_expired_token(pair, crowd, rounds(20))

    failed = [view for view in views if not view.is_whole]
    figure(
        f"clocks {first:+} s and {second:+} s, set after the sign-in, {len(refreshes)} rounds",
        f"{sum(refreshes)} refreshes, {len(failed)} failed views of {len(views)}, "
        f"{len(pair.signed_out())} signed out",
    )
    assert failed == []
    assert max(refreshes) <= 2
    assert pair.signed_out() == []
    assert pair.reused() == []
    assert person.is_signed_in()


def tally(statuses):
    """Say how often each status came."""
    found = list(statuses)
    return ", ".join(f"{found.count(status)} x {status}" for status in sorted(set(found)))
