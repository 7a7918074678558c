"""Who follows whom, readable from both ends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable


class Follows:
    """The follow graph. Lists come newest first, as Twitter's do."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        """Begin with pairs of follower and followed, the oldest first."""
        # Dicts as ordered sets: the order in which people followed is part of the answer.
        self._out: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._in: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._asked: dict[tuple[str, str], None] = {}
        for follower, followed in pairs:
            self.add(follower, followed)

    def add(self, follower: str, followed: str) -> None:
        """Let one account follow another; twice is the same as once, and a request is answered."""
        self._asked.pop((follower, followed), None)
        self._out[follower].setdefault(followed)
        self._in[followed].setdefault(follower)

    def ask(self, follower: str, followed: str) -> None:
        """Note that a protected account has been asked."""
        self._asked[follower, followed] = None

    def remove(self, follower: str, followed: str) -> None:
        """Take a follow back, or a request for one."""
        self._out[follower].pop(followed, None)
        self._in[followed].pop(follower, None)
        self._asked.pop((follower, followed), None)

    def has(self, follower: str, followed: str) -> bool:
        """Say whether one follows the other."""
        return followed in self._out[follower]

    def following(self, account_id: str) -> list[str]:
        """List whom an account follows."""
        return list(reversed(self._out[account_id]))

    def followers(self, account_id: str) -> list[str]:
        """List who follows an account."""
        return list(reversed(self._in[account_id]))

    def counts(self, account_id: str) -> tuple[int, int]:
        """Count followers, and followed."""
        return len(self._in[account_id]), len(self._out[account_id])

    def status(self, viewer: str, account_id: str) -> list[str]:
        """Say how a viewer and an account stand to each other, in Twitter's words."""
        facts = {
            "following": self.has(viewer, account_id),
            "followed_by": self.has(account_id, viewer),
            "follow_request_sent": (viewer, account_id) in self._asked,
            "follow_request_received": (account_id, viewer) in self._asked,
        }
        return [word for word, true in facts.items() if true]
