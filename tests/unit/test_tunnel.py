"""The way through a proxy: the same deadline, the same rules, and each secret where it belongs."""

import base64
import contextlib
import re
import socket

import pytest

from app.twitter.errors import Unreachable
from app.twitter.transport import deadline_sockets
from app.twitter.transport import transport as transport_module
from app.twitter.transport.deadline import Deadline
from app.twitter.transport.deadline_sockets import tls_context
from app.twitter.transport.transport import Transport
from app.twitter.transport.tunnel import Proxy
from tests.proxy import HttpProxy, always
from tests.unit.test_transport import (
    OK,
    answering,
    dripping,
    hang_up,
    read_request,
    self_signed,
    server,
    silent,
    tls_server,
)

pytestmark = pytest.mark.loopback

# Only the proxy knows where this is.
NAME = "api.twitter.test"
PASSWORD = "worm:at/dawn@8"
WRITTEN = "worm%3Aat%2Fdawn%408"
BASIC = f"Basic {base64.b64encode(f'wren:{PASSWORD}'.encode()).decode()}"


@pytest.fixture
def certificate(tmp_path, monkeypatch):
    """Make a trusted certificate for a name; return its file."""

    def make(name=NAME):
        file = self_signed(tmp_path, name)
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        tls_context.cache_clear()
        return file

    yield make
    tls_context.cache_clear()


def build(proxy):
    return Transport(slots=2, user_agent="test", on_call=lambda _: None, proxy=proxy)


@contextlib.contextmanager
def through(behave, *, user=""):
    """Yield a transport whose way out is a proxy that behaves so, and the connections to that."""
    with server(behave) as (url, seen):
        port = re.search(r":(\d+)/", url)[1]
        proxy = Proxy.at(f"http://{user}127.0.0.1:{port}")
        yield build(proxy), seen


def named(url):
    return url.replace("127.0.0.1", NAME)


def fail(transport, url=f"https://{NAME}/2/thing", *, seconds=5.0):
    with pytest.raises(Unreachable) as caught:
        transport.send("POST", url, form="code=c", deadline=Deadline(seconds))
    assert caught.value.__cause__ is None
    assert PASSWORD not in repr(caught.value)
    return caught.value


def test_calls_share_one_warm_connection_through_the_proxy(certificate):
    proxy = HttpProxy()

    with (
        tls_server(answering(OK, OK), certificate()) as (url, seen),
        through(proxy) as (transport, _),
    ):
        answers = [transport.send("GET", named(url), deadline=Deadline()) for _ in range(2)]

    there = re.search(f"{NAME}:\\d+", named(url))[0]
    assert [answer.status for answer in answers] == [200, 200]
    assert proxy.heads == [f"CONNECT {there} HTTP/1.1\r\nHost: {there}\r\n\r\n"]
    assert len(seen) == 1


def test_the_proxy_hears_its_password_and_twitter_everything_else(certificate):
    proxy = HttpProxy(authorization=BASIC)
    heard = []

    def behave(connection, _over):
        heard.append(read_request(connection).decode())
        connection.sendall(OK)

    with (
        tls_server(behave, certificate()) as (url, _),
        through(proxy, user=f"wren:{WRITTEN}@") as (transport, _),
    ):
        transport.send(
            "GET", named(url), headers={"Authorization": "Bearer t"}, deadline=Deadline()
        )

    assert [line.partition(":")[0] for line in proxy.heads[0].split("\r\n")[1:-2]] == [
        "Host",
        "Proxy-Authorization",
    ]
    assert "\r\nAuthorization: Bearer t\r\n" in heard[0]
    assert "proxy" not in heard[0].lower()


def test_the_name_of_twitter_is_what_a_certificate_must_have(certificate):
    heard = []
    file = certificate("127.0.0.1")

    with (
        tls_server(lambda connection, _: heard.append(connection.recv(100)), file) as (url, _),
        through(HttpProxy()) as (transport, _),
    ):
        fail(transport, named(url))

    assert heard == []


