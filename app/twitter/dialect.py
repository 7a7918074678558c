"""The dialects of Twitter, a documented setting: where it differs from RFC 6749 and its own past.

`LIVE` is today's service. `BETA` is the private beta of 2021, whose document this product
implements: other scope names, no timeline, Spaces of followed people in one call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Self
from urllib.parse import urlsplit


class Permission(StrEnum):
    """The permissions that this site knows, one a row. Their sentences are in app/web/messages.py.

    The columns: its name in forms, its scope in each dialect (None where there is none), and
    whether a sign-in asks for it; otherwise it is asked for when it is first needed.
    """

    scopes: Mapping[str, str | None]
    at_sign_in: bool

    def __new__(cls, name: str, live: str | None, beta: str | None, at_sign_in: bool) -> Self:  # noqa: FBT001 - a column
        """Return the member of one row."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.scopes = MappingProxyType({"live": live, "beta": beta})
        member.at_sign_in = at_sign_in
        return member

    READ_TWEETS = "read_tweets", "tweet.read", "tweet.read", True
    READ_USERS = "read_users", "users.read", "users.read", True
    READ_FOLLOWS = "read_follows", "follows.read", "account.follows.read", True
    WRITE_FOLLOWS = "write_follows", "follows.write", "account.follows.write", False
    READ_SPACES = "read_spaces", "space.read", "spaces.read", True
    STAY_SIGNED_IN = "stay_signed_in", "offline.access", "offline.access", True


# Twitter redirects between its two names, and the CSP of a form covers every redirect.
HOMES = ("https://x.com", "https://twitter.com")
_IMAGES = ("https://pbs.twimg.com", "https://abs.twimg.com")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """A version of Twitter: hosts and scope names. `endpoints` lists the endpoints of each."""

    name: str
    authorize_url: str
    authorize_origins: tuple[str, ...]
    api_url: str
    image_origins: tuple[str, ...]
    connected_apps_url: str

    @property
    def permissions(self) -> tuple[Permission, ...]:
        """The permissions that this dialect has, in the order of the table."""
        return tuple(permission for permission in Permission if self.scope(permission))

    @property
    def at_sign_in(self) -> tuple[Permission, ...]:
        """The permissions that a sign-in asks for: those for reading."""
        return tuple(permission for permission in self.permissions if permission.at_sign_in)

    def scope(self, permission: Permission) -> str | None:
        """Return the wire name of `permission`; None if this dialect lacks it."""
        return permission.scopes[self.name]

    def scopes(self, *permissions: Permission) -> frozenset[str]:
        """Return the wire names of those of `permissions` that this dialect has."""
        return frozenset(scope for permission in permissions if (scope := self.scope(permission)))


LIVE = Dialect(
    name="live",
    authorize_url="https://x.com/i/oauth2/authorize",
    authorize_origins=HOMES,
    api_url="https://api.x.com/2",
    image_origins=_IMAGES,
    connected_apps_url="https://x.com/settings/connected_apps",
)

BETA = Dialect(
    name="beta",
    authorize_url="https://twitter.com/i/oauth2/authorize",
    authorize_origins=HOMES,
    api_url="https://api.twitter.com/2",
    image_origins=_IMAGES,
    connected_apps_url="https://twitter.com/settings/connected_apps",
)

BY_NAME: Mapping[str, Dialect] = MappingProxyType({"live": LIVE, "beta": BETA})


@lru_cache(maxsize=64)
def origin(url: str) -> str:
    """Return scheme, host and port of `url`: what browsers, policies and `iss` compare."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
