"""Commands for operators, as typed."""

import os
import signal
import subprocess
import sys

import pytest
import requests
from alembic.script import ScriptDirectory
from sqlalchemy import update
from sqlalchemy.exc import OperationalError

from app.accounts.models import Grant, Revocation, Session
from config import ROOT
from tests.factories import (
    ME_URL,
    REVOKE_URL,
    TOKEN_URL,
    build_environ,
    token_answer,
    token_key,
    user_answer,
)
from tests.site import migrate
from tests.stores import on_both_stores


@pytest.fixture
def run(app):
    def run(*args, on=app):
        return on.test_cli_runner().invoke(args=args)

    return run


@pytest.fixture
def twitter_that_cannot_revoke(twitter):
    twitter.post(TOKEN_URL, json=token_answer())
    twitter.get(ME_URL, json=user_answer())
    twitter.post(REVOKE_URL, body=requests.ConnectionError("away"))
    return twitter


def log_out_in_vain(app, client):
    client.sign_in()
    client.press_log_out()
    app.extensions["perch"].outbox.wait(seconds=5)
    app.extensions["perch"].outbox.stop()
    with app.extensions["perch"].database.writing() as connection:
        connection.execute(update(Revocation).values(due_at=0))


@on_both_stores
def test_deliver_revokes_due_tokens(app, client, run, twitter_that_cannot_revoke, rows):
    log_out_in_vain(app, client)
    twitter_that_cannot_revoke.upsert("POST", REVOKE_URL, json={"revoked": True})

    result = run("revocations", "deliver")

    assert "Revoked 2 tokens." in result.output
    assert "Waiting: 0. Dead letters: 0." in result.output
    assert rows(Revocation) == []


def test_deliver_counts_the_waiting_tokens(app, client, run, twitter_that_cannot_revoke):
    log_out_in_vain(app, client)

    result = run("revocations", "deliver")

    assert "Waiting: 2. Dead letters: 0." in result.output


@pytest.fixture
def own_signals():
    """Give the signals that `--watch` listens to back to pytest."""
    before = {name: signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM)}
    yield
    for name, handler in before.items():
        signal.signal(name, handler)


def test_watching_outlives_a_database_that_is_away(app, run, own_signals, monkeypatch):
    asked = []

    def away_at_first():
        asked.append(1)
        if len(asked) == 1:
            raise OperationalError("UPDATE", {}, Exception("away"))
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(app.extensions["perch"].outbox, "deliver_next", away_at_first)
    monkeypatch.setattr("app.cli.IDLE_SECONDS", 0.01)

    result = run("revocations", "deliver", "--watch")

    assert result.exit_code == 0
    assert len(asked) == 2
    assert "The database failed: OperationalError." in result.output


def test_delivering_once_says_that_the_database_is_away(app, run, monkeypatch):
    def away():
        raise OperationalError("UPDATE", {}, Exception("away"))

    monkeypatch.setattr(app.extensions["perch"].outbox, "deliver_next", away)

    assert run("revocations", "deliver").exit_code == 1


def test_end_signs_a_person_out_everywhere(app, client, run, twitter, rows):
    twitter.post(TOKEN_URL, json=token_answer())
    twitter.get(ME_URL, json=user_answer(id="2002", username="jay"))
    twitter.get(ME_URL, json=user_answer())
    twitter.post(REVOKE_URL, json={"revoked": True})
    jay, phone = app.test_client(), app.test_client()
    for browser in (jay, client, phone):
        browser.sign_in()

    result = run("grants", "end", "--username", "@Wren")

    assert "Signed @wren (Twitter id 1001) out everywhere." in result.output
    reasons = [[row["end_reason"] for row in rows(table)] for table in (Grant, Session)]
    assert reasons == [[None, "ended_by_operator"], [None, *["ended_by_operator"] * 2]]
    assert [browser.is_signed_in() for browser in (jay, client, phone)] == [True, False, False]


def test_end_asks_which_owner_of_a_name_is_meant(app, run, twitter):
    twitter.post(TOKEN_URL, json=token_answer())
    twitter.get(ME_URL, json=user_answer(id="2002", username="jay"))
    twitter.get(ME_URL, json=user_answer(id="2003", username="Jay"))
    twitter.post(REVOKE_URL, json={"revoked": True})
    before, today = app.test_client(), app.test_client()
    for browser in (before, today):
        browser.sign_in()

    asked = run("grants", "end", "--username", "jay")
    both = [before.is_signed_in(), today.is_signed_in()]
    ended = run("grants", "end", "--twitter-id", "2002")

    assert (asked.exit_code, ended.exit_code) == (1, 0)
    assert all(f"Twitter id {number}" in asked.output for number in (2002, 2003))
    assert both == [True, True]
    assert [before.is_signed_in(), today.is_signed_in()] == [False, True]