FORBIDDEN = b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"
BAD_GATEWAY = b"HTTP/1.1 502 No\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    "behave, why, connects",
    [
        (HttpProxy(authorization=BASIC), "another user or password (HTTP 407)", 1),
        (always(FORBIDDEN, []), "refuses to connect to this host (HTTP 403)", 1),
        (always(BAD_GATEWAY, []), "does not reach this host itself (HTTP 502)", 2),
        (always(b"SSH-2.0-OpenSSH_9.2\r\n", []), "is not HTTP", 2),
        (hang_up, "drops the connection", 2),
        (silent([]), "does not answer", 2),
        (dripping(b"HTTP/1.1 200 OK\r\n", b"X-Drip: drop\r\n", []), "does not answer", 2),
    ],
    ids=["password", "forbidden", "behind", "garbage", "dropped", "silent", "dripping"],
)
def test_a_failed_connect_is_no_connection(monkeypatch, behave, why, connects):
    monkeypatch.setattr(deadline_sockets, "CONNECT_SECONDS", 0.1)
    monkeypatch.setattr(transport_module, "REAL_PATIENCE_SECONDS", 0.01)

    with through(behave, user="wren:wrong@") as (transport, seen):
        error = fail(transport)

    assert why in str(error)
    assert error.silent
    assert len(seen) == connects


def test_a_proxy_that_is_not_there_is_named(monkeypatch):
    with server(hang_up) as (url, _):
        gone = Proxy.at(url.partition("/2")[0])
    closed = build(gone)
    assert str(fail(closed)) == "the proxy fails: it takes no connection"

    def not_found(*_args):
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", not_found)
    assert str(fail(closed)) == "the proxy fails: its name is not known here (DNS)"

    def too_slow(*_args):
        raise TimeoutError

    monkeypatch.setattr(deadline_sockets, "_connect", too_slow)
    assert str(fail(closed)) == "the proxy fails: it does not take the connection in time"


def test_after_a_connect_that_failed_a_code_is_sent_once(certificate):
    proxy, heard, connects = HttpProxy(), [], []

    def drop_the_first(connection, over):
        connects.append(connection)
        if len(connects) > 1:
            proxy(connection, over)

    def behave(connection, _over):
        request = read_request(connection)
        while b"code=c" not in request:
            request += connection.recv(100)
        heard.append(request)
        connection.sendall(OK)

    with (
        tls_server(behave, certificate()) as (url, _),
        through(drop_the_first) as (transport, _),
    ):
        transport.send("POST", named(url), form="code=c", deadline=Deadline())

    assert [len(connects), len(heard)] == [2, 1]


@pytest.mark.parametrize("in_the", ["handshake", "request"])
def test_a_proxy_that_drops_later_gets_nothing_resent(certificate, in_the):
    proxy = HttpProxy(drops_after=1 if in_the == "handshake" else None)
    heard = []

    def behave(connection, _over):
        heard.append(read_request(connection))  # and hang up, as when a proxy is stopped

    with tls_server(behave, certificate()) as (url, _), through(proxy) as (transport, _):
        error = fail(transport, named(url))

    assert "proxy" not in str(error)
    assert [len(proxy.heads), len(heard)] == [1, 0 if in_the == "handshake" else 1]


@pytest.mark.parametrize("first", [b"", b"HTTP/1.1 200 OK\r\n"], ids=["status line", "headers"])
def test_a_proxy_that_drips_cannot_stretch_the_budget(first):
    outlasted = []

    with through(dripping(first, b"X-Drip: d\r\n" if first else b"H", outlasted)) as (transport, _):
        fail(transport, seconds=0.25)

    assert outlasted == []


def test_a_handshake_behind_the_proxy_cannot_stretch_the_budget():
    outlasted = []

    with server(silent(outlasted)) as (url, _), through(HttpProxy()) as (transport, _):
        fail(transport, named(url).replace("http://", "https://"), seconds=0.25)

    assert outlasted == []


def test_plain_http_never_comes_to_the_proxy():
    proxy = HttpProxy()

    with server(answering(OK)) as (url, _), through(proxy) as (transport, _):
        transport.send("GET", url, headers={"Authorization": "Bearer t"}, deadline=Deadline())

    assert proxy.heads == []


def test_proxies_of_the_environment_are_ignored(monkeypatch):
    proxy = HttpProxy()

    with server(proxy) as (elsewhere, seen), server(answering(OK)) as (url, _):
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, elsewhere)
            monkeypatch.setenv(name.lower(), elsewhere)
        transport = build(None)
        assert transport.send("GET", url, deadline=Deadline()).status == 200
        fail(transport, url.replace("http://", "https://"), seconds=0.2)

    assert seen == []


def test_a_proxy_shows_where_it_is_and_no_password():
    proxy = Proxy.at(f"http://wren:{WRITTEN}@[::1]:3128/")

    assert (proxy.address, proxy.authorization) == ("[::1]:3128", BASIC)
    assert BASIC not in repr(proxy)
    assert Proxy.at("http://Proxy.Example:3128").authorization is None
    assert Proxy.at("http://wren@p:1").authorization == "Basic d3Jlbjo="
