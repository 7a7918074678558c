"""The wire: one budget whatever trickles in, one cap, no redirects, few calls at a time.

The servers here are bare sockets: they misbehave byte by byte.
"""

import contextlib
import gzip
import re
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from urllib3.exceptions import ConnectTimeoutError

from app.twitter import sockets
from app.twitter.budget import Budget
from app.twitter.errors import Busy, Unreachable, Unreadable
from app.twitter.sockets import CountdownSocket, tls_context
from app.twitter.transport import Transport

pytestmark = pytest.mark.loopback

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@contextlib.contextmanager
def server(behave):
    """Serve each connection with `behave(socket)` on a port of its own; count the connections."""
    listener = socket.create_server(("127.0.0.1", 0))
    seen = []
    over = threading.Event()

    def serve(connection):
        with connection, contextlib.suppress(OSError):
            behave(connection, over)

    def accept():
        while not over.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            seen.append(connection)
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/2/thing", seen
    finally:
        over.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(timeout=5)


def read_request(connection):
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = connection.recv(65536)
        if not chunk:
            raise OSError("closed")
        data += chunk
    return data


def answering(*answers):
    """Answer one request after the other on the same connection."""

    def behave(connection, _over):
        for answer in answers:
            read_request(connection)
            connection.sendall(answer)

    return behave


def dripping(first, drop, every=0.05):
    """Answer a few bytes and then one byte at a time, for ever."""

    def behave(connection, over):
        read_request(connection)
        connection.sendall(first)
        while not over.is_set():
            connection.sendall(drop)
            over.wait(every)

    return behave


@pytest.fixture
def transport():
    return Transport(slots=2, user_agent="test")


def seconds(call):
    started = time.monotonic()
    with pytest.raises(Unreachable):
        call()
    return time.monotonic() - started


