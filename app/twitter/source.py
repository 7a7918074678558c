"""A request to the API, and the sources that answer it: Twitter (`api_client`), or a cache."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from app.twitter.endpoints import Endpoint


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiRequest:
    """One request to the API, without an access token."""

    endpoint: Endpoint
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    json: Mapping[str, str] | None = None

    @property
    def key(self) -> str:
        """The request as text, equal for equal requests."""
        return f"{self.endpoint.method} {self.path} {sorted(self.params.items())}"


class Document(dict[str, Any]):
    """A cached answer, with the values that were parsed from it, so that each is parsed once."""

    def __init__(self, json: Mapping[str, Any], parsed: dict[Hashable, Any]) -> None:
        super().__init__(json)
        self.parsed = parsed


class Source(Protocol):
    """Answers requests."""

    def answer(self, request: ApiRequest) -> dict[str, Any]:
        """Return the answer as Twitter documents it: `data`, `includes`, `errors` and `meta`.

        Raises the `TwitterError` that came instead.
        """