@pytest.mark.parametrize(
    "words",
    [[], ["--username", "jay", "--twitter-id", "1"], ["--username", "jay"], ["--twitter-id", "1"]],
)
def test_end_names_one_known_person(run, words):
    assert run("grants", "end", *words).exit_code > 0


@on_both_stores
def test_reencrypt_moves_every_value_to_the_first_key(build_app, kind_twitter, run, rows):
    old, new = token_key("o"), token_key("n")
    before = build_app(TOKEN_KEYS=old).test_client()
    before.sign_in()
    both = build_app(TOKEN_KEYS=f"{new},{old}")

    result = run("tokens", "reencrypt", on=both)

    assert result.exit_code == 0
    assert "Remove the older ones from TOKEN_KEYS." in result.output
    after = build_app(TOKEN_KEYS=new).test_client().with_cookies_of(before)
    assert after.press_log_out().status_code == 303
    assert [grant["end_reason"] for grant in rows(Grant)] == ["logged_out"]


@on_both_stores
def test_reencrypt_moves_waiting_revocations_too(build_app, twitter_that_cannot_revoke, run):
    old, new = token_key("o"), token_key("n")
    before = build_app(TOKEN_KEYS=old)
    log_out_in_vain(before, before.test_client())

    result = run("tokens", "reencrypt", on=build_app(TOKEN_KEYS=f"{new},{old}"))

    assert (result.exit_code, "2 re-encrypted" in result.output) == (0, True)
    twitter_that_cannot_revoke.upsert("POST", REVOKE_URL, json={"revoked": True})
    result = run("revocations", "deliver", on=build_app(TOKEN_KEYS=new))
    assert "Revoked 2 tokens." in result.output


def test_reencrypt_can_be_run_again(build_app, client, kind_twitter, run):
    client.sign_in()
    both = build_app(TOKEN_KEYS=f"{token_key('n')},{token_key()}")
    run("tokens", "reencrypt", on=both)

    result = run("tokens", "reencrypt", on=both)

    assert result.exit_code == 0
    assert "0 re-encrypted" in result.output


def test_a_key_is_not_called_unused_while_a_row_needs_it(build_app, client, kind_twitter, run):
    client.sign_in()
    without = build_app(TOKEN_KEYS=token_key("n"))

    result = run("tokens", "reencrypt", on=without)

    assert result.exit_code == 1
    assert "2 tokens need a key that is not in TOKEN_KEYS." in result.output
    assert "Remove the older" not in result.output


def test_reencrypt_skips_a_row_that_changed_meanwhile(build_app, client, kind_twitter, rows):
    from app.accounts import reencryption

    client.sign_in()
    both = build_app(TOKEN_KEYS=f"{token_key('n')},{token_key()}").extensions["perch"]
    [grant] = rows(Grant)
    place = f"grants.access_token:{grant['id']}"

    changed = reencryption._reseal(
        both.database,
        both.cipher,
        Grant.access_token,
        Grant.id,
        reencryption._Sealed(grant["id"], both.cipher.seal("x", at=place), place),
    )

    assert not changed
    assert rows(Grant)[0]["access_token"] == grant["access_token"]


@on_both_stores
def test_reencrypt_goes_through_many_rows_in_batches(build_app, app, twitter, run, monkeypatch):
    from app.accounts import reencryption

    monkeypatch.setattr(reencryption, "BATCH", 2)
    twitter.post(TOKEN_URL, json=token_answer())
    for number in range(5):
        twitter.get(ME_URL, json=user_answer(id=f"100{number}"))
        app.test_client().sign_in()
    both = build_app(TOKEN_KEYS=f"{token_key('n')},{token_key()}")

    result = run("tokens", "reencrypt", on=both)

    assert "10 checked, 10 re-encrypted." in result.output
    assert result.exit_code == 0


