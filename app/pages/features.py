"""The features that depend on Twitter's plan. A page omits those that are unavailable now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from app.services import services
from app.twitter import endpoints
from app.twitter.endpoints import Endpoint
from app.web.current_person import current_person

# The main endpoint of each feature: the first of these that the dialect has.
FEATURES: Mapping[str, tuple[Endpoint, ...]] = {
    "follow": (endpoints.FOLLOW,),
    "unfollow": (endpoints.UNFOLLOW,),
    "followers": (endpoints.FOLLOWERS,),
    "find_people": (endpoints.USERS_BY,),
    "look_up_tweets": (endpoints.TWEETS,),
    "look_up_spaces": (endpoints.SPACES,),
    "look_up_spaces_of_people": (endpoints.SPACES_BY_CREATORS,),
    "spaces": (endpoints.FOLLOWING_SPACES, endpoints.SPACES_BY_CREATORS),
}


def offered_on_page() -> Callable[[str], bool]:
    """Return `offered`, with which the template of one page asks whether to show a feature.

    Its first call looks up all verdicts in the cache; the others reuse them.
    """

    @cache
    def unavailable() -> frozenset[Endpoint]:
        person = current_person()
        asked = tuple({main for feature in FEATURES if (main := _main_endpoint(feature))})
        user_id = person.profile.id if person else None
        verdicts = services().quota.unavailable(user_id, of=asked)
        return frozenset(verdict.endpoint for verdict in verdicts)

    def offered(feature: str) -> bool:
        main = _main_endpoint(feature)
        return main is not None and main not in unavailable()

    return offered


def _main_endpoint(feature: str) -> Endpoint | None:
    """Return the main endpoint of `feature`; None if the dialect has none for it."""
    dialect = services().dialect
    return next((one for one in FEATURES[feature] if one.exists_in(dialect)), None)
