"""Looks Spaces up."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sandbox.api import problems
from sandbox.api.call import Answer, Call, Handler
from sandbox.api.query import NUMERIC_ID, SPACE_ID
from sandbox.api.render import Renderer


def space(call: Call, space_id: str) -> Answer:
    """`GET /2/spaces/:id`."""
    show = call.renderer("space")
    call.query.path("id", space_id, SPACE_ID)
    call.query.done()
    return show.body(_seen(call, show, "id", space_id))


def spaces(call: Call) -> Answer:
    """`GET /2/spaces?ids=`."""
    show = call.renderer("space")
    ids = call.query.many("ids", SPACE_ID)
    call.query.done()
    seen = [_seen(call, show, "ids", i) for i in ids]
    return show.body([space for space in seen if space is not None])


def spaces_by(call: Call) -> Answer:
    """`GET /2/spaces/by/creator_ids?user_ids=`: what these people have live or scheduled."""
    show = call.renderer("space")
    creators = call.query.many("user_ids", NUMERIC_ID)
    call.query.done()
    return _open_spaces_of(call, show, creators)


def spaces_search(call: Call) -> Answer:
    """`GET /2/spaces/search?query=`: live or scheduled Spaces with these words in the title."""
    show = call.renderer("space")
    words = call.query.sentence("query", 2048).casefold().split()
    state = call.query.choice("state", ("live", "scheduled", "all"), "all")
    size = call.query.number("max_results", 1, 100, 100)
    call.query.done()
    wanted = {"live", "scheduled"} if state == "all" else {state}
    found = [
        space
        for space in call.world.spaces.values()
        if space.state in wanted and all(word in space.title.casefold() for word in words)
    ]
    data = [show.space(space) for space in found[:size]]
    return show.body(data, {"result_count": len(data)})


def following_spaces(call: Call, account_id: str) -> Answer:
    """`GET /2/users/:id/following/spaces`, which only the beta of 2021 had."""
    show = call.renderer("space")
    call.query.path("id", account_id)
    call.query.done()
    return _open_spaces_of(call, show, call.world.follows.following(account_id))


def _open_spaces_of(call: Call, show: Renderer, creators: Iterable[str]) -> Answer:
    wanted = set(creators)
    found = [
        space
        for space in call.world.spaces.values()
        if space.creator_id in wanted and space.state in {"live", "scheduled"}
    ]
    data = [show.space(space) for space in found]
    return show.body(data, {"result_count": len(data)})


def _seen(call: Call, show: Renderer, parameter: str, value: str) -> dict[str, Any] | None:
    found = call.world.spaces.get(value)
    if found is None:
        show.note(problems.missing("space", parameter, value))
        return None
    return show.space(found)


HANDLERS: dict[str, Handler] = {
    "space": space,
    "spaces": spaces,
    "spaces_by": spaces_by,
    "spaces_search": spaces_search,
    "following_spaces": following_spaces,
}
