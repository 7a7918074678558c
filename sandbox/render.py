"""Turn the world's values into the API's objects: exactly the fields asked for, and no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox import pictures, problems, texts
from sandbox.world import timestamp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sandbox.model import Account, Media, Poll, Space, Tweet
    from sandbox.query import Wanted
    from sandbox.world import World

Object = dict[str, Any]


class Renderer:
    """Renders one answer, and collects what its expansions bring along."""

    def __init__(self, world: World, viewer: Account, wanted: Wanted, origin: str) -> None:
        """Render for this viewer, with picture addresses at this origin."""
        self.world = world
        self.viewer = viewer
        self.wanted = wanted
        self.origin = origin
        self.errors: list[Object] = []
        self.email_allowed = False
        self._includes: dict[str, dict[str, Object]] = {}

    def user(self, account: Account) -> Object:
        """Make a user object, and what its expansions ask for."""
        full = {
            **self._profile(account),
            **self._pictures(account),
            "public_metrics": self._user_metrics(account),
            "pinned_tweet_id": account.pinned_tweet_id,
            "most_recent_tweet_id": next(iter(self.world.timelines.get(account.id, ())), ""),
            "connection_status": self.world.follows.status(self.viewer.id, account.id),
            "entities": _user_entities(account),
        }
        if self.email_allowed and account.id == self.viewer.id:
            full["confirmed_email"] = account.email
        asked = set(self.wanted.fields["user"])
        for name in ("pinned_tweet_id", "most_recent_tweet_id"):
            if name in self.wanted.expansions and full[name]:
                asked.add(name)
                self._include_tweet(full[name], name)
        return _chosen(full, asked)

    def tweet(self, tweet: Tweet) -> Object:
        """Make a post object, and what its expansions ask for."""
        texted = texts.of(tweet, self.world)
        full = {
            "id": tweet.id,
            "text": texted.text,
            "edit_history_tweet_ids": [*tweet.earlier_versions, tweet.id],
            "author_id": tweet.author_id,
            "created_at": timestamp(self.world.time_of(tweet)),
            "conversation_id": self._conversation(tweet),
            "in_reply_to_user_id": self._replied_to(tweet),
            "lang": tweet.lang,
            "possibly_sensitive": False,
            "reply_settings": "everyone",
            "source": "Twitter Sandbox",
            "display_text_range": [0, len(texted.text)],
            "entities": texted.entities,
            "note_tweet": texted.note,
            "public_metrics": _tweet_metrics(tweet),
            "attachments": _attachments(tweet),
            "referenced_tweets": [{"type": t, "id": i} for t, i in tweet.references],
            "edit_controls": self._edit_controls(tweet),
        }
        return _chosen(full, set(self.wanted.fields["tweet"]) | self._expand_tweet(tweet))

    def space(self, space: Space) -> Object:
        """Make a Space object, and what its expansions ask for."""
        full = {
            "id": space.id,
            "state": space.state,
            "title": space.title,
            "creator_id": space.creator_id,
            "host_ids": list(space.host_ids),
            "speaker_ids": list(space.speaker_ids),
            "invited_user_ids": list(space.invited_user_ids),
            "topic_ids": list(space.topic_ids),
            "participant_count": space.participant_count,
            "subscriber_count": space.subscriber_count,
            "is_ticketed": False,
            "lang": space.lang,
            "created_at": self._minutes(space.created_minutes),
            "updated_at": self._minutes(space.created_minutes + 1),
            "scheduled_start": self._minutes(space.scheduled_minutes),
            "started_at": self._minutes(space.started_minutes),
            "ended_at": self._minutes(space.ended_minutes),
        }
        for name in sorted(self.wanted.expansions & full.keys()):
            ids = [full[name]] if name == "creator_id" else full[name]
            if name == "topic_ids":
                self._include_topics(ids)
            else:
                self._include_users(ids, name)
        return _chosen(full, self.wanted.fields["space"] | self.wanted.expansions)

    def body(
        self, data: Object | list[Object] | None, meta: Object | None = None
    ) -> tuple[Object, int]:
        """Put an answer together, and count its resources. An empty list has no `data` key."""
        whole: Object = {}
        if data:
            whole["data"] = data
        if self._includes:
            whole["includes"] = {k: list(v.values()) for k, v in self._includes.items()}
        if self.errors:
            whole["errors"] = self.errors
        if meta is not None:
            whole["meta"] = meta
        count = len(data) if isinstance(data, list) else int(data is not None)
        return whole, count

    def _profile(self, account: Account) -> Object:
        return {
            "id": account.id,
            "name": account.name,
            "username": account.username,
            "description": account.description,
            "created_at": timestamp(self.world.born - account.days_old * 86400),
            "verified": account.verified_type != "none",
            "verified_type": account.verified_type,
            "protected": account.protected,
            "location": account.location,
            "url": account.url,
        }

    def _pictures(self, account: Account) -> Object:
        avatar = pictures.address(account)
        banner = f"{self.origin}/profile_banners/{account.id}.svg" if account.banner else ""
        return {"profile_image_url": self.origin + avatar, "profile_banner_url": banner}

    def _user_metrics(self, account: Account) -> Object:
        followers, following = self.world.follows.counts(account.id)
        return {
            "followers_count": followers,
            "following_count": following,
            "tweet_count": len(self.world.timelines.get(account.id, ())),
            "listed_count": account.listed_count,
            "like_count": account.listed_count * 7,
        }

    def _expand_tweet(self, tweet: Tweet) -> set[str]:
        """Bring along what the expansions name, and say which fields they point from."""
        asked = self.wanted.expansions
        if "author_id" in asked:
            self._include_users([tweet.author_id], "author_id")
        if "in_reply_to_user_id" in asked:
            self._include_users([self._replied_to(tweet)], "in_reply_to_user_id")
        if "entities.mentions.username" in asked:
            mentions = texts.of(tweet, self.world).entities.get("mentions", [])
            self._include_users([m["id"] for m in mentions], "entities.mentions.username")
        if "referenced_tweets.id" in asked or "referenced_tweets.id.author_id" in asked:
            for _, tweet_id in tweet.references:
                self._include_tweet(tweet_id, "referenced_tweets.id")
        if "attachments.media_keys" in asked:
            self._include_media(tweet.media_keys)
        if "attachments.poll_ids" in asked and tweet.poll_id:
            poll = self.world.polls[tweet.poll_id]
            self._include("polls", poll.id, self._poll(poll, tweet))
        return {name.split(".")[0] for name in asked}

    def _include_tweet(self, tweet_id: str, parameter: str) -> None:
        tweet = self.world.tweets.get(tweet_id)
        if tweet is None:
            self._note(problems.missing("tweet", parameter, tweet_id))
            return
        author = self.world.accounts[tweet.author_id]
        if author.suspended or not self.world.may_see_posts_of(self.viewer.id, author):
            self._note(problems.not_for_you("tweet", parameter, tweet_id))
            return
        if "referenced_tweets.id.author_id" in self.wanted.expansions:
            self._include_users([author.id], "referenced_tweets.id.author_id")
        if "referenced_tweets.id.attachments.media_keys" in self.wanted.expansions:
            self._include_media(tweet.media_keys)
        if tweet_id not in self._includes.get("tweets", {}):
            self._include("tweets", tweet_id, self._without_expansions().tweet(tweet))

    def _include_users(self, ids: Iterable[str], parameter: str) -> None:
        for account_id in filter(None, ids):
            account = self.world.accounts.get(account_id)
            if account is None:
                self._note(problems.missing("user", parameter, account_id))
            elif account.suspended:
                self._note(problems.suspended(parameter, account_id))
            elif account_id not in self._includes.get("users", {}):
                self._include("users", account_id, self._without_expansions().user(account))

    def _include_media(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._include("media", key, self._media(self.world.media[key]))

    def _include_topics(self, ids: Iterable[str]) -> None:
        for topic_id in ids:
            full = dict(zip(("id", "name", "description"), self.world.topics[topic_id], strict=True))
            self._include("topics", topic_id, _chosen(full, self.wanted.fields["topic"]))

    def _include(self, kind: str, key: str, value: Object) -> None:
        self._includes.setdefault(kind, {})[key] = value

    def _note(self, problem: Object) -> None:
        if problem not in self.errors:
            self.errors.append(problem)

    def _without_expansions(self) -> Renderer:
        """Give a renderer for included objects: expansions go one step, never two."""
        plain = type(self.wanted)(fields=self.wanted.fields, expansions=frozenset())
        return Renderer(self.world, self.viewer, plain, self.origin)

    def _media(self, media: Media) -> Object:
        full = {
            "media_key": media.media_key,
            "type": media.type,
            "url": f"{self.origin}/media/{media.media_key}.svg",
            "alt_text": media.alt_text,
            "width": media.width,
            "height": media.height,
        }
        return _chosen(full, self.wanted.fields["media"])

    def _poll(self, poll: Poll, tweet: Tweet) -> Object:
        ends = self.world.time_of(tweet) + poll.duration_minutes * 60
        full = {
            "id": poll.id,
            "options": [
                {"position": n, "label": label, "votes": votes}
                for n, (label, votes) in enumerate(poll.options, 1)
            ],
            "duration_minutes": poll.duration_minutes,
            "end_datetime": timestamp(ends),
            "voting_status": "open" if self.world.now() < ends else "closed",
        }
        return _chosen(full, self.wanted.fields["poll"])

    def _minutes(self, minutes: int | None) -> str:
        return "" if minutes is None else timestamp(self.world.born + minutes * 60)

    def _conversation(self, tweet: Tweet) -> str:
        """Follow replies up to the post that began the conversation."""
        while parent := dict(tweet.references).get("replied_to"):
            if parent not in self.world.tweets:
                return parent
            tweet = self.world.tweets[parent]
        return tweet.id

    def _replied_to(self, tweet: Tweet) -> str:
        parent = self.world.tweets.get(dict(tweet.references).get("replied_to", ""))
        return "" if parent is None else parent.author_id

    def _edit_controls(self, tweet: Tweet) -> Object:
        editable = self.world.time_of(tweet) + 3600
        return {
            "edits_remaining": 5 - len(tweet.earlier_versions),
            "is_edit_eligible": not tweet.references and not tweet.poll_id,
            "editable_until": timestamp(editable),
        }


def _chosen(full: Object, names: Iterable[str]) -> Object:
    """Keep what was asked for. A field that is missing means null or empty, so those go too."""
    return {name: full[name] for name in full if name in names and full[name] not in ("", [], {}, None)}


def _user_entities(account: Account) -> Object:
    found = texts.user_entities(account)
    return {place: value for place, value in found.items() if value}


def _tweet_metrics(tweet: Tweet) -> Object:
    names = ("retweet", "reply", "like", "quote", "bookmark", "impression")
    counted = zip(names, tweet.metrics, strict=True)
    return {f"{name}_count": number for name, number in counted}


def _attachments(tweet: Tweet) -> Object:
    full = {"media_keys": list(tweet.media_keys), "poll_ids": [tweet.poll_id] if tweet.poll_id else []}
    return {name: value for name, value in full.items() if value}
