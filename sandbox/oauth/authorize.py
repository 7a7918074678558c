"""`/i/oauth2/authorize`: the page on which a person says yes or no."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlencode

from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as BaseResponse

from sandbox.oauth.consent_requests import AuthorizationRequest, BadTicketError
from sandbox.oauth.origin_check import from_elsewhere
from sandbox.request_context import world
from sandbox.world.dialects import BETA, SCOPES
from sandbox.world.model import Client
from sandbox.world.state import World

blueprint = Blueprint("authorize", __name__)

SHOWN = 100  # a seed file may bring thousands; all of them can sign in, these can be picked
_STATE_LENGTH = 500  # Twitter's documentation: "up to 500 characters"
_S256_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # RFC 7636 §4.2: base64url of 32 bytes
# RFC 7636 §4.1 wants 43 characters and more; Twitter's own example sends the word "challenge".
_PLAIN_CHALLENGE = re.compile(r"[A-Za-z0-9._~-]{1,128}")


class DeadEndError(Exception):
    """A request so wrong that nobody is sent back. The text is for the developer."""


@blueprint.get("/i/oauth2/authorize")
def ask() -> BaseResponse:
    """Show the consent form, or why there is none (RFC 6749 §4.1.1, §4.1.2.1)."""
    try:
        asked = _checked(request.args)
    except DeadEndError as problem:
        return _dead_end(str(problem))
    if not asked.state:
        # Seen on Twitter: the one mistake that is answered by a redirect.
        return _back(asked, {"error": "invalid_request", "state": ""})
    return _page(
        "authorize.html",
        200,
        asked=asked,
        accounts=world().signed_in_choices()[:SHOWN],
        words=SCOPES[world().settings.dialect],
        ticket=world().tickets.issue(asked, world().now()),
    )


@blueprint.post("/i/oauth2/authorize")
def answer() -> BaseResponse:
    """Take the person's answer. Each form is good for one, and only from our own page."""
    if from_elsewhere():
        return _dead_end("The form was not sent from this page (Origin header).")
    try:
        with world().lock:  # or somebody could be suspended between the question and the code
            return _answered(world(), request.form)
    except (DeadEndError, BadTicketError) as problem:
        return _dead_end(str(problem))


def _answered(here: World, form: MultiDict[str, str]) -> BaseResponse:
    account = here.usernames.get(form.get("account", "").lower())
    decision = form.get("decision")
    if decision not in ("authorize", "cancel"):
        raise DeadEndError("decision must be authorize or cancel.")
    if decision == "authorize" and account not in here.signed_in_choices():
        raise DeadEndError("account must be the username of somebody who can sign in here.")
    asked = here.tickets.claim(form.get("ticket", ""), here.now())
    if decision == "cancel" or account is None:
        return _back(asked, {"error": "access_denied", "state": asked.state})
    code = here.ledger.approve(account.id, asked, here.now())
    return _back(asked, {"state": asked.state, "code": code.value})


def _checked(args: MultiDict[str, str]) -> AuthorizationRequest:
    """Check every parameter; the first rule that fails is named."""
    for name, values in args.lists():
        if len(values) > 1:
            raise DeadEndError(f"{name} is there more than once (RFC 6749 §3.1).")
    client = _client(args.get("client_id", ""))
    redirect_uri = args.get("redirect_uri", "")
    if redirect_uri not in client.callbacks:
        message = (
            "redirect_uri is not exactly one of the registered callbacks: every slash, port and "
            f"query counts. Registered: {', '.join(client.callbacks)}."
        )
        raise DeadEndError(message)
    if args.get("response_type") != "code":
        raise DeadEndError("response_type must be code.")
    challenge, method = _challenge(args)
    state = args.get("state", "")
    if len(state) > _STATE_LENGTH:
        raise DeadEndError(f"state is longer than {_STATE_LENGTH} characters.")
    return AuthorizationRequest(
        client=client,
        redirect_uri=redirect_uri,
        scopes=_scopes(args.get("scope", "")),
        state=state,
        challenge=challenge,
        method=method,
    )


def _client(client_id: str) -> Client:
    client = world().clients.get(client_id)
    if client is None:
        raise DeadEndError("client_id is not a registered client.")
    if client.confidential and world().settings.dialect == BETA:
        raise DeadEndError("The beta of 2021 knew public clients only; this one has a secret.")
    return client


def _scopes(text: str) -> tuple[str, ...]:
    known = SCOPES[world().settings.dialect]
    scopes = tuple(dict.fromkeys(text.split(" "))) if text else ()
    if not scopes:
        raise DeadEndError("scope is missing.")
    if unknown := [scope for scope in scopes if scope not in known]:
        raise DeadEndError(
            f"scope {unknown[0]!r} does not exist in the {world().settings.dialect} dialect."
        )
    return scopes


def _challenge(args: Mapping[str, str]) -> tuple[str, str]:
    """Read the PKCE challenge. Twitter demands it of everybody, and so does RFC 9700 §2.1.1."""
    challenge = args.get("code_challenge", "")
    method = args.get("code_challenge_method", "")
    if not challenge or not method:
        raise DeadEndError(
            "code_challenge and code_challenge_method are required (PKCE, RFC 7636)."
        )
    # Clients that ship today write S256 in lower case, so Twitter must accept that.
    shapes = {"S256": _S256_CHALLENGE, "s256": _S256_CHALLENGE, "plain": _PLAIN_CHALLENGE}
    if method not in shapes:
        raise DeadEndError("code_challenge_method must be S256 or plain.")
    if not shapes[method].fullmatch(challenge):
        raise DeadEndError(f"code_challenge cannot be a {method} challenge (RFC 7636 §4.2).")
    return challenge, "plain" if method == "plain" else "S256"


def _back(asked: AuthorizationRequest, query: dict[str, str]) -> BaseResponse:
    """Send the person back. A query the callback already has is kept (RFC 6749 §3.1.2)."""
    joint = "&" if "?" in asked.redirect_uri else "?"
    response = redirect(f"{asked.redirect_uri}{joint}{urlencode(query)}", code=302)
    response.headers["Cache-Control"] = "no-store"
    return response


def _dead_end(reason: str) -> Response:
    """Show Twitter's "Something went wrong" page, which leads nowhere."""
    return _page("something_went_wrong.html", 400, reason=reason)


def _page(template: str, status: int, **values: object) -> Response:
    response = make_response(render_template(template, **values), status)
    response.headers["Cache-Control"] = "no-store"
    return response
