"""Looks accounts up."""

from __future__ import annotations

from typing import Any

from sandbox.api import problems
from sandbox.api.call import Answer, Call, Handler
from sandbox.api.query import NUMERIC_ID, USERNAME
from sandbox.api.render import Renderer
from sandbox.world.model import Account


def me(call: Call) -> Answer:
    """`GET /2/users/me`: the person whose token this is."""
    show = call.renderer("user")
    call.query.done()
    return show.body(show.user(call.viewer))


def user(call: Call, account_id: str) -> Answer:
    """`GET /2/users/:id`."""
    show = call.renderer("user")
    call.query.path("id", account_id)
    call.query.done()
    return show.body(_seen(show, call.world.accounts.get(account_id), "id", account_id))


def user_by(call: Call, username: str) -> Answer:
    """`GET /2/users/by/username/:username`."""
    show = call.renderer("user")
    call.query.path("username", username, USERNAME)
    call.query.done()
    account = call.world.usernames.get(username.lower())
    return show.body(_seen(show, account, "username", username))


def users(call: Call) -> Answer:
    """`GET /2/users?ids=`."""
    show = call.renderer("user")
    ids = call.query.many("ids", NUMERIC_ID)
    call.query.done()
    seen = [_seen(show, call.world.accounts.get(i), "ids", i) for i in ids]
    return show.body([user for user in seen if user is not None])


def users_by(call: Call) -> Answer:
    """`GET /2/users/by?usernames=`."""
    show = call.renderer("user")
    names = call.query.many("usernames", USERNAME)
    call.query.done()
    seen = [_seen(show, call.world.usernames.get(n.lower()), "usernames", n) for n in names]
    return show.body([user for user in seen if user is not None])


def _seen(
    show: Renderer, account: Account | None, parameter: str, value: str
) -> dict[str, Any] | None:
    """Return an account, or note the reason why not. A protected one hides its posts only."""
    if account is None:
        show.note(problems.missing("user", parameter, value))
        return None
    if account.suspended:
        show.note(problems.suspended(parameter, value))
        return None
    return show.user(account)


HANDLERS: dict[str, Handler] = {
    "me": me,
    "user": user,
    "user_by": user_by,
    "users": users,
    "users_by": users_by,
}
