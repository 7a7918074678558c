"""The console's buttons: which action each one does, and what its form says to that."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from sandbox.control import actions
from sandbox.control.actions import Input
from sandbox.world.settings import CHOICES, Settings
from sandbox.world.state import World

Form = Mapping[str, str]

_KINDS: dict[str, dict[str, Any]] = {
    "cut": {"cut_bytes": 20},
    "drip": {"drip": "headers"},
    "drop": {"drop": "before"},
    "garbage": {"status": 200, "body": "<html><body>Over capacity</body></html>"},
    "hang": {"hang": True},
    "huge": {"status": 200, "body_bytes": 64 * 1024 * 1024},
    "lost": {"drop": "after"},
    "redirect": {"redirect": "https://example.com/"},
    "slow": {"drip": "body"},
    "type": {"content_type": "text/plain", "when": "after"},
    # These are for every webhook, whatever path the form has.
    "late-event": {"path": "*", "webhook": "late", "delay_seconds": 60},
    "lost-event": {"path": "*", "webhook": "lost"},
    "doubled-event": {"path": "*", "webhook": "doubled"},
    "forged-event": {"path": "*", "webhook": "forged"},
    "wrong-challenge": {"path": "*", "webhook": "crc"},
}


@dataclass(frozen=True, slots=True)
class Button:
    """An action, what it reads from the form, and the section of the page to come back to."""

    action: Callable[[World, Input], object]
    read: Callable[[Form], Input]
    section: str


def _always(**given: Any) -> Callable[[Form], Input]:  # noqa: ANN401 - JSON
    return lambda _: given


def _as_it_is(form: Form) -> Input:
    return form


def _seconds(form: Form) -> Input:
    return {"advance_seconds": float(form.get("seconds", "0"))}


def _settings(form: Form) -> Input:
    """Return what the person has changed on the page.

    The page says what it showed in `was_...`. One that is older than the settings, since they were
    changed in another tab or money was spent, brings no old value back.
    """
    sent = {f.name: form[f.name].strip() for f in fields(Settings) if f.name in form}
    changed = {name: text for name, text in sent.items() if text != form.get(f"was_{name}")}
    return {name: text if name in CHOICES else _number(text) for name, text in changed.items()}


def _number(text: str) -> float | str | None:
    """Return a number, None for an empty field, and for the error message all else as it is."""
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text or None


def _fault(form: Form) -> Input:
    """Return the fault of the form; an empty field is one that was not filled in."""
    given: dict[str, Any] = {"path": form.get("path", ""), "times": int(form.get("times") or 1)}
    kind = form.get("kind", "")
    if kind in _KINDS:
        given |= _KINDS[kind]
    elif kind:
        given["status"] = int(kind)
    if delay := form.get("delay_seconds"):
        given["delay_seconds"] = float(delay)
    return given


def _client(form: Form) -> Input:
    return {
        "name": form.get("name", ""),
        "confidential": form.get("kind") == "confidential",
        "callbacks": form.get("callbacks", "").split(),
    }


_DOWN = _always(path="*", status=503, times=None, for_seconds=60)

BUTTONS = {
    "advance": Button(actions.advance_clock, _seconds, "time"),
    "reset": Button(actions.reset, _always(), "top"),
    "settings": Button(actions.change_settings, _settings, "settings"),
    "broke": Button(actions.change_settings, _always(plan="pay-per-use", credits=0), "settings"),
    "fault": Button(actions.add_fault, _fault, "faults"),
    "down": Button(actions.add_fault, _DOWN, "faults"),
    "clear": Button(actions.clear_faults, _always(), "faults"),
    "expire": Button(actions.expire_tokens, _always(), "tokens"),
    "exhaust": Button(actions.exhaust_limits, _as_it_is, "accounts"),
    "exhaust-client": Button(actions.exhaust_limits, _as_it_is, "clients"),
    "disconnect": Button(actions.disconnect, _as_it_is, "tokens"),
    "client": Button(actions.register_client, _client, "clients"),
}
