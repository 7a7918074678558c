"""Template filters that format times and numbers. The template passes `now`."""

from __future__ import annotations

from datetime import datetime, timedelta

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
_WEEK = timedelta(days=7)

# Not strftime, whose names depend on the locale.
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_UNITS = ((10**9, "B"), (10**6, "M"), (10**3, "K"))


def ago(moment: datetime, now: datetime) -> str:
    """Return the age as a timeline shows it: "5m", "3h", "2d"; after a week, the day."""
    past = now - moment
    if past < MINUTE:
        return "now"
    if past < HOUR:
        return f"{past // MINUTE}m"
    if past < DAY:
        return f"{past // HOUR}h"
    if past < _WEEK:
        return f"{past // DAY}d"
    return _day(moment) if moment.year == now.year else f"{_day(moment)} {moment.year}"


def since(moment: datetime, now: datetime) -> str:
    """Return the age for a sentence: "just now", "3 minutes ago", "2 hours ago"."""
    past = now - moment
    if past < MINUTE:
        return "just now"
    count, unit = (past // MINUTE, "minute") if past < HOUR else (past // HOUR, "hour")
    return f"{count} {unit}{'' if count == 1 else 's'} ago"


def exactly(moment: datetime, now: datetime) -> str:
    """Return day and time: "today, 12:30 UTC", "3 Mar, 12:30 UTC"."""
    time = f"{moment:%H:%M} UTC"
    if moment.date() == now.date():
        return f"today, {time}"
    year = "" if moment.year == now.year else f" {moment.year}"
    return f"{_day(moment)}{year}, {time}"


def duration(milliseconds: int) -> str:
    """Return a duration: "184 ms", "1.2 s", "34 s", "2 min 5 s"."""
    if milliseconds < 1000:
        return f"{milliseconds} ms"
    seconds = milliseconds // 1000
    if seconds < 10:
        return f"{_cut(milliseconds, 1000)} s"
    minutes, rest = divmod(seconds, 60)
    return f"{minutes} min {rest} s" if minutes else f"{seconds} s"


def span(length: timedelta) -> str:
    """Return a length of time in the largest unit that divides it: "30 days", "90 seconds"."""
    units = ((DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"), (timedelta(seconds=1), "second"))
    size, unit = next((size, unit) for size, unit in units if not length % size)
    count = length // size
    return f"{count} {unit}{'' if count == 1 else 's'}"


def about(milliseconds: int) -> str:
    """Return a duration that is known in whole seconds only: "about 34 s"."""
    seconds = milliseconds // 1000
    return f"about {duration(seconds * 1000)}" if seconds else "a second at most"


def roughly(count: int) -> str:
    """Return a short number: "1,234", "12.3K", "4M"."""
    if count < 10_000:
        return f"{count:,}"
    size, unit = next((size, unit) for size, unit in _UNITS if count >= size)
    return f"{_cut(count, size)}{unit}"


def _cut(count: int, size: int) -> str:
    """Return `count` in units of `size`, rounded down: 999,999 is not a million."""
    whole, tenths = divmod(count * 10 // size, 10)
    return f"{whole:,}.{tenths}" if tenths and whole < 100 else f"{whole:,}"


def _day(moment: datetime) -> str:
    return f"{moment.day} {_MONTHS[moment.month - 1]}"
