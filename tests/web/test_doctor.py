"""`flask doctor` on set-ups that are broken in one way each: it names that one, and the cure.

Twitter is the sandbox, and the site listens at its public address, both on loopback. What stands
in front of the site (proxies, TLS, somebody else) is played by the server it runs in.
"""

import contextlib
import json
import re
import runpy
import shutil
import socket
import stat
import sys
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import ip_address

import click
import flask_migrate
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask
from sqlalchemy import insert, text, update
from werkzeug.serving import WSGIRequestHandler, make_server

from app import create_app, doctor
from app.accounts.models import Grant, Revocation, User
from app.accounts.token_cipher import place
from app.doctor import address, examination, mirror, probe, stores
from app.doctor.command import command
from app.doctor.findings import Finding, Section, Status
from app.doctor.patient import Patient
from app.doctor.report import Report, secrets_of
from app.extensions import db
from app.twitter.budget import Budget
from app.twitter.dialect import LIVE
from app.twitter.endpoints import FOLLOWING
from app.twitter.errors import OutOfCredits, PlanLacksIt
from app.twitter.sockets import tls_context
from config import ROOT, Config, ConfigError
from sandbox.testing import Sandbox
from tests.factories import LIVE_SCOPES, build_config, build_environ
from tests.journey.visitor import query_of
from tests.test_docs import anchors

pytestmark = pytest.mark.loopback

CLIENT = "birdhouse"
CLIENT_SECRET = "a-secret-nest-among-the-leaves"
SECRET_KEY = "forty-two-feathers-lined-up-on-a-garden-wall"
TOKEN_KEY = "bGVhdmVzLW1vc3MtdHdpZ3MtZG93bi1tdWQtc3RyYXc="
OLD_TOKEN_KEY = "d29ybXMtYmVldGxlcy1zZWVkcy1iZXJyaWVzLW51dHM="
PASSWORD = "worm-at-dawn"
SECRETS = (CLIENT_SECRET, SECRET_KEY, TOKEN_KEY, OLD_TOKEN_KEY, PASSWORD)


class Street:
    """The public address: a server, and whatever stands in it."""

    def __init__(self, tls=None, handler=None):
        self.app = not_found
        self.server = make_server(
            "127.0.0.1", 0, self.answer, threaded=True, ssl_context=tls, request_handler=handler
        )
        self.server.daemon_threads = True
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.server.port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def answer(self, environ, start_response):
        return self.app(environ, start_response)

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Timeless(WSGIRequestHandler):
    """Says no time that anybody could read."""

    def date_time_string(self, timestamp=None):
        return "soon"


def answering(status, body=b"", **headers):
    """Return an app that always says the same."""

    def app(environ, start_response):
        start_response(status, [(name.replace("_", "-"), text) for name, text in headers.items()])
        return [body]

    return app


not_found = answering("404 NOT FOUND", b"nothing here")


def behind_proxy(app, **environ):
    """Return `app` as it is asked by a proxy that ended TLS and set these."""

    def proxied(seen, start_response):
        return app(seen | {"wsgi.url_scheme": "http"} | environ, start_response)

    return proxied


