"""One call of the API, after its token was checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.api.paging import Pages
from sandbox.api.query import Query
from sandbox.api.render import Renderer
from sandbox.oauth.token_store import Token
from sandbox.world.model import Account
from sandbox.world.state import World

# The body of an answer, and how many resources it holds: that is what Twitter charges for.
Answer = tuple[dict[str, Any], int]
Handler = Callable[..., Answer]


class Call:
    """The call, as a handler needs it."""

    def __init__(
        self, world: World, token: Token, viewer: Account, query: Query, origin: str
    ) -> None:
        self.world = world
        self.viewer = viewer
        self.query = query
        self.renamed = False
        self.price: float | None = None  # of this call, where it is not that of its endpoint
        self._token = token
        self._origin = origin

    def renderer(self, kind: str) -> Renderer:
        """Return a renderer for the fields and expansions that the client asks for."""
        wanted = self.query.wanted(kind)
        self.renamed = wanted.renamed
        may_email = "users.email" in self._token.grant.scopes
        return Renderer(self.world, self.viewer, wanted, self._origin, email_allowed=may_email)

    def pages(self, name: str) -> Pages:
        """Return the pages of a list; `name` says which, filters included.

        A token of one list or one viewer opens no other.
        """
        return Pages(self.world.secret, f"{name}/{self.viewer.id}/")
