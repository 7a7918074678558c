"""Profiles, Posts, Spaces, hashtags and searches at X's own addresses, as small pages.

An app links people, Posts and Spaces to X. In the sandbox those links lead here, to a visitor who
is signed in to nothing: protected Posts are hidden.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from markupsafe import Markup
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from sandbox.api import objects, tweet_text
from sandbox.api.entities import escaped, in_escaped
from sandbox.api.short_links import linked, shortened, to_post
from sandbox.request_context import current_world
from sandbox.world.clock import timestamp
from sandbox.world.model import Account, Link, Tweet
from sandbox.world.state import World

blueprint = Blueprint("public", __name__)

_SHOWN = 50
# The addresses of X that this module answers, so that a short link to one can lead there.
_OURS = re.compile(
    r"https://(?:www\.)?(?:x|twitter)\.com"
    r"(/[A-Za-z0-9_]{1,15}(?:/(?:status|article|web/status|user)/[0-9]{1,19})?"
    r"(?:/(?:photo|video)/[0-9])?)/?"
)


@blueprint.errorhandler(404)
def nowhere(error: HTTPException) -> tuple[str, int]:
    """Answer an address that leads to no account and no Post."""
    return render_template("nowhere.html", reason=error.description), 404


@blueprint.get("/<username>")
def profile(username: str) -> str:
    """Show an account, and its newest Posts unless they are protected."""
    world = current_world()
    with world.lock:
        account = _shown(world.usernames.get(username.lower()))
        about = tweet_text.of_profile(account, world)
        bio, found = about["description"], about["entities"].get("description", {})
        posts = [one for one in world.timeline(account.id) if world.is_public(one)]
        return render_template(
            "profile.html",
            account=account,
            about=list(_pieces(escaped(bio), in_escaped(found, bio))),
            website=shortened(account.url) if account.url else None,
            counts=world.follows.counts(account.id),
            posts=[_card(world, post) for post in posts[:_SHOWN]],
        )


@blueprint.get("/i/user/<account_id>")
def profile_by_id(account_id: str) -> Response:
    """Lead to the profile of an id, as X does."""
    account = _shown(current_world().accounts.get(account_id))
    return redirect(url_for("public.profile", username=account.username))


@blueprint.get("/<username>/status/<tweet_id>")
def post(username: str, tweet_id: str) -> str | Response:
    """Show a Post; below another username, lead to its author's."""
    world = current_world()
    with world.lock:
        found = _public(world, tweet_id)
        if world.accounts[found.author_id].username != username:
            return redirect(_address(world, found))
        newer = world.tweets[found.later_versions[-1]] if found.later_versions else None
        return render_template(
            "posts.html",
            title="Post",
            posts=[_card(world, found)],
            newer=_address(world, newer) if newer else "",
        )


@blueprint.get("/i/web/status/<tweet_id>")
@blueprint.get("/i/status/<tweet_id>")
@blueprint.get("/<username>/status/<tweet_id>/<any(photo, video):kind>/<int:number>")
def post_by_id(tweet_id: str, **_: object) -> Response:
    """Lead to a Post whose author is not named, and from its pictures to the Post."""
    world = current_world()
    with world.lock:
        return redirect(_address(world, _public(world, tweet_id)))


@blueprint.get("/i/article/<article_id>")
def article(article_id: str) -> Response:
    """Lead to the Post that is this Article."""
    world = current_world()
    with world.lock:
        ids = [
            one.id
            for one in world.tweets.values()
            if one.article and any(k.expanded.endswith(f"/{article_id}") for k in one.links)
        ]
        return redirect(_address(world, _public(world, ids[0] if ids else "")))


@blueprint.get("/i/spaces/<space_id>")
def space(space_id: str) -> str:
    """Show a Space: its title, its state and its hosts."""
    world = current_world()
    with world.lock:
        found = world.spaces.get(space_id)
        if found is None:
            abort(404, "There is no such Space.")
        hosts = [world.accounts[one] for one in found.host_ids or (found.creator_id,)]
        return render_template("space.html", space=found, hosts=hosts)


@blueprint.get("/hashtag/<tag>")
def hashtag(tag: str) -> str:
    """Show the newest Posts with a hashtag, in whatever case."""
    wanted = tag.casefold()

    def has_it(found: dict[str, Any], text: str) -> bool:
        del text
        return any(one["tag"].casefold() == wanted for one in found.get("hashtags", ()))

    return _found(f"#{tag}", has_it)


