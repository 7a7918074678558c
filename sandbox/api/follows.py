"""Reads and changes follows."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.api.body import Body
from sandbox.api.call import Answer, Call, Handler
from sandbox.api.tweets import closed, must_be_me, own_path


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
    body = Body.sent(call.query.complaints)
    target_id = body.id("target_user_id", required=True)
    body.done()
    call.query.done()
    target = call.world.accounts.get(target_id)
    if target is None or target.suspended or target_id == call.viewer.id:
        own = target_id == call.viewer.id
        said = "You cannot follow yourself." if own else f"User '{target_id}' not found."
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
    own_path(call, account_id, "target_user_id", target_id)
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


HANDLERS: dict[str, Handler] = {
    "following": following,
    "followers": followers,
    "follow": follow,
    "unfollow": unfollow,
}
