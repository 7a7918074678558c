"""An HTTP proxy of our own, on bare sockets: what it does to one connection, for `server`."""

import contextlib
import re
import socket
import threading

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
CONNECT = re.compile(r"CONNECT \[?([^\]\s]+?)\]?:(\d+) HTTP/1\.1\r\n")


def read_head(connection):
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        piece = connection.recv(1)  # what follows is for somebody else
        if not piece:
            raise OSError("closed")
        data += piece
    return data.decode()


class HttpProxy:
    """Connects each client that knows the password, to this machine whatever the name.

    `heads` are the requests it was asked. `drops_after` bytes to the other side it hangs up.
    It `refuses` one host.
    """

    def __init__(self, *, authorization=None, drops_after=None, refuses=None):
        self.authorization = authorization
        self.refuses = refuses
        self.drops_after = drops_after
        self.heads = []

    def __call__(self, connection, over):
        head = read_head(connection)
        self.heads.append(head)
        if self.authorization and f"\r\nProxy-Authorization: {self.authorization}\r\n" not in head:
            connection.sendall(b"HTTP/1.1 407 Who is there\r\nContent-Length: 0\r\n\r\n")
            return
        host, port = CONNECT.match(head).groups()
        if host == self.refuses:
            connection.sendall(b"HTTP/1.1 403 Not there\r\nContent-Length: 0\r\n\r\n")
            return
        with socket.create_connection(("127.0.0.1", int(port))) as there:
            connection.sendall(ESTABLISHED)
            back = threading.Thread(target=pump, args=(there, connection), daemon=True)
            back.start()
            pump(connection, there, at_most=self.drops_after)
            back.join(5)


def pump(source, sink, *, at_most=None):
    """Pass on what comes, until one side hangs up or so many bytes have passed; then both end."""
    passed = 0
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
            passed += len(piece)
            if at_most is not None and passed >= at_most:
                break
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def always(answer, heads):
    """Answer each CONNECT the same, and hang up."""

    def behave(connection, _over):
        heads.append(read_head(connection))
        connection.sendall(answer)

    return behave
