"""Posts and deletes Tweets."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from sandbox.api import problems, tweet_text
from sandbox.api.body import Body
from sandbox.api.call import Answer, Call, Handler
from sandbox.api.short_links import linked
from sandbox.api.text_length import LONGEST, weighted_length
from sandbox.world import publishing
from sandbox.world.model import Poll, Tweet

_PRICE_WITH_LINK = 0.2
_PRICE_OF_SUMMONED = 0.01
_LONGEST_SENT = 25_000  # characters; longer is too long however it is counted
_REPEATED_SECONDS = 24 * 60 * 60
_POLL_MINUTES = 5, 7 * 24 * 60
_REPLY_SETTINGS = ("following", "mentionedUsers", "subscribers", "verified")
# X's specification has these, and the sandbox nothing that they could refer to.
_NOT_PLAYED = (
    "card_uri",
    "community_id",
    "direct_message_deep_link",
    "edit_options",
    "for_super_followers_only",
    "geo",
    "made_with_ai",
    "nullcast",
    "paid_partnership",
    "share_with_followers",
)

_TOO_LONG = (
    "Your Tweet text is too long. For more information on how Twitter determines text length see "
    "https://github.com/twitter/twitter-text."
)
_NO_TEXT = "$.text: is missing but it is required"
_ONE_ATTACHMENT = "$: media, poll and quote_tweet_id are mutually exclusive"
_BAD_MEDIA = "Your media IDs are invalid."
_DUPLICATE = "You are not allowed to create a Tweet with duplicate content."
_INVISIBLE = "You attempted to reply to a Tweet that is deleted or not visible to you."
_UNASKED_REPLY = (
    "Reply to this conversation is not allowed because you have not been mentioned or otherwise "
    "engaged by the author of the post you are replying to."
)
_UNASKED_QUOTE = (
    "Quoting this post is not allowed because you have not been mentioned or are not part of the "
    "conversation thread of the post you are quoting."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Draft:
    """A post as a client asks for it."""

    text: str
    reply_to: str = ""
    quoted: str = ""
    reply_settings: str = "everyone"
    poll: tuple[tuple[str, ...], int] | None = None  # options, minutes


def create_tweet(call: Call) -> Answer:
    """`POST /2/tweets`: a text, and a reply, a quote or a poll."""
    draft = _read(call)
    call.query.done()
    if not draft.text.strip():
        raise problems.invalid(_NO_TEXT)
    if len(draft.text) > _LONGEST_SENT or weighted_length(draft.text) > LONGEST:
        raise problems.invalid(_TOO_LONG)
    is_summoned = _check_reply(call, draft.reply_to)
    _check_quote(call, draft.quoted)
    text, links = linked(draft.text)
    _check_duplicate(call, text)
    tweet_id = publishing.next_id(call.world)
    poll = _poll(tweet_id, draft)
    references = {"quoted": draft.quoted, "replied_to": draft.reply_to}
    tweet = Tweet(
        id=tweet_id,
        author_id=call.viewer.id,
        text=text,
        lang="und",
        minutes_ago=(call.world.clock.began - call.world.now()) / 60,
        links=links,
        poll_id=poll.id if poll else "",
        reply_settings=draft.reply_settings,
        references=tuple((kind, one) for kind, one in references.items() if one),
    )
    publishing.publish(call.world, tweet, poll)
    call.price = _price(has_link=bool(links), is_summoned=is_summoned)
    shown = tweet_text.of(tweet, call.world).text
    return {"data": {"id": tweet.id, "text": shown, "edit_history_tweet_ids": [tweet.id]}}, 1


def delete_tweet(call: Call, tweet_id: str) -> Answer:
    """`DELETE /2/tweets/:id`: one's own, with all its versions."""
    call.query.path("id", tweet_id)
    call.query.done()
    tweet = call.world.tweets.get(tweet_id)
    if tweet is None:
        raise problems.not_found()
    if tweet.author_id != call.viewer.id:
        raise problems.forbidden()
    publishing.delete(call.world, tweet)
    return {"data": {"deleted": True}}, 1


