"""The wire: one deadline whatever trickles in, one cap, no redirects, few calls at a time.

The servers here are bare sockets: they misbehave byte by byte.
"""

import contextlib
import gzip
import re
import socket
import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from urllib3.exceptions import ConnectTimeoutError

from app.twitter.errors import Busy, InvalidAnswer, Unreachable
from app.twitter.transport import bulkhead, deadline_sockets
from app.twitter.transport import transport as transport_module
from app.twitter.transport.deadline import Deadline
from app.twitter.transport.deadline_sockets import CountdownSocket, tls_context
from app.twitter.transport.transport import Response, Transport
from tests.waiting import until

pytestmark = pytest.mark.loopback

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
# From a server that hangs up behind it: a client that is not told may send on a dead line.
LAST = OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")


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


def dripping(first, drop, outlasted):
    """Answer a few bytes and then a few at a time, for longer than any deadline here."""

    def behave(connection, over):
        read_request(connection)
        connection.sendall(first)
        for _ in range(250):
            connection.sendall(drop)
            over.wait(0.02)
        outlasted.append(connection)

    return behave


def silent(outlasted):
    """Answer nothing, for longer than any deadline here."""

    def behave(connection, over):
        if not over.wait(5):
            outlasted.append(connection)

    return behave


def fall_silent_in_the_middle(connection, over):
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
    over.wait(5)


def hang_up(connection, over):
    read_request(connection)


