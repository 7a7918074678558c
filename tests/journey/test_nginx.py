"""The site behind nginx, as deploy/nginx.conf sets it up."""

import http.server
import json
import re
import socket
import ssl
import threading
from contextlib import closing

import pytest
import requests

from tests.journey.front import NAME, standing
from tests.journey.sites import wait_until

pytestmark = [pytest.mark.loopback, pytest.mark.timeout(120)]

TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-00")
SECRET = "a-secret-that-travels-in-the-query"
PROMISED = {
    "Cache-Control",
    "Content-Security-Policy",
    "Referrer-Policy",
    "Strict-Transport-Security",
    "X-Content-Type-Options",
    "X-Frame-Options",
}


@pytest.fixture(scope="module")
def front():
    with standing() as front:
        yield front


@pytest.fixture(scope="module")
def site(sites, twitter_server, front):
    site = sites.start(twitter_server, PUBLIC_URL=front.url, TRUSTED_PROXIES="1")
    front.start(site.address)
    return site


@pytest.fixture
def visitor(front, site, twitter):
    with front.visitor() as visitor:
        yield visitor


class Echo(http.server.BaseHTTPRequestHandler):
    """Remembers what came, and answers as it was told to."""

    def do_GET(self):
        self.server.seen.append(self)
        if self.server.breaks_off:
            return
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture
def echoes():
    """Two machines that tell what nginx sent them."""
    servers = [http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo) for _ in range(2)]
    threads = []
    for server in servers:
        server.seen, server.breaks_off = [], False
        threads.append(threading.Thread(target=server.serve_forever, args=(0.05,)))
        threads[-1].start()
    yield servers
    for server, thread in zip(servers, threads, strict=True):
        server.shutdown()
        thread.join(10)
        server.server_close()


@pytest.fixture
def stranger(echoes):
    """Somebody who comes to the echoes through an nginx of theirs."""
    with standing() as front:
        front.start(*(f"http://127.0.0.1:{server.server_port}" for server in echoes))
        with front.visitor() as visitor:
            yield visitor


def missing(answer, but=frozenset()):
    """Return the headers that security.md promises, and this answer lacks or has twice."""
    values = {name: answer.raw.headers.getlist(name) for name in PROMISED - but}
    return sorted(name for name, found in values.items() if len(found) != 1)


def test_a_whole_visit_goes_through(visitor):
    page = visitor.sign_in("wren")

    assert page.status_code == 200
    assert visitor.is_signed_in()
    assert page.headers["Strict-Transport-Security"].startswith("max-age=63072000")
    assert all(name.startswith("__Host-") for name in set(visitor.cookies_seen.values()))
    assert visitor.log_out().status_code == 200
    assert not visitor.is_signed_in()


def test_rate_limits_do_not_believe_forwarded_addresses(sites, twitter_server, twitter):
    with standing() as front:
        settings = {"PUBLIC_URL": front.url, "TRUSTED_PROXIES": "1", "RATELIMIT_ENABLED": "on"}
        # A client of its own: the sandbox, too, knows one callback for each.
        site = sites.start(twitter_server, **settings, TWITTER_CLIENT_ID="nest")
        front.start(site.address)
        answers = []
        with front.visitor() as visitor:
            for number in range(31):
                visitor.session.headers["X-Forwarded-For"] = f"203.0.113.{number}"
                page = visitor.press(visitor.open("/"), "Sign in with Twitter")
                answers.append(page.status_code)

    assert answers == [303] * 30 + [429]


def test_it_speaks_http_2(front, site):
    context = ssl.create_default_context(cafile=str(front.certificate))
    context.set_alpn_protocols(["h2", "http/1.1"])

    with (
        socket.create_connection(("127.0.0.1", front.https), timeout=10) as line,
        context.wrap_socket(line, server_hostname=NAME) as secure,
    ):
        assert secure.selected_alpn_protocol() == "h2"
        assert secure.version() == "TLSv1.3"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_old_tls_is_refused(front, site):
    context = ssl.create_default_context(cafile=str(front.certificate))
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1

    with (
        socket.create_connection(("127.0.0.1", front.https), timeout=10) as line,
        pytest.raises(ssl.SSLError),
    ):
        context.wrap_socket(line, server_hostname=NAME).close()


def test_plain_http_is_sent_to_https(front, site):
    address = f"http://127.0.0.1:{front.http}/follows?page=2"

    answer = requests.get(address, headers={"Host": NAME}, allow_redirects=False, timeout=10)

    assert answer.status_code == 301
    assert answer.headers["Location"] == f"{front.url}/follows?page=2"
    assert missing(answer, but={"Strict-Transport-Security"}) == []  # means nothing on http


def test_another_name_gets_no_answer(front, site):
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://127.0.0.1:{front.http}/", headers={"Host": "evil.test"}, timeout=10)
    with pytest.raises(requests.ConnectionError):  # no name in the handshake
        requests.get(f"https://127.0.0.1:{front.https}/", verify=str(front.certificate), timeout=10)


def test_another_name_inside_our_connection_gets_no_answer(visitor):
    with pytest.raises(requests.ConnectionError):
        visitor.send("GET", "/", headers={"Host": "evil.test"})


def test_neither_log_nor_cache_holds_a_query(front, visitor):
    wren = visitor.sign_in("wren")
    assert wren.status_code == 200
    visitor.open(f"/auth/callback?state={SECRET}&code={SECRET}", headers={"Referer": f"/?{SECRET}"})

    written = front.written()

    assert b'"path":"/auth/callback"' in written
    assert SECRET.encode() not in written
    assert not any(value.encode() in written for value in visitor.cookies_seen)


