"""People as values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from app.twitter.models.json_values import (
    LONGEST_NAME,
    LONGEST_TEXT,
    USER_OR_TWEET_ID,
    as_count,
    as_date,
    as_id,
    as_list,
    as_object,
    as_text,
    either,
    required_id,
    required_text,
)
from app.twitter.tweet_text import Text, web_address

# One for all: a cached list holds hundreds of people.
_NO_CONNECTIONS: frozenset[str] = frozenset()
_SMALL_AVATAR = re.compile(r"_normal(?=(?:\.\w+)?$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A Twitter user. `to_json` writes the shape that `from_json` reads, for storage."""

    id: str
    username: str
    name: str
    bio: Text = field(default_factory=Text)
    location: str = ""
    website: str = ""
    website_label: str = ""
    avatar_url: str = ""
    banner_url: str = ""
    created_at: datetime | None = None
    verified: bool = False
    protected: bool = False
    followers_count: int | None = None
    following_count: int | None = None
    tweet_count: int | None = None
    pinned_tweet_id: str | None = None
    # How the signed-in person relates to this user.
    connections: frozenset[str] = _NO_CONNECTIONS

    @classmethod
    def from_json(cls, data: object) -> Profile:
        """Read a user object; raise `InvalidAnswer` without an id, a username and a name."""
        user = as_object(data)
        entities = as_object(user.get("entities"))
        metrics = as_object(user.get("public_metrics"))
        username = required_text(user, "username")
        website, website_label = _website(user, entities)
        return cls(
            id=required_id(user, USER_OR_TWEET_ID),
            username=username,
            name=required_text(user, "name", may_be_blank=True) or username,
            bio=Text.from_json(
                as_text(user.get("description"), LONGEST_TEXT), entities.get("description")
            ),
            location=as_text(user.get("location"), LONGEST_NAME),
            website=website,
            website_label=website_label,
            avatar_url=web_address(user.get("profile_image_url")),
            banner_url=web_address(user.get("profile_banner_url")),
            created_at=as_date(user.get("created_at")),
            verified=user.get("verified") is True,
            protected=user.get("protected") is True,
            followers_count=as_count(metrics.get("followers_count")),
            following_count=as_count(metrics.get("following_count")),
            tweet_count=as_count(either(metrics, "tweet_count", "post_count")),
            pinned_tweet_id=as_id(either(user, "pinned_tweet_id", "pinned_post_id")),
            connections=_connections(user.get("connection_status")),
        )

    def to_json(self) -> dict[str, Any]:
        """Return a small dictionary of JSON values, in Twitter's own classic shape."""
        link = {"url": self.website, "display_url": self.website_label}
        return {
            "id": self.id,
            "username": self.username,
            "name": self.name,
            "description": self.bio.raw,
            "location": self.location,
            "entities": {"url": {"urls": [link]}, "description": self.bio.entities_json()},
            "profile_image_url": self.avatar_url,
            "profile_banner_url": self.banner_url,
            "created_at": self.created_at and self.created_at.isoformat(),
            "verified": self.verified,
            "protected": self.protected,
            "public_metrics": {
                "followers_count": self.followers_count,
                "following_count": self.following_count,
                "tweet_count": self.tweet_count,
            },
            "pinned_tweet_id": self.pinned_tweet_id,
        }

    @property
    def avatar_bigger(self) -> str:
        """The avatar at 73 pixels instead of 48 (X docs: "Profile images and banners")."""
        return _SMALL_AVATAR.sub("_bigger", self.avatar_url)


def _website(user: Mapping[str, Any], entities: Mapping[str, Any]) -> tuple[str, str]:
    """Return where the link of a profile leads and how Twitter shows it."""
    links = as_list(as_object(entities.get("url")).get("urls"))
    link = as_object(links[0]) if links else {}
    expanded = web_address(link.get("expanded_url"))
    target = web_address(link.get("url")) or web_address(user.get("url")) or expanded
    label = as_text(link.get("display_url"), LONGEST_NAME) or expanded or target
    return (target, label) if target else ("", "")


def _connections(value: object) -> frozenset[str]:
    """Return the words of `connection_status` ("following", "followed_by", and others).

    Twitter leaves an empty field out.
    """
    return frozenset(word for word in as_list(value) if isinstance(word, str)) or _NO_CONNECTIONS
