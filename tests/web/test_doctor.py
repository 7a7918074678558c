"""`flask doctor` on set-ups that are broken in one way each: it names that one, and the fix.

Twitter is the sandbox, and the site listens at its public URL, both on loopback. The server that
the site runs in plays the proxies, the TLS, or another site in front of it.
"""

import contextlib
import json
import re
import runpy
import stat
import sys
import threading
import time
from functools import partial

import click
import pytest
from flask import Flask
from itsdangerous import TimestampSigner

from app.doctor import checks, probe, public_url, self_request
from app.doctor.command import command
from app.doctor.connection import IGNORED, PROXY_FIXES
from app.doctor.context import Context
from app.doctor.report import Report, Result, Section, Status
from app.observability.redaction import secrets_of
from app.storage.extensions import db
from app.twitter.transport.tunnel import ProxyTrouble
from config import ROOT, Config
from sandbox.testing import Sandbox
from tests.dialects import LIVE
from tests.factories import LIVE_SCOPES, build_config, build_environ
from tests.proxy import HttpProxy
from tests.test_docs import anchors
from tests.web.doctor_bench import (
    CLIENT_SECRET,
    PASSWORD,
    SECRET_KEY,
    SECRETS,
    TOKEN_KEY,
    VIA_TWO,
    Bench,
    self_signed,
)
from tests.web.doctor_breakages import (
    BROKEN,
    dotenv_that_others_read,
    executed,
    no_settings,
    public_client,
)

pytestmark = pytest.mark.loopback


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as running:
        yield running


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def bench(sandbox, tmp_path, clock, apps, request, monkeypatch):
    sandbox.reset()
    for name in IGNORED:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    with contextlib.ExitStack() as closing:
        yield Bench(sandbox, tmp_path, clock, apps, closing, request)


def run(app, *options):
    return app.test_cli_runner().invoke(args=["doctor", *options])


def diagnose(app, *options):
    """Return the exit code, and each result by the name of its check."""
    result = run(app, "--json", *options)
    assert not any(secret in result.output for secret in SECRETS)
    document = json.loads(result.stdout)
    return result.exit_code, {check["name"]: check for check in document["checks"]}


def problems(results):
    """Name the checks that warn or failed."""
    return [name for name, found in results.items() if found["status"] in {"failed", "warning"}]


ON_POSTGRESQL = {"a PostgreSQL without this database"}
NAMES = [
    pytest.param(name, marks=pytest.mark.postgresql) if name in ON_POSTGRESQL else name
    for name in BROKEN
]


@pytest.mark.parametrize("name", NAMES)
def test_doctor_names_cause_and_fix(bench, monkeypatch, name):
    break_it, check, status, message, fix = BROKEN[name]
    monkeypatch.setattr(probe, "SECONDS", 1.0 if "never answers" in name else probe.SECONDS)
    app = break_it(bench)

    code, results = diagnose(app)

    assert problems(results) == [check], {name: results[name] for name in problems(results)}
    assert results[check]["status"] == status
    assert message in results[check]["message"]
    assert fix in results[check]["fix"]
    assert code == (status == "failed")


# Set-ups in order


