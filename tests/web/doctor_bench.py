"""A set-up in order, and ways to break it: the public URL, the sandbox, the stores."""

import contextlib
import shutil
import socket
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import insert
from werkzeug.serving import WSGIRequestHandler, make_server

from app import cli, create_app
from app.accounts.models import Grant, Revocation, User
from app.accounts.token_cipher import associated_data
from app.doctor import checks, probe
from app.twitter.transport.deadline import Deadline
from app.twitter.transport.deadline_sockets import tls_context
from tests.factories import LIVE_SCOPES, build_config
from tests.journey.visitor import query_of
from tests.unit.test_transport import server

CLIENT = "birdhouse"
CLIENT_SECRET = "a-secret-nest-among-the-leaves"
SECRET_KEY = "forty-two-feathers-lined-up-on-a-garden-wall"
TOKEN_KEY = "bGVhdmVzLW1vc3MtdHdpZ3MtZG93bi1tdWQtc3RyYXc="
OLD_TOKEN_KEY = "d29ybXMtYmVldGxlcy1zZWVkcy1iZXJyaWVzLW51dHM="
PASSWORD = "worm-at-dawn"
SECRETS = (CLIENT_SECRET, SECRET_KEY, TOKEN_KEY, OLD_TOKEN_KEY, PASSWORD)

# The headers of a proxy that ends TLS.
VIA_ONE = {"HTTP_X_FORWARDED_FOR": "192.0.2.1", "HTTP_X_FORWARDED_PROTO": "https"}
VIA_TWO = {
    "HTTP_X_FORWARDED_FOR": "192.0.2.1, 192.0.2.2",
    "HTTP_X_FORWARDED_PROTO": "https, https",
}


class Street:
    """The public URL: a server, and the app that stands in it."""

    def __init__(self, tls=None, handler=None):
        self.app = answering("404 NOT FOUND")
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
    """A server whose `Date` is no date."""

    def date_time_string(self, timestamp=None):
        return "soon"


def answering(status, body=b"", **headers):
    """Return an app that always answers the same."""

    def app(environ, start_response):
        start_response(status, list(headers.items()))
        return [body]

    return app


def behind_proxy(app, **environ):
    """Return `app` behind a proxy that ends TLS and sets this environ."""

    def proxied(seen, start_response):
        return app(seen | {"wsgi.url_scheme": "http"} | environ, start_response)

    return proxied


