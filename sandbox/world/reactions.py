"""Likes and bookmarks, readable from the account and from the Tweet."""

from __future__ import annotations

from collections import defaultdict


class Reactions:
    """One kind of reaction to Tweets. Lists come newest first, as Twitter's do."""

    def __init__(self) -> None:
        # Dicts as ordered sets: the order of the reactions is part of the answer.
        self._by_account: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._by_tweet: defaultdict[str, dict[str, None]] = defaultdict(dict)

    def add(self, account_id: str, tweet_id: str) -> bool:
        """Add a reaction, once; return whether it is a new one."""
        is_new = tweet_id not in self._by_account[account_id]
        self._by_account[account_id].setdefault(tweet_id)
        self._by_tweet[tweet_id].setdefault(account_id)
        return is_new

    def remove(self, account_id: str, tweet_id: str) -> bool:
        """Remove a reaction; return whether there was one."""
        was_there = tweet_id in self._by_account[account_id]
        self._by_account[account_id].pop(tweet_id, None)
        self._by_tweet[tweet_id].pop(account_id, None)
        return was_there

    def forget(self, tweet_id: str) -> None:
        """Remove all reactions to a Tweet that is deleted."""
        for account_id in list(self._by_tweet.pop(tweet_id, ())):
            self._by_account[account_id].pop(tweet_id, None)

    def tweets_of(self, account_id: str) -> list[str]:
        """Return the ids of the Tweets that an account reacted to."""
        return list(reversed(self._by_account[account_id]))

    def accounts_of(self, tweet_id: str) -> list[str]:
        """Return the ids of the accounts that reacted to a Tweet."""
        return list(reversed(self._by_tweet[tweet_id]))
