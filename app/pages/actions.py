"""A pressed action: perform it, or ask for its permission first."""

from __future__ import annotations

from flask import abort, flash, g, redirect, render_template, request
from flask.typing import ResponseReturnValue

from app.accounts.people import Person
from app.gateway.actions import Action, PendingAction
from app.pages import people
from app.pages.panels import PanelLoader
from app.services import services
from app.twitter.transport.deadline import Deadline
from app.web.messages import action_message, deed, lower_first, permission_words
from app.web.safe_redirects import local


def perform(person: Person, action: Action, target_id: str) -> ResponseReturnValue:
    """Perform the action of a form and return to the page of its button, or ask for the permission.

    The form has `next`, and `once`: the id of the page that it was on, so that a double click is
    one press.
    """
    pending = PendingAction.of_form(
        action,
        target_id,
        username=request.form.get("username", ""),
        once=request.form.get("once", ""),
    ) or abort(400)
    g.next_path = back = local(request.form.get("next"))  # where error pages lead, too
    if services().actions.needs_permission(pending, person):
        return _explain(pending, person, back)
    result = services().actions.perform(pending, person, deadline=Deadline())
    flash(action_message(pending, result, now=services().now()))
    return redirect(back, code=303)


def _explain(pending: PendingAction, person: Person, back: str) -> str:
    """Return the page that says which permission Twitter will ask for, and for which action."""
    account = people.by_id(pending.target_id) if pending.action.of_others else None
    return render_template(
        "allow_action.html",
        pending=pending,
        asked=lower_first(permission_words(pending.action.permission)),
        deed=deed(pending),
        back=back,
        **PanelLoader.of(person).load(**{"target": account} if account else {}),
    )