def hang_up_in_the_middle(connection, over):
    read_request(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")


@pytest.fixture
def transport():
    return Transport(slots=2, user_agent="test", on_call=lambda _: None)


@pytest.fixture
def outlasted():
    """The connections whose server has seen the end of its patience, not of a deadline."""
    return []


def fail(transport, url, *, seconds=5.0, method="GET", **options):
    """Send a request that finds no answer; return the error."""
    with pytest.raises(Unreachable) as caught:
        transport.send(method, url, deadline=Deadline(seconds), **options)
    return caught.value


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
def test_bytes_that_drip_cannot_stretch_the_budget(transport, outlasted, first, drop):
    with server(dripping(first, drop, outlasted)) as (url, _):
        fail(transport, url, seconds=0.25)

    assert outlasted == []


def test_silence_ends_with_the_budget(transport, outlasted):
    with server(silent(outlasted)) as (url, _):
        fail(transport, url, seconds=0.1)

    assert outlasted == []


def test_a_budget_that_is_used_up_sends_nothing(transport):
    requests = []

    def behave(connection, _over):
        requests.append(read_request(connection))
        connection.sendall(OK)
        requests.append(read_request(connection))

    with server(behave) as (url, _):
        transport.send("GET", url, deadline=Deadline(5))
        fail(transport, url, seconds=0)
        fail(transport, url, seconds=0)

    assert len(requests) == 1


def test_connections_are_kept_alive(transport):
    with server(answering(OK, OK, OK)) as (url, seen):
        for _ in range(3):
            transport.send("GET", url, deadline=Deadline())

    assert len(seen) == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nothing_is_resent_once_a_connection_was_made(transport, method):
    with server(hang_up) as (url, seen):
        fail(transport, url, method=method, form="code=c")

    assert len(seen) == 1


def test_a_failed_call_gives_its_slot_back(transport, refusing):
    errors = [fail(transport, refusing) for _ in range(3)]

    assert [type(error) for error in errors] == [Unreachable] * 3


@pytest.fixture
def refusing():
    """An address where no connection is taken."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    return f"http://127.0.0.1:{port}/"


def test_an_endless_body_is_cut_off(transport):
    def behave(connection, over):
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n")
        while not over.is_set():
            connection.sendall(b"x" * 65536)

    with server(behave) as (url, _), pytest.raises(InvalidAnswer, match="more than 1000 bytes"):
        transport.send("GET", url, deadline=Deadline(10), max_bytes=1000)


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

    with server(behave) as (url, _):
        fail(transport, url)

    assert sum(sent) < 10_000_000


def test_a_long_head_is_read(transport):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + b"X-Long: " + b"x" * 50_000

    with server(answering(head + b"\r\n\r\n{}")) as (url, _):
        answer = transport.send("GET", url, deadline=Deadline(10))

    assert len(answer.headers["X-Long"]) == 50_000


def test_a_small_gzip_of_a_huge_body_is_cut_off(transport):
    bomb = gzip.compress(b"\0" * 20_000_000)
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(bomb)}\r\n\r\n"

    with (
        server(answering(head.encode() + bomb)) as (url, _),
        pytest.raises(InvalidAnswer, match="more than"),
    ):
        transport.send("GET", url, deadline=Deadline(10))


def test_a_body_in_another_encoding_than_named_is_unreadable(transport):
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nplain"

    with server(answering(head)) as (url, _), pytest.raises(InvalidAnswer):
        transport.send("GET", url, deadline=Deadline(10))


def general_name(name):
    with contextlib.suppress(ValueError):
        return x509.IPAddress(ip_address(name))
    return x509.DNSName(name)


def self_signed(folder, name="127.0.0.1"):
    """A certificate for `name` that is its own authority; return the file of key and all."""
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
        .add_extension(x509.SubjectAlternativeName([general_name(name)]), critical=False)
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
        return Transport(slots=2, user_agent="test", on_call=lambda _: None)

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
        answers = [transport.send("GET", url, deadline=Deadline()) for _ in range(2)]

    assert [answer.status for answer in answers] == [200, 200]
    assert len(seen) == 1


def test_dripping_over_https_cannot_stretch_the_budget(tmp_path, trusting, outlasted):
    file = self_signed(tmp_path)
    transport = trusting(file)

    drips = dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x", outlasted)
    with tls_server(drips, file) as (url, _):
        fail(transport, url, seconds=0.25)

    assert outlasted == []


def test_a_handshake_that_never_ends_cannot_stretch_the_budget(transport, outlasted):
    with server(silent(outlasted)) as (url, _):
        fail(transport, url.replace("http://", "https://"), seconds=0.1)

    assert outlasted == []


@pytest.mark.parametrize("name, trusted", [("127.0.0.1", False), ("127.0.0.2", True)])
def test_a_certificate_nobody_vouches_for_gets_no_token(tmp_path, trusting, name, trusted):
    file = self_signed(tmp_path, name)
    transport = trusting(file if trusted else tmp_path / "none.pem")
    heard = []

    with tls_server(lambda connection, _: heard.append(connection.recv(100)), file) as (url, _):
        fail(transport, url)

    assert heard == []


def test_a_chunk_of_less_than_nothing_is_unreadable(transport):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n"

    with server(answering(head)) as (url, _), pytest.raises(InvalidAnswer):
        transport.send("GET", url, deadline=Deadline(10))


def test_an_unknown_name_is_looked_up_once(transport, monkeypatch):
    asked = []

    def not_found(*args, **_kwargs):
        asked.append(args)
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", not_found)

    fail(transport, "http://nowhere.invalid/")

    assert len(asked) == 1


@pytest.mark.parametrize("host", ["a..b", f"{'a' * 64}.example"])
def test_a_name_that_can_be_none_is_not_found(transport, host):
    assert str(fail(transport, f"http://{host}/")) == "no answer (ConnectionError)"


def test_a_connection_that_fails_is_tried_once_more(transport, monkeypatch):
    tried = []

    def refuse(_sock, address):
        tried.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(CountdownSocket, "connect", refuse)

    fail(transport, "http://127.0.0.1:9/", method="POST")

    assert len(tried) == 2


@pytest.mark.parametrize("status", [302, 307])
def test_redirects_are_not_followed(transport, status):
    with server(answering(OK)) as (elsewhere, reached):
        redirect = f"HTTP/1.1 {status} Go\r\nLocation: {elsewhere}\r\nContent-Length: 0\r\n\r\n"
        with server(answering(redirect.encode())) as (url, _), pytest.raises(InvalidAnswer):
            transport.send("GET", url, headers={"Authorization": "Bearer t"}, deadline=Deadline(5))

    assert reached == []


def test_a_call_is_counted_by_its_status_or_its_error():
    calls = []
    transport = Transport(slots=1, user_agent="test", on_call=calls.append)
    unknown_encoding = OK.replace(b"\r\n\r\n", b"\r\nContent-Encoding: br\r\n\r\n", 1)
    with server(answering(OK, unknown_encoding)) as (url, _):
        transport.send("GET", url, deadline=Deadline(5))
        with pytest.raises(InvalidAnswer):
            transport.send("GET", url, deadline=Deadline(5))
        with pytest.raises(Unreachable):
            transport.send("GET", url, deadline=Deadline(0))

    assert [call.outcome for call in calls] == ["200", "unreadable", "unreachable"]


# What counts as silence


@pytest.mark.parametrize(
    "behaves, is_silence",
    [
        (silent([]), True),
        (fall_silent_in_the_middle, True),
        (hang_up, False),
        (hang_up_in_the_middle, False),
        (answering(b"HTTP/1.1 503 Trouble\r\nContent-Length: 0\r\n\r\n"), False),
        (answering(b"\x15\x03\x01\x00\x02\x02\x0a"), False),
    ],
    ids=["silent", "silent in the middle", "hung up", "cut", "in trouble", "garbage"],
)
def test_only_waiting_in_vain_is_silence(transport, monkeypatch, behaves, is_silence):
    monkeypatch.setattr(transport_module, "REAL_PATIENCE_SECONDS", 0.01)

    with server(behaves) as (url, _):
        error = fail(transport, url, seconds=0.2)

    assert error.silent is is_silence


def test_a_call_without_patience_says_nothing_about_silence(transport):
    with server(silent([])) as (url, _):
        errors = [fail(transport, url, seconds=seconds) for seconds in (0.0, 0.1)]

    assert [error.silent for error in errors] == [False, False]


def test_a_refused_connection_is_silence(transport, refusing):
    assert fail(transport, refusing).silent


# Few at a time


def test_cookies_of_twitter_are_not_kept(transport):
    requests = []

    def behave(connection, _over):
        for _ in range(2):
            requests.append(read_request(connection))
            connection.sendall(OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: guest=1; Path=/\r\n\r\n"))

    with server(behave) as (url, _):
        for _ in range(2):
            transport.send("GET", url, deadline=Deadline(5))

    assert not any(b"cookie" in request.lower() for request in requests)


def test_more_calls_than_slots_are_told_to_come_back(transport, monkeypatch):
    answer = threading.Event()
    monkeypatch.setattr(bulkhead, "MAX_WAIT_SECONDS", 0.02)

    def wait_and_answer(connection, over):
        read_request(connection)
        answer.wait(10)
        connection.sendall(LAST)

    with server(wait_and_answer) as (url, seen), ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(transport.send, "GET", url, deadline=Deadline()) for _ in range(2)]
        assert until(lambda: len(seen) == 2)
        with pytest.raises(Busy):
            transport.send("GET", url, deadline=Deadline())
        monkeypatch.setattr(bulkhead, "MAX_WAIT_SECONDS", 3600)
        with pytest.raises(Busy):  # at once: a wait was in vain already
            transport.send("GET", url, deadline=Deadline(3600))
        answer.set()
        assert [call.result().status for call in calls] == [200, 200]

        assert transport.send("GET", url, deadline=Deadline()).status == 200


def test_errors_do_not_name_what_was_sent(transport):
    with server(hang_up) as (url, _):
        error = fail(transport, f"{url}?q=secret-q", method="POST", form="code=secret-c")

    assert "secret" not in repr(error)
    assert error.__cause__ is None


def test_an_answer_does_not_show_its_body():
    assert "secret" not in repr(Response(200, {}, {"access_token": "secret"}))


def test_a_used_up_budget_arms_no_socket():
    with (
        contextlib.closing(CountdownSocket()) as sock,
        deadline_sockets.socket_deadline(Deadline(0)),
        pytest.raises(TimeoutError),
    ):
        deadline_sockets._arm(sock)


def test_a_used_up_budget_makes_no_connection():
    with deadline_sockets.socket_deadline(Deadline(0)), pytest.raises(OSError, match="used up"):
        deadline_sockets._connect("127.0.0.1", 9)


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
            transport.send(method, url, deadline=Deadline(2), **options)
        return heard[0]

    return sent


def test_an_address_is_written_with_its_parameters(wire):
    head, body = wire("GET", params={"ids": "1,2", "q": "a b&c"})

    assert head.startswith("GET /2/thing?ids=1%2C2&q=a+b%26c HTTP/1.1\r\n")
    assert "content-length" not in head.lower()
    assert body == ""


def test_a_form_is_as_long_as_its_head_says(wire):
    head, body = wire("POST", form="code=%C3%BC+%26")

    assert body == "code=%C3%BC+%26"
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

    monkeypatch.setattr(deadline_sockets, "_connect", too_slow)

    with pytest.raises(ConnectTimeoutError):
        deadline_sockets._Connecting("127.0.0.1", 1)._new_conn()
