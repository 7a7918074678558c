"""Times and numbers as people read them."""

from datetime import UTC, datetime, timedelta

import pytest

from app.pages.figures import ago, exactly, roughly

NOW = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "past, expected",
    [
        ({"seconds": -30}, "now"),
        ({"seconds": 59}, "now"),
        ({"minutes": 1}, "1m"),
        ({"minutes": 59}, "59m"),
        ({"hours": 23, "minutes": 59}, "23h"),
        ({"days": 1}, "1d"),
        ({"days": 6, "hours": 23}, "6d"),
        ({"days": 7}, "16 Nov"),
        ({"days": 400}, "19 Oct 2025"),
    ],
)
def test_time_past_is_said_shortly(past, expected):
    assert ago(NOW - timedelta(**past), NOW) == expected


@pytest.mark.parametrize(
    "ahead, expected",
    [
        ({"minutes": 9}, "today, 12:39 UTC"),
        ({"days": 2}, "25 Nov, 12:30 UTC"),
        ({"days": 60}, "22 Jan 2027, 12:30 UTC"),
    ],
)
def test_the_exact_time_names_its_day(ahead, expected):
    assert exactly(NOW + timedelta(**ahead), NOW) == expected


@pytest.mark.parametrize(
    "count, expected",
    [
        (0, "0"),
        (9_999, "9,999"),
        (10_000, "10K"),
        (12_345, "12.3K"),
        (123_456, "123K"),
        (999_999, "999K"),
        (4_560_000, "4.5M"),
        (10**9, "1B"),
        (10**15, "1,000,000B"),
    ],
)
def test_large_numbers_are_cut_short(count, expected):
    assert roughly(count) == expected
