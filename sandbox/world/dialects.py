"""Twitter's dialects as data: scope names in plain words, and what each lets an app do."""

from __future__ import annotations

LIVE = "live"
BETA = "beta"
RENAMED = "renamed"  # the field names of X's specification since August 2026

_READ = {
    "tweet.read": "See all the Posts that you can see, including those of protected accounts",
    "users.read": "See any account that you can see, including protected ones",
}
_LIVE_ONLY = {
    "tweet.write": "Post and delete Posts for you",
    "tweet.moderate.write": "Hide and unhide replies to your Posts",
    "users.email": "See the email address of your account",
    "follows.read": "See who follows you and whom you follow",
    "follows.write": "Follow and unfollow people for you",
    "offline.access": "Stay connected to your account until you revoke access",
    "space.read": "See all the Spaces that you can see",
    "mute.read": "See the accounts that you have muted",
    "mute.write": "Mute and unmute accounts for you",
    "like.read": "See the Posts that you have liked",
    "like.write": "Like and unlike Posts for you",
    "list.read": "See Lists, members and followers of Lists you made or follow, even private ones",
    "list.write": "Create and change Lists for you",
    "block.read": "See the accounts that you have blocked",
    "block.write": "Block and unblock accounts for you",
    "bookmark.read": "See the Posts that you have bookmarked",
    "bookmark.write": "Bookmark Posts and remove bookmarks for you",
    "dm.read": "See your Direct Messages",
    "dm.write": "Send Direct Messages for you",
    "media.write": "Upload pictures and videos for you",
}
# The private beta of 2021 had fewer scopes, and other names for three of them.
_BETA_ONLY = {
    "tweet.moderate.write": _LIVE_ONLY["tweet.moderate.write"],
    "account.follows.read": _LIVE_ONLY["follows.read"],
    "account.follows.write": _LIVE_ONLY["follows.write"],
    "offline.access": _LIVE_ONLY["offline.access"],
    "spaces.read": _LIVE_ONLY["space.read"],
}

SCOPES = {
    LIVE: _READ | _LIVE_ONLY,
    BETA: _READ | _BETA_ONLY,
    RENAMED: _READ | _LIVE_ONLY,
}
OFFLINE = "offline.access"
