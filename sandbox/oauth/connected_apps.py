"""`/settings/connected_apps`: where a person revokes an app's access."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from sandbox.oauth.origin_check import from_elsewhere
from sandbox.request_context import current_world
from sandbox.world.dialects import SCOPES

blueprint = Blueprint("connected", __name__)


@blueprint.get("/settings/connected_apps")
def show() -> str:
    """Show the apps that have access, for each account."""
    return render_template("connected_apps.html", rows=_rows())


@blueprint.post("/settings/connected_apps")
def remove() -> tuple[str, int] | Response:
    """Remove an app from an account: all its grants end at once."""
    if from_elsewhere():
        return "The form was not sent from this page.", 403
    world = current_world()
    account = world.usernames.get(request.form.get("account", "").lower())
    if account is not None:
        world.token_store.disconnect(account.id, request.form.get("client_id", ""))
    return redirect(url_for("connected.show"), code=303)


def _rows() -> list[dict[str, Any]]:
    """Return a row for each account and app with a living grant."""
    world = current_world()
    rows: dict[tuple[str, str], set[str]] = {}
    with world.lock:
        for grant in world.token_store.grants:
            if not grant.ended:
                rows.setdefault((grant.account_id, grant.client_id), set()).update(grant.scopes)
    words = SCOPES["live"] | SCOPES["beta"]
    return [
        {
            "account": world.accounts[account_id],
            "client": world.clients.get(client_id),
            "client_id": client_id,
            "words": [words[scope] for scope in sorted(scopes)],
        }
        for (account_id, client_id), scopes in rows.items()
    ]