def _read(call: Call) -> _Draft:
    """Return what the body asks for; mistakes are collected, and raised here."""
    complaints = call.query.complaints
    body = Body.sent(complaints)
    body.refuse(_NOT_PLAYED, "the sandbox does not play this")
    if sum(map(body.has, ("media", "poll", "quote_tweet_id"))) > 1:
        complaints.add("$", [], _ONE_ATTACHMENT)
    draft = _Draft(
        text=unicodedata.normalize("NFC", body.text("text") or ""),
        reply_to=_read_reply(body.inner("reply")),
        quoted=body.id("quote_tweet_id"),
        reply_settings=body.choice("reply_settings", _REPLY_SETTINGS, "everyone"),
        poll=_read_poll(body.inner("poll")),
    )
    if (media := body.inner("media")) is not None:
        # There is no upload here, so no id can be one of an upload.
        ids = media.texts("media_ids", 1, 4, 19)
        complaints.add("media.media_ids", list(ids), _BAD_MEDIA)
    body.done()
    return draft


def _read_reply(reply: Body | None) -> str:
    if reply is None:
        return ""
    tweet_id = reply.id("in_reply_to_tweet_id", required=True)
    # X accepts these two for compatibility, and drops them.
    reply.flag("auto_populate_reply_metadata")
    if reply.has("exclude_reply_user_ids"):
        reply.texts("exclude_reply_user_ids", 0, 100, 19)
    reply.done()
    return tweet_id


def _read_poll(poll: Body | None) -> tuple[tuple[str, ...], int] | None:
    if poll is None:
        return None
    options = poll.texts("options", 2, 4, 25)
    minutes = poll.number("duration_minutes", *_POLL_MINUTES)
    poll.choice("reply_settings", _REPLY_SETTINGS, "")  # accepted and dropped, as above
    poll.done()
    return options, minutes


def _check_reply(call: Call, tweet_id: str) -> bool:
    """Raise 403 for a reply that X does not allow; return whether its author asked for it."""
    if not tweet_id:
        return False
    original = call.world.tweets.get(tweet_id)
    if original is None or not call.world.may_see(call.viewer, original):
        raise problems.refused(_INVISIBLE)
    if original.author_id == call.viewer.id:
        return False
    is_summoned = _mentions_viewer(call, original) or _quotes_viewer(call, original)
    self_serve = call.world.settings.plan != "enterprise"
    if not is_summoned and (self_serve or not _is_let_in(call, original)):
        raise problems.refused(_UNASKED_REPLY)
    return is_summoned


def _is_let_in(call: Call, original: Tweet) -> bool:
    """Return whether the author of a Tweet lets this viewer reply without being asked."""
    lets_in = {
        "everyone": True,
        "following": call.world.follows.has(original.author_id, call.viewer.id),
        "verified": call.viewer.verified_type != "none",
    }
    return lets_in.get(original.reply_settings, False)


def _mentions_viewer(call: Call, tweet: Tweet) -> bool:
    return tweet.id in call.world.mentions.get(call.viewer.id, ())


def _quotes_viewer(call: Call, tweet: Tweet) -> bool:
    quoted = call.world.tweets.get(dict(tweet.references).get("quoted", ""))
    return quoted is not None and quoted.author_id == call.viewer.id


def _check_quote(call: Call, tweet_id: str) -> None:
    """Raise 403 for a quote; in April 2026 they left every self-serve plan."""
    if not tweet_id:
        return
    quoted = call.world.tweets.get(tweet_id)
    is_visible = quoted is not None and call.world.may_see(call.viewer, quoted)
    if not is_visible or call.world.settings.plan != "enterprise":
        raise problems.refused(_UNASKED_QUOTE)


def _check_duplicate(call: Call, text: str) -> None:
    """Raise 403 for a text that the viewer posted within a day."""
    since = call.world.now() - _REPEATED_SECONDS
    for earlier in call.world.timeline(call.viewer.id):
        if earlier.text == text and call.world.time_of(earlier) > since:
            raise problems.refused(_DUPLICATE)


def _poll(tweet_id: str, draft: _Draft) -> Poll | None:
    if draft.poll is None:
        return None
    options, minutes = draft.poll
    votes = tuple((option, 0) for option in options)
    return Poll(id=tweet_id, options=votes, duration_minutes=minutes)


def _price(*, has_link: bool, is_summoned: bool) -> float | None:
    """Return the price of a Tweet, in US dollars, if it is not the usual one."""
    if is_summoned:
        return _PRICE_OF_SUMMONED
    return _PRICE_WITH_LINK if has_link else None


HANDLERS: dict[str, Handler] = {
    "create_tweet": create_tweet,
    "delete_tweet": delete_tweet,
}