@blueprint.get("/search")
def search() -> str:
    """Show the newest Posts that have all the words of `q`."""
    query = request.args.get("q", "")
    words = query.casefold().split()

    def has_them(found: dict[str, Any], text: str) -> bool:
        del found
        return bool(words) and all(word in text.casefold() for word in words)

    return _found(f"Search: {query}", has_them)


@blueprint.get("/t.co/<word>")
def short_link(word: str) -> str | Response:
    """Lead to where a short link leads, if that is here; else say where."""
    world = current_world()
    with world.lock:
        link = next((k for k in _links(world) if k.short == f"https://t.co/{word}"), None)
    if link is None:
        abort(404)
    if here := _OURS.fullmatch(link.expanded):
        return redirect(here[1])
    return render_template("short_link.html", link=link)


def _found(title: str, fits: Any) -> str:  # noqa: ANN401
    world, cards = current_world(), []
    with world.lock:
        for one in sorted(world.tweets.values(), key=lambda tweet: int(tweet.id), reverse=True):
            if not one.later_versions and world.is_public(one):
                texted = tweet_text.of(one, world)
                if fits(texted.entities, texted.text):
                    cards.append(_card(world, one))
        return render_template("posts.html", title=title, posts=cards[:_SHOWN])


def _shown(account: Account | None) -> Account:
    if account is None:
        abort(404, "No account has this username.")
    if account.suspended:
        abort(404, "This account is suspended.")
    return account


def _public(world: World, tweet_id: str) -> Tweet:
    found = world.tweets.get(tweet_id)
    if found is None or not world.is_public(found):
        abort(404, "There is no such Post, or its author shows it to followers only.")
    return found


def _address(world: World, tweet: Tweet) -> str:
    username = world.accounts[tweet.author_id].username
    return url_for("public.post", username=username, tweet_id=tweet.id)


def _card(world: World, tweet: Tweet) -> dict[str, Any]:
    """Return what a page shows of a Post; of a repost, the original below who reposted it."""
    original = world.tweets.get(dict(tweet.references).get("retweeted", ""))
    shown = original or tweet
    texted = tweet_text.of(shown, world)
    text, found = texted.text, texted.entities
    if texted.note:
        text, found = texted.note["text"], texted.note.get("entities", {})
    return {
        "author": world.accounts[shown.author_id],
        "reposter": world.accounts[tweet.author_id] if shown is not tweet else None,
        "address": _address(world, shown),
        "at": timestamp(world.time_of(shown)),
        "pieces": list(_pieces(text, found)),
        "article": shown.article,
        "media": [world.media[key] for key in shown.media_keys],
        "poll": objects.poll(world, world.polls[shown.poll_id], shown) if shown.poll_id else None,
        "edited": bool(shown.earlier_versions),
    }


def _pieces(text: str, found: dict[str, Any]) -> Iterator[tuple[Markup, str]]:
    """Yield the pieces of an escaped text, each with the address that it links to, or none."""
    places = [(one, kind) for kind, ones in found.items() for one in ones]
    end = 0
    for one, kind in sorted(places, key=lambda place: place[0]["start"]):
        # The text is escaped by the API: `&`, `<` and `>`, all that matter between tags.
        yield Markup(text[end : one["start"]]), ""  # noqa: S704
        said = Markup(text[one["start"] : one["end"]])  # noqa: S704
        yield (Markup.escape(one["display_url"]) if kind == "urls" else said), _target(one, kind)
        end = one["end"]
    yield Markup(text[end:]), ""  # noqa: S704


def _target(one: dict[str, Any], kind: str) -> str:
    """Return the address at the sandbox that an entity links to."""
    if kind == "urls":
        return url_for("public.short_link", word=one["url"].removeprefix("https://t.co/"))
    if kind == "mentions":
        return url_for("public.profile_by_id", account_id=one["id"])
    if kind == "hashtags":
        return url_for("public.hashtag", tag=one["tag"])
    return url_for("public.search", q=f"${one['tag']}")


def _links(world: World) -> Iterator[Link]:
    """Yield every short link of the world."""
    for tweet in world.tweets.values():
        yield from tweet.links
        yield to_post(world.accounts[tweet.author_id], tweet)
    for account in world.accounts.values():
        yield from linked(account.description)[1]
        if account.url:
            yield shortened(account.url)
