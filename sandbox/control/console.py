"""The console at `/`: see everything, and break some of it. Works without JavaScript."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import asdict, fields
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from sandbox.control import journal_text, snapshots
from sandbox.control.fault_injection import describe
from sandbox.control.faults import BadFaultError, fault_from
from sandbox.control.sign_in_traces import dances
from sandbox.oauth.origin_check import from_elsewhere
from sandbox.oauth.registration import BadClientError, client_from
from sandbox.request_context import world
from sandbox.seeds.birds import is_flock
from sandbox.world.clock import timestamp
from sandbox.world.settings import CHOICES, BadSettingError, Settings
from sandbox.world.state import World

blueprint = Blueprint("console", __name__)

_SHOWN_ACCOUNTS = 100  # a seed file may bring thousands
_DANCES = 5  # sign-ins that are told step by step
SHOWN = 60  # journal entries on the page; all of them are in its JSON twin


@blueprint.get("/")
def home() -> str:
    """Show the console."""
    return _page()


@blueprint.post("/console/<action>")
def act(action: str) -> Response | tuple[str, int]:
    """Do what a button says, and come back to where it is."""
    if from_elsewhere():
        abort(403)
    if action not in _ACTIONS:
        abort(404)
    try:
        place = _ACTIONS[action](world(), request.form)
    except (BadClientError, BadFaultError, BadSettingError, ValueError) as problem:
        return _page(problem=str(problem)), 400
    return redirect(url_for("console.home", _anchor=place), code=303)


def _page(problem: str = "") -> str:
    here = world()
    with here.lock:
        accounts = [(a, here.follows.counts(a.id)) for a in here.accounts.values()]
        clients = list(here.clients.values())
    return render_template(
        "console.html",
        problem=problem,
        now=timestamp(here.now()),
        ahead=round(here.clock.ahead()),
        settings=asdict(here.settings),
        choices=CHOICES,
        accounts=[row for row in accounts if not is_flock(row[0])][:_SHOWN_ACCOUNTS],
        clients=clients,
        tokens=list(reversed(snapshots.tokens(here))),
        faults=[(fault, describe(fault)) for fault in here.faults.waiting()],
        **_journal(here),
    )


def _journal(here: World) -> dict[str, Any]:
    """Give the newest entries and the newest sign-ins, the newest first, with words to them."""
    entries = [_explained(entry) for entry in here.journal.entries()]
    signed_in = dances(entries)[-_DANCES:]
    return {"entries": entries[-SHOWN:][::-1], "dances": signed_in[::-1]}


def _explained(entry: dict[str, Any]) -> dict[str, Any]:
    return entry | {
        "step": journal_text.step(entry),
        "outcome": journal_text.outcome(entry),
        "parameters": journal_text.parameters(entry),
    }


def _advance(here: World, form: MultiDict[str, str]) -> str:
    here.clock.advance(float(form.get("seconds", "0")))
    return "time"


def _reset(here: World, _: MultiDict[str, str]) -> str:
    here.reset()
    return "top"


def _expire(here: World, _: MultiDict[str, str]) -> str:
    here.ledger.expire_access()
    return "tokens"


def _down(here: World, _: MultiDict[str, str]) -> str:
    minute = {"path": "*", "status": 503, "times": None, "for_seconds": 60}
    here.faults.add(fault_from(minute))
    return "faults"


def _exhaust(here: World, form: MultiDict[str, str]) -> str:
    if client_id := form.get("client_id"):
        here.exhaust_client(client_id)
        return "clients"
    here.exhaust(form.get("account", ""))
    return "accounts"


def _disconnect(here: World, form: MultiDict[str, str]) -> str:
    account = here.named(form.get("account", ""))
    here.ledger.disconnect(account.id, here.client(form.get("client_id", "")).client_id)
    return "tokens"


def _broke(here: World, _: MultiDict[str, str]) -> str:
    here.change({"plan": "pay-per-use", "credits": 0})
    return "settings"


def _settings(here: World, form: MultiDict[str, str]) -> str:
    """Change what the person has changed on the page, and nothing else.

    The page says what it showed in `was_...`. One that is older than the settings, since they were
    changed in another tab or money was spent, brings no old value back.
    """
    sent = {f.name: form[f.name].strip() for f in fields(Settings) if f.name in form}
    changed = {name: text for name, text in sent.items() if text != form.get(f"was_{name}")}
    here.change(
        {name: text if name in CHOICES else _number(text) for name, text in changed.items()}
    )
    return "settings"


def _number(text: str) -> float | str | None:
    """Read a number; an empty field is none, and what is no number stays for the complaint."""
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text or None


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
}


def _fault(here: World, form: MultiDict[str, str]) -> str:
    """Read the fault form: an empty field is one that was not filled in."""
    wish: dict[str, Any] = {"path": form.get("path", ""), "times": int(form.get("times") or 1)}
    kind = form.get("kind", "")
    if kind in _KINDS:
        wish |= _KINDS[kind]
    elif kind:
        wish["status"] = int(kind)
    if delay := form.get("delay_seconds"):
        wish["delay_seconds"] = float(delay)
    here.faults.add(fault_from(wish))
    return "faults"


def _clear(here: World, _: MultiDict[str, str]) -> str:
    here.faults.clear()
    return "faults"


def _client(here: World, form: MultiDict[str, str]) -> str:
    wish = {
        "name": form.get("name", ""),
        "confidential": form.get("kind") == "confidential",
        "callbacks": form.get("callbacks", "").split(),
    }
    here.register(client_from(wish))
    return "clients"


_ACTIONS: dict[str, Callable[[World, MultiDict[str, str]], str]] = {
    "advance": _advance,
    "broke": _broke,
    "clear": _clear,
    "client": _client,
    "disconnect": _disconnect,
    "down": _down,
    "exhaust": _exhaust,
    "expire": _expire,
    "fault": _fault,
    "reset": _reset,
    "settings": _settings,
}
