"""The values of the sandbox's world."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field, replace

LONGEST_TEXT = 280  # of a Tweet; a longer one is a note
MOST_EDITS = 5  # of a Tweet


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account."""

    id: str
    username: str
    name: str
    description: str = ""
    location: str = ""
    url: str = ""
    days_old: int = 1000
    verified_type: str = "none"
    protected: bool = False
    suspended: bool = False
    plumage: tuple[str, str, str] | None = None  # back, breast, bill; None is the default avatar
    banner: bool = False
    pinned_tweet_id: str = ""
    listed_count: int = 0
    email: str = ""
    former_usernames: tuple[str, ...] = ()  # old posts still say these


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A short link in a text, and the address behind it."""

    short: str
    expanded: str
    display: str
    title: str = ""
    media_key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A picture on a Tweet, or the still of a video. It is drawn, not stored."""

    media_key: str
    alt_text: str
    scene: str
    type: str = "photo"
    width: int = 1200
    height: int = 675
    duration_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """A question with two to four answers."""

    id: str
    options: tuple[tuple[str, int], ...]
    duration_minutes: int = 1440


@dataclass(frozen=True, slots=True, kw_only=True)
class Tweet:
    """One post. `text` is what the author typed: escaping happens on the way out."""

    id: str
    author_id: str
    text: str
    minutes_ago: float  # before the world began; less than 0 for one that is posted later
    note: str = ""
    lang: str = "en"
    article: str = ""  # the title, if the post is an Article; the text is a link to that
    sensitive: bool = False
    reply_settings: str = "everyone"
    links: tuple[Link, ...] = ()
    media_keys: tuple[str, ...] = ()
    poll_id: str = ""
    references: tuple[tuple[str, str], ...] = ()  # ("retweeted" | "quoted" | "replied_to", id)
    earlier_versions: tuple[str, ...] = ()
    later_versions: tuple[str, ...] = ()  # there are some: this one was edited away
    # retweets, replies, likes, quotes, bookmarks, impressions
    metrics: tuple[int, int, int, int, int, int] = (0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """A conversation: live, scheduled, over or cancelled. Minutes count from the beginning."""

    id: str
    state: str
    title: str
    creator_id: str
    host_ids: tuple[str, ...]
    speaker_ids: tuple[str, ...] = ()
    invited_user_ids: tuple[str, ...] = ()
    topic_ids: tuple[str, ...] = ()
    participant_count: int = 0
    subscriber_count: int = 0
    lang: str = "en"
    created_minutes: int = -60
    scheduled_minutes: int | None = None
    started_minutes: int | None = None
    ended_minutes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """An app registered in the developer portal. A secret makes it confidential (RFC 6749 §2.1)."""

    client_id: str
    client_secret: str = field(default="", repr=False)
    name: str
    callbacks: tuple[str, ...]

    @property
    def confidential(self) -> bool:
        """Whether this client has a secret, and must send it."""
        return bool(self.client_secret)

    @property
    def app_id(self) -> str:
        """The numeric id of the app, which events name."""
        return str(10_000_000 + zlib.crc32(self.client_id.encode()) % 10_000_000)

    @property
    def bearer_token(self) -> str:
        """The app-only bearer token."""
        return f"{self.client_id}-bearer"

    @property
    def consumer_secret(self) -> str:
        """The secret of OAuth 1.0a, also called API secret key, that signs webhooks."""
        return f"{self.client_id}-consumer-secret"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """The accounts, and all else, with which a world begins."""

    accounts: tuple[Account, ...] = ()
    tweets: tuple[Tweet, ...] = ()
    spaces: tuple[Space, ...] = ()
    media: tuple[Media, ...] = ()
    polls: tuple[Poll, ...] = ()
    topics: tuple[tuple[str, str, str], ...] = ()  # id, name, description
    follows: tuple[tuple[str, str], ...] = ()  # follower, followed; the oldest first
    clients: tuple[Client, ...] = ()

    def with_callbacks(self, *more: str) -> Seed:
        """Return a copy in which all clients have these callbacks beside their own."""
        clients = (
            replace(client, callbacks=tuple(dict.fromkeys((*client.callbacks, *more))))
            for client in self.clients
        )
        return replace(self, clients=tuple(clients))
