"""Reads and changes follows."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.api.call import Answer, Call, Handler
from sandbox.api.query import NUMERIC_ID
from sandbox.api.tweets import closed, must_be_me
from sandbox.request_body import sent_json


def following(call: Call, account_id: str) -> Answer:
    """`GET /2/users/:id/following`."""
    return _list(call, account_id, "following", call.world.follows.following)


def followers(call: Call, account_id: str) -> Answer:
    """`GET /2/users/:id/followers`."""
    return _list(call, account_id, "followers", call.world.follows.followers)


def follow(call: Call, account_id: str) -> Answer:
    """`POST /2/users/:id/following`; a protected account is asked first."""
    call.query.path("id", account_id)
    must_be_me(call, account_id)
    target_id = _target(call)
    call.query.done()
    target = call.world.accounts.get(target_id)
    if target is None or target.suspended or target_id == call.viewer.id:
        said = "You cannot follow yourself." if target else f"User '{target_id}' not found."
        call.query.complaints.add("target_user_id", [target_id], said)
        call.query.complaints.raise_if_any()
    already = call.world.follows.has(call.viewer.id, target_id)
    pending = target is not None and target.protected and not already
    if pending:
        call.world.follows.ask(call.viewer.id, target_id)
    else:
        call.world.follows.add(call.viewer.id, target_id)
    return {"data": {"following": not pending, "pending_follow": pending}}, 1


def unfollow(call: Call, account_id: str, target_id: str) -> Answer:
    """`DELETE /2/users/:source_user_id/following/:target_user_id`."""
    call.query.path("id", account_id)
    must_be_me(call, account_id)
    call.query.path("target_user_id", target_id)
    call.query.done()
    call.world.follows.remove(call.viewer.id, target_id)
    return {"data": {"following": False}}, 1


def _list(call: Call, account_id: str, name: str, ids: Callable[[str], list[str]]) -> Answer:
    show = call.renderer("user")
    call.query.path("id", account_id)
    size = call.query.number("max_results", 1, 1000, 100)
    pages = call.pages(f"{name}/{account_id}")
    start = call.query.start(pages)
    call.query.done()
    if (problem := closed(call, account_id)) is not None:
        show.note(problem)
        return show.body(None)
    accounts = [call.world.accounts[i] for i in ids(account_id)]
    seen = [account for account in accounts if not account.suspended]
    page = [show.user(account) for account in seen[start : start + size]]
    return show.body(page, pages.meta(len(seen), start, size))


def _target(call: Call) -> str:
    """Return the id in `{"target_user_id": "…"}`; other keys are refused."""
    body = sent_json()
    given = body if isinstance(body, dict) else {}
    for name in given.keys() - {"target_user_id"}:
        call.query.complaints.add(name, [str(given[name])], f"$.{name}: is not defined")
    target = given.get("target_user_id")
    if target is None:
        message = "$.target_user_id: is missing but it is required"
        call.query.complaints.add("target_user_id", [], message)
    elif not isinstance(target, str) or not NUMERIC_ID.fullmatch(target):
        message = f"$.target_user_id: does not match the regex pattern ^{NUMERIC_ID.pattern}$"
        call.query.complaints.add("target_user_id", [str(target)], message)
    return str(target)


HANDLERS: dict[str, Handler] = {
    "following": following,
    "followers": followers,
    "follow": follow,
    "unfollow": unfollow,
}
