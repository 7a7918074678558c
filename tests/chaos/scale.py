"""How often everything is done: a handful of times in the ordinary tests, often in `make chaos`."""

import os

# `CHAOS_ROUNDS` counts the races for one refresh; everything else follows from it.
RACES = int(os.environ.get("CHAOS_ROUNDS") or 3)
ALL_RACES = 200
LONG = RACES >= ALL_RACES // 10

# So many pages a second are viewed where it says so in `make chaos`. That takes two cores or more
# with nothing else to do; `CHAOS_VIEWS` is for machines that are slower, or busy.
VIEWS_PER_SECOND = int(os.environ.get("CHAOS_VIEWS") or 100)


def only_in_the_long_run(*cases):
    """Return the cases that the ordinary tests leave out: others tell as much."""
    return list(cases) if LONG else []


def rounds(of_all):
    """Return how many of the `of_all` rounds of the longest run are due in this one."""
    return max(1, of_all * RACES // ALL_RACES)


# Twitter keeps one grant of each person, so no two may be the same: five points of 100 deaths.
PEOPLE = max(60, rounds(500))
