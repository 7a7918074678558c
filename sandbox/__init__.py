"""Twitter on your desk: a strict stand-in for its sign-in and its API, with made-up people.

Imports Flask and the standard library, and nothing of any app that is tested against it.
"""

from __future__ import annotations

import time

from flask import Flask, Response, g, request

from sandbox import public_pages, request_context
from sandbox.api import dispatch
from sandbox.control import api, console, fault_injection
from sandbox.oauth import authorize, connected_apps, revoke, token
from sandbox.request_context import KEY
from sandbox.webhooks import subscription_routes, webhook_routes
from sandbox.world import pictures
from sandbox.world.clock import timestamp
from sandbox.world.state import World

LARGEST_BODY = 1024 * 1024
_NOTED = ("/i/", "/2/", "/settings/")
# Pages of ours load their own style and pictures, and nothing else.
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)


def create_app(world: World | None = None) -> Flask:
    """Return the sandbox as a WSGI app."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_BODY
    # Twitter says nothing to OPTIONS: no other site's script may use its API with a token.
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.json.sort_keys = False  # type: ignore[attr-defined]  # the default provider has it
    app.extensions[KEY] = world or World()
    app.before_request(_open_journal)
    app.before_request(_spoil_before)
    # Flask runs these last to first: spoil, then note what really left.
    app.after_request(_close_journal)
    app.after_request(_spoil_after)
    app.after_request(_harden)
    app.jinja_env.globals["picture"] = pictures.address
    rooms = (dispatch, authorize, connected_apps, console, pictures, revoke, token, api)
    for room in (*rooms, webhook_routes, subscription_routes, public_pages):
        app.register_blueprint(room.blueprint)
    return app


def _open_journal() -> None:
    g.began = time.perf_counter()
    g.entry = None
    if request.path.startswith(_NOTED):
        world = request_context.current_world()
        g.entry = world.journal.open(request, timestamp(world.now()))


def _spoil_before() -> Response | None:
    return fault_injection.before_the_work() if g.entry else None


def _spoil_after(response: Response) -> Response:
    return fault_injection.after_the_work(response) if g.get("entry") else response


def _close_journal(response: Response) -> Response:
    if g.get("entry") and not g.get("dropped"):
        took = (time.perf_counter() - g.began) * 1000
        request_context.current_world().journal.close(g.entry, response, took)
    return response


def _harden(response: Response) -> Response:
    """Keep browsers from guessing, framing and loading.

    `form-action` is left out on purpose: a browser applies it to redirects too, and the consent
    form ends at the client's callback.
    """
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    if response.mimetype == "text/html":
        response.headers.setdefault("Content-Security-Policy", _POLICY)
    return response
