"""A section of the site: all that one module of this room adds to the rest of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask.typing import ResponseReturnValue

from app.accounts.people import Person
from app.pages.queries import Query
from app.twitter.endpoints import Endpoint

# The POST is the refresh button of a panel.
PANELS = ("GET", "POST")


@dataclass(frozen=True, slots=True)
class Route:
    """A URL rule of Flask and its view, whose name is the endpoint: `pages.<name>`."""

    rule: str
    view: Callable[..., ResponseReturnValue]
    methods: Sequence[str] = ("GET",)


@dataclass(frozen=True, slots=True)
class Entry:
    """A link in the navigation. It leads to the first route of its section.

    `feature` must be offered. `covers` has the first parts of other paths that belong to it.
    """

    label: str
    feature: str = ""
    covers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HomePanel:
    """A panel of the home page: its template, which shows the panel of this `name`.

    The template finds the macro `content` imported. `query` gets the person, and the
    queries of the panels before it. `place` orders the panels.
    """

    name: str
    template: str
    query: Callable[[Person, Sequence[Query[Any]]], Query[Any]]
    place: int
    is_wide: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """The parts that a module adds. Its constant `SECTION` is listed in `app.pages.sections`."""

    routes: tuple[Route, ...]
    entry: Entry | None = None
    subject: str = ""  # what it shows, within the sentence that introduces the site
    stylesheets: tuple[str, ...] = ()  # in static/css, linked by every page
    filters: tuple[Callable[..., Any], ...] = ()
    # The main endpoint of each feature: the first of these that the dialect has.
    features: Mapping[str, tuple[Endpoint, ...]] = field(default_factory=dict)
    panel: HomePanel | None = None
