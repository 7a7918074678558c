"""The privacy page: the software's own account of what it stores, or the operator's policy."""

from __future__ import annotations

from datetime import timedelta

from flask import redirect, render_template
from flask.typing import ResponseReturnValue

from app.accounts import endings, revocation_events, sessions, used_states
from app.gateway import usage
from app.pages.section import Route, Section
from app.pages.twitter_links import connected_apps_url
from app.services import services
from app.storage import cache
from app.web.cookie_names import cookie_name


def privacy() -> ResponseReturnValue:
    """GET /privacy: the operator's policy if there is one, else what this software stores.

    Every length of time on the page is that of the settings, or of the code that deletes.
    """
    config = services().config
    if config.privacy_url:
        return redirect(config.privacy_url, code=302)
    return render_template(
        "privacy.html",
        people_kept=timedelta(days=config.people_days),
        idle=timedelta(days=config.session_idle_days),
        longest=timedelta(days=config.session_days),
        ended_kept=sessions.ENDED_KEPT,
        usage_kept=usage.KEPT,
        used_states_kept=used_states.KEPT,
        endings_kept=timedelta(seconds=endings.KEPT_SECONDS),
        events_kept=revocation_events.KEPT,
        fresh=timedelta(seconds=config.cache_seconds),
        copies_kept=cache.KEPT,
        cookies={kind: cookie_name(config, kind) for kind in ("session", "visit", "flow")},
        logout_revokes=config.logout_revokes,
        connected_apps_url=connected_apps_url(),
    )


SECTION = Section(routes=(Route("/privacy", privacy),))
