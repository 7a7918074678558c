"""What is left, and until when: from headers that nobody can rely on."""

from datetime import UTC, datetime, timedelta

import pytest

from app.twitter.rate_limit_headers import Window, blocked_until, retry_at, windows

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
PREFIXES = {
    "x-rate-limit": timedelta(minutes=15),
    "x-user-limit-24hour": timedelta(hours=24),
    "x-app-limit-24hour": timedelta(hours=24),
}
each_window = pytest.mark.parametrize("name", PREFIXES)
NOT_NUMBERS = ["", " ", "soon", "-1", "+5", "1.5", "1e9", "nan", "1_000", "٣", "0x10", "9" * 16]


def after(**time):
    return NOW + timedelta(**time)


def headers(name="x-rate-limit", *, limit=75, remaining=74, reset):
    return {
        f"{name}-limit": str(limit),
        f"{name}-remaining": str(remaining),
        f"{name}-reset": str(int(reset.timestamp())),
    }


def window(name="x-rate-limit", *, remaining, resets_at):
    return Window(name=name, limit=75, remaining=remaining, resets_at=resets_at)


# Windows


def test_an_answer_can_tell_of_all_three():
    told = {}
    for name in PREFIXES:
        told |= headers(name, reset=after(minutes=1))

    assert [window.name for window in windows(told, now=NOW)] == list(PREFIXES)
    assert windows({"content-type": "application/json"}, now=NOW) == ()


@each_window
def test_a_window_is_read_from_its_three_headers(name):
    found = windows(headers(name, limit=25, remaining=24, reset=after(minutes=3)), now=NOW)

    assert found == (Window(name=name, limit=25, remaining=24, resets_at=after(minutes=3)),)


@each_window
def test_a_reset_absurdly_far_away_is_brought_nearer(name):
    (found,) = windows(headers(name, reset=after(days=900)), now=NOW)

    assert found.resets_at == NOW + PREFIXES[name]


def told_with(which, bad):
    """Return an answer's headers with one of them bad, or without it."""
    told = headers(reset=after(minutes=1)) | {f"x-rate-limit-{which}": bad}
    return {name: value for name, value in told.items() if value is not None}


@pytest.mark.parametrize("which", ["remaining", "reset"])
def test_without_remaining_and_reset_there_is_no_window(which):
    found = [windows(told_with(which, bad), now=NOW) for bad in [*NOT_NUMBERS, None]]

    assert found == [()] * 13


def test_a_limit_may_be_unknown():
    found = [windows(told_with("limit", bad), now=NOW) for bad in [*NOT_NUMBERS, None]]

    assert [(one.limit, one.remaining) for [one] in found] == [(None, 74)] * 13


def test_a_reset_beyond_all_calendars_is_none():
    told = headers(reset=NOW) | {"x-rate-limit-reset": "9" * 15}

    assert windows(told, now=NOW) == ()


def test_blanks_around_a_number_do_no_harm():
    told = {name: f" {value} " for name, value in headers(reset=after(minutes=1)).items()}

    assert windows(told, now=NOW)[0].remaining == 74


# When one may ask again


def test_a_used_up_window_is_closed_until_its_reset():
    used_up, open_still = (window(remaining=left, resets_at=after(minutes=1)) for left in (0, 1))

    assert (used_up.used_up, open_still.used_up) == (True, False)
    assert blocked_until([used_up], now=NOW) == after(minutes=1)
    assert blocked_until([open_still], now=NOW) is blocked_until([], now=NOW) is None


def test_a_window_whose_reset_has_come_is_open():
    past = [window(remaining=0, resets_at=NOW - timedelta(days=days)) for days in (0, 9)]

    assert blocked_until(past, now=NOW) is None


def test_of_several_used_up_windows_the_last_counts():
    known = [
        window(remaining=0, resets_at=after(minutes=5)),
        window("x-user-limit-24hour", remaining=0, resets_at=after(hours=5)),
        window("x-app-limit-24hour", remaining=3, resets_at=after(hours=9)),
    ]

    assert blocked_until(known, now=NOW) == after(hours=5)


def test_a_healthy_window_does_not_open_a_daily_one():
    told = headers(remaining=74, reset=after(minutes=9)) | headers(
        "x-user-limit-24hour", limit=25, remaining=0, reset=after(hours=20)
    )

    assert blocked_until(windows(told, now=NOW), now=NOW) == after(hours=20)


# When a 429 lifts


def test_a_limit_lifts_when_its_window_resets():
    assert retry_at(headers(remaining=0, reset=after(minutes=1))) == after(minutes=1)


def test_a_limit_that_does_not_say_what_is_left_has_nothing_left():
    told = {"x-rate-limit-reset": str(int(after(minutes=1).timestamp()))}

    assert retry_at(told, now=NOW) == after(minutes=1)


@pytest.mark.parametrize("now", [NOW, None])
def test_the_daily_limit_counts_when_it_is_used_up(now):
    told = headers(remaining=74, reset=after(minutes=9)) | headers(
        "x-user-limit-24hour", remaining=0, reset=after(hours=20)
    )

    assert retry_at(told, now=now) == after(hours=20)


def test_a_healthy_daily_limit_holds_up_nothing():
    told = headers(remaining=0, reset=after(minutes=9)) | headers(
        "x-user-limit-24hour", remaining=5, reset=after(hours=20)
    )

    assert retry_at(told, now=NOW) == after(minutes=9)


@each_window
def test_no_limit_lasts_longer_than_its_window(name):
    told = headers(name, remaining=0, reset=after(days=900))

    assert retry_at(told, now=NOW) == NOW + PREFIXES[name]


def test_a_limit_that_should_have_lifted_says_nothing():
    assert retry_at(headers(remaining=0, reset=NOW - timedelta(seconds=1)), now=NOW) is None


def test_a_limit_without_a_sane_reset_has_none():
    told = [{"x-rate-limit-remaining": "0", "x-rate-limit-reset": bad} for bad in NOT_NUMBERS]

    assert [retry_at(one) for one in [*told, {}]] == [None] * 13
