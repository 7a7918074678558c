"""Dispatches the API's calls: checks tokens, counts calls, writes answers."""

from __future__ import annotations

import hmac
import json
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, current_app, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from sandbox.api import follows, limits, posts, problems, reactions, search, spaces, tweets, users
from sandbox.api.call import Call, Handler
from sandbox.api.endpoints import ENDPOINTS, NOWHERE, Endpoint
from sandbox.api.problems import Problem
from sandbox.api.query import Query
from sandbox.api.spec_2167 import published, renamed
from sandbox.oauth.token_store import Token
from sandbox.request_context import current_world, origin
from sandbox.world.dialects import BETA, RENAMED
from sandbox.world.model import Client
from sandbox.world.state import World

blueprint = Blueprint("api", __name__)

_TYPES_OF_THE_BETA = "https://api.twitter.com/2/problems/"
_METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH"]
_VERSIONS = {RENAMED: "2.167"}  # the first specification with the new names

HANDLERS: dict[str, Handler] = {
    **users.HANDLERS,
    **tweets.HANDLERS,
    **posts.HANDLERS,
    **reactions.HANDLERS,
    **search.HANDLERS,
    **follows.HANDLERS,
    **spaces.HANDLERS,
}


@dataclass(frozen=True, slots=True)
class View:
    """The view of one endpoint."""

    endpoint: Endpoint
    handler: Handler

    def __call__(self, **path: str) -> Response:
        """Check the token, the scopes, the plan, the limits and the parameters, in this order."""
        world, headers = current_world(), {}
        with world.lock:
            try:
                token = _token(world)
                counts = limits.count(world, self.endpoint, token)
                headers = limits.told(counts)
                self._check_scopes(world, token)
                limits.check(world, self.endpoint, token, counts)
                body, resources, price = self._answer(world, token, path)
            except Problem as problem:
                problem.headers, problem.body = headers, said(problem.body)
                return problem.answer()
            limits.charge(world, self.endpoint, resources, price)
        text = json.dumps(said(body), ensure_ascii=False, separators=(",", ":"))
        kind = "application/json; charset=utf-8"
        return Response(text, self.endpoint.status, headers=headers, content_type=kind)

    def _check_scopes(self, world: World, token: Token) -> None:
        beta = world.settings.dialect == BETA
        needed = self.endpoint.beta_scopes if beta else self.endpoint.scopes
        if needed is None:
            if not beta:
                raise problems.not_found()
            raise problems.unsupported_authentication(
                problems.USER, problems.OAUTH_1, problems.APP_ONLY
            )
        if not needed <= token.grant.scopes:
            raise problems.forbidden()

    def _answer(
        self, world: World, token: Token, path: dict[str, str]
    ) -> tuple[dict[str, Any], int, float]:
        """Return the body, how many resources it holds, and the price of each."""
        query = Query(published=world.settings.dialect == RENAMED)
        call = Call(world, token, world.accounts[token.grant.account_id], query, origin())
        body, resources = self.handler(call, **path)
        price = self.endpoint.price if call.price is None else call.price
        return renamed(body) if call.renamed else body, resources, price


def _token(world: World) -> Token:
    """Return the living access token of the request, which must have one."""
    token = brought(world)
    if token is not None:
        return token
    if app_of_bearer(world) is not None:
        raise problems.unsupported_authentication(
            problems.APP_ONLY, problems.OAUTH_1, problems.USER
        )
    raise problems.unauthorized()


def brought(world: World) -> Token | None:
    """Return the living access token of the request."""
    return world.token_store.bearer(_bearer(), world.now())


def app_of_bearer(world: World) -> Client | None:
    """Return the client whose app-only token the request brings."""
    given = _bearer().encode()
    clients = list(world.clients.values())
    own = (c for c in clients if hmac.compare_digest(c.bearer_token.encode(), given))
    return next(own, None)


def _bearer() -> str:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""


def limits_told(*, over: bool) -> dict[str, str]:
    """Return the rate headers for an answer that a fault makes up; none outside the API."""
    view, world = current_app.view_functions.get(request.endpoint or ""), current_world()
    if view is not nothing_here and not isinstance(view, View):
        return {}
    endpoint = view.endpoint if isinstance(view, View) else NOWHERE
    with world.lock:
        return limits.glance(world, endpoint, brought(world), over=over)


def said(body: dict[str, Any]) -> dict[str, Any]:
    """Return a body as the dialect spells it."""
    spell = {BETA: _in_the_beta, RENAMED: published}.get(current_world().settings.dialect)
    return spell(body) if spell else body


def _in_the_beta(body: dict[str, Any]) -> dict[str, Any]:
    """Return a body with its problem types at the host of 2021."""
    moved = dict(body)
    if "type" in body:
        moved["type"] = body["type"].replace(problems.TYPES, _TYPES_OF_THE_BETA)
    if "errors" in body:
        moved["errors"] = [_in_the_beta(error) for error in body["errors"]]
    return moved


for _endpoint in ENDPOINTS:
    blueprint.add_url_rule(
        _endpoint.rule,
        _endpoint.name,
        View(_endpoint, HANDLERS[_endpoint.name]),
        methods=[_endpoint.method],
    )


@blueprint.route("/2", methods=_METHODS)  # not the profile of an account of that name
@blueprint.route("/2/<path:anything>", methods=_METHODS)
def nothing_here(anything: str = "") -> Response:
    """Answer a path that the API, or the sandbox, does not have."""
    del anything
    world, problem = current_world(), problems.not_found()
    with world.lock:
        if (token := brought(world)) is not None:
            problem.headers = limits.told(limits.count(world, NOWHERE, token))
    return problem.answer()


@blueprint.app_errorhandler(HTTPException)
def odd_request(error: HTTPException) -> Response | HTTPException:
    """Answer HTTP errors of the API in its own way, even for unknown methods."""
    if request.path != "/2" and not request.path.startswith("/2/"):
        return error
    if isinstance(error, NotFound | MethodNotAllowed):
        return stamp(nothing_here(request.path))
    return stamp(problems.plain(error.code or 500, error.name).answer())


@blueprint.after_request
def stamp(response: Response) -> Response:
    """Add the headers that every live answer carries."""
    response.headers["api-version"] = _VERSIONS.get(current_world().settings.dialect, "2.166")
    response.headers["Cache-Control"] = "no-cache, no-store, max-age=0"
    return response
