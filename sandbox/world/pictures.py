"""Avatars, banners and photographs, drawn on the spot: no network, no files."""

from __future__ import annotations

from flask import Blueprint, Response, abort, render_template

from sandbox.request_context import current_world
from sandbox.world.model import Account

blueprint = Blueprint("pictures", __name__)


def address(account: Account) -> str:
    """Return the path of an account's avatar, in the small size that the API names."""
    if account.plumage is None:
        return "/sticky/default_profile_images/default_profile_normal.svg"
    return f"/profile_images/{account.id}/{account.username}_normal.svg"


def banner_address(account: Account, origin: str) -> str:
    """Return the URL of the banner above a profile, or an empty text."""
    return f"{origin}/profile_banners/{account.id}.svg" if account.banner else ""


def _drawn(template: str, **values: object) -> Response:
    response = Response(render_template(template, **values), mimetype="image/svg+xml")
    response.headers["Cache-Control"] = "max-age=3600"
    # Pages of another origin show these pictures, even under a strict embedder policy.
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.headers["Content-Security-Policy"] = "default-src 'none'"
    return response


@blueprint.get("/sticky/default_profile_images/<name>.svg")
def egg(name: str) -> Response:
    """Draw the default avatar."""
    del name  # one drawing in all sizes
    return _drawn("egg.svg")


@blueprint.get("/profile_images/<account_id>/<name>.svg")
def avatar(account_id: str, name: str) -> Response:
    """Draw a bird. One drawing serves all sizes of Twitter's addresses (`_normal`, `_bigger`)."""
    del name
    account = current_world().accounts.get(account_id)
    if account is None or account.plumage is None:
        abort(404)
    return _drawn("bird.svg", plumage=account.plumage)


@blueprint.get("/profile_banners/<account_id>.svg")
def banner(account_id: str) -> Response:
    account = current_world().accounts.get(account_id)
    if account is None or account.plumage is None:
        abort(404)
    return _drawn("banner.svg", plumage=account.plumage)


@blueprint.get("/media/<key>.svg")
def photograph(key: str) -> Response:
    media = current_world().media.get(key)
    if media is None:
        abort(404)
    return _drawn("scene.svg", media=media)
