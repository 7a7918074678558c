"""The console at `/`: shows everything, and breaks some of it. Works without JavaScript."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from sandbox.control import journal_text, snapshots
from sandbox.control.console_forms import BUTTONS
from sandbox.control.fault_injection import describe
from sandbox.control.sign_in_traces import sign_in_traces
from sandbox.oauth.origin_check import from_elsewhere
from sandbox.request_context import current_world
from sandbox.seeds.birds import is_flock
from sandbox.world.clock import timestamp
from sandbox.world.settings import CHOICES
from sandbox.world.state import World

blueprint = Blueprint("console", __name__)

_SHOWN_ACCOUNTS = 100  # a seed file may bring thousands
_SHOWN_TRACES = 5
_SHOWN_DELIVERIES = 20
_SHOWN_ENTRIES = 60  # all of them are in the control API


@blueprint.get("/")
def home() -> str:
    return _page()


@blueprint.post("/console/<name>")
def press(name: str) -> Response | tuple[str, int]:
    """Do what a button says, and come back to its section of the page."""
    if from_elsewhere():
        abort(403)
    if name not in BUTTONS:
        abort(404)
    button = BUTTONS[name]
    try:
        button.action(current_world(), button.read(request.form))
    except ValueError as problem:
        return _page(problem=str(problem)), 400
    return redirect(url_for("console.home", _anchor=button.section), code=303)


def _page(problem: str = "") -> str:
    world = current_world()
    with world.lock:
        accounts = [(a, world.follows.counts(a.id)) for a in world.accounts.values()]
        clients = list(world.clients.values())
    return render_template(
        "console.html",
        problem=problem,
        now=timestamp(world.now()),
        ahead=round(world.clock.ahead()),
        settings=asdict(world.settings),
        choices=CHOICES,
        accounts=[row for row in accounts if not is_flock(row[0])][:_SHOWN_ACCOUNTS],
        clients=clients,
        tokens=list(reversed(snapshots.tokens(world))),
        faults=[(fault, describe(fault)) for fault in world.faults.waiting()],
        **_webhooks(world),
        **_journal(world),
    )


def _webhooks(world: World) -> dict[str, Any]:
    """Return the webhooks, the subscriptions and the last deliveries, the newest first."""
    found = snapshots.webhooks(world)
    return found | {"deliveries": found["deliveries"][-_SHOWN_DELIVERIES:][::-1]}


def _journal(world: World) -> dict[str, Any]:
    """Return the newest entries and the newest sign-ins, the newest first, with explanations."""
    entries = [_explained(entry) for entry in world.journal.entries()]
    traces = sign_in_traces(entries)[-_SHOWN_TRACES:]
    return {"entries": entries[-_SHOWN_ENTRIES:][::-1], "traces": traces[::-1]}


def _explained(entry: dict[str, Any]) -> dict[str, Any]:
    return entry | {
        "step": journal_text.step(entry),
        "outcome": journal_text.outcome(entry),
        "parameters": journal_text.parameters(entry),
    }
