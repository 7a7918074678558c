"""The dialects of Twitter, a documented setting: where it differs from RFC 6749 and its own past.

`LIVE` is today's service. `BETA` is the private beta of 2021, whose document this product
implements: other scope names, no timeline, Spaces of followed people in one call.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from urllib.parse import urlsplit


class Permission(StrEnum):
    """A permission that we may ask for; each dialect has its own scope name for it."""

    READ_TWEETS = "read_tweets"
    READ_USERS = "read_users"
    READ_FOLLOWS = "read_follows"
    WRITE_FOLLOWS = "write_follows"
    READ_SPACES = "read_spaces"
    STAY_SIGNED_IN = "stay_signed_in"


# A sign-in asks for reading only; the first press of Follow asks for writing.
AT_SIGN_IN = (
    Permission.READ_TWEETS,
    Permission.READ_USERS,
    Permission.READ_FOLLOWS,
    Permission.READ_SPACES,
    Permission.STAY_SIGNED_IN,
)


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
    scope_names: Mapping[Permission, str]

    def scope(self, permission: Permission) -> str:
        """Return the wire name of `permission`."""
        return self.scope_names[permission]

    def scopes(self, *permissions: Permission) -> frozenset[str]:
        """Return the wire names of `permissions`."""
        return frozenset(self.scope_names[permission] for permission in permissions)


LIVE = Dialect(
    name="live",
    authorize_url="https://x.com/i/oauth2/authorize",
    authorize_origins=HOMES,
    api_url="https://api.x.com/2",
    image_origins=_IMAGES,
    connected_apps_url="https://x.com/settings/connected_apps",
    scope_names=MappingProxyType(
        {
            Permission.READ_TWEETS: "tweet.read",
            Permission.READ_USERS: "users.read",
            Permission.READ_FOLLOWS: "follows.read",
            Permission.WRITE_FOLLOWS: "follows.write",
            Permission.READ_SPACES: "space.read",
            Permission.STAY_SIGNED_IN: "offline.access",
        }
    ),
)

BETA = Dialect(
    name="beta",
    authorize_url="https://twitter.com/i/oauth2/authorize",
    authorize_origins=HOMES,
    api_url="https://api.twitter.com/2",
    image_origins=_IMAGES,
    connected_apps_url="https://twitter.com/settings/connected_apps",
    scope_names=MappingProxyType(
        {
            Permission.READ_TWEETS: "tweet.read",
            Permission.READ_USERS: "users.read",
            Permission.READ_FOLLOWS: "account.follows.read",
            Permission.WRITE_FOLLOWS: "account.follows.write",
            Permission.READ_SPACES: "spaces.read",
            Permission.STAY_SIGNED_IN: "offline.access",
        }
    ),
)

BY_NAME: Mapping[str, Dialect] = MappingProxyType({"live": LIVE, "beta": BETA})


def origin(url: str) -> str:
    """Return scheme, host and port of `url`: what browsers, policies and `iss` compare."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
