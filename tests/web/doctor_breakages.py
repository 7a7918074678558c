"""Set-ups that are broken in one way each, and the result that names it."""

import contextlib
import socket
import sqlite3
import stat
from datetime import timedelta
from functools import partial

import flask_migrate
import pytest
from sqlalchemy import text, update

from app import doctor
from app.accounts.models import User
from app.doctor import storage
from app.storage import migrations
from app.storage.extensions import db
from app.twitter.endpoints import FOLLOWING
from app.twitter.errors import NotInPlan, OutOfCredits
from config import ConfigError
from tests.dialects import BETA, LIVE
from tests.proxy import HttpProxy, always
from tests.unit.test_transport import hang_up, silent
from tests.web.doctor_bench import (
    OLD_TOKEN_KEY,
    PASSWORD,
    TOKEN_KEY,
    VIA_ONE,
    VIA_TWO,
    Timeless,
    answering,
    behind_proxy,
)

NOT_IN_THE_BETA = [scope for scope in LIVE.reads.split() if scope not in BETA.reads.split()]

# Ways to break a set-up. Each returns what does it to a bench, and hands back the app.


def behind_a_proxy(proxy, **how):
    return lambda bench: bench.build_behind_a_proxy(proxy, **how)


def settings(**changes):
    return lambda bench: bench.build(**changes)


def no_settings(bench, **changes):
    with pytest.raises(ConfigError) as error:
        bench.build(**changes)
    return doctor.without_app(error.value)


def at(url):
    return lambda bench: bench.build_at(url.format(closed=bench.closed_address()))


def behind_tls(environ, **changes):
    return lambda bench: bench.build_behind_tls(environ, **changes)


def instead_of_the_site(app):
    def break_it(bench):
        built = bench.build()
        bench.street.app = app
        return built

    return break_it


def fault(path, **how):
    def break_it(bench):
        bench.twitter.fault(path=path, **how)
        return bench.build()

    return break_it


def token_endpoint_says(body, **how):
    def break_it(bench):
        bench.twitter.enqueue(body, path="/2/oauth2/token", **how)
        return bench.build()

    return break_it


def clock_off(**by):
    def break_it(bench):
        bench.clock.advance(**by)
        return bench.build()

    return break_it


def public_client(dialect="live", callback="", *, confidential=False, **changes):
    """Register another client, public unless it has the usual secret, and use it."""

    def break_it(bench):
        bench.twitter.settings(dialect=dialect)
        secret = {} if confidential else {"client_secret": None, "confidential": False}
        bench.register(callback, client_id="swallow", **secret)
        return bench.build(TWITTER_CLIENT_ID="swallow", **changes)

    return break_it


def heard(error):
    def break_it(bench):
        app = bench.build()
        app.extensions["perch"].quota.record_refusal("1", FOLLOWING, error)
        return app

    return break_it


def owing(**changes):
    def break_it(bench):
        app = bench.build()
        now = bench.clock()
        bench.owe(app, **{name: now - ago for name, ago in changes.items()})
        return app

    return break_it


def gone_for(**time):
    def break_it(bench):
        app = bench.build()
        bench.sign_in(app)
        with app.extensions["perch"].database.writing() as connection:
            connection.execute(update(User).values(left_at=bench.clock() - timedelta(**time)))
        return app

    return break_it


def signed_in_with(token_keys, **changes):
    def break_it(bench):
        bench.sign_in(bench.build(TOKEN_KEYS=token_keys))
        return bench.build(**changes)

    return break_it


def read_only(url):
    return f"{url}&options=-cdefault_transaction_read_only%3Don"


def executed(app, statement):
    with app.extensions["perch"].database.writing() as connection:
        connection.execute(text(statement))
    return app


def with_store(fixture, setting, change=lambda url: url):
    return lambda bench: bench.build(**{setting: change(bench.fixture(fixture))})


def too_old(store, fixture=None, setting=None):
    def break_it(bench):
        bench.patch.setattr(storage, "OLDEST", storage.OLDEST | {store: (99, 1)})
        return bench.build(**({setting: bench.fixture(fixture)} if fixture else {}))

    return break_it