def test_a_set_up_in_order_is_fine(bench):
    app = bench.build()
    bench.sign_in(app)
    bench.owe(app)

    code, results = diagnose(app)

    assert {name: found["message"] for name, found in results.items()} == {
        "settings": f"All are valid: a confidential client of {bench.twitter.url}, dialect live.",
        "secrets": "SECRET_KEY has 1 key, TOKEN_KEYS has 1 key.",
        "callback": "The developer portal needs exactly this callback: "
        f"{bench.street.url}/auth/callback",
        "contact": "People reach you at wren@nest.example. "
        f"Privacy policy: {bench.street.url}/privacy, built in.",
        "public URL": f"{bench.street.url} leads to this site.",
        "proxies": "Requests arrive as they were sent, through 0 proxies.",
        "outgoing proxy": "Calls go straight to Twitter, through no proxy.",
        "authorize host": f"{bench.twitter.url} answers.",
        "API host": f"{bench.twitter.url} answers.",
        "TLS": "Plain http on loopback: there is no TLS to check.",
        "clock": "This machine's clock agrees with Twitter's.",
        "client": "Twitter knows this client: a confidential client with this secret.",
        "consent page": "The page accepts our callback and the scopes "
        f"{LIVE_SCOPES.replace(' ', ', ')}.",
        "database": results["database"]["message"],
        "migrations": results["migrations"]["message"],
        "Redis": "REDIS_URL is not set: each process caches and counts for itself.",
        "keys": "All 2 tokens are encrypted with the first key.",
        "outbox": "1 token waits to be revoked.",
        "people": "No person is stored for more than 90 days after they left.",
        "scopes": "1 sign-in, with all that the pages need.",
        "plan": "Twitter reported nothing missing. To make sure, --call-twitter reads one profile "
        "($0.010).",
        "webhook": "TWITTER_BEARER_TOKEN is not set: X does not tell this site of revocations.",
    }
    assert results["database"]["message"].startswith("SQLite 3.")
    assert results["migrations"]["message"].startswith("The tables have the newest version (")
    assert [found["fix"] + found["see"] for found in results.values()] == [""] * len(results)
    assert code == 0


def test_the_operators_own_policy_is_named(bench):
    _, results = diagnose(bench.build(PRIVACY_URL="https://nest.example/privacy"))

    assert results["contact"]["message"].endswith("Privacy policy: https://nest.example/privacy.")


def test_a_laptop_needs_no_contact(bench):
    _, results = diagnose(bench.build(CONTACT_EMAIL=None))

    assert results["contact"]["status"] == "ok"
    assert results["contact"]["message"] == "On loopback the pages need no contact."


def test_a_proxy_that_connects_to_twitter_is_fine(bench, monkeypatch):
    monkeypatch.setenv("https_proxy", "http://proxy.example:8080")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    proxy = HttpProxy()

    code, results = diagnose(bench.build_behind_a_proxy(proxy))

    assert [problems(results), code] == [[], 0]
    assert re.fullmatch(
        r"Calls go through the proxy at 127\.0\.0\.1:\d+, which connects to Twitter\. "
        r"Ignored, because only TWITTER_PROXY counts: HTTPS_PROXY, NO_PROXY\.",
        results["outgoing proxy"]["message"],
    )
    assert results["client"]["message"].startswith("Twitter knows this client")
    assert len(proxy.heads) > 2  # both hosts, the client, the page