def test_one_trace_runs_through_the_lines_of_nginx_gunicorn_and_the_app(front, site, visitor):
    forged = "4bf92f3577b34da6a3ce929d0e0e4736"
    log = front.folder / "perch.log"
    begun, before = len(log.read_text().splitlines()), len(site.logged())
    visitor.send(
        "GET", "/auth/callback?state=x", headers={"traceparent": f"00-{forged}-00f067aa0ba902b7-01"}
    )

    wait_until(lambda: log.read_text().count("\n") > begun)
    wait_until(lambda: "gunicorn.access" in site.logged()[before:])
    trace = json.loads(log.read_text().splitlines()[begun])["trace"]
    lines = [json.loads(line) for line in site.logged()[before:].splitlines()]
    assert {line["trace"] for line in lines} == {trace}
    assert {line["logger"] for line in lines} == {
        "app.observability.audit_log",
        "gunicorn.access",
    }
    assert forged.encode() not in front.written()
    assert forged not in site.logged()


def test_static_files_are_asked_for_once_and_pages_each_time(site, visitor):
    page = visitor.open("/").text
    sheet = next(part for part in page.split('"') if part.startswith("/static/css/base.css?v="))
    before = site.logged().count("/static/css/base.css")

    answers = [visitor.open(sheet) for _ in range(3)]

    assert {answer.headers["Cache-Control"] for answer in answers} == {
        "public, max-age=31536000, immutable"
    }
    assert site.logged().count("/static/css/base.css") <= before + 1
    assert answers[0].headers["Content-Encoding"] == "gzip"


@pytest.mark.parametrize("path", ["/", "/static/css/none.css"])
def test_pages_are_neither_compressed_nor_stored(visitor, path):
    page = visitor.open(path, headers={"Accept-Encoding": "gzip, br"})

    assert "Sign in with Twitter" in page.text
    assert "Content-Encoding" not in page.headers
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Server"] == "nginx"  # and no version
    assert visitor.open("/metrics").status_code == 404


@pytest.mark.parametrize(
    "path, how, status",
    [
        ("/", {}, 200),
        ("/static/css/base.css", {}, 200),
        ("/static/css/none.css", {}, 404),
        ("/metrics", {}, 404),  # nginx itself, as the next two
        ("/", {"headers": {"X": "x" * 40_000}}, 400),
        ("/auth/login", {"data": "x" * 70_000}, 413),
        ("/", {"headers": {"X": "x" * 8_200}}, 400),  # gunicorn
    ],
)
def test_every_answer_has_the_promised_headers_once(visitor, path, how, status):
    answers = [visitor.send("POST" if "data" in how else "GET", path, **how) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [status] * 2
    assert [missing(answer) for answer in answers] == [[], []]


def test_what_came_from_outside_is_overwritten_or_dropped(stranger, echoes):
    forged = {
        "Forwarded": "for=1.2.3.4;host=evil.test",
        "Proxy": "http://evil.test",
        "Traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        "Tracestate": "evil=1",
        "X-Forwarded-For": "1.2.3.4",
        "X-Forwarded-Host": "evil.test",
        "X-Forwarded-Port": "1",
        "X-Forwarded-Prefix": "/evil",
        "X-Forwarded-Proto": "http",
        "X-Forwarded-Protocol": "evil",
        "X-Forwarded-Ssl": "off",
        "X-Real-Ip": "1.2.3.4",
        "SCRIPT_NAME": "/evil",
        "REMOTE_USER": "wren",
    }

    assert stranger.send("GET", "/", headers=forged).text == "ok"

    [seen] = [handler for server in echoes for handler in server.seen]
    arrived = {
        name.title(): value for name, value in seen.headers.items() if name.title() in forged
    }
    trace, parent = TRACEPARENT.fullmatch(arrived.pop("Traceparent")).groups()
    assert trace != forged["Traceparent"][3:35]
    assert trace.startswith(parent)
    host = stranger.url.removeprefix("https://")
    assert arrived == {
        "X-Forwarded-For": "127.0.0.1",
        "X-Forwarded-Host": host,
        "X-Forwarded-Proto": "https",
    }
    assert seen.headers["Host"] == host


def test_a_form_is_never_sent_twice(stranger, echoes):
    for server in echoes:
        server.breaks_off = True

    answer = stranger.send("POST", "/auth/logout", data={"a": "b"})

    assert answer.status_code == 503
    assert sum(len(server.seen) for server in echoes) == 1


def test_a_page_is_asked_of_the_next_machine_when_one_breaks_off(stranger, echoes):
    echoes[0].breaks_off = True

    answers = [stranger.send("GET", "/") for _ in range(4)]

    assert {answer.status_code for answer in answers} == {200}
    assert echoes[0].seen


def test_when_nobody_is_there_people_are_told_so_and_no_query_is_logged():
    with standing() as front, closing(socket.socket()) as nobody:
        nobody.bind(("127.0.0.1", 0))
        front.start(f"http://127.0.0.1:{nobody.getsockname()[1]}")
        with front.visitor() as visitor:
            answer = visitor.send("GET", f"/auth/callback?state={SECRET}")

        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "5"
        assert answer.headers["Strict-Transport-Security"] == "max-age=63072000"
        assert missing(answer) == []
        assert "Please try again in a moment" in answer.text
        assert SECRET.encode() not in front.written()
        assert b'"app_status":"502"' in front.written()
