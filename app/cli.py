"""Commands for operators: `flask --app wsgi ...`. A worker of gunicorn imports none of them.

`flask doctor` has a room of its own, `flask people` and `flask webhook` have files.
"""

from __future__ import annotations

import re
import signal
import sys
import threading
from types import TracebackType

import click
from click.core import ParameterSource
from flask import Flask
from flask.cli import AppGroup, with_appcontext
from sqlalchemy import create_engine
from sqlalchemy.exc import SQLAlchemyError

from app import doctor
from app.accounts import database_copy
from app.accounts.outbox_delivery import Delivery
from app.accounts.reencryption import keys_in_use, reencrypt
from app.gateway.revocation_checks import Checked
from app.observability.redaction import redacted
from app.people_cli import DELIVERY_SECONDS, people, person_named
from app.services import services
from app.storage import migrations
from app.storage.database import Database, engine_options
from app.storage.refusals import in_words
from app.webhook_cli import webhook
from config import secrets_in, store_url

# Seconds between two looks at an empty outbox, and the longest pause while Twitter is away.
IDLE_SECONDS = 2.0
_LONGEST_PAUSE_SECONDS = 30.0


# PostgreSQL's reason for refusing a user: names, and no secret.
_FATAL = re.compile(r"FATAL:\s+(.+)")

revocations = AppGroup("revocations", help="The outbox: tokens to revoke at Twitter.")
tokens = AppGroup("tokens", help="Stored tokens, and the keys that encrypt them.")
grants = AppGroup("grants", help="The grants of people.")
database = AppGroup("database", help="The database of the site.")


def init_app(app: Flask) -> None:
    """Add the commands to `flask`."""
    for command in (prune, revocations, tokens, grants, people, database, webhook):
        app.cli.add_command(command)
    doctor.init_app(app)
    migrations.init_app(app)


# flask prune


@click.command("prune")
@with_appcontext
def prune() -> None:
    """End unused sign-ins, and delete people who left and rows out of date. Run it hourly."""
    here, now, days = services(), services().now(), services().config.people_days
    states = here.used_states.prune() + here.people.prune_endings()
    ended, rows = here.sessions.prune(now=now)
    figures = here.usages.prune(now=now) + here.performed.prune()
    figures += here.revocation_events.prune()
    left = here.departures.prune(days=days)
    dead_letters = here.outbox.prune(days=days)
    here.outbox.wait(seconds=DELIVERY_SECONDS)
    click.echo(
        f"Ended {ended} unused grants. Deleted {states} used states, {rows} ended sessions and"
        f" grants, and {figures} old figures, actions and events.\n"
        f"Deleted {left} people who left {days} days ago, and {dead_letters} dead letters as old."
    )


# flask revocations


@revocations.command("deliver")
@click.option("--watch", is_flag=True, help="Keep running until SIGINT or SIGTERM.")
def deliver(*, watch: bool) -> None:
    """Revoke the tokens in the outbox at Twitter, and check the revocations that X reported.

    Any number of these may run at once.
    """
    stop = threading.Event()
    if watch:
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, lambda *_: stop.set())
    pause = IDLE_SECONDS
    while True:
        try:
            delivered, away = _deliver_due(stop)
            checked = _check_due(stop)
        except SQLAlchemyError as error:
            if not watch:
                raise
            click.echo(f"The database failed: {in_words(error)}.", err=True)
            delivered, checked, away = 0, 0, True
        if delivered:
            click.echo(f"Revoked {delivered} tokens.")
        if checked:
            click.echo(f"Checked {checked} revocations that X reported.")
        if not watch or stop.is_set():
            break
        pause = min(pause * 2, _LONGEST_PAUSE_SECONDS) if away else IDLE_SECONDS
        stop.wait(pause)
    backlog = services().outbox.backlog()
    click.echo(f"Waiting: {backlog.waiting}. Dead letters: {backlog.dead_letters}.")


def _deliver_due(stop: threading.Event) -> tuple[int, bool]:
    """Deliver the rows that are due; return their number, and whether Twitter is away."""
    delivered = 0
    while not stop.is_set():
        delivery = services().outbox.deliver_next()
        if delivery in {None, Delivery.AWAY}:
            return delivered, delivery is Delivery.AWAY
        delivered += delivery is Delivery.DONE
    return delivered, False


def _check_due(stop: threading.Event) -> int:
    """Check the revocations that X reported; return how many were answered."""
    checked = 0
    while not stop.is_set():
        result = services().revocation_checks.check_next()
        if result in {None, Checked.AWAY}:
            break
        checked += result is not Checked.SEALED
    return checked


# flask tokens


