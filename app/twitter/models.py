"""People, Tweets and Spaces as values.

`from_json` is strict about what must be there (ids, usernames, texts: X docs, data dictionary) and
lenient about the rest: a missing field means null or empty, and so does a field of the wrong type.
Classic field names come first, those of the renamed specification are read as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, TypeVar

from app.twitter.errors import InvalidAnswer
from app.twitter.tweet_text import Text, clean, is_blank, web_address

T = TypeVar("T")

USER_OR_TWEET_ID = re.compile(r"[0-9]{1,19}")
SPACE_ID = re.compile(r"[A-Za-z0-9]{1,13}")
_DATE = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})T([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})"
    r"(?:\.[0-9]+)?(?:Z|\+00:00)"
)
# BCP 47, as far as Twitter uses it: a language, and rarely a script or a country.
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8}){0,3}")
# "und", and what else says that there is no language: ISO 639-2's words for that, and its range for
# private use, in which Twitter has codes of its own (links, hashtags or mentions only: X docs).
_NO_LANGUAGE = re.compile(r"und|zxx|mul|mis|art|q[a-t][a-z]")
# Twitter still writes these three by names that ISO has withdrawn.
_LANGUAGES_RENAMED = {"in": "id", "iw": "he", "ji": "yi"}
_SMALL_AVATAR = re.compile(r"_normal(?=(?:\.\w+)?$)")

# Twitter allows 50 and 160 characters; a stored profile stays small whatever is sent.
_LONGEST_NAME = 200
_LONGEST_BIO = 1_000
_LARGEST_COUNT = 10**15
# A Tweet has four pictures, a Space a handful of hosts. More would only make a page endless.
_MOST_MEDIA = 4
_MOST_OPTIONS = 4
_MOST_HOSTS = 10
_LARGEST_SIDE = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Somebody on Twitter. `to_json` writes what `from_json` reads, so a profile can be stored."""

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
    # How the person who asked stands to this one; None if Twitter did not say.
    connections: frozenset[str] | None = None

    @classmethod
    def from_json(cls, data: object) -> Profile:
        """Read a user object; raise `InvalidAnswer` without an id, a username and a name."""
        user = _object(data)
        entities = _object(user.get("entities"))
        metrics = _object(user.get("public_metrics"))
        username = _required_text(user, "username")
        website, website_label = _website(user, entities)
        return cls(
            id=_required_id(user, USER_OR_TWEET_ID),
            username=username,
            name=_required_text(user, "name", may_be_blank=True) or username,
            bio=Text.from_json(
                _text(user.get("description"), _LONGEST_BIO), entities.get("description")
            ),
            location=_text(user.get("location"), _LONGEST_NAME),
            website=website,
            website_label=website_label,
            avatar_url=web_address(user.get("profile_image_url")),
            banner_url=web_address(user.get("profile_banner_url")),
            created_at=date(user.get("created_at")),
            verified=user.get("verified") is True,
            protected=user.get("protected") is True,
            followers_count=_count(metrics.get("followers_count")),
            following_count=_count(metrics.get("following_count")),
            tweet_count=_count(_either(metrics, "tweet_count", "post_count")),
            pinned_tweet_id=_id(_either(user, "pinned_tweet_id", "pinned_post_id")),
            connections=_connections(user.get("connection_status")),
        )

    def to_json(self) -> dict[str, Any]:
        """Return a small dictionary of JSON values, in Twitter's own classic shape."""
        link = {"expanded_url": self.website, "display_url": self.website_label}
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """A picture on a Tweet, or the still of a video."""

    media_key: str
    type: str
    url: str
    alt_text: str = ""
    width: int | None = None
    height: int | None = None

    @classmethod
    def from_json(cls, data: object) -> Media:
        """Read a media object; raise `InvalidAnswer` if there is nothing to show."""
        media = _object(data)
        # Videos have no `url`, they have a still.
        url = web_address(media.get("url")) or web_address(media.get("preview_image_url"))
        if not url:
            raise InvalidAnswer("media without an address")
        return cls(
            media_key=_required_text(media, "media_key"),
            type=_text(media.get("type"), _LONGEST_NAME),
            url=url,
            alt_text=_text(media.get("alt_text"), _LONGEST_BIO),
            width=_count(media.get("width"), _LARGEST_SIDE),
            height=_count(media.get("height"), _LARGEST_SIDE),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """One answer of a poll."""

    label: str
    votes: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """A question with two to four answers."""

    options: tuple[Option, ...]
    ends_at: datetime | None = None
    status: str = ""  # "open" or "closed"; what else Twitter says claims neither

    @classmethod
    def from_json(cls, data: object) -> Poll:
        """Read a poll object; raise `InvalidAnswer` if there is nothing to choose from."""
        poll = _object(data)
        options = [_object(option) for option in _list(poll.get("options"))[:_MOST_OPTIONS]]
        if not options:
            raise InvalidAnswer("a poll without options")
        return cls(
            options=tuple(
                Option(
                    label=_text(option.get("label"), _LONGEST_NAME),
                    votes=_count(option.get("votes")) or 0,
                )
                for option in options
            ),
            ends_at=date(poll.get("end_datetime")),
            status=_text(poll.get("voting_status"), _LONGEST_NAME),
        )

    @property
    def votes(self) -> int:
        """How many people have voted."""
        return sum(option.votes for option in self.options)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tweet:
    """One post. A repost carries its original, whose text is whole, if that came along."""

    id: str
    text: Text
    author: Profile | None = None
    created_at: datetime | None = None
    lang: str = ""  # of the text, as BCP 47 writes it; empty if it has none or Twitter cannot tell
    article_title: str = ""
    media: tuple[Media, ...] = ()
    is_sensitive: bool = False
    poll: Poll | None = None
    hides_attachment: bool = False  # a picture or poll that did not come along
    is_repost: bool = False
    original: Tweet | None = None
    quoted: Tweet | None = None
    hides_quote: bool = False  # it quotes a Tweet that Twitter does not show to us
    is_reply: bool = False
    edited: bool = False
    reply_count: int | None = None
    repost_count: int | None = None
    quote_count: int | None = None
    like_count: int | None = None

    @classmethod
    def from_json(cls, data: object, includes: Includes) -> Tweet:
        """Read a Tweet, joined with what came along; raise `InvalidAnswer` without id and text."""
        tweet = _object(data)
        metrics = _object(tweet.get("public_metrics"))
        title = _article_title(tweet)
        text = _tweet_text(tweet).titled(title)
        media, poll = includes.media_of(tweet), includes.poll_of(tweet)
        quoted = includes.referenced(tweet, "quoted")
        return cls(
            id=_required_id(tweet, USER_OR_TWEET_ID),
            text=text.quoting(quoted.id) if quoted else text,
            author=includes.user(tweet.get("author_id")),
            created_at=date(tweet.get("created_at")),
            lang=_language(tweet.get("lang")),
            article_title=title,
            media=media,
            is_sensitive=tweet.get("possibly_sensitive") is True,
            poll=poll,
            hides_attachment=len(media) + bool(poll) < _attached(tweet),
            is_repost=bool(_references(tweet, "retweeted")),
            original=includes.referenced(tweet, "retweeted"),
            quoted=quoted,
            hides_quote=includes.are_all and not quoted and bool(_references(tweet, "quoted")),
            is_reply=bool(_references(tweet, "replied_to")),
            edited=_is_edited(tweet),
            reply_count=_count(metrics.get("reply_count")),
            repost_count=_count(_either(metrics, "retweet_count", "repost_count")),
            quote_count=_count(metrics.get("quote_count")),
            like_count=_count(metrics.get("like_count")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """A conversation that is live, scheduled or over."""

    id: str
    state: str
    title: str = ""
    lang: str = ""
    creator: Profile | None = None
    hosts: tuple[Profile, ...] = ()
    speakers: tuple[Profile, ...] = ()
    participant_count: int | None = None
    started_at: datetime | None = None
    scheduled_start: datetime | None = None
    ended_at: datetime | None = None

    @classmethod
    def from_json(cls, data: object, includes: Includes) -> Space:
        """Read a Space, joined with its people; raise `InvalidAnswer` without id and state."""
        space = _object(data)
        return cls(
            id=_required_id(space, SPACE_ID),
            state=_required_text(space, "state"),
            title=_text(space.get("title"), _LONGEST_BIO),
            lang=_language(space.get("lang")),
            creator=includes.user(space.get("creator_id")),
            hosts=includes.people(space.get("host_ids")),
            speakers=includes.people(space.get("speaker_ids")),
            participant_count=_count(space.get("participant_count")),
            started_at=date(space.get("started_at")),
            scheduled_start=date(space.get("scheduled_start")),
            ended_at=date(space.get("ended_at")),
        )


_Objects = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Includes:
    """What expansions brought along, found by id. An include that makes no sense is left out."""

    users: _Objects = field(default_factory=dict)
    tweets: _Objects = field(default_factory=dict)
    media: _Objects = field(default_factory=dict)
    polls: _Objects = field(default_factory=dict)
    # What came along by itself brings along nothing more, whether it may be seen or not.
    are_all: bool = True

    @classmethod
    def from_json(cls, data: object) -> Includes:
        """Sort the `includes` of an answer. The order there is not guaranteed."""
        includes = _object(data)
        return cls(
            users=_by("id", includes.get("users")),
            tweets=_by("id", _either(includes, "tweets", "posts")),
            media=_by("media_key", includes.get("media")),
            polls=_by("id", includes.get("polls")),
        )

    def user(self, user_id: object) -> Profile | None:
        """Return the user of this id, if it came along."""
        return _readable(Profile.from_json, _found(self.users, user_id))

    def tweet(self, tweet_id: object) -> Tweet | None:
        """Return the Tweet of this id, if it came along, without the Tweets it refers to."""
        # One step is enough: a Tweet could name itself as its original.
        rest = replace(self, tweets={}, are_all=False)
        return _readable(lambda data: Tweet.from_json(data, rest), _found(self.tweets, tweet_id))

    def media_of(self, tweet: Mapping[str, Any]) -> tuple[Media, ...]:
        """Return the pictures attached to a Tweet, in its order."""
        keys = _attachments(tweet, "media_keys")[:_MOST_MEDIA]
        media = (_readable(Media.from_json, _found(self.media, key)) for key in keys)
        return tuple(item for item in media if item)

    def people(self, user_ids: object) -> tuple[Profile, ...]:
        """Return the first few of these people, as far as they came along."""
        found = (self.user(user_id) for user_id in _list(user_ids)[:_MOST_HOSTS])
        return tuple(user for user in found if user)

    def poll_of(self, tweet: Mapping[str, Any]) -> Poll | None:
        """Return the poll attached to a Tweet."""
        ids = _attachments(tweet, "poll_ids")
        return _readable(Poll.from_json, _found(self.polls, ids[0])) if ids else None

    def referenced(self, tweet: Mapping[str, Any], kind: str) -> Tweet | None:
        """Return what a Tweet reposts or quotes.

        A repost's own text is cut at 140 characters (X docs: timelines); the original's is whole.
        """
        ids = _references(tweet, kind)
        return self.tweet(ids[0]) if ids else None


def date(value: object) -> datetime | None:
    """Read a UTC date (RFC 3339); Twitter's examples lack milliseconds or zeros here and there."""
    found = _DATE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    year, month, day, hour, minute, second = map(int, found.groups())
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None


def _tweet_text(tweet: Mapping[str, Any]) -> Text:
    """Return the whole text: `text` of a long post stops near 280 characters."""
    note = _object(_either(tweet, "note_tweet", "note_post"))
    whole = note if isinstance(note.get("text"), str) else tweet
    if not isinstance(whole.get("text"), str):
        raise InvalidAnswer("a Tweet without a text")
    return Text.from_json(whole["text"], whole.get("entities"))


def _article_title(tweet: Mapping[str, Any]) -> str:
    """Return the title of a Tweet that is an Article; its text is a link and no more."""
    return _text(_object(tweet.get("article")).get("title"), _LONGEST_NAME)


def _language(value: object) -> str:
    """Return a language that a browser can tell a voice, nothing for what is none."""
    lang = value if isinstance(value, str) and _LANGUAGE.fullmatch(value) else ""
    primary, dash, rest = lang.partition("-")
    if _NO_LANGUAGE.fullmatch(primary):
        return ""
    return _LANGUAGES_RENAMED.get(primary, primary) + dash + rest


def _attachments(tweet: Mapping[str, Any], kind: str) -> list[object]:
    return _list(_object(tweet.get("attachments")).get(kind))


def _attached(tweet: Mapping[str, Any]) -> int:
    """Count the pictures and polls of a Tweet, as far as a page shows so many."""
    media, polls = _attachments(tweet, "media_keys"), _attachments(tweet, "poll_ids")
    return len(media[:_MOST_MEDIA]) + len(polls[:1])


def _references(tweet: Mapping[str, Any], kind: str) -> list[object]:
    """Return the ids of the Tweets that a Tweet refers to in this way."""
    references = map(_object, _list(_either(tweet, "referenced_tweets", "referenced_posts")))
    return [item.get("id") for item in references if item.get("type") == kind]


def _is_edited(tweet: Mapping[str, Any]) -> bool:
    """Tell whether there is more than one version (X docs: "Edit Posts")."""
    return len(_list(_either(tweet, "edit_history_tweet_ids", "edit_history_post_ids"))) > 1


def _website(user: Mapping[str, Any], entities: Mapping[str, Any]) -> tuple[str, str]:
    """Return where the link of a profile leads and how Twitter shows it."""
    links = _list(_object(entities.get("url")).get("urls"))
    link = _object(links[0]) if links else {}
    target = web_address(link.get("expanded_url")) or web_address(user.get("url"))
    label = _text(link.get("display_url"), _LONGEST_NAME) or target
    return (target, label) if target else ("", "")


def _connections(value: object) -> frozenset[str] | None:
    """Return the words of `connection_status` ("following", "followed_by", and others)."""
    if not isinstance(value, list):
        return None
    return frozenset(word for word in value if isinstance(word, str))


def _either(data: Mapping[str, Any], classic: str, renamed: str) -> object:
    """Read a field by its classic name, or by the one it has in the renamed specification."""
    value = data.get(classic)
    return data.get(renamed) if value is None else value


def _required_id(data: Mapping[str, Any], shape: re.Pattern[str]) -> str:
    value = data.get("id")
    if not isinstance(value, str) or not shape.fullmatch(value):
        raise InvalidAnswer("an object without a proper id")
    return value


def _required_text(data: Mapping[str, Any], name: str, *, may_be_blank: bool = False) -> str:
    value = data.get(name)
    if not isinstance(value, str) or (is_blank(value) and not may_be_blank):
        raise InvalidAnswer(f"an object without a proper {name}")
    return _text(value, _LONGEST_NAME)


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: object, longest: int) -> str:
    """Return `value` as it can be shown; nothing for what only looks like a text."""
    text = clean(value, longest) if isinstance(value, str) else ""
    return "" if is_blank(text) else text


def _id(value: object) -> str | None:
    proper = isinstance(value, str) and USER_OR_TWEET_ID.fullmatch(value)
    return str(value) if proper else None


def _count(value: object, largest: int = _LARGEST_COUNT) -> int | None:
    # Not isinstance: to Python, true is an int.
    return value if type(value) is int and 0 <= value <= largest else None


def _by(key: str, items: object) -> _Objects:
    objects = map(_object, _list(items))
    return {item[key]: item for item in objects if isinstance(item.get(key), str)}


def _found(objects: _Objects, key: object) -> Mapping[str, Any] | None:
    return objects.get(key) if isinstance(key, str) else None


def _readable(read: Callable[[object], T], data: object) -> T | None:
    """Return what `read` makes of `data`; nothing, if it makes no sense."""
    try:
        return read(data) if data is not None else None
    except InvalidAnswer:
        return None
