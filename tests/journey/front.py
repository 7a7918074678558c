"""nginx in front of the site, as deploy/nginx.conf has it: only places and ports are exchanged."""

import contextlib
import itertools
import re
import shutil
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from requests.adapters import HTTPAdapter

from tests.journey.sites import GUNICORN, ROOT, SECONDS_TO_START, answers, wait_until
from tests.journey.visitor import Visitor
from tests.needs import need
from tests.servers import temporary_folder

NAME = "perch.test"
SECONDS_TO_STOP = 20
CONFIGURATION = ROOT / "deploy" / "nginx.conf"

# What Debian's own nginx.conf says around a site. The gzip in it is on there as well.
AROUND = """
daemon off;
worker_processes 2;
pid {folder}/nginx.pid;
error_log {folder}/main-error.log;
{user}
events {{ worker_connections 1024; }}
http {{
    types {{ text/html html; text/css css; }}
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    access_log {folder}/main.log;
    gzip on;
    include {folder}/perch.conf;
}}
"""


class Front:
    """nginx: where it listens, what it wrote, and how to reach it under the site's name."""

    def __init__(self, folder):
        self.folder = folder
        self.lines = [reserved(), reserved()]
        self.https, self.http = (line.getsockname()[1] for line in self.lines)
        self.url = f"https://{NAME}:{self.https}"
        self.certificate = folder / "certificate.pem"
        self.process = None

    def start(self, *apps, balanced_by=""):
        """Stand in front of these addresses; `balanced_by` may say which of them is asked."""
        program = need(
            shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin"),
            "nginx",
            "Try: apt-get install nginx-light",
        )
        issue_certificate(self.folder)
        (self.folder / "perch.conf").write_text(self.configuration(apps, balanced_by))
        user = "user nobody nogroup;" if Path("/proc/self").owner() == "root" else ""
        main = self.folder / "nginx.conf"
        main.write_text(AROUND.format(folder=self.folder, user=user))
        command = [program, "-p", str(self.folder), "-c", str(main), "-e", f"{self.folder}/start"]
        tried = subprocess.run(
            [*command, "-t"], capture_output=True, text=True, timeout=20, check=False
        )
        assert tried.returncode == 0, tried.stderr
        assert "warn" not in tried.stderr
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        wait_until(self.answers, SECONDS_TO_START)

    def configuration(self, apps, balanced_by=""):
        """Return the operator's file with our places in it."""
        text = CONFIGURATION.read_text()
        servers = "\n".join(
            [
                f"    {balanced_by}",
                *(
                    f"    server {app.removeprefix('http://')} max_fails=3 fail_timeout=2s;"
                    for app in apps
                ),
            ]
        )
        for pattern, ours in [
            (r"\n +listen \[::\][^\n]+", ""),
            (r"listen 443 ", f"listen 127.0.0.1:{self.https} "),
            (r"listen 80", f"listen 127.0.0.1:{self.http}"),
            (r" +server 127\.0\.0\.1:8000[^\n]+", servers),
            (r"/etc/letsencrypt/live/perch.example/fullchain.pem", str(self.certificate)),
            (r"/etc/letsencrypt/live/perch.example/privkey.pem", f"{self.folder}/key.pem"),
            (r"/var/(log|lib)/nginx/", f"{self.folder}/"),
            (r"/var/www/html", f"{self.folder}/www"),
            (r"https://perch\.example", self.url),
            (r"perch\.example", NAME),
        ]:
            text, count = re.subn(pattern, ours, text)
            assert count, pattern
        return text

    def answers(self):
        assert self.process.poll() is None, (self.folder / "main-error.log").read_text()
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", self.https), timeout=5).close()
            return True
        return False

    def written(self):
        """Return everything that nginx wrote to disk, logs and cache alike."""
        files = [file for file in self.folder.rglob("*") if file.is_file()]
        return b"\n".join(file.read_bytes() for file in files)

    def visitor(self):
        visitor = Visitor(self.url, Under(self.https))
        visitor.session.verify = str(self.certificate)
        # As browsers do. On https the check against forged forms wants to see it.
        visitor.session.headers["Referer"] = f"{self.url}/"
        return visitor

    def stop(self):
        for line in self.lines:
            line.close()
        if self.process is not None:
            self.process.terminate()
            self.process.wait(SECONDS_TO_STOP)


class Under(HTTPAdapter):
    """Reaches nginx on loopback under the site's name, which no name server knows."""

    def __init__(self, port):
        super().__init__(pool_maxsize=4)
        self.port = port

    def get_connection_with_tls_context(self, request, verify, proxies=None, cert=None):
        names = {"server_hostname": NAME, "assert_hostname": NAME}
        return self.poolmanager.connection_from_host("127.0.0.1", self.port, "https", names)

    def send(self, request, **options):
        request.headers.setdefault("Host", f"{NAME}:{self.port}")
        return super().send(request, **options)


@contextlib.contextmanager
def standing():
    """Yield an nginx that is not started yet; stop it, if it was."""
    with temporary_folder() as folder:
        front = Front(folder)
        try:
            yield front
        finally:
            front.stop()


def reserved():
    """Keep a port: bound and not listening, so that nobody else is given it."""
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    line.bind(("127.0.0.1", 0))
    return line


def issue_certificate(folder):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "key.pem").write_bytes(secret)


def start_again(site, *, command=(sys.executable, *GUNICORN, "wsgi:app"), **how):
    """Start the next process of a site whose last one has ended, on the same port."""
    with site.log.open("ab") as output:
        site.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=site.environ | how.pop("environ", {}),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            **how,
        )
    wait_until(lambda: answers(site), SECONDS_TO_START, site.logged)


def ended(process, seconds=40):
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        pytest.fail("gunicorn did not stop in time")


class Crowd:
    """People who come, sign in, look round and log out until told to stop; and what went wrong."""

    def __init__(self, make_visitor, *, seconds):
        self.make_visitor = make_visitor
        self.deadline = time.monotonic() + seconds
        self.done = False
        self.journeys = 0
        self.wrong = []

    def one_after_another(self, accounts):
        """Let each come in turn: Twitter is told of a logout before that person comes again."""
        for account in itertools.cycle(accounts):
            if self.done or time.monotonic() > self.deadline:
                return
            with self.make_visitor() as visitor:
                try:
                    self.journey(visitor, account)
                except (requests.RequestException, AssertionError, StopIteration) as error:
                    self.wrong.append(f"{type(error).__name__}: {str(error)[:300]}")
                self.wrong += [
                    f"{answer.status_code} {answer.request.method} {answer.request.path_url}"
                    for answer in visitor.answers
                    if answer.status_code not in {200, 302, 303}
                ]

    def journey(self, visitor, account):
        assert visitor.open("/").status_code == 200
        assert visitor.sign_in(account).status_code == 200
        assert visitor.is_signed_in()
        assert visitor.log_out().status_code == 200
        self.journeys += 1