def dotenv_that_others_read(bench, mode=stat.S_IRUSR | stat.S_IROTH):
    dotenv = bench.folder / "dotenv"
    dotenv.touch()
    dotenv.chmod(mode)
    bench.patch.setattr("app.doctor.settings.DOTENV", dotenv)
    return bench.build_behind_tls(VIA_ONE, TRUSTED_PROXIES="1")


def authority_in_dotenv(bench):
    dotenv = bench.folder / "dotenv"
    dotenv.write_text(f"SSL_CERT_FILE={bench.tls()[0]}\n")
    bench.patch.setattr("app.doctor.connection.DOTENV", dotenv)
    return bench.build_behind_a_proxy(HttpProxy())


def name_without_dns_of_the_proxy(bench):
    name_without_dns(bench)
    return bench.build_behind_a_proxy("nowhere.example:3128")


def name_without_dns(bench):
    look_up = socket.getaddrinfo

    def look(host, *rest):
        if host == "nowhere.example":
            raise socket.gaierror("no such name")
        return look_up(host, *rest)

    bench.patch.setattr(socket, "getaddrinfo", look)
    return bench.build_at("https://nowhere.example")


def other_key_at_the_address(bench):
    app = bench.build()
    bench.build(SECRET_KEY="another-machine-with-a-key-of-its-very-own")
    return app


def untrusted_certificate(bench):
    bench.street = bench.open_street(tls=bench.tls())
    return bench.build_at(bench.street.url, TRUSTED_PROXIES="1")


def host_kept_by_the_proxy(bench):
    app = bench.build(TRUSTED_PROXIES="1")
    host = {"HTTP_X_FORWARDED_FOR": "192.0.2.1", "HTTP_HOST": "127.0.0.1:8000"}
    bench.street.app = behind_proxy(app, **host)
    return app


def api_in_a_street(bench, **how):
    street = bench.open_street(**how)
    street.app = bench.twitter.app
    return bench.build(TWITTER_API_URL=f"{street.url}/2")


def consent_page_that_sends_an_error(bench):
    back = f"{bench.street.url}/auth/callback?error=unauthorized_client"
    answer = {"status": 302, "times": 20, "headers": {"Location": back}}
    return fault("/i/oauth2/authorize", **answer)(bench)


def consent_page_that_hangs_up(bench):
    app = bench.build()  # the host was reached once, by the first check
    app.extensions["perch"].server._authorize_url = bench.hanging_up()
    return app


def read_only_file(bench):
    bench.patch.setattr("app.doctor.storage.os.access", lambda path, mode: False)  # root may always
    return bench.build()


def file_that_is_no_database(bench):
    (bench.folder / "perch.db").write_text("tweet" * 1000)
    return bench.build()


def no_tables(bench):
    with contextlib.closing(sqlite3.connect(bench.folder / "other.db")) as connection:
        connection.execute("CREATE TABLE eggs (id INTEGER)")
    return bench.build(DATABASE_URL="sqlite:///{folder}/other.db")


def pending_migration(bench):
    app = bench.build()
    migrations.set_up(app)
    with app.app_context():
        flask_migrate.downgrade(revision="-1")
        db.engine.dispose()
    return app


def scope_left_out(bench):
    app = bench.build()
    bench.sign_in(app, scopes=LIVE.granted(without=[LIVE.read_follows]))
    return app


PIN = {"error": "invalid_request", "error_description": "Missing required parameter [pin]."}
NEWER = "UPDATE alembic_version SET version_num = '9999'"
NOT_TRUSTED = "its certificate is not trusted: self-signed certificate"
UNREACHED = "cannot be reached: connection refused."
UPGRADE = "Run: flask --app wsgi db upgrade"
WARNS, FAILS = "warning", "failed"