def test_a_proxy_of_the_environment_is_ignored(bench, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:8080")

    _, results = diagnose(bench.build(TWITTER_API_URL="http://{closed}/2"))

    assert results["outgoing proxy"]["message"].endswith("only TWITTER_PROXY counts: HTTPS_PROXY.")
    assert results["API host"]["fix"].endswith(
        "If a proxy is the only way out, set TWITTER_PROXY: HTTPS_PROXY is ignored."
    )


def test_every_trouble_with_a_proxy_has_a_fix():
    assert set(PROXY_FIXES) == set(ProxyTrouble)


def test_a_site_behind_proxies_and_tls_is_fine(bench):
    api = bench.open_street(tls=bench.tls())
    api.app = bench.twitter.app

    code, results = diagnose(
        bench.build_behind_tls(VIA_TWO, TRUSTED_PROXIES="2", TWITTER_API_URL=f"{api.url}/2")
    )

    assert [problems(results), code] == [[], 0]
    assert results["TLS"]["message"] == "Certificates are trusted."


def test_a_file_of_secrets_that_its_group_reads_is_fine(bench):
    app = dotenv_that_others_read(bench, stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP)

    code, results = diagnose(app)

    assert [problems(results), code] == [[], 0]


@pytest.mark.postgresql
def test_postgresql_and_redis_are_fine(bench):
    app = bench.build(
        DATABASE_URL=bench.fixture("emptied_postgresql"), REDIS_URL=bench.fixture("redis_url")
    )

    code, results = diagnose(app)

    assert [problems(results), code] == [[], 0]
    assert results["database"]["message"].startswith("PostgreSQL ")
    assert re.fullmatch(r"Redis \d+\.\d+\.\d+ answers\.", results["Redis"]["message"])


@pytest.mark.parametrize("dialect", ["live", pytest.param("beta", marks=pytest.mark.beta)])
def test_a_public_client_is_fine(bench, dialect):
    app = public_client(dialect, TWITTER_CLIENT_SECRET=None, TWITTER_DIALECT=dialect)(bench)

    code, results = diagnose(app)

    assert [problems(results), code] == [[], 0]
    assert results["client"]["message"] == "Twitter knows this client: a public client."


def test_localhost_is_a_host_like_any_other(bench):
    """X takes such a callback if it is registered exactly."""
    there = bench.street.url.replace("127.0.0.1", "localhost")
    _, results = diagnose(bench.build_at(there))

    assert problems(results) == []
    assert results["callback"]["message"].endswith(f": {there}/auth/callback")


def test_a_name_beyond_ascii_is_fine(bench):
    assert problems(diagnose(bench.build(APP_NAME="Nest \N{BIRD}"))[1]) == []


def test_sandbox_mode_is_named(bench):
    bench.register(client_id="sandbox-client", client_secret="sandbox-secret")
    app = bench.build(TWITTER_CLIENT_ID=None, TWITTER_CLIENT_SECRET=None)

    code, results = diagnose(app)
    printed = run(app).output

    assert [problems(results), code] == [[], 0]
    assert "stands in for Twitter" in results["settings"]["message"]
    assert results["callback"]["message"].startswith("The sandbox needs exactly this callback")
    assert printed.startswith("Sandbox mode: every result about Twitter is about the sandbox.")
    assert "\nOnly a trial at the real X shows the rest: docs/live-trial.md\n" in printed


def test_without_the_sandbox_doctor_says_how_to_start_it(bench):
    app = bench.build(
        TWITTER_CLIENT_ID=None, TWITTER_CLIENT_SECRET=None, TWITTER_API_URL="http://{closed}"
    )

    _, results = diagnose(app)

    assert results["API host"]["fix"].startswith("Start the sandbox (make run)")


def test_the_callback_at_x_itself_is_compared_by_eye(bench, monkeypatch):
    app = bench.build()
    monkeypatch.setattr("app.doctor.twitter.HOMES", (bench.twitter.url,))

    _, results = diagnose(app)

    assert "compare by eye" in results["consent page"]["message"]


# The read with --call-twitter


def test_one_read_says_that_all_is_well(bench):
    app = bench.build()
    bench.sign_in_at_twitter(app)

    found = diagnose(app, "--call-twitter")[1]["plan"]

    assert (found["status"], found["message"]) == ("ok", "Twitter lets us read.")
    assert len(bench.twitter.journal("/2/users/me")) == 2  # one by the check of the host


NOT_ENROLLED = {
    "title": "Client Forbidden",
    "detail": "Attach your App to a Project.",
    "reason": "client-not-enrolled",
    "type": "https://api.twitter.com/2/problems/client-forbidden",
}
DEPLETED = {"title": "CreditsDepleted", "detail": "None are left.", "type": "about:blank"}


@pytest.mark.parametrize(
    "status, body, verdict, section",
    [
        (403, NOT_ENROLLED, "failed", Section.ENROLMENT),
        (402, DEPLETED, "failed", Section.CREDITS),
        (429, {"title": "Too Many Requests"}, "warning", Section.LIMITS),
        (401, {"title": "Unauthorized"}, "warning", Section.DOCTOR),
    ],
)
def test_one_read_says_what_twitter_refuses(bench, status, body, verdict, section):
    app = bench.build()
    bench.sign_in_at_twitter(app)
    refuse = {"path": "/2/users/me", "status": status, "body": body, "times": None}
    bench.before("plan", lambda: bench.twitter.fault(**refuse))

    found = diagnose(app, "--call-twitter")[1]["plan"]

    assert found["status"] == verdict, found
    assert found["see"].endswith(f"#{section}")


def test_an_expired_token_is_not_used_to_ask(bench):
    app = bench.build()
    bench.sign_in(app)

    found = diagnose(app, "--call-twitter")[1]["plan"]

    assert (found["status"], found["message"][:15]) == ("skipped", "No stored token")


def test_a_scope_that_some_lack_is_a_warning(bench):
    app = bench.build()
    bench.sign_in(app)
    bench.sign_in(app, number=2, scopes=LIVE.granted(without=[LIVE.read_follows]))

    code, results = diagnose(app)

    assert [problems(results), code] == [["scopes"], 0]
    assert results["scopes"]["message"] == "1 sign-in of 2 without follows.read."


def test_ended_grants_count_for_nothing(bench):
    app = bench.build()
    bench.sign_in(app, scopes="tweet.read users.read")
    executed(app, "UPDATE grants SET ended_at = created_at")

    assert problems(diagnose(app)[1]) == []


def test_proxies_are_not_judged_before_the_site_is_reached(bench):
    assert public_url.proxies(Context(bench.build())).status == Status.SKIPPED


# The doctor changes nothing, ends in time, and discloses no secret


def test_doctor_changes_nothing(bench):
    app = bench.build()
    bench.sign_in(app)
    bench.owe(app)
    before = everything_in(app)

    run(app)

    assert everything_in(app) == before
    assert bench.twitter.tokens() == []
    assert {(e["method"], e["path"], e["status"]) for e in bench.twitter.journal()} == {
        ("GET", "/2/users/me", 401),
        ("POST", "/2/oauth2/token", 400),
        ("GET", "/i/oauth2/authorize", 400),  # asked for without anything, to see who is there
        ("GET", "/i/oauth2/authorize", 200),
    }


def everything_in(app):
    with app.extensions["perch"].database.reading() as connection:
        return {
            name: connection.execute(table.select()).all()
            for name, table in db.metadata.tables.items()
        }


def test_doctor_makes_no_database(bench):
    run(bench.build(DATABASE_URL="sqlite:///{folder}/other.db"))

    assert not (bench.folder / "other.db").exists()


def test_a_host_that_accepts_no_connection_times_out(bench, monkeypatch):
    def never(_sock, _address):
        raise TimeoutError

    app = bench.build()
    monkeypatch.setattr("app.twitter.transport.deadline_sockets.CountdownSocket.connect", never)

    assert "the connection timed out" in diagnose(app)[1]["API host"]["message"]


def test_a_check_that_does_not_finish_is_abandoned(bench, monkeypatch):
    over = threading.Event()
    bench.closing.callback(over.set)
    monkeypatch.setattr(checks, "LONGEST_SECONDS", 0.05)
    monkeypatch.setattr(
        checks, "CHECKS", (checks.Check("slow", lambda _: over.wait(10), Section.DOCTOR),)
    )

    code, results = diagnose(bench.build())

    assert results["slow"]["message"].startswith("This check did not finish within")
    assert code == 1


def test_a_check_that_breaks_hides_no_other(bench, monkeypatch):
    first, *others = checks.CHECKS
    wrong = checks.Check(first.name, lambda _: 1 / 0, first.section)
    monkeypatch.setattr(checks, "CHECKS", (wrong, *others))

    _, results = diagnose(bench.build())

    assert (
        results["settings"]["message"]
        == "This check ended with an unexpected error (ZeroDivisionError)."
    )
    assert results["scopes"]["status"] == "ok"


@pytest.mark.parametrize("where", [":{}@/perch?", "@/perch?password={}&"])
def test_a_database_that_is_not_reached_is_named_without_its_password(bench, where, tmp_path):
    url = f"postgresql://perch{where.format('a+dusky%20jay')}host={tmp_path}"
    app = bench.build(DATABASE_URL=url)

    printed = app.test_cli_runner().invoke(args=["doctor"]).output

    assert "nothing listens on that socket" in printed
    assert "postgresql+psycopg://perch" in printed
    assert "dusky" not in printed


def test_reports_are_printed_without_secrets(tmp_path, capsys):
    redis_password = "worm%2Fat%2Fdusk"
    config = build_config(
        tmp_path,
        SECRET_KEY=SECRET_KEY,
        TOKEN_KEYS=TOKEN_KEY,
        DATABASE_URL=f"postgresql://perch@db/perch?password={PASSWORD}",
        REDIS_URL=f"redis://:{redis_password}@cache",
        METRICS_TOKEN="a-token-for-figures",
        TWITTER_PROXY="http://wren:worm%2Fat%2Fnoon@proxy.example:3128",
        TWITTER_BEARER_TOKEN="a-token-for-the-app",
        TWITTER_CONSUMER_SECRET="a-secret-for-hmac",
    )
    all_secrets = [
        *("a-token-for-the-app", "a-secret-for-hmac"),
        *(CLIENT_SECRET, SECRET_KEY, TOKEN_KEY, PASSWORD, redis_password),
        *("worm/at/dusk", "a-token-for-figures", "worm/at/noon", "worm%2Fat%2Fnoon"),
    ]
    listed = " and ".join(all_secrets)
    result = Result(status=Status.OK, message=listed, fix=listed)

    for as_json in (False, True):
        Report(results=[("x", result)], secrets=frozenset(secrets_of(config))).print(
            as_json=as_json
        )

    printed = capsys.readouterr().out
    assert printed.count("[redacted]") == 2 * 2 * len(all_secrets)
    assert not any(secret in printed for secret in all_secrets)


# As printed


def test_the_report_has_cause_fix_and_a_link(bench):
    result = run(bench.build(TWITTER_CLIENT_SECRET="the-secret-of-last-year"))

    lines = result.output.splitlines()
    at = next(number for number, line in enumerate(lines) if "FAILED" in line)
    assert " ".join(lines[at].split()) == (
        "FAILED client Twitter does not accept TWITTER_CLIENT_SECRET (unauthorized_client)."
    )
    assert lines[at + 1].strip().startswith("> Copy the OAuth 2.0 Client Secret again")
    assert lines[at + 2].strip() == "> docs/troubleshooting.md#unauthorized_client"
    assert " ".join(lines[at + 3].split()) == (
        'skipped consent page Not run: "client" has to pass first.'
    )
    assert lines[-1] == f"1 failed, 0 warnings, of {len(checks.CHECKS)} checks."
    assert result.exit_code == 1


def test_each_wrong_setting_has_its_own_line(bench):
    lines = run(no_settings(bench, PUBLIC_URL="x", TRUSTED_PROXIES="many")).output.splitlines()

    assert lines[0].split()[:3] == ["FAILED", "settings", "PUBLIC_URL:"]
    assert lines[1].strip() == "TRUSTED_PROXIES: must be a whole number from 0 to 16."


def test_every_section_that_findings_link_to_exists():
    assert set(Section) <= set(anchors(ROOT / "docs" / "troubleshooting.md"))


# The request to the running site


@pytest.fixture
def ask(bench):
    """Ask the health URL with a cookie; return what it says."""
    app = bench.build()
    client = app.test_client(use_cookies=False)

    def ask(cookie=None, **environ):
        headers = {"Cookie": cookie} if cookie else {}
        return client.get("/healthz", headers=headers, environ_overrides=environ).data

    ask.app = app
    return ask


def test_the_site_shows_the_doctor_its_request(ask, clock):
    nonce, cookie = self_request.question(ask.app, now=clock())

    answer = ask(cookie, HTTP_X_FORWARDED_FOR="192.0.2.1, ,192.0.2.2")

    shown = self_request.received_in(ask.app, answer, nonce=nonce)
    assert shown == self_request.ReceivedRequest(scheme="http", host="localhost", hops=2)


def test_the_site_shows_other_clients_nothing(ask):
    serializer = ask.app.session_interface.get_signing_serializer(ask.app)
    name = ask.app.config["SESSION_COOKIE_NAME"]
    signed = f"{name}={serializer.dumps({'csrf_token': 'x'})}"

    for cookie in (None, f"{name}=", f"{name}=nonsense", "other=1", signed):
        assert ask(cookie) == b"alive\n"


def test_a_question_is_good_for_a_few_minutes(ask, clock):
    _, cookie = self_request.question(ask.app, now=clock())
    clock.advance(minutes=5)

    assert ask(cookie) == b"alive\n"


def test_a_question_of_a_machine_that_is_ahead_is_answered(ask, clock, monkeypatch):
    ahead = int(time.time()) + 60
    with monkeypatch.context() as patch:
        patch.setattr(TimestampSigner, "get_timestamp", lambda _self: ahead)
        nonce, cookie = self_request.question(ask.app, now=clock())

    assert self_request.received_in(ask.app, ask(cookie), nonce=nonce)


def test_a_question_takes_a_key_of_the_ring(ask, bench, clock):
    new = "a-new-key-that-stands-in-front-of-the-other-one"
    rotated = bench.build(listening=False, SECRET_KEY=f"{new},{SECRET_KEY}")
    other = bench.build(listening=False, SECRET_KEY=new)
    nonce, cookie = self_request.question(ask.app, now=clock())

    answers = [
        app.test_client(use_cookies=False).get("/healthz", headers={"Cookie": cookie}).data
        for app in (rotated, other)
    ]

    assert [answer == b"alive\n" for answer in answers] == [False, True]
    assert self_request.received_in(rotated, ask(cookie), nonce=nonce)


def test_an_answer_is_good_for_one_question(ask, clock):
    _, cookie = self_request.question(ask.app, now=clock())
    other_nonce, _ = self_request.question(ask.app, now=clock())

    assert self_request.received_in(ask.app, ask(cookie), nonce=other_nonce) is None


def test_a_question_is_no_sign_in(ask, clock):
    _, cookie = self_request.question(ask.app, now=clock())
    client = ask.app.test_client(use_cookies=False)
    base_url = ask.app.extensions["perch"].config.public_url

    page = client.get("/account", headers={"Cookie": cookie}, base_url=base_url)

    assert page.status_code == 303


# As typed


@pytest.fixture
def typed(monkeypatch, tmp_path):
    """Load `wsgi` as the `flask` command does, with a setting that is wrong."""
    wrong = partial(Config.from_env, build_environ(TRUSTED_PROXIES="many"), root=tmp_path)
    monkeypatch.setattr(Config, "from_env", wrong)

    def load(*arguments, by_flask=True):
        monkeypatch.setattr(sys, "argv", ["flask", *arguments])
        context = click.Context(click.Command("flask")) if by_flask else contextlib.nullcontext()
        with context:
            return runpy.run_path(str(ROOT / "wsgi.py"))["app"]

    return load


def test_doctor_runs_without_an_app(typed):
    app = typed("--app", "wsgi", "doctor", "--json")

    assert isinstance(app, Flask)
    assert diagnose(app)[1]["settings"]["message"] == (
        "TRUSTED_PROXIES: must be a whole number from 0 to 16."
    )


@pytest.mark.parametrize("arguments, by_flask", [(("run",), True), (("doctor",), False)])
def test_other_commands_need_their_settings(typed, arguments, by_flask):
    with pytest.raises(SystemExit) as stop:
        typed(*arguments, by_flask=by_flask)

    assert "Cannot start: 1 setting needs attention" in stop.value.code


def test_the_help_text_names_the_exit_code():
    help_text = command(lambda _: None).get_help(click.Context(click.Command("doctor")))

    assert "Exits with 1 if a check failed." in help_text
