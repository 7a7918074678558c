"""Two processes, one database: what crowds, crashes and clocks may not break."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.gateway.refresh_times import Times
from tests.chaos.deaths import (
    bystander,
    deliverer,
    die_in_sign_ins,
    dies,
    living_tokens,
    living_tokens_of,
    sign_in_many,
)
from tests.chaos.pair import REVOKE, TOKEN, TOKEN_LIFE, at_once, look
from tests.chaos.scale import LONG, only_in_the_long_run, rounds
from tests.journey.sites import wait_until

SLOW_SECONDS = 9 if LONG else 1
LONGEST_PAGE = 15
# The worker that died is back within three seconds.
LEASE_FREE_AFTER = Times().lease + 3
MAY_WAIT = 16
# After so long a callback that lost its process answers 400 "used already".
WHILE_AN_EXCHANGE_LASTS = 20

pytestmark = [pytest.mark.loopback, pytest.mark.timeout(3600 if LONG else 600)]


def read_with_an_expired_token(pair, crowd, times):
    """Let everybody read at once, each time with a token that has just expired."""
    views, refreshes = [], []
    for _ in range(times):
        pair.pass_time(TOKEN_LIFE)
        pair.store.age_refreshes(TOKEN_LIFE)  # what is "just refreshed" goes by the store's clock
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
        f"2 processes, {len(crowd)} readers, a refresh of {SLOW_SECONDS} s, "
        f"{len(refreshes)} rounds",
        f"{sum(refreshes)} refreshes, {len(failed)} failed views of {len(views)}, "
        f"slowest page {slowest:.1f} s",
    )
    assert failed == []
    assert refreshes == [1] * rounds(20)
    assert slowest < LONGEST_PAGE
    assert person.is_signed_in()


# kill -9 in a sign-in


@pytest.mark.parametrize(
    "point, seconds_later, ending, elsewhere",
    [
        # The exchange has ended the tokens of the other browser, and died with their successors.
        ("after AuthorizationServer.exchange", WHILE_AN_EXCHANGE_LASTS, 400, 401),
        ("after People.sign_in", 0, 303, 200),
        *only_in_the_long_run(
            ("before UsedStates.consume", 0, 303, 200),
            ("after UsedStates.consume", WHILE_AN_EXCHANGE_LASTS, 400, 200),
            ("before People.sign_in", WHILE_AN_EXCHANGE_LASTS, 400, 401),
        ),
    ],
)
def test_a_death_in_a_sign_in_never_sends_a_code_twice(
    pair, figure, point, seconds_later, ending, elsewhere
):
    """And signs another browser of the person out only if Twitter has ended its tokens."""
    count = rounds(100)
    with bystander(pair) as others:
        people, endings, sent = die_in_sign_ins(pair, point, count, seconds_later=seconds_later)
        views = [look(person.elsewhere) for person in people]
        again = [
            person.visitor.sign_in(person.account).status_code
            for person in people
            if not person.visitor.is_signed_in()
        ]

    disturbed = [view for view in others if not view.is_whole]
    figure(
        f"kill -9 in a sign-in, {point}, {count} times",
        f"code sent {sent} times, {len(pair.reused())} codes used twice; the same callback again: "
        f"{tally(endings)}; in another browser {tally(view.status for view in views)}; "
        f"{len(disturbed)} of {len(others)} views of others disturbed",
    )
    assert endings == [ending] * count
    assert [view.status for view in views] == [elsewhere] * count
    assert len(pair.signed_out()) == [view.status for view in views].count(401)
    assert sent <= count
    assert pair.reused() == []
    assert again == ([] if ending == 303 else [200] * count)
    assert len(living_tokens_of(pair, [person.account for person in people])) == 2 * count
    assert disturbed == []
    assert pair.damage() == []


def test_a_death_behind_a_change_of_accounts_leaves_no_token_alive(pair, figure):
    first_account, second_account = next(pair.names), next(pair.names)
    visitor = pair.person(pair.first, first_account)
    callback = visitor.consent(visitor.start_again(), second_account)

    dies(pair, "after People.sign_in", lambda: visitor.come_back(callback))
    again = visitor.come_back(callback).status_code
    if not LONG:
        pair.store.let_leases_end()
    with deliverer(pair) as log:
        pair.wait_for_an_empty_outbox(ALL_REVOKED_AFTER, log)

    figure(
        "kill -9 in a sign-in with another account, after People.sign_in",
        "the session of the first account has ended; no token of it is alive",
    )
    assert again == 303
    assert look(visitor).is_whole
    assert living_tokens_of(pair, [first_account]) == []
    assert len(living_tokens_of(pair, [second_account])) == 2
    assert pair.damage() == []


# kill -9 in a refresh


@pytest.mark.parametrize(
    "point, leased, lost",
    [
        ("before AuthorizationServer.refresh", True, False),
        ("after AuthorizationServer.refresh", True, True),
        *only_in_the_long_run(
            ("before TokenRefresher._take", False, False),
            ("after TokenRefresher._store", False, False),
        ),
    ],
)
def test_a_death_in_a_refresh_costs_at_most_its_own_answer(pair, figure, point, leased, lost):
    count = rounds(100)
    people = sign_in_many(pair, count)
    leases, free_after = [], []
    with bystander(pair) as others:
        pair.pass_time(TOKEN_LIFE)
        for visitor, _, grant_id in people:
            away = dies(pair, point, lambda v=visitor: v.open("/tweets"))
            leases.append(pair.store.lease_left(grant_id))
            free_after.append(away + leases[-1])
            visitor.go_through(pair.second.route())
        if leased:
            let_leases_end(pair, max(leases))
        views = look_in_waves(pair, [visitor for visitor, _, _ in people])

    disturbed = [view for view in others if not view.is_whole]
    ended = pair.signed_out()
    longest = max(free_after) if leased else 0
    figure(
        f"kill -9 in a refresh, {point}, {count} times",
        f"lease free after {longest:.0f} s at most; then {tally(v.status for v in views)}; "
        f"{len(pair.reused())} tokens reused, {len(ended)} signed out; "
        f"{len(disturbed)} of {len(others)} views of others disturbed",
    )
    assert max(free_after) < LEASE_FREE_AFTER
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


def look_in_waves(pair, visitors):
    """Let people read, many at once. Who took a lease over and was refused waits a whole deadline.

    Half of a process's threads may wait like that; who comes on top is told to come again.
    """
    views = []
    for begin in range(0, len(visitors), MAY_WAIT):
        with ThreadPoolExecutor(1) as hands:
            wave = hands.submit(at_once, look, visitors[begin : begin + MAY_WAIT])
            while not LONG and not wave.done():
                time.sleep(0.5)
                pair.store.let_leases_end()
            views += wave.result(60)
    return views


# kill -9 in a logout

POINTS_OF_A_LOGOUT = [
    "after Sessions._end",
    "before AuthorizationServer.revoke",
    "after AuthorizationServer.revoke",
    "before Deliverer._remove",
    "after Deliverer._remove",
]
ALL_REVOKED_AFTER = 60


def test_a_death_before_a_logout_is_written_leaves_the_person_signed_in(pair, figure):
    count = rounds(100)
    people = sign_in_many(pair, count)

    for visitor, _, _ in people:
        dies(pair, "before Sessions._end", visitor.log_out)

    still_in = [visitor.is_signed_in() for visitor, _, _ in people]
    figure(
        f"kill -9 in a logout, before Sessions._end, {count} times",
        f"{sum(still_in)} still signed in, with the button to press once more",
    )
    assert still_in == [True] * count


def test_a_death_in_a_logout_leaves_the_other_browser_signed_in(pair, figure):
    account = next(pair.names)
    here, there = (pair.person(process, account) for process in pair.processes)

    dies(pair, "after Sessions._end", here.log_out)
    view = look(there)
    alive = len(living_tokens_of(pair, [account]))
    there.log_out()
    with deliverer(pair) as log:
        pair.wait_for_an_empty_outbox(ALL_REVOKED_AFTER, log)

    figure(
        "kill -9 in a logout, after Sessions._end, with another browser signed in",
        f"that one reads on: {view.status}; its own logout leaves no token alive",
    )
    assert view.is_whole
    assert alive == 2
    assert not here.is_signed_in()
    assert living_tokens_of(pair, [account]) == []
    assert pair.damage() == []


def test_a_death_in_a_logout_leaves_no_token_alive(pair, figure):
    points = POINTS_OF_A_LOGOUT
    count = rounds(100)
    people = sign_in_many(pair, count * len(points))
    with bystander(pair) as others:
        for number, (visitor, _, _) in enumerate(people):
            dies(pair, points[number % len(points)], visitor.log_out)
        grants = [grant for _, grant, _ in people]
        alive = len(living_tokens(pair, grants))
        if not LONG:
            pair.store.let_leases_end()
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
AN_OUTAGE = 30 if LONG else 0.5
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


# The database is away

AWAY_SECONDS = 10 if LONG else 1.5
NORMAL_AFTER = 5
READERS = 4
LOOKS_EVERY_SECONDS = 2.5
TOKEN_KINDS = {"access_token", "refresh_token"}


@pytest.mark.parametrize("trouble", ["away", *only_in_the_long_run("locked")])
def test_a_database_in_trouble_costs_time_and_nothing_else(pair, figure, trouble):
    views, back_after = under_load(pair, getattr(pair.store, trouble), AWAY_SECONDS)

    bad = [view for view in views if not view.is_whole]
    slowest = max(view.seconds for view in views)
    figure(
        f"database {trouble} for {AWAY_SECONDS} s, {2 * READERS} people reading",
        f"{len(views)} views: {tally(view.status for view in views)}; slowest {slowest:.1f} s; "
        f"normal after {back_after:.1f} s; {len(pair.signed_out())} signed out, "
        f"{len(pair.damage())} rows damaged",
    )
    assert {view.status for view in bad} <= {503}
    assert all(view.retry_after for view in bad)
    assert back_after < NORMAL_AFTER
    assert pair.signed_out() == []
    assert pair.reused() == []
    assert pair.damage() == []


def test_a_new_token_that_finds_no_database_is_not_lost(pair, figure):
    person = pair.person()
    window = pair.visitor(pair.first, twin_of=person)
    pair.twitter.fault(path=TOKEN, delay_seconds=1)
    pair.pass_time(TOKEN_LIFE)

    with ThreadPoolExecutor(1) as hands:
        view = hands.submit(look, window)
        wait_until(lambda: pair.sent(grant_type="refresh_token"))
        with pair.store.away():
            time.sleep(AWAY_SECONDS)
        view = view.result(60)

    figure(
        f"database away for {AWAY_SECONDS} s while a refresh is answered",
        f"that page {view.status} after {view.seconds:.0f} s; "
        f"{len(pair.signed_out())} signed out, {len(pair.reused())} tokens reused",
    )
    wait_until(lambda: look(person).is_whole, LEASE_FREE_AFTER)
    assert pair.signed_out() == []
    assert pair.reused() == []
    assert person.is_signed_in()


def test_a_commit_whose_answer_is_lost_is_not_taken_for_a_logout(pair, figure):
    person = pair.person(pair.first)
    pair.pass_time(TOKEN_LIFE)
    pair.first.lose_the_answer_to("TokenRefresher._store")

    view = look(person)

    again = look(person)
    figure(
        "the answer to the commit of a refreshed token lost",
        f"that page {view.status}, the next {again.status}; {len(pair.signed_out())} signed out",
    )
    assert len(pair.sent(grant_type="refresh_token")) == 1
    assert again.is_whole
    assert pair.signed_out() == []
    assert pair.damage() == []
    grant = pair.twitter.world.token_store.grants[-1]
    assert {token["kind"] for token in living_tokens(pair, [grant])} == TOKEN_KINDS


@pytest.mark.skipif(not LONG, reason="part of make chaos")
def test_the_deliverer_outlives_a_database_that_is_away(pair, figure):
    people = sign_in_many(pair, 2)
    with deliverer(pair) as log:
        # The site dies before it tells Twitter: only the deliverer can.
        dies(pair, "after Sessions._end", people[0][0].log_out)
        pair.wait_for_an_empty_outbox(ALL_REVOKED_AFTER, log)
        with pair.store.away():
            time.sleep(max(AWAY_SECONDS, LOOKS_EVERY_SECONDS))
        dies(pair, "after Sessions._end", people[1][0].log_out)
        took = pair.wait_for_an_empty_outbox(ALL_REVOKED_AFTER, log)

    figure(
        f"database away for {AWAY_SECONDS} s under `flask revocations deliver --watch`",
        f"it goes on; a logout afterwards is delivered after {took:.0f} s",
    )
    assert living_tokens(pair, [grant for _, grant, _ in people]) == []


def under_load(pair, trouble, seconds):
    """Read with many people while the database has trouble; their tokens expire meanwhile.

    Return their views, and how long after the trouble the last of them was well again.
    """
    people = [pair.newcomer(process) for process in pair.processes for _ in range(READERS)]
    views, over = [], threading.Event()

    def read(person):
        while not over.is_set():
            views.append(look(person))
            over.wait(0.05)
        started = time.monotonic()
        while not (view := look(person)).is_whole:
            views.append(view)
            assert time.monotonic() - started < LEASE_FREE_AFTER
            over.wait(0.1)
        return time.monotonic() - started

    with ThreadPoolExecutor(len(people)) as hands:
        back = [hands.submit(read, person) for person in people]
        with trouble():
            pair.pass_time(TOKEN_LIFE)
            time.sleep(seconds)
        over.set()
        return views, max(one.result(120) for one in back)


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
