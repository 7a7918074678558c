"""`flask people`: the people who have signed in, for operators: list, show, forget."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import click
from flask.cli import AppGroup

from app.accounts.people_by_name import Named, people_named, person_with_id, printable
from app.accounts.people_overview import details_of, everyone
from app.gateway.cached_content import Content, Dropped, drop
from app.services import services
from app.twitter.models import USER_OR_TWEET_ID

# How long a command waits for Twitter to hear of what it revoked (seconds).
DELIVERY_SECONDS = 10

people = AppGroup("people", help="The people who have signed in.")
_as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")


@people.command("list")
@_as_json
def list_people(*, as_json: bool) -> None:
    """List all people: name, id, last seen, sessions that have not ended, state of the grant."""
    for each in everyone(services().database):
        if as_json:
            click.echo(json.dumps(asdict(each), default=_plain))
            continue
        click.echo(
            f"@{printable(each.username)}  {each.twitter_id}  last seen"
            f" {_minute(each.last_seen_at)}  sessions: {each.sessions}  grant: {each.grant}"
        )


@people.command("show")
@click.argument("person")
@_as_json
def show(person: str, *, as_json: bool) -> None:
    """Show a PERSON, by @name or Twitter id: their sessions and grants.

    Sessions and grants go by the short hash that the log knows them by.
    """
    found = _person(person)
    details = details_of(services().database, found.user_id, found.twitter_id)
    if left_at := details.get("left_at"):
        details["deleted_after"] = left_at + timedelta(days=services().config.people_days)
    if as_json:
        names = {"twitter_id": found.twitter_id, "username": found.username}
        click.echo(json.dumps(names | details, default=_plain))
        return
    click.echo(f"{found}")
    for name, value in details.items():
        for row in value if isinstance(value, list) else [value]:
            click.echo(f"  {name}: {_words(row)}")


@people.command("forget")
@click.argument("person")
@click.option("--yes", is_flag=True, help="Do not ask.")
def forget(person: str, *, yes: bool) -> None:
    """Delete all that is stored about a PERSON, by @name or Twitter id.

    Their sessions and grant end, and their tokens are revoked at Twitter. A sign-in that is under
    way does not bring them back; a later one starts afresh.
    """
    here = services()
    twitter_id = person if _is_id(person) else person_named(person).twitter_id
    known = person_with_id(here.database, twitter_id)
    if known and not yes:
        click.confirm(f"Delete all that is stored about {known}?", abort=True)
    if not here.departures.forget(twitter_id):
        raise click.ClickException(
            f"No person with the Twitter id {twitter_id} is stored here. A sign-in of theirs that"
            " is under way is stopped."
        )
    here.outbox.wait(seconds=DELIVERY_SECONDS)
    click.echo(f"Deleted all that was stored about {known or f'Twitter id {twitter_id}'}.")
    if waiting := here.outbox.backlog().waiting:
        click.echo(f"Tokens that Twitter must still revoke, of all people: {waiting}.")


@people.command("forget-content")
@click.argument("content")
def forget_content(content: str) -> None:
    """Drop a Tweet or an author from what is cached of all people.

    CONTENT is an id, an @name, or a link to a Tweet or a profile. An id is the surest: names
    change.
    """
    here = services()
    try:
        wanted = Content.from_text(content)
    except ValueError as error:
        raise click.UsageError(f"{printable(content)} is {error}.") from None
    if here.cache is None:
        click.echo("CACHE_SECONDS is 0: nothing is cached.")
    else:
        click.echo(_told(drop(wanted, here.database, redis_url=here.config.redis_url)))
    if here_too := _stored_person(wanted):
        click.echo(
            f"{here_too} has signed in here. To delete their own data as well:"
            f" flask --app wsgi people forget {here_too.twitter_id}"
        )


def _told(dropped: Dropped) -> str:
    """Say what was done, and what no command reaches."""
    if dropped.answers is not None:
        return (
            f"Deleted {dropped.answers} cached answers from Redis, for all processes.\n"
            "Not reached: pages that are open in browsers."
        )
    where = "Redis" if services().config.redis_url else "the memory of each process"
    return (
        f"No process finds the cached answers of {dropped.people} people any more: their next pages"
        " are read from Twitter.\n"
        f"Not reached: the copies in {where}, which last 24 hours at most, and pages that are open"
        " in browsers."
    )


def person_named(username: str, *, choose_by: str = "their Twitter id") -> Named:
    """Return the one person who went by that name at their latest sign-in.

    Raises `ClickException` if there is none, or if the name had several owners.
    """
    name = username.removeprefix("@")
    # Twitter's names are ASCII; bytes of another encoding would fail in the database.
    found = people_named(services().database, name) if name.isascii() else []
    if len(found) == 1:
        return found[0]
    if not found:
        raise click.ClickException(f"No person has signed in as @{printable(name)}.")
    known = "".join(f"\n  {each}, signed in {each.signed_in_at:%Y-%m-%d}" for each in found)
    raise click.ClickException(
        f"{len(found)} people have signed in as @{printable(name)}. Choose one by"
        f" {choose_by}:{known}"
    )


def _person(word: str) -> Named:
    if not _is_id(word):
        return person_named(word)
    found = person_with_id(services().database, word)
    if found is None:
        raise click.ClickException(f"No person with the Twitter id {word} is stored here.")
    return found


def _is_id(word: str) -> bool:
    """Tell an id from a name; a name of digits needs its @."""
    return USER_OR_TWEET_ID.fullmatch(word) is not None


def _stored_person(content: Content) -> Named | None:
    database = services().database
    if content.id is not None:
        return person_with_id(database, content.id)
    return next(iter(people_named(database, content.username or "")), None)


def _minute(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _words(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_words(each)}" for name, each in value.items() if each)
    return _minute(value) if isinstance(value, datetime) else printable(str(value))


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON's own hook
    return value.isoformat()