def self_signed(folder):
    """Make a certificate for loopback that is its own authority; return the file with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "A bird on the wire")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "wire.pem"
    file.write_bytes(private + certificate.public_bytes(pem))
    return file


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as running:
        yield running


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return self_signed(tmp_path_factory.mktemp("tls"))


class Bench:
    """Everything that can be broken, and all in order until a test breaks it."""

    def __init__(self, sandbox, folder, clock, apps, closing, request):
        self.twitter = sandbox
        self.folder = folder
        self.clock = clock
        self.apps = apps
        self.closing = closing
        self.request = request
        self.street = self.open_street()
        self.settings = {
            "PUBLIC_URL": self.street.url,
            "TWITTER_CLIENT_ID": CLIENT,
            "TWITTER_CLIENT_SECRET": CLIENT_SECRET,
            "TWITTER_AUTHORIZE_URL": sandbox.authorize_url,
            "TWITTER_API_URL": sandbox.api_url,
            "SECRET_KEY": SECRET_KEY,
            "TOKEN_KEYS": TOKEN_KEY,
        }
        shutil.copy(request.getfixturevalue("migrated_sqlite"), folder / "perch.db")
        self.register()

    def open_street(self, **how):
        street = Street(**how)
        self.closing.callback(street.close)
        return street

    def register(self, url="", **changes):
        """Register the client as in the developer portal."""
        details = {"client_id": CLIENT, "client_secret": CLIENT_SECRET} | changes
        self.twitter.register_client(f"{url or self.street.url}/auth/callback", **details)

    def build(self, *, listening=True, **settings):
        """Build the app of these settings, and let it stand at its public address."""
        app = create_app(build_config(self.folder, **self.settings | settings), now=self.clock)
        self.apps.append(app)
        if listening:
            self.street.app = app
        return app

    def move_behind_tls(self, **environ):
        """Let the site stand behind a trusted TLS proxy that says these things to it."""
        self.trust()
        self.street = self.open_street(tls=self.tls())
        self.register(self.street.url)
        self.settings["PUBLIC_URL"] = self.street.url

        def build(**settings):
            app = self.build(**settings)
            self.street.app = behind_proxy(app, **environ)
            return app

        return build

    def tls(self):
        file = str(self.request.getfixturevalue("certificate"))
        return file, file

    def trust(self):
        patch = self.request.getfixturevalue("monkeypatch")
        patch.setenv("SSL_CERT_FILE", str(self.request.getfixturevalue("certificate")))
        tls_context.cache_clear()
        self.closing.callback(tls_context.cache_clear)

    def closed_port(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            return f"http://127.0.0.1:{listener.getsockname()[1]}"

    def sign_in(self, app, *, scopes=LIVE_SCOPES):
        """Put a living sign-in into the database, as if somebody had come."""
        here, now = app.extensions["perch"], self.clock()
        with here.database.writing() as connection:
            connection.execute(
                insert(User).values(
                    id=1,
                    twitter_id="1",
                    username="wren",
                    profile={},
                    created_at=now,
                    signed_in_at=now,
                )
            )
            connection.execute(
                insert(Grant).values(
                    id="g",
                    user_id=1,
                    access_token=here.vault.seal("t", at=place("grants", "access_token", "g")),
                    scopes=scopes,
                    issued_at=now,
                    expires_at=now,
                    browser="Firefox",
                    created_at=now,
                    seen_at=now,
                )
            )

    def come_in(self, app):
        """Sign somebody in at Twitter, and put that into the database."""
        here, now = app.extensions["perch"], self.clock()
        verifier = "a-verifier-of-forty-three-characters-at-least"
        scopes = frozenset(LIVE_SCOPES.split())
        url = here.server.authorization_url(state="s" * 43, code_verifier=verifier, scopes=scopes)
        code = query_of(self.twitter.say_yes(url))["code"]
        budget = Budget(probe.SECONDS)
        tokens = here.server.exchange(
            code, code_verifier=verifier, scopes=scopes, now=now, budget=budget
        )
        self.sign_in(app)
        values = {
            "access_token": here.vault.seal(
                tokens.access_token, at=place("grants", "access_token", "g")
            ),
            "expires_at": tokens.expires_at,
        }
        with here.database.writing() as connection:
            connection.execute(update(Grant).values(values))

    def before(self, name, do):
        """Do something right before one of the checks looks."""
        checks = [
            replace(check, look=lambda p, look=check.look: (do(), look(p))[1])
            if check.name == name
            else check
            for check in examination.CHECKS
        ]
        patch = self.request.getfixturevalue("monkeypatch")
        patch.setattr(examination, "CHECKS", tuple(checks))

    def owe(self, app, **changes):
        """Put a revocation into the outbox."""
        here, now = app.extensions["perch"], self.clock()
        row = {"id": "r", "token_type_hint": "access_token", "created_at": now, "due_at": 0}
        sealed = here.vault.seal("t", at=place("revocations", "token", "r"))
        with here.database.writing() as connection:
            connection.execute(insert(Revocation).values(**row | {"token": sealed} | changes))


@pytest.fixture
def bench(sandbox, tmp_path, clock, apps, request):
    sandbox.reset()
    with contextlib.ExitStack() as closing:
        yield Bench(sandbox, tmp_path, clock, apps, closing, request)


def run(app, *options):
    return app.test_cli_runner().invoke(args=["doctor", *options])


def diagnose(app):
    """Return the exit code, and each finding by the name of its check."""
    result = run(app, "--json")
    assert not any(secret in result.output for secret in SECRETS)
    document = json.loads(result.stdout)
    return result.exit_code, {finding["name"]: finding for finding in document["checks"]}


def unwell(findings):
    """Name the checks that found something."""
    return [name for name, found in findings.items() if found["status"] in {"failed", "warning"}]


BROKEN: dict = {}


def broken(name, check, *, said, cure, status="failed"):
    """Enter a way to break a set-up into the table, with what is to be found then."""

    def enter(break_it):
        BROKEN[name] = (break_it, check, status, said, cure)
        return break_it

    return enter


# Settings


@broken(
    "three settings are nonsense",
    "settings",
    said="TWITTER_DIALECT: must be live or beta.\nTRUSTED_PROXIES: must be a whole number",
    cure="Put right each of these settings",
)
def _(bench):
    return without_app(bench, PUBLIC_URL="ftp://x", TRUSTED_PROXIES="many", TWITTER_DIALECT="new")


def without_app(bench, **settings):
    with pytest.raises(ConfigError) as error:
        bench.build(**settings)
    return doctor.without_app(error.value)


@broken(
    "a key that can be guessed",
    "secrets",
    status="warning",
    said="A key of SECRET_KEY is made of very few different characters",
    cure="Put a random key in front of SECRET_KEY",
)
def _(bench):
    return bench.build(SECRET_KEY="k" * 40)


@broken(
    "a token key that can be guessed, on https",
    "secrets",
    said="A key of TOKEN_KEYS is made of very few different characters",
    cure="Put a random key in front of TOKEN_KEYS",
)
def _(bench):
    build = bench.move_behind_tls(HTTP_X_FORWARDED_FOR="192.0.2.1", HTTP_X_FORWARDED_PROTO="https")
    return build(TOKEN_KEYS="A" * 43, TRUSTED_PROXIES="1")


@broken(
    "a file of secrets that others can read",
    "secrets",
    status="warning",
    said="Other users of this machine can read .env",
    cure="chmod o= .env",
)
def _(bench):
    return https_site_whose_file_is(bench, stat.S_IRUSR | stat.S_IROTH)


def https_site_whose_file_is(bench, mode):
    dotenv = bench.folder / "dotenv"
    dotenv.touch()
    dotenv.chmod(mode)
    bench.request.getfixturevalue("monkeypatch").setattr("app.doctor.settings.DOTENV", dotenv)
    build = bench.move_behind_tls(HTTP_X_FORWARDED_FOR="192.0.2.1", HTTP_X_FORWARDED_PROTO="https")
    return build(TRUSTED_PROXIES="1")


@broken(
    "localhost instead of 127.0.0.1",
    "host name",
    status="warning",
    said="PUBLIC_URL says localhost",
    cure="Set PUBLIC_URL=http://127.0.0.1:",
)
def _(bench):
    address = bench.street.url.replace("127.0.0.1", "localhost")
    bench.register(address)
    return bench.build(PUBLIC_URL=address)


# The public address


@broken(
    "nobody at the public address",
    "public address",
    said="is not reached: nobody takes the connection.",
    cure="Start the site",
)
def _(bench):
    address = bench.closed_port()
    bench.register(address)
    return bench.build(PUBLIC_URL=address)


@broken(
    "a public address without a name",
    "public address",
    said="is not reached: its name is not known here (DNS).",
    cure="Make a DNS record",
)
def _(bench):
    def unknown(*_args, **_kwargs):
        raise socket.gaierror("no such name")

    look_up = socket.getaddrinfo
    bench.request.getfixturevalue("monkeypatch").setattr(
        socket,
        "getaddrinfo",
        lambda host, *rest: unknown() if host == "nowhere.example" else look_up(host, *rest),
    )
    bench.register("https://nowhere.example")
    return bench.build(PUBLIC_URL="https://nowhere.example")


@broken(
    "a proxy without a site behind it",
    "public address",
    said="(HTTP 502), and the site behind it not.",
    cure="Start the site (gunicorn wsgi:app) where the proxy looks for it.",
)
def _(bench):
    app = bench.build()
    bench.street.app = answering("502 BAD GATEWAY")
    return app


@broken(
    "a public address that sends people on",
    "public address",
    said="sends people on (HTTP 301) to https://www.birds.example.",
    cure="Set PUBLIC_URL to the address where people end up",
)
def _(bench):
    app = bench.build()
    elsewhere = answering("301 MOVED", Location="https://www.birds.example/healthz")
    bench.street.app = elsewhere
    return app


@broken(
    "somebody else at the public address",
    "public address",
    said="Somebody else answers",
    cure="Set PUBLIC_URL to this site's own address",
)
def _(bench):
    app = bench.build()
    bench.street.app = answering("200 OK", b"Welcome to nginx!")
    return app


@broken(
    "another SECRET_KEY at the public address",
    "public address",
    said="does not have this SECRET_KEY",
    cure="Give every process and machine the same SECRET_KEY",
)
def _(bench):
    app = bench.build()
    bench.build(SECRET_KEY="another-machine-with-a-key-of-its-very-own")
    return app


@broken(
    "a public certificate that nobody trusts",
    "public address",
    said="its certificate is not trusted: self-signed certificate",
    cure="Give the proxy a certificate for this name",
)
def _(bench):
    bench.street = bench.open_street(tls=bench.tls())
    bench.register(bench.street.url)
    return bench.build(PUBLIC_URL=bench.street.url, TRUSTED_PROXIES="1")


# Proxies


@broken(
    "a proxy that is not believed",
    "proxies",
    said="through 1 proxy and TRUSTED_PROXIES is 0, so everybody has the same address here, "
    "and requests look like http.",
    cure="Set TRUSTED_PROXIES=1",
)
def _(bench):
    build = bench.move_behind_tls(HTTP_X_FORWARDED_FOR="192.0.2.1", HTTP_X_FORWARDED_PROTO="https")
    return build()


@broken(
    "one of two proxies that is not believed",
    "proxies",
    said="through 2 proxies and TRUSTED_PROXIES is 1",
    cure="Set TRUSTED_PROXIES=2",
)
def _(bench):
    build = bench.move_behind_tls(
        HTTP_X_FORWARDED_FOR="192.0.2.1, 192.0.2.2", HTTP_X_FORWARDED_PROTO="https"
    )
    return build(TRUSTED_PROXIES="1")


@broken(
    "more proxies believed than there are",
    "proxies",
    status="warning",
    said="TRUSTED_PROXIES is 1 and this request came through 0",
    cure="Set TRUSTED_PROXIES=0",
)
def _(bench):
    return bench.build(TRUSTED_PROXIES="1")


@broken(
    "a proxy that does not say https",
    "proxies",
    said="A request sent by https arrives as http",
    cure="Let the proxy set X-Forwarded-Proto",
)
def _(bench):
    build = bench.move_behind_tls(HTTP_X_FORWARDED_FOR="192.0.2.1")
    return build(TRUSTED_PROXIES="1")


@broken(
    "a proxy that keeps the host name to itself",
    "proxies",
    said="arrives as one for another host",
    cure="Let the proxy pass the Host header on",
)
def _(bench):
    app = bench.build(TRUSTED_PROXIES="1")
    bench.street.app = behind_proxy(
        app, HTTP_X_FORWARDED_FOR="192.0.2.1", HTTP_HOST="127.0.0.1:8000"
    )
    return app


# Twitter's hosts


@broken(
    "no way to the authorize host",
    "authorize host",
    said="is not reached: nobody takes the connection.",
    cure="whether TWITTER_AUTHORIZE_URL is right",
)
def _(bench):
    return bench.build(TWITTER_AUTHORIZE_URL=f"{bench.closed_port()}/i/oauth2/authorize")


@broken(
    "no way to the API host",
    "API host",
    said="is not reached: nobody takes the connection.",
    cure="whether TWITTER_API_URL is right",
)
def _(bench):
    return bench.build(TWITTER_API_URL=f"{bench.closed_port()}/2")


@broken(
    "a wrong path in the API's address",
    "API host",
    said="has nothing at that address (HTTP 404)",
    cure="Unset TWITTER_API_URL",
)
def _(bench):
    return bench.build(TWITTER_API_URL=f"{bench.twitter.url}/1.1")


@broken(
    "an API that is in trouble",
    "API host",
    status="warning",
    said="is in trouble (HTTP 503)",
    cure="status page",
)
def _(bench):
    bench.twitter.fault(path="/2/users/me", status=503, times=1)
    return bench.build()


@broken(
    "an API whose certificate nobody trusts",
    "TLS",
    said="its certificate is not trusted: self-signed certificate",
    cure="update ca-certificates",
)
def _(bench):
    return bench.build(TWITTER_API_URL=bench.open_street(tls=bench.tls()).url + "/2")


@broken(
    "http spoken where TLS should be",
    "TLS",
    said="the TLS handshake fails (",
    cure="look for a proxy that opens TLS",
)
def _(bench):
    return bench.build(TWITTER_API_URL=bench.twitter.api_url.replace("http:", "https:"))


@broken(
    "a clock that is ten minutes fast",
    "clock",
    said="This machine's clock is 10 minutes ahead.",
    cure="Have it set by NTP",
)
def _(bench):
    bench.clock.advance(minutes=10)
    return bench.build()


@broken(
    "a clock that is two minutes slow",
    "clock",
    said=" seconds behind.",
    cure="Have it set by NTP",
)
def _(bench):
    bench.clock.advance(seconds=-110)
    return bench.build()


@broken(
    "an API that does not tell the time",
    "clock",
    status="warning",
    said="does not tell the time.",
    cure="timedatectl",
)
def _(bench):
    street = bench.open_street(handler=Timeless)
    street.app = bench.twitter.app
    return bench.build(TWITTER_API_URL=f"{street.url}/2")


# The client


@broken(
    "a confidential client without its secret",
    "client",
    said="Twitter knows a confidential client, and TWITTER_CLIENT_SECRET is not set",
    cure="Set TWITTER_CLIENT_SECRET",
)
def _(bench):
    return bench.build(TWITTER_CLIENT_SECRET=None)


@broken(
    "a wrong secret",
    "client",
    said="Twitter does not accept TWITTER_CLIENT_SECRET (unauthorized_client).",
    cure="Copy the OAuth 2.0 Client Secret anew",
)
def _(bench):
    return bench.build(TWITTER_CLIENT_SECRET="the-secret-of-last-year")


@broken(
    "a secret for a public client",
    "client",
    said="Twitter knows this client as a public one, and TWITTER_CLIENT_SECRET is set.",
    cure="Unset TWITTER_CLIENT_SECRET",
)
def _(bench):
    bench.register(client_id="swallow", client_secret=None, confidential=False)
    return bench.build(TWITTER_CLIENT_ID="swallow")


@broken(
    "a client that Twitter does not know",
    "client",
    said="Twitter does not know a client with this TWITTER_CLIENT_ID.",
    cure="Copy the OAuth 2.0 Client ID (not the API key)",
)
def _(bench):
    return bench.build(TWITTER_CLIENT_ID="albatross")


@broken(
    "a token endpoint that asks for a pause",
    "client",
    status="warning",
    said="Twitter asks for a pause",
    cure="quarter of an hour",
)
def _(bench):
    bench.twitter.fault(path="/2/oauth2/token", status=429)
    return bench.build()


@broken(
    "a token endpoint that is in trouble",
    "client",
    said="The token endpoint gives no answer: HTTP 503.",
    cure="status page",
)
def _(bench):
    bench.twitter.fault(path="/2/oauth2/token", status=503)
    return bench.build()


@broken(
    "a token endpoint that is a web page",
    "client",
    said="oddly: nothing that OAuth knows.",
    cure="whether TWITTER_API_URL is right",
)
def _(bench):
    bench.twitter.enqueue("<h1>Welcome</h1>", path="/2/oauth2/token")
    return bench.build()


@broken(
    "a token endpoint that knows another grant",
    "client",
    said="does not take our exchange: invalid_request: Missing required parameter [pin].",
    cure="TWITTER_DIALECT",
)
def _(bench):
    problem = {
        "error": "invalid_request",
        "error_description": "Missing required parameter [pin].",
    }
    bench.twitter.enqueue(problem, status=400, path="/2/oauth2/token", times=2)
    return bench.build()


# The consent page


@broken(
    "a callback that is not registered",
    "consent page",
    said="this callback is not registered",
    cure="/auth/callback",
)
def _(bench):
    bench.register("https://birds.example", client_id="swallow")
    return bench.build(TWITTER_CLIENT_ID="swallow")


@broken(
    "a provider without two of the scopes",
    "consent page",
    said="refused because of the scope follows.read, space.read.",
    cure="Set TWITTER_DIALECT",
)
def _(bench):
    bench.twitter.settings(dialect="beta")
    bench.register(client_id="swallow", client_secret=None, confidential=False)
    return bench.build(TWITTER_CLIENT_ID="swallow", TWITTER_CLIENT_SECRET=None)


@broken(
    "a provider that sends people back with an error",
    "consent page",
    said="this callback is not registered",
    cure="/auth/callback",
)
def _(bench):
    back = f"{bench.street.url}/auth/callback?error=unauthorized_client"
    bench.twitter.fault(
        path="/i/oauth2/authorize", status=302, times=20, headers={"Location": back}
    )
    return bench.build()


@broken(
    "a consent page that hangs up",
    "consent page",
    said="is not reached: the connection breaks before an answer is there.",
    cure="Look at firewall and DNS",
)
def _(bench):
    # The first to ask for it are told that it is there, and this is the next.
    app = bench.build()
    app.extensions["perch"].server._authorize_url = hanging_up(bench)
    return app


def hanging_up(bench):
    """Return an address where each connection is taken and dropped."""
    listener = bench.closing.enter_context(socket.create_server(("127.0.0.1", 0)))

    def accept():
        with contextlib.suppress(OSError):
            while True:
                listener.accept()[0].close()

    threading.Thread(target=accept, daemon=True).start()
    bench.closing.callback(listener.shutdown, socket.SHUT_RDWR)
    return f"http://127.0.0.1:{listener.getsockname()[1]}/"


# The stores


@broken(
    "a PostgreSQL that is away",
    "database",
    said="postgresql+psycopg://perch:***@127.0.0.1:",
    cure="Start the database",
)
def _(bench):
    port = bench.closed_port().rpartition(":")[2]
    return bench.build(DATABASE_URL=f"postgresql://perch:{PASSWORD}@127.0.0.1:{port}/perch")


@broken(
    "a PostgreSQL without this database",
    "database",
    said="it has no such database or user.",
    cure="whether DATABASE_URL is right",
)
def _(bench):
    url = bench.request.getfixturevalue("postgresql_url")
    return bench.build(DATABASE_URL=url.replace("/perch_", "/nest_"))


@broken(
    "no SQLite file yet",
    "database",
    said="There is no database at",
    cure="Run: flask --app wsgi db upgrade",
)
def _(bench):
    return bench.build(DATABASE_URL=f"sqlite:///{bench.folder}/other.db")


@broken(
    "no folder for the SQLite file",
    "database",
    said="The folder of the database is missing",
    cure="Make the folder",
)
def _(bench):
    return bench.build(DATABASE_URL=f"sqlite:///{bench.folder}/none/perch.db")


@broken(
    "a SQLite file that cannot be written to",
    "database",
    said="cannot be written to",
    cure="Give file and folder to the user of the site",
)
def _(bench):
    patch = bench.request.getfixturevalue("monkeypatch")
    patch.setattr("app.doctor.stores.os.access", lambda path, mode: False)  # root may always
    return bench.build()


@broken(
    "a file that is no database",
    "database",
    said="is not reached: the file is something else.",
    cure="whether DATABASE_URL is right",
)
def _(bench):
    (bench.folder / "perch.db").write_text("tweet" * 1000)
    return bench.build()


@broken(
    "an empty PostgreSQL",
    "migrations",
    said="The database has no tables yet.",
    cure="Run: flask --app wsgi db upgrade",
)
def _(bench):
    return bench.build(DATABASE_URL=bench.request.getfixturevalue("postgresql_url"))


@broken(
    "pending migrations",
    "migrations",
    said="1 migration is pending: 0004.",
    cure="Run: flask --app wsgi db upgrade",
)
def _(bench):
    app = bench.build()
    with app.app_context():
        flask_migrate.downgrade(revision="-1")
        db.engine.dispose()
    return app


@broken(
    "tables of a newer version",
    "migrations",
    said="The tables are of a newer version (9999) than this code.",
    cure="Update the code of every process",
)
def _(bench):
    app = bench.build()
    with app.extensions["perch"].database.writing() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    return app


@broken("a Redis that is away", "Redis", said="Redis does not answer", cure="Start Redis")
def _(bench):
    port = bench.closed_port().rpartition(":")[2]
    return bench.build(REDIS_URL=f"redis://:{PASSWORD}@127.0.0.1:{port}/0")


@broken(
    "a Redis that wants no password",
    "Redis",
    said="Redis does not let us in.",
    cure="Put user and password into REDIS_URL",
)
def _(bench):
    url = bench.request.getfixturevalue("redis_url")
    return bench.build(REDIS_URL=url.replace("unix://", f"unix://nobody:{PASSWORD}@"))


@broken(
    "a token key that has left the ring too early",
    "keys",
    said="1 value needs a key that is not in TOKEN_KEYS (key ",
    cure="Put that key back at the end of TOKEN_KEYS",
)
def _(bench):
    bench.sign_in(bench.build(TOKEN_KEYS=OLD_TOKEN_KEY))
    return bench.build()


@broken(
    "a change of keys that was not finished",
    "keys",
    status="warning",
    said="1 value is still sealed with an older key",
    cure="Run: flask --app wsgi tokens reencrypt",
)
def _(bench):
    bench.sign_in(bench.build(TOKEN_KEYS=OLD_TOKEN_KEY))
    return bench.build(TOKEN_KEYS=f"{TOKEN_KEY},{OLD_TOKEN_KEY}")


@broken(
    "an outbox that nobody empties",
    "outbox",
    said="1 token waits to be revoked, the oldest for 90 minutes: nobody delivers.",
    cure="flask --app wsgi revocations deliver --watch",
)
def _(bench):
    app = bench.build()
    bench.owe(app, created_at=bench.clock() - timedelta(minutes=90))
    return app


@broken(
    "revocations that Twitter refuses",
    "outbox",
    status="warning",
    said="Twitter refuses to revoke 1 token, now parked.",
    cure="'is parked' in the log",
)
def _(bench):
    app = bench.build()
    bench.owe(app, parked_at=bench.clock(), created_at=bench.clock() - timedelta(days=1))
    return app


@broken(
    "a provider that leaves a scope out",
    "scopes",
    said="No sign-in of 1 has space.read: the provider does not grant it.",
    cure="whether the provider knows this scope",
)
def _(bench):
    app = bench.build()
    bench.sign_in(app, scopes="follows.read offline.access tweet.read users.read")
    return app


# The plan


@broken(
    "a plan that lacks what was read just now",
    "plan",
    status="warning",
    said="The plan does not have GET /2/users/:id/following.",
    cure="Attach the app to a project with access",
)
def _(bench):
    app = bench.build()
    app.extensions["perch"].allowance.refused("1", FOLLOWING, PlanLacksIt("client-not-enrolled"))
    return app


@broken(
    "credits that are used up",
    "plan",
    said="Twitter said just now that the credits are used up.",
    cure="Buy credits",
)
def _(bench):
    app = bench.build()
    app.extensions["perch"].allowance.refused("1", FOLLOWING, OutOfCredits("CreditsDepleted"))
    return app


# Versions


@broken(
    "a database that is too old",
    "database",
    said="is older than 99, the oldest that will do.",
    cure="Update SQLite",
)
def _(bench):
    oldest = stores.OLDEST | {"SQLite": (99,)}
    bench.request.getfixturevalue("monkeypatch").setattr(stores, "OLDEST", oldest)
    return bench.build()


@broken(
    "a Redis that is too old",
    "Redis",
    said="is older than 99.1, the oldest that will do.",
    cure="Update Redis",
)
def _(bench):
    oldest = stores.OLDEST | {"Redis": (99, 1)}
    bench.request.getfixturevalue("monkeypatch").setattr(stores, "OLDEST", oldest)
    return bench.build(REDIS_URL=bench.request.getfixturevalue("redis_url"))


@pytest.mark.parametrize("name", BROKEN)
def test_the_doctor_names_the_cause_and_the_cure(bench, name):
    break_it, check, status, said, cure = BROKEN[name]
    app = break_it(bench)

    code, findings = diagnose(app)

    assert unwell(findings) == [check], {name: findings[name] for name in unwell(findings)}
    assert findings[check]["status"] == status
    assert said in findings[check]["said"]
    assert cure in findings[check]["cure"]
    assert code == (status == "failed")


def test_there_are_enough_ways_to_break_it():
    assert len(BROKEN) >= 15


# What is in order


def test_a_set_up_in_order_is_fine(bench):
    app = bench.build()
    bench.sign_in(app)
    bench.owe(app)

    code, findings = diagnose(app)

    assert {name: found["said"] for name, found in findings.items()} == {
        "settings": f"All can be read: a confidential client of {bench.twitter.url}, dialect live.",
        "secrets": "SECRET_KEY is a ring of 1, TOKEN_KEYS of 1.",
        "callback": "Paste exactly this into the developer portal: "
        f"{bench.street.url}/auth/callback",
        "host name": f"People come by one name: {bench.street.url.removeprefix('http://')}",
        "public address": f"{bench.street.url} leads to this site.",
        "proxies": "Requests arrive as they were sent, through 0 proxies.",
        "authorize host": f"{bench.twitter.url} answers.",
        "API host": f"{bench.twitter.url} answers.",
        "TLS": "Plain http on loopback: there is no TLS to judge.",
        "clock": "This machine's clock agrees with Twitter's.",
        "client": "Twitter knows this client: a confidential client with this secret.",
        "consent page": "The page takes our callback and the scopes "
        "follows.read, offline.access, space.read, tweet.read, users.read.",
        "database": findings["database"]["said"],
        "migrations": findings["migrations"]["said"],
        "Redis": "REDIS_URL is not set: each process remembers and counts for itself.",
        "keys": "All 2 sealed values are sealed with the first key.",
        "outbox": "1 token waits to be revoked.",
        "scopes": "1 sign-in, with all that the pages need.",
        "plan": "Nothing is known to be missing. To make sure, --ask reads once ($0.010).",
    }
    assert findings["database"]["said"].startswith("SQLite 3.")
    assert findings["migrations"]["said"].startswith("Tables are of the newest version (")
    assert [found["cure"] + found["see"] for found in findings.values()] == [""] * len(findings)
    assert code == 0


def test_a_site_behind_proxies_and_tls_is_fine(bench):
    build = bench.move_behind_tls(
        HTTP_X_FORWARDED_FOR="192.0.2.1, 192.0.2.2", HTTP_X_FORWARDED_PROTO="https, https"
    )
    api = bench.open_street(tls=bench.tls())
    api.app = bench.twitter.app

    code, findings = diagnose(build(TRUSTED_PROXIES="2", TWITTER_API_URL=f"{api.url}/2"))

    assert [unwell(findings), code] == [[], 0]
    assert findings["TLS"]["said"] == "Certificates are trusted."


def test_a_file_of_secrets_that_its_group_can_read_is_fine(bench):
    app = https_site_whose_file_is(bench, stat.S_IRUSR | stat.S_IWUSR | stat.S_IRGRP)

    code, findings = diagnose(app)

    assert [unwell(findings), code] == [[], 0]


def test_postgresql_and_redis_are_fine(bench):
    stores = [bench.request.getfixturevalue(name) for name in ("emptied_postgresql", "redis_url")]
    app = bench.build(DATABASE_URL=stores[0], REDIS_URL=stores[1])

    code, findings = diagnose(app)

    assert [unwell(findings), code] == [[], 0]
    assert findings["database"]["said"].startswith("PostgreSQL ")
    assert re.fullmatch(r"Redis \d+\.\d+\.\d+ answers\.", findings["Redis"]["said"])


@pytest.mark.parametrize("dialect", ["live", "beta"])
def test_a_public_client_is_fine(bench, dialect):
    bench.twitter.settings(dialect=dialect)
    bench.register(client_id="swallow", client_secret=None, confidential=False)

    code, findings = diagnose(
        bench.build(
            TWITTER_CLIENT_ID="swallow", TWITTER_CLIENT_SECRET=None, TWITTER_DIALECT=dialect
        )
    )

    assert [unwell(findings), code] == [[], 0]
    assert findings["client"]["said"] == "Twitter knows this client: a public client."


def test_sandbox_mode_is_named(bench):
    bench.register(client_id="sandbox-client", client_secret="sandbox-secret")
    app = bench.build(TWITTER_CLIENT_ID=None, TWITTER_CLIENT_SECRET=None)

    code, findings = diagnose(app)
    words = run(app).output

    assert [unwell(findings), code] == [[], 0]
    assert "Sandbox mode: a made-up Twitter at" in findings["settings"]["said"]
    assert findings["callback"]["said"].startswith("The sandbox must know exactly this callback")
    assert words.startswith("Sandbox mode: all that is said of Twitter is said of the sandbox.")


def test_without_the_sandbox_it_says_how_to_start_it(bench):
    app = bench.build(
        TWITTER_CLIENT_ID=None, TWITTER_CLIENT_SECRET=None, TWITTER_API_URL=bench.closed_port()
    )

    _, findings = diagnose(app)

    assert findings["API host"]["cure"].startswith("Start the sandbox (make run)")


def test_x_itself_tells_nobody_whether_a_callback_is_registered(bench):
    app = bench.build()
    dialect = replace(LIVE, authorize_origins=(bench.twitter.url,))
    here = app.extensions["perch"]
    app.extensions["perch"] = replace(here, dialect=dialect)

    _, findings = diagnose(app)

    assert "compare by eye" in findings["consent page"]["said"]


# What is asked of Twitter, if one asks for that


@pytest.fixture
def somebody(bench):
    """An app, and in its database a sign-in with a token that lives at Twitter."""
    app = bench.build()
    bench.come_in(app)
    return app


def asked(app):
    """Return what the doctor says of the plan who is allowed to ask."""
    result = run(app, "--json", "--ask")
    return {found["name"]: found for found in json.loads(result.stdout)["checks"]}["plan"]


def test_one_read_says_that_all_is_well(somebody, bench):
    found = asked(somebody)

    assert (found["status"], found["said"]) == ("ok", "Twitter lets us read.")
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
        (503, {}, "warning", Section.DOCTOR),
    ],
)
def test_one_read_says_what_twitter_refuses(somebody, bench, status, body, verdict, section):
    def refuse():
        bench.twitter.fault(path="/2/users/me", status=status, body=body, times=None)

    bench.before("plan", refuse)

    found = asked(somebody)

    assert found["status"] == verdict, found
    assert found["see"].endswith(f"#{section}")


def test_nobody_is_asked_for_with_a_token_that_has_run_out(bench):
    app = bench.build()
    bench.sign_in(app)

    found = asked(app)

    assert (found["status"], found["said"][:6]) == ("skipped", "Nobody")


def test_some_who_granted_less_are_no_failure(bench):
    app = bench.build()
    bench.sign_in(app)
    with app.extensions["perch"].database.writing() as connection:
        connection.execute(
            text(
                "INSERT INTO grants (id, user_id, scopes, issued_at, expires_at, generation,"
                " browser, created_at, seen_at) SELECT 'h', user_id, 'tweet.read users.read"
                " follows.read offline.access', issued_at, expires_at, 0, browser, created_at,"
                " seen_at FROM grants"
            )
        )

    code, findings = diagnose(app)

    assert [unwell(findings), code] == [["scopes"], 0]
    assert findings["scopes"]["said"] == "1 sign-in of 2 without space.read."


def test_ended_grants_count_for_nothing(bench):
    app = bench.build()
    bench.sign_in(app, scopes="tweet.read users.read")
    with app.extensions["perch"].database.writing() as connection:
        connection.execute(text("UPDATE grants SET ended_at = created_at"))

    assert unwell(diagnose(app)[1]) == []


def test_nothing_is_said_of_proxies_before_the_site_is_reached(bench):
    assert address.proxies(Patient(bench.build())).status == Status.SKIPPED


# It changes nothing, takes no time, and tells no secret


def test_it_changes_nothing(bench):
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


def test_it_makes_no_database(bench):
    file = bench.folder / "other.db"

    run(bench.build(DATABASE_URL=f"sqlite:///{file}"))

    assert not file.exists()


def test_who_hangs_is_left_after_a_while(bench, monkeypatch):
    monkeypatch.setattr(probe, "SECONDS", 0.3)
    listener = bench.closing.enter_context(socket.create_server(("127.0.0.1", 0)))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"

    _, findings = diagnose(bench.build(PUBLIC_URL=address, TWITTER_API_URL=f"{address}/2"))

    assert "no answer came within" in findings["public address"]["said"]
    assert findings["public address"]["cure"].startswith("Look whether the site and its proxy")
    assert "no answer came within" in findings["API host"]["said"]


def test_who_takes_no_connection_is_left_after_a_while(bench, monkeypatch):
    def never(_sock, _address):
        raise TimeoutError

    app = bench.build()
    monkeypatch.setattr("app.twitter.sockets.CountdownSocket.connect", never)

    assert "is not taken in time" in diagnose(app)[1]["API host"]["said"]


def test_a_check_that_does_not_end_is_left_behind(bench, monkeypatch):
    over = threading.Event()
    bench.closing.callback(over.set)
    monkeypatch.setattr(examination, "LONGEST_SECONDS", 0.05)
    monkeypatch.setattr(
        examination, "CHECKS", (examination.Check("slow", lambda patient: over.wait(10)),)
    )

    code, findings = diagnose(bench.build())

    assert findings["slow"]["said"].startswith("This check did not end within")
    assert code == 1


def test_a_check_that_breaks_hides_no_other(bench, monkeypatch):
    first, *others = examination.CHECKS
    wrong = examination.Check(first.name, lambda patient: 1 / 0)
    monkeypatch.setattr(examination, "CHECKS", (wrong, *others))

    _, findings = diagnose(bench.build())

    assert findings["settings"]["said"] == "This check broke off (ZeroDivisionError)."
    assert findings["scopes"]["status"] == "ok"


def test_an_unforeseen_refusal_of_the_client_is_told_in_its_words(bench):
    problem = {"error": "account_locked", "error_description": "Locked."}
    bench.twitter.enqueue(problem, status=400, path="/2/oauth2/token")

    _, findings = diagnose(bench.build())

    assert findings["client"]["said"].endswith("oddly: account_locked: Locked.")


def test_a_token_endpoint_that_takes_any_code_is_odd(bench):
    tokens = {"access_token": "t", "token_type": "bearer"}
    bench.twitter.enqueue(tokens, path="/2/oauth2/token")

    assert "oddly" in diagnose(bench.build())[1]["client"]["said"]


def test_the_last_door_takes_secrets_out(tmp_path, capsys):
    redis_password = "worm%2Fat%2Fdusk"
    config = build_config(
        tmp_path,
        SECRET_KEY=SECRET_KEY,
        TOKEN_KEYS=TOKEN_KEY,
        DATABASE_URL=f"postgresql://perch:{PASSWORD}@db/perch",
        REDIS_URL=f"redis://:{redis_password}@cache",
        METRICS_TOKEN="a-token-for-figures",
    )
    all_secrets = [
        *(CLIENT_SECRET, SECRET_KEY, TOKEN_KEY, PASSWORD, redis_password),
        *("worm/at/dusk", "a-token-for-figures"),
    ]
    finding = Finding(status=Status.OK, said=" and ".join(all_secrets))

    for as_json in (False, True):
        Report(findings=[("x", finding)], secrets=secrets_of(config)).print(as_json=as_json)

    printed = capsys.readouterr().out
    assert printed.count("[redacted]") == 2 * len(all_secrets)
    assert not any(secret in printed for secret in all_secrets)


# On paper


def test_people_read_cause_cure_and_where_to_read_more(bench):
    result = run(bench.build(TWITTER_CLIENT_SECRET="the-secret-of-last-year"))

    lines = result.output.splitlines()
    at = next(number for number, line in enumerate(lines) if "FAILED" in line)
    assert lines[at].split() == [
        *("FAILED", "client", "Twitter", "does", "not", "accept", "TWITTER_CLIENT_SECRET"),
        "(unauthorized_client).",
    ]
    assert lines[at + 1].strip().startswith("> Copy the OAuth 2.0 Client Secret anew")
    assert lines[at + 2].strip() == "> docs/troubleshooting.md#unauthorized_client"
    assert lines[at + 3].split() == [
        *("skipped", "consent", "page", "Waits", "until", "this", "is", "fine:", "client.")
    ]
    assert lines[-1] == "1 failed, 0 warnings, of 19 checks."
    assert result.exit_code == 1


def test_each_wrong_setting_has_its_own_line(bench):
    lines = run(without_app(bench, PUBLIC_URL="x", TRUSTED_PROXIES="many")).output.splitlines()

    assert lines[0].split()[:3] == ["FAILED", "settings", "PUBLIC_URL:"]
    assert lines[1].strip() == "TRUSTED_PROXIES: must be a whole number, 0 or more."


@pytest.mark.parametrize("section", Section)
def test_every_section_that_is_pointed_to_exists(section):
    assert section in anchors(ROOT / "docs" / "troubleshooting.md")


# What arrives


@pytest.fixture
def ask(bench):
    """Ask the health URL with a cookie; return what it says."""
    app = bench.build()
    client = app.test_client(use_cookies=False)

    def ask(cookie=None, **environ):
        headers = {"Cookie": cookie} if cookie else {}
        return client.get("/healthz", headers=headers, environ_overrides=environ)

    ask.app = app
    return ask


def test_the_site_shows_the_doctor_what_arrives(ask, clock):
    nonce, cookie = mirror.question(ask.app, now=clock())

    answer = ask(cookie, HTTP_X_FORWARDED_FOR="192.0.2.1, ,192.0.2.2")

    shown = mirror.arrival(ask.app, answer.data, nonce=nonce)
    assert shown == mirror.Arrival(scheme="http", host="localhost", hops=2)


def test_others_see_what_they_always_saw(ask):
    for cookie in (None, "session=", "session=nonsense", "other=1"):
        assert ask(cookie).data == b"alive\n"


def test_a_session_of_somebody_shows_nothing(ask):
    serializer = ask.app.session_interface.get_signing_serializer(ask.app)

    assert ask(f"session={serializer.dumps({'csrf_token': 'x'})}").data == b"alive\n"


def test_a_question_is_good_for_a_few_minutes(ask, clock):
    _, cookie = mirror.question(ask.app, now=clock())
    clock.advance(minutes=5)

    assert ask(cookie).data == b"alive\n"


def test_a_question_with_another_key_shows_nothing(ask, bench, clock):
    other = bench.build(listening=False, SECRET_KEY="another-machine-with-a-key-of-its-very-own")
    _, cookie = mirror.question(other, now=clock())

    assert ask(cookie).data == b"alive\n"


def test_an_older_key_of_the_ring_is_understood(ask, bench, clock):
    new = "a-new-key-that-stands-in-front-of-the-other-one"
    rotated = bench.build(listening=False, SECRET_KEY=f"{new},{SECRET_KEY}")
    nonce, cookie = mirror.question(ask.app, now=clock())
    client = rotated.test_client(use_cookies=False)

    assert client.get("/healthz", headers={"Cookie": cookie}).data != b"alive\n"
    assert mirror.arrival(rotated, ask(cookie).data, nonce=nonce)


def test_an_answer_is_good_for_one_question(ask, clock):
    _, cookie = mirror.question(ask.app, now=clock())
    other_nonce, _ = mirror.question(ask.app, now=clock())

    assert mirror.arrival(ask.app, ask(cookie).data, nonce=other_nonce) is None


def test_a_question_signs_nobody_in(ask, clock):
    _, cookie = mirror.question(ask.app, now=clock())
    client = ask.app.test_client(use_cookies=False)

    page = client.get(
        "/account",
        headers={"Cookie": cookie},
        base_url=ask.app.extensions["perch"].config.public_url,
    )

    assert page.status_code == 303


# As it is typed


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


def test_the_doctor_comes_without_an_app(typed):
    app = typed("--app", "wsgi", "doctor", "--json")

    assert isinstance(app, Flask)
    assert diagnose(app)[1]["settings"]["said"] == (
        "TRUSTED_PROXIES: must be a whole number, 0 or more."
    )


@pytest.mark.parametrize(
    "arguments, by_flask", [(("run",), True), (("prune",), True), (("doctor",), False)]
)
def test_nobody_else_starts_without_settings(typed, arguments, by_flask):
    with pytest.raises(SystemExit) as stop:
        typed(*arguments, by_flask=by_flask)

    assert "Cannot start: 1 setting needs attention" in stop.value.code


def test_the_command_says_what_it_is_for():
    help_text = command(lambda _: None).get_help(click.Context(click.Command("doctor")))

    assert "Exits with 1 if something has failed." in help_text