# Each breakage: how, the check that finds it, and a part of its message and of the fix.
# fmt: off
BROKEN = {
    "three settings are nonsense": (
        partial(no_settings, PUBLIC_URL="x", TRUSTED_PROXIES="many", TWITTER_DIALECT="new"),
        "settings", FAILS,
        "TWITTER_DIALECT: must be live or beta.\nTRUSTED_PROXIES: must be a whole number",
        "Correct each of these settings"),
    "a key that can be guessed": (
        settings(SECRET_KEY="k" * 40),
        "secrets", WARNS, "A key can be guessed: SECRET_KEY.",
        "Put a random key in front of SECRET_KEY"),
    "a token key that can be guessed": (
        settings(TOKEN_KEYS="A" * 43),
        "secrets", WARNS, "A key can be guessed: TOKEN_KEYS.",
        "Put a random key in front of TOKEN_KEYS"),
    "a file of secrets that others can read": (
        dotenv_that_others_read,
        "secrets", WARNS, "Other users of this machine can read .env", "chmod o= .env"),
    "nothing at the public address": (
        at("http://{closed}"),
        "public URL", FAILS, UNREACHED, "Start the site"),
    "a public address without a name": (
        name_without_dns,
        "public URL", FAILS, "cannot be reached: DNS does not know its name.",
        "Create a DNS record"),
    "a public address that never answers": (
        lambda bench: bench.build_at(f"http://{bench.silent_address()}"),
        "public URL", FAILS, "no answer within",
        "Check whether the site or its proxy hangs"),
    "a proxy without a site behind it": (
        instead_of_the_site(answering("502 BAD GATEWAY")),
        "public URL", FAILS, "(HTTP 502), but the site behind it does not.",
        "Start the site (gunicorn wsgi:app) at the address that the proxy expects."),
    "a public address that redirects": (
        instead_of_the_site(answering("301 MOVED", Location="https://www.birds.example/healthz")),
        "public URL", FAILS, "redirects (HTTP 301) to https://www.birds.example.",
        "Set PUBLIC_URL to the address that it redirects to"),
    "another site at the public address": (
        instead_of_the_site(answering("200 OK", b"Welcome to nginx!")),
        "public URL", FAILS, "Another site answers",
        "Set PUBLIC_URL to this site's own address"),
    "another SECRET_KEY at the public address": (
        other_key_at_the_address,
        "public URL", FAILS, "does not have this SECRET_KEY",
        "Give every process and machine the same SECRET_KEY"),
    "a public certificate that is not trusted": (
        untrusted_certificate,
        "public URL", FAILS, NOT_TRUSTED, "For a staging certificate, set SSL_CERT_FILE"),
    "a proxy that is not trusted": (
        behind_tls(VIA_ONE),
        "proxies", FAILS, "through 1 proxy but TRUSTED_PROXIES is 0, so all visitors share",
        "Set TRUSTED_PROXIES=1"),
    "the second proxy is not trusted": (
        behind_tls(VIA_TWO, TRUSTED_PROXIES="1"),
        "proxies", FAILS, "through 2 proxies but TRUSTED_PROXIES is 1", "Set TRUSTED_PROXIES=2"),
    "more proxies trusted than there are": (
        settings(TRUSTED_PROXIES="1"),
        "proxies", WARNS, "TRUSTED_PROXIES is 1 but this request came through 0",
        "Set TRUSTED_PROXIES=0"),
    "a proxy that does not say https": (
        behind_tls({"HTTP_X_FORWARDED_FOR": "192.0.2.1"}, TRUSTED_PROXIES="1"),
        "proxies", FAILS, "A request sent by https arrives as http",
        "Have the proxy set X-Forwarded-Proto"),
    "a proxy that drops the Host header": (
        host_kept_by_the_proxy,
        "proxies", FAILS, "arrives as one for 127.0.0.1:8000,", "Have the proxy pass on Host"),
    "a proxy that drops the port": (
        behind_tls(VIA_ONE | {"HTTP_HOST": "127.0.0.1"}, TRUSTED_PROXIES="1"),
        "proxies", FAILS, "arrives as one for 127.0.0.1,", "(in nginx $http_host, not $host)"),
    "no contact on a public site": (
        behind_tls(VIA_ONE, TRUSTED_PROXIES="1", CONTACT_EMAIL=None),
        "contact", WARNS, "The pages name no contact", "Set CONTACT_EMAIL"),
    "no proxy in front of https": (
        behind_tls({"wsgi.url_scheme": "https"}),
        "proxies", WARNS, "Requests reach this site through no proxy", "Put a proxy in front"),
    "a proxy whose name is not known": (
        name_without_dns_of_the_proxy,
        "outgoing proxy", FAILS, "The proxy at nowhere.example:3128 fails: its name is not known",
        "Correct the host in TWITTER_PROXY"),
    "a proxy that is not there": (
        lambda bench: bench.build_behind_a_proxy(bench.closed_address()),
        "outgoing proxy", FAILS, "fails: it takes no connection",
        "Check host and port of TWITTER_PROXY"),
    "a proxy that never answers": (
        behind_a_proxy(silent([])),
        "outgoing proxy", FAILS, "fails: it takes the connection and does not answer",
        "Check whether the proxy hangs"),
    "a proxy that hangs up": (
        behind_a_proxy(hang_up),
        "outgoing proxy", FAILS, "fails: it drops the connection", "Read the proxy's log"),
    "a proxy that does not know our password": (
        behind_a_proxy(HttpProxy(authorization="Basic x"), user=f"wren:{PASSWORD}@"),
        "outgoing proxy", FAILS, "fails: it asks for another user or password (HTTP 407).",
        "Put user and password into TWITTER_PROXY"),
    "a proxy that does not reach Twitter": (
        behind_a_proxy(always(b"HTTP/1.1 502 No\r\n\r\n", [])),
        "outgoing proxy", FAILS, "it answers, and does not reach this host itself (HTTP 502).",
        "the proxy's own firewall and DNS"),
    "a proxy that refuses the authorize host": (
        behind_a_proxy(
            HttpProxy(refuses="localhost"),
            TWITTER_AUTHORIZE_URL="https://localhost:{port}/i/oauth2/authorize"),
        "authorize host", WARNS, "The proxy does not connect to https://localhost:",
        "Only people's browsers need this host."),
    "no way to the authorize host": (
        settings(TWITTER_AUTHORIZE_URL="http://{closed}/i/oauth2/authorize"),
        "authorize host", FAILS, UNREACHED, "that TWITTER_AUTHORIZE_URL is right"),
    "no way to the API host": (
        settings(TWITTER_API_URL="http://{closed}/2"),
        "API host", FAILS, UNREACHED, "that TWITTER_API_URL is right"),
    "a wrong path in the API's address": (
        settings(TWITTER_API_URL="{sandbox}/1.1"),
        "API host", FAILS, "has nothing at that address (HTTP 404)", "Unset TWITTER_API_URL"),
    "an API in trouble": (
        fault("/2/users/me", status=503, times=1),
        "API host", WARNS, "has an error (HTTP 503)", "status page"),
    "an API whose certificate is not trusted": (
        lambda bench: api_in_a_street(bench, tls=bench.tls()),
        "TLS", FAILS, NOT_TRUSTED, "set SSL_CERT_FILE in the site's environment"),
    "an authority that only this command trusts": (
        authority_in_dotenv,
        "TLS", WARNS, "it reads SSL_CERT_FILE from .env, and the site does not",
        "in which gunicorn"),
    "http where TLS should be": (
        lambda bench: bench.build(TWITTER_API_URL=f"https{bench.twitter.api_url[4:]}"),
        "TLS", FAILS, "the TLS handshake failed (", "look for a proxy that opens TLS"),
    "a clock that is ten minutes fast": (
        clock_off(minutes=10),
        "clock", FAILS, "This machine's clock is 10 minutes ahead.", "Synchronise it by NTP"),
    "a clock that is two minutes slow": (
        clock_off(seconds=-110),
        "clock", FAILS, " seconds behind.", "Synchronise it by NTP"),
    "an API without a date": (
        lambda bench: api_in_a_street(bench, handler=Timeless),
        "clock", WARNS, "does not send a valid Date.", "timedatectl"),
    "a confidential client without its secret": (
        settings(TWITTER_CLIENT_SECRET=None),
        "client", FAILS, "a confidential client, but TWITTER_CLIENT_SECRET is not set",
        "Set TWITTER_CLIENT_SECRET"),
    "a wrong secret": (
        settings(TWITTER_CLIENT_SECRET="the-secret-of-last-year"),
        "client", FAILS, "does not accept TWITTER_CLIENT_SECRET (unauthorized_client).",
        "Copy the OAuth 2.0 Client Secret again"),
    "a secret for a public client": (
        public_client(),
        "client", FAILS, "this client as a public one, but TWITTER_CLIENT_SECRET is set.",
        "Unset TWITTER_CLIENT_SECRET"),
    "a client that Twitter does not know": (
        settings(TWITTER_CLIENT_ID="albatross"),
        "client", FAILS, "Twitter does not know a client with this TWITTER_CLIENT_ID.",
        "Copy the OAuth 2.0 Client ID (not the API key)"),
    "a token endpoint that asks for a pause": (
        fault("/2/oauth2/token", status=429),
        "client", WARNS, "rate limit for its token endpoint is reached", "quarter of an hour"),
    "a token endpoint in trouble": (
        fault("/2/oauth2/token", status=503),
        "client", FAILS, "The token endpoint does not answer: HTTP 503.", "status page"),
    "a token endpoint that is a web page": (
        token_endpoint_says("<h1>Welcome</h1>"),
        "client", FAILS, "is unexpected: not an answer of OAuth.", "that TWITTER_API_URL is right"),
    "a token endpoint that takes any code": (
        token_endpoint_says({"access_token": "t", "token_type": "bearer"}),
        "client", FAILS, "is unexpected: not an answer of OAuth.", "that TWITTER_API_URL is right"),
    "a token endpoint with an error of its own": (
        token_endpoint_says({"error": "locked", "error_description": "No."}, status=400),
        "client", FAILS, "is unexpected: locked: No.", "that TWITTER_API_URL is right"),
    "a token endpoint that knows another grant": (
        token_endpoint_says(PIN, status=400, times=2),
        "client", FAILS,
        "does not accept our token request: invalid_request: Missing required parameter [pin].",
        "TWITTER_DIALECT"),
    "a callback that is not registered": (
        public_client(callback="https://birds.example", confidential=True),
        "consent page", FAILS, "this callback is not registered", "/auth/callback"),
    "a provider without two of the scopes": (
        public_client("beta", TWITTER_CLIENT_SECRET=None),
        "consent page", FAILS, f"The page refuses the scope {', '.join(NOT_IN_THE_BETA)}.",
        "Set TWITTER_DIALECT"),
    "a consent page that answers with an error": (
        consent_page_that_sends_an_error,
        "consent page", FAILS, "this callback is not registered", "/auth/callback"),
    "a consent page that hangs up": (
        consent_page_that_hangs_up,
        "consent page", FAILS,
        "cannot be reached: the connection closed before an answer came.",
        "Check firewall and DNS"),
    "a PostgreSQL that is away": (
        settings(DATABASE_URL=f"postgresql://perch:{PASSWORD}@{{closed}}/perch"),
        "database", FAILS, "postgresql+psycopg://perch:***@127.0.0.1:", "Start the database"),
    "a PostgreSQL without this database": (
        with_store("postgresql_url", "DATABASE_URL", lambda url: url.replace("/perch_", "/nest_")),
        "database", FAILS, "it has no such database or user.", "that DATABASE_URL is right"),
    "no SQLite file yet": (
        settings(DATABASE_URL="sqlite:///{folder}/other.db"),
        "database", FAILS, "There is no database at", UPGRADE),
    "no folder for the SQLite file": (
        settings(DATABASE_URL="sqlite:///{folder}/none/perch.db"),
        "database", FAILS, "The folder of the database is missing", "Create the folder"),
    "a SQLite file that cannot be written to": (
        read_only_file,
        "database", FAILS, "is not writable.", "Give file and folder to the user of the site"),
    "a file that is no database": (
        file_that_is_no_database,
        "database", FAILS, "cannot be reached: the file is something else.",
        "that DATABASE_URL is right"),
    "a database that is too old": (
        too_old("SQLite"),
        "database", FAILS, "is older than 99.1, the oldest supported version.", "Update SQLite"),
    "a database without tables": (
        no_tables,
        "migrations", FAILS, "The database has no tables yet.", UPGRADE),
    "pending migrations": (
        pending_migration,
        "migrations", FAILS, "1 migration is pending: ", UPGRADE),
    "tables of a newer version": (
        lambda bench: executed(bench.build(), NEWER),
        "migrations", FAILS, "The tables have a newer version (9999) than this code.",
        "Update the code of every process"),
    "tables that may be read but not written": (
        with_store("emptied_postgresql", "DATABASE_URL", read_only),
        "migrations", FAILS, "it may be read but not written", "Name the primary"),
    "a Redis without this database": (
        with_store("redis_url", "REDIS_URL", lambda url: f"{url}?db=999"),
        "Redis", FAILS, "Redis has no database of that number.", "Correct the end of REDIS_URL"),
    "a Redis that is away": (
        settings(REDIS_URL=f"redis://:{PASSWORD}@{{closed}}/0"),
        "Redis", FAILS, "Redis does not answer", "Start Redis"),
    "a Redis that knows no such user": (
        with_store("redis_url", "REDIS_URL",
                   lambda url: url.replace("unix://", f"unix://nobody:{PASSWORD}@")),
        "Redis", FAILS, "Redis refuses access.", "Put user and password into REDIS_URL"),
    "a Redis that is too old": (
        too_old("Redis", "redis_url", "REDIS_URL"),
        "Redis", FAILS, "is older than 99.1, the oldest supported version.", "Update Redis"),
    "a token key that has left the ring too early": (
        signed_in_with(OLD_TOKEN_KEY),
        "keys", FAILS, "1 token needs a key that is not in TOKEN_KEYS (key ",
        "Put that key back at the end of TOKEN_KEYS"),
    "a change of keys that was not finished": (
        signed_in_with(OLD_TOKEN_KEY, TOKEN_KEYS=f"{TOKEN_KEY},{OLD_TOKEN_KEY}"),
        "keys", WARNS, "1 token is still encrypted with an older key",
        "Run: flask --app wsgi tokens reencrypt"),
    "an outbox without a worker": (
        owing(created_at=timedelta(minutes=90)),
        "outbox", FAILS,
        "1 token waits to be revoked, the oldest for 90 minutes: no delivery succeeds.",
        "flask --app wsgi revocations deliver --watch"),
    "revocations that Twitter refuses": (
        owing(dead_letter_at=timedelta(0), created_at=timedelta(days=1)),
        "outbox", WARNS, "Twitter refuses to revoke 1 token.",
        "'dead letter' in the log"),
    "a prune that does not run": (
        gone_for(days=92),
        "people", WARNS, "1 person left more than 90 days ago, and no prune has deleted",
        "flask --app wsgi prune"),
    "a provider that leaves a scope out": (
        scope_left_out,
        "scopes", FAILS, "No sign-in of 1 has follows.read: the provider does not grant it.",
        "Check that the provider knows this scope"),
    "a plan that lacked something just now": (
        heard(NotInPlan("client-not-enrolled")),
        "plan", WARNS, "The plan does not have GET /2/users/:id/following.",
        "Move the app to Pay-per-use and Production in the developer console"),
    "credits that are used up": (
        heard(OutOfCredits("CreditsDepleted")),
        "plan", FAILS, "Twitter reported a moment ago that the credits are used up.",
        "Buy credits"),
}
# fmt: on
