"""Turns the world's values into answers with the fields that were asked for."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.api import objects, problems, tweet_text
from sandbox.api.fields import PRIVATE_METRICS
from sandbox.api.objects import Object
from sandbox.api.query import Wanted
from sandbox.world.model import Account, Space, Tweet
from sandbox.world.state import World

_PINS = ("pinned_tweet_id", "most_recent_tweet_id")
_QUOTED_AUTHOR = "referenced_tweets.id.author_id"
_QUOTED_MEDIA = "referenced_tweets.id.attachments.media_keys"
_MENTIONED = "entities.mentions.username"
_HISTORY = "edit_history_tweet_ids"
_METRICS_SECONDS = 30 * 86400  # private metrics are shown for so long


class Renderer:
    """Renders one answer, and collects what its expansions bring along."""

    def __init__(
        self,
        world: World,
        viewer: Account,
        wanted: Wanted,
        origin: str,
        *,
        email_allowed: bool = False,
    ) -> None:
        self.world = world
        self.viewer = viewer
        self.wanted = wanted
        self.origin = origin
        self.email_allowed = email_allowed
        self._errors: dict[frozenset[tuple[str, str]], Object] = {}
        self._includes: dict[str, dict[str, Object]] = {}

    def user(self, account: Account) -> Object:
        """Return a user object, and include its expansions."""
        full = objects.user(self.world, self.viewer, account, self.origin)
        if self.email_allowed and account.id == self.viewer.id:
            full["confirmed_email"] = account.email
        for name in self.wanted.expansions.intersection(_PINS):
            if full[name]:
                self._include_tweet(full[name], name)
        return _chosen(full, self.wanted.fields["user"] | self.wanted.expansions)

    def tweet(self, tweet: Tweet, parameter: str = "id") -> Object | None:
        """Return a Tweet object, and include its expansions; None if it must be left out."""
        if self._keeps_secrets(tweet, parameter, "data"):
            return None
        self._expand(tweet)
        # An expansion shows the field it starts from, so that clients can join the two.
        starts = {name.partition(".")[0] for name in self.wanted.expansions}
        return _chosen(objects.tweet(self.world, tweet), self.wanted.fields["tweet"] | starts)

    def space(self, space: Space) -> Object:
        """Return a Space object, and include its expansions."""
        full = objects.space(self.world, space)
        for name in sorted(self.wanted.expansions):
            ids = [full[name]] if name == "creator_id" else full[name]
            if name == "topic_ids":
                self._include_topics(ids)
            else:
                self._include_users(ids, name)
        return _chosen(full, self.wanted.fields["space"] | self.wanted.expansions)

    def body(
        self, data: Object | list[Object] | None, meta: Object | None = None
    ) -> tuple[Object, int]:
        """Return the answer and its number of resources. An empty list has no `data` key."""
        whole: Object = {}
        if data:
            whole["data"] = data
        if self._includes:
            whole["includes"] = {k: list(v.values()) for k, v in self._includes.items()}
        if self._errors:
            whole["errors"] = list(self._errors.values())
        if meta is not None:
            whole["meta"] = meta
        count = len(data) if isinstance(data, list) else int(data is not None)
        return whole, count

    def note(self, problem: Object) -> None:
        """Add a partial error, once."""
        self._errors.setdefault(frozenset(problem.items()), problem)

    def _keeps_secrets(self, tweet: Tweet, parameter: str, section: str) -> bool:
        """Return whether this viewer asks for private metrics of others, and note them.

        Twitter: "only Posts that are authored by the authenticated user will be returned, all other
        Posts will receive an error message", and so do those that are older than 30 days.
        """
        asked = self.wanted.fields["tweet"] & PRIVATE_METRICS.keys()
        age = self.world.now() - self.world.time_of(tweet)
        if not asked or (tweet.author_id == self.viewer.id and age < _METRICS_SECONDS):
            return False
        for name in sorted(asked):
            for part in PRIVATE_METRICS[name]:
                field = f"{name}.{part}"
                self.note(problems.field_not_for_you(field, parameter, tweet.id, section))
        return True

    def _expand(self, tweet: Tweet) -> None:
        """Include the objects that the expansions of a post name."""
        asked = self.wanted.expansions
        users = {
            "author_id": [tweet.author_id],
            "in_reply_to_user_id": [objects.replied_to(self.world, tweet)],
            _MENTIONED: self._mentioned(tweet) if _MENTIONED in asked else [],
        }
        for name in asked.intersection(users):
            self._include_users(users[name], name)
        if not asked.isdisjoint({"referenced_tweets.id", _QUOTED_AUTHOR, _QUOTED_MEDIA}):
            for _, tweet_id in tweet.references:
                self._include_tweet(tweet_id, "referenced_tweets.id")
        if _HISTORY in asked:
            for tweet_id in objects.history(tweet):
                self._include_tweet(tweet_id, _HISTORY)
        if "attachments.media_keys" in asked:
            self._include_media(tweet.media_keys)
        if "attachments.poll_ids" in asked and tweet.poll_id:
            poll = objects.poll(self.world, self.world.polls[tweet.poll_id], tweet)
            self._include("polls", tweet.poll_id, _chosen(poll, self.wanted.fields["poll"]))

    def _mentioned(self, tweet: Tweet) -> list[str]:
        found = tweet_text.of(tweet, self.world).entities.get("mentions", [])
        return [mention["id"] for mention in found]

    def _include_tweet(self, tweet_id: str, parameter: str) -> None:
        tweet = self.world.tweets.get(tweet_id)
        if tweet is None:
            self.note(problems.missing("tweet", parameter, tweet_id))
            return
        if not self.world.may_see(self.viewer, tweet):
            self.note(problems.not_for_you("tweet", parameter, tweet_id, "includes"))
            return
        if self._keeps_secrets(tweet, parameter, "includes"):
            return
        if _QUOTED_AUTHOR in self.wanted.expansions:
            self._include_users([tweet.author_id], _QUOTED_AUTHOR)
        if _QUOTED_MEDIA in self.wanted.expansions:
            self._include_media(tweet.media_keys)
        # Expansions go one step and never two, so included objects are rendered without any.
        full = objects.tweet(self.world, tweet)
        self._include("tweets", tweet_id, _chosen(full, self.wanted.fields["tweet"]))

    def _include_users(self, ids: Iterable[str], parameter: str) -> None:
        for account_id in filter(None, ids):
            account = self.world.accounts.get(account_id)
            if account is None:
                self.note(problems.missing("user", parameter, account_id))
            elif account.suspended:
                named = account.username if parameter == _MENTIONED else account_id
                self.note(problems.suspended(parameter, named))
            else:
                full = objects.user(self.world, self.viewer, account, self.origin)
                self._include("users", account_id, _chosen(full, self.wanted.fields["user"]))

    def _include_media(self, keys: Iterable[str]) -> None:
        for key in keys:
            full = objects.media(self.world.media[key], self.origin)
            self._include("media", key, _chosen(full, self.wanted.fields["media"]))

    def _include_topics(self, ids: Iterable[str]) -> None:
        for topic_id in ids:
            full = objects.topic(self.world, topic_id)
            self._include("topics", topic_id, _chosen(full, self.wanted.fields["topic"]))

    def _include(self, kind: str, key: str, value: Object) -> None:
        self._includes.setdefault(kind, {})[key] = value


def _chosen(full: Object, names: Iterable[str]) -> Object:
    """Return the fields that were asked for. A missing field means empty: those are left out."""
    wanted = frozenset(names)
    return {n: value for n, value in full.items() if n in wanted and value not in ("", [], {})}