@tokens.command("reencrypt")
def reencrypt_tokens() -> None:
    """Encrypt all tokens with the first key of TOKEN_KEYS, so that older keys can be removed.

    May be interrupted and repeated, beside the running site. Exits with 1 while a token still needs
    another key.
    """
    database, cipher = services().database, services().cipher
    for progress in reencrypt(database, cipher):
        click.echo(f"{progress.seen} checked, {progress.resealed} re-encrypted.")
    in_use = keys_in_use(database)
    older = [key_id for key_id in cipher.key_ids[1:] if in_use[key_id]]
    unknown = sum(count for key_id, count in in_use.items() if key_id not in cipher.key_ids)
    for key_id in cipher.key_ids:
        role = "first, encrypts" if key_id == cipher.newest_key_id else "older"
        click.echo(f"Key {key_id} ({role}): {in_use[key_id]} tokens.")
    if unknown:
        click.echo(f"{unknown} tokens need a key that is not in TOKEN_KEYS.")
    if older or unknown:
        raise click.exceptions.Exit(1)
    click.echo(
        "All tokens are encrypted with the first key. Remove the older ones from TOKEN_KEYS."
    )


# flask grants


@grants.command("end")
@click.option("--username", help="The person's username at Twitter at their latest sign-in.")
@click.option("--twitter-id", help="The person's id at Twitter, which never changes.")
def end(username: str | None, twitter_id: str | None) -> None:
    """Sign a person out everywhere, and revoke their tokens at Twitter."""
    if (username is None) == (twitter_id is None):
        raise click.UsageError("Name the person by --username or by --twitter-id.")
    known = twitter_id or person_named(username or "", choose_by="--twitter-id").twitter_id
    ended = services().sessions.end_all_of(known)
    if ended is None:
        raise click.ClickException(f"No person with the Twitter id {twitter_id} has signed in.")
    services().outbox.wait(seconds=DELIVERY_SECONDS)
    click.echo(f"Signed {ended} out everywhere.")


# flask database


@database.command("copy")
@click.option(
    "--to",
    "url",
    envvar="TARGET_DATABASE_URL",
    prompt="The target database",
    hide_input=True,
    help="The target, written like DATABASE_URL. Leave it out if it has a password.",
)
@click.pass_context
def copy(context: click.Context, *, url: str) -> None:
    """Copy all rows of DATABASE_URL to another database, and verify them. All, or none.

    Stop the site first. The target needs the tables of `flask db upgrade`, and no rows. Every user
    of the machine can read a password in a command line: put an address with a password into
    TARGET_DATABASE_URL, or leave --to out to be asked.
    """
    address = _target(context, url)
    engine = create_engine(address, **engine_options(address, threads=1))
    try:
        for copied in database_copy.copy(services().database, Database(engine)):
            click.echo(f"{copied.table}: {copied.rows} rows.")
    except database_copy.CannotCopy as reason:
        raise click.ClickException(str(reason)) from None
    except SQLAlchemyError as error:
        raise click.ClickException(
            f"A database failed: {in_words(error)}. Nothing was copied."
        ) from None
    finally:
        engine.dispose()
    click.echo("All rows are copied. Now set DATABASE_URL to the target, and start the site.")


def _target(context: click.Context, url: str) -> str:
    """Return the address of the target database. Raises for one that cannot be copied to."""
    try:
        address = store_url(url)
    except ValueError as error:
        raise click.ClickException(f"--to {error}") from None
    if secrets_in(address) and context.get_parameter_source("url") is ParameterSource.COMMANDLINE:
        raise click.UsageError(
            "Every user of this machine can read a password in a command line. Change it, put the"
            " address into TARGET_DATABASE_URL or leave --to out to be asked, and try again."
        )
    if address == services().config.database_url:
        raise click.ClickException("--to is the database that this site uses already.")
    return address


# Errors of any command


def explain_failures() -> None:
    """Have a failing command print its reason in the first line.

    An error of the database needs no traceback; any other error is logged as well.
    """
    log_it = sys.excepthook

    def explain(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, SQLAlchemyError):
            click.echo(f"Error: {_reason(error)}", err=True)
            return
        if isinstance(error, Exception):
            reason = (str(error).splitlines() or [""])[0]
            click.echo(redacted(f"Error: {kind.__name__}: {reason}"), err=True)
        log_it(kind, error, traceback)

    sys.excepthook = explain


def _reason(error: SQLAlchemyError) -> str:
    """Return the reason of the database, and the next step."""
    sentence = _FATAL.search(str(getattr(error, "orig", "")))
    detail = f" ({redacted(sentence[1])})" if sentence else ""
    return (
        f"The database failed: {in_words(error)}{detail}.\n"
        "Check DATABASE_URL, and run: flask --app wsgi doctor"
    )
