"""Groups the journal's entries by sign-in.

A sign-in hands values on: a state, then a code, then tokens. A request with one of them belongs to
the sign-in that made it.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

_BROUGHT = ("state", "code", "refresh_token", "token")
_HANDED_OUT = ("access_token", "refresh_token")
_FIRST_STEP = ("GET", "/i/oauth2/authorize")

Entry = dict[str, Any]


def sign_in_traces(entries: list[Entry]) -> list[list[Entry]]:
    """Return the sign-ins in these journal entries, which come oldest first."""
    found: list[list[Entry]] = []
    owner: dict[str, list[Entry]] = {}
    for entry in entries:
        trace = next((owner[value] for value in _brought(entry) if value in owner), None)
        if (entry["method"], entry["path"]) == _FIRST_STEP:
            found.append(trace := [])
        if trace is None:
            continue
        trace.append(entry)
        owner |= dict.fromkeys([*_brought(entry), *_handed_out(entry)], trace)
    return found


def _brought(entry: Entry) -> list[str]:
    """Return the values in a request, and in the address that it is redirected to."""
    sent_on = parse_qs(urlsplit(entry["location"]).query)
    values = [
        value
        for given in (entry["query"], entry["form"], sent_on)
        for name in _BROUGHT
        for value in _texts(given.get(name))
    ]
    scheme, _, token = entry["headers"].get("Authorization", "").partition(" ")
    return [*values, token] if scheme.lower() == "bearer" else values


def _handed_out(entry: Entry) -> list[str]:
    answer = answered(entry)
    return [answer[name] for name in _HANDED_OUT if isinstance(answer.get(name), str)]


def answered(entry: Entry) -> Entry:
    """Return the answer as a JSON object; an empty one for anything else, or if it was cut."""
    try:
        answer = json.loads(entry["answer"])
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _texts(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [one for one in values if isinstance(one, str) and one]
