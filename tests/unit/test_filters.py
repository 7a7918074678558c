"""Formats of times and numbers."""

from datetime import UTC, datetime, timedelta

from app.pages.filters import ago, exactly, roughly

NOW = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)
PAST = {
    timedelta(seconds=-30): "now",
    timedelta(seconds=59): "now",
    timedelta(minutes=1): "1m",
    timedelta(minutes=59): "59m",
    timedelta(hours=23, minutes=59): "23h",
    timedelta(days=1): "1d",
    timedelta(days=6, hours=23): "6d",
    timedelta(days=7): "16 Nov",
    timedelta(days=400): "19 Oct 2025",
}
AHEAD = {
    timedelta(minutes=9): "today, 12:39 UTC",
    timedelta(days=2): "25 Nov, 12:30 UTC",
    timedelta(days=60): "22 Jan 2027, 12:30 UTC",
}
COUNTS = {
    0: "0",
    9_999: "9,999",
    10_000: "10K",
    12_345: "12.3K",
    123_456: "123K",
    999_999: "999K",
    4_560_000: "4.5M",
    10**9: "1B",
    10**15: "1,000,000B",
}


def test_ago_is_short():
    assert {past: ago(NOW - past, NOW) for past in PAST} == PAST


def test_the_exact_time_names_its_day():
    assert {ahead: exactly(NOW + ahead, NOW) for ahead in AHEAD} == AHEAD


def test_large_numbers_are_cut_short():
    assert {count: roughly(count) for count in COUNTS} == COUNTS
