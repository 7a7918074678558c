"""Panels: the parts of a page that show data from Twitter, each failing alone.

`render_panels` answers a request for such a page. A `PanelLoader` fills its panels: a query whose
permission the person has not granted is never sent; the others go to `PageReads`, which answers
from the cache or asks Twitter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import urlencode

from flask import redirect, render_template, request, session
from flask.typing import ResponseReturnValue

from app.accounts.people import Person
from app.gateway.cached_source import MaxAge
from app.gateway.page_reads import ReadRequest, ReadResult
from app.pages.queries import Query
from app.services import Services, services
from app.twitter.dialect import Permission
from app.twitter.errors import (
    NotInOwnPlan,
    NotInPlan,
    OutOfCredits,
    PermissionMissing,
    RateLimited,
    TokenRefused,
    TwitterError,
    WrongTokenType,
)
from app.twitter.page import Page
from app.twitter.transport.deadline import Deadline
from app.web.messages import panel_message, permission_lost, permission_needed

T_co = TypeVar("T_co", covariant=True)

# The site's plan, the person's own plan, or the site's credits.
Unavailable = Literal["plan", "own plan", "credits"]
# Trying again gives the same answer until a person does something.
_LASTING = (TokenRefused, NotInPlan, OutOfCredits, WrongTokenType)

# A refresh fetches new data, but pressing its button twice is paid for once.
REFRESH_MAX_AGE = timedelta(seconds=5)
# Other workers may still cache the older answer, so the session notes the refresh for a while.
_REFRESH_REMEMBERED = timedelta(seconds=60)
_REFRESH = "refresh"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """Why a panel is empty: a sentence, when it ends if that is known, and what would help."""

    text: str
    until: datetime | None = None
    ask: Permission | None = None
    sign_in: bool = False
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel(Generic[T_co]):
    """One part of a page: its data and their age, and why they are old or missing."""

    page: Page[T_co] = field(default_factory=Page)
    read_at: datetime | None = None  # None: just now, and nothing is cached
    trouble: Trouble | None = None
    is_old: bool = False  # because of `trouble`, `page` comes from an earlier read
    unavailable: Unavailable | None = None  # waiting does not help, so a page may omit the panel


def render_panels(
    person: Person,
    template: str,
    queries: Mapping[str, Query[Any]],
    **context: Any,  # noqa: ANN401 - whatever the template shows
) -> ResponseReturnValue:
    """Return `template`, rendered with a panel for each of `queries`.

    A POST is the refresh button of one panel: it reads the panel again and redirects to the same
    page, so that reloading costs nothing. A HEAD reads nothing.
    """
    if request.method == "HEAD":
        return ""
    if request.method == "POST":
        _refresh(person, request.form.get("refresh", ""), queries)
        return redirect(request.full_path.removesuffix("?"), code=303)
    panels = PanelLoader.of(person, max_age=_max_age_after_refresh()).load(**queries)
    return render_template(template, panels=panels, **panels, **context)


def _refresh(person: Person, panel: str, queries: Mapping[str, Query[Any]]) -> None:
    if panel in queries and services().cache is not None:  # without one, the GET reads it anyway
        PanelLoader.of(person, max_age={panel: REFRESH_MAX_AGE}).load(**{panel: queries[panel]})
        session[_REFRESH] = [_page_id(), panel, services().now().timestamp()]


def _max_age_after_refresh() -> Mapping[str, timedelta]:
    """Return the maximum age of the panel that was refreshed on this page, if one just was."""
    page, panel, refreshed_at = session.get(_REFRESH, ("", "", 0))
    # The clock of the machine that wrote the session may be ahead.
    ago = max(timedelta(0), services().now() - datetime.fromtimestamp(refreshed_at, tz=UTC))
    recent = page == _page_id() and ago < _REFRESH_REMEMBERED
    return {panel: ago + REFRESH_MAX_AGE} if recent else {}


def _page_id() -> str:
    """Return a hash of path and query: other ids, or another part of a list, are another page.

    A hash, because a hundred ids are too long for a cookie.
    """
    query = urlencode(sorted(request.args.items(multi=True)))
    return hashlib.sha256(f"{request.path}?{query}".encode()).hexdigest()[:16]


def is_sent(query: Query[Any], person: Person) -> bool:
    """Return whether `query` is granted, and its main endpoint in the plan, as far as is known."""
    if not all(services().calls.may(person, endpoint) for endpoint in query.endpoints):
        return False
    main = query.endpoints[0]
    return services().quota.why_unavailable(main, person.profile.id) is None


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelLoader:
    """Loads panels for one person during one request."""

    person: Person
    app: Services
    max_age: Mapping[str, timedelta] = field(default_factory=dict)
    deadline: Deadline = field(default_factory=Deadline)

    @classmethod
    def of(cls, person: Person, *, max_age: Mapping[str, timedelta] | None = None) -> PanelLoader:
        """Return the loader for `person`; `max_age` limits the age of some panels, by name."""
        return cls(person=person, app=services(), max_age=max_age or {})

    def load(self, **queries: Query[Any]) -> dict[str, Panel[Any]]:
        """Run all `queries` and return a panel for each, by the same names.

        Twitter's errors stay inside the panels; only `GrantEnded` is raised.
        """
        ungranted = {name: self._ungranted(query) for name, query in queries.items()}
        wanted = {
            name: ReadRequest(fetch=query.fetch, max_age=self._fresh(name, query))
            for name, query in queries.items()
            if ungranted[name] is None
        }
        outcomes = self.app.page_reads.all(self.person, wanted, deadline=self.deadline)
        return {
            name: ungranted[name] or self._panel(outcomes[name], query)
            for name, query in queries.items()
        }

    def _ungranted(self, query: Query[Any]) -> Panel[Any] | None:
        """Return a panel that asks for the permission that `query` lacks, if it lacks one."""
        dialect = self.app.dialect
        if not all(map(dialect.scope, query.needs)):
            return Panel(unavailable="plan")
        lacking = [n for n in query.needs if dialect.scope(n) not in self.person.scopes]
        return Panel(trouble=_lacks(lacking[0])) if lacking else None

    def _panel(self, outcome: ReadResult, query: Query[Any]) -> Panel[Any]:
        error, now = outcome.error, self.app.now()
        return Panel(
            page=outcome.page or Page(),
            read_at=outcome.read_at,
            trouble=trouble(error, needs=query.needs, now=now) if error else None,
            is_old=outcome.page is not None and error is not None,
            unavailable=_unavailable(error),
        )

    def _fresh(self, name: str, query: Query[Any]) -> MaxAge:
        """Return the maximum age of a cached answer, by endpoint.

        A refresh is about the main endpoint, whose answer the panel shows. The answers that led
        to it may be as old as usual.
        """
        usual = max(timedelta(seconds=self.app.config.cache_seconds), query.cached_for)
        main, max_age = query.endpoints[0], min(self.max_age.get(name, usual), usual)
        return lambda endpoint: max_age if endpoint == main else usual


def _unavailable(error: TwitterError | None) -> Unavailable | None:
    if isinstance(error, OutOfCredits):
        return "credits"
    if isinstance(error, NotInOwnPlan):
        return "own plan"
    return "plan" if isinstance(error, NotInPlan) else None


def trouble(error: TwitterError, *, needs: Sequence[Permission], now: datetime) -> Trouble:
    """Return the trouble that a panel shows for an error of a query that `needs` permissions."""
    if isinstance(error, PermissionMissing):
        return Trouble(text=permission_lost(needs[0]), ask=needs[0])
    until = error.until if isinstance(error, RateLimited) else None
    if until is not None and until <= now:
        until = None
    return Trouble(
        text=panel_message(error),
        until=until,
        sign_in=isinstance(error, TokenRefused),
        again=until is None and not isinstance(error, _LASTING),
    )


def _lacks(permission: Permission) -> Trouble:
    return Trouble(text=permission_needed(permission), ask=permission)
