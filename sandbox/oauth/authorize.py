"""`/i/oauth2/authorize`: the consent page."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlencode

from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response as BaseResponse

from sandbox.oauth.consent_requests import AuthorizationRequest, DeadEnd
from sandbox.oauth.origin_check import from_elsewhere
from sandbox.request_context import current_world
from sandbox.world.dialects import BETA, SCOPES
from sandbox.world.model import Client
from sandbox.world.state import World

blueprint = Blueprint("authorize", __name__)

_SHOWN_ACCOUNTS = (
    100  # a seed file may bring thousands; all of them can sign in, these can be picked
)
_STATE_LENGTH = 500  # Twitter's documentation: "up to 500 characters"
_S256_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # RFC 7636 §4.2: base64url of 32 bytes
# RFC 7636 §4.1 wants 43 characters and more; Twitter's own example sends the word "challenge".
_PLAIN_CHALLENGE = re.compile(r"[A-Za-z0-9._~-]{1,128}")


@blueprint.get("/i/oauth2/authorize")
def ask() -> BaseResponse:
    """Show the consent form, or the reason why there is none (RFC 6749 §4.1.1, §4.1.2.1)."""
    try:
        asked = _checked(request.args)
    except DeadEnd as problem:
        return _dead_end(str(problem))
    if not asked.state:
        # Seen on Twitter: the one mistake that is answered by a redirect.
        return _back(asked, {"error": "invalid_request", "state": ""})
    return _page(
        "authorize.html",
        200,
        asked=asked,
        accounts=current_world().signed_in_choices()[:_SHOWN_ACCOUNTS],
        words=SCOPES[current_world().settings.dialect],
        consent_request=current_world().consent_requests.issue(asked, current_world().now()),
    )


@blueprint.post("/i/oauth2/authorize")
def answer() -> BaseResponse:
    """Take the person's answer. Each form is good for one, and only from our own page."""
    if from_elsewhere():
        return _dead_end("The form was not sent from this page (Origin header).")
    try:
        with current_world().lock:  # no suspension between the check and the code
            return _answered(current_world(), request.form)
    except DeadEnd as problem:
        return _dead_end(str(problem))


def _answered(world: World, form: MultiDict[str, str]) -> BaseResponse:
    account = world.usernames.get(form.get("account", "").lower())
    decision = form.get("decision")
    if decision not in ("authorize", "cancel"):
        raise DeadEnd("decision must be authorize or cancel.")
    if decision == "authorize" and account not in world.signed_in_choices():
        raise DeadEnd("account must be the username of an account that can sign in.")
    asked = world.consent_requests.claim(form.get("consent_request", ""), world.now())
    if decision == "cancel" or account is None:
        return _back(asked, {"error": "access_denied", "state": asked.state})
    code = world.token_store.approve(account.id, asked, world.now())
    return _back(asked, {"state": asked.state, "code": code.value})


def _checked(args: MultiDict[str, str]) -> AuthorizationRequest:
    """Return the request, if valid; the error names the first rule that fails."""
    for name, values in args.lists():
        if len(values) > 1:
            raise DeadEnd(f"{name} is there more than once (RFC 6749 §3.1).")
    client = _client(args.get("client_id", ""))
    redirect_uri = args.get("redirect_uri", "")
    if redirect_uri not in client.callbacks:
        message = (
            "redirect_uri is not exactly one of the registered callbacks: every slash, port and "
            f"query counts. Registered: {', '.join(client.callbacks)}."
        )
        raise DeadEnd(message)
    if args.get("response_type") != "code":
        raise DeadEnd("response_type must be code.")
    challenge, method = _challenge(args)
    state = args.get("state", "")
    if len(state) > _STATE_LENGTH:
        raise DeadEnd(f"state is longer than {_STATE_LENGTH} characters.")
    return AuthorizationRequest(
        client=client,
        redirect_uri=redirect_uri,
        scopes=_scopes(args.get("scope", "")),
        state=state,
        challenge=challenge,
        method=method,
    )


def _client(client_id: str) -> Client:
    client = current_world().clients.get(client_id)
    if client is None:
        raise DeadEnd("client_id is not a registered client.")
    if client.confidential and current_world().settings.dialect == BETA:
        raise DeadEnd("The beta of 2021 knew public clients only; this one has a secret.")
    return client


def _scopes(text: str) -> tuple[str, ...]:
    dialect = current_world().settings.dialect
    known = SCOPES[dialect]
    scopes = tuple(dict.fromkeys(text.split(" "))) if text else ()
    if not scopes:
        raise DeadEnd("scope is missing.")
    if unknown := [scope for scope in scopes if scope not in known]:
        raise DeadEnd(f"scope {unknown[0]!r} does not exist in the {dialect} dialect.")
    return scopes


def _challenge(args: Mapping[str, str]) -> tuple[str, str]:
    """Return the PKCE challenge and its method. Twitter and RFC 9700 §2.1.1 require one."""
    challenge = args.get("code_challenge", "")
    method = args.get("code_challenge_method", "")
    if not challenge or not method:
        raise DeadEnd("code_challenge and code_challenge_method are required (PKCE, RFC 7636).")
    # Clients that ship today write S256 in lower case, so Twitter must accept that.
    shapes = {"S256": _S256_CHALLENGE, "s256": _S256_CHALLENGE, "plain": _PLAIN_CHALLENGE}
    if method not in shapes:
        raise DeadEnd("code_challenge_method must be S256 or plain.")
    if not shapes[method].fullmatch(challenge):
        raise DeadEnd(f"code_challenge cannot be a {method} challenge (RFC 7636 §4.2).")
    return challenge, "plain" if method == "plain" else "S256"


def _back(asked: AuthorizationRequest, query: dict[str, str]) -> BaseResponse:
    """Send the browser back. A query that the callback already has is kept (RFC 6749 §3.1.2).

    With `way_back` set to `another-browser`, a page only shows the address, as if Twitter's app on
    a phone had taken over. Browsers ignore the `Location` of a 200; the journal shows it.
    """
    joint = "&" if "?" in asked.redirect_uri else "?"
    address = f"{asked.redirect_uri}{joint}{urlencode(query)}"
    if current_world().settings.way_back == "another-browser":
        page = _page("another_browser.html", 200, address=address, client=asked.client)
        page.headers["Location"] = address
        return page
    response = redirect(address, code=302)
    response.headers["Cache-Control"] = "no-store"
    return response


def _dead_end(reason: str) -> Response:
    """Show Twitter's "Something went wrong" page, which leads nowhere."""
    return _page("something_went_wrong.html", 400, reason=reason)


def _page(template: str, status: int, **values: object) -> Response:
    response = make_response(render_template(template, **values), status)
    response.headers["Cache-Control"] = "no-store"
    return response
