"""The pages: one blueprint of all sections, and the filters and globals of its templates."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask

from app.pages import home, lookup, tweets, usage
from app.pages.features import main_endpoints, offered_on_page
from app.pages.filters import about, ago, duration, exactly, roughly, since, span
from app.pages.paging import MAX_PAGES
from app.pages.remembered import remembered
from app.pages.section import Entry, Section
from app.pages.sections import SECTIONS
from app.pages.twitter_links import account_pages, link_target, profile_at_twitter, twitter_site
from app.services import services
from app.twitter.dialect import BETA, origin
from app.twitter.tweet_text import isolated
from app.web.messages import permission_words

_SECTIONS = (home.SECTION, *SECTIONS)
FEATURES = {name: main for section in _SECTIONS for name, main in section.features.items()}

pages = Blueprint("pages", __name__)
for _section in _SECTIONS:
    for _route in _section.routes:
        pages.add_url_rule(_route.rule, view_func=_route.view, methods=_route.methods)


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
    app.add_template_filter(isolated)
    app.add_template_filter(lookup.in_order)
    app.add_template_filter(link_target)
    app.add_template_filter(profile_at_twitter)
    app.add_template_filter(usage.dollars)
    for section in _SECTIONS:
        for template_filter in section.filters:
            app.add_template_filter(template_filter)
    app.add_template_global(remembered)
    with app.app_context():
        app.jinja_env.globals |= _of_sections() | _of_the_site()
        mains = main_endpoints(FEATURES, services().dialect)

    @app.context_processor
    def for_templates() -> dict[str, Any]:
        """Return what differs from page to page."""
        return {"now": services().now(), "offered": offered_on_page(mains)}


def _of_sections() -> dict[str, Any]:
    *subjects, last = (section.subject for section in _SECTIONS if section.subject)
    return {
        "navigation": [_link(section, section.entry) for section in _SECTIONS if section.entry],
        "section_stylesheets": [name for section in _SECTIONS for name in section.stylesheets],
        "subjects": f"{', '.join(subjects)} and {last}" if subjects else last,
    }


def _link(section: Section, entry: Entry) -> tuple[str, Entry, set[str]]:
    """Return a link of the navigation, and the first parts of the paths within its section."""
    parts = {route.rule.split("/")[1] for route in section.routes}
    return f"pages.{section.routes[0].view.__name__}", entry, parts | {*entry.covers}


def _of_the_site() -> dict[str, Any]:
    config, dialect = services().config, services().dialect
    return {
        "app_name": config.app_name,
        "sandbox": {"console_url": origin(dialect.api_url)} if config.sandbox else None,
        "privacy_url": config.privacy_url,
        "terms_url": config.terms_url,
        "contact_email": config.contact_email,
        "account_pages": account_pages(),
        "asked_at_sign_in": [permission_words(permission) for permission in dialect.at_sign_in],
        "twitter_site": twitter_site(),
        "max_pages": MAX_PAGES,
        "has_timeline": tweets.has_timeline(),
        "says_connections": dialect.name != BETA.name,  # how the person stands with a user
    }