def self_signed(folder):
    """Make a certificate for loopback that is its own authority; return the file with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "A bird on the wire")])
    now = datetime.now(UTC)
    loopback = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 7)
    builder = builder.not_valid_before(now - timedelta(days=1))
    builder = builder.not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(loopback, critical=False)
    authority = x509.BasicConstraints(ca=True, path_length=0)
    certificate = builder.add_extension(authority, critical=True).sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "wire.pem"
    file.write_bytes(private + certificate.public_bytes(pem))
    return file


class Bench:
    """A set-up in which everything is in order until a test breaks it."""

    def __init__(self, sandbox, folder, clock, apps, closing, request):
        self.twitter = sandbox
        self.folder = folder
        self.clock = clock
        self.apps = apps
        self.closing = closing
        self.fixture = request.getfixturevalue
        self.street = self.open_street()
        self.settings = {
            "PUBLIC_URL": self.street.url,
            "TWITTER_CLIENT_ID": CLIENT,
            "TWITTER_CLIENT_SECRET": CLIENT_SECRET,
            "TWITTER_AUTHORIZE_URL": sandbox.authorize_url,
            "TWITTER_API_URL": sandbox.api_url,
            "SECRET_KEY": SECRET_KEY,
            "TOKEN_KEYS": TOKEN_KEY,
            "CONTACT_EMAIL": "wren@nest.example",
        }
        shutil.copy(self.fixture("migrated_sqlite"), folder / "perch.db")
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
        """Build the app of these settings, and serve it at its public URL.

        `{closed}` in a setting is an address where nothing listens.
        """
        places = {"sandbox": self.twitter.url, "folder": self.folder}
        settings = {
            name: text and text.format(closed=self.closed_address(), **places)
            for name, text in (self.settings | settings).items()
        }
        app = create_app(build_config(self.folder, **settings), now=self.clock)
        cli.init_app(app)
        self.apps.append(app)
        if listening:
            self.street.app = app
        return app

    def build_at(self, url, **settings):
        """Build an app that is registered at another public URL."""
        self.register(url)
        return self.build(PUBLIC_URL=url, **settings)

    def build_behind_tls(self, environ, **settings):
        """Build an app behind a trusted TLS proxy that sets this environ."""
        self.patch.setenv("SSL_CERT_FILE", self.tls()[0])
        tls_context.cache_clear()
        self.closing.callback(tls_context.cache_clear)
        self.street = self.open_street(tls=self.tls())
        app = self.build_at(self.street.url, **settings)
        self.street.app = behind_proxy(app, **environ)
        return app

    def build_behind_a_proxy(self, proxy, *, user="", **settings):
        """Build an app whose way to a trusted Twitter is `proxy`, its address or its behaviour.

        `{port}` in a setting is that of this Twitter.
        """
        if callable(proxy):
            url, _ = self.closing.enter_context(server(proxy))
            proxy = urlsplit(url).netloc
        self.patch.setenv("SSL_CERT_FILE", self.tls()[0])
        tls_context.cache_clear()
        self.closing.callback(tls_context.cache_clear)
        street = self.open_street(tls=self.tls())
        street.app = self.twitter.app
        settings = {
            "TWITTER_PROXY": f"http://{user}{proxy}",
            "TWITTER_API_URL": f"{street.url}/2",
            "TWITTER_AUTHORIZE_URL": f"{street.url}/i/oauth2/authorize",
        } | {name: text.format(port=street.server.port) for name, text in settings.items()}
        return self.build(**settings)

    @property
    def patch(self):
        return self.fixture("monkeypatch")

    def tls(self):
        file = str(self.fixture("certificate"))
        return file, file

    def closed_address(self):
        """Return host and port where nothing listens any more."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            return f"127.0.0.1:{listener.getsockname()[1]}"

    def silent_address(self):
        """Return host and port where connections are accepted, and never answered."""
        listener = self.closing.enter_context(socket.create_server(("127.0.0.1", 0)))
        return f"127.0.0.1:{listener.getsockname()[1]}"

    def sign_in(self, app, *, number=1, scopes=LIVE_SCOPES, token="t", expires_at=None):
        """Put a person and their living grant into the database."""
        here, now = app.extensions["perch"], self.clock()
        person = {"id": number, "twitter_id": f"{number}", "username": "wren", "profile": {}}
        grant_id = f"g{number}"
        at = associated_data("grants", "access_token", grant_id)
        grant = {
            "id": grant_id,
            "user_id": number,
            "access_token": here.cipher.seal(token, at=at),
            "scopes": scopes,
            "issued_at": now,
            "expires_at": expires_at or now,
            "created_at": now,
        }
        with here.database.writing() as connection:
            connection.execute(insert(User).values(created_at=now, signed_in_at=now, **person))
            connection.execute(insert(Grant).values(grant))

    def sign_in_at_twitter(self, app):
        """Put a sign-in into the database whose token is valid at Twitter."""
        here = app.extensions["perch"]
        asked = {
            "code_verifier": "a-verifier-of-forty-three-characters-at-least",
            "scopes": frozenset(LIVE_SCOPES.split()),
        }
        url = here.server.authorization_url(state="s" * 43, **asked)
        code = query_of(self.twitter.say_yes(url))["code"]
        deadline = Deadline(probe.SECONDS)
        tokens = here.server.exchange(code, now=self.clock(), deadline=deadline, **asked)
        self.sign_in(app, token=tokens.access_token, expires_at=tokens.expires_at)

    def owe(self, app, **changes):
        """Put a revocation into the outbox."""
        here, now = app.extensions["perch"], self.clock()
        row = {"id": "r", "token_type_hint": "access_token", "created_at": now, "due_at": 0}
        sealed = here.cipher.seal("t", at=associated_data("revocations", "token", "r"))
        with here.database.writing() as connection:
            connection.execute(insert(Revocation).values(**row | {"token": sealed} | changes))

    def before(self, name, do):
        """Do something right before one of the checks runs."""
        all_checks = [
            replace(check, run=lambda context, run=check.run: (do(), run(context))[1])
            if check.name == name
            else check
            for check in checks.CHECKS
        ]
        self.patch.setattr(checks, "CHECKS", tuple(all_checks))

    def hanging_up(self):
        """Return an address where each connection is accepted and dropped."""
        listener = self.closing.enter_context(socket.create_server(("127.0.0.1", 0)))

        def accept():
            with contextlib.suppress(OSError):
                while True:
                    listener.accept()[0].close()

        threading.Thread(target=accept, daemon=True).start()
        self.closing.callback(listener.shutdown, socket.SHUT_RDWR)
        return f"http://127.0.0.1:{listener.getsockname()[1]}/"
