"""The API's objects in full, before fields are selected."""

from __future__ import annotations

from typing import Any

from sandbox.api import tweet_text
from sandbox.world import pictures
from sandbox.world.clock import timestamp
from sandbox.world.model import MOST_EDITS, Account, Media, Poll, Space, Tweet
from sandbox.world.state import World

Object = dict[str, Any]

_EDITABLE_SECONDS = 3600


def user(world: World, viewer: Account, account: Account, origin: str) -> Object:
    """Return an account as this viewer sees it."""
    return {
        "id": account.id,
        "name": account.name,
        "username": account.username,
        "created_at": timestamp(world.clock.began - account.days_old * 86400),
        "verified": account.verified_type != "none",
        "verified_type": account.verified_type,
        "protected": account.protected,
        "location": account.location,
        "profile_image_url": origin + pictures.address(account),
        "profile_banner_url": pictures.banner_address(account, origin),
        "public_metrics": _user_metrics(world, account),
        "pinned_tweet_id": account.pinned_tweet_id,
        "most_recent_tweet_id": next(iter(world.timelines.get(account.id, ())), ""),
        "connection_status": world.follows.status(viewer.id, account.id),
        **tweet_text.of_profile(account, world),
    }


def tweet(world: World, one: Tweet) -> Object:
    """Return a post."""
    texted = tweet_text.of(one, world)
    return {
        "id": one.id,
        "text": texted.text,
        "edit_history_tweet_ids": history(one),
        "author_id": one.author_id,
        "created_at": timestamp(world.time_of(one)),
        "conversation_id": conversation(world, one),
        "in_reply_to_user_id": replied_to(world, one),
        "lang": one.lang,
        "possibly_sensitive": one.sensitive,
        "reply_settings": one.reply_settings,
        "source": "Twitter Sandbox",
        "display_text_range": [0, len(texted.text)],
        "entities": texted.entities,
        "note_tweet": texted.note,
        "article": {"title": one.article} if one.article else {},
        "public_metrics": _tweet_metrics(one),
        "attachments": _attachments(one),
        "referenced_tweets": [{"type": t, "id": i} for t, i in one.references],
        "edit_controls": _edit_controls(world, one),
        **_private_metrics(one),
    }


def _private_metrics(one: Tweet) -> dict[str, Object]:
    """Return the metrics that only the author may see. No post was promoted."""
    reposts, replies, likes, _, _, impressions = one.metrics
    seen = {"impression_count": impressions, "user_profile_clicks": impressions // 100}
    clicked = {"url_link_clicks": impressions // 50} if one.links else {}
    counts = {"like_count": likes, "reply_count": replies}
    reposted = {"retweet_count": reposts, "repost_count": reposts}
    return {
        "non_public_metrics": seen | clicked,
        "organic_metrics": seen | clicked | counts | reposted,
        "promoted_metrics": {},
    }


def space(world: World, one: Space) -> Object:
    """Return a Space."""

    def moment(minutes: int | None) -> str:
        return "" if minutes is None else timestamp(world.clock.began + minutes * 60)

    return {
        "id": one.id,
        "state": one.state,
        "title": one.title,
        "creator_id": one.creator_id,
        "host_ids": list(one.host_ids),
        "speaker_ids": list(one.speaker_ids),
        "invited_user_ids": list(one.invited_user_ids),
        "topic_ids": list(one.topic_ids),
        "participant_count": one.participant_count,
        "subscriber_count": one.subscriber_count,
        "is_ticketed": False,
        "lang": one.lang,
        "created_at": moment(one.created_minutes),
        "updated_at": moment(one.created_minutes + 1),
        "scheduled_start": moment(one.scheduled_minutes),
        "started_at": moment(one.started_minutes),
        "ended_at": moment(one.ended_minutes),
    }


def media(one: Media, origin: str) -> Object:
    """Return a picture; a video has a still instead of a `url`."""
    drawing = f"{origin}/media/{one.media_key}.svg"
    return {
        "media_key": one.media_key,
        "type": one.type,
        "url": drawing if one.type == "photo" else "",
        "preview_image_url": drawing if one.type == "video" else "",
        "duration_ms": one.duration_ms or "",
        "alt_text": one.alt_text,
        "width": one.width,
        "height": one.height,
    }


def poll(world: World, one: Poll, asked_in: Tweet) -> Object:
    """Return a poll, which closes when its time is over."""
    ends = world.time_of(asked_in) + one.duration_minutes * 60
    return {
        "id": one.id,
        "options": [
            {"position": number, "label": label, "votes": votes}
            for number, (label, votes) in enumerate(one.options, 1)
        ],
        "duration_minutes": one.duration_minutes,
        "end_datetime": timestamp(ends),
        "voting_status": "open" if world.now() < ends else "closed",
    }


def topic(world: World, topic_id: str) -> Object:
    """Return a topic of Spaces."""
    return dict(zip(("id", "name", "description"), world.topics[topic_id], strict=True))


def history(one: Tweet) -> list[str]:
    """Return the ids of all versions of a post, the oldest first."""
    return [*one.earlier_versions, one.id, *one.later_versions]


def replied_to(world: World, one: Tweet) -> str:
    """Return the id of the account that a post replies to, or an empty text."""
    parent = world.tweets.get(dict(one.references).get("replied_to", ""))
    return "" if parent is None else parent.author_id


def _user_metrics(world: World, account: Account) -> Object:
    followers, following = world.follows.counts(account.id)
    posts = len(world.timelines.get(account.id, ()))
    return {
        "followers_count": followers,
        "following_count": following,
        # Clients made for the renamed specification insist on the second name.
        "tweet_count": posts,
        "post_count": posts,
        "listed_count": account.listed_count,
        "like_count": account.listed_count * 7,
    }


def _tweet_metrics(one: Tweet) -> Object:
    names = ("retweet", "reply", "like", "quote", "bookmark", "impression")
    counts = {f"{n}_count": count for n, count in zip(names, one.metrics, strict=True)}
    return counts | {"repost_count": counts["retweet_count"]}


def _attachments(one: Tweet) -> Object:
    polls = [one.poll_id] if one.poll_id else []
    full = {"media_keys": list(one.media_keys), "poll_ids": polls}
    return {name: value for name, value in full.items() if value}


def _edit_controls(world: World, one: Tweet) -> Object:
    return {
        "edits_remaining": MOST_EDITS - (len(history(one)) - 1),
        "is_edit_eligible": not one.references and not one.poll_id,
        "editable_until": timestamp(world.time_of(one) + _EDITABLE_SECONDS),
    }


def conversation(world: World, one: Tweet) -> str:
    """Return the id of the post that began the conversation."""
    while parent := dict(one.references).get("replied_to"):
        if parent not in world.tweets:
            return parent
        one = world.tweets[parent]
    return one.id
