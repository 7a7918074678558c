"""The pages: one blueprint, and the filters and globals of its templates."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask

from app.pages import (
    account,
    charts,
    follows,
    home,
    lookup,
    people,
    privacy,
    sign_in,
    spaces,
    tweets,
    usage,
)
from app.pages.features import offered_on_page
from app.pages.filters import about, ago, duration, exactly, roughly, since, span
from app.pages.paging import MAX_PAGES
from app.pages.twitter_links import account_pages, link_target, profile_at_twitter, twitter_site
from app.services import services
from app.twitter.endpoints import USER_TWEETS
from app.twitter.tweet_text import isolated

# The POST is the refresh button of a panel.
_PANELS = ["GET", "POST"]

pages = Blueprint("pages", __name__)
pages.add_url_rule("/", "home", home.home, methods=_PANELS)
pages.add_url_rule("/tweets", "tweets", tweets.tweets, methods=_PANELS)
pages.add_url_rule("/tweets/<tweet_id>", "tweet", tweets.tweet, methods=_PANELS)
pages.add_url_rule("/tweets/lookup", "tweets_lookup", tweets.tweets_lookup, methods=_PANELS)
pages.add_url_rule("/follows", "follows", follows.follows)
pages.add_url_rule("/follows", "follow", follows.follow, methods=["POST"])
pages.add_url_rule("/follows/<user_id>/delete", "unfollow", follows.unfollow, methods=["POST"])
pages.add_url_rule("/follows/followers", "followers", follows.followers, methods=_PANELS)
pages.add_url_rule("/people", "people", people.people, methods=_PANELS)
pages.add_url_rule("/people/<username>", "person", people.person, methods=_PANELS)
pages.add_url_rule("/people/id/<user_id>", "person_by_id", people.person_by_id, methods=_PANELS)
pages.add_url_rule("/spaces", "spaces", spaces.spaces, methods=_PANELS)
pages.add_url_rule("/spaces/<space_id>", "space", spaces.space, methods=_PANELS)
pages.add_url_rule("/spaces/lookup", "spaces_lookup", spaces.spaces_lookup, methods=_PANELS)
pages.add_url_rule("/account", "account", account.account)
pages.add_url_rule("/account/sign-in", "sign_in", sign_in.sign_in)
pages.add_url_rule("/how-it-works", "how_it_works", sign_in.how_it_works)
pages.add_url_rule("/privacy", "privacy", privacy.privacy)
pages.add_url_rule("/account/browsers/end", "end_browser", account.end_browser, methods=["POST"])
pages.add_url_rule(
    "/account/browsers/end-others", "end_others", account.end_others, methods=["POST"]
)
pages.add_url_rule("/account/export", "export", account.export)
pages.add_url_rule("/account/disconnect", "disconnect_form", account.disconnect_form)
pages.add_url_rule("/account/disconnect", "disconnect", account.disconnect, methods=["POST"])


def register(app: Flask) -> None:
    """Add the pages to `app`, and their filters and globals to all templates."""
    app.register_blueprint(pages)
    # Lines that hold only a statement leave no empty line in the page.
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.add_template_filter(about)
    app.add_template_filter(ago)
    app.add_template_filter(duration)
    app.add_template_filter(exactly)
    app.add_template_filter(roughly)
    app.add_template_filter(since)
    app.add_template_filter(span)
    app.add_template_filter(charts.beginning)
    app.add_template_filter(charts.reactions)
    app.add_template_filter(isolated)
    app.add_template_filter(lookup.in_order)
    app.add_template_filter(spaces.open_spaces)
    app.add_template_filter(people.found_in)
    app.add_template_filter(people.profile_url)
    app.add_template_filter(link_target)
    app.add_template_filter(profile_at_twitter)
    app.add_template_filter(usage.dollars)
    app.add_template_filter(usage.endpoint_label)
    app.context_processor(_for_templates)


def _for_templates() -> dict[str, Any]:
    config = services().config
    return {
        "privacy_url": config.privacy_url,
        "terms_url": config.terms_url,
        "contact_email": config.contact_email,
        "account_pages": account_pages(),
        "now": services().now(),
        "twitter_site": twitter_site(),
        "max_pages": MAX_PAGES,
        "has_timeline": USER_TWEETS.exists_in(services().dialect),
        "offered": offered_on_page(),
    }
