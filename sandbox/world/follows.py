"""The follow graph, readable from both ends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable


class Follows:
    """The follow graph. Lists come newest first, as Twitter's do."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        """Begin with pairs of follower and followed, the oldest first."""
        # Dicts as ordered sets: the order of the follows is part of the answer.
        self._out: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._in: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._asked: dict[tuple[str, str], None] = {}
        for follower, followed in pairs:
            self.add(follower, followed)

    def add(self, follower: str, followed: str) -> None:
        """Let one account follow another, once; a follow request ends."""
        self._asked.pop((follower, followed), None)
        self._out[follower].setdefault(followed)
        self._in[followed].setdefault(follower)

    def ask(self, follower: str, followed: str) -> None:
        """Record a follow request to a protected account."""
        self._asked[follower, followed] = None

    def remove(self, follower: str, followed: str) -> None:
        """Remove a follow or a follow request."""
        self._out[follower].pop(followed, None)
        self._in[followed].pop(follower, None)
        self._asked.pop((follower, followed), None)

    def has(self, follower: str, followed: str) -> bool:
        """Return whether one follows the other."""
        return followed in self._out[follower]

    def following(self, account_id: str) -> list[str]:
        """Return the ids that an account follows."""
        return list(reversed(self._out[account_id]))

    def followers(self, account_id: str) -> list[str]:
        """Return the ids of an account's followers."""
        return list(reversed(self._in[account_id]))

    def counts(self, account_id: str) -> tuple[int, int]:
        """Return the numbers of followers and of followed accounts."""
        return len(self._in[account_id]), len(self._out[account_id])

    def status(self, viewer: str, account_id: str) -> list[str]:
        """Return the `connection_status` of an account, as a viewer sees it."""
        facts = {
            "following": self.has(viewer, account_id),
            "followed_by": self.has(account_id, viewer),
            "follow_request_sent": (viewer, account_id) in self._asked,
            "follow_request_received": (account_id, viewer) in self._asked,
        }
        return [word for word, true in facts.items() if true]
