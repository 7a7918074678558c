"""`flask webhook`: registers the webhook at X, shows it, and removes it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import click
from flask.cli import AppGroup

from app.doctor.webhook import REGISTER, state, unreachable_for_x, why_not
from app.services import services
from app.twitter.errors import TwitterError
from app.twitter.webhooks import Webhooks

webhook = AppGroup("webhook", help="X tells this site at once when a person revokes its access.")


@webhook.command("register")
def register() -> None:
    """Have X tell this site of revocations. The site must run: X calls it before it agrees.

    May be repeated: only what is missing is added, and a webhook that X has switched off is
    switched on.
    """
    if reason := unreachable_for_x(services()):
        raise click.ClickException(reason)
    with _in_words() as webhooks:
        found = webhooks.register(services().webhook_url)
    if not found.works:
        raise click.ClickException(f"X has the webhook, but it does not work: {state(found)}.")
    click.echo(f"X tells {found.url} of revocations.")


@webhook.command("status")
def status() -> None:
    """Show the app's webhooks at X. Exits with 1 unless the one of this site works."""
    ours = services().webhook_url
    with _in_words() as webhooks:
        found = webhooks.all()
    for each in found:
        whose = "this site" if each.url == ours else "another site"
        click.echo(f"{each.url} ({whose}): {state(each)}.")
    if not any(each.works for each in found if each.url == ours):
        click.echo(f"X does not tell {ours} of revocations. {REGISTER}")
        raise click.exceptions.Exit(1)


@webhook.command("remove")
def remove() -> None:
    """Have X tell this site of nothing any more. May be repeated."""
    with _in_words() as webhooks:
        was_there = webhooks.remove(services().webhook_url)
    found = "X has removed the webhook" if was_there else "X has no webhook"
    click.echo(f"{found} at {services().webhook_url}.")


@contextlib.contextmanager
def _in_words() -> Iterator[Webhooks]:
    """Yield X's webhooks; end with what to do if X refuses, or if there are no secrets."""
    webhooks = services().webhooks
    if webhooks is None:
        raise click.ClickException(
            "Set TWITTER_BEARER_TOKEN and TWITTER_CONSUMER_SECRET first. Both are among the app's "
            "keys and tokens in the developer portal."
        )
    try:
        yield webhooks
    except TwitterError as error:
        cause, fix = why_not(error, services().webhook_url)
        raise click.ClickException(f"{cause}\n{fix}") from None
