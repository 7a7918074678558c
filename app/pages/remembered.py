"""The HTML of a cached item, kept beside it, so that a warm page does not render it again.

It goes with the cached answer, which is one person's. It is shown again only while everything else
that it shows is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial, singledispatch
from typing import Any, cast

from flask import request
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from app.twitter.page import Page

# Longer HTML, of a very long post, is not kept.
MOST_BYTES = 10 * 1024


@dataclass(frozen=True, slots=True)
class _Kept:
    item: object
    shown_with: tuple[object, ...]
    html: bytes  # one emoji makes a str four times as large


@pass_context
def remembered(context: Context, name: str, items: Sequence[Any], page: Page[Any]) -> list[Markup]:
    """Return the HTML of each of `items`, which `page` holds. A template global.

    "tweets.tweet" is the macro `tweet` of partials/tweets.html. It takes the item alone, and must
    show nothing of the request: no form, no address of this page. Raises `TypeError` for an item
    that `ages` does not know.
    """
    macro = cache(partial(_macro, context, name))
    now = context["now"]
    everywhere = (context["person"].twitter_id, request.root_path, now.date())
    shown = []
    for place, item in enumerate(items):
        kept, shown_with = page.rendered.get((name, place)), (*everywhere, *ages(item, now))
        if kept and kept.item is item and kept.shown_with == shown_with:
            html = Markup(kept.html.decode())  # noqa: S704 - what the macro has returned
        else:
            html = macro()(item)
            if len(encoded := html.encode()) <= MOST_BYTES:
                page.rendered[name, place] = _Kept(item, shown_with, encoded)
        shown.append(html)
    return shown


def _macro(context: Context, name: str) -> Callable[[object], Markup]:
    """Return the macro of `name`, imported "with context"."""
    file, _, macro = name.partition(".")
    template = context.environment.get_template(f"partials/{file}.html")
    module = template.make_module(context.get_all())
    return cast("Callable[[object], Markup]", getattr(module, macro))


@singledispatch
def ages(item: object, _now: datetime) -> Iterable[object]:
    """Return everything that the HTML of an item shows of the time, apart from the day.

    A section registers its own kinds of items.
    """
    raise TypeError(f"{type(item).__name__}: register what its HTML shows of the time")
