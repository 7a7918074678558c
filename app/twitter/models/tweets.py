"""Tweets as values, with their pictures, polls and includes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from app.twitter.errors import InvalidAnswer
from app.twitter.models.json_values import (
    LONGEST_NAME,
    LONGEST_TEXT,
    USER_OR_TWEET_ID,
    as_count,
    as_date,
    as_id,
    as_language,
    as_list,
    as_object,
    as_text,
    either,
    read_or_none,
    required_id,
    required_text,
)
from app.twitter.models.users import Profile
from app.twitter.tweet_text import Text, web_address

# A Tweet has up to four pictures, a Space a handful of hosts; these bounds keep pages short.
_MOST_MEDIA = 4
_MOST_OPTIONS = 4
_MOST_HOSTS = 10
_LARGEST_SIDE = 20_000


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
        """Read a media object; raise `InvalidAnswer` if it has no address to show."""
        media = as_object(data)
        # Videos have no `url`, they have a still.
        url = web_address(media.get("url")) or web_address(media.get("preview_image_url"))
        if not url:
            raise InvalidAnswer("media without an address")
        return cls(
            media_key=required_text(media, "media_key"),
            type=as_text(media.get("type"), LONGEST_NAME),
            url=url,
            alt_text=as_text(media.get("alt_text"), LONGEST_TEXT),
            width=as_count(media.get("width"), _LARGEST_SIDE),
            height=as_count(media.get("height"), _LARGEST_SIDE),
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
    status: str = ""  # "open" or "closed"; pages show any other word as neither

    @classmethod
    def from_json(cls, data: object) -> Poll:
        """Read a poll object; raise `InvalidAnswer` if it has no options."""
        poll = as_object(data)
        options = [as_object(option) for option in as_list(poll.get("options"))[:_MOST_OPTIONS]]
        if not options:
            raise InvalidAnswer("a poll without options")
        return cls(
            options=tuple(
                Option(
                    label=as_text(option.get("label"), LONGEST_NAME),
                    votes=as_count(option.get("votes")) or 0,
                )
                for option in options
            ),
            ends_at=as_date(poll.get("end_datetime")),
            status=as_text(poll.get("voting_status"), LONGEST_NAME),
        )

    @property
    def votes(self) -> int:
        """How many people have voted."""
        return sum(option.votes for option in self.options)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tweet:
    """One post. A repost carries its original, with the full text, if the answer includes it."""

    id: str
    text: Text
    author: Profile | None = None
    created_at: datetime | None = None
    lang: str = ""  # of the text (BCP 47); empty if Twitter does not know
    article_title: str = ""
    media: tuple[Media, ...] = ()
    is_sensitive: bool = False
    poll: Poll | None = None
    hides_attachment: bool = False  # it has a picture or poll that the answer does not include
    is_repost: bool = False
    original: Tweet | None = None
    quoted: Tweet | None = None
    hides_quote: bool = False  # it quotes a Tweet that the answer does not include
    is_reply: bool = False
    live_id: str  # its newest version, itself unless it was edited (X docs: "Edit Posts")
    edited: bool = False
    reply_count: int | None = None
    repost_count: int | None = None
    quote_count: int | None = None
    like_count: int | None = None

    @classmethod
    def from_json(cls, data: object, includes: Includes) -> Tweet:
        """Read a Tweet with its includes; raise `InvalidAnswer` without id and text."""
        tweet = as_object(data)
        metrics = as_object(tweet.get("public_metrics"))
        tweet_id, text = required_id(tweet, USER_OR_TWEET_ID), _tweet_text(tweet)
        versions = as_list(either(tweet, "edit_history_tweet_ids", "edit_history_post_ids"))
        media, poll = includes.media_of(tweet), includes.poll_of(tweet)
        quoted = includes.referenced(tweet, "quoted")
        return cls(
            id=tweet_id,
            text=text.quoting(quoted.id) if quoted else text,
            author=includes.user(tweet.get("author_id")),
            created_at=as_date(tweet.get("created_at")),
            lang=as_language(tweet.get("lang")),
            article_title=as_text(as_object(tweet.get("article")).get("title"), LONGEST_NAME),
            media=media,
            is_sensitive=tweet.get("possibly_sensitive") is True,
            poll=poll,
            hides_attachment=len(media) + bool(poll) < _attached(tweet),
            is_repost=bool(_references(tweet, "retweeted")),
            original=includes.referenced(tweet, "retweeted"),
            quoted=quoted,
            hides_quote=includes.are_all and not quoted and bool(_references(tweet, "quoted")),
            is_reply=bool(_references(tweet, "replied_to")),
            live_id=as_id(versions[-1]) or tweet_id if versions else tweet_id,
            edited=len(versions) > 1,
            reply_count=as_count(metrics.get("reply_count")),
            repost_count=as_count(either(metrics, "retweet_count", "repost_count")),
            quote_count=as_count(metrics.get("quote_count")),
            like_count=as_count(metrics.get("like_count")),
        )


_Objects = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Includes:
    """The `includes` of an answer (X docs: "Expansions"), by id. Invalid ones are skipped."""

    users: _Objects = field(default_factory=dict)
    tweets: _Objects = field(default_factory=dict)
    media: _Objects = field(default_factory=dict)
    polls: _Objects = field(default_factory=dict)
    # False inside an included Tweet: Twitter expands one level only.
    are_all: bool = True

    @classmethod
    def from_json(cls, data: object) -> Includes:
        """Sort the `includes` of an answer. The order there is not guaranteed."""
        includes = as_object(data)
        return cls(
            users=_by("id", includes.get("users")),
            tweets=_by("id", either(includes, "tweets", "posts")),
            media=_by("media_key", includes.get("media")),
            polls=_by("id", includes.get("polls")),
        )

    def user(self, user_id: object) -> Profile | None:
        """Return the included user of this id."""
        return read_or_none(Profile.from_json, _found(self.users, user_id))

    def tweet(self, tweet_id: object) -> Tweet | None:
        """Return the included Tweet of this id, without the Tweets it refers to."""
        # One level only: a hostile Tweet could name itself as its original.
        rest = replace(self, tweets={}, are_all=False)
        return read_or_none(lambda data: Tweet.from_json(data, rest), _found(self.tweets, tweet_id))

    def media_of(self, tweet: Mapping[str, Any]) -> tuple[Media, ...]:
        """Return the pictures attached to a Tweet, in its order."""
        keys = _attachments(tweet, "media_keys")[:_MOST_MEDIA]
        media = (read_or_none(Media.from_json, _found(self.media, key)) for key in keys)
        return tuple(item for item in media if item)

    def people(self, user_ids: object) -> tuple[Profile, ...]:
        """Return the first few of these people that are included."""
        found = (self.user(user_id) for user_id in as_list(user_ids)[:_MOST_HOSTS])
        return tuple(user for user in found if user)

    def poll_of(self, tweet: Mapping[str, Any]) -> Poll | None:
        """Return the poll attached to a Tweet."""
        ids = _attachments(tweet, "poll_ids")
        return read_or_none(Poll.from_json, _found(self.polls, ids[0])) if ids else None

    def referenced(self, tweet: Mapping[str, Any], kind: str) -> Tweet | None:
        """Return what a Tweet reposts or quotes.

        Twitter cuts the text of a repost at 140 characters (X docs: timelines), not the original's.
        """
        ids = _references(tweet, kind)
        return self.tweet(ids[0]) if ids else None


def _tweet_text(tweet: Mapping[str, Any]) -> Text:
    """Return the full text: `text` of a long post stops near 280 characters."""
    note = as_object(either(tweet, "note_tweet", "note_post"))
    whole = note if isinstance(note.get("text"), str) else tweet
    if not isinstance(whole.get("text"), str):
        raise InvalidAnswer("a Tweet without a text")
    return Text.from_json(whole["text"], whole.get("entities"))


def _attachments(tweet: Mapping[str, Any], kind: str) -> list[object]:
    return as_list(as_object(tweet.get("attachments")).get(kind))


def _attached(tweet: Mapping[str, Any]) -> int:
    """Count the pictures and polls of a Tweet, up to the number that a page shows."""
    media, polls = _attachments(tweet, "media_keys"), _attachments(tweet, "poll_ids")
    return len(media[:_MOST_MEDIA]) + len(polls[:1])


def _references(tweet: Mapping[str, Any], kind: str) -> list[object]:
    """Return the ids of the Tweets that a Tweet refers to as `kind`."""
    references = map(as_object, as_list(either(tweet, "referenced_tweets", "referenced_posts")))
    return [item.get("id") for item in references if item.get("type") == kind]


def _by(key: str, items: object) -> _Objects:
    objects = map(as_object, as_list(items))
    return {item[key]: item for item in objects if isinstance(item.get(key), str)}


def _found(objects: _Objects, key: object) -> Mapping[str, Any] | None:
    return objects.get(key) if isinstance(key, str) else None
