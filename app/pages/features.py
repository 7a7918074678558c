"""The features that depend on Twitter's plan. A page omits those that are unavailable now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from app.services import services
from app.twitter.endpoints import Endpoint
from app.web.current_person import current_person


def offered_on_page(features: Mapping[str, tuple[Endpoint, ...]]) -> Callable[[str], bool]:
    """Return `offered`, with which the template of one page asks whether to show a feature.

    `features` has the main endpoint of each: the first of these that the dialect has. A feature of
    no section is not offered.

    Its first call looks up all verdicts in the cache; the others reuse them.
    """
    dialect = services().dialect

    def main_endpoint(feature: str) -> Endpoint | None:
        return next((one for one in features.get(feature, ()) if one.exists_in(dialect)), None)

    @cache
    def unavailable() -> frozenset[Endpoint]:
        person = current_person()
        asked = tuple({main for feature in features if (main := main_endpoint(feature))})
        user_id = person.profile.id if person else None
        verdicts = services().quota.unavailable(user_id, of=asked)
        return frozenset(verdict.endpoint for verdict in verdicts)

    def offered(feature: str) -> bool:
        main = main_endpoint(feature)
        return main is not None and main not in unavailable()

    return offered