@pytest.mark.parametrize(
    "first, drop",
    [
        (b"HTTP/1.1 200 OK\r\n", b"X-Drip: drop\r\n"),
        (b"HTTP/1.1 200 OK\r\nX-Drip: ", b"d"),
        (b"", b"H"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["headers", "one header", "status line", "body", "chunks", "100 Continue"],
)
def test_bytes_that_drip_cannot_stretch_the_budget(transport, first, drop):
    with server(dripping(first, drop)) as (url, _):
        took = seconds(lambda: transport.send("GET", url, budget=Budget(0.6)))

    assert 0.3 < took < 3


def test_silence_after_drips_ends_with_the_budget(transport):
    def drip_and_fall_silent(connection, over):
        read_request(connection)
        for byte in b"HTTP/1.1 200 Fine and well":
            connection.sendall(bytes([byte]))
            over.wait(0.05)
        over.wait(30)

    with server(drip_and_fall_silent) as (url, _):
        took = seconds(lambda: transport.send("GET", url, budget=Budget(1.5)))

    assert took < 2.3


def test_silence_ends_with_the_budget(transport):
    with server(lambda connection, over: over.wait(30)) as (url, _):
        took = seconds(lambda: transport.send("GET", url, budget=Budget(0.5)))

    assert took < 3


def test_several_calls_share_one_budget(transport):
    budget = Budget(0.8)
    with server(lambda connection, over: over.wait(30)) as (url, _):
        took = seconds(lambda: transport.send("GET", url, budget=budget))
        again = seconds(lambda: transport.send("GET", url, budget=budget))

    assert took < 3
    assert again < 0.5


def test_a_budget_that_is_used_up_sends_nothing(transport):
    requests = []

    def behave(connection, _over):
        requests.append(read_request(connection))
        connection.sendall(OK)
        requests.append(read_request(connection))

    with server(behave) as (url, _):
        transport.send("GET", url, budget=Budget(5))
        seconds(lambda: transport.send("GET", url, budget=Budget(0)))
        seconds(lambda: transport.send("GET", url, budget=Budget(0)))

    assert len(requests) == 1


def test_a_name_nobody_knows_is_unreachable(transport, monkeypatch):
    def fail(*_args, **_kwargs):
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", fail)

    with pytest.raises(Unreachable):
        transport.send("GET", "http://nowhere.invalid/", budget=Budget(5))


def test_connections_are_kept_alive(transport):
    with server(answering(OK, OK, OK)) as (url, seen):
        for _ in range(3):
            transport.send("GET", url, budget=Budget())

    assert len(seen) == 1


def test_nothing_is_resent_once_a_connection_was_made(transport):
    with (
        server(lambda connection, _: read_request(connection)) as (url, seen),
        pytest.raises(Unreachable),
    ):
        transport.send("POST", url, data={"code": "c"}, budget=Budget(5))

    assert len(seen) == 1


def test_a_refused_connection_is_unreachable(transport):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    with pytest.raises(Unreachable):
        transport.send("GET", f"http://127.0.0.1:{port}/", budget=Budget(5))


def test_an_endless_body_is_cut_off(transport):
    def behave(connection, over):
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n")
        while not over.is_set():
            connection.sendall(b"x" * 65536)

    with server(behave) as (url, _), pytest.raises(Unreadable, match="more than 1000 bytes"):
        transport.send("GET", url, budget=Budget(10), max_bytes=1000)


@pytest.mark.parametrize(
    "first, line",
    [
        (b"HTTP/1.1 200 OK\r\n", b"X-Long: " + b"x" * 60_000 + b"\r\n"),
        (b"HTTP/1.1 200 OK\r\n", b"X-Short: x\r\n"),
        (b"HTTP/1.1 200 OK\r\nX-Long: ", b"x" * 60_000),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["long lines", "many lines", "one line", "100 Continue"],
)
def test_a_head_without_an_end_is_cut_off(transport, first, line):
    sent = []

    def behave(connection, over):
        read_request(connection)
        connection.sendall(first)
        while not over.is_set():
            connection.sendall(line)
            sent.append(len(line))

    with server(behave) as (url, _), pytest.raises(Unreachable):
        transport.send("GET", url, budget=Budget(10))

    assert sum(sent) < 10_000_000


def test_a_long_head_is_read(transport):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + b"X-Long: " + b"x" * 50_000

    with server(answering(head + b"\r\n\r\n{}")) as (url, _):
        answer = transport.send("GET", url, budget=Budget(10))

    assert len(answer.headers["X-Long"]) == 50_000


def test_a_small_gzip_of_a_huge_body_is_cut_off(transport):
    bomb = gzip.compress(b"\0" * 20_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n"

    with (
        server(answering(head.encode() + bomb)) as (url, _),
        pytest.raises(Unreadable, match="more than"),
    ):
        transport.send("GET", url, budget=Budget(10))


def test_a_body_that_is_not_what_it_says_is_unreadable(transport):
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain"

    with server(answering(head)) as (url, _), pytest.raises(Unreadable):
        transport.send("GET", url, budget=Budget(10))


def self_signed(folder, name="127.0.0.1"):
    """A certificate for loopback that is its own authority; return the file of key and all."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "A bird on the wire")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address(name))]), critical=False
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


@pytest.fixture
def trusting(monkeypatch):
    """Make a transport that trusts the authority in a file."""

    def build(file):
        monkeypatch.setenv("SSL_CERT_FILE", str(file))
        tls_context.cache_clear()
        return Transport(slots=2, user_agent="test")

    yield build
    tls_context.cache_clear()


@contextlib.contextmanager
def tls_server(behave, file):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)

    def shake_hands_first(connection, over):
        with context.wrap_socket(connection, server_side=True) as secure:
            behave(secure, over)

    with server(shake_hands_first) as (url, seen):
        yield url.replace("http://", "https://"), seen


def test_https_connections_are_kept_alive_too(tmp_path, trusting):
    file = self_signed(tmp_path)
    transport = trusting(file)

    with tls_server(answering(OK, OK), file) as (url, seen):
        answers = [transport.send("GET", url, budget=Budget()) for _ in range(2)]

    assert [answer.status for answer in answers] == [200, 200]
    assert len(seen) == 1


def test_dripping_over_https_cannot_stretch_the_budget(tmp_path, trusting):
    file = self_signed(tmp_path)
    transport = trusting(file)

    with tls_server(dripping(b"HTTP/1.1 200 OK\r\n", b"X-Drip: drop\r\n"), file) as (url, _):
        took = seconds(lambda: transport.send("GET", url, budget=Budget(0.8)))

    assert took < 3


def test_a_handshake_that_never_ends_cannot_stretch_the_budget(transport):
    with server(lambda connection, over: over.wait(30)) as (url, _):
        address = url.replace("http://", "https://")
        took = seconds(lambda: transport.send("GET", address, budget=Budget(0.5)))

    assert took < 3


@pytest.mark.parametrize("name, trusted", [("127.0.0.1", False), ("127.0.0.2", True)])
def test_a_certificate_nobody_vouches_for_gets_no_token(tmp_path, trusting, name, trusted):
    file = self_signed(tmp_path, name)
    transport = trusting(file if trusted else tmp_path / "none.pem")
    heard = []

    with tls_server(lambda connection, _: heard.append(connection.recv(100)), file) as (url, _):
        seconds(lambda: transport.send("GET", url, budget=Budget(5)))

    assert heard == []


def test_a_chunk_of_less_than_nothing_is_unreadable(transport):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n"

    with server(answering(head)) as (url, _), pytest.raises(Unreadable):
        transport.send("GET", url, budget=Budget(10))


def test_a_name_is_looked_up_once(transport, monkeypatch):
    asked = []

    def fail(*args, **_kwargs):
        asked.append(args)
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", fail)

    with pytest.raises(Unreachable):
        transport.send("GET", "http://nowhere.invalid/", budget=Budget(5))

    assert len(asked) == 1


def test_a_connection_that_fails_is_tried_once_more(transport, monkeypatch):
    tried = []

    def fail(_sock, address):
        tried.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(CountdownSocket, "connect", fail)

    with pytest.raises(Unreachable):
        transport.send("POST", "http://127.0.0.1:9/", budget=Budget(5))

    assert len(tried) == 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(transport, status):
    with server(answering(OK)) as (elsewhere, reached):
        redirect = f"HTTP/1.1 {status} Go\r\nLocation: {elsewhere}\r\nContent-Length: 0\r\n\r\n"
        with server(answering(redirect.encode())) as (url, _), pytest.raises(Unreadable):
            transport.send("GET", url, headers={"Authorization": "Bearer t"}, budget=Budget(5))

    assert reached == []


@pytest.mark.parametrize("body", [b"cut", b""])
def test_a_body_shorter_than_promised_is_unreachable(transport, body):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"

    def behave(connection, _over):
        read_request(connection)
        connection.sendall(head + body)

    with server(behave) as (url, _), pytest.raises(Unreachable):
        transport.send("GET", url, budget=Budget(5))


def test_garbage_instead_of_http_is_unreachable(transport):
    with server(answering(b"\x15\x03\x01\x00\x02\x02\x0a")) as (url, _), pytest.raises(Unreachable):
        transport.send("GET", url, budget=Budget(5))


def test_cookies_of_twitter_reach_nobody_else(transport):
    requests = []

    def behave(connection, _over):
        for _ in range(2):
            requests.append(read_request(connection))
            connection.sendall(OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: guest=1; Path=/\r\n\r\n"))

    with server(behave) as (url, _):
        for _ in range(2):
            transport.send("GET", url, budget=Budget(5))

    assert not any(b"cookie" in request.lower() for request in requests)


def test_more_calls_than_slots_are_told_to_come_back(transport):
    with server(lambda connection, over: over.wait(30)) as (url, _):
        threads = [
            threading.Thread(
                target=lambda: seconds(lambda: transport.send("GET", url, budget=Budget(3)))
            )
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        time.sleep(0.2)
        with pytest.raises(Busy):
            transport.send("GET", url, budget=Budget(3))
        for thread in threads:
            thread.join(timeout=10)

    with server(answering(OK)) as (url, _):
        assert transport.send("GET", url, budget=Budget(5)).status == 200


def test_nobody_waits_for_slots_that_a_wait_was_in_vain_for(transport):
    with server(lambda connection, over: over.wait(30)) as (url, _), ThreadPoolExecutor() as pool:
        hanging = [pool.submit(transport.send, "GET", url, budget=Budget(2)) for _ in range(2)]
        with pytest.raises(Busy):
            transport.send("GET", url, budget=Budget())
        began = time.monotonic()
        for _ in range(50):
            with pytest.raises(Busy):
                transport.send("GET", url, budget=Budget())
        took = time.monotonic() - began
        assert [type(call.exception()) for call in hanging] == [Unreachable] * 2

    assert took < 1
    with server(answering(OK)) as (url, _):
        assert transport.send("GET", url, budget=Budget(5)).status == 200


def test_errors_do_not_name_what_was_sent(transport):
    with (
        server(lambda connection, _: read_request(connection)) as (url, _),
        pytest.raises(Unreachable) as caught,
    ):
        transport.send("POST", f"{url}?q=secret-q", data={"code": "secret-c"}, budget=Budget(5))

    assert "secret" not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_an_answer_does_not_show_its_body():
    from app.twitter.transport import Answer

    assert "secret" not in repr(Answer(200, {}, {"access_token": "secret"}))


def test_a_used_up_budget_arms_no_socket():
    with (
        contextlib.closing(CountdownSocket()) as sock,
        sockets.spending(Budget(0)),
        pytest.raises(TimeoutError),
    ):
        sockets._arm(sock)


@pytest.mark.loopback
def test_a_used_up_budget_connects_to_nobody():
    with sockets.spending(Budget(0)), pytest.raises(OSError, match="used up"):
        sockets._connect("127.0.0.1", 9)


# What is written


@pytest.fixture
def wire(transport):
    """Send one request to a bare socket; return its head and its body as they arrived."""

    def sent(method, **options):
        heard = []

        def behave(connection, _over):
            head, _, body = read_request(connection).partition(b"\r\n\r\n")
            length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
            while length and len(body) < int(length[1]):
                body += connection.recv(65536)
            heard.append((head.decode(), body.decode()))
            connection.sendall(OK)

        with server(behave) as (url, _):
            transport.send(method, url, budget=Budget(2), **options)
        return heard[0]

    return sent


def test_an_address_is_written_with_its_parameters(wire):
    head, body = wire("GET", params={"ids": "1,2", "q": "a b&c"})

    assert head.startswith("GET /2/thing?ids=1%2C2&q=a+b%26c HTTP/1.1\r\n")
    assert "content-length" not in head.lower()
    assert body == ""


def test_a_form_is_as_long_as_its_head_says_even_if_something_was_added(wire):
    def add(request):
        request.body += "&client_id=a"
        return request

    head, body = wire("POST", data={"code": "ü &"}, auth=add)

    assert body == "code=%C3%BC+%26&client_id=a"
    assert "\r\nContent-Type: application/x-www-form-urlencoded\r\n" in head
    assert f"\r\nContent-Length: {len(body)}" in head


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_a_request_without_a_body_says_so(wire, method):
    head, body = wire(method)

    assert "\r\nContent-Length: 0" in head
    assert body == ""


def test_a_connection_that_takes_too_long_is_a_connect_timeout(monkeypatch):
    def too_slow(host, port):
        raise TimeoutError

    monkeypatch.setattr(sockets, "_connect", too_slow)

    with pytest.raises(ConnectTimeoutError):
        sockets._Connecting("127.0.0.1", 1)._new_conn()
