"""Waiting for another thread, never longer than some seconds."""

import threading
import time


def until(condition, *, seconds=10):
    """Wait until `condition()` is true; tell whether it came in time."""
    ends = time.monotonic() + seconds
    while not (met := condition()) and time.monotonic() < ends:
        threading.Event().wait(0.005)
    return met
