"""Which controls people are offered: what Twitter does not allow at the moment disappears."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from app.services import services
from app.twitter import endpoints
from app.twitter.endpoints import Endpoint
from app.web.current_person import current_person

# What each control asks of Twitter first: the first of these that exists in the dialect.
CONTROLS: Mapping[str, tuple[Endpoint, ...]] = {
    "follow": (endpoints.FOLLOW,),
    "unfollow": (endpoints.UNFOLLOW,),
    "followers": (endpoints.FOLLOWERS,),
    "find_people": (endpoints.USERS_BY,),
    "look_up_tweets": (endpoints.TWEETS,),
    "look_up_spaces": (endpoints.SPACES,),
    "look_up_spaces_of_people": (endpoints.SPACES_BY_CREATORS,),
    "spaces": (endpoints.FOLLOWING_SPACES, endpoints.SPACES_BY_CREATORS),
}


def offering() -> Callable[[str], bool]:
    """Return the question `offered` for one page, which asks it of each of its controls.

    Nothing is looked up before it is asked, and one look serves the whole page.
    """

    @cache
    def closed() -> frozenset[Endpoint]:
        person = current_person()
        asked = tuple({telling for control in CONTROLS if (telling := asked_by(control))})
        user_id = person.profile.id if person else None
        verdicts = services().quota.unavailable(user_id, of=asked)
        return frozenset(verdict.endpoint for verdict in verdicts)

    def offered(control: str) -> bool:
        telling = asked_by(control)
        return telling is not None and telling not in closed()

    return offered


def asked_by(control: str) -> Endpoint | None:
    """Return what `control` asks first; None if the dialect knows nothing of the kind."""
    dialect = services().dialect
    return next((one for one in CONTROLS[control] if one.exists_in(dialect)), None)
