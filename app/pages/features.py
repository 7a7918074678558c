"""The features that depend on Twitter's plan. A page omits those that are unavailable now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

from app.services import services
from app.twitter.dialect import Dialect
from app.twitter.endpoints import Endpoint
from app.web.current_person import current_person


def main_endpoints(
    features: Mapping[str, tuple[Endpoint, ...]], dialect: Dialect
) -> dict[str, Endpoint]:
    """Return the main endpoint of each feature: the first of its endpoints that `dialect` has."""
    exist = {name: [e for e in ends if e.exists_in(dialect)] for name, ends in features.items()}
    return {name: endpoints[0] for name, endpoints in exist.items() if endpoints}


def offered_on_page(mains: Mapping[str, Endpoint]) -> Callable[[str], bool]:
    """Return `offered`, with which the template of one page asks whether to show a feature.

    `mains` has the main endpoint of each; a feature without one is not offered. The first call of
    `offered` looks up all verdicts in the cache; the others reuse them.
    """

    @cache
    def unavailable() -> frozenset[Endpoint]:
        person = current_person()
        user_id = person.profile.id if person else None
        verdicts = services().quota.unavailable(user_id, of=tuple({*mains.values()}))
        return frozenset(verdict.endpoint for verdict in verdicts)

    def offered(feature: str) -> bool:
        return feature in mains and mains[feature] not in unavailable()

    return offered