@pytest.fixture
def other_database(request, tmp_path):
    """The URL of an empty database at the newest version, as an operator writes it."""
    root = tmp_path / "other"
    root.mkdir()
    url = f"sqlite:///{root / 'perch.db'}"
    if getattr(request, "param", "sqlite") == "postgresql":
        url = request.getfixturevalue("postgresql_url").replace("+psycopg", "")
    migrate(root, DATABASE_URL=url)
    return url


@pytest.mark.parametrize(
    "database_url, other_database",
    [
        ("sqlite", "sqlite"),
        pytest.param("sqlite", "postgresql", marks=pytest.mark.postgresql),
        pytest.param("postgresql", "sqlite", marks=pytest.mark.postgresql),
    ],
    indirect=True,
)
def test_a_copy_keeps_people_signed_in(build_app, client, kind_twitter, run, other_database):
    client.sign_in()

    result = run("database", "copy", "--to", other_database)

    assert result.exit_code == 0, result.output
    assert "grants: 1 rows.\n" in result.output
    assert "Now set DATABASE_URL to the target" in result.output
    after = build_app(DATABASE_URL=other_database).test_client().with_cookies_of(client)
    assert after.is_signed_in()
    assert after.press_log_out().status_code == 303


def test_a_copy_refuses_a_target_with_rows(client, kind_twitter, run, other_database):
    client.sign_in()
    run("database", "copy", "--to", other_database)

    result = run("database", "copy", "--to", other_database)

    assert result.exit_code == 1
    assert "The target is not empty: it has rows in" in result.output


def test_a_database_is_not_copied_onto_itself(run, database_url):
    result = run("database", "copy", "--to", database_url)

    assert result.exit_code == 1
    assert "uses already" in result.output


@pytest.mark.parametrize(
    "url, complaint",
    [
        ("mysql://perch:hunter2@db/perch", "--to must start with postgresql://"),
        ("postgresql://perch:hunter2@/perch?host=/nowhere", "nothing listens on that socket"),
    ],
)
def test_a_wrong_address_is_explained_without_its_password(run, monkeypatch, url, complaint):
    monkeypatch.setenv("TARGET_DATABASE_URL", url)

    result = run("database", "copy")

    assert result.exit_code == 1
    assert complaint in result.output
    assert "hunter2" not in result.output


@pytest.mark.parametrize("where", [":hunter2@/perch?", "@/perch?password=hunter2&"])
def test_a_password_is_not_taken_from_a_command_line(run, where):
    result = run("database", "copy", "--to", f"postgresql://perch{where}host=/nowhere")

    assert result.exit_code == 2
    assert "Every user of this machine can read" in result.output
    assert "hunter2" not in result.output


def test_the_target_is_asked_for(app):
    asked = "postgresql://perch:hunter2@/perch?host=/nowhere\n"

    result = app.test_cli_runner().invoke(args=["database", "copy"], input=asked)

    assert "nothing listens on that socket" in result.output
    assert "hunter2" not in result.output


# As typed, in a process of its own


@pytest.fixture
def typed(tmp_path):
    """Run `flask --app wsgi ...` of an https site, and return its output."""

    def typed(*args, **settings):
        environ = build_environ(PUBLIC_URL="https://birds.example", **settings)
        return subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", *args],
            env={"PATH": os.environ["PATH"], **environ},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )

    return typed


def test_an_upgrade_names_its_migrations(typed, tmp_path):
    url = f"sqlite:///{tmp_path}/nest.db"

    first, second = (typed("db", "upgrade", DATABASE_URL=url) for _ in range(2))

    assert first.stdout.startswith("Upgraded to 0001: People, their grants,")
    newest = ScriptDirectory(str(ROOT / "migrations")).get_current_head()
    assert first.stdout.splitlines()[-1] == f"The tables are of version {newest}."
    assert second.stdout == f"The tables are of version {newest}.\n"
    assert (first.stderr, second.stderr) == ("", "")


NO_SUCH_USER = 'it has no such database or user (role "swift" does not exist)'


@pytest.mark.postgresql
@pytest.mark.parametrize("command", [("db", "upgrade"), ("prune",), ("revocations", "deliver")])
def test_a_failing_command_prints_its_reason_first(typed, postgresql_url, command):
    result = typed(*command, DATABASE_URL=postgresql_url.replace("perch@", "swift:hunter2@"))

    assert result.returncode == 1
    assert result.stderr.splitlines() == [
        f"Error: The database failed: {NO_SUCH_USER}.",
        "Check DATABASE_URL, and run: flask --app wsgi doctor",
    ]
